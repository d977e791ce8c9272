"""Objectives, data sets, metrics, architectures and figures are found by the names of their files.

The folders are the registries. A file `objectives/beta_tcvae.py` is the objective `beta_tcvae`, and
its `objective` is what the others call. A leading underscore marks a helper that such files share.
"""

import ast
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from disentbench import sources as modules
from disentbench.errors import UserError
from disentbench.options import sentence, shown

KINDS = ("objectives", "datasets", "metrics", "architectures", "likelihoods")
SINGLE = {"architectures", "likelihoods"}  # of which a study has one


def names(kind: str) -> list[str]:
    """The names that exist, in alphabetical order; imports nothing."""
    return sorted(p.stem for p in source(kind, "*").parent.glob("[!_]*.py"))


def load(kind: str, name: str) -> Any:
    """What the file `{kind}/{name}.py` defines under the singular of `kind`."""
    require(kind, name)
    return getattr(import_module(f"disentbench.{kind}.{name}"), kind.removesuffix("s"))


def require(kind: str, name: str) -> None:
    """Raise a UserError that names the choices unless `name` exists."""
    if name not in names(kind):
        choices = ", ".join(names(kind))
        raise UserError(f"no {kind.removesuffix('s')} named {shown(name)}; choose from {choices}")


def make(kind: str, name: str, options: dict[str, Any]) -> Any:
    """The plugin that options ask for; a UserError says which key of which part is wrong.

    `of` among the options is the file that defines it, where that is not its name.
    """
    options = dict(options)
    file = options.pop("of", name)
    require(kind, str(file))
    where = kind if kind in SINGLE else f"{kind}.{name}"
    return named(where, load(kind, file).model_validate, options)


def named(where: str, check: Callable[[Any], Any], value: Any) -> Any:
    """What a check makes of a value; what is wrong with it is said of the part that it is in."""
    try:
        return check(value)
    except ValidationError as error:
        raise UserError(f"{where}: {sentence(error)}") from None
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def source(kind: str, name: str) -> Path:
    """The file that defines `name`."""
    return Path(__file__).parent / kind / f"{name}.py"


def sources(kind: str, name: str) -> tuple[Path, ...]:
    """A plugin's file and those that it takes something from: with another text, another plugin."""
    require(kind, name)
    return modules.of(f"{kind}.{name}")


@cache
def needs(metric: str) -> list[str]:
    """What a metric takes from a representation: its function's positional parameters.

    Its file is read as text, so that the workflow knows it without importing anything.
    """
    require("metrics", metric)
    path = source("metrics", metric)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = functions.get(_computing(tree) or "")
    if function is None:
        raise UserError(f"{path} must say metric = Metric(f, ...), f being a function in it")
    return [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]


@cache
def values(metrics: tuple[str, ...] | None = None) -> dict[str, str]:
    """The metric that gives a value, by the value's name, of these metrics or of all.

    Raises a UserError where two give values of one name: a table could not tell them apart.
    """
    givers: dict[str, str] = {}
    for metric in names("metrics") if metrics is None else metrics:
        for value in load("metrics", metric).values:
            note_giver(givers, value.name, metric)
    return givers


def note_giver(givers: dict[str, str], value: str, metric: str) -> None:
    """Note which metric gives a value; a UserError if another one does, too."""
    if (other := givers.setdefault(value, metric)) != metric:
        raise UserError(
            f"the metrics {other!r} and {metric!r} both give a value {value!r}; rename one"
        )


@cache
def shared_values() -> frozenset[str]:
    """The values of the metrics that compare runs.

    The runs of a setting share in them, each pair in two, and are not independent: over seeds these
    values have no interval and no test.
    """
    metrics = [name for name in names("metrics") if "companions" in needs(name)]
    return frozenset(value.name for name in metrics for value in load("metrics", name).values)


def _computing(tree: ast.Module) -> str | None:
    """The name of the function that a metric file hands to Metric."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "Metric":
            named = [node.value for node in call.keywords if node.arg == "compute"]
            return next(
                (node.id for node in call.args[:1] + named if isinstance(node, ast.Name)), None
            )
    return None
