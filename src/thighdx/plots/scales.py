"""Axes of probabilities: honest ones from 0 to 100 %, and log odds for what is rare."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from thighdx.plots.style import Canvas
from thighdx.text import number, percent

__all__ = [
    "compact_percent",
    "fine_percent",
    "is_log_odds",
    "log_odds_ticks",
    "nice_percent_axis",
    "percent_axis",
    "ratio_axis",
    "signed",
    "to_log_odds",
]

ROUND = (0.5, 0.01, 0.1, 0.001, 0.9, 0.99, 0.999, 1e-4, 0.9999, 1e-5, 1e-6)  # the first are kept
FAR = 14.0  # log odds beyond which nothing is told apart
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)  # between ticks
APART = 0.17  # of an axis, between ticks
LEAST = 0.5  # log odds kept free at either end


def fine_percent(value: float) -> str:
    """Write a probability with two digits that count, however small.

    Examples
    --------
    >>> fine_percent(0.123), fine_percent(0.00123), fine_percent(0.000012), fine_percent(1.0), fine_percent(0.0)
    ('12.3%', '0.12%', '0.0012%', '100%', '0%')
    """
    return f"{number(100 * value)}%" if 0.0 < value < 0.01 else percent(value)


def is_log_odds(scale: str) -> bool:
    """Read the name of a scale."""
    if scale not in ("probability", "log_odds"):
        raise ValueError(f"scale: got {scale!r}, expected probability or log_odds")
    return scale == "log_odds"


def to_log_odds(value: float) -> float:
    """Return natural log odds; infinite for certainties."""
    if value <= 0.0:
        return -math.inf
    return math.inf if value >= 1.0 else math.log(value / (1.0 - value))


def compact_percent(value: float) -> str:
    """Write a round probability.

    Examples
    --------
    >>> compact_percent(0.1), compact_percent(0.001), compact_percent(0.999)
    ('10%', '0.1%', '99.9%')
    """
    return f"{100 * value:.10g}%"


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign, and a minus as wide as a plus.

    Examples
    --------
    >>> signed(1.25), signed(-3.0, 0), signed(-0.001)
    ('+1.2', '−3', '0.0')
    """
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if float(f"{value:.{digits}f}") == 0 else text


def log_odds_ticks(low: float, high: float) -> list[float]:
    """Return round probabilities between two log odds, the commonest first, so far apart that they can be read.

    Examples
    --------
    >>> log_odds_ticks(-7.5, 2.5)
    [0.001, 0.01, 0.1, 0.5, 0.9]
    """
    chosen: list[float] = []
    for value in ROUND:
        here = to_log_odds(value)
        gaps = [abs(here - to_log_odds(other)) for other in chosen]
        if low <= here <= high and min(gaps, default=math.inf) >= APART * (high - low):
            chosen.append(value)
    return sorted(chosen)


def percent_axis(
    canvas: Canvas, values: npt.NDArray[np.float64], *, is_log_odds: bool = False
) -> tuple[float, float]:
    """Set up the x axis for some probabilities, and return its ends: probabilities, or log odds."""
    ax, ink = canvas.ax, canvas.ink
    if not is_log_odds:
        ax.set_xlim(0.0, 1.0)
        ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
        ax.set_xticks(ticks, [compact_percent(tick) for tick in ticks])
        ends = (0.0, 1.0)
    else:
        odds = [x for x in map(to_log_odds, values.ravel().tolist()) if abs(x) < FAR] or [0.0]
        ends = (min(odds) - LEAST, max(max(odds), to_log_odds(0.5)) + LEAST)
        chosen = log_odds_ticks(*ends)
        ax.set_xlim(*ends)
        ax.set_xticks([to_log_odds(tick) for tick in chosen], [compact_percent(tick) for tick in chosen])
    ax.grid(True, axis="x", color=ink.grid, linewidth=0.8)
    ax.set_axisbelow(True)
    return ends


def nice_percent_axis(canvas: Canvas, values: Sequence[float]) -> None:
    """Set up an x axis of probabilities around some values, never beyond 0 and 100 %."""
    ax, ink = canvas.ax, canvas.ink
    low, high = min(values), max(values)
    pad = max(0.08 * (high - low), 0.002)
    low, high = max(low - pad, 0.0), min(high + pad, 1.0)
    ax.set_xlim(low, high)
    step = next(step for step in STEPS if (high - low) / step <= 5)
    ticks = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    ax.set_xticks(ticks, [compact_percent(round(tick, 6)) for tick in ticks])
    ax.grid(True, axis="x", color=ink.grid, linewidth=0.8)
    ax.set_axisbelow(True)


def ratio_axis(canvas: Canvas, low: float, high: float) -> None:
    """Set up a logarithmic x axis of ratios; one from 0 to 1 where there is nothing but 0."""
    ax, ink = canvas.ax, canvas.ink
    if low <= 0.0:
        ax.set_xlim(0.0, 1.0)
        ax.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
        return
    ax.set_xscale("log")
    low, high = low / 1.1, high * 1.1
    ax.set_xlim(low, high)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [d * 10.0**k for k in range(-8, 9) for d in digits if low <= d * 10.0**k <= high]
        if len(ticks) <= 6:
            break
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.grid(True, axis="x", color=ink.grid, linewidth=0.8)
    ax.set_axisbelow(True)
