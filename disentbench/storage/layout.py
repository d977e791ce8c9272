"""Every file of a study: where it is, where its log is, and what it must say it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from disentbench import sources
from disentbench.recipe import Pack
from disentbench.storage import expected, seals
from disentbench.storage.identities import Identity
from disentbench.study import Study

STAGES = ("data", "train", "encode", "score", "levels", "audit", "collect", "report")


class Job(NamedTuple):
    """What is there when a job is done, what it must be, and where it says what goes wrong.

    `code` is one word for the sources that make it now; `also` is written with the output.
    """

    stage: str
    output: Path
    log: Path
    identity: Identity
    code: str
    also: tuple[Path, ...] = ()
    pack: Pack | None = None


def jobs(study: Study, folder: Path) -> Iterator[Job]:
    """Every job of a study, in the order of the pipeline within each data set and pack.

    `folder` is the study's own.
    """
    for name in study.datasets:
        yield from _of_dataset(study, folder, name)
    shown = {name: seals.identity(folder / name / "images.h5") or {} for name in study.datasets}
    for pack in study.packs:
        images = {key: word for key, word in shown[pack.dataset].items() if key == "images"}
        yield from _of_pack(study, folder, pack, images)
    collected, page = folder / "scores.csv", folder / "report/index.html"
    yield Job(
        *("collect", collected, folder / "logs/collect.log", expected.of_study(study, "scores")),
        *(sources.digest(*sources.collecting()), (collected.with_suffix(".parquet"),)),
    )
    yield Job(
        *("report", page, folder / "logs/report.log", expected.of_study(study, "report/index")),
        sources.digest(*sources.reporting()),
    )


def _of_dataset(study: Study, folder: Path, name: str) -> Iterator[Job]:
    own, file = folder / name, study.file_of("datasets", name)
    yield Job(
        *("data", own / "images.h5", own / "logs/data.log", expected.images(study.dataset(name))),
        sources.digest(*sources.data(file)),
    )
    yield Job(
        *("audit", own / "audit.csv", own / "logs/audit.log", expected.audit(study, name)),
        sources.digest(*sources.audit()),
    )
    for metric in study.metrics:
        yield Job(
            *("levels", own / f"levels/{metric}.csv", own / f"logs/levels-{metric}.log"),
            expected.of_dataset(study, name, f"levels/{metric}"),
            sources.digest(*sources.levels(metric)),
        )


def _of_pack(study: Study, folder: Path, pack: Pack, images: Identity) -> Iterator[Job]:
    own, recipe = folder / pack.path, study.recipe(pack)
    yield Job(
        *("train", own / "model.pt", own / "logs/train.log"),
        expected.of_pack(recipe, "model") | images,
        sources.digest(*sources.training(*recipe.parts)),
        pack=pack,
    )
    yield Job(
        *("encode", own / "latents.h5", own / "logs/encode.log"),
        expected.of_pack(recipe, "latents") | images,
        sources.digest(*sources.encoding(recipe.parts[-1])),
    )
    for metric in study.metrics:
        table = own / f"scores/{metric}.csv"
        yield Job(
            *("score", table, own / f"logs/score-{metric}.log"),
            expected.of_pack(recipe, f"scores/{metric}"),
            sources.digest(*sources.scoring(metric)),
            (table.with_suffix(".json"),),
        )


def named(
    study: Study, folder: Path, stages: tuple[str, ...] = STAGES
) -> Iterator[tuple[Path, Identity]]:
    """Every file of these stages that says what it is, be it there or not, and what it must say."""
    for job in (job for job in jobs(study, folder) if job.stage in stages):
        yield from ((path, job.identity) for path in (job.output, *job.also))
        if job.stage == "train":
            history = job.output.with_name("history.csv")
            yield history, job.identity | expected.of_pack(study.recipe(job.pack), "history")
