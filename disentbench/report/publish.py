"""The page with its figures and tables: put in place together, with nothing stale among them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from disentbench.errors import UserError
from disentbench.storage import files, seals
from disentbench.storage.identities import Identity
from disentbench.storage.layout import ReportFolder


@contextmanager
def fresh(page: Path, said: Identity | None = None) -> Iterator[Path]:
    """An empty folder for the page and all beside it; they move to the page's at the end.

    They move where all of them can, the page last. What an earlier rendering left there and this
    one does not make is removed: the checksums beside the page, which also say what it is (`said`),
    say which files those are, so that nobody else's is touched.
    """
    files.make_room(page)  # known before anything is drawn
    with files.scratch(page.with_name("report")) as drawn:
        yield drawn
        names = sorted(p.relative_to(drawn) for p in drawn.rglob("*") if p.is_file())
        made = [page.parent / name for name in names if name != Path(page.name)]
        _require_unlisted(page, made)
        for path in [*made, page]:
            files.make_room(path)
        for path in [*made, page]:
            (drawn / path.relative_to(page.parent)).replace(path)
    for stale in _listed(page) - set(made):
        stale.unlink(missing_ok=True)  # a killed Snakemake may have left a rendering that goes on
    seals.write_sums(page, *made, identity=said)


def require_free(page: Path) -> None:
    """Refuse a folder in which another study's page, or this one's by other rules, has its files.

    Every page of a study has its results.json, so that two of them cannot share a folder.
    """
    _require_unlisted(page, [ReportFolder(page.parent).results])


def _require_unlisted(page: Path, made: Iterable[Path]) -> None:
    """Refuse to replace what the checksums of another page there name."""
    others = (sums.with_suffix(page.suffix) for sums in page.parent.glob("*.sha256"))
    for other in sorted(other for other in others if other != page and other.is_file()):
        if common := sorted(_listed(other) & set(made)):
            raise UserError(
                f"{common[0]} belongs to {other}; name another folder for {page.name}, with --out"
            )


def _listed(page: Path) -> set[Path]:
    """All that is there beside a page and that the checksums of the page name."""
    sums = seals.sums_of(page)
    lines = sums.read_text(errors="replace").splitlines() if sums.exists() else []
    names = {line[seals.DIGITS + 2 :] for line in lines}
    there = ReportFolder(page.parent).all_parts()
    return {path for path in there if path.relative_to(page.parent).as_posix() in names}
