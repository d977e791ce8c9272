"""Where every file of a study is: of the study itself, of each data set and of each pack."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from disentbench.recipe import Pack, block_name

SEEDS = r"seeds-(\d{1,9})-(\d{1,9})"  # the name of a pack's folder


@dataclass(frozen=True)
class PackFolder:
    """The files of a pack."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.pt"

    @property
    def history(self) -> Path:
        return self.path / "history.csv"

    @property
    def latents(self) -> Path:
        return self.path / "latents.h5"

    def scores(self, metric: str) -> Path:
        return self.path / f"scores/{metric}.csv"

    def detail(self, metric: str) -> Path:
        """What figures are drawn from, beside the scores."""
        return self.path / f"scores/{metric}.json"

    @property
    def checkpoints(self) -> "CheckpointFolder":
        return CheckpointFolder(self.path / "checkpoints")

    def log(self, name: str) -> Path:
        return self.path / f"logs/{name}.log"

    def benchmark(self, name: str) -> Path:
        """What a job took, in Snakemake's words; no output, so that nothing waits for it."""
        return self.path / f"benchmarks/{name}.tsv"


@dataclass(frozen=True)
class CheckpointFolder:
    """What a training keeps while it runs, and what it says of itself."""

    path: Path

    @property
    def lock(self) -> Path:
        """The lock that a training holds, beside the folder."""
        return self.path.with_suffix(".lock")

    @property
    def progress(self) -> Path:
        return self.path / "progress.json"

    def state(self, seeds: Sequence[int]) -> Path:
        """The state of members that are trained side by side."""
        return self.path / f"{block_name(seeds)}.pt"

    def all_states(self) -> Iterator[tuple[range, Path]]:
        """The seeds and the file of every state that is there."""
        for path in sorted(self.path.glob("seeds-*.pt")):
            if block := re.fullmatch(SEEDS, path.stem):
                first, last = map(int, block.groups())
                yield range(first, last + 1), path


@dataclass(frozen=True)
class DatasetFolder:
    """The files of a data set."""

    path: Path

    @property
    def images(self) -> Path:
        return self.path / "images.h5"

    @property
    def audit(self) -> Path:
        return self.path / "audit.csv"

    def levels(self, metric: str) -> Path:
        """What chance and a perfect code score."""
        return self.path / f"levels/{metric}.csv"

    def all_levels(self) -> list[Path]:
        """The tables of levels that are there."""
        return sorted(self.path.glob("levels/*.csv"))

    def log(self, name: str) -> Path:
        return self.path / f"logs/{name}.log"


@dataclass(frozen=True)
class ReportFolder:
    """The files of a report; the page stands above them."""

    path: Path

    def figure(self, name: str, suffix: str) -> Path:
        """A figure in one of its formats."""
        return self.path / f"figures/{name}{suffix}"

    def table(self, name: str) -> Path:
        """A table, without the suffix of its formats."""
        return self.path / f"tables/{name}"

    @property
    def results(self) -> Path:
        """What the page says, for machines."""
        return self.path / "results.json"

    def all_parts(self) -> list[Path]:
        """The figures and tables that are there, and what is for machines."""
        figures, tables = self.path.glob("figures/*"), self.path.glob("tables/*")
        return [*figures, *tables, *self.path.glob(self.results.name)]


@dataclass(frozen=True)
class StudyFolder:
    """The files of a study, results/{study}/."""

    path: Path

    @property
    def scores(self) -> Path:
        """The tidy table as CSV."""
        return self.path / "scores.csv"

    @property
    def table(self) -> Path:
        """The tidy table as parquet."""
        return self.path / "scores.parquet"

    @property
    def page(self) -> Path:
        return self.path / "report/index.html"

    def log(self, name: str) -> Path:
        return self.path / f"logs/{name}.log"

    def dataset(self, name: str) -> DatasetFolder:
        return DatasetFolder(self.path / name)

    def pack(self, pack: Pack) -> PackFolder:
        return PackFolder(self.path / pack.path)

    def all_packs(self) -> Iterator[tuple[tuple[str, ...], PackFolder]]:
        """(data set, objective, setting) and files of every pack that is there."""
        for path in sorted(self.path.glob("*/*/*/seeds-*")):
            yield path.relative_to(self.path).parts[:3], PackFolder(path)
