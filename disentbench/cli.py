"""The command line: plan, run and read a study, or score latents of your own.

The workflow runs data, train, encode, score, levels, audit, collect and report; by hand each of
them can be run, too.
"""

import argparse
import io
import signal
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from disentbench import plugins
from disentbench.commands import (
    catalogue,
    fetching,
    planning,
    scoring,
    starting,
    studies,
    training,
)
from disentbench.commands.arguments import (
    distance,
    groups,
    mapping,
    memory,
    named_files,
    names,
    natural,
    rate,
    whole,
    wholes,
)
from disentbench.errors import Stopped, UserError
from disentbench.storage import limits
from disentbench.storage.plain_data import printable


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 when done, 2 for the user's mistake, said in one sentence.

    128 + the signal's number when one has ended it, its work saved.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that has no β says \u03b2
        sys.stdout.reconfigure(errors="backslashreplace")
    given = vars(parser().parse_args(argv))
    name, command = given.pop("name"), given.pop("command")
    warnings.showwarning = _warn
    try:
        return command(**given) or 0
    except BrokenPipeError:  # whoever read our output, `head` say, has had enough
        sys.stderr.close()
    except Stopped as stop:
        complain(f"disentbench {name}: {stop}")
        return 128 + stop.number
    except KeyboardInterrupt:
        complain(f"disentbench {name}: stopped by SIGINT")
        return 128 + signal.SIGINT
    except (UserError, OSError) as error:  # an OSError names the path that cannot be used, and why
        complain(f"disentbench {name}: {printable(str(error))}")
        return 2
    return 0


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def complain(sentence: str) -> None:
    """Say why a command ends; where that cannot be written, the exit code says it alone."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:  # it is a log on a full disk, which left open fails again at the exit, with 120
        with suppress(OSError):
            sys.stderr.close()


def parser() -> argparse.ArgumentParser:
    """Every command with its options, each by the name of a keyword of its function."""
    top = argparse.ArgumentParser(prog="disentbench", description=__doc__)
    commands = top.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for function, arguments in {
        starting.new: _new(),
        fetching.fetch: _fetch(),
        planning.plan: _plan(),
        training.data: _data(),
        training.train: _train(),
        training.encode: _encode(),
        scoring.score: _score(),
        scoring.levels: _levels(),
        scoring.audit: _audit(),
        studies.collect: _collect(),
        studies.report: _report(),
        studies.status: _status(),
        studies.diff: _diff(),
        studies.verify: _verify(),
        catalogue.list_: _list(),
        starting.schema: _schema(),
        catalogue.compare_dsprites: _compare_dsprites(),
    }.items():
        words = function.__doc__ or ""  # python -OO leaves none
        name = function.__name__.removesuffix("_").replace("_", "-")
        sub = commands.add_parser(name, help=words.partition("\n")[0], description=words)
        sub.set_defaults(command=function)
        for flags, options in arguments:
            sub.add_argument(*flags, **options)
    return top


Argument = tuple[tuple[str, ...], dict[str, Any]]


def argument(*flags: str, **options: Any) -> Argument:
    """An argument that several commands may share."""
    return flags, options


def _new() -> Iterable[Argument]:
    yield argument("folder", type=Path, metavar="FOLDER", help="to be made, or empty")
    start = "a study that we ship; default: starter"
    yield argument("--from", dest="begin", metavar="STUDY", default="starter", help=start)


def _schema() -> Iterable[Argument]:
    yield argument("--out", type=Path, help="the .json file; default: the terminal")


def _fetch() -> Iterable[Argument]:
    yield argument("dataset", metavar="NAME", help="a name that `disentbench list datasets` gives")
    yield argument("--to", type=Path, metavar="FOLDER", help="another folder for its files")


def _plan() -> Iterable[Argument]:
    yield from (STUDY, RESULTS)
    here = "hours at what some steps of its trainings take here; nothing is written"
    yield argument("--measure", action="store_true", help=here)
    given = "hours at so many, on a core or a GPU"
    yield argument("--images-per-second", type=rate, metavar="N", help=given)
    named = "hours at what benchmarks/RESULTS.md has of it; a part of its name will do"
    yield argument("--device", metavar="NAME", help=named)
    trainers = "cores or GPUs that train; default: 1"
    yield argument("--at-once", type=whole, metavar="N", default=1, help=trainers)
    yield argument("--json", action="store_true", help="for machines")


def _data() -> Iterable[Argument]:
    yield argument("dataset", help="a name that `disentbench list datasets` gives")
    yield argument("--options", type=mapping, default={}, help="its options as JSON")
    yield OUT


def _train() -> Iterable[Argument]:
    yield from (STUDY, IMAGES, MODEL, THREADS)
    yield argument("--history", type=Path, required=True, help="the table of losses to write")
    yield argument("--checkpoints", type=Path, required=True, help="the folder to resume from")
    yield argument("--checkpoint-seconds", type=float, default=60.0, help="default: 60")
    yield argument("--wait", type=natural, default=60, help="seconds for another trainer; 60")
    yield argument("--vectorise", action=argparse.BooleanOptionalAction, help="default: on a GPU")


def _encode() -> Iterable[Argument]:
    yield from (STUDY, IMAGES, MODEL, THREADS)
    yield argument("--latents", type=Path, required=True, help="the latents file")
    yield EVALUATE


def _measured() -> Iterable[Argument]:
    """What all commands take that read representations and write a table."""
    yield argument("--seed", type=natural, default=0, help="for what samples; default: 0")
    yield argument("--out", type=Path, help="a .csv or .json file; default: the terminal")
    yield argument(
        "--with",
        dest="beside",
        type=named_files,
        metavar="NAME=FILE,...",
        help="arrays that go with an .npy of codes: factors=f.npy,logvar=l.npy,distortion=d.npy",
    )
    yield argument(
        "--max-memory",
        type=memory,
        default=limits.MEMORY,
        help="what the arrays of a file may take, for one run of several; default: 2G",
    )
    yield argument("--sums", action="store_true", help="checksums beside --out, in a .sha256 file")
    yield argument("--input-identity", type=mapping, help="JSON: what the input must say it is")
    yield argument("--identity", type=mapping, help="JSON: what the checksums say --out is")


def _score() -> Iterable[Argument]:
    kinds = "latents: .h5, .npz, .npy, .csv or .parquet"
    yield argument("paths", nargs="+", type=Path, metavar="files", help=kinds)
    yield METRICS
    yield from _measured()
    yield argument("--code", choices=("mean", "sampled"), default="mean", help="default: mean")
    yield argument(
        "--companions",
        nargs="+",
        type=Path,
        default=[],
        help="latents of other runs of the same setting, for udr; each file's own count anyhow",
    )
    yield argument(
        "--codes",
        type=names,
        help="a table's columns of codes; default: z0,z1,..., with log sigma^2 in logvar0,...",
    )
    yield argument("--factors", type=names, help="a table's columns of factors; default: v0,v1,...")
    yield argument("--logvar", type=names, help="a table's columns of it; default: logvarN for zN")
    vectors = "codes of several numbers, 16 each or 0-15,16-31,...: each by its principal component"
    yield argument("--groups", type=groups, help=vectors)
    yield argument("--detail", type=Path, help="a .json file for what figures are drawn from")


def _levels() -> Iterable[Argument]:
    yield argument("file", type=Path, help="latents or a data set file: what has the factors")
    yield from (METRICS, EVALUATE)
    yield from _measured()


def _audit() -> Iterable[Argument]:
    yield argument("paths", nargs="+", type=Path, metavar="files", help="latents with logvar")
    yield argument("--run", help="which run; default: the first that did not diverge")
    yield argument("--batch-sizes", type=wholes, default=(64, 256, 1024), help="64,256,1024")
    yield from _measured()


def _collect() -> Iterable[Argument]:
    yield from (STUDY, RESULTS, OUT)


def _status() -> Iterable[Argument]:
    yield from (STUDY, RESULTS)


def _compare_dsprites() -> Iterable[Argument]:
    yield argument("file", type=Path, help="the published .npz")


def _report() -> Iterable[Argument]:
    yield argument("study", nargs="?", metavar="STUDY", help="a study, as for `collect`")
    yield RESULTS
    yield argument("--scores", type=Path, help="its tidy table: .csv or .parquet")
    two = "in place of a study, two results folders or tidy tables beside each other"
    yield argument("--compare", nargs=2, type=Path, metavar=("A", "B"), help=two)
    yield OUT
    ranks, chooses = "the value that ranks", "the value by which settings are chosen"
    yield argument("--rank-by", metavar="VALUE", help=f"{ranks}; default: the most prominent")
    yield argument("--choose-by", metavar="VALUE", help=f"{chooses}; default: the one that ranks")


def _diff() -> Iterable[Argument]:
    yield argument("a", type=Path, metavar="A", help="a results folder or a tidy table")
    yield argument("b", type=Path, metavar="B", help="another")
    yield METRICS
    alike = "up to which values are alike; 0"
    yield argument("--tolerance", type=distance, default=0.0, help=alike)
    yield argument("--exit-code", action="store_true", help="end with 3 unless both are the same")


def _verify() -> Iterable[Argument]:
    yield from (STUDY, RESULTS)
    yield argument("--set-aside", action="store_true", help="give damaged files another name")


def _list() -> Iterable[Argument]:
    yield argument("kind", choices=plugins.KINDS)
    yield argument("--on", type=Path, help="metrics only: latents on which chance is computed")


STUDY = argument("study", help="a study: a YAML file, or its text as JSON")
IMAGES = argument("--images", type=Path, required=True, help="the data set file")
MODEL = argument("--model", type=Path, required=True, help="the model file")
OUT = argument("--out", type=Path, required=True, help="the file to write")
RESULTS = argument("--results", type=Path, default=Path("results"), help="default: results")
THREADS = argument("--threads", type=whole, help="CPU threads; default: all cores")
EVALUATE = argument("--evaluate", type=mapping, help="a study's `evaluate` as JSON; default: all")
METRICS = argument("--metrics", type=names, help="names with commas between; default: all")


if __name__ == "__main__":
    sys.exit(main())
