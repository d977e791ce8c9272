"""What the package offers by its name, for autodoc."""

import inspect

import disentbench


def every() -> str:
    """A directive for each public name, functions before errors."""
    public = {name: getattr(disentbench, name) for name in disentbench.__all__}
    ordered = sorted(public, key=lambda name: inspect.isclass(public[name]))
    return "```{eval-rst}\n" + "".join(_directive(name, public[name]) for name in ordered) + "```\n"


def _directive(name: str, of: object) -> str:
    kind = _kind(of)
    members = "   :members:\n" if kind == "class" else ""
    return f".. auto{kind}:: disentbench.{name}\n{members}\n"


def _kind(of: object) -> str:
    if isinstance(of, type):
        return "exception" if issubclass(of, Exception) else "class"
    return "function" if callable(of) else "data"
