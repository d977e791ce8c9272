"""Which columns of a table go together."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from disentbench.errors import UserError


def logvar_of(
    path: Path, codes: list[str], there: Sequence[str], named: list[str] | None = None
) -> list[str]:
    """The columns of log sigma^2 that go with these columns of codes, in their order.

    logvarN goes with zN, whichever codes are chosen and in whatever order; `named` says it for
    columns of other names. None where the table has none for these codes, which is said where it
    has some that may be meant.
    """
    if named is not None:
        if len(named) != len(codes):
            raise UserError(
                f"there are {len(named)} columns of logvar and {len(codes)} of codes; name as "
                "many, in the same order"
            )
        return named
    columns = [name for name in there if re.fullmatch(r"logvar\d+", name)]
    odd = [name for name in codes if not re.fullmatch(r"z\d+", name)]
    if columns and odd:
        warnings.warn(
            f"{path}: which logvar goes with {odd[0]!r} is not said, and so none is used; name the "
            "columns with --logvar",
            stacklevel=2,
        )
    wanted = [] if odd else [f"logvar{name[1:]}" for name in codes]
    missing = [name for name in wanted if name not in columns]
    if missing and set(wanted) & set(columns):
        raise UserError(
            f"{path} has no column {missing[0]!r} beside 'z{missing[0].removeprefix('logvar')}', "
            f"but others; name the columns with --logvar"
        )
    return [] if missing else wanted
