"""The network around one cause: what leads to it, what it does, and what looks like it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thighdx.network.profile import find_look_alikes
from thighdx.plots.layout import finish
from thighdx.plots.neighbors import (
    Neighbor,
    causes_and_contexts,
    findings_and_effects,
    strength,
    strongest,
)
from thighdx.plots.style import Canvas, Picture, Style, open_canvas, plain
from thighdx.plots.words import Names, lower
from thighdx.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import PathPatch
    from matplotlib.text import Text

    from thighdx.model import Model

__all__ = ["NetworkPlot", "plot_network"]

# Columns as shares of the width: words on the left end at the first, the cause lies between the next two,
# words on the right begin at the last.
ENDS, CAUSE_FROM, CAUSE_TO, BEGINS = 0.315, 0.39, 0.61, 0.685
FIGURE = 0.082  # width of the figures between links and words
WORDS = 0.225
GAP = 0.008
PADDING = 0.7  # lines between items
BOX_PADDING = 0.5  # lines over and under the name of the cause
UNDER_BOX = 3.2  # lines between the cause and what looks like it
DASHES = (0.0, (2.5, 1.5))
THINNEST, PER_FACTOR_10, THICKEST = 0.7, 2.0, 6.0  # points


@dataclass(frozen=True, slots=True)
class NetworkPlot(Picture):
    """The surroundings of a cause.

    Attributes
    ----------
    contexts, findings, look_alikes : tuple of str
        Ids, from top to bottom.
    links : tuple of PathPatch
        One per context, then one per finding; the wider, the stronger.
    words : tuple of Text
        Every label.
    """

    contexts: tuple[str, ...]
    findings: tuple[str, ...]
    look_alikes: tuple[str, ...]
    links: tuple[PathPatch, ...]
    words: tuple[Text, ...]


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
) -> NetworkPlot:
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
    NetworkPlot
        Figures on the left are odds ratios, on the right likelihood ratios against the other patients, both of
        the state named. Lines are as wide as these are strong; dashed ones speak against the cause.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_network
    >>> picture = plot_network(thighdx.load_model(), "hamstring_strain")
    >>> picture.contexts[0], len(picture.findings), "thigh_contusion" in picture.look_alikes
    ('sprint_or_overstretch', 10, True)
    """
    model.vocabulary.cause_idx(cause)
    setting_idx = model.vocabulary.setting_code(model.default_setting if setting is None else setting)
    names = Names.of(model.vocabulary)
    contexts = strongest(causes_and_contexts(model, cause, setting_idx, names), n_contexts)
    findings = strongest(findings_and_effects(model, cause, setting_idx, names), n_findings)
    residual = model.compiled.kb.manifest.residual_cause
    alike = [
        item.cause
        for item in find_look_alikes(
            model.network, cause, setting_idx=setting_idx, n=n_look_alikes, without=residual
        )
    ]
    canvas = open_canvas(ax, style=style)
    drawn = _draw(canvas, names.name(cause), contexts, findings, [names.name(item) for item in alike])
    return NetworkPlot(
        canvas.ax,
        canvas.is_own,
        tuple(node.id for node in contexts),
        tuple(node.id for node in findings),
        tuple(alike),
        *drawn,
    )


def _draw(
    canvas: Canvas,
    cause: str,
    contexts: Sequence[Neighbor],
    findings: Sequence[Neighbor],
    alike: Sequence[str],
) -> tuple[tuple[PathPatch, ...], tuple[Text, ...]]:
    """Place words in three columns and join them; returns links and words."""
    ax, width = canvas.ax, canvas.width
    left, right = (
        [canvas.wrap(node.words, WORDS * width) for node in nodes] for nodes in (contexts, findings)
    )
    middle_width = (CAUSE_TO - CAUSE_FROM) * width - 0.15
    box = canvas.wrap(cause, middle_width, bold=True, most=4)
    similar = [canvas.wrap(name, middle_width, size=0.85 * canvas.size) for name in alike]
    foot = _height(similar) + UNDER_BOX if similar else 0.0
    middle = _height([box]) + 0.6 + foot
    tall = max(_height(left), _height(right), middle)
    ax.set_axis_off()
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(tall, -1.5)
    size = canvas.size if canvas.is_own else canvas.fitting(tall + 1.5)
    pen = _Pen(canvas, size)
    half = (_height([box]) - PADDING) / 2
    center = (tall - foot) / 2
    words = [pen.cause(box, center)]
    links = []
    for texts, nodes, is_left in ((left, contexts, True), (right, findings, False)):
        places = _stack(texts, (tall - _height(texts)) / 2)
        starts = np.linspace(center - half, center + half, len(nodes) + 2)[1:-1].tolist()
        for text, node, y, start in zip(texts, nodes, places, starts, strict=True):
            words += pen.neighbor(text, _ratio(node.ratio), y, is_left=is_left)
            links.append(pen.link(start, y, node.ratio, is_left=is_left))
    words += pen.headings(has_left=bool(left), has_right=bool(right))
    if similar:
        words += pen.look_alikes(similar, center + half + UNDER_BOX + 0.3)
    finish(
        canvas,
        title=f"What goes with {lower(cause)}",
        handles=_legend(canvas),
        columns=3,
        inches=(tall + 1.5) * canvas.line,
    )
    return tuple(links), tuple(words)


def _height(texts: Sequence[str]) -> float:
    """Return how many lines some texts take below one another."""
    return sum(text.count("\n") + 1 + PADDING for text in texts)


def _stack(texts: Sequence[str], top: float) -> list[float]:
    """Return the middle of every text when they are stacked from `top` on."""
    found = []
    for text in texts:
        found.append(top + _height([text]) / 2)
        top += _height([text])
    return found


def _ratio(value: float) -> str:
    return "×∞" if math.isinf(value) else f"×{number(value)}"


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws the parts."""

    canvas: Canvas
    size: float

    def cause(self, text: str, y: float) -> Text:
        """Write the cause in its box."""
        from matplotlib.patches import Rectangle

        ax, ink = self.canvas.ax, self.canvas.ink
        tall = text.count("\n") + 1 + 2 * BOX_PADDING
        box = Rectangle(
            (CAUSE_FROM, y - tall / 2), CAUSE_TO - CAUSE_FROM, tall, facecolor=ink.paper, edgecolor=ink.text,
            linewidth=1.8, zorder=4,
        )  # fmt: skip
        ax.add_patch(box)
        return ax.text(
            (CAUSE_FROM + CAUSE_TO) / 2, y, plain(text), ha="center", va="center", color=ink.text,
            fontsize=self.size, fontweight="bold", zorder=5,
        )  # fmt: skip

    def word(self, text: str, x: float, y: float, side: str, *, is_faint: bool = False) -> Text:
        """Write one label; faint ones are smaller."""
        ink = self.canvas.ink
        return self.canvas.ax.text(
            x, y, plain(text), ha=side, va="center", color=ink.faint if is_faint else ink.text,
            fontsize=self.size * (0.85 if is_faint else 1.0),
        )  # fmt: skip

    def neighbor(self, text: str, figure: str, y: float, *, is_left: bool) -> list[Text]:
        """Write the words and the figure at the end of a link."""
        at, side, out = (ENDS - GAP, "right", -FIGURE) if is_left else (BEGINS + GAP, "left", FIGURE)
        return [self.word(figure, at, y, side, is_faint=True), self.word(text, at + out, y, side)]

    def link(self, start: float, y: float, ratio: float, *, is_left: bool) -> PathPatch:
        """Join the cause and a label by a curve."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        ink = self.canvas.ink
        near, far = (CAUSE_FROM, ENDS) if is_left else (CAUSE_TO, BEGINS)
        middle = (near + far) / 2
        path = Path(
            [(near, start), (middle, start), (middle, y), (far, y)],
            [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
        )
        is_for = ratio >= 1.0
        patch = PathPatch(
            path, fill=False, linewidth=_width(ratio), edgecolor=ink.main if is_for else ink.second,
            linestyle="-" if is_for else DASHES, alpha=0.85, capstyle="butt", zorder=2,
        )  # fmt: skip
        self.canvas.ax.add_patch(patch)
        return patch

    def headings(self, *, has_left: bool, has_right: bool) -> list[Text]:
        """Name the columns."""
        found = []
        if has_left:
            found.append(self.word("circumstances, × odds", ENDS - GAP, -0.9, "right", is_faint=True))
        if has_right:
            found.append(
                self.word("× likelihood, findings, tests", BEGINS + GAP, -0.9, "left", is_faint=True)
            )
        return found

    def look_alikes(self, texts: Sequence[str], top: float) -> list[Text]:
        """List what looks like the cause under it."""
        x = (CAUSE_FROM + CAUSE_TO) / 2
        foot = top - UNDER_BOX + 0.7
        self.canvas.ax.plot(
            [x, x],
            [foot, top - 1.4],
            color=self.canvas.ink.faint,
            linewidth=1.4,
            linestyle=(0, (1, 2)),
            zorder=1,
        )
        found = [self.word("looks much like", x, top - 0.8, "center", is_faint=True)]
        for text, y in zip(texts, _stack(texts, top), strict=True):
            found.append(self.word(text, x, y, "center"))
            found[-1].set_fontsize(0.85 * self.size)
        return found


def _width(ratio: float) -> float:
    return min(THINNEST + PER_FACTOR_10 * strength(ratio), THICKEST)


def _legend(canvas: Canvas) -> list[Line2D]:
    """Explain width and dashes."""
    from matplotlib.lines import Line2D

    ink = canvas.ink
    return [
        Line2D([], [], color=ink.main, linewidth=_width(2), label="for it, ×2"),
        Line2D([], [], color=ink.main, linewidth=_width(20), label="for it, ×20"),
        Line2D([], [], color=ink.second, linewidth=_width(0.3), linestyle=DASHES, label="against it, ×0.3"),
    ]
