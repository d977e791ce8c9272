"""What every part of the report is made from."""

from typing import NamedTuple

import pandas as pd

from disentbench.metrics import Value
from disentbench.report import ranking
from disentbench.report import runs as run_tables
from disentbench.report.levels import Levels
from disentbench.report.ranking import Rule, Shown
from disentbench.report.runs import Key
from disentbench.report.style import Look
from disentbench.storage.layout import ReportFolder, StudyFolder
from disentbench.study import Study


class Report(NamedTuple):
    """What every part of the report is made from."""

    study: Study
    files: StudyFolder
    folder: ReportFolder
    settings: pd.DataFrame
    values: dict[str, Shown]
    columns: dict[str, Shown]  # the values that tables and figures show
    rule: Rule | None
    looks: dict[str, Look]
    levels: dict[str, Levels]  # by data set
    scores: pd.DataFrame  # of every run that was planned, whatever they are
    estimators: dict[Key, str | None]  # of each setting's training
    rank_by: Value | None = None  # what was asked for in place of the most prominent
    choose_by: Value | None = None  # what was asked for in place of the one that ranks

    def on(self, dataset: str) -> "Report":
        """The report with what can be measured on a data set alone, and the rule of that."""
        gone = run_tables.unmeasured(self.study, dataset)
        values, columns = (
            {name: shown for name, shown in known.items() if name not in gone}
            for known in (self.values, self.columns)
        )
        rank_by, choose_by = (v.name if v else None for v in (self.rank_by, self.choose_by))
        rule = ranking.rule(values, rank_by, choose_by)
        return self._replace(values=values, columns=columns, rule=rule)

    @property
    def chosen(self) -> Rule:
        """The rule, which there is wherever a setting is best."""
        assert self.rule is not None
        return self.rule

    @property
    def labels(self) -> dict[str, str]:
        """The objectives' labels by the study's names."""
        return self.settings["label"].groupby(level="objective", sort=False).first().to_dict()
