"""Where strengths stand on an axis, and objectives beside them."""

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

LETTER = 4.3  # points that a letter of a tick takes


class Scale:
    """Where strengths stand on an axis: logarithmic where they span more than a factor of four."""

    def __init__(self, strengths: np.ndarray):
        self.values = np.unique(strengths)
        low, high = self.values[0], self.values[-1]
        self.logarithmic = low > 0 and high / low > 4
        at = self(self.values)
        self.gap = float(np.diff(at).min()) if len(at) > 1 else 1.0

    def __call__(self, strengths: ArrayLike) -> np.ndarray:
        strengths = np.asarray(strengths, float)
        return np.asarray(np.log2(strengths)) if self.logarithmic else strengths


def strengths(settings: pd.DataFrame, key: str) -> np.ndarray:
    """The strengths that an axis spans: those swept, and beta = 1 where the VAE stands."""
    if key == "":
        return np.arange(settings.index.get_level_values("objective").nunique(), dtype=float)
    reference = (settings["key"] == "") & (key == "beta")
    return settings.loc[(settings["key"] == key) | reference, "x"].dropna().to_numpy()


def beside(scale: Scale, key: str, place: int, x: float) -> float:
    """Where the runs stand of an objective that sweeps nothing."""
    if key == "":
        return float(place)
    if key == "beta" and np.isfinite(x):
        return float(scale(x))
    return float(scale(scale.values[0])) - (0.3 - 0.1 * place) * scale.gap


def dodged(objectives: int, scale: Scale, *, many: bool = False) -> np.ndarray:
    """How far each objective stands beside the strength, so that points do not cover others.

    The bars of many runs stand a little farther.
    """
    widest, room = (0.16, 0.72) if many else (0.09, 0.5)
    step = min(widest, room / max(objectives, 1)) * scale.gap
    return (np.arange(objectives) - (objectives - 1) / 2) * step


def tick(value: float, digits: int = 4) -> str:
    """A number at a tick: so many significant digits, an exponent only where it is far from 1."""
    value = float(f"{value:.{digits - 1}e}")
    if value and not 1e-4 <= abs(value) < 1e6:
        text = np.format_float_scientific(value, trim="-", exp_digits=1).replace("e+", "e")
    else:
        text = np.format_float_positional(value, trim="-")
    return text.replace("-", "−")


def plain(axis: Axis) -> None:
    """Have an axis say each number itself, without an offset or a common power of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, 6)))


def apart(at: np.ndarray, texts: list[str], points: float) -> list[int]:
    """Which of some labels, in their order from 0 to 1 along so many points, cover no other.

    The first and the last are among them, if they do not cover each other.
    """
    half = np.array([LETTER * (len(text) + 1) / 2 for text in texts])
    low, high = points * at - half, points * at + half
    kept = [0]
    for place in range(1, len(texts)):
        if low[place] >= high[kept[-1]]:
            kept.append(place)
    last = len(texts) - 1
    if kept[-1] != last and low[last] >= high[0]:
        kept = [place for place in kept if high[place] <= low[last]] + [last]
    return kept
