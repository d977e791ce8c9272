"""HFS-VAE: the support of the codes is drawn to the product of the latents' supports."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from disentbench.objectives import Loss, Objective, Structure, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from disentbench.objectives._terms import Terms

Count = Annotated[int, Field(ge=1, le=1000)]


class HFSVAE(Objective):
    """-log p(x|z) + beta KL(q(z|x) || p(z)) + gamma HFS(mean).

    HFS is the Hausdorff distance of the batch's means from their factorised support, estimated on
    random pairs of latents: each pair's values in the batch are recombined at random, and the
    recombination that is farthest from every image counts, by its squared distance from the
    nearest; the sum over pairs. Recombinations have gradients, too.
    """

    label = "HFS-VAE"
    reference = "Roth et al. 2023"

    gamma: Weight
    beta: Weight = 1.0
    pairs: Count = 25
    recombinations: Count = 100

    def structure(self) -> Structure:
        chosen = (self.recombinations, self.pairs, 2)
        return Structure(
            estimator=None,
            least_batch=2,
            normals={"pairs": ("latent", "latent"), "recombinations": chosen},
        )

    def loss(self, terms: "Terms", step: "Tensor") -> Loss:
        mean = terms.posterior.mean
        first, second = random_pairs(terms.normals["pairs"], self.pairs)
        shares = uniform(terms.normals["recombinations"])
        distance = hfs(mean[:, first], mean[:, second], shares)
        minimised = terms.distortion + self.beta * terms.rate + self.gamma * distance
        return Loss(minimised, shown={"hfs": distance})


def hfs(first: "Tensor", second: "Tensor", shares: "Tensor") -> "Tensor":
    """The distance of codes from their factorised support, pair by pair of latents.

    `first` and `second` are the values [image, pair] of a pair's latents; `shares` [recombination,
    pair or more, 2], uniform in [0, 1], choose the images whose values are recombined.
    """
    squares = apart(first, shares[..., 0]) + apart(second, shares[..., 1])
    return squares.amin(1).amax(0).sum()


def apart(values: "Tensor", shares: "Tensor") -> "Tensor":
    """Squares of chosen values less every image's [recombination, image, pair]."""
    images, pairs = values.shape
    rows = (shares[:, :pairs] * images).long().clamp(max=images - 1)
    return (values.gather(0, rows)[:, None] - values).square()


def random_pairs(normals: "Tensor", most: int) -> "tuple[Tensor, Tensor]":
    """The latents of at most so many pairs, chosen by normals [latent, latent], each once."""
    latents = len(normals)
    below = normals.new_ones(latents, latents).tril() > 0
    ranks = normals.masked_fill(below, -float("inf")).flatten()
    places = ranks.topk(min(most, latents * (latents - 1) // 2)).indices
    return places.div(latents, rounding_mode="floor"), places % latents


def uniform(normals: "Tensor") -> "Tensor":
    """Standard normals as numbers uniform in [0, 1]: their distribution function."""
    return (1 + (normals.double() / 2**0.5).erf()) / 2


objective = HFSVAE
