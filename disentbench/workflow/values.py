"""How many values a metric gives, read from its file as text: to import it may take torch."""

import ast
from functools import cache
from typing import NamedTuple

from disentbench import plugins

UNKNOWN = 2  # of a metric whose text does not tell


class Given(NamedTuple):
    """How many values a metric gives, and how many more are standard errors of these."""

    values: int
    errors: int


@cache
def given(metric: str) -> Given:
    """The values of a metric as its file writes them out, or a guess where they are computed."""
    tree = ast.parse(plugins.source("metrics", metric).read_text(encoding="utf-8"))
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    told = _values(assigned["metric"])
    count = None if told is None else _count(told, assigned)
    return count or Given(UNKNOWN, 0)


def _values(call: ast.expr) -> ast.expr | None:
    """What a metric says its values are."""
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return next((keyword.value for keyword in keywords if keyword.arg == "values"), None)


def _count(node: ast.expr, assigned: dict[str, ast.expr]) -> Given | None:
    """How many there are in a tuple, be it named or made of others; None if that is not told."""
    match node:
        case ast.Name(id=name) if name in assigned:
            return _count(assigned[name], assigned)
        case ast.GeneratorExp(elt=ast.Attribute(attr="standard_error"), generators=[of]):
            errors = _count(of.iter, assigned)
            return errors and Given(0, errors.values)
        case ast.Tuple(elts=parts):
            counts = [_of_part(part, assigned) for part in parts]
            known = [count for count in counts if count]
            every = Given(sum(n.values for n in known), sum(n.errors for n in known))
            return every if known == counts else None
    return None


def _of_part(part: ast.expr, assigned: dict[str, ast.expr]) -> Given | None:
    """A call in a tuple makes one value; what has a star brings those that it has."""
    if isinstance(part, ast.Starred):
        return _count(part.value, assigned)
    return Given(1, 0) if isinstance(part, ast.Call) else None
