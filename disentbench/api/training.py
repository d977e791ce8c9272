"""Train one run in this process, by the code that the workflow trains with."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike

from disentbench.api.numbers import require_whole
from disentbench.api.pixels import as_dataset
from disentbench.api.recipes import Named, recipe_of
from disentbench.api.trained import TrainedVAE
from disentbench.datasets import promised
from disentbench.errors import UserError
from disentbench.recipe import Recipe
from disentbench.storage.images import Images
from disentbench.storage.layout import CheckpointFolder
from disentbench.training import devices, loop
from disentbench.training.progress import Progress


def train(
    recipe: Recipe | str | Path | dict[str, Any] | None = None,
    *,
    dataset: Named = None,
    images: ArrayLike | None = None,
    factors: ArrayLike | None = None,
    factor_names: Sequence[str] = (),
    objective: Named = None,
    architecture: Named = None,
    likelihood: Named = None,
    latents: int | None = None,
    training: dict[str, Any] | None = None,
    seed: int | None = None,
    threads: int = 1,
    progress: bool = False,
    **options: Any,
) -> TrainedVAE:
    """Train a VAE; the numbers are those of the workflow's run of this recipe and seed.

    By keywords: `dataset` (dsprites_small), `objective` (vae), `architecture`
    (conv_locatello2019) and `likelihood` (bernoulli) are names that `disentbench list` has, or
    options with the name as `of`, as a study writes them; `latents` is 10. All other keywords are
    options of the objective (`beta`) and of training (`steps`, which must be there, `batch_size`,
    `learning_rate`); what both have goes into `objective` or `training` as a mapping.

    `images` may take the place of `dataset`: [image, height, width] or [image, height, width,
    channel] of one channel or three; bytes from 0 to 255, floats from 0 to 1, which are kept as
    the nearest of 256 shades, or true and false. With them may come `factors` [image, factor],
    whole numbers or text, and their names.

    Or by `recipe`, a study of a single pack: a path, a text, a mapping or a `Recipe`; `seed` then
    names the run that is trained.

    On a CPU it computes with so many `threads`; with one, bit for bit what a workflow does. A GPU
    is used where there is one. `progress` prints how far it is. Raises a UserError (a ValueError)
    for what does not exist or fit.

    >>> import disentbench
    >>> model = disentbench.train(
    ...     dataset={"of": "dsprites_small", "posX": [0, 8], "posY": [0, 8]},
    ...     objective="beta_tcvae", beta=4, architecture={"of": "mlp_chen2018", "hidden": 8},
    ...     latents=3, steps=5, batch_size=8, seed=1,
    ... )
    >>> model
    TrainedVAE(beta_tcvae/beta-4 on dsprites_small, seed 1, 3 latents)
    >>> model.history["step"].tolist()
    [1, 2, 3, 4, 5]
    """
    require_whole(1, threads=threads)
    said, held = dataset, None
    if images is not None:
        if dataset is not None or recipe is not None:
            raise UserError("images are a data set of their own; leave out dataset and recipe")
        said, held = as_dataset(images, factors, factor_names)
    elif factors is not None or len(factor_names):
        raise UserError("factors go with images; a data set has its own")
    settings = {"dataset": said, "objective": objective, "architecture": architecture}
    settings |= {"likelihood": likelihood, "latents": latents, "training": training}
    run = recipe_of(recipe, seed, settings, options)
    held = run.dataset.images() if held is None else held
    return _trained(run, promised(run.dataset, held, "what it gives"), threads, progress)


def _trained(recipe: Recipe, images: Images, threads: int, shows: bool) -> TrainedVAE:
    """The run of a recipe of one seed."""
    with tempfile.TemporaryDirectory() as folder, _settings_kept(), devices.use(threads) as device:
        kept = CheckpointFolder(Path(folder))
        progress = Progress(recipe.pack.seeds, recipe.training.steps, kept.progress)
        with progress if shows else nullcontext():
            report = progress if shows else _in_silence
            trained = loop.train(recipe, images, device, kept.path, report=report)
    saved = loop.saved(recipe, images, trained)._replace(
        parameters={name: p.cpu() for name, p in trained.parameters.items()},
        history=trained.history.to_csv(index=False),
    )
    model = TrainedVAE(recipe, saved, loop.made_of(recipe, images))
    if model.failed:
        warnings.warn(f"{model} diverged; all that it encodes is NaN", stacklevel=3)
    return model


def _in_silence(seeds: list[int], step: int, loss: float) -> None:
    """Say nothing of how far a training is."""


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Give back what a training sets for the whole process: threads, and how a GPU rounds."""
    threads, cuda, cudnn = torch.get_num_threads(), torch.backends.cuda, torch.backends.cudnn
    before = cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic = before
