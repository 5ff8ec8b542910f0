"""Rows: a long label on the left, a mark on a shared axis, the figures in words on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thighdx.plots.style import Canvas, plain

__all__ = ["Placed", "Row", "draw_rows", "rows_height"]

LABEL_SHARE = 0.36  # of the width of a figure, for labels
PADDING = 0.7  # lines between rows


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its label, the figures written on the right, and how it is set.

    Attributes
    ----------
    is_header : bool
        A line of words over the rows that follow.
    is_faint : bool
        Written as less important.
    """

    label: str
    value: str = ""
    is_header: bool = False
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where rows are: `at` on the y axis (downward, in lines), and how tall the axes should be."""

    at: tuple[float, ...]
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
    size = canvas.size
    labels, heights = _labels(canvas, rows, most, least)
    if not canvas.is_own:
        size = canvas.fitting(sum(heights))
    at, down = [], 0.0
    for height in heights:
        at.append(down + height / 2)
        down += height
    ax.set_ylim(down, 0.0)
    ax.set_yticks(at, [plain(label) for label in labels], fontsize=size)
    ax.tick_params(axis="y", length=0.0, pad=6.0)
    for tick, row in zip(ax.yaxis.get_major_ticks(), rows, strict=True):
        tick.label1.set_color(ink.faint if row.is_faint else ink.text)
        if row.is_header:
            tick.label1.set_fontweight("bold")
    for y, row in zip(at, rows, strict=True):
        if row.value:
            ax.text(
                1.03, y, plain(row.value), transform=ax.get_yaxis_transform(), va="center", ha="left",
                fontsize=0.9 * size, color=ink.faint if row.is_faint else ink.text,
            )  # fmt: skip
    if heading and any(row.value for row in rows):
        ax.annotate(
            plain(heading), (1.03, 1.0), xycoords="axes fraction", xytext=(0.0, 3.0),
            textcoords="offset points", fontsize=0.8 * size, color=ink.faint, va="bottom", ha="left",
        )  # fmt: skip
    return Placed(tuple(at), down * canvas.line, size)


def rows_height(canvas: Canvas, rows: Sequence[Row], *, most: int = 2) -> float:
    """Return how many lines some rows take."""
    return sum(_labels(canvas, rows, most, 0.0)[1])


def _labels(canvas: Canvas, rows: Sequence[Row], most: int, least: float) -> tuple[list[str], list[float]]:
    """Return labels broken into lines, and the height of their rows in lines."""
    across = LABEL_SHARE * canvas.width
    labels = [canvas.wrap(row.label, across, bold=row.is_header, most=most) for row in rows]
    return labels, [max(label.count("\n") + 1, least) + PADDING for label in labels]
