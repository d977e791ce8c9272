"""YAML and JSON from outside, read as plain data: nothing is run, and no key stands twice."""

import json
import math
from typing import Any

import yaml

from disentbench.errors import UserError

MOST_PARTS = 100_000  # keys and values that a document may have, every alias written out


def parsed(text: str) -> Any:
    """What a document says; a UserError says why it cannot be read."""
    try:
        found = _read(text)
        parts = _parts(found, {})
    except RecursionError:
        raise UserError("it is nested too deeply") from None
    if parts > MOST_PARTS:
        raise UserError(f"its aliases stand for more than {MOST_PARTS:,} keys and values")
    return found


def _read(text: str) -> Any:
    try:
        return _json(text)
    except json.JSONDecodeError:
        return _yaml(text)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_mapping)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UserError(f"the key {key!r} stands twice; keep one")
        found[key] = value
    return found


def _yaml(text: str) -> Any:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except UserError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(" ".join(str(error).split())) from None


class _Loader(yaml.SafeLoader):
    """YAML's plain types alone; of two equal keys SafeLoader would keep the last in silence."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            what, line = (key.tag, key.value), key.start_mark.line + 1
            if what in lines:
                where = f"lines {lines[what]} and {line}" if line > lines[what] else f"line {line}"
                raise UserError(f"the key {key.value!r} stands twice, in {where}; keep one")
            lines[what] = line
        return node


def _parts(value: Any, known: dict[int, int | float]) -> int | float:
    """How many keys and values there are with every alias written out; infinite for a circle."""
    if not isinstance(value, dict | list | tuple):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf  # until it is known: whoever meets it now stands inside it
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_parts(each, known) for each in inner)
    return known[id(value)]


def printable(text: str) -> str:
    """Text from a file on one line, with nothing in it that could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
