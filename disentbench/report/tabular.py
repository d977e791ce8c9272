"""Tables as LaTeX's booktabs has them, none wider than a page."""

import textwrap

from disentbench.report.text import latex

COLUMNS = 4  # of numbers with their spread; more do not fit beside the names
LONGEST = 14  # letters of a line of a column's head


def tabulars(
    about: str, heads: list[str], rows: list[list[str]], *, labels: int, most: int = COLUMNS
) -> str:
    """One tabular, or several below each other of at most so many columns of values.

    `heads` are plain text, the cells of `rows` LaTeX. The first columns, `labels`, say what a row
    is, and stand in every tabular.
    """
    starts = range(labels, len(heads), most) or [labels]
    places = [[*range(labels), *range(start, len(heads))[:most]] for start in starts]
    return f"% {ascii_only(about)}; \\usepackage{{booktabs}}\n" + "\n".join(
        _comment([heads[i] for i in columns[labels:]], len(places))
        + _tabular(
            [head(heads[i]) for i in columns], [[row[i] for i in columns] for row in rows], labels
        )
        for columns in places
    )


def _comment(names: list[str], tables: int) -> str:
    """What one tabular of several shows."""
    return f"% {ascii_only(', '.join(names))}\n" if tables > 1 else ""


def _tabular(heads: list[str], rows: list[list[str]], labels: int) -> str:
    lines = [
        rf"\begin{{tabular}}{{{'l' * labels}{'r' * (len(heads) - labels)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    return "\n".join(lines)


def head(text: str) -> str:
    """A column's head, on as many lines as keep the column narrow."""
    lines = [latex(line) for line in textwrap.wrap(text, LONGEST, break_on_hyphens=True)]
    stack = r"\\".join(lines)
    return rf"\shortstack[r]{{{stack}}}" if len(lines) > 1 else stack


def ascii_only(text: str) -> str:
    """A comment, which every LaTeX reads."""
    return latex(text).replace("$", "").replace("\n", " ")
