"""YAML whose numbers and names are what a person reads in them; what is not so is refused.

YAML 1.1, which PyYAML and Snakemake read, has numbers of base 60 (1:9 is 69) and of base 8 (010 is
8), takes `no` for false and 2024-01-01 for a date, and 1e-1, for want of a dot, for text.
"""

import math
import re
from typing import Any

import yaml

from disentbench.errors import UserError

TAG = "tag:yaml.org,2002:"
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
REAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
MOST_DIGITS = 18  # of a whole number
MOST_KEYS = 100_000  # of all mappings together, those that are merged in written out


def yaml_data(text: str) -> Any:
    """What a YAML document says, as plain data."""
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


def whole(text: str) -> int:
    """A whole number in its usual spelling."""
    if len(digits := text.lstrip("+-")) > MOST_DIGITS:
        raise UserError(
            f"{_short(text)} has {len(digits):,} digits; no number here has more than {MOST_DIGITS}"
        )
    return int(text)


def real(text: str) -> float:
    """A number with a point or an exponent, in its usual spelling."""
    if math.isinf(number := float(text)):
        raise UserError(f"{_short(text)} is more than a number can be; write a smaller one")
    if number == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise UserError(f"{_short(text)} is less than a number can be; write a larger one, or 0")
    return number + 0.0  # -0.0 is 0


def no_number(text: str) -> float:
    """Refuse NaN and Infinity, which no option takes."""
    raise UserError(f"{text} is no number that an option could take; write a finite one")


class _Loader(yaml.SafeLoader):
    """YAML's plain types alone; of two equal keys SafeLoader would keep the last in silence."""

    def __init__(self, text: str):
        super().__init__(text)
        self.merged: dict[int, int] = {}  # how many keys a mapping has, those merged in counted

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        self._count(node)
        lines: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            what, line = (key.tag, key.value), key.start_mark.line + 1
            if what in lines:
                where = f"lines {lines[what]} and {line}" if line > lines[what] else f"line {line}"
                raise UserError(f"the key {key.value!r} stands twice, in {where}; keep one")
            lines[what] = line
        return node

    def _count(self, node: yaml.MappingNode) -> None:
        """Refuse keys merged in (`<<`) without end: each would be written out."""
        merged = [value for key, value in node.value if key.tag == TAG + "merge"]
        several = [v.value if isinstance(v, yaml.SequenceNode) else [v] for v in merged]
        sources = [source for values in several for source in values]
        if node in sources:
            raise UserError(f"line {node.start_mark.line + 1} merges a mapping into itself")
        self.merged[id(node)] = len(node.value) + sum(self.merged.get(id(s), 0) for s in sources)
        if merged and sum(self.merged.values()) > MOST_KEYS:
            line = merged[0].start_mark.line + 1
            raise UserError(
                f"line {line} merges more than {MOST_KEYS:,} keys; write those it needs"
            )


def _scalar(loader: _Loader, node: Any) -> yaml.ScalarNode:
    """A node that is one, and not as in `!!int [1]`."""
    loader.construct_scalar(node)
    return node


def _number(loader: _Loader, node: yaml.Node) -> int | float:
    """A number that is spelled as a person spells it."""
    node = _scalar(loader, node)
    if WHOLE.fullmatch(node.value):
        return whole(node.value)
    if REAL.fullmatch(node.value) and not re.match("[-+]?0[0-9]", node.value):
        return real(node.value)
    try:
        meant = _meant(node.value)
    except ValueError:
        line = node.start_mark.line + 1
        raise ValueError(f"{_short(node.value)} in line {line} is no number") from None
    raise _read_otherwise(node, *meant)


def _meant(text: str) -> tuple[str, str]:
    """What YAML takes an odd number for, and how to write what a person may have meant."""
    bare = text.replace("_", "").lower()
    if not re.match(r"[-+.]*([0-9]|inf$|nan$)", bare):
        raise ValueError(f"{_short(text)} is no number")
    if ":" in bare:
        number = f"{_base_60(bare):.10g}"
        span = f"{bare.replace(':', '-')} for a range, " if re.fullmatch(r"\d+:\d+", bare) else ""
        return f"is {number} to YAML, which counts it in base 60", f"{span}{number} for the number"
    if bare.lstrip("+-").startswith(("0x", "0b")):
        number = f"{int(bare, 0)}"
        return f"is {number} to YAML", f"{number} for the number"
    if octal := re.fullmatch(r"([-+]?)0o?([0-7]+)", bare):
        number, digits = f"{octal[1]}{int(octal[2], 8)}", octal[1] + (octal[2].lstrip("0") or "0")
        either = f"{digits} or {number}" if digits != number else number
        return f"is {number} to YAML, which counts it in base 8", f"{either} for the number"
    if bare.lstrip("+-") in (".inf", ".nan"):
        return "is no finite number", "a finite one for a number"
    number = re.sub("^([-+]?)0+(?=[0-9])", r"\1", bare)
    return "is no usual spelling of a number", f"{number} for the number"


def _base_60(text: str) -> float:
    """The value of digits in base 60: 1:30.5 is 90.5; a sign is that of the whole."""
    value = 0.0
    for digits in text.lstrip("+-").split(":"):
        value = 60 * value + float(digits)
    return -value if text.startswith("-") else value


def _boolean(loader: _Loader, node: yaml.Node) -> bool:
    """True or false, so spelled."""
    node = _scalar(loader, node)
    value = loader.bool_values.get(node.value.lower())
    if value is None:
        raise ValueError(f"{_short(node.value)} is neither true nor false")
    word = str(value).lower()
    if node.value.lower() == word:
        return value
    raise _read_otherwise(node, f"is {word} to YAML", word)


def _date(loader: _Loader, node: yaml.Node) -> None:
    raise _read_otherwise(_scalar(loader, node), "is a date to YAML")


def _read_otherwise(node: yaml.ScalarNode, what: str, *remedies: str) -> UserError:
    text = _short(node.value)
    choices = ", or ".join((*remedies, f"'{text}' in quotes for text"))
    return UserError(f"{text} in line {node.start_mark.line + 1} {what}; write {choices}")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]} ... {text[-10:]}"


_Loader.yaml_constructors = {
    TAG + "null": yaml.SafeLoader.construct_yaml_null,
    TAG + "str": yaml.SafeLoader.construct_yaml_str,
    TAG + "seq": yaml.SafeLoader.construct_yaml_seq,
    TAG + "map": yaml.SafeLoader.construct_yaml_map,
    TAG + "bool": _boolean,
    TAG + "int": _number,
    TAG + "float": _number,
    TAG + "timestamp": _date,
    None: yaml.SafeLoader.construct_undefined,
}
# What YAML 1.1 takes for text, and a person, or an option that takes numbers, does not.
for kind, pattern in {"float": REAL.pattern, "int": "[-+]?0(o[0-7_]+|[0-9_]+)"}.items():
    whole_text = re.compile(f"(?:{pattern})$")  # YAML looks at how a text begins
    _Loader.add_implicit_resolver(TAG + kind, whole_text, list("+-.0123456789"))
