"""The level of a credible interval, checked in one place."""

from __future__ import annotations

import math
from numbers import Real

from thighdx.errors import OptionError

__all__ = ["check_level"]


def check_level(level: object, where: str = "interval") -> float:
    """Return a level as a float.

    Parameters
    ----------
    level : object
        What was asked for: a number strictly between 0 and 1; no text, no bool, no NaN.
    where : str
        What the user calls it.

    Raises
    ------
    OptionError
        If it is anything else.

    Examples
    --------
    >>> check_level(0.9)
    0.9
    >>> check_level("x")
    Traceback (most recent call last):
    thighdx.errors.OptionError: interval: got 'x', expected a level between 0 and 1, such as 0.9
    """
    is_number = isinstance(level, Real) and not isinstance(level, bool)
    value = float(level) if is_number and isinstance(level, Real) else math.nan
    if not 0.0 < value < 1.0:
        raise OptionError(f"{where}: got {level!r}, expected a level between 0 and 1, such as 0.9")
    return value
