"""What a run left of its training, in few bytes: small curves and the last lines of its log."""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8

from disentbench.posterior import terms
from disentbench.recipe import Pack
from disentbench.report import records
from disentbench.storage.layout import StudyFolder
from disentbench.storage.plain_data import printable

TERMS = {
    terms.DISTORTION.name: "distortion",
    terms.RATE.trained: "rate",
    "loss": "loss, of the objective’s own",
}
POINTS = 48  # of a curve
MISSING = 255  # the byte of a point that is no number
STRETCH = 20  # a curve whose ends are so many times apart is drawn on a logarithmic scale
CURVES = 4_000  # runs that have curves at most
LINES, LINE, TAIL = 4, 300, 4_096  # of a log: lines, characters of one, bytes that are read
LOGS = 500_000  # bytes of all logs together


class Sketch(NamedTuple):
    """A curve from `low` to `high` in steps of 1 / 254, as base64; by logarithm if `log`."""

    low: float
    high: float
    log: bool
    bytes: str


def sketch(values: Float[np.ndarray, " step"]) -> Sketch | None:
    """A curve at no more than 48 steps, evenly chosen; None where no value is a number."""
    kept = values[chosen(len(values))]
    finite = kept[np.isfinite(kept)]
    if not len(finite):
        return None
    low, high = float(finite.min()), float(finite.max())
    log = low > 0 and high > STRETCH * low
    scale = np.log if log else np.asarray
    points = _quantised(*(np.asarray(scale(v), float) for v in (kept, low, high)))
    return Sketch(_brief(low), _brief(high), log, base64.b64encode(points.tobytes()).decode())


def _quantised(
    values: Float[np.ndarray, " step"], low: np.ndarray, high: np.ndarray
) -> UInt8[np.ndarray, " step"]:
    share = (values - low) / (high - low if high > low else 1.0)
    share = np.where(np.isfinite(values), np.clip(share, 0, 1) * (MISSING - 1), MISSING)
    return np.rint(share).astype(np.uint8)


def chosen(steps: int) -> np.ndarray:
    """Which of so many steps a curve keeps: the first, the last, and others evenly between."""
    return np.unique(np.linspace(0, steps - 1, min(steps, POINTS)).round().astype(int))


def _brief(number: float) -> float:
    return float(f"{number:.5g}")


def curves(files: StudyFolder, packs: Iterable[Pack], most: int = CURVES) -> dict[str, Any]:
    """The curves of the first runs: {"runs": {name of a run: ...}, "steps": ..., "left_out": n}."""
    steps: dict[tuple[int, ...], int] = {}
    runs: dict[tuple, list] = {}
    left_out = 0
    for pack in packs:
        if len(runs) + len(pack.seeds) > most:
            left_out += len(pack.seeds)
        elif (losses := records.history(files.pack(pack))) is not None:
            runs |= _of_pack(pack, losses, steps)
    return {"runs": runs, "steps": [list(kept) for kept in steps], "left_out": left_out}


def _of_pack(pack: Pack, losses: pd.DataFrame, steps: dict[tuple[int, ...], int]) -> dict:
    """By run: which steps its curves have, and each term's sketch."""
    of_seeds = {}
    for seed, run in losses.groupby("seed"):
        kept = tuple(int(step) for step in run["step"].to_numpy()[chosen(len(run))])
        sketches = [sketch(run[term].to_numpy(float)) if term in run else None for term in TERMS]
        place = steps.setdefault(kept, len(steps))
        of_seeds[*pack.of, int(seed)] = [place, *sketches]
    return of_seeds


def logs(files: StudyFolder, packs: Iterable[Pack], most: int = LOGS) -> dict[str, Any]:
    """The last lines of each pack's log of training, by its path, until they weigh too much."""
    texts: dict[str, str] = {}
    weight = left_out = 0
    for pack in packs:
        lines = tail(files.pack(pack).log("train")) if weight <= most else ""
        weight += len(lines.encode())
        if weight > most:
            left_out += len(pack.seeds)
        elif lines:
            texts[pack.path] = lines
    return {"packs": texts, "left_out": left_out}


def tail(path: Path) -> str:
    """The last four lines of a log, empty where it is gone; what cannot be printed is named."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        text = file.read().decode(errors="replace")
    lines = [line for line in text.replace("\r", "\n").split("\n") if line.strip()]
    return "\n".join(printable(line)[:LINE] for line in lines[-LINES:])
