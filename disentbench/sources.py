"""The files of this package that a number is computed with: change one, and it is computed anew.

A module is followed to the modules of the package that it imports, wherever in its text. Files are
read as text and nothing is imported, so that the workflow knows them at once. What an import runs
besides, the `__init__.py` of the folders above, counts where something is taken from it.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "disentbench"
ROOT = Path(__file__).parent
# Rooms and modules that carry numbers from file to file, name them or refuse them; none of them
# computes one. What a study and its options come to is in the recipe, which is compared itself.
CARRIERS = {"storage", "errors", "options", "plugins", "recipe", "sources", "study"}
# Of those, what reads the values of files from outside for data sets.
READERS = {"classes", "matlab_files", "numpy_files", "tar_files"}
# What reads representations.
READING = ("posterior.from_files", "storage.representation_files", "storage.classes")


def data(dataset: str) -> tuple[Path, ...]:
    """The sources of a data set file, images.h5, and of what reads files for this one."""
    code = of(f"datasets.{dataset}", "storage.images", "storage.images_file")
    taken = {path for source in code for path in imported(source)}
    return tuple(sorted({*code} | {path for path in taken if path.stem in READERS}))


def training(dataset: str, objective: str, architecture: str, likelihood: str) -> tuple[Path, ...]:
    """The sources of a model and its history: of its parts, and of what a step computes.

    Not those of checkpoints, progress and reports, which alter no number.
    """
    parts = f"datasets.{dataset}", f"objectives.{objective}", f"architectures.{architecture}"
    parts += (f"likelihoods.{likelihood}",)
    computes = "models.vae", "models.packed", "training.replay", "training.rounding"
    return of(*parts, *computes, "storage.images")


def encoding(dataset: str, architecture: str, likelihood: str) -> tuple[Path, ...]:
    """The sources of latents, given the model and the images, which the data set may render."""
    parts = f"datasets.{dataset}", f"architectures.{architecture}", f"likelihoods.{likelihood}"
    makes = "models.vae", "training.encode", "training.rounding"
    return of(*parts, *makes, "storage.images", "storage.latents_file", "study.evaluation")


def scoring(metric: str) -> tuple[Path, ...]:
    """The sources of a metric's scores, given the latents."""
    return of(f"metrics.{metric}", "scoring.scores", *READING)


def levels(metric: str) -> tuple[Path, ...]:
    """The sources of what chance and a perfect code score."""
    return of(f"metrics.{metric}", "scoring.calibration", *READING, "study.evaluation")


def audit() -> tuple[Path, ...]:
    """The sources of the audit of the minibatch estimators, given the latents."""
    return of("scoring.audit", "scoring.scores", *READING)


def collecting() -> tuple[Path, ...]:
    """The sources of the tidy table, given the scores."""
    return of("results.collect", "study.published", "recipe", "study", "study.evaluation")


def reporting() -> tuple[Path, ...]:
    """The sources of the report, given all that it reads."""
    drawn = (path.stem for path in (ROOT / "report/figures").glob("[!_]*.py"))
    images = "storage.images", "storage.images_file", "storage.representation_files"
    return of(
        "report",
        "report.page",
        *images,
        "recipe",
        "study",
        "study.evaluation",
        *(f"report.figures.{name}" for name in drawn),
    )


@cache
def of(*names: str) -> tuple[Path, ...]:
    """The sources of modules, each named as below the package: files in alphabetical order.

    Carriers are not followed, unless they are named. A folder brings what it holds beside its
    modules, templates say.
    """
    left = [path for name in names if (path := _file(f"{PACKAGE}.{name}"))]
    sources: set[Path] = set()
    while left:
        path = left.pop()
        if path not in sources:
            sources.add(path)
            left += [source for source in imported(path) if _room(source) not in CARRIERS]
    beside = {
        source for path in sources if path.name == "__init__.py" for source in _beside(path.parent)
    }
    return tuple(sorted(sources | beside))


@cache
def digest(*paths: Path) -> str:
    """One word for what these files hold."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + content_digest(path))
    return whole.hexdigest()[:16]


@cache
def imported(path: Path) -> list[Path]:
    """The files of the package from which a file takes something."""
    folder = path.parent.relative_to(ROOT.parent).parts
    tree = ast.parse(path.read_bytes(), str(path))
    return [file for name in _names(tree, folder) if (file := _file(name))]


def _names(tree: ast.AST, folder: tuple[str, ...]) -> Iterator[str]:
    """Each module or thing in a module that is imported, by its full name."""
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those below `if TYPE_CHECKING`, which only a checker of types reads."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _checks_types(child.test):
            for other in child.orelse:
                yield from _executed(other)
        else:
            yield from _executed(child)


def _checks_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _file(name: str) -> Path | None:
    """The file of a module of the package, or of the module in which this thing is; else None."""
    package, *parts = name.split(".")
    if package != PACKAGE:
        return None
    for path in (ROOT.joinpath(*parts), ROOT.joinpath(*parts[:-1])):
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def _room(path: Path) -> str:
    """The room of the package that a file is in; of what lies at the top, the module's name."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def _beside(folder: Path) -> Iterator[Path]:
    """The files of a package that are no modules: templates, say."""
    for path in sorted(folder.glob("[!._]*")):
        if path.is_dir() and not (path / "__init__.py").exists():
            yield from _beside(path)
        elif path.is_file() and path.suffix not in ("", ".py"):
            yield path


@cache
def content_digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
