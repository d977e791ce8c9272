"""disentbench: disentangling variational autoencoders trained, measured and compared."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from disentbench.errors import UserError

if TYPE_CHECKING:
    from disentbench.api.data import data
    from disentbench.api.estimators import audit
    from disentbench.api.latents import latents
    from disentbench.api.loading import load
    from disentbench.api.measures import decompose, levels
    from disentbench.api.trained import TrainedVAE
    from disentbench.api.training import train
    from disentbench.scoring.score_arrays import score

__all__ = [
    "TrainedVAE",
    "UserError",
    "audit",
    "data",
    "decompose",
    "latents",
    "levels",
    "load",
    "score",
    "train",
]
HOMES = {
    "TrainedVAE": "api.trained",
    "audit": "api.estimators",
    "data": "api.data",
    "decompose": "api.measures",
    "latents": "api.latents",
    "levels": "api.measures",
    "load": "api.loading",
    "score": "scoring.score_arrays",
    "train": "api.training",
}


def _offered(name: str) -> Any:
    """What the package offers, imported when first used: planning a study must not wait for it."""
    if name in HOMES:
        return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
    raise AttributeError(f"module 'disentbench' has no attribute {name!r}")


if not TYPE_CHECKING:  # a checker of types sees the imports above, and nothing else
    __getattr__ = _offered


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
