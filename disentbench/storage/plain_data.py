"""YAML and JSON from outside, read as plain data: nothing is run, and no key stands twice."""

import codecs
import json
import math
from pathlib import Path
from typing import Any

from disentbench.errors import UserError
from disentbench.storage import spellings

MOST_PARTS = 100_000  # keys and values that a document may have, every alias written out
MOST_BYTES = 100_000  # of a file; the system takes little more as one argument of a command
MARKS = {  # how texts of other encodings may begin; that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def text_of(path: Path) -> str:
    """The text of a regular file in UTF-8; a UserError says why it is none."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UserError(f"it has more than the {MOST_BYTES:,} bytes that a study may have")
    for mark, name in MARKS.items():
        if data.startswith(mark):
            raise UserError(f"it is {name} text; save it as UTF-8")
    if b"\0" in data:
        raise UserError("it holds NUL bytes, as binary files do; save it as text in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, data[error.start]
        raise UserError(f"byte 0x{byte:02x} in line {line} is no UTF-8; save it as UTF-8") from None


def parsed(text: str) -> Any:
    """What a document says; a UserError says why it cannot be read."""
    try:
        document = _read(text)
        parts = _parts(document, {})
    except RecursionError:
        raise UserError("it is nested too deeply") from None
    if parts == math.inf:
        raise UserError("an alias in it stands for something that holds the alias itself")
    if parts > MOST_PARTS:
        raise UserError(f"its aliases stand for more than {MOST_PARTS:,} keys and values")
    return document


def _read(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_mapping,
            parse_int=spellings.whole,
            parse_float=spellings.real,
            parse_constant=spellings.no_number,
        )
    except json.JSONDecodeError:
        return spellings.yaml_data(text)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise UserError(f"the key {key!r} stands twice; keep one")
        mapping[key] = value
    return mapping


def _parts(value: Any, known: dict[int, int | float]) -> int | float:
    """How many keys and values there are with every alias written out; infinite for a circle."""
    if not isinstance(value, dict | list | tuple):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf  # until it is known: whoever meets it now stands inside it
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_parts(item, known) for item in inner)
    return known[id(value)]


def printable(text: str) -> str:
    """Text from a file on one line, with nothing in it that could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
