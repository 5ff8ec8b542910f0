"""A picture of the network around one cause: what leads to it, what it does, and what looks like it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.network.profile import find_look_alikes
from thighdx.plots.canvas import Canvas, Style, finish, n_lines, open_canvas
from thighdx.plots.neighbors import Neighbor, causes_and_contexts, findings_and_effects, strength, strongest
from thighdx.plots.words import Names
from thighdx.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.model import Model

__all__ = ["plot_network"]

# Columns as shares of the width: links run from the box to their ends, figures and words follow outward.
BOX, ENDS, FIGURE, WORDS = 0.11, 0.19, 0.08, 0.225  # from the middle; widths of figures and words
AT = ENDS + 0.01
SIDES = {"left": -1, "right": 1}
HEADINGS = {"left": "network.contexts", "right": "network.findings"}
PADDING = 0.7  # lines between items
UNDER_BOX = 3.4  # lines from the cause to what looks like it
HEADING = 1.5  # lines over the columns
DASHES = (0.0, (2.5, 1.5))
THINNEST, PER_FACTOR_10, THICKEST = 0.7, 2.0, 6.0  # points


def plot_network(
    model: Model,
    cause: str,
    *,
    setting: str | None = None,
    n_contexts: int = 8,
    n_findings: int = 10,
    n_look_alikes: int = 4,
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw what goes with a cause: circumstances on the left, findings and tests on the right.

    Parameters
    ----------
    model : thighdx.Model
    cause : str
        Id.
    setting : str, optional
        What the other patients are like; default: that of the model.
    n_contexts, n_findings, n_look_alikes : int
        How many of each, the strongest first.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        Figures on the left are odds ratios, on the right likelihood ratios against the other patients, both of
        the state named. Lines are as wide as these are strong; dashed ones speak against the cause.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_network
    >>> ax = plot_network(thighdx.load_model(), "hamstring_strain")
    >>> ax.get_title() or ax.figure.get_suptitle()
    'What goes with hamstring strain'
    """
    model.vocabulary.cause_idx(cause)
    setting_idx = model.vocabulary.setting_code(model.default_setting if setting is None else setting)
    names = Names.of_model(model)
    contexts = strongest(causes_and_contexts(model, cause, setting_idx, names), n_contexts)
    findings = strongest(findings_and_effects(model, cause, setting_idx, names), n_findings)
    alike = find_look_alikes(
        model.network, cause, setting_idx=setting_idx, n=n_look_alikes, without=model.residual_cause
    )
    canvas = open_canvas(ax, style=style)
    tall = _draw(canvas, names, cause, (contexts, findings), [names.marked(item.cause) for item in alike])
    for ratio in (2.0, 20.0, 0.3):
        label = names.say("network.for" if ratio > 1.0 else "network.against", n=f"{ratio:g}")
        canvas.ax.plot([], [], label=label, **_look(canvas, ratio))
    title = names.say("network.title", cause=names.inside(names.marked(cause)))
    finish(canvas, title=title, inches=(tall + HEADING) * canvas.line)
    return canvas.ax


def _draw(
    canvas: Canvas,
    names: Names,
    cause: str,
    sides: Sequence[Sequence[Neighbor]],
    alike: Sequence[str],
) -> float:
    """Place words in three columns and join them; returns how many lines that takes."""
    ax, ink = canvas.ax, canvas.ink
    words = [[canvas.wrap(node.words, WORDS, most=4) for node in nodes] for nodes in sides]
    box = canvas.wrap(names.marked(cause), 1.8 * BOX, size=1.1, most=4)
    similar = [canvas.wrap(name, 2 * BOX, size=0.9) for name in alike]
    foot = _height(similar) + UNDER_BOX if similar else 0.0
    tall = max(*map(_height, words), _height([box]) + 0.6 + foot)
    ax.set_axis_off()
    ax.set(xlim=(-0.5, 0.5), ylim=(tall, -HEADING))
    size = canvas.fitting(tall + HEADING)
    center, half = (tall - foot) / 2, n_lines(box) / 2
    ax.text(0.0, center, box, ha="center", va="center", color=ink.text, fontsize=size, fontweight="bold", zorder=5,
            bbox={"facecolor": ink.paper, "edgecolor": ink.text, "linewidth": 1.8})  # fmt: skip
    for nodes, texts, side in zip(sides, words, ("left", "right"), strict=True):
        places = _stack(texts, (tall - _height(texts)) / 2)
        starts = np.linspace(center - half, center + half, len(nodes) + 2)[1:-1]
        for node, text, start, y in zip(nodes, texts, starts, places, strict=True):
            _link(canvas, node, text, start=start, y=y, side=side, size=size)
        if nodes:
            _write(canvas, names.say(HEADINGS[side]), SIDES[side] * AT, -0.9, side=side, size=0.85 * size)
    if similar:
        top = center + half + UNDER_BOX
        ax.plot([0.0, 0.0], [center + half + 0.7, top - 1.4], ":", color=ink.faint, linewidth=1.4)
        _write(canvas, names.say("network.alike"), 0.0, top - 0.8, size=0.85 * size)
        for text, y in zip(similar, _stack(similar, top), strict=True):
            _write(canvas, text, 0.0, y, size=0.9 * size, is_faint=False)
    return tall


def _link(
    canvas: Canvas, node: Neighbor, text: str, *, start: float, y: float, side: str, size: float
) -> None:
    """Join the cause and a neighbor by a curve, and write the ratio and the words at its end."""
    sign = SIDES[side]
    x = np.linspace(0.0, ENDS, 40)
    bend = ((x - BOX) / (ENDS - BOX)).clip(0.0, 1.0)
    canvas.ax.plot(sign * x, start + (y - start) * bend * bend * (3 - 2 * bend), **_look(canvas, node.ratio))
    ratio = "×∞" if math.isinf(node.ratio) else f"×{number(node.ratio)}"
    _write(canvas, ratio, sign * AT, y, side=side, size=0.85 * size)
    _write(canvas, text, sign * (AT + FIGURE), y, side=side, size=size, is_faint=False)


def _write(
    canvas: Canvas, text: str, x: float, y: float, *, size: float, side: str = "", is_faint: bool = True
) -> None:
    """Write outward from a place on a side, or around it."""
    away = {"left": "right", "right": "left"}.get(side, "center")
    color = canvas.ink.faint if is_faint else canvas.ink.text
    canvas.ax.text(x, y, text, ha=away, va="center", color=color, fontsize=size)


def _height(texts: Sequence[str]) -> float:
    """Return how many lines some texts take below one another."""
    return sum(n_lines(text) + PADDING for text in texts)


def _stack(texts: Sequence[str], top: float) -> list[float]:
    """Return the middle of every text when they are stacked from `top` on."""
    return [top + _height(texts[:i]) + _height([text]) / 2 for i, text in enumerate(texts)]


def _look(canvas: Canvas, ratio: float) -> dict[str, Any]:
    """Return how a link is drawn: the wider, the stronger; dashed against the cause."""
    is_for = ratio >= 1.0
    width = min(THINNEST + PER_FACTOR_10 * strength(ratio), THICKEST)
    color = canvas.ink.main if is_for else canvas.ink.against
    return {"color": color, "linewidth": width, "linestyle": "-" if is_for else DASHES, "alpha": 0.85,
            "solid_capstyle": "butt", "dash_capstyle": "butt"}  # fmt: skip
