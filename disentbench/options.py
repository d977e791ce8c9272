"""Validated options: the parts of a study, and what its data sets and methods may be told."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class Options(BaseModel):
    """A set of options: unknown keys are refused, nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _keys_exist(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise ValueError(f"{raw!r} is no mapping of keys to values")
        unknown = [key for key in raw if key not in cls.model_fields]
        if unknown:
            choices = ", ".join(cls.model_fields) or "none"
            raise ValueError(f"unknown key {unknown[0]!r}; the keys are {choices}")
        return raw


def sentence(error: ValidationError) -> str:
    """The first complaint of pydantic as one sentence: where, what came, what would do."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "missing":
        return f"the key {where!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{where}: {message}" if where else message
    return f"{where} is {first['input']!r}; {message[0].lower()}{message[1:]}"
