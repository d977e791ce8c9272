"""The figures and tables beside the page: put in place together, with nothing stale among them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from disentbench.files import whole

LIST = "files.txt"


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """An empty folder to write figures/ and tables/ to, whose files move to `folder` at the end.

    What an earlier rendering left there and this one does not make is removed. `files.txt` says
    which files those are, so that nobody else's file is touched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".") as scratch:
        yield Path(scratch)
        made = [path for path in sorted(Path(scratch).rglob("*")) if path.is_file()]
        names = [path.relative_to(scratch).as_posix() for path in made]
        for path, name in zip(made, names, strict=True):
            (folder / name).parent.mkdir(exist_ok=True)
            path.replace(folder / name)
    _remove(folder, _listed(folder) - set(names))
    with whole(folder / LIST) as path:
        path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _listed(folder: Path) -> set[str]:
    path = folder / LIST
    return set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()


def _remove(folder: Path, stale: set[str]) -> None:
    """Only what lies in the two folders can be removed, whatever the list says."""
    for path in [*folder.glob("figures/*"), *folder.glob("tables/*")]:
        if path.relative_to(folder).as_posix() in stale:
            path.unlink()
