"""A picture of the weight of evidence: what each finding does to the odds of a cause, or of two causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thighdx.errors import OptionError
from thighdx.plots.canvas import Canvas, Floats, Style, finish, instead, open_canvas, some_numbers
from thighdx.plots.rows import Row, draw_bars, draw_rows
from thighdx.plots.scales import decibans_axis, odds
from thighdx.plots.words import Names
from thighdx.text import MINUS, percent, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.model import Model
    from thighdx.reasoning.explain.explanation import Explanation, ExplanationLine

__all__ = ["plot_contrast", "plot_weights"]


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
    model: Model | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw how the evidence took a cause from its prior to its posterior, in decibans and in odds.

    Parameters
    ----------
    explanation : Explanation
        From `Result.explain`.
    n : int
        How many pieces of evidence have a bar of their own; the others are added up in one.
    model : thighdx.Model, optional
        For the mark of causes that must not be missed.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        A waterfall. Hatched bars come by way of another cause, which their label names.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_weights
    >>> result = thighdx.load_model().diagnose({"bruising": True, "onset": "sudden", "numbness": False})
    >>> ax = plot_weights(result.explain("hamstring_strain"))
    >>> ax.get_yticklabels()[0].get_text(), len(ax.get_yticks())
    ('Before any finding', 5)
    """
    if explanation.against:
        raise OptionError(
            "explanation: got a contrast of two causes, expected Result.explain; use plot_contrast"
        )
    return _waterfall(explanation, n=n, model=model, ax=ax, style=style)


def plot_contrast(
    contrast: Explanation,
    *,
    n: int = 15,
    model: Model | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw how the evidence tells two causes apart, in decibans of the ratio of their probabilities.

    Parameters
    ----------
    contrast : Explanation
        From `Result.contrast`.
    n, model, ax, style
        See `plot_weights`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_contrast
    >>> result = thighdx.load_model().diagnose({"bruising": True, "numbness": False})
    >>> ax = plot_contrast(result.contrast("hamstring_strain", "lumbar_radiculopathy"))
    >>> [text.get_text() for text in ax.texts][0]
    '1 : 1.8'
    """
    if not contrast.against:
        raise OptionError("contrast: got one cause, expected Result.contrast(a, b); use plot_weights")
    return _waterfall(contrast, n=n, model=model, ax=ax, style=style)


def _waterfall(
    explanation: Explanation, *, n: int, model: Model | None, ax: Axes | None, style: Style
) -> Axes:
    """Draw either kind."""
    if n < 1:
        raise OptionError(f"n: got {n}, expected 1 or more")
    names = Names.of_model(model, explanation.labels)
    title = _title(explanation, names)
    if explanation.verdict != "open" or explanation.posterior_decibans is None:
        canvas = open_canvas(ax, style=style)
        instead(canvas, _settled(explanation, names), title=title)
        return canvas.ax
    steps = _steps(explanation, n, names)
    before, now = explanation.prior_decibans, explanation.posterior_decibans
    added = np.array([step.decibans for step in steps])
    edges = some_numbers("decibans", before + np.concatenate([[0.0], np.cumsum(added)]))
    canvas = open_canvas(ax, style=style)
    rows = [
        Row(names.say("weights.before"), _value(explanation, explanation.prior, before)),
        *(Row(step.label, signed(step.decibans, minus=MINUS)) for step in steps),
        Row(names.say("card.now"), _value(explanation, explanation.posterior, now)),
    ]
    placed = draw_rows(canvas, rows, most=4)
    _draw(canvas, explanation, steps, names, placed.at, edges)
    above = names.say("weights.ratio" if explanation.against else "weights.odds")
    decibans_axis(canvas, edges, name=above)
    finish(canvas, title=title, xlabel=names.say("weights.axis"), inches=placed.inches)
    return canvas.ax


def _draw(
    canvas: Canvas, explanation: Explanation, steps: list[_Step], names: Names, at: Floats, edges: Floats
) -> None:
    """Draw bars from edge to edge, joined, and both ends."""
    ink, ax = canvas.ink, canvas.ax
    favored, other = names.say("weights.for_it"), names.say("weights.against_it")
    if explanation.against:
        favored = names.say("weights.for", cause=names.inside(names.name(explanation.cause)))
        other = names.say("weights.against", cause=names.inside(names.name(explanation.against)))
    indirect = names.say("weights.indirect")
    for is_indirect in (False, True):
        for is_for, words in ((True, favored), (False, other)):
            here = [
                i for i, s in enumerate(steps) if s.is_indirect == is_indirect and (s.decibans >= 0) == is_for
            ]
            if not here:
                continue
            draw_bars(
                canvas, at[1:-1][here], np.diff(edges)[here], left=edges[:-1][here], is_open=is_indirect,
                color=ink.main if is_for else ink.against,
                label=indirect if is_indirect else canvas.wrap(words, 0.3),
            )  # fmt: skip
            indirect = indirect if not is_indirect else ""
    ax.vlines(edges, at[:-1], at[1:], color=ink.faint, linewidth=0.8, zorder=1)
    ax.plot(edges[[0, -1]], at[[0, -1]], "o", markersize=8, color=ink.text, zorder=4)


def _title(explanation: Explanation, names: Names) -> str:
    cause = names.marked(explanation.cause)
    if explanation.against:
        other = names.inside(names.marked(explanation.against))
        return names.say("weights.contrast", cause=cause, other=other)
    return names.say("weights.title", cause=cause)


def _steps(explanation: Explanation, n: int, names: Names) -> list[_Step]:
    """Return the bars: what is given, the evidence, and the rest together (a single one left over has its own)."""
    found = []
    given = explanation.conditioning
    if given is not None and given.decibans is not None:
        shown = ", ".join(names.state(name, state) for name, state in (*given.given, *given.excluding))
        found.append(_Step(names.say("card.given", findings=shown), given.decibans))
    lines = explanation.lines
    own = lines if len(lines) <= n + 1 else lines[:n]
    found += [_Step(_words(line, names), line.decibans, bool(line.via)) for line in own]
    if rest := lines[len(own) :]:
        together = names.say("card.together", n=len(rest))
        found.append(_Step(together, sum(line.decibans for line in rest)))
    return found


def _words(line: ExplanationLine, names: Names) -> str:
    """Name a piece of evidence, and the cause by way of which it works."""
    text = names.known(line.variable, line.state)
    if not line.via:
        return text
    other = names.inside(names.marked(line.other)) if line.other else names.say("weights.others")
    return names.say(f"weights.{line.via}", finding=text, cause=other)


def _value(explanation: Explanation, probability: float, decibans: float) -> str:
    """Write where it stands: a probability, or a ratio of two."""
    return odds(decibans) if explanation.against else percent(probability)


def _settled(explanation: Explanation, names: Names) -> str:
    """Say what the evidence settles by itself, where there is nothing to weigh."""
    other = names.name(explanation.against)
    other = names.inside(other) if explanation.verdict == "both_impossible" else other
    verdict = names.say(f"verdict.{explanation.verdict}", cause=names.name(explanation.cause), other=other)
    if by := ", ".join(names.state(name, state) for name, state in explanation.settled_by):
        verdict = names.say("verdict.given", verdict=verdict, findings=by)
    return names.say("weights.settled", verdict=verdict)
