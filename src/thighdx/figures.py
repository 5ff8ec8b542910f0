"""Numbers for reading."""

from __future__ import annotations

import sys

__all__ = ["counted", "number", "percent", "printable"]


def counted(n: int, word: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> counted(1, "piece"), counted(1200, "piece")
    ('1 piece', '1,200 pieces')
    """
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def number(value: float) -> str:
    """Write a ratio with two significant digits and no exponent.

    Examples
    --------
    >>> number(55.1), number(3.0), number(0.1669), number(0.00412), number(1234.5), number(float("inf"))
    ('55', '3.0', '0.17', '0.0041', '1234', 'inf')
    """
    if value == float("inf") or value >= 9.95:
        return f"{value:.0f}"
    if value >= 0.995:
        return f"{value:.1f}"
    if value >= 0.0995:
        return f"{value:.2f}"
    return f"{value:.3f}" if value >= 0.00995 or value == 0 else f"{value:.2g}"


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


def printable(sign: str, otherwise: str) -> str:
    """Return a sign if standard output can show it, which a terminal of ASCII cannot."""
    try:
        sign.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return otherwise
    return sign
