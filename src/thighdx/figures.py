"""Numbers for reading."""

from __future__ import annotations

__all__ = ["percent"]


def percent(value: float, digits: int = 1) -> str:
    """Write a probability for reading: never 0 % or 100 % for what is neither.

    Examples
    --------
    >>> percent(0.123), percent(0.0), percent(1e-9), percent(0.99999), percent(0.996, 0)
    ('12.3%', '0%', '<0.1%', '>99.9%', '>99%')
    """
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    step = 10.0 ** -(digits + 2)
    if value < step:
        return f"<{step:.{digits}%}"
    if value > 1.0 - step:
        return f">{1.0 - step:.{digits}%}"
    return f"{value:.{digits}%}"
