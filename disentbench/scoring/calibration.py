"""What chance and a perfect code score on given factors: the ends of a value's scale."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Int

from disentbench import plugins
from disentbench.errors import UserError
from disentbench.posterior.from_arrays import represent
from disentbench.posterior.representation import Representation
from disentbench.scoring.scores import file_of, lacks, measure, needs
from disentbench.seeds import generator


def calibrate(
    factors: Int[np.ndarray, "image factor"], metrics: Sequence[str] | None = None, seed: int = 0
) -> pd.DataFrame:
    """What chance and a perfect code score on these very factors: columns metric, chance, perfect.

    The perfect code has one latent for each factor that varies, its class on a scale of unit
    variance, known to a twentieth of the step between classes. Chance is the same code with its
    rows shuffled, which of codes in groups is the same: a principal component sees no order of
    rows. Metrics that look at no factors have neither, nor those that need what such a code lacks.
    """
    names = plugins.names("metrics") if metrics is None else map(file_of, metrics)
    supervised = [name for name in dict.fromkeys(names) if "factors" in needs(name)]
    columns = ["metric", "chance", "perfect"]
    if not supervised:
        return pd.DataFrame(columns=columns)
    perfect = _perfect(factors)
    shuffled = generator(seed, "chance").permutation(len(factors))
    assert perfect.logvar is not None
    chance = replace(perfect, mean=perfect.mean[shuffled], logvar=perfect.logvar[shuffled])
    rows = [
        (key, by_chance, measure(name, perfect, seed).values[key])
        for name in supervised
        if not lacks(name, perfect)
        for key, by_chance in measure(name, chance, seed).values.items()
    ]
    return pd.DataFrame(rows, columns=columns)


def _perfect(factors: Int[np.ndarray, "image factor"]) -> Representation:
    varying = factors[:, factors.min(0) < factors.max(0)].astype(float)
    if not varying.size:
        raise UserError("no factor has more than one class; chance and perfection need one")
    scale = varying.std(0)
    width = np.broadcast_to(2 * np.log(0.05 / scale), varying.shape)
    return represent((varying - varying.mean(0)) / scale, factors, logvar=width)
