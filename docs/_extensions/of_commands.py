"""The commands, from the parser that reads them."""

import argparse
import inspect

from _extensions.markdown import code, paragraphs, plain, table
from disentbench import cli


def every() -> str:
    """A section for each command."""
    return "\n".join(_section(name, command) for name, command in commands().items())


def commands() -> dict[str, argparse.ArgumentParser]:
    """Each command with its parser."""
    actions = cli.parser()._actions
    (found,) = (a for a in actions if isinstance(a, argparse._SubParsersAction))
    return found.choices


def _section(name: str, command: argparse.ArgumentParser) -> str:
    usage = command.format_usage().removeprefix("usage: ").rstrip()
    rows = [[_flags(action), plain(action.help or "")] for action in command._actions[1:]]
    return "\n\n".join(
        [
            f"(command-{name})=\n## {name}",
            paragraphs(inspect.cleandoc(command.description or "")),
            f"```text\n{usage}\n```",
            table(["argument", "meaning"], rows) if rows else "",
        ]
    )


def _flags(action: argparse.Action) -> str:
    """How an argument is written, with the name of its value."""
    if not action.option_strings:
        return code(action.metavar or action.dest)
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        return ", ".join(map(code, action.option_strings))
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    names = action.metavar or choices or action.dest.upper()
    shown = " ".join(names) if isinstance(names, tuple) else names
    more = " ..." if action.nargs == "+" else ""
    return ", ".join(code(f"{flag} {shown}{more}") for flag in action.option_strings)
