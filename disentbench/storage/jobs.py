"""Every job of a study: what it writes, where its log is, and what its files must say they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from disentbench import sources
from disentbench.recipe import Pack
from disentbench.storage import expected, seals
from disentbench.storage.identities import Identity
from disentbench.storage.layout import DatasetFolder, PackFolder, StudyFolder
from disentbench.study import Study

STAGES = ("data", "train", "encode", "score", "levels", "audit", "collect", "report")


class Job(NamedTuple):
    """What is there when a job is done, what it must be, and where it says what goes wrong.

    `code` is one word for the sources that make it now; `also` is written with the output;
    `pack` is what a training trains.
    """

    stage: str
    output: Path
    log: Path
    identity: Identity
    code: str
    also: tuple[Path, ...] = ()
    pack: Pack | None = None


def jobs(study: Study, folder: StudyFolder) -> Iterator[Job]:
    """Every job of a study, in the order of the pipeline within each data set and pack."""
    for name in study.datasets:
        yield from _of_dataset(study, folder.dataset(name), name)
    shown = {name: seals.identity(folder.dataset(name).images) or {} for name in study.datasets}
    for pack in study.packs:
        images = {key: word for key, word in shown[pack.dataset].items() if key == "images"}
        yield from _of_pack(study, folder.pack(pack), pack, images)
    yield Job(
        stage="collect",
        output=folder.scores,
        log=folder.log("collect"),
        identity=expected.of_study(study, "scores"),
        code=sources.digest(*sources.collecting()),
        also=(folder.table,),
    )
    yield Job(
        stage="report",
        output=folder.page,
        log=folder.log("report"),
        identity=expected.of_study(study, "report/index"),
        code=sources.digest(*sources.reporting()),
    )


def _of_dataset(study: Study, folder: DatasetFolder, name: str) -> Iterator[Job]:
    yield Job(
        stage="data",
        output=folder.images,
        log=folder.log("data"),
        identity=expected.images(study.dataset(name)),
        code=sources.digest(*sources.data(study.file_of("datasets", name))),
    )
    yield Job(
        stage="audit",
        output=folder.audit,
        log=folder.log("audit"),
        identity=expected.audit(study, name),
        code=sources.digest(*sources.audit()),
    )
    for metric in study.metrics_on(name):
        yield Job(
            stage="levels",
            output=folder.levels(metric),
            log=folder.log(f"levels-{metric}"),
            identity=expected.of_dataset(study, name, f"levels/{metric}"),
            code=sources.digest(*sources.levels(metric)),
        )


def _of_pack(study: Study, folder: PackFolder, pack: Pack, images: Identity) -> Iterator[Job]:
    recipe = study.recipe(pack)
    yield Job(
        stage="train",
        output=folder.model,
        log=folder.log("train"),
        identity=expected.of_pack(recipe, "model") | images,
        code=sources.digest(*sources.training(*recipe.parts)),
        pack=pack,
    )
    yield Job(
        stage="encode",
        output=folder.latents,
        log=folder.log("encode"),
        identity=expected.of_pack(recipe, "latents", study.evaluate) | images,
        code=sources.digest(*sources.encoding(*recipe.parts.encoding)),
    )
    for metric in study.metrics_on(pack.dataset):
        yield Job(
            stage="score",
            output=folder.scores(metric),
            log=folder.log(f"score-{metric}"),
            identity=expected.of_pack(recipe, f"scores/{metric}", study.evaluate),
            code=sources.digest(*sources.scoring(metric)),
            also=(folder.detail(metric),),
        )


def named(
    study: Study, folder: StudyFolder, stages: tuple[str, ...] = STAGES
) -> Iterator[tuple[Path, Identity]]:
    """Every file of these stages that says what it is, be it there or not, and what it must say."""
    for job in (job for job in jobs(study, folder) if job.stage in stages):
        yield from ((path, job.identity) for path in (job.output, *job.also))
        if job.pack is not None:
            history = expected.of_pack(study.recipe(job.pack), "history")
            yield folder.pack(job.pack).history, job.identity | history
