"""What Snakemake says on the terminal while a study runs: a line for each job that has ended."""

import logging
from typing import Any


class JobLines(logging.Formatter):
    """A line for each job that has ended; all else as Snakemake has it."""

    def __init__(self, usual: logging.Formatter | None):
        super().__init__()
        self.usual = usual or logging.Formatter()
        self.jobs: dict[int, str] = {}  # those that have begun, by Snakemake's number
        self.ended = ""

    def format(self, record: Any) -> str:
        if getattr(record, "event", None) != "progress":
            return self.usual.format(record)
        return f"{record.done} of {record.total} done: {self.ended}"

    def filter(self, record: Any) -> bool:
        """Whether a record is for the terminal; who begins and ends is noted."""
        event = getattr(record, "event", None)
        if event == "job_info":
            self.jobs[record.jobid] = " ".join([record.rule_name, *record.output[:1]])
        if event == "job_finished":
            self.ended = self.jobs.pop(record.job_id, "")
        return event not in FOR_THE_LOG and record.msg != "Select jobs to execute..."


FOR_THE_LOG = (
    *("workflow_started", "resources_info", "job_started", "job_info", "job_finished"),
    *("group_info", "shellcmd"),
)


def say_little(logger: logging.Logger) -> None:
    """Have Snakemake's terminal show what has ended or failed; its log file has it all."""
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler" and not isinstance(handler.formatter, JobLines):
            progress = JobLines(handler.formatter)
            handler.setFormatter(progress)
            handler.addFilter(progress)
