"""The commands new and schema: a folder to work in, and what a study in it may say."""

import shlex
from pathlib import Path

from disentbench.errors import UserError
from disentbench.storage import files, limits
from disentbench.storage.study_file import read_study
from disentbench.workflow import project


def new(*, folder: Path, begin: str = "starter") -> None:
    """Make a folder that runs studies: the Snakefile, its rules and profiles, every study of ours.

    `snakemake --cores all` there runs configs/study.yaml, which is yours to edit: a short study
    with a comment on every key or, with --from, a copy of another of ours, such as chen2018.
    """
    folder = limits.named(limits.expanded(folder))
    there = _require_empty(folder)
    with files.scratch(folder / "new" if there else folder) as made:
        project.lay_out(made, begin)
        if there:
            for part in sorted(made.iterdir()):
                part.rename(folder / part.name)
        else:
            made.rename(folder)
    _say_what_is_next(folder)


def _require_empty(folder: Path) -> bool:
    """Whether there is such a folder, which must be empty then."""
    if folder.is_dir():
        if held := sorted(path.name for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty: it holds {held[0]}; name a new folder")
        return True
    if folder.exists() or folder.is_symlink():
        raise UserError(f"{folder} is there and no folder; name a new one")
    return False


def _say_what_is_next(folder: Path) -> None:
    """Print the commands that run what has been made."""
    study = read_study(folder / project.STUDY).study
    says = f"{folder / project.STUDY} says what is trained and measured"
    print(f"{says}; edit it, or run it as it is:")
    if folder.resolve() != Path.cwd():
        print(f"    cd {shlex.quote(str(folder))}")
    print("    snakemake --cores all")
    print(f"The report will be results/{study}/report/index.html there.")


def schema(*, out: Path | None = None) -> None:
    """Write the JSON schema of a study, by which editors complete and check as one types."""
    from disentbench.study import schema as of_a_study

    text = of_a_study.text()
    if out is None:
        print(text, end="")
        return
    with files.whole(out) as path:
        path.write_text(text, encoding="utf-8")
