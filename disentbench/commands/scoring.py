"""The commands score, levels and audit, which measure representations."""

import json
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from disentbench import sources
from disentbench.commands.tables import write_table
from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.storage import expected, files, limits, seals
from disentbench.storage.identities import Identity
from disentbench.study.evaluation import WHOLE, Evaluate, read_evaluate

if TYPE_CHECKING:
    from disentbench.posterior import Posterior
    from disentbench.scoring.scores import Scored
    from disentbench.storage.representation_files import Reading


def score(
    *,
    paths: list[Path],
    metrics: list[str] | None = None,
    code: Literal["mean", "sampled"] = "mean",
    seed: int = 0,
    companions: Sequence[Path] = (),
    codes: list[str] | None = None,
    factors: list[str] | None = None,
    logvar: list[str] | None = None,
    groups: str | None = None,
    beside: Mapping[str, Path] | None = None,
    max_memory: int = limits.MEMORY,
    out: Path | None = None,
    detail: Path | None = None,
    sums: bool = False,
    input_identity: Identity | None = None,
    identity: Identity | None = None,
) -> None:
    """Compute metrics of anybody's latents: a table of run, metric and value."""
    import pandas as pd

    from disentbench.scoring import scores
    from disentbench.storage.provenance import origin

    _require_apart([*paths, *companions], [out, detail], beside)
    reading = _reading(codes=codes, factors=factors, logvar=logvar, beside=beside)
    for path in companions:
        _require_of_setting(path, input_identity)
    tables, details = [], {}
    for path in paths:
        if input_identity:
            expected.require(path, input_identity)
        scored = scores.score_file(
            path,
            metrics,
            code=code,
            seed=seed,
            reading=reading._replace(memory=max_memory),
            companions=companions,
            groups=groups,
        )
        scored = list(told(scored, path))
        name = os.fsencode(path).decode(errors="backslashreplace")  # it need not be UTF-8
        tables.append(scores.table(scored).assign(file=name))
        details[str(path)] = scores.details(scored) | {"provenance": origin("cpu")}
    several = len(paths) > 1
    columns = ["file"] * several + ["run", "metric", "value"]
    write_table(pd.concat(tables)[columns], out)
    if detail:
        with files.whole(detail) as path:
            path.write_text(json.dumps(details if several else details.popitem()[1]))
    if sums:
        made_by = [sources.scoring(scores.file_of(name)) for name in metrics or []]
        written = [path for path in (out, detail) if path]
        seals.write_sums(*written, identity=_said(identity, *made_by))


def levels(
    *,
    file: Path,
    metrics: list[str] | None = None,
    evaluate: dict[str, Any] | None = None,
    seed: int = 0,
    beside: Mapping[str, Path] | None = None,
    max_memory: int = limits.MEMORY,
    out: Path | None = None,
    sums: bool = False,
    input_identity: Identity | None = None,
    identity: Identity | None = None,
) -> None:
    """Compute what chance and a perfect code score on the factors of a file."""
    from disentbench.posterior.from_files import read_factors
    from disentbench.scoring.calibration import calibrate
    from disentbench.scoring.scores import file_of

    _require_apart([file], [out], beside)
    reading = _reading(beside=beside)._replace(memory=max_memory)
    evaluated = read_evaluate(evaluate)
    if evaluated != WHOLE:
        _require_part_of(file, evaluated)
    factors = read_factors(file, reading, evaluated)
    if input_identity:
        expected.require(file, input_identity)
    table = calibrate(factors, metrics, seed)
    if table.empty and out is None:  # a workflow's file may be empty, an answer not
        named = ", ".join(metrics or ())
        raise UserError(f"none of {named} looks at factors; name metrics that do, such as mig")
    made_by = [sources.levels(file_of(name)) for name in metrics or []]
    write_table(table, out, sums, _said(identity, *made_by))


def _require_part_of(file: Path, evaluate: Evaluate) -> None:
    """Refuse to choose a part of what is no data set file, or by factors that it does not have."""
    from disentbench.posterior.from_files import HDF5, factor_names
    from disentbench.storage import hdf5

    limits.regular(file, "a data set file, images.h5")
    names = None
    if file.suffix.lower() in HDF5:
        with hdf5.open_data(file) as stored:
            if {"schema", "factor_sizes"} <= set(stored.attrs):
                names = factor_names(stored)
    if names is None:
        raise UserError(f"--evaluate chooses a part of a data set file, images.h5; {file} is none")
    steps = () if isinstance(evaluate.stride, int) else evaluate.stride
    if unknown := [name for name in steps if name not in names]:
        choices = ", ".join(names) or "none"
        raise UserError(
            f"evaluate.stride names {shown(unknown[0])}; the factors of {file} are {choices}"
        )


def audit(
    *,
    paths: list[Path],
    run: str | None = None,
    batch_sizes: Sequence[int] = (64, 256, 1024),
    seed: int = 0,
    beside: Mapping[str, Path] | None = None,
    max_memory: int = limits.MEMORY,
    out: Path | None = None,
    sums: bool = False,
    input_identity: Identity | None = None,
    identity: Identity | None = None,
) -> None:
    """Compare the minibatch estimators of MI and TC with the exact values, on one posterior."""
    import pandas as pd

    from disentbench.posterior.from_files import title
    from disentbench.scoring.audit import COLUMNS, audit_posterior
    from disentbench.seeds import generator

    _require_apart(paths, [out], beside)
    for path in paths:
        _require_of_setting(path, input_identity)
    said = _said(identity, sources.audit())
    reading = _reading(beside=beside)._replace(memory=max_memory, bare=True)
    chosen = _audited(paths, run, reading)
    if chosen is None:
        warnings.warn("every run diverged; there is none to audit", stacklevel=1)
        write_table(pd.DataFrame(columns=[*COLUMNS, "run"]), out, sums, said)
        return
    file, name, posterior = chosen
    rng = generator(seed, "audit")
    table = audit_posterior(posterior, batch_sizes=batch_sizes, rng=rng)
    write_table(table.assign(run=title(file, name)), out, sums, said)


def _audited(
    paths: list[Path], wanted: str | None, reading: "Reading"
) -> tuple[Path, str, "Posterior"] | None:
    """The first run of the files that did not diverge, or the one that is wanted, if there is one.

    Its file, its name and its posterior; one run is in memory at a time.
    """
    from disentbench.posterior.from_files import read_together

    names = []
    for (place, name), run in read_together(paths, reading):
        names.append(name)
        if run.failed and name == wanted:
            raise UserError(f"run {name} of {paths[place]} diverged; there is nothing to audit")
        if not run.failed and wanted in (None, name):
            if run.posterior is None:
                raise UserError(f"{paths[place]} has no logvar, and the audit needs it")
            return paths[place], name, run.posterior
    if wanted is not None:
        where = ", ".join(map(str, paths))
        raise UserError(f"no run {wanted!r} in {where}; its runs are {', '.join(names)}")
    return None


def _require_of_setting(path: Path, identity: Identity | None) -> None:
    """Refuse what is not such a file of a pack of that setting; by hand, any will do."""
    if identity:
        expected.require(path, expected.beside(identity, path))


def _said(identity: Identity | None, *code: tuple[Path, ...]) -> Identity | None:
    """What is said of a table: what a rule says, and with what code it was made."""
    if not identity:
        return None
    return identity | {"code": sources.digest(*sorted({*chain(*code)}))}


def _require_apart(
    read: Sequence[Path],
    written: Sequence[Path | None],
    beside: Mapping[str, Path] | None,
) -> None:
    """Refuse to write over what is read, or twice over the same file, and to read a file twice."""
    others = (beside or {}).values()
    for paths in ((*read, *written), *((path, *written) for path in others)):
        named = [os.path.realpath(path) for path in paths if path]  # of links in a circle, too
        if twice := [path for path in named if named.count(path) > 1]:
            name = Path(twice[0]).name
            raise UserError(f"{name} is named twice; input and outputs must be other files")


def _reading(**given: Any) -> "Reading":
    """How the files are to be read, of what the command line says of it."""
    from disentbench.storage.representation_files import Reading

    return Reading(**{name: value for name, value in given.items() if value})


def told(scored: "Iterable[Scored]", path: Path, seconds: int = 10) -> "Iterator[Scored]":
    """Scores as they come; where they take long, a line now and then says how far they are."""
    began = last = time.monotonic()
    for one in scored:
        yield one
        if (now := time.monotonic()) - last >= seconds:
            last, words = now, f"{path}: run {one.run}: {one.metric}"
            print(f"{words} after {now - began:.0f} s", file=sys.stderr, flush=True)
