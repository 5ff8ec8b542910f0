"""Weight of evidence: what each finding does to the odds of a cause, or to the ratio of two causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thighdx.plots.decibans import decibans_axis, meaning
from thighdx.plots.layout import finish, say
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import signed
from thighdx.plots.style import Canvas, Picture, Style, open_canvas
from thighdx.plots.words import Names, SupportsNames, lower
from thighdx.text import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    from thighdx.reasoning.explain.explanation import Explanation, ExplanationLine

__all__ = ["WeightsPlot", "plot_contrast", "plot_weights"]

BAR = 0.9  # lines
VIA = {
    "rules_out_other": "rules out",
    "points_to_other": "points to",
    "companion": "goes with",
}


@dataclass(frozen=True, slots=True)
class WeightsPlot(Picture):
    """A waterfall from before to now.

    Attributes
    ----------
    evidence : tuple of str
        Ids of the variables with a bar of their own, from top to bottom.
    bars : tuple of Rectangle
        One per row between before and now: what is given, the evidence, the rest together.
    ends : tuple of Line2D
        Before and now; empty where the evidence alone settles the question.
    """

    evidence: tuple[str, ...]
    bars: tuple[Rectangle, ...]
    ends: tuple[Line2D, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One bar: its label, what it adds in decibans, whether that comes by way of another cause."""

    label: str
    decibans: float
    is_indirect: bool = False


def plot_weights(
    explanation: Explanation,
    *,
    n: int = 15,
    model: SupportsNames | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> WeightsPlot:
    """Draw how the evidence took a cause from its prior to its posterior, in decibans.

    Parameters
    ----------
    explanation : Explanation
        From `Result.explain`.
    n : int
        How many pieces of evidence have a bar of their own; the others are added up in one.
    model : thighdx.Model, optional
        For the names of causes; ids are written as words without it.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    WeightsPlot
        Hatched bars come by way of another cause, which their label names.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_weights
    >>> model = thighdx.load_model()
    >>> result = model.diagnose({"bruising": True, "onset": "sudden", "numbness": False})
    >>> picture = plot_weights(result.explain("hamstring_strain"), model=model)
    >>> picture.evidence[0], bool(picture.bars[0].get_width() > 0)
    ('bruising', True)
    """
    if explanation.against:
        raise ValueError(
            "explanation: got a contrast of two causes, expected Result.explain; use plot_contrast"
        )
    return _waterfall(explanation, n=n, model=model, ax=ax, style=style)


def plot_contrast(
    contrast: Explanation,
    *,
    n: int = 15,
    model: SupportsNames | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> WeightsPlot:
    """Draw how the evidence tells two causes apart, in decibans of the ratio of their probabilities.

    Parameters
    ----------
    contrast : Explanation
        From `Result.contrast`.
    n, model, ax, style
        See `plot_weights`.

    Returns
    -------
    WeightsPlot

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_contrast
    >>> model = thighdx.load_model()
    >>> result = model.diagnose({"bruising": True, "numbness": False})
    >>> picture = plot_contrast(result.contrast("hamstring_strain", "lumbar_radiculopathy"), model=model)
    >>> sorted(picture.evidence)
    ['bruising', 'numbness']
    """
    if not contrast.against:
        raise ValueError("contrast: got one cause, expected Result.contrast(a, b); use plot_weights")
    return _waterfall(contrast, n=n, model=model, ax=ax, style=style)


def _waterfall(
    explanation: Explanation, *, n: int, model: SupportsNames | None, ax: Axes | None, style: Style
) -> WeightsPlot:
    """Draw either kind."""
    if n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more")
    names = Names.of(None if model is None else model.vocabulary)
    canvas = open_canvas(ax, style=style)
    title = _title(explanation, names)
    if explanation.verdict != "open" or explanation.posterior_decibans is None:
        return _settled(canvas, explanation, title, names)
    steps = _steps(explanation, n, names)
    rows = [
        Row("Before any finding", _value(explanation, explanation.prior, explanation.prior_decibans)),
        *(Row(step.label, signed(step.decibans)) for step in steps),
        Row("Now", _value(explanation, explanation.posterior, explanation.posterior_decibans)),
    ]
    placed = draw_rows(canvas, rows, heading="decibans", most=3)
    before, now = explanation.prior_decibans, explanation.posterior_decibans
    edges = before + np.concatenate([[0.0], np.cumsum([step.decibans for step in steps])])
    decibans_axis(canvas, float(edges.min()), float(edges.max()), is_ratio=bool(explanation.against))
    bars = tuple(
        _bar(canvas, y, step, float(start))
        for y, step, start in zip(placed.at[1:], steps, edges, strict=False)
    )
    for y, below, x in zip(placed.at, placed.at[1:], edges, strict=False):
        canvas.ax.plot([x, x], [y, below], color=canvas.ink.faint, linewidth=0.8, zorder=1)
    ends = tuple(
        canvas.ax.plot(
            [x], [y], marker="o", markersize=8, linestyle="none", color=canvas.ink.text, zorder=4,
        )[0]
        for x, y in ((before, placed.at[0]), (now, placed.at[-1]))
    )  # fmt: skip
    kind = "ratio of the two probabilities" if explanation.against else "odds that the cause is present"
    finish(
        canvas,
        title=title,
        xlabel=f"Decibans (10 multiply by 10) and {kind}",
        handles=_legend(canvas, explanation, steps, names),
        columns=3,
        inches=placed.inches,
    )
    shown = tuple(line.variable for line in _shown(explanation, n))
    return WeightsPlot(canvas.ax, canvas.is_own, shown, bars, ends)


def _title(explanation: Explanation, names: Names) -> str:
    cause = names.name(explanation.cause)
    if explanation.against:
        return f"{cause}, or {lower(names.name(explanation.against))}?"
    return f"{cause}: what speaks for it and against it"


def _shown(explanation: Explanation, n: int) -> tuple[ExplanationLine, ...]:
    """Return the lines with a bar of their own; a single one left over is not worth a row called others."""
    lines = explanation.lines
    return lines if len(lines) <= n + 1 else lines[:n]


def _steps(explanation: Explanation, n: int, names: Names) -> list[_Step]:
    """Return the bars: what is given, the evidence, and the rest together."""
    found = []
    given = explanation.conditioning
    if given is not None and given.decibans is not None:
        shown = [names.state(name, state) for name, state in (*given.given, *given.excluding)]
        found.append(_Step(f"Given: {', '.join(shown)}", given.decibans))
    shown_lines = _shown(explanation, n)
    found += [_Step(_words(line, names), line.decibans, bool(line.via)) for line in shown_lines]
    if rest := explanation.lines[len(shown_lines) :]:
        found.append(_Step(f"{len(rest)} other findings together", sum(line.decibans for line in rest)))
    return found


def _words(line: ExplanationLine, names: Names) -> str:
    """Name a piece of evidence, and the cause by way of which it works."""
    text = names.state(line.variable, line.state, label=line.label) + ("" if line.state else " (uncertain)")
    if not line.via:
        return text
    return f"{text} ({VIA[line.via]} {lower(names.name(line.other)) if line.other else 'other causes'})"


def _value(explanation: Explanation, probability: float, decibans: float) -> str:
    """Write where it stands: a probability, or a ratio of two."""
    return percent(probability) if not explanation.against else meaning(decibans, is_ratio=True)


def _bar(canvas: Canvas, y: float, step: _Step, start: float) -> Rectangle:
    """Draw what one row adds; hatched where it comes by way of another cause."""
    ink = canvas.ink
    color = ink.main if step.decibans >= 0 else ink.second
    bars = canvas.ax.barh(
        [y], [step.decibans], left=[start], height=BAR, color=ink.paper if step.is_indirect else color,
        edgecolor=color, hatch="////" if step.is_indirect else "", linewidth=1.2, zorder=2,
    )  # fmt: skip
    bar: Rectangle = bars.patches[0]
    return bar


def _legend(canvas: Canvas, explanation: Explanation, steps: list[_Step], names: Names) -> list[Rectangle]:
    """Explain the bars that are there."""
    from matplotlib.patches import Rectangle

    ink = canvas.ink
    favored = names.name(explanation.cause) if explanation.against else "the cause"
    other = names.name(explanation.against) if explanation.against else ""
    marks = []
    if any(step.decibans > 0 for step in steps):
        label = canvas.wrap(f"→ for {lower(favored)}", 2.2)
        marks.append(Rectangle((0, 0), 1, 1, facecolor=ink.main, edgecolor=ink.main, label=label))
    if any(step.decibans < 0 for step in steps):
        label = canvas.wrap(f"← {'for ' + lower(other) if other else 'against it'}", 2.2)
        marks.append(Rectangle((0, 0), 1, 1, facecolor=ink.second, edgecolor=ink.second, label=label))
    if any(step.is_indirect for step in steps):
        marks.append(
            Rectangle(
                (0, 0),
                1,
                1,
                facecolor=ink.paper,
                edgecolor=ink.faint,
                hatch="////",
                label="by way of another cause",
            )
        )
    return marks


def _settled(canvas: Canvas, explanation: Explanation, title: str, names: Names) -> WeightsPlot:
    """Say what the evidence settles by itself, where there is nothing to weigh."""
    cause, other = names.name(explanation.cause), names.name(explanation.against or "the other")
    verdict = {
        "impossible": f"{cause} is impossible",
        "certain": f"{cause} is certain",
        "other_impossible": f"{other} is impossible",
        "both_impossible": f"{cause} and {lower(other)} are both impossible",
    }.get(explanation.verdict, explanation.statement)
    by = ", ".join(names.state(name, state) for name, state in explanation.settled_by)
    text = f"{verdict} under this model" + (f", given: {by}" if by else "") + ". There is nothing to weigh."
    say(canvas, text, title=title)
    return WeightsPlot(canvas.ax, canvas.is_own, (), (), ())
