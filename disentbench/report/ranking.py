"""By which value objectives are ranked and the setting of each is chosen."""

from typing import NamedTuple

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.metrics import Metric, Value
from disentbench.posterior import terms
from disentbench.report.text import listed


class Shown(NamedTuple):
    """A value that the report shows, with the metric that gives it."""

    value: Value
    metric: Metric | None

    @property
    def shared(self) -> bool:
        """Whether it compares runs, so that these are not independent."""
        return self.value.name in plugins.shared_values()


class Chooser(NamedTuple):
    """The value by which each objective's setting is chosen."""

    name: str
    label: str
    sign: int  # +1: the highest mean is chosen, -1: the lowest
    shared: bool  # whether runs share in it, so that it sees them all

    @property
    def end(self) -> str:
        """Which end of the value is chosen."""
        return "highest" if self.sign > 0 else "lowest"


class Rule(NamedTuple):
    """By which value objectives are ranked, and by which the best setting of each is chosen."""

    name: str
    label: str
    sign: int  # +1: the highest mean is best, -1: the lowest
    ties: bool  # whether the lower total correlation decides between equal means
    shared: bool  # whether runs share in it, so that over seeds it has no interval and no p
    unit: str
    by: Chooser

    @property
    def end(self) -> str:
        """Which end of the value is the better."""
        return "highest" if self.sign > 0 else "lowest"

    @property
    def blind(self) -> bool:
        """Whether the choice of a setting does not look at the value that ranks."""
        return self.by.name != self.name

    @property
    def needs(self) -> str:
        """What a run must have to count."""
        return f"{self.label} and {self.by.label}" if self.blind else self.label

    @property
    def text(self) -> str:
        ties = "; ties go to the lower total correlation" if self.ties else ""
        ranked = f"; objectives are ranked by the {self.end} mean {self.label}" * self.blind
        return f"{self.by.end} mean {self.by.label} over the runs that have one{ties}{ranked}"


def rule(
    values: dict[str, Shown], rank_by: str | None = None, choose_by: str | None = None
) -> Rule | None:
    """Which value ranks and which chooses: those asked for, where they are among the values.

    Else the most prominent that has a better end ranks, and the one that ranks chooses. None if no
    value has a better end.
    """
    directed = directions(values)
    if not directed:
        return None
    name = rank_by if rank_by in directed else directed[0]
    by = choose_by if choose_by in directed else name
    value, sign, chooser = values[name].value, _sign(values[name]), values[by]
    ties, shared = terms.TOTAL_CORRELATION.name in values, values[name].shared
    chosen_by = Chooser(by, chooser.value.label, _sign(chooser), chooser.shared)
    return Rule(name, value.label, sign, ties, shared, value.unit, chosen_by)


def directions(values: dict[str, Shown]) -> list[str]:
    """The values that have a better end, the most prominent first."""
    return [name for name, shown in values.items() if shown.value.better != "neither"]


def _sign(shown: Shown) -> int:
    return 1 if shown.value.better == "higher" else -1


def require_directed(values: dict[str, Shown], option: str, name: str | None) -> None:
    """Refuse a value that the study does not have, or that has no better end."""
    directed = directions(values)
    if name is None or name in directed:
        return
    wrong = "has no better end" if name in values else "is no value of this study"
    options = f"choose from {', '.join(sorted(directed))}" if directed else "none of them has one"
    raise UserError(f"{option} {name}: it {wrong}; {options}")


def rule_text(rules: dict[str, Rule | None]) -> str:
    """By what the best settings of each data set are chosen; empty where nothing ranks."""
    datasets: dict[str, list[str]] = {}
    for dataset, chosen in rules.items():
        datasets.setdefault(chosen.text if chosen else "", []).append(dataset)
    texts = [text for text in datasets if text]
    if len(texts) < 2:
        return "".join(texts)
    return ", and ".join(f"on {listed(datasets[text])} {text}" for text in texts)
