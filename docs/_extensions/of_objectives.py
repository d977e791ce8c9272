"""What the registry says of objectives, below what the page says of each."""

import inspect

from _extensions.markdown import paragraphs, plain
from _extensions.of_options import bare
from disentbench import plugins


def facts(name: str) -> str:
    """Words, options and reference of an objective."""
    objective = plugins.load("objectives", name)
    _, _, rest = (inspect.getdoc(objective) or "").partition("\n\n")
    parts = [
        paragraphs(rest) if rest else "",
        bare(f"objectives/{name}", but=("warm_up",)),
        f"**Source.** {plain(objective.reference)}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
