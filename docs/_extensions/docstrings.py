"""Docstrings as reStructuredText, and signatures as they are written."""

import ast
import inspect
import re
import textwrap
from typing import Any

Signature = tuple[str, str | None]
SPECIAL = re.compile(r"([*|\\]|_(?!\w))")


def restructured(lines: list[str]) -> list[str]:
    """The lines of a docstring, which is plain prose with code in single backticks.

    What is indented below a paragraph or said to an interpreter is shown as it stands. Of the
    fields of a named tuple Python says nothing but their numbers.
    """
    if lines and lines[0].startswith("Alias for field number"):
        return []
    shown: list[str] = []
    session = False  # of an interpreter, which ends with an empty line
    for number, line in enumerate(lines):
        session = line.startswith(">>>") or (session and bool(line.strip()))
        if line.startswith(" ") and number and not lines[number - 1].strip():
            shown += ["::", ""]
        shown.append(line if session or line.startswith(" ") else _plain(line))
    return shown


def _plain(line: str) -> str:
    parts = line.split("`")
    return "`".join(SPECIAL.sub(r"\\\1", p) if i % 2 == 0 else p for i, p in enumerate(parts))


def signature(function: Any) -> Signature | None:
    """Parameters and result of a function as its file has them; None for what Sphinx knows better.

    `ArrayLike` and the shapes of arrays say more than the types that they stand for. What options
    take is told in tables.
    """
    if hasattr(function, "model_fields"):
        return "", None
    if not inspect.isfunction(function := inspect.unwrap(function)):
        return None
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef)
    given = node.args
    every = given.posonlyargs or given.args
    if every and every[0].arg in ("self", "cls"):
        every.pop(0)
    return f"({ast.unparse(given)})", ast.unparse(node.returns) if node.returns else None
