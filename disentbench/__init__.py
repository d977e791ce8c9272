"""disentbench: disentangling variational autoencoders trained, measured and compared."""

from typing import Any

from disentbench.errors import UserError

__all__ = ["UserError", "score"]


def __getattr__(name: str) -> Any:
    """`disentbench.score`, imported when first used: planning a study must not wait for it."""
    if name == "score":
        from disentbench.scoring.score_arrays import score  # noqa: PLC0415

        return score
    raise AttributeError(f"module 'disentbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
