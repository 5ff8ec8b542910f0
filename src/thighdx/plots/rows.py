"""Rows: a long label on the left, a mark on a shared axis, the figures in words on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from thighdx.plots.canvas import Canvas, Floats, n_lines, plain

if TYPE_CHECKING:
    from matplotlib.container import BarContainer

__all__ = ["Placed", "Row", "draw_bars", "draw_rows"]

LABEL_SHARE = 0.36  # of the width of a figure, for labels
PADDING = 0.7  # lines between rows
BAR = 0.85  # lines
MANY = 20  # rows from which on the axis is written above them too


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its label and the figures written on the right; a header is a line of words over other rows."""

    label: str
    value: str = ""
    is_header: bool = False
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where rows are: `at` on the y axis (downward, in lines), and how tall the axes should be."""

    at: Floats
    inches: float
    size: float


def draw_rows(
    canvas: Canvas, rows: Sequence[Row], *, heading: str = "", most: int = 2, least: float = 0.0
) -> Placed:
    """Write labels and figures, and return where the rows are.

    Parameters
    ----------
    heading : str
        Over the figures on the right.
    most : int
        Lines of a label; what does not fit is cut.
    least : float
        Lines of a row, however short its label.

    Notes
    -----
    In axes that were given, words shrink until the rows fit, down to a few points.
    """
    ax, ink = canvas.ax, canvas.ink
    labels = [canvas.wrap(row.label, LABEL_SHARE, size=1 + 0.1 * row.is_header, most=most) for row in rows]
    heights = np.array([max(n_lines(label), least) + PADDING for label in labels])
    down = float(heights.sum())
    size = canvas.fitting(down)
    at = np.cumsum(heights) - heights / 2
    ax.set_ylim(down, 0.0)
    ax.set_yticks(at, labels, fontsize=size)
    ax.tick_params(axis="y", length=0.0, pad=6.0)
    ax.tick_params(axis="x", labeltop=len(rows) >= MANY)
    for tick, row in zip(ax.yaxis.get_major_ticks(), rows, strict=True):
        tick.label1.set_color(ink.faint if row.is_faint else ink.text)
        tick.label1.set_fontweight("bold" if row.is_header else "normal")
    for y, row in zip(at, rows, strict=True):
        ax.text(
            1.03, y, plain(row.value), transform=ax.get_yaxis_transform(), va="center", fontsize=0.9 * size,
            color=ink.faint if row.is_faint else ink.text,
        )  # fmt: skip
    ax.annotate(
        plain(heading), (1.03, 1.0), xycoords="axes fraction", xytext=(0.0, (1.8 if len(rows) >= MANY else 0.3) * size),
        textcoords="offset points", fontsize=0.8 * size, color=ink.faint, va="bottom",
    )  # fmt: skip
    return Placed(at, down * size * canvas.line / canvas.size, size)


def draw_bars(
    canvas: Canvas,
    at: npt.ArrayLike,
    widths: npt.ArrayLike,
    *,
    color: str,
    left: npt.ArrayLike = 0.0,
    label: str = "",
    is_open: bool = False,
) -> BarContainer:
    """Draw horizontal bars of one meaning, named in the legend; open ones are hatched."""
    return canvas.ax.barh(
        at, widths, left=left, height=BAR, label=label, color=canvas.ink.paper if is_open else color,
        edgecolor=color, hatch="////" if is_open else "", linewidth=1.2, zorder=2,
    )  # fmt: skip
