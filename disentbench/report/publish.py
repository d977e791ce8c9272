"""The page with its figures and tables: put in place together, with nothing stale among them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disentbench.storage import files, seals
from disentbench.storage.identities import Identity
from disentbench.storage.layout import ReportFolder


@contextmanager
def fresh(page: Path, said: Identity | None = None) -> Iterator[Path]:
    """An empty folder for the page, figures/ and tables/; they move to the page's at the end.

    The page moves last. What an earlier rendering left there and this one does not make is removed:
    the checksums beside the page, which also say what it is (`said`), say which files those are, so
    that nobody else's is touched.
    """
    with files.scratch(page.with_name("report")) as drawn:
        yield drawn
        names = sorted(p.relative_to(drawn) for p in drawn.rglob("*") if p.is_file())
        made = [page.parent / name for name in names if name != Path(page.name)]
        for path in [*made, page]:
            files.make_room(path)
            (drawn / path.relative_to(page.parent)).replace(path)
    for stale in _listed(page) - set(made):
        stale.unlink(missing_ok=True)  # a killed Snakemake may have left a rendering that goes on
    seals.write_sums(page, *made, identity=said)


def _listed(page: Path) -> set[Path]:
    """The figures and tables that are there and that the checksums beside a page name."""
    sums = seals.sums_of(page)
    lines = sums.read_text(errors="replace").splitlines() if sums.exists() else []
    names = {line[seals.DIGITS + 2 :] for line in lines}
    there = ReportFolder(page.parent).all_parts()
    return {path for path in there if path.relative_to(page.parent).as_posix() in names}
