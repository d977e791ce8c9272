"""How far a study is, in words for the terminal."""

from collections import Counter

from disentbench.results.lists import titled
from disentbench.results.status import STATES, PackProgress, Status

SHOWN = 20  # lines of a list; the rest is counted


def text(status: Status) -> str:
    """A status to be read."""
    parts = [status.study, *_table(status.jobs)]
    if not status.folder.is_dir():
        parts += ["", f"{status.folder} is not there; --results names the folder above it"]
    parts += _list("training now", [_now(entry) for entry in status.running])
    parts += _list("stopped, to be resumed", [_far(entry) for entry in status.stopped])
    if status.trainings:
        parts += ["", _time_left(status)]
    parts += _list("made with other settings, to be made anew", status.other)
    parts += _other_code(status)
    if status.cut:
        cut = f"{status.cut:,} runs exist in packs of another size"
        parts += ["", f"{cut}; with this `pack` they are trained anew"]
    failures = [f"{entry.log}: {shortened(entry.words)}" for entry in status.failures]
    return "\n".join([*parts, *_list("failed", failures)])


def _other_code(status: Status) -> list[str]:
    stages = [f"{stage} {count:,}" for stage, count in status.code.items() if count]
    if not stages:
        return []
    return ["", f"made by other code: {', '.join(stages)}; `snakemake -n` says what it makes anew"]


def _table(jobs: dict[str, Counter]) -> list[str]:
    rows = [("", *STATES)] + [
        (stage, *(str(states[state] or "-") for state in STATES)) for stage, states in jobs.items()
    ]
    return [f"{stage:8}" + "".join(f"{cell:>10}" for cell in cells) for stage, *cells in rows]


def _list(title: str, lines: list[str]) -> list[str]:
    """A titled list after an empty line; nothing if there is nothing in it."""
    return ["", *titled(title, lines, SHOWN)] if lines else []


def _far(training: PackProgress) -> str:
    return (
        f"{training.pack.path}: {100 * training.done // training.total} %, "
        f"{training.done:,} of {training.total:,} steps"
    )


def _now(training: PackProgress) -> str:
    if training.rate is None:
        return f"{_far(training)}, not yet timed"
    left = duration(training.left / training.rate)
    return f"{_far(training)}, {training.rate:,.1f} a second, {left} left"


def _time_left(status: Status) -> str:
    if status.seconds_left is not None:
        left, timed = duration(status.seconds_left), len(status.timed)
        return f"time left for all trainings: {left}, at the rate of the {timed} that run now"
    if status.running:
        return "time left for all trainings: unknown until those that run now are timed"
    return "time left for all trainings: unknown, none runs now"


def duration(seconds: float) -> str:
    """A time in its two largest units."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def shortened(words: str, most: int = 160) -> str:
    return words if len(words) <= most else f"{words[:most]} ..."
