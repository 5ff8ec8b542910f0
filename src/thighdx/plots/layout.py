"""A picture laid out around its axes: title above, legend and small print below, nothing clipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thighdx.plots.style import POINTS, Canvas, Ink, plain, root_figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["finish", "say"]

MARGIN = 0.1  # inches around a figure of our own
GAP = 0.08  # inches between title, axes, legend and note
SMALL = 0.85  # of the size of labels: words of a legend
BESIDE = 0.6  # of the width of given axes, left for a legend once labels are laid out beside them


def say(canvas: Canvas, text: str, *, title: str) -> None:
    """Write a sentence in place of a picture, where there is nothing to draw."""
    ax = canvas.ax
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.text(
        0.0, 0.5, plain(canvas.wrap(text, canvas.width - 0.3, most=5)), va="center", color=canvas.ink.text,
        fontsize=canvas.size,
    )  # fmt: skip
    finish(canvas, title=title, inches=0.8)


def finish(
    canvas: Canvas,
    *,
    title: str,
    xlabel: str = "",
    handles: Sequence[Artist] = (),
    columns: int = 2,
    note: str = "",
    inches: float | None = None,
) -> None:
    """Put title, legend and note around the axes; a figure of our own gets the height that this takes.

    Parameters
    ----------
    inches : float, optional
        Height of the axes in a figure of our own.
    note : str
        Small print, on a figure of our own only.
    """
    ax, ink, size = canvas.ax, canvas.ink, canvas.size
    if xlabel:
        ax.set_xlabel(plain(xlabel), color=ink.text, fontsize=0.9 * size)
    if canvas.is_own:
        _lay_out(canvas, title, handles, columns, note, 4.0 if inches is None else inches)
        return
    _put_on_axes(canvas, title, handles, columns)


def _put_on_axes(canvas: Canvas, title: str, handles: Sequence[Artist], columns: int) -> None:
    """Put the title over axes that were given, and the legend under them, clear of what is there."""
    from matplotlib.transforms import ScaledTranslation

    ax, ink, size = canvas.ax, canvas.ink, 1.05 * canvas.size
    frame, box = ax.get_window_extent(), ax.get_tightbbox(canvas.renderer)
    per_pixel = POINTS / root_figure(ax).dpi
    above = 0.0 if box is None else (box.y1 - frame.y1) * per_pixel
    below = 0.0 if box is None else (frame.y0 - box.y0) * per_pixel
    heading = canvas.wrap(title, canvas.width, size=size, bold=True, most=2)
    ax.set_title(
        plain(heading),
        loc="left",
        color=ink.text,
        fontsize=size,
        fontweight="bold",
        pad=max(above, 0.0) + 5.0,
    )
    if handles:
        down = ScaledTranslation(0.0, -(max(below, 0.0) + 4.0) / POINTS, root_figure(ax).dpi_scale_trans)
        place = {
            "loc": "upper left",
            "bbox_to_anchor": (0.0, 0.0),
            "bbox_transform": ax.transAxes + down,
            "borderaxespad": 0.0,
        }
        _legend_within(canvas, ax, handles, columns, BESIDE * canvas.width, place)


def _legend_look(ink: Ink, size: float) -> dict[str, Any]:
    return {
        "fontsize": size,
        "frameon": False,
        "labelcolor": ink.text,
        "borderpad": 0.0,
        "handlelength": 1.8,
        "columnspacing": 1.4,
    }


def _lay_out(
    canvas: Canvas, title: str, handles: Sequence[Artist], columns: int, note: str, inches: float
) -> None:
    """Stack title, axes, legend and note; constrained layout places the axes between them."""
    ax, ink, size = canvas.ax, canvas.ink, canvas.size
    figure: Any = root_figure(ax)
    dpi, renderer = figure.dpi, canvas.renderer
    across = canvas.width - 2 * MARGIN
    left = MARGIN / canvas.width
    heading = figure.text(
        left, 1.0, plain(canvas.wrap(title, across, size=1.15 * size, bold=True, most=3)),
        color=ink.text, fontsize=1.15 * size, fontweight="bold", va="top",
    )  # fmt: skip
    small = figure.text(
        left, 0.0, plain(canvas.wrap(note, across, size=0.7 * size, most=4)),
        color=ink.faint, fontsize=0.7 * size, va="bottom",
    )  # fmt: skip
    legend = None
    if handles:
        place = {"loc": "lower left", "borderaxespad": 0.0}
        legend = _legend_within(canvas, figure, handles, columns, across, place)
        legend.set_in_layout(False)
    for artist in (heading, small):
        artist.set_in_layout(False)

    def height(artist: Any) -> float:
        return float(artist.get_window_extent(renderer).height) / dpi if artist is not None else 0.0

    head = height(heading) + MARGIN + GAP
    note_height = height(small) + GAP if note else 0.0
    legend_height = height(legend) + GAP if legend is not None else 0.0
    foot = MARGIN + note_height + legend_height
    box = ax.get_tightbbox(renderer)
    frame = ax.get_window_extent(renderer)
    around = 0.0 if box is None else (box.height - frame.height) / dpi + 2 * GAP
    total = head + inches + max(around, 0.0) + foot
    figure.set_size_inches(canvas.width, total)
    heading.set_y(1.0 - MARGIN / total)
    small.set_y(MARGIN / total)
    if legend is not None:
        legend.set_bbox_to_anchor((left, (MARGIN + note_height) / total), transform=figure.transFigure)
    engine = figure.get_layout_engine()
    engine.set(
        rect=(left, foot / total, 1.0 - 2 * left, 1.0 - (head + foot) / total), h_pad=GAP / 2, w_pad=0.02
    )


def _legend_within(
    canvas: Canvas, owner: Any, handles: Sequence[Artist], columns: int, across: float, place: dict[str, Any]
) -> Any:
    """Add a legend to a figure or axes, with as many columns as there is room for."""
    labels = [str(handle.get_label()) for handle in handles]
    for n in range(columns, 0, -1):
        legend = owner.legend(
            handles=list(handles),
            labels=labels,
            ncols=n,
            **place,
            **_legend_look(canvas.ink, SMALL * canvas.size),
        )
        width = legend.get_window_extent(canvas.renderer).width / root_figure(canvas.ax).dpi
        if width <= across or n == 1:
            break
        legend.remove()
    return legend
