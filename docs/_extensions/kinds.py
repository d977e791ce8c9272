"""What an option may be, in words, from the JSON schema of the options it is one of."""

import json
from typing import Any

from _extensions.markdown import code

Schema = dict[str, Any]
NAMES = {"string": "text", "boolean": "true or false", "object": "a mapping", "null": "nothing"}


def options(model: Any) -> dict[str, tuple[str, str]]:
    """Each key of a model of options with what it may be and its default, in words."""
    schema = model.model_json_schema()
    needed = schema.get("required", [])
    return {
        key: (kind(of, schema.get("$defs", {})), "needed" if key in needed else default(of))
        for key, of in schema.get("properties", {}).items()
    }


def default(schema: Schema) -> str:
    """The default of an option, as a study would write it; one that is a long list is all."""
    value = schema.get("default", {})
    if value is None:
        return "none"
    if isinstance(value, list) and len(value) > 3:
        return "all" if value == sorted(value) else code(json.dumps(value))
    if isinstance(value, dict):
        return code(_mapping(value))
    return code(value if isinstance(value, str) else json.dumps(value))


def _mapping(value: dict[str, Any]) -> str:
    said = [f"{k}: {v}" for k, v in value.items() if v is not None]
    return "{" + ", ".join(said) + "}"


def kind(schema: Schema, parts: Schema) -> str:
    """What a value may be."""
    if "$ref" in schema:
        return _part(schema["$ref"].rpartition("/")[2], parts)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(kind(choice, parts) for choice in choices if choice != {"type": "null"})
    if "enum" in schema:
        return " or ".join(map(code, schema["enum"]))
    if schema.get("type") in ("integer", "number"):
        return _number(schema)
    return _plain(schema, parts)


def _plain(schema: Schema, parts: Schema) -> str:
    """Text, a path, a list or a mapping."""
    if schema.get("type") == "array":
        return _list(schema, parts)
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"names, each with {kind(values, parts)}"
    if schema.get("format") == "path":
        return "a path"
    return NAMES.get(schema.get("type", ""), "any")


def _part(name: str, parts: Schema) -> str:
    """A mapping with keys of its own, which are told where they are few."""
    keys = parts[name]["properties"]
    return "`{" + ", ".join(keys) + "}`" if len(keys) <= 3 else NAMES["object"]


def _list(schema: Schema, parts: Schema) -> str:
    if "prefixItems" in schema:
        return ", ".join(kind(item, parts) for item in schema["prefixItems"])
    return f"a list, each {kind(schema.get('items', {}), parts)}"


def _number(schema: Schema) -> str:
    """A number and its bounds; one that no study comes near is left out."""
    word = "a whole number" if schema["type"] == "integer" else "a number"
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    ends = [
        f"from {least:g}" if least is not None else "",
        f"above {above:g}" if above is not None else "",
        f"to {most:g}" if most is not None and most < 1e6 else "",
        f"below {below:g}" if below is not None else "",
    ]
    return " ".join([word, *filter(None, ends)])
