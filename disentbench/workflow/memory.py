"""The memory and disk that a job asks for, in MB, of what it computes; imports no torch.

They are estimates from above: networks are counted layer by layer. Pixels that are mapped from a
file are not in them: they take what the machine has to spare.
"""

from math import prod
from typing import NamedTuple

from disentbench.architectures import Dense, Layer, Shape
from disentbench.datasets import Dataset
from disentbench.recipe import Recipe
from disentbench.study.evaluation import WHOLE, Evaluate

PROGRAM = 1500  # of Python with its libraries, in MB
GPU = 2500  # of the host beside a GPU
NUMBER = 4  # bytes of a float32
# Numbers of a parameter in a step: itself, gradient, two moments, copies of them, and what of the
# member before is not given back yet.
STATES = 8
COPIES = 3  # of a parameter where a pack is joined, written and read
KEPT = 3  # of what a layer gives, while gradients are computed
CHUNK_VALUES = 2**22  # of the images that are encoded at once; see training/encode.py
MEASURED = 737_280  # images, of which 4 GB are enough for every metric
COLLECTING = 2000  # to read the scores of a study and write its table, in MB


class Network(NamedTuple):
    """How many parameters a network has, in how many tensors, and how many values it computes of
    an image."""

    parameters: int
    values: int
    tensors: int


def of_layers(layers: tuple[Layer, ...], shape: Shape) -> Network:
    """A network that takes inputs of this shape."""
    parameters, values, tensors = 0, prod(shape), 0
    for layer in layers:
        if weight := layer.weight_shape(shape):
            parameters += prod(weight) + prod(layer.bias_shape(shape))
            tensors += 2
        shape = layer.out_shape(shape)
        values += prod(shape)
    return Network(parameters, values, tensors)


def of_model(recipe: Recipe) -> Network:
    """The encoder and decoder of one member together: what model.pt holds."""
    channels, *sides = recipe.dataset.image_shape
    last = Dense(2 * recipe.latents + classes(recipe))
    shown = (recipe.likelihood.outputs * channels, *sides)
    encoder = of_layers((*recipe.architecture.encoder(), last), recipe.dataset.image_shape)
    return both(encoder, of_layers(recipe.architecture.decoder(shown), (code_size(recipe),)))


def of_recipe(recipe: Recipe) -> Network:
    """The model of one member and its critic, if there is one."""
    model, code = of_model(recipe), code_size(recipe)
    critic = recipe.objective.critic(code)
    return both(model, of_layers(critic.layers, (code,))) if critic else model


def both(one: Network, other: Network) -> Network:
    """Two networks as one."""
    return Network(*(a + b for a, b in zip(one, other, strict=True)))


def classes(recipe: Recipe) -> int:
    """The classes of all discrete groups together."""
    return sum(recipe.objective.structure().discrete.values())


def code_size(recipe: Recipe) -> int:
    """The width of a code: Gaussian latents and all classes."""
    return recipe.latents + classes(recipe)


def packed(dataset: Dataset) -> int:
    """The bytes of images that are read into memory: the binary ones."""
    return dataset.bytes if dataset.packed else 0


def encoded(recipe: Recipe, evaluate: Evaluate = WHOLE) -> int:
    """The bytes of what one run encodes: mean, logvar and distortion, and logits of classes."""
    latents = evaluate.number_bytes * (2 * recipe.latents + classes(recipe))
    return evaluate.count(recipe.dataset) * (latents + NUMBER)


def data(dataset: Dataset) -> int:
    """To make or read images, which come in blocks unless they are binary."""
    return _mb(2 * packed(dataset) + 32 * dataset.size * len(dataset.factors))


def training(recipe: Recipe, threads: int) -> int:
    """To train a pack, as many members side by side as there are threads."""
    network, members = of_recipe(recipe), len(recipe.pack.seeds)
    batch = recipe.training.batch_size * recipe.objective.structure().batches
    step = threads * (STATES * network.parameters + KEPT * batch * network.values)
    joined = COPIES * members * network.parameters
    return GPU + _mb(packed(recipe.dataset) + NUMBER * (step + joined))


def encoding(recipe: Recipe, evaluate: Evaluate = WHOLE) -> int:
    """To encode a data set, a chunk of its images at a time, member after member.

    A run is float32 until it is written. With a part of the images comes noise for all between.
    """
    network, members = of_recipe(recipe), len(recipe.pack.seeds)
    chunk = max(1, CHUNK_VALUES // prod(recipe.dataset.image_shape)) * network.values
    held = NUMBER * (COPIES * members * network.parameters + 2 * chunk)
    run = encoded(recipe, evaluate.part)
    between = encoded(recipe) if run < encoded(recipe) else 0
    return GPU + _mb(packed(recipe.dataset) + 4 * run + between + held)


def measuring(*datasets: Dataset, evaluate: Evaluate = WHOLE) -> int:
    """To compute a metric of the runs on these data sets, or a page of them."""
    return max(4000, 4000 * max(map(evaluate.count, datasets)) // MEASURED)


def disk(size: int) -> int:
    """To write so many bytes."""
    return 100 + size // 10**6


def _mb(size: int) -> int:
    return PROGRAM + size // 10**6
