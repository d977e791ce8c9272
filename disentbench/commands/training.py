"""The commands data, train and encode, which make images, models and latents."""

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentbench import plugins, sources
from disentbench.commands.signals import stoppable
from disentbench.errors import UserError
from disentbench.recipe import Recipe
from disentbench.storage import expected, files, seals
from disentbench.storage.layout import CheckpointFolder
from disentbench.storage.study_file import read_recipe
from disentbench.study.evaluation import Evaluate, read_evaluate

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Int

    from disentbench.storage.images import Images
    from disentbench.training.loop import Trained

ANEW = "nothing of it is kept, and the same command begins anew"


@stoppable(lambda: ANEW)
def data(*, dataset: str, options: dict[str, Any], out: Path) -> None:
    """Render or read a data set and write it as one HDF5 file."""
    from disentbench.datasets import promised
    from disentbench.storage import images_file
    from disentbench.storage.provenance import provenance

    made = plugins.make("datasets", dataset, options)
    text = json.dumps({dataset: made.model_dump(mode="json")})
    rendered = promised(made, made.images(), "what it gives")
    code = sources.digest(*sources.data(dataset))
    said = expected.images(made) | {"code": code}
    images_file.write_images(rendered, out, provenance(text, "cpu"), said)


def train(
    *,
    study: str,
    images: Path,
    model: Path,
    history: Path,
    checkpoints: Path,
    checkpoint_seconds: float = 60.0,
    wait: int = 60,
    threads: int | None = None,
    vectorise: bool | None = None,
) -> None:
    """Train the runs of one pack; a killed training resumes from its checkpoints."""
    from disentbench.training import devices, loop
    from disentbench.training.interruption import interruptible
    from disentbench.training.progress import Progress

    recipe, kept = read_recipe(study), CheckpointFolder(checkpoints)
    with interruptible(kept.lock, wait) as interruption:
        source = _images_of(recipe, images)
        if _trained_already(recipe, source, model, history):
            print("trained already: the same model is there", file=sys.stderr)
        else:
            seeds, steps = recipe.pack.seeds, recipe.training.steps
            progress = Progress(seeds, steps, kept.progress)
            with devices.use(threads) as device, progress:
                trained = loop.train(
                    recipe,
                    source,
                    device,
                    checkpoints,
                    vectorise=vectorise,
                    seconds_between_checkpoints=checkpoint_seconds,
                    report=progress,
                    interruption=interruption,
                )
            _write_trained(recipe, source, trained, model, history)
        # On a network file system a file that is still open elsewhere cannot go; it does no harm.
        shutil.rmtree(checkpoints, ignore_errors=True)


def _images_of(recipe: Recipe, path: Path) -> "Images":
    """The images in a file, if they are those that a recipe asks for."""
    from disentbench.datasets import promised
    from disentbench.storage import images_file

    images = images_file.read_images(path)
    expected.require(path, expected.images(recipe.dataset))
    return promised(recipe.dataset, images, str(path))


def _write_trained(
    recipe: Recipe, images: "Images", trained: "Trained", model: Path, history: Path
) -> None:
    """Write the history, then the model: where that is, the training is done."""
    from disentbench.models import model_file
    from disentbench.training.loop import made_of, saved

    made = made_of(recipe, images)
    with files.whole(history) as path:
        trained.history.to_csv(path, index=False)
    seals.write_sums(history, identity=expected.of_pack(recipe, "history") | made)
    content = saved(recipe, images, trained)._asdict()
    model_file.save(model, content, expected.of_pack(recipe, "model") | made)


def _trained_already(recipe: Recipe, images: "Images", model: Path, history: Path) -> bool:
    """Whether another process, for which this one has waited, say, has done the same training."""
    from disentbench.models.model_file import load
    from disentbench.training.loop import fingerprint

    if not (model.exists() and history.exists()):
        return False
    try:
        seals.checked(history)
        expected.require(history, expected.of_pack(recipe, "history"))
        return load(model).fingerprint == fingerprint(recipe, images)
    except UserError as error:
        print(f"{error}; training anew", file=sys.stderr)
        return False


@stoppable(lambda: ANEW)
def encode(
    *,
    study: str,
    images: Path,
    model: Path,
    latents: Path,
    evaluate: dict[str, Any] | None = None,
    threads: int | None = None,
) -> None:
    """Encode the images of the data set under each run of a pack: all, or what is evaluated."""
    from disentbench.models.device_images import Resident
    from disentbench.models.model_file import load, require_fit
    from disentbench.models.vae import vae_of
    from disentbench.storage import latents_file
    from disentbench.storage.provenance import provenance
    from disentbench.training import devices
    from disentbench.training.encode import encode as encode_pack

    recipe, evaluated = read_recipe(study), read_evaluate(evaluate)
    pack, vae = recipe.pack, vae_of(recipe)
    source = _images_of(recipe, images)
    rows = _evaluated(recipe, source, evaluated)
    saved, made_from = load(model), {"images": source.digest}
    expected.require(model, expected.of_pack(recipe, "model") | made_from)
    code = {"code": sources.digest(*sources.encoding(*recipe.parts.encoding))}
    require_fit(saved, vae, len(pack.seeds))
    with devices.use(threads) as device:
        resident = Resident(source, device, recipe.dataset)
        latents_file.write_latents(
            latents,
            encode_pack(vae, saved, resident, pack.seeds, device, rows=rows),
            source,
            rows=rows,
            half=evaluated.latents == "float16",
            identity={"study": recipe.study}
            | {key: getattr(pack, key) for key in ("dataset", "objective", "setting")},
            groups=recipe.objective.structure().groups,
            provenance=provenance(study, devices.name(device)) | {"trained": saved.origins},
            held_out=_held_out(recipe, source.factors[rows]),
            said=expected.of_pack(recipe, "latents", evaluated) | made_from | code,
        )


def _evaluated(recipe: Recipe, images: "Images", evaluate: Evaluate) -> "Int[np.ndarray, ' image']":
    """Where the images that are evaluated stand in the data set file."""
    rows = evaluate.rows(images.factors, images.factor_names)
    if len(rows) != (count := evaluate.count(recipe.dataset)):
        raise UserError(
            f"evaluate.stride leaves {len(rows)} images of {recipe.pack.dataset}, where a grid "
            f"of these classes has {count}; use evaluate.images on what is no grid"
        )
    return rows


def _held_out(
    recipe: Recipe, factors: "Int[np.ndarray, 'image factor']"
) -> "Bool[np.ndarray, ' image'] | None":
    """Which of the images training never drew; None where all or none of them."""
    held = recipe.dataset.held_out(factors)
    return None if held is None or held.all() or not held.any() else held
