"""disentbench: disentangling variational autoencoders trained, measured and compared."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from disentbench.errors import UserError

if TYPE_CHECKING:
    from disentbench.library.data import data
    from disentbench.library.estimators import audit
    from disentbench.library.latents import latents
    from disentbench.library.loading import load
    from disentbench.library.measures import decompose, levels
    from disentbench.library.trained import TrainedVAE
    from disentbench.library.training import train
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
    "TrainedVAE": "library.trained",
    "audit": "library.estimators",
    "data": "library.data",
    "decompose": "library.measures",
    "latents": "library.latents",
    "levels": "library.measures",
    "load": "library.loading",
    "score": "scoring.score_arrays",
    "train": "library.training",
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
