"""The house: a room imports only what stands below it, and no file grows past what one reads."""

import ast
import re
import statistics
from collections import Counter

import pytest

from disentbench.sources import PACKAGE, ROOT, imported

# From the ground up. What a visitor adds, a metric or a figure say, is in a room that is here.
FLOORS = (
    *("errors", "seeds", "options", "sources", "plugins", "recipe", "study"),
    *("storage", "datasets", "architectures", "likelihoods", "posterior"),
    *("objectives", "metrics", "models", "training", "scoring", "api", "results"),
    *("workflow", "report", "commands", "cli"),
)
FILES = sorted(ROOT.rglob("*.py"))
MOST_ROOMS, MOST_LINES, MEDIAN_LINES = 24, 300, 7


def room(path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def test_every_room_is_on_a_floor_and_there_are_few():
    assert {room(path) for path in FILES} - {"__init__"} == set(FLOORS)
    assert len(FLOORS) <= MOST_ROOMS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_import_runs_uphill(path):
    """Nor within `if TYPE_CHECKING`, which only names what is handed in."""
    if room(path) == "__init__":
        return
    above = {room(other) for other in imported(path)} - set(FLOORS[: FLOORS.index(room(path)) + 1])
    assert above <= {"__init__"}, f"{path.name} imports {above}"


def test_the_picture_of_the_rooms_is_true():
    """The arrows of docs/architecture.md; here they are printed as they should be."""
    graph: dict[str, set[str]] = {name: set() for name in FLOORS}
    for path in (path for path in FILES if room(path) in graph):
        graph[room(path)] |= {room(other) for other in imported(path)} & set(FLOORS) - {room(path)}
    lower = {name: below(name, graph) for name in FLOORS}
    expected = {
        f"{other} --> {name}"
        for name in FLOORS
        for other in graph[name] - set().union(*(lower[between] for between in graph[name]))
    }
    print("\n".join(sorted(expected)))
    page = (ROOT.parent / "docs/architecture.md").read_text().partition("## The rooms")[2]
    assert set(re.findall(r"\w+ --> \w+", page)) == expected


def below(name, graph) -> set:
    return graph[name].union(*(below(other, graph) for other in graph[name]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_circle_within_a_room(path):
    """Following the imports of a file within its room never comes back to it."""
    met, left = set(), neighbours(path)
    while left:
        other = left.pop()
        assert other != path
        if other not in met:
            met.add(other)
            left |= neighbours(other)


def neighbours(path) -> set:
    """What a file imports from its own room, when it is itself imported."""
    tree = ast.parse(path.read_text())
    local = {f.stem: f for f in path.parent.glob("*.py")}
    prefix = ".".join([PACKAGE, *path.parent.relative_to(ROOT).parts])
    names = {
        name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (
            [alias.name for alias in node.names]
            if node.module == prefix
            else [node.module.removeprefix(f"{prefix}.")]
        )
    }
    return {local[name] for name in names if name in local and local[name] != path}


def test_a_file_is_read_in_one_go():
    files = [*FILES, *(ROOT.parent / "tests").rglob("*.py")]
    lengths = {path: len(path.read_text().splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_a_name_is_of_one_class():
    nodes = (node for path in FILES for node in ast.walk(ast.parse(path.read_text())))
    names = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_a_function_fits_in_the_eye():
    """The median of all, from `def` to the last line, without what documents them."""
    sizes = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                words = ast.get_docstring(node, clean=False)
                lines = node.end_lineno - node.lineno + 1
                sizes.append(lines - (len(words.splitlines()) if words else 0))
    assert statistics.median(sizes) <= MEDIAN_LINES
