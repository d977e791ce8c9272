"""The commands list and compare-dsprites: what there is to choose from."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentbench import plugins
from disentbench.errors import UserError

if TYPE_CHECKING:
    from disentbench.metrics import Value


def list_(*, kind: str, on: Path | None = None) -> None:
    """Say what exists of a kind: name, label and reference; of a metric also how to read it."""
    reference = _computed_levels(kind, on)
    if kind == "metrics":
        plugins.values()  # refuses two of one name
    for name in plugins.names(kind):
        plugin = plugins.load(kind, name)
        print(f"{name:20} {plugin.label:28} {plugin.reference}")
        if kind == "metrics":
            print(f"    {plugin.variant}")
            for value in plugin.values:
                print(f"    {_described(value, reference)}")


def _computed_levels(kind: str, on: Path | None) -> dict[str, Any]:
    """Chance and perfection by value, where a file with factors is given."""
    if on is None:
        return {}
    if kind != "metrics":
        raise UserError(f"--on goes with metrics, not with {kind}")
    from disentbench.posterior.from_files import read_factors
    from disentbench.scoring.calibration import calibrate

    return calibrate(read_factors(on)).set_index("metric").to_dict(orient="index")


def _described(value: "Value", reference: dict[str, Any]) -> str:
    """A value's name, range, direction and, if computed, what chance and a perfect code score."""
    direction = {"neither": "no direction"}.get(value.better, f"{value.better} is better")
    words = f"{value.name}: {value.low:g} to {value.high:g} {value.unit}".rstrip()
    if value.name not in reference:
        return f"{words}, {direction}"
    level = reference[value.name]
    return (
        f"{words}, {direction}; chance {level['chance']:.3f}, perfect code {level['perfect']:.3f}"
    )


def compare_dsprites(*, file: Path) -> None:
    """Say where the published dSprites file and the rendered images differ."""
    from disentbench.datasets.dsprites_npz import compare_with_renderer

    print(compare_with_renderer(file))
