"""Axes to draw on, and the title, legend and small print around them.

Matplotlib's constrained layout places everything, `textwrap` breaks words into lines. Matplotlib is imported inside
functions only, so that everything else works without it. No setting of matplotlib is changed: each picture
colors its own artists, and reads light or dark from what it is drawn on.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.errors import OptionError
from thighdx.plots.palette import DARK, LIGHT, Ink, ink_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Canvas",
    "Floats",
    "Style",
    "finish",
    "instead",
    "n_lines",
    "open_canvas",
    "plain",
    "some_numbers",
]

Style: TypeAlias = Literal["auto", "light", "dark"]
Floats: TypeAlias = npt.NDArray[np.float64]

WIDTH = 7.5  # inches, as wide as a notebook shows at 100 dots per inch without shrinking it
LETTER = 0.57  # width of a letter, of the size of its font; bold ones are a tenth wider
UNUSUAL = 1.2  # times that: below it a text is as any other
LINE = 1.25  # height of a line, of the size of its font
MARGIN = 0.1  # inches
AXIS = 3.4  # lines taken by ticks and the name of an axis
HANDLE = 6  # letters: a mark in a legend, and the gap after its words
FREE = 0.75  # of the height of given axes, left by title, ticks and legend
SMALLEST = 3.5  # points: words in axes that are too small for them do not shrink further
POINTS = 72.0


@dataclass(frozen=True, slots=True)
class Canvas:
    """Axes to draw on, the colors for them, and how large words are.

    Attributes
    ----------
    size : float
        Of labels, in points; other words are sized after it.
    width : float
        Of the whole figure, or of the axes that were given, in inches.
    """

    ax: Axes
    ink: Ink
    is_own: bool
    size: float
    width: float

    @property
    def line(self) -> float:
        """Height of a line of labels, in inches."""
        return self.size * LINE / POINTS

    def letters(self, share: float = 1.0, size: float = 1.0) -> int:
        """Return about how many letters fit into a share of the width; `size` is relative to labels."""
        return max(8, int(share * (self.width - 2 * MARGIN) * POINTS / (LETTER * size * self.size)))

    def fitting(self, n_lines: float) -> float:
        """Return the size of words, in points, at which so many lines fit into axes that were given."""
        if self.is_own:
            return self.size
        room = FREE * float(self.ax.get_window_extent().height) / self.ax.figure.dpi
        return min(self.size, max(SMALLEST, self.size * room / (n_lines * self.line)))

    def wrap(self, text: str, share: float = 1.0, *, size: float = 1.0, most: int = 3) -> str:
        """Break a text into at most `most` lines of a share of the width; what is left over is cut."""
        letters = int(self.letters(share, size) / _times_as_wide(text))
        return plain(textwrap.fill(text, letters, max_lines=most, placeholder=" …"))


def _times_as_wide(text: str) -> float:
    """Return how much wider than usual the letters of a text are: capitals, or those of other scripts; mostly 1."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    if not text:
        return 1.0
    width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=1.0), ismath=False)
    times = float(width) / (LETTER * len(text))
    return times if times > UNUSUAL else 1.0


def plain(text: str) -> str:
    """Protect dollar signs, which matplotlib would read as mathematics."""
    return text.replace("$", r"\$")


def n_lines(text: str) -> int:
    """Count lines."""
    return text.count("\n") + 1 if text else 0


def some_numbers(name: str, values: npt.ArrayLike) -> Floats:
    """Return values to be drawn.

    Raises
    ------
    OptionError
        If there are none, or one is not a number.
    """
    found = np.asarray(values, dtype=np.float64)
    if not found.size:
        raise OptionError(f"{name}: got nothing to draw, expected at least one value")
    if np.isnan(found).any():
        raise OptionError(f"{name}: got {int(np.isnan(found).sum())} NaN, expected numbers; leave those out")
    return found


def open_canvas(ax: Axes | None, *, style: Style = "auto", width: float = WIDTH) -> Canvas:
    """Return axes to draw on: the given ones, or those of a new figure that no window manager knows of.

    Raises
    ------
    ModuleNotFoundError
        Without matplotlib.
    OptionError
        If the style is unknown, or given together with axes, which have one already.
    """
    try:
        from matplotlib import rcParams
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from thighdx.plots.own_axes import OwnAxes
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "thighdx.plots needs matplotlib, which is not installed; install thighdx[plot]", name=error.name
        ) from error
    if style not in ("auto", "light", "dark"):
        raise OptionError(f"style: got {style!r}, expected one of auto, light, dark")
    if ax is not None and style != "auto":
        raise OptionError(f"style: got {style!r} with axes of your own; color them, and leave style out")
    size = float(rcParams["font.size"])
    if ax is not None:
        width = float(ax.get_window_extent().width) / ax.figure.dpi
        return _calm(Canvas(ax, ink_of(ax), False, size, width))
    figure = Figure(figsize=(width, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.add_subplot(axes_class=OwnAxes)
    if style != "auto":
        paper = (LIGHT if style == "light" else DARK).paper
        figure.set_facecolor(paper)
        ax.set_facecolor(paper)
    return _calm(Canvas(ax, ink_of(ax), True, size, width))


def _calm(canvas: Canvas) -> Canvas:
    """Color the frame, and leave of it what is needed."""
    ax, ink = canvas.ax, canvas.ink
    ax.tick_params(colors=ink.text, labelsize=0.9 * canvas.size, length=3.0)
    for side, spine in ax.spines.items():
        spine.set(visible=side == "bottom", color=ink.faint)
    ax.grid(False)
    ax.grid(True, axis="x", color=ink.grid, linewidth=0.8)
    ax.set_axisbelow(True)
    return canvas


def finish(canvas: Canvas, *, title: str, xlabel: str = "", note: str = "", inches: float = 4.0) -> None:
    """Put title, legend and small print around the axes; a figure of our own gets the height that this takes.

    Parameters
    ----------
    note : str
        Small print, on a figure of our own only.
    inches : float
        Height of the axes in a figure of our own.
    """
    ax, ink, size = canvas.ax, canvas.ink, canvas.size
    ax.set_xlabel(canvas.wrap(xlabel, 0.7), color=ink.text, fontsize=0.9 * size)
    if canvas.is_own:
        _around_figure(canvas, title, note, inches)
        return
    heading = canvas.wrap(title, 0.85, size=1.15)
    ax.set_title(heading, loc="left", pad=1.6 * size, color=ink.text, fontsize=1.05 * size, fontweight="bold")
    _legend_below(canvas)


def _around_figure(canvas: Canvas, title: str, note: str, inches: float) -> None:
    """Stack title, axes, legend and small print."""
    ax, ink, size, line = canvas.ax, canvas.ink, canvas.size, canvas.line
    figure: Any = ax.figure
    left = MARGIN / canvas.width
    heading, small = canvas.wrap(title, size=1.3), canvas.wrap(note, size=0.7, most=4)
    labels, columns = _legend_columns(canvas, 1.0)
    legend = np.ceil(len(labels) / columns) * (max(map(n_lines, labels), default=0) + 0.4)
    under = (0.7 * n_lines(small) + 0.4 * bool(note)) * line + MARGIN
    foot = under + 0.85 * legend * line
    total = inches + foot + (AXIS * bool(ax.axison) + 1.15 * n_lines(heading)) * line + 3 * MARGIN
    figure.set_size_inches(canvas.width, total)
    figure.get_layout_engine().set(rect=(0.0, foot / total, 1.0, 1.0 - foot / total), w_pad=MARGIN / 2)
    figure.suptitle(heading, x=left, ha="left", color=ink.text, fontsize=1.15 * size, fontweight="bold")
    figure.text(
        left, MARGIN / total, small, va="bottom", color=ink.faint, fontsize=0.7 * size, in_layout=False
    )
    if labels:
        _legend(canvas, figure, columns, loc="lower left", bbox_to_anchor=(left, under / total))


def _legend_columns(canvas: Canvas, share: float) -> tuple[list[str], int]:
    """Return the words of a legend, and in how many columns there is room for them in a share of the width."""
    labels = canvas.ax.get_legend_handles_labels()[1]
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    return labels, max(1, min(len(labels), canvas.letters(share, 0.85) // (longest + HANDLE)))


def _legend_below(canvas: Canvas) -> None:
    """Put a legend under given axes, below their ticks and their name."""
    from matplotlib.transforms import ScaledTranslation

    ax = canvas.ax
    labels, columns = _legend_columns(canvas, 0.64)
    figure: Any = ax.figure
    down = (AXIS - 1 + n_lines(ax.get_xlabel())) * canvas.line if ax.axison else 0.0
    below = ax.transAxes + ScaledTranslation(0.0, -down, figure.figure.dpi_scale_trans)
    if labels:
        _legend(canvas, ax, columns, loc="upper left", bbox_to_anchor=(0.0, 0.0), bbox_transform=below)


def _legend(canvas: Canvas, owner: Any, columns: int, **place: Any) -> None:
    """Name what was drawn."""
    owner.legend(
        *canvas.ax.get_legend_handles_labels(), ncols=columns, fontsize=0.85 * canvas.size, frameon=False,
        labelcolor=canvas.ink.text, borderpad=0.0, borderaxespad=0.0, handlelength=1.8, columnspacing=1.4, **place,
    )  # fmt: skip


def instead(canvas: Canvas, text: str, *, title: str) -> None:
    """Write a sentence in place of a picture, where there is nothing to draw."""
    canvas.ax.set_axis_off()
    canvas.ax.text(
        0.0, 0.5, canvas.wrap(text, most=5), va="center", color=canvas.ink.text, fontsize=canvas.size
    )
    finish(canvas, title=title, inches=0.8)
