"""The page as one document: its templates, its style, its script, and what may be run in it.

The policy lets nothing in but this style and this script, told by their digests, so that no text of
a study can be either, whatever it holds.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from disentbench.report.text import count, listed, number

TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = ("elements", "address", "tables", "ranking", "runs", "opened", "page")
# What ends an element or begins one, and what no line of a script may hold.
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def environment() -> Environment:
    """The templates, in which every text is escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["number"] = number
    made.filters["count"] = count
    made.filters["listed"] = listed
    return made


def page(data: dict[str, Any], **parts: Any) -> str:
    """The whole page; `data` is what its script reads."""
    css, js = style("page"), script()
    texts = {"css": Markup(css), "js": Markup(js), "data": embedded(data)}
    template = environment().get_template("page.html")
    return template.render(policy=policy(css, js), **texts, **parts)


def style(*names: str) -> str:
    """The only style, of these files, as it stands between its tags."""
    return "\n" + "".join((TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in names)


def script() -> str:
    """The only script, as it stands between its tags; nothing of it is known outside."""
    files = [(TEMPLATES / f"script/{name}.js").read_text(encoding="utf-8") for name in SCRIPT]
    return "\n(() => {\n" + '"use strict";\n' + "\n".join(files) + "})();\n"


def policy(css: str, js: str = "") -> str:
    """The content security policy of a page with this style and this script, or with none."""
    scripts = f"'{digest(js)}'" if js else "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src '{digest(css)}'; "
        f"script-src {scripts}; base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    """What a policy calls an element by that holds this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def embedded(data: dict[str, Any]) -> Markup:
    """Data as JSON in which no name can end the element around it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign, code in ESCAPED.items():
        text = text.replace(sign, code)
    return Markup(text)
