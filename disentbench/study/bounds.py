"""How large a study may be; a ValueError says what is too large, and what would do."""

import re
from typing import Any

from disentbench.options import shown

SEEDS = "([0-9]{1,9})(?:-([0-9]{1,9}))?"
MOST_SEEDS = 100_000
# Ten times the largest study that we ship: 12,600 runs in 252 packs, and room to spare.
MOST_RUNS, MOST_PACKS = 200_000, 10_000
MOST_TEXT = 100_000  # characters of a study as JSON: a command takes 128 KiB in one argument


def seed_range(seeds: Any) -> str:
    """A range of seeds as it is written; a ValueError for what is none."""
    match = re.fullmatch(SEEDS, str(seeds))
    if not match or not 0 <= int(match[2] or match[1]) - int(match[1]) < MOST_SEEDS:
        raise ValueError(
            f"{shown(seeds)} is no range of seeds; write the first and the last, as in 0-4, "
            f"of at most {MOST_SEEDS:,} seeds"
        )
    return str(seeds)


def require_text(size: int) -> None:
    """Refuse a study of too many characters."""
    if size > MOST_TEXT:
        raise ValueError(
            f"the study has {size:,} characters with its aliases and defaults written out; "
            f"at most {MOST_TEXT:,} fit a command, so make several studies of it"
        )


def require_runs(settings: int, first: int, last: int, pack: int) -> None:
    """Refuse too many runs, or packs, of these settings by these seeds."""
    runs = settings * (last - first + 1)
    packs = settings * (last // pack - first // pack + 1)
    if runs > MOST_RUNS or packs > MOST_PACKS:
        raise ValueError(
            f"the study has {runs:,} runs in {packs:,} packs; at most {MOST_RUNS:,} runs and "
            f"{MOST_PACKS:,} packs are allowed, so take fewer seeds or settings, a larger "
            "pack, or several studies"
        )
