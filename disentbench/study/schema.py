"""What a study may say, as a JSON schema: for editors, which complete and check as one types.

It is made of the options of everything in the registries. What comes of several parts together no
schema can say, whether a batch is larger than its data set, say: reading the study does.
"""

import ast
import json
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from disentbench import plugins
from disentbench.recipe import PATH_SAFE
from disentbench.study import Study
from disentbench.study.bounds import SEEDS

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
WITH_OPTIONS = ("datasets", "objectives", "architectures", "likelihoods")
SWEPT = {"type": ["number", "string", "boolean"]}  # what may stand in a path


class Untitled(GenerateJsonSchema):
    """Pydantic's schemas, without a title for every key, which would be the key again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


def text() -> str:
    """The schema as it is written to a file: a line for each key and for each definition."""
    *keys, (_, definitions) = schema().items()
    lines = ",\n ".join(map(_line, keys)), ",\n  ".join(map(_line, definitions.items()))
    return '{{\n {},\n "$defs": {{\n  {}\n }}\n}}\n'.format(*lines)


def _line(pair: tuple[str, Any]) -> str:
    return ": ".join(json.dumps(part, ensure_ascii=False) for part in pair)


def schema() -> Schema:
    """The schema of a study, by what there is of every registry."""
    names = [(kind, name) for kind in WITH_OPTIONS for name in plugins.names(kind)]
    parts = {key: plugins.load(*key) for key in names}
    models: Any = [(model, "validation") for model in (Study, *parts.values())]
    references, made = models_json_schema(models, schema_generator=Untitled)
    models = {name: _without_title(model) for name, model in made["$defs"].items()}

    def taken(model: Any) -> Schema:
        return models.pop(references[model, "validation"]["$ref"].rpartition("/")[2])

    study = taken(Study)
    options = {
        f"{kind}.{name}": _options(kind, name, taken(part)) for (kind, name), part in parts.items()
    }
    definitions = models | options | {kind: _by_file(kind) for kind in WITH_OPTIONS}
    study["properties"] |= _short_forms()
    shared: Schema = {}
    whole = {"$schema": DIALECT} | _sharing(study, shared)
    definitions = {name: _sharing(part, shared) for name, part in definitions.items()} | shared
    return whole | {"$defs": dict(sorted(definitions.items()))}


def _without_title(model: Schema) -> Schema:
    """A model's schema without the name of its class."""
    return {key: value for key, value in model.items() if key != "title"}


def _options(kind: str, name: str, model: Schema) -> Schema:
    """The options of a file of a registry, and `of`; where none is required all may be missing."""
    keys = model["properties"]
    if kind == "objectives":
        keys = {key: _sweepable(option) for key, option in keys.items()}
    empty = {} if "required" in model else {"type": ["object", "null"]}
    return model | empty | {"properties": {"of": {"const": name}} | keys}


def _sweepable(option: Schema) -> Schema:
    """An option of an objective, or a list of what it may be."""
    told = {key: value for key, value in option.items() if key in ("default", "description")}
    alone = {key: value for key, value in option.items() if key not in told}
    if alone.get("type") == "object":
        return option
    once = {"type": "array", "minItems": 1, "uniqueItems": True}
    return {"anyOf": [alone, once | {"items": {"allOf": [SWEPT, alone]}}]} | told


def _by_file(kind: str) -> Schema:
    """Options with `of`, which says what others there may be."""
    given = {"required": ["of"]}
    choices = [
        {"if": given | {"properties": {"of": {"const": name}}}, "then": _at(f"{kind}.{name}")}
        for name in plugins.names(kind)
    ]
    return given | {
        "type": "object",
        "properties": {"of": _one_of(kind)},
        "allOf": choices,
    }


def _short_forms() -> Schema:
    """The keys of a study that have a form of their own."""
    return {
        "study": {"type": "string", "pattern": f"^{PATH_SAFE}$"},
        "seeds": {"anyOf": [{"type": "string", "pattern": f"^{SEEDS}$"}, SEED]},
        "datasets": _several("datasets"),
        "objectives": _several("objectives"),
        "architecture": _one("architectures"),
        "likelihood": _one("likelihoods") | {"default": "bernoulli"},
        "metrics": _names("metrics"),
    }


SEED = {"type": "integer", "minimum": 0, "maximum": 999_999_999}


def _several(kind: str) -> Schema:
    """A list of names, or a mapping from names, of which those of no file say `of`."""
    named = {
        name: {
            "if": {"type": "object", "required": ["of"]},
            "then": _at(kind),
            "else": _at(f"{kind}.{name}"),
            "description": _summary(kind, name),
        }
        for name in plugins.names(kind)
    }
    mapping = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{PATH_SAFE}$"},
        "properties": named,
        "additionalProperties": _at(kind),
    }
    return {"anyOf": [mapping, _names(kind)]}


def _one(kind: str) -> Schema:
    """A name, or options with `of`."""
    return {"anyOf": [_one_of(kind), _at(kind)]}


def _names(kind: str) -> Schema:
    """A list of names, each of them once."""
    return {"type": "array", "items": _one_of(kind), "minItems": 1, "uniqueItems": True}


def _one_of(kind: str) -> Schema:
    """A name that there is, each with a sentence, which VS Code shows."""
    names = plugins.names(kind)
    return {"enum": names, "enumDescriptions": [_summary(kind, name) for name in names]}


def _summary(kind: str, name: str) -> str:
    """The first line of a file of a registry."""
    tree = ast.parse(plugins.source(kind, name).read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or name).partition("\n")[0]


def _sharing(part: Any, shared: Schema) -> Any:
    """A schema in which whatever has a title is among those that are `shared`, and named there."""
    if isinstance(part, list):
        return [_sharing(item, shared) for item in part]
    if not isinstance(part, dict):
        return part
    inner = {key: _sharing(value, shared) for key, value in part.items()}
    if not isinstance(title := part.get("title"), str):
        return inner
    name = re.sub(r"\W+", "-", title)
    assert shared.setdefault(name, inner) == inner, f"two schemas have the title {title}"
    return _at(name)


def _at(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
