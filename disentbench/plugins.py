"""The folders objectives/, datasets/, metrics/ and architectures/ are the registries.

A file `objectives/beta_tcvae.py` is the objective `beta_tcvae`, and its `objective` is what the
others call. A leading underscore marks a helper that such files share.
"""

from importlib import import_module
from pathlib import Path

from disentbench import sources as modules
from disentbench.errors import UserError
from disentbench.options import shown

KINDS = ("objectives", "datasets", "metrics", "architectures")


def names(kind: str) -> list[str]:
    """The names that exist, in alphabetical order; imports nothing."""
    return sorted(p.stem for p in source(kind, "*").parent.glob("[!_]*.py"))


def load(kind: str, name: str):
    """What the file `{kind}/{name}.py` defines under the singular of `kind`."""
    require(kind, name)
    return getattr(import_module(f"disentbench.{kind}.{name}"), kind.removesuffix("s"))


def require(kind: str, name: str) -> None:
    """Raise a UserError that names the choices unless `name` exists."""
    if name not in names(kind):
        choices = ", ".join(names(kind))
        raise UserError(f"no {kind.removesuffix('s')} named {shown(name)}; choose from {choices}")


def source(kind: str, name: str) -> Path:
    """The file that defines `name`."""
    return Path(__file__).parent / kind / f"{name}.py"


def sources(kind: str, name: str) -> tuple[Path, ...]:
    """That file and those that it takes something from: with another text, it may be another."""
    require(kind, name)
    return modules.of(f"{kind}.{name}")
