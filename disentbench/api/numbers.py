"""Numbers that somebody gives to a function: whole, and large enough."""

from typing import Any

import numpy as np

from disentbench.errors import UserError
from disentbench.options import shown


def require_whole(least: int, **values: Any) -> None:
    """Refuse what is no whole number of at least `least`, each by the name of its keyword."""
    for name, value in values.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < least:
            raise UserError(f"{name} is {shown(value)}; it must be a whole number from {least} on")
