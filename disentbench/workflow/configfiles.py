"""The study files of a Snakemake command: checked before Snakemake reads them, and read as one.

Snakemake reads its config files before it reads the Snakefile: it would run the templates in them,
and has no word for some mistakes but a traceback. What it reads first is the workflow's profile,
which calls `check_command`; with `--workflow-profile none` nothing does.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.storage.plain_data import printable
from disentbench.storage.study_file import read_plain
from disentbench.study import Study
from disentbench.workflow.project import STUDY


def check_command() -> None:
    """End the Snakemake command, with one sentence and code 2, if its config files are no study."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[], type=Path)
    _require_studies(*parser.parse_known_args(sys.argv[1:])[0].configfile)


def of_folder(folder: str) -> str:
    """The study that a Snakefile in this folder runs unless another is named: its own, or the demo.

    Its own, configs/study.yaml, is checked likewise. Who takes the workflow as a module may have it
    from a server, which has none.
    """
    own = Path(folder, STUDY)
    if not os.path.lexists(own):  # a link that leads nowhere is meant to be a study
        return f"{folder}/configs/demo.yaml"
    _require_studies(own)
    return str(own)


def _require_studies(*paths: Path) -> None:
    try:
        for path in paths:
            keys(path)
    except (UserError, OSError) as error:
        print(f"disentbench: {printable(str(error))}", file=sys.stderr, flush=True)
        sys.exit(2)


def merged(files: Sequence[Path | str], settings: Any) -> tuple[dict[str, Any], str]:
    """What the config files and `--config` say together, as Snakemake merges it, and its name.

    `settings` are Snakemake's: the files of the command line (which stand first in `files`, but
    overrule the Snakefile's) and what `--config` says (which overrules all).
    """
    given = list(settings.configfiles)
    defaults = [] if settings.replace_workflow_config else [f for f in files if f not in given]
    study: dict[str, Any] = {}
    for path in (*defaults, *given):
        study = _update(study, keys(Path(path)))
    name = ", ".join(str(path) for path in (*defaults, *given)) or "study"
    return _update(study, settings.config), name


def keys(path: Path) -> dict[str, Any]:
    """What a file says, if every key at its top is one of a study's."""
    study = read_plain(path)
    if not isinstance(study, dict):
        raise UserError(f"{path} is no study: a study is a mapping of keys to values")
    unknown = [key for key in study if key not in Study.model_fields]
    if unknown:
        choices = ", ".join(Study.model_fields)
        raise UserError(f"{path}: unknown key {shown(unknown[0])}; the keys are {choices}")
    return study


def _update(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with what stands above it: mappings are merged, all else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        inner = under if isinstance(under, dict) else {}
        merged[key] = _update(inner, value) if isinstance(value, Mapping) else value
    return merged
