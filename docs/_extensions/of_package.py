"""What the package offers by its name, for autodoc."""

import inspect

import disentbench


def every() -> str:
    """A directive for each public name, functions before errors."""
    public = {name: getattr(disentbench, name) for name in disentbench.__all__}
    ordered = sorted(public, key=lambda name: inspect.isclass(public[name]))
    lines = [f".. auto{_kind(public[name])}:: disentbench.{name}" for name in ordered]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```\n"


def _kind(of: object) -> str:
    if isinstance(of, type):
        return "exception" if issubclass(of, Exception) else "class"
    return "function" if callable(of) else "data"
