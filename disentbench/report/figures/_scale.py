"""Where strengths stand on an axis, and objectives beside them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


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
        return np.log2(strengths) if self.logarithmic else strengths


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


def dodged(objectives: int, scale: Scale) -> np.ndarray:
    """How far each objective stands beside the strength, so that points do not cover others."""
    step = min(0.09, 0.5 / max(objectives, 1)) * scale.gap
    return (np.arange(objectives) - (objectives - 1) / 2) * step
