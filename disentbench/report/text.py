"""Numbers and names as a reader sees them, on the page and in LaTeX."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

MOST = 9  # decimals
GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "lambda": "λ",
    "sigma": "σ",
    "tau": "τ",
}
ALPHABET = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
CALLED = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
SIGNS = {
    **{"±": "pm", "≥": "geq", "≤": "leq", "≠": "neq", "≈": "approx", "∞": "infty", "∈": "in"},
    **{"×": "times", "·": "cdot", "‖": "Vert", "∑": "sum", "∏": "prod", "√": "surd"},
    **{"→": "rightarrow", "←": "leftarrow", "↑": "uparrow", "↓": "downarrow", "°": "circ"},
}
LATEX = {
    **{letter: rf"$\{name}$" for letter, name in zip(ALPHABET, CALLED.split(), strict=True)},
    **{sign: rf"$\{name}$" for sign, name in SIGNS.items()},
    **{c: rf"\{c}" for c in "&%$#_{}"},
    **{c: f"${c}$" for c in "<>|"},
    **{c: f"$_{place}$" for place, c in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{c: f"$^{place}$" for c, place in {"²": 2, "³": 3}.items()},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    '"': "''",
    "…": r"\ldots{}",
    "\u2009": r"\,",
    "\u202f": r"\,",
    "\u00a0": "~",
}


def symbol(key: str) -> str:
    """A setting's name as papers write it: β for beta, λ_od for lambda_od."""
    first, _, rest = key.partition("_")
    return "_".join(filter(None, (GREEK.get(first, first), rest)))


def number(value: float) -> str:
    """Three significant digits, without an exponent where it can be read without."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    return fixed(value, places(value))


def fixed(value: float, decimals: int) -> str:
    """So many decimals, a thin space between thousands and a true minus sign."""
    if not math.isfinite(value):
        return number(value)
    text = f"{value:,.{decimals}f}".replace(",", "\u2009")
    return text.replace("-", "−") if float(f"{value:.{decimals}f}") else text.removeprefix("-")


def probability(p: float) -> str:
    """A p value with the digits that tell; it is never nought: `0.36`, `0.012`, `< 0.001`."""
    if not math.isfinite(p):
        return number(p)
    if p < 0.001:
        return "< 0.001"
    if fixed(p, 3) == "0.050":  # which side of the usual level it is on
        return fixed(p, 5).rstrip("0").ljust(5, "0")
    return fixed(p, 3) if p < 0.0995 else fixed(p, 2)


def at_most(value: float) -> str:
    """A bound with two significant digits, rounded up so that it holds."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    bound = math.ceil(round(value / step, 9)) * step
    return fixed(bound, max(0, 1 - math.floor(math.log10(bound) + 1e-9)))


def two_digits(n: int) -> int:
    """A number of three digits or more to its first two: more of an estimate are not known."""
    return n if n < 100 else int(float(f"{n:.1e}"))


def places(values: ArrayLike, least: int = 0, most: int = 4) -> int:
    """Decimals that give the middle one of some numbers three significant digits."""
    sizes = np.abs(np.atleast_1d(np.asarray(values, float)))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes):
        return least
    middle = float(f"{np.median(sizes):.2e}")  # 0.9999 is written 1.00
    return int(np.clip(2 - math.floor(math.log10(middle)), least, most))


def apart(decimals: int, *values: float) -> int:
    """As many decimals as asked for, or more if a number that is not 0 would look like 0."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    while decimals < MOST and any(size < 0.5 * 10.0**-decimals for size in sizes):
        decimals += 1
    return decimals


def duration(seconds: float) -> str:
    """A time in the largest of hours, minutes and seconds of which it is at least one."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{number(seconds / length)}\u00a0{unit}"
    return f"{number(seconds)}\u00a0s"


def count(n: int, noun: str) -> str:
    """`1 run`, `3 runs`, `12 600 runs`, `2 classes`, `2 studies`."""
    return f"{n:,}".replace(",", "\u2009") + f" {noun if n == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def latex(text: str) -> str:
    """Plain text as LaTeX; what is not in the table of signs stays, as accented letters may."""
    return "".join(LATEX.get(character, character) for character in text)
