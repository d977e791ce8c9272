"""What a study may write for a grid's factors, as JSON schema; `_grid` reads it, and all else."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def of_grid(schema: Schema, sizes: Mapping[str, int], names: Mapping[str, Sequence[str]]) -> None:
    """Have a data set's schema take every form of a choice of classes, by factor."""
    choices = {factor: choice(size, names.get(factor, ())) for factor, size in sizes.items()}
    condition = {
        "type": "object",
        "minProperties": 1,
        "properties": choices,
        "additionalProperties": False,
    }
    properties = schema["properties"]
    properties |= choices | {"hold_out": {"anyOf": [condition, _list_of(condition)]}}
    pair = properties["correlate"]["items"]
    factors = {"properties": {"factors": {"items": {"enum": list(sizes)}, "uniqueItems": True}}}
    properties["correlate"]["items"] = {"allOf": [pair, factors]}


def choice(size: int, names: Sequence[str] = ()) -> Schema:
    """One class of a factor, a list of them, {stride: n} or {from: a, to: b}."""
    one: Schema = {"type": "integer", "minimum": 0, "maximum": size - 1}
    if names:
        one = {"anyOf": [{"enum": list(names)}, one]}
    stride = {"type": "integer", "minimum": 1, "maximum": 2**31}
    several = _list_of(one) | {"minItems": 1, "uniqueItems": True}
    called = f" or {', '.join(names)}" if names else ""
    return {
        "title": f"classes 0 to {size - 1}{called}",
        "anyOf": [one, several, _all_of(stride=stride), _all_of(**{"from": one, "to": one})],
    }


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _all_of(**properties: Schema) -> Schema:
    """A mapping with all of these keys and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
