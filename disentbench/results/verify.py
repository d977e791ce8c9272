"""Whether the files of a study are whole, and are what their names say."""

from pathlib import Path
from typing import NamedTuple

from disentbench.storage import expected, files, jobs, seals
from disentbench.storage.layout import StudyFolder
from disentbench.study import Study

OTHER = "made with other settings or by another version"


class Verified(NamedTuple):
    """What is damaged, what is another run's file, and what was made with other settings."""

    damaged: list[Path]
    foreign: list[Path]
    other: list[Path]

    @property
    def kinds(self) -> dict[str, list[Path]]:
        """The paths under the words that are said of them."""
        return dict(zip(("damaged", "of another run", OTHER), self, strict=True))

    @property
    def text(self) -> str:
        """How many there are of each."""
        return ", ".join(f"{len(paths)} {kind}" for kind, paths in self.kinds.items() if paths)


def verify(study: Study, folder: Path) -> Verified:
    """Read every file below a study's folder."""
    verified = Verified(seals.all_damaged(folder), [], [])
    for path, identity in jobs.named(study, StudyFolder(folder)):
        if path.exists() and path not in verified.damaged:
            said = seals.identity(path)
            if expected.differences(said, identity):
                same = said is None or said.get("of") == identity["of"]
                (verified.other if same else verified.foreign).append(path)
    return verified


def set_aside(folder: Path, paths: list[Path]) -> None:
    """Give files another name, and remove what the workflow is asked for.

    It makes again what is missing, but only where that needs it.
    """
    for path in paths:
        files.set_aside(path)
    study = StudyFolder(folder)
    for path in (study.scores, study.page):
        path.unlink(missing_ok=True)
