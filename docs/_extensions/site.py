"""What Sphinx is told: pages filled from the code, formulas as outlines, nothing from elsewhere."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from _extensions import (
    borrowed,
    docstrings,
    flowchart,
    of_commands,
    of_datasets,
    of_metrics,
    of_objectives,
    of_options,
    of_package,
    offline,
    outlines,
)

# A page has `<!-- here: WORD -->`, or `<!-- here: WORD argument | argument -->`.
HERE = re.compile(r"<!-- here: (\w+) ?(.*?) ?-->")
KEYS = re.compile(r"<!-- keys of (\S+) -->\n((?:\|.*\n)+)")
PARTS: dict[str, Callable[..., str]] = {
    "text": borrowed.text,
    "metric_values": of_metrics.overview,
    "metrics": of_metrics.every,
    "objective": of_objectives.facts,
    "options": of_options.bare,
    "registry": of_options.registry,
    "datasets": of_datasets.every,
    "commands": of_commands.every,
    "api": of_package.every,
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect all of it; Sphinx calls this."""
    app.connect("source-read", _fill)
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("autodoc-process-signature", _signature)
    app.connect("build-finished", _look)
    app.add_html_math_renderer("outlines", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}


def _fill(app: Sphinx, page: str, source: list[str]) -> None:
    """Put into a page what it asks of the code."""
    text = KEYS.sub(lambda match: of_options.told(match[1], match[2]), source[0])
    text = HERE.sub(_part, borrowed.linked(text, Path(app.srcdir)))
    source[0] = flowchart.drawn(text)


def _part(match: re.Match[str]) -> str:
    arguments = [argument.strip() for argument in match[2].split("|")] if match[2] else []
    return PARTS[match[1]](*arguments)


def _docstring(*told: Any) -> None:
    *_, lines = told
    lines[:] = docstrings.restructured(lines)


def _signature(app: Sphinx, what: str, name: str, of: Any, *_: Any) -> docstrings.Signature | None:
    return docstrings.signature(of) if callable(of) else None


def _look(app: Sphinx, failed: Exception | None) -> None:
    """Refuse a site that asks for anything from elsewhere."""
    if failed is None and (found := offline.of_site(Path(app.outdir))):
        raise ExtensionError("; ".join(found))


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(outlines.svg(node.astext()))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    shown = "<br>".join(map(outlines.svg, outlines.lines(node.astext())))
    self.body.append(f'<div class="formulas" tabindex="0">{shown}</div>\n')
    raise nodes.SkipNode
