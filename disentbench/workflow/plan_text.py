"""A plan in words for the terminal, and as JSON for machines."""

import json
from collections.abc import Mapping
from typing import Any

from disentbench.results.status_text import duration
from disentbench.workflow.hours import Hours
from disentbench.workflow.plan import Disk, Plan, Seen

UNTIMED = (
    "not told without a throughput: --measure trains some steps here, --images-per-second N says "
    "it, --device NAME looks it up in benchmarks/RESULTS.md"
)
UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
COLUMN = 9


def text(plan: Plan) -> str:
    """A plan to be read."""
    every = plan.jobs
    lines = [
        plan.study,
        _line("runs", f"{plan.runs:,} in {plan.packs:,} packs"),
        _line("jobs", f"{every.total():,}: {_listed(every, '{:,}'.format)}"),
        _line("left", _left(plan)),
        *(_line("images", _seen(name, seen)) for name, seen in plan.images.items()),
        _line("disk", f"{size(plan.disk.total)}: {_listed(plan.disk.needed, size)}"),
        _line("", _room(plan.disk)),
        _line("memory", f"of a rule's largest job: {_listed(plan.memory, _memory)}"),
    ]
    first, *others = _hours(plan)
    return "\n".join([*lines, _line("hours", first), *(_line("", words) for words in others)])


def _line(title: str, words: str) -> str:
    return f"{title:{COLUMN}}{words}"


def _listed(amounts: Mapping[str, int], said: Any) -> str:
    return ", ".join(f"{name} {said(amount)}" for name, amount in amounts.items())


def _left(plan: Plan) -> str:
    if not plan.left:
        return "nothing: all is done"
    if plan.left == plan.jobs:
        return "all of them"
    return f"{plan.left.total():,}: {_listed(plan.left, '{:,}'.format)}"


def _seen(name: str, seen: Seen) -> str:
    part = "all" if seen.evaluated == seen.made else f"{seen.evaluated:,}"
    words = f"{name}: {seen.made:,}, of which {part} are evaluated"
    if seen.absent:
        first, *others = seen.absent
        files = f"{first} and {len(others)} more are" if others else f"{first} is"
        words += f"; {files} not there yet: {seen.remedy}"
    return words


def _room(disk: Disk) -> str:
    """Whether what is left to be written has room."""
    if disk.fits:
        return f"{size(disk.left)} to be written, and {size(disk.free)} are free"
    words = f"it needs {size(disk.left)} and {size(disk.free)} are free; "
    if disk.remedy is None:
        return f"{words}no choice of `evaluate` would do: take another disk, or fewer runs"
    evaluate, total = disk.remedy
    changed = evaluate.model_dump(exclude_defaults=True)
    keys = ", ".join(f"{key}: {value}" for key, value in changed.items())
    return f"{words}`evaluate: {{{keys}}}` would make it {size(total)}"


def _hours(plan: Plan) -> list[str]:
    """The time of the trainings, of all and of what is left of them."""
    if plan.hours is None:
        return [UNTIMED]
    every, left = plan.hours
    words = [f"training takes {_told(every)}"]
    if left.alone < every.alone:
        words.append(f"of which {_told(left)} are left" if left.alone else "all of it is done")
    rates = [f"{rate:,.0f}" for rate in (every.slowest, every.fastest)]
    words.append(f"at {' to '.join(dict.fromkeys(rates))} images a second, {every.source}")
    return [*words, "encoding and scoring come on top"]


def _told(hours: Hours) -> str:
    one = "GPU" if hours.whole else "core"
    words = f"{_time(hours.alone)} of one {one}"
    return words if hours.at_once == 1 else f"{words}, {_time(hours.wall)} with {hours.at_once:,}"


def _time(hours: float) -> str:
    """Hours as they are paid for, or less in smaller units."""
    return f"{hours:,.0f} h" if hours >= 10 else duration(3600 * hours)


def size(count: float) -> str:
    """Bytes in three digits or so."""
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:.{0 if count >= 10 * unit else 1}f} {name}"
    return f"{count:.0f} bytes"


def _memory(megabytes: int) -> str:
    return size(megabytes * 10**6)


def machine(plan: Plan) -> str:
    """A plan as JSON, in bytes, MB of memory and hours; null where something is not known."""
    found = plan.disk
    remedy = found.remedy and {"evaluate": found.remedy[0].model_dump(), "bytes": found.remedy[1]}
    content = {
        "study": plan.study,
        "runs": plan.runs,
        "packs": plan.packs,
        "jobs": plan.jobs,
        "left": plan.left,
        "images": {name: seen._asdict() for name, seen in plan.images.items()},
        "disk": found._asdict() | {"total": found.total, "left": found.left, "remedy": remedy},
        "memory_mb": plan.memory,
        "hours": plan.hours
        and dict(zip(("all", "left"), (part._asdict() for part in plan.hours), strict=True)),
    }
    return json.dumps(content, indent=1)
