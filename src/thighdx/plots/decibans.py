"""Decibans, and what they mean as a probability or as a ratio of two."""

from __future__ import annotations

import math

from thighdx.plots.scales import signed
from thighdx.plots.style import Canvas
from thighdx.text import number, percent

__all__ = ["decibans_axis", "meaning"]

STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # between ticks


def meaning(decibans: float, *, is_ratio: bool) -> str:
    """Write decibans as a ratio, or of odds as a probability."""
    odds = 10 ** (decibans / 10)
    return _ratio(odds) if is_ratio else percent(odds / (1 + odds), 0 if abs(decibans) < 15 else 1)


def _ratio(value: float) -> str:
    """Write a ratio of two probabilities.

    Examples
    --------
    >>> _ratio(10.0), _ratio(1.0), _ratio(0.001)
    ('10 : 1', '1 : 1', '1 : 1000')
    """
    return (
        f"{number(value).removesuffix('.0')} : 1"
        if value >= 1
        else f"1 : {number(1 / value).removesuffix('.0')}"
    )


def decibans_axis(canvas: Canvas, low: float, high: float, *, is_ratio: bool) -> None:
    """Write decibans and what they mean under the axis."""
    ax, ink = canvas.ax, canvas.ink
    pad = max(0.06 * (high - low), 1.0)
    low, high = low - pad, high + pad
    ax.set_xlim(low, high)
    step = next(step for step in STEPS if (high - low) / step <= 5)
    places = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    ax.set_xticks(places, [f"{signed(x, 0)}\n{meaning(x, is_ratio=is_ratio)}" for x in places])
    ax.grid(True, axis="x", color=ink.grid, linewidth=0.8)
    ax.set_axisbelow(True)
