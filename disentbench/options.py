"""Validated options: the parts of a study, and what its data sets and methods may be told."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer, model_validator

# Marks an option, in its Annotated type, that came after files of before: see Options. Its default
# is what was done before, and so it never changes.
SINCE = "an option that files of before do not know"


class Options(BaseModel):
    """A set of options: unknown keys are refused, nothing changes after validation.

    Written out, they are all there, but for those marked SINCE that are as by default: what was
    made before they came was made with that, and a file says so by the same word. With the context
    "whole" these are there, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_serializer(mode="wrap")
    def _as_before(self, write: Callable[[Any], dict], info: Any) -> dict[str, Any]:
        written = write(self)
        return {
            key: value
            for key, value in written.items()
            if info.context == "whole" or not self._as_ever(key)
        }

    def _as_ever(self, key: str) -> bool:
        field = type(self).model_fields[key]
        return SINCE in field.metadata and getattr(self, key) == field.get_default(
            call_default_factory=True
        )

    @model_validator(mode="before")
    @classmethod
    def _keys_and_kinds(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise ValueError(f"{shown(raw)} is no mapping of keys to values")
        unknown = [key for key in raw if key not in cls.model_fields]
        if unknown:
            choices = ", ".join(cls.model_fields) or "none"
            raise ValueError(f"unknown key {shown(unknown[0])}; the keys are {choices}")
        for key, value in raw.items():
            if _holds_boolean(value) and not cls._takes_booleans(key):
                raise ValueError(f"{key} is {shown(value)}; it takes no true or false")
        return raw

    @classmethod
    def _takes_booleans(cls, key: str) -> bool:
        """Whether a field says so, or asks its own parts; if not, pydantic counts true as 1."""
        kind = cls.model_fields[key].annotation
        parts = (kind, *get_args(kind))
        asks = any(isinstance(part, type) and issubclass(part, Options) for part in parts)
        return asks or bool({"bool", "Any"} & set(re.findall(r"\w+", str(kind))))


def _holds_boolean(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_boolean, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_boolean, value))
    return isinstance(value, bool)


# What pydantic's errors ask for, by their types.
REMEDIES = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "be a whole number"),
    "int_parsing_size": "be a whole number of fewer digits",
    **dict.fromkeys(("float_type", "float_parsing"), "be a number"),
    "finite_number": "be a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "be true or false"),
    "string_type": "be text",
    "path_type": "be the path of a file",
    **dict.fromkeys(("list_type", "tuple_type"), "be a list"),
    **dict.fromkeys(("dict_type", "model_type"), "be a mapping of keys to values"),
    "literal_error": "be {expected}",
    "greater_than": "be greater than {gt}",
    "greater_than_equal": "be at least {ge}",
    "less_than": "be less than {lt}",
    "less_than_equal": "be at most {le}",
    "too_short": "hold at least {min_length}",
    "too_long": "hold at most {max_length}",
    "string_too_short": "have at least {min_length} characters",
    "string_too_long": "have at most {max_length} characters",
    "string_pattern_mismatch": "match {pattern}",
}


WHOLE_NUMBER = "constrained-int"  # how pydantic calls that choice of a key with several


def sentence(error: ValidationError) -> str:
    """The first complaint of pydantic as one sentence: where, what came, what would do."""
    first = _deepest(error.errors())
    place = [part for part in first["loc"] if not str(part).startswith(("[", "dict["))]
    place = [part for part in place if part != WHOLE_NUMBER]
    kind, came, context = first["type"], first["input"], first.get("ctx", {})
    if kind == "missing" and isinstance(place[-1], int):  # of a list of a certain length
        return f"{_dotted(place[:-1])} is {shown(came)}; it should hold more"
    where = _dotted(place)
    if kind == "missing":
        return f"the key {where!r} is missing"
    if kind == "value_error":
        return f"{where}: {context['error']}" if where else str(context["error"])
    if kind not in REMEDIES:
        return f"{where} is {shown(came)}: {first['msg']}"
    plain = {key: f"{x:.15g}" if isinstance(x, float) else x for key, x in context.items()}
    quotes = ", in quotes" * (kind == "string_type" and _looks_odd(came))
    return f"{where} is {shown(came)}; it should {REMEDIES[kind].format(**plain)}{quotes}"


def _deepest(errors: list[Any]) -> Any:
    """The first error; of a key that takes a number or a mapping, one within the mapping."""
    first, *others = errors
    *key, kind = first["loc"] or (None,)
    if kind != WHOLE_NUMBER or not isinstance(first["input"], dict):
        return first
    return next((other for other in others if [*other["loc"]][: len(key)] == key), first)


def _looks_odd(value: Any) -> bool:
    """Whether YAML may have taken for another kind what was meant as text."""
    return value is None or isinstance(value, int | float)


def _dotted(place: list[str | int]) -> str:
    """The keys that lead to a value, as they stand in a sentence."""
    return ".".join(
        str(key) if str(key).isprintable() and len(str(key)) <= 64 else shown(key) for key in place
    )


def shown(value: Any) -> str:
    """What came, as Python writes it; the middle of what is long is left out."""
    try:
        text = repr(value)
    except ValueError:  # of a whole number of more than 4,300 digits
        text = f"a {type(value).__name__} of too many digits"
    return text if len(text) <= 120 else f"{text[:80]} ... {text[-30:]}"


def is_whole(value: Any, low: int, high: int) -> bool:
    """Whether `value` is an integer from `low` to `high`; True and False are no numbers here."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def a_path(value: Any, wanted: str) -> str | Path:
    """What may be a path; a ValueError names what is `wanted`."""
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"{shown(value)} is no path; name {wanted}")
    return value


def as_mapping(entries: Any) -> Any:
    """Names that may have options: a list of names is a mapping without any."""
    if isinstance(entries, list):
        for entry in entries:
            if not isinstance(entry, str):
                raise ValueError(f"{shown(entry)} stands for no name; write names, in quotes")
        if (double := twice(entries)) is not None:
            raise ValueError(f"{shown(double)} is named twice; name each once")
        return {name: {} for name in entries}
    if isinstance(entries, dict):
        return {key: {} if options is None else options for key, options in entries.items()}
    return entries


def twice(names: list[str]) -> str | None:
    """The first name that has stood before, if any has."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)
