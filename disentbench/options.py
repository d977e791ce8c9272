"""Validated options: the parts of a study, and what its data sets and methods may be told."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class Options(BaseModel):
    """A set of options: unknown keys are refused, nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
        asks = isinstance(kind, type) and issubclass(kind, Options)
        return asks or bool({"bool", "Any"} & set(re.findall(r"\w+", str(kind))))


def _holds_boolean(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_boolean, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_boolean, value))
    return isinstance(value, bool)


def sentence(error: ValidationError) -> str:
    """The first complaint of pydantic as one sentence: where, what came, what would do."""
    first = error.errors()[0]
    where = ".".join(_part(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "missing":
        return f"the key {where!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{where}: {message}" if where else message
    quotes = ", in quotes" * (first["type"] == "string_type" and _looks_odd(first["input"]))
    return f"{where} is {shown(first['input'])}; {_plain(message)}{quotes}"


def _looks_odd(value: Any) -> bool:
    """Whether YAML may have taken for another kind what was meant as text."""
    return value is None or isinstance(value, int | float)


def _part(key: str | int) -> str:
    """A key as it stands in a sentence."""
    return str(key) if str(key).isprintable() and len(str(key)) <= 64 else shown(key)


def _plain(message: str) -> str:
    """What pydantic says, without the words of its own trade."""
    message = re.sub(r"^(Input|Value|List|Tuple|Dictionary|String) should", "it should", message)
    message = re.sub(r", (unable to parse|got a number with) .*| after validation", "", message)
    for trade, plain in {
        "a valid dictionary": "a mapping of keys to values",
        "a valid string": "text",
        "a valid integer": "a whole number",
        "a valid ": "a ",
        "greater than or equal to": "at least",
        "less than or equal to": "at most",
    }.items():
        message = message.replace(trade, plain)
    return message


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
