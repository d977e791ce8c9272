"""Options: tables of keys, to which a page adds what they mean, and the pages' gaps are found."""

import inspect

from _extensions.kinds import options
from _extensions.markdown import code, paragraphs, plain, table
from disentbench import plugins
from disentbench.recipe import Training
from disentbench.study import Study
from disentbench.study.evaluation import Evaluate

MODELS = {"Study": Study, "Training": Training, "Evaluate": Evaluate}


def model(name: str) -> type:
    """A model of options by its name, or by kind/name of a registry."""
    kind, _, plugin = name.partition("/")
    return plugins.load(kind, plugin) if plugin else MODELS[name]


def told(name: str, rows: str) -> str:
    """A page's table of keys and their meanings with what each may be and its default.

    Raises a ValueError for a key that the page leaves out, and for one that there is not.
    """
    meanings = dict(_cells(row) for row in rows.splitlines()[2:])
    there = options(model(name))
    if wrong := set(meanings) ^ set(there):
        raise ValueError(f"the table of {name} and its keys differ in {', '.join(sorted(wrong))}")
    body = [[code(key), *there[key], meaning] for key, meaning in meanings.items()]
    return table(["key", "what it may be", "default", "meaning"], body)


def _cells(row: str) -> tuple[str, str]:
    key, meaning = (cell.strip() for cell in row.strip("|").split(" | ", 1))
    return key.strip("`"), meaning.rstrip("| ")


def bare(name: str, but: tuple[str, ...] = ()) -> str:
    """A table of a registry file's options, without those that all of its kind have."""
    rows = [[code(key), *said] for key, said in options(model(name)).items() if key not in but]
    return table(["option", "what it may be", "default"], rows) if rows else "It has no options.\n"


def registry(kind: str) -> str:
    """A section for each file of a registry: its words, options and source."""
    return "\n".join(_section(kind, name) for name in plugins.names(kind))


def _section(kind: str, name: str) -> str:
    plugin = plugins.load(kind, name)
    parts = [
        f"### {plain(plugin.label)}",
        code(name) + ": " + paragraphs(inspect.getdoc(plugin) or ""),
        bare(f"{kind}/{name}"),
        f"**Source.** {plain(plugin.reference)}",
    ]
    return "\n\n".join(parts) + "\n"
