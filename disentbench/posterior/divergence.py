"""When a run counts as diverged: the one rule, for its training and for what it encodes.

A run has diverged if

- a term of its loss was no number, or infinite, in a window of the history; or
- after the last step its loss, on the last batch, is no number or more than `WORSE` times that of
  its own untrained network on the same batch with the same noise (or of that network's distortion,
  where this is more: a weighted estimate may put a loss near zero); or
- its mean, logvar, logits or distortion of an image is not finite, or a mean beyond `LARGEST`.

An untrained network knows nothing and says so: of Bernoulli pixels its loss is about their number
times log 2, and whatever learns ends below. A run that collapsed ends near the best constant image,
below too; one that is merely bad ends within the factor. They have not diverged, nor has one whose
posteriors became as narrow as a float allows (beta = 0 does that): their scores are what they are.

A density has no natural zero: its distortions, and so losses, count from that of an image which is
decoded exactly, and as what they are at least compared with stands the logarithm of 2 for each
value, with which Bernoulli's begin.

A run that diverged has no scores: its latents are kept as NaN.
"""

import math

import numpy as np

from disentbench.posterior.representation import LARGEST

WORSE = 10.0


def blown_up(
    loss: float, untrained: float, distortion: float, ends: tuple[float, float] = (0.0, 0.0)
) -> bool:
    """Whether a training ended far worse than it began, or in no number.

    `loss` is that of the trained parameters, `untrained` and its `distortion` those of the
    parameters before the first step, all on the same batch with the same noise. All of them count
    from the first of `ends`, the distortion of an image that is decoded exactly; no loss within
    WORSE times the second of that is a divergence.
    """
    least, bar = ends
    most = WORSE * max(abs(untrained - least), distortion - least, bar)
    return not math.isfinite(loss) or not loss - least <= most


def beyond(mean: np.ndarray, *others: np.ndarray) -> bool:
    """Whether what a run encodes, means and all else, is beyond what a representation can hold."""
    finite = all(np.isfinite(values).all() for values in (mean, *others))
    return not finite or bool(np.abs(mean).max(initial=0) > LARGEST)
