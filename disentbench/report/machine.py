"""What the page says, for machines: results.json beside it, from the frames that the page shows.

Numbers have every digit; what is not known or not finite is null. docs/reading.md has the schema,
whose version is the first thing to check.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from disentbench.metrics import Value
from disentbench.report import records
from disentbench.report.checks import Check, Trouble
from disentbench.report.comparisons import Pair
from disentbench.report.context import Report
from disentbench.report.ranking import Rule
from disentbench.report.runs import Block, Choice, Key
from disentbench.storage import expected
from disentbench.storage.files import whole
from disentbench.study import Study

SCHEMA = 1


def results(
    report: Report,
    blocks: Iterable[tuple[Block, list[Pair]]],
    trouble: list[Trouble],
    checks: list[Check],
    made: list[dict],
) -> dict[str, Any]:
    """All that the page says in numbers, as plain data; `blocks` come with their comparisons."""
    rank_by, choose_by = (of.name if of else None for of in (report.rank_by, report.choose_by))
    return plain(
        {
            "schema": SCHEMA,
            "study": report.study.study,
            "identity": expected.of_page(report.study, rank_by, choose_by),
            "rule": _rule(report.rule),
            "values": {name: _value(of.value) for name, of in report.columns.items()},
            "datasets": {
                block.dataset: _dataset(report.on(block.dataset), block, pairs)
                for block, pairs in blocks
            },
            "trouble": {kind.anchor: kind.total for kind in trouble},
            "checks": [_check(check) for check in checks],
            "made_by": {
                "revisions": records.distinct(made, "revision"),
                "devices": records.distinct(made, "device"),
                "versions": records.versions(made),
            },
        }
    )


def write(path: Path, content: dict[str, Any]) -> None:
    """Write plain data as JSON, keys in alphabetical order."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    with whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _dataset(report: Report, block: Block, pairs: list[Pair]) -> dict[str, Any]:
    swept = _swept(report.study)
    levels = report.levels[block.dataset]
    return {
        "label": report.study.dataset(block.dataset).label,
        "rule": _rule(report.rule),
        "planned": block.planned,
        "needed": block.needed,
        "settings": [_setting(report, block, key, swept[key]) for key in report.settings.index],
        "best": [_key(key) for key in block.best],
        "choices": {name: _choice(choice) for name, choice in block.choice.items()},
        "comparisons": [_pair(pair) for pair in pairs],
        "levels": {name: levels[name]._asdict() for name in report.columns if name in levels},
    }


def _swept(study: Study) -> dict[Key, dict[str, Any]]:
    """What each setting sweeps."""
    return {
        (name, setting): point
        for name in study.objectives
        for (setting, _), point in zip(study.settings(name), study.sweep(name), strict=True)
    }


def _setting(report: Report, block: Block, key: Key, swept: dict[str, Any]) -> dict[str, Any]:
    """A setting with the summary of each value; n is the runs that have any value."""
    summary = {what: table.loc[key] for what, table in block.summary._asdict().items()}
    values = {name: {what: row[name] for what, row in summary.items()} for name in report.columns}
    n = [0, *(value["n"] for value in values.values())]
    words = {"label": report.settings.loc[key, "label"], "swept": swept}
    return _key(key) | words | {"n": max(n), "planned": block.planned, "values": values}


def _key(key: Key) -> dict[str, str]:
    return dict(zip(("objective", "setting"), key, strict=True))


def _choice(choice: Choice) -> dict[str, Any]:
    """What a choice on the other seeds scores, and in how many of them it is the same setting."""
    return choice._asdict() | {"key": _key(choice.key)}


def _pair(pair: Pair) -> dict[str, Any]:
    """A comparison with all that is known of it; the difference is in favour of the first."""
    ends = {"first": _key(pair.first), "second": _key(pair.second)}
    return pair._asdict() | ends | {"clear": pair.clear}


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    return None if rule is None else rule._asdict() | {"end": rule.end, "text": rule.text}


def _value(value: Value) -> dict[str, Any]:
    names = ("label", "unit", "low", "high", "better", "prominence")
    return {name: getattr(value, name) for name in names}


def _check(check: Check) -> dict[str, Any]:
    """Whether a check holds in the runs that have its values; null without such a run."""
    holds = not check.wrong if check.runs else None
    return {"text": check.text, "runs": check.runs, "holds": holds, "lines": check.wrong}


def plain(value: Any) -> Any:
    """Data of numbers, words, lists and mappings alone; what is not finite is None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple | np.ndarray | pd.Series):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)
