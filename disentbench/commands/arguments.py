"""What the words of a command line may be: each kind of value, checked."""

import argparse
import re
from pathlib import Path

from disentbench.errors import UserError
from disentbench.options import shown
from disentbench.storage import limits, plain_data

LEAST_RATE = 1e-6  # a day and a half for an image
DIGITS = 9  # of a number of things: more there are not of any


def whole(text: str) -> int:
    """A number of things, at least one."""
    if not text.isdecimal() or len(text) > DIGITS or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number of at least 1 and at most {DIGITS} digits"
        )
    return int(text)


def natural(text: str) -> int:
    """A whole number, zero included."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


def distance(text: str) -> float:
    """A number of at least 0."""
    try:
        if 0 <= (number := float(text)) < float("inf"):
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 0")


def rate(text: str) -> float:
    """A number above 0, of which hours can be told."""
    try:
        if LEAST_RATE <= (number := float(text)) < float("inf"):
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, and {LEAST_RATE} or more")


def groups(text: str) -> str:
    """Latents that go together, which the score reads, if none has more digits than there are."""
    if re.search(rf"\d{{{DIGITS + 1}}}", text):
        raise argparse.ArgumentTypeError(
            f"{shown(text)} names no latents; write 0-15,16-31, or 16 for every 16 of them"
        )
    return text


def mapping(text: str) -> dict:
    """A JSON object."""
    try:
        if isinstance(value := plain_data.parsed(text), dict):
            return value
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    raise argparse.ArgumentTypeError(f"{shown(text)} is no JSON object")


def memory(text: str) -> int:
    """A number of bytes."""
    try:
        return limits.memory(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def named_files(text: str) -> dict[str, Path]:
    """Files by name: NAME=FILE with commas between."""
    pairs = [name.partition("=") for name in names(text)]
    if not all(name and file for name, _, file in pairs) or len({p[0] for p in pairs}) < len(pairs):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no files; write factors=f.npy,logvar=l.npy, each name once"
        )
    return {name: Path(file) for name, _, file in pairs}


def wholes(text: str) -> tuple[int, ...]:
    """Whole numbers of at least 1 with commas between."""
    return tuple(whole(name) for name in names(text))


def names(text: str) -> list[str]:
    """Names with commas between."""
    named = [name.strip() for name in text.split(",")]
    if not all(named):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name; write names like a,b,c")
    return named
