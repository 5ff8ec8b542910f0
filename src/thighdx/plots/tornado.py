"""A picture of what would change the answer: judgements by how far they move a posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thighdx.elicitation.rows import table_scale
from thighdx.errors import OptionError
from thighdx.plots.canvas import Style, finish, instead, open_canvas, some_numbers
from thighdx.plots.rows import Row, draw_bars, draw_rows
from thighdx.plots.scales import zoomed_percent_axis
from thighdx.plots.words import Names
from thighdx.text import fine_percent, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.model import Model
    from thighdx.reasoning.sensitivity.sensitivity_lines import Sensitivities, Sensitivity

__all__ = ["plot_sensitivity"]


def plot_sensitivity(
    sensitivities: Sensitivities,
    *,
    n: int = 12,
    model: Model | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw how far the posterior of a cause moves while one judgement goes from 5 to 95 % of its range.

    Parameters
    ----------
    sensitivities : Sensitivities
        From `Result.sensitivity`.
    n : int
        How many judgements, the widest bars first.
    model : thighdx.Model, optional
        For the mark of causes that must not be missed.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        A tornado. A star marks judgements whose own range changes the leading cause or the urgency.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_sensitivity
    >>> result = thighdx.load_model().diagnose({"onset": "sudden", "bruising": True})
    >>> ax = plot_sensitivity(result.sensitivity("hamstring_strain", n=3))
    >>> len(ax.get_yticks())
    3
    """
    if n < 1:
        raise OptionError(f"n: got {n}, expected 1 or more")
    names = Names.of_model(model, sensitivities.labels)
    cause = names.inside(names.marked(sensitivities.cause))
    now = float(some_numbers("posterior", [sensitivities.posterior])[0])
    lines = sorted(sensitivities.lines, key=lambda line: -abs(line.at_high - line.at_low))[:n]
    title = names.say("tornado.title", cause=cause, probability=percent(now))
    canvas = open_canvas(ax, style=style)
    if not lines:
        instead(canvas, names.say("tornado.settled", probability=percent(now)), title=title)
        return canvas.ax
    ends = some_numbers("posteriors", [(line.at_low, line.at_high) for line in lines])
    rows = [Row(names.judgement(line.influence.table, line.influence.key), _range(line)) for line in lines]
    placed = draw_rows(canvas, rows, heading=names.say("tornado.heading"), most=4)
    zoomed_percent_axis(canvas, np.append(ends, now))
    main = canvas.ink.main
    draw_bars(
        canvas,
        placed.at,
        ends[:, 0] - now,
        left=now,
        color=main,
        is_open=True,
        label=names.say("tornado.low"),
    )
    draw_bars(canvas, placed.at, ends[:, 1] - now, left=now, color=main, label=names.say("tornado.high"))
    canvas.ax.axvline(now, color=canvas.ink.text, linewidth=1.2, zorder=3)
    if any(line.is_decisive for line in lines):
        decisive = names.say("tornado.decisive")
        canvas.ax.plot([], [], "*", markersize=10, color=canvas.ink.text, label=decisive)
    finish(canvas, title=title, xlabel=names.say("tornado.axis", cause=cause), inches=placed.inches)
    return canvas.ax


def _range(line: Sensitivity) -> str:
    """Write the range of a judgement; a star where it changes the answer."""
    star = "★ " if line.is_decisive else ""
    if table_scale(line.influence.table) == "odds_ratio":
        return f"{star}×{number(line.low)}–{number(line.high)}"
    return f"{star}{fine_percent(line.low)}–{fine_percent(line.high)}"
