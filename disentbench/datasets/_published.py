"""Data sets that their authors publish as files: where a file is, and where it comes from.

A subclass says its `downloads`. A study names the file by `path` (of a set of several files, their
folder); without it, it is where `disentbench fetch NAME` puts it.
"""

import os
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import field_validator

from disentbench.datasets._grid import GridDataset
from disentbench.errors import UserError
from disentbench.options import a_path
from disentbench.storage import limits


class Download(NamedTuple):
    """A file of a data set: its name, where it is published, mirrors last, and its checksum.

    The checksum is 'sha256:...' or 'md5:...'; None where a file was replaced under one name.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str | None


class PublishedDataset(GridDataset):
    """A sub-grid of a published data set, read from its authors' files."""

    downloads: ClassVar[tuple[Download, ...]]

    path: Path | None = None

    @field_validator("path", mode="before")
    @classmethod
    def _a_path(cls, path: Any) -> Any:
        return path if path is None else a_path(path, cls._wanted())

    @classmethod
    def _wanted(cls) -> str:
        first = cls.downloads[0].name
        return first if len(cls.downloads) == 1 else f"the folder of {first} and the others"

    @property
    def files(self) -> tuple[Path, ...]:
        """The published files, in the order of `downloads`."""
        if self.path is None:
            return tuple(fetched(self.name) / download.name for download in self.downloads)
        path = limits.expanded(self.path)
        if len(self.downloads) == 1:
            return (path,)
        return tuple(path / download.name for download in self.downloads)

    def present(self) -> tuple[Path, ...]:
        """The published files, each of which is there to be read."""
        return tuple(self._present(path) for path in self.files)

    def _present(self, path: Path) -> Path:
        if os.path.exists(path):  # `Path.exists` raises where a name is too long
            return limits.regular(path, self._wanted())
        raise UserError(f"{path} is not there; {self.remedy}")

    @property
    def remedy(self) -> str:
        """What would do where a file is missing."""
        kind = "file" if len(self.downloads) == 1 else "folder"
        if self.path is None:
            return f"`disentbench fetch {self.name}` downloads it, or name the {kind} with `path:`"
        return (
            f"let `path:` name {self._wanted()}, or leave it out after `disentbench fetch "
            f"{self.name}`"
        )

    def unlike(self, path: Path, why: str) -> UserError:
        """What to raise for a file that is not the published one."""
        return UserError(f"{path} is not {self.label} as published: {why}")


def fetched(name: str) -> Path:
    """The folder in which `disentbench fetch` keeps a data set."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    root = os.environ.get("DISENTBENCH_DATA") or f"{cache}/disentbench"
    return limits.expanded(Path(root)) / name
