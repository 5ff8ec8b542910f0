"""Axes of probabilities, of ratios and of decibans; matplotlib places their ticks."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.errors import OptionError
from thighdx.plots.canvas import Canvas, Floats
from thighdx.text import MINUS, Labels, exact_percent, number, signed
from thighdx.words import say

__all__ = [
    "Scale",
    "decibans_axis",
    "odds",
    "percent_axis",
    "percent_tick",
    "ratio_axis",
    "signed_tick",
    "zoomed_percent_axis",
]

Scale: TypeAlias = Literal["auto", "probability", "square_root", "log_odds"]

CRUSHED = 10.0  # times the median: a largest value from which on a linear axis shows nothing of the others
RAREST = 1e-6  # beyond which nothing is told apart on an axis of log odds
LINEAR_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
ROOT_TICKS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


def percent_tick(value: float, _: object = None) -> str:
    """Write the probability at a tick."""
    return exact_percent(round(value, 9))


def signed_tick(value: float, _: object = None) -> str:
    """Write a tick with its sign, without digits it does not need."""
    return signed(value, 0 if value == round(value) else 1, minus=MINUS)


def odds(decibans: float) -> str:
    """Write decibans as a ratio.

    Examples
    --------
    >>> odds(10.0), odds(0.0), odds(-30.0)
    ('10 : 1', '1 : 1', '1 : 1000')
    """
    ratio = number(10 ** (abs(decibans) / 10)).removesuffix(".0")
    return f"{ratio} : 1" if decibans >= 0 else f"1 : {ratio}"


def percent_axis(canvas: Canvas, values: Floats, *, scale: Scale, name: str, labels: Labels) -> str:
    """Set up the x axis for some probabilities, and return its name with what is to be said of its scale.

    "auto" is a square-root axis where one probability is so large that the others would lie on one another.
    """
    if scale == "auto":
        scale = "square_root" if values.max() > CRUSHED * np.median(values) else "probability"
    from matplotlib.ticker import LogitLocator

    ax = canvas.ax
    if scale == "log_odds":
        inside = values[(values > RAREST) & (values < 1 - RAREST)]
        low, high = (inside.min(), max(inside.max(), 0.5)) if inside.size else (0.5, 0.5)
        ax.set_xscale("logit")
        ax.xaxis.set_major_locator(LogitLocator(nbins=5))
        ax.set_xlim(low / 1.6, 1 - (1 - high) / 1.6)
        ax.minorticks_off()
    elif scale in ("probability", "square_root"):
        if scale == "square_root":
            ax.set_xscale("function", functions=(_root, np.square))
        ax.set_xlim(0.0, 1.0)
        ax.set_xticks(LINEAR_TICKS if scale == "probability" else ROOT_TICKS)
    else:
        raise OptionError(f"scale: got {scale!r}, expected auto, probability, square_root or log_odds")
    ax.xaxis.set_major_formatter(percent_tick)
    return name if scale == "probability" else say(f"plot.{scale}", labels, name=name)


def _root(x: Floats) -> Floats:
    """Return square roots, 0 beyond the end of an axis (a function with a name, so that figures can be pickled)."""
    return np.sqrt(np.maximum(x, 0.0))


def zoomed_percent_axis(canvas: Canvas, values: npt.ArrayLike) -> None:
    """Set up an x axis of probabilities around some values, never beyond 0 and 100 %."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(np.min(values)), float(np.max(values))
    pad = max(0.08 * (high - low), 0.002)
    canvas.ax.set_xlim(max(low - pad, 0.0), min(high + pad, 1.0))
    canvas.ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    canvas.ax.xaxis.set_major_formatter(percent_tick)


def _round_ratios(canvas: Canvas, low: float, high: float) -> list[float]:
    """Return round ratios between two, few enough to be read."""
    most = max(2, canvas.letters(0.5) // 10)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits, step in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 4)):
        found = [d * 10.0**k for k in decades if k % step == 0 for d in digits if low <= d * 10.0**k <= high]
        if len(found) <= most:
            break
    return found


def ratio_axis(canvas: Canvas, low: float, high: float) -> None:
    """Set up a logarithmic x axis of ratios; one from 0 to 1 where there is nothing but 0."""
    ax = canvas.ax
    if low <= 0.0:
        ax.set_xlim(0.0, 1.0)
        ax.set_xticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
        return
    ax.set_xscale("log")
    ax.set_xlim(low / 1.1, high * 1.1)
    ticks = _round_ratios(canvas, low / 1.1, high * 1.1)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def decibans_axis(canvas: Canvas, values: Floats, *, name: str) -> None:
    """Write decibans under the axes, and what they mean as odds above."""
    from matplotlib.ticker import MaxNLocator

    ax, ink = canvas.ax, canvas.ink
    low, high = float(values.min()), float(values.max())
    pad = max(0.06 * (high - low), 1.0)
    ax.set_xlim(low - pad, high + pad)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    ax.xaxis.set_major_formatter(signed_tick)
    above: Any = ax.secondary_xaxis("top", functions=(np.positive, np.positive))
    places = [10 * math.log10(r) for r in _round_ratios(canvas, *(10 ** (x / 10) for x in ax.get_xlim()))]
    above.set_xticks(places, [odds(x) for x in places])
    above.tick_params(colors=ink.text, labelsize=0.9 * canvas.size, length=3.0)
    above.spines["top"].set_color(ink.faint)
    above.set_xlabel(name, color=ink.text, fontsize=0.9 * canvas.size)
