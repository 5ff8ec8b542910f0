"""Whether every word of a picture can be read: none is cut off, and none lies on another."""

from __future__ import annotations

from itertools import combinations
from typing import Any

__all__ = ["assert_no_text_overlaps_or_clips", "drawn", "labels", "title_of", "words_of"]

SLACK = 1.0  # pixels: boxes are measured with a little air around the letters


def drawn(ax: Any) -> dict[str, Any]:
    """What a picture drew, by its name in the legend."""
    handles, names = ax.get_legend_handles_labels()
    return dict(zip(names, handles, strict=True))


def labels(ax: Any) -> list[str]:
    """Names of the rows from top to bottom, each on one line."""
    return [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]


def title_of(ax: Any) -> str:
    """Title of a figure of its own."""
    title: str = ax.figure.get_suptitle()
    return title


def words_of(figure: Any) -> list[tuple[str, Any]]:
    """Every visible text with its box in pixels, as drawn."""
    from matplotlib.text import Text

    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    outside = {id(label) for ax in _axes_of(figure) for label in _undrawn(ax)}
    found = []
    for text in figure.findobj(Text):
        if id(text) in outside or not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent(renderer)
        if box.width > 0:
            found.append((text.get_text().replace("\n", " "), box))
    return found


def assert_no_text_overlaps_or_clips(figure: Any) -> None:
    """Fail with every pair of words that lie on one another, and every word that leaves the figure."""
    words = words_of(figure)
    if not words:
        raise AssertionError("a picture without words")
    wide, high = figure.bbox.width, figure.bbox.height
    cut = [
        f"cut off: {text!r} at {box.extents.round(1).tolist()} of {wide:g} x {high:g}"
        for text, box in words
        if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > wide + SLACK or box.y1 > high + SLACK
    ]
    over = [
        f"overlap: {a!r} and {b!r}" for (a, one), (b, other) in combinations(words, 2) if _meet(one, other)
    ]
    if cut or over:
        raise AssertionError("\n".join(cut + over))


def _meet(one: Any, other: Any) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    along = min(one.y1, other.y1) - max(one.y0, other.y0)
    return bool(across > SLACK and along > SLACK)


def _axes_of(figure: Any) -> list[Any]:
    from matplotlib.axes import Axes

    return list(figure.findobj(Axes))


def _undrawn(ax: Any) -> list[Any]:
    """Labels of ticks that are not drawn: beyond the ends, or of an axis that is switched off."""
    found = []
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        for tick in ticks:
            if not ax.axison or not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                found += [tick.label1, tick.label2]
    return found
