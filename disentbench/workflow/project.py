"""What a folder of studies is made of: the Snakefile, its rules and profiles, the studies we ship.

In a wheel they lie within the package, in a checkout beside it.
"""

import shutil
import sys
from pathlib import Path, PurePath

from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.sources import ROOT
from disentbench.storage import files, provenance

PARTS = ("Snakefile", "workflow", "configs", "constraints.txt")
STUDY = PurePath("configs/study.yaml")  # what such a folder runs unless another study is named
VERSION = PurePath("workflow/VERSION")  # of the package that has made it
# Snakemake looks for its default profile beside the Snakefile, and not in workflow/.
PROFILE = PurePath("profiles/default/config.yaml")


def root() -> Path:
    """The folder that these parts are in."""
    within = ROOT / "project"
    return within if within.is_dir() else ROOT.parent


def studies() -> dict[str, Path]:
    """The studies that we ship, by name."""
    return {path.stem: path for path in sorted(root().glob("configs/*.yaml"))}


def parts() -> dict[PurePath, Path]:
    """Every file of such a folder by its place, but for what is its own."""
    paths = (path for part in PARTS for path in _files(root() / part))
    placed: dict[PurePath, Path] = {path.relative_to(root()): path for path in paths}
    return placed | {PROFILE: root() / "workflow" / PROFILE}


def _files(path: Path) -> list[Path]:
    """A file, or the files below a folder."""
    return sorted(filter(Path.is_file, path.rglob("*"))) if path.is_dir() else [path]


def lay_out(folder: Path, study: str) -> None:
    """Fill an empty folder, with a study of ours as its own; a UserError if there is none such."""
    if study not in (there := studies()):
        raise UserError(f"no study of ours is named {shown(study)}; choose from {', '.join(there)}")
    for place, source in (parts() | {STUDY: there[study]}).items():
        files.make_folder((folder / place).parent)
        shutil.copyfile(source, folder / place)  # and not its permissions: it may be read-only
    (folder / VERSION).write_text(f"{provenance.version('disentbench')}\n", encoding="utf-8")


def compare_versions(folder: str | Path) -> None:
    """Say so, on stderr, where the rules of a folder came with another version of the package."""
    path = Path(folder, VERSION)
    if not path.is_file():  # a checkout
        return
    made = path.read_text(encoding="utf-8", errors="replace").strip()
    here = provenance.version("disentbench")
    if made != here:
        print(
            f"disentbench: the rules of this folder came with version {shown(made)[1:-1]}, and "
            f"{here} is installed; where they do not go together, `disentbench new` makes a folder "
            "that does, for the studies in configs/",
            file=sys.stderr,
            flush=True,
        )
