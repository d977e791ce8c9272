"""What a study will be and cost, before anything of it runs; imports no torch."""

from collections import Counter
from os.path import exists
from pathlib import Path
from typing import NamedTuple

from disentbench.recipe import Pack
from disentbench.results.status import Status, status
from disentbench.study import Study
from disentbench.study.evaluation import Evaluate
from disentbench.workflow import disk, jobs, memory
from disentbench.workflow.hours import Hours, Throughput, hours


class Seen(NamedTuple):
    """The images of a data set: those that are made, and those of them that are evaluated.

    `absent` are files that it reads and that are not there.
    """

    made: int
    evaluated: int
    absent: list[str]
    remedy: str


class Disk(NamedTuple):
    """Bytes: of the finished study by kind of file, of what is there, and free beside it.

    `remedy` is what to evaluate where that does not do, and what the study then takes.
    """

    needed: dict[str, int]
    there: int
    free: int
    remedy: tuple[Evaluate, int] | None

    @property
    def total(self) -> int:
        return sum(self.needed.values())

    @property
    def left(self) -> int:
        """What is still to be written."""
        return max(0, self.total - self.there)

    @property
    def fits(self) -> bool:
        return self.left <= self.free


class Plan(NamedTuple):
    """A study in numbers: what it has, and what of it is left.

    `jobs` and `left` are by rule, `memory` is in MB, of the largest job of a rule. `hours` are of
    all trainings and of those that are left; None where no throughput is known.
    """

    study: str
    folder: Path
    runs: int
    packs: int
    jobs: Counter
    left: Counter
    images: dict[str, Seen]
    disk: Disk
    memory: dict[str, int]
    hours: tuple[Hours, Hours] | None
    status: Status


def plan(
    study: Study, results: Path, throughput: Throughput | None = None, at_once: int = 1
) -> Plan:
    """What a study below `results` will be and cost, with so many cores or GPUs at once."""
    standing = status(study, results)
    return Plan(
        study=study.study,
        folder=standing.folder,
        runs=sum(len(pack.seeds) for pack in study.packs),
        packs=len(study.packs),
        jobs=jobs.from_scratch(standing),
        left=jobs.left(study, standing),
        images={name: _seen(study, name) for name in study.datasets},
        disk=_disk(study, standing.folder),
        memory=_memory(study),
        hours=_hours(study, standing, throughput, at_once) if throughput else None,
        status=standing,
    )


def _seen(study: Study, name: str) -> Seen:
    dataset = study.dataset(name)
    absent = [str(path) for path in dataset.files if not exists(path)]
    return Seen(dataset.size, study.evaluate.count(dataset), absent, dataset.remedy)


def _disk(study: Study, folder: Path) -> Disk:
    found = Disk(disk.needed(study), disk.there(folder), disk.free(folder), None)
    if found.fits:
        return found
    return found._replace(remedy=disk.remedy(study, found.free + found.there))


def _memory(study: Study) -> dict[str, int]:
    """The most that a job of each rule asks for; a training on one core."""
    datasets = [study.dataset(name) for name in study.datasets]
    alike = {(*pack.of, len(pack.seeds)): pack for pack in study.packs}
    recipes = [study.recipe(pack) for pack in alike.values()]
    measuring = max(map(memory.measuring, datasets))
    return {
        "data": max(map(memory.data, datasets)),
        "train": max(memory.training(recipe, 1) for recipe in recipes),
        "encode": max(map(memory.encoding, recipes)),
        **dict.fromkeys(("score", "levels", "audit"), measuring),
        "collect": memory.COLLECTING,
        "report": memory.measuring(*datasets),
    }


def _hours(
    study: Study, standing: Status, throughput: Throughput, at_once: int
) -> tuple[Hours, Hours]:
    """Of all trainings, and of those steps that are left."""
    batch, steps = study.training.batch_size, study.training.steps
    every: dict[Pack, int] = {pack: batch * steps * len(pack.seeds) for pack in study.packs}
    left = {training.pack: batch * training.left for training in standing.trainings}
    return hours(every, throughput, at_once), hours(left, throughput, at_once)
