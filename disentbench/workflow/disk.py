"""The disk that a study takes, kind by kind of file, before it is run; imports no torch."""

import os
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

from disentbench.recipe import Pack
from disentbench.study import Study
from disentbench.study.evaluation import Evaluate
from disentbench.workflow import file_sizes, report_size

KINDS = ("images", "latents", "models", "histories", "scores", "report", "logs")
FEWER = (100_000, 30_000, 10_000)  # images that may be evaluated where the disk does not do


def needed(study: Study, evaluate: Evaluate | None = None) -> dict[str, int]:
    """The bytes of a finished study by kind of file, if these images were evaluated.

    Without `evaluate` they are the study's own. Checkpoints, which go when a training ends, are
    not in it.
    """
    evaluate = evaluate or study.evaluate
    kinds: Counter = Counter()
    sizes: dict[tuple, Counter] = {}  # of a pack of a setting and so many seeds: all are alike
    for pack in study.packs:
        alike = (*pack.of, len(pack.seeds))
        if alike not in sizes:
            sizes[alike] = _of_pack(study, pack, evaluate)
        kinds += sizes[alike]
    for name in study.datasets:
        kinds += _of_dataset(study, name, evaluate)
    kinds += Counter(scores=file_sizes.tables(study), report=report_size.report(study))
    return {kind: kinds[kind] for kind in KINDS}


def _of_pack(study: Study, pack: Pack, evaluate: Evaluate) -> Counter:
    recipe = study.recipe(pack)
    count = evaluate.count(recipe.dataset)
    return Counter(
        latents=file_sizes.latents(recipe, count, evaluate.number_bytes),
        models=file_sizes.model(recipe),
        histories=file_sizes.history(recipe),
        scores=sum(file_sizes.scores(recipe, name) for name in study.metrics_on(pack.dataset)),
        logs=file_sizes.training_log(recipe),
    )


def _of_dataset(study: Study, name: str, evaluate: Evaluate) -> Counter:
    dataset, metrics = study.dataset(name), study.metrics_on(name)
    scores = file_sizes.audit(study, name, evaluate.count(dataset))
    scores += sum(file_sizes.levels(study, name, metric) for metric in metrics)
    return Counter(images=file_sizes.images(dataset), scores=scores)


def there(folder: Path) -> int:
    """The bytes of all files below a folder, as long as each says it is."""
    total, left = 0, [str(folder)]
    while left:
        try:
            entries = list(os.scandir(left.pop()))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                left.append(entry.path)
                continue
            with suppress(FileNotFoundError):  # a study that runs renames what it has written
                total += entry.stat(follow_symlinks=False).st_size
    return total


def free(folder: Path) -> int:
    """The bytes that are free where a folder is, or will be."""
    nearest = folder.absolute()
    while not nearest.is_dir():
        nearest = nearest.parent
    return shutil.disk_usage(nearest).free


def remedy(study: Study, most: int) -> tuple[Evaluate, int] | None:
    """What to evaluate for a study to take at most so many bytes, and what it then takes.

    Half the digits, if that will do, or else fewer images besides; None where nothing will.
    """
    changes: list[dict] = [{"latents": "float16"}]
    changes += [{"latents": "float16", "stride": 1, "images": images} for images in FEWER]
    for change in changes:
        evaluate = Evaluate(**(study.evaluate.model_dump() | change))
        if (size := sum(needed(study, evaluate).values())) <= most:
            return evaluate, size
    return None
