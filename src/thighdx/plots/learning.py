"""A picture of what a model learned about a cause: what was held before, what records say, what is held now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.elicitation.distribution import to_working
from thighdx.elicitation.rows import table_scale
from thighdx.errors import OptionError
from thighdx.plots.canvas import Floats, Style, finish, open_canvas
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.words import Names
from thighdx.text import fine_percent, in_words, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.learning.learned import Learned

__all__ = ["plot_learning"]

FURTHEST = 6.0  # prior standard deviations: what lies beyond is drawn at the edge
LEVELS = ("q05", "q50", "q95")
WIDTH_90 = 2 * 1.6448536269514722  # of a 90 % interval, in standard deviations
OFFSET = 0.42  # of a line between prior, records and posterior
MOST_NUMBERS = 20


def plot_learning(
    learned: Learned[Any], cause: str, *, n: int = 10, ax: Axes | None = None, style: Style = "auto"
) -> Axes:
    """Draw prior, records and posterior of the numbers of a cause that moved furthest.

    Parameters
    ----------
    learned : Learned
        From `Model.learn`.
    cause : str
    n : int
        How many numbers, at most 20.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        All on one scale, whatever the number is: distance from the prior median in prior standard deviations (of
        log odds, or of the logarithm of an odds ratio). Of the records only where they say something by themselves.

    Raises
    ------
    UnknownNameError
        If there is no such cause.
    OptionError
        If no record bears on the cause.
    """
    learned.model.vocabulary.cause_idx(cause)
    if not 1 <= n <= MOST_NUMBERS:
        raise OptionError(f"n: got {n}, expected 1 to {MOST_NUMBERS}")
    changes = learned.changes
    own = changes[[cause in key.split("|") for key in changes["key"]]]
    if own.empty:
        raise OptionError(
            f"{cause}: no record bears on it, so nothing was learned; see learned.without_record"
        )
    order = own["shift"].abs().sort_values(ascending=False, kind="stable").index
    rows = own.loc[order].head(n).to_dict("records")
    canvas = open_canvas(ax, style=style)
    names, axes, ink = Names.of_model(learned.model), canvas.ax, canvas.ink
    labels = [Row(_label(row, names), _figures(row)) for row in rows]
    placed = draw_rows(canvas, labels, heading=names.say("learning.heading"), most=3, least=1.6)
    axes.axvline(0.0, color=ink.grid, linewidth=1.0, zorder=1)
    for offset, kind, words, color, marker, width in (
        (-OFFSET, "prior", names.say("learning.before"), ink.faint, "|", 1.6),
        (0.0, "data", names.say("learning.records"), ink.text, "D", 1.6),
        (OFFSET, "posterior", names.say("learning.now"), ink.main, "o", 3.0),
    ):
        low, middle, high = np.transpose([_quantiles(row, kind) for row in rows])
        axes.errorbar(
            middle, placed.at + offset, xerr=[middle - low, high - middle], fmt=marker, color=color, label=words,
            elinewidth=width, markersize=5.5, markeredgecolor=color if marker == "|" else ink.paper,
            markeredgewidth=0.6, zorder=2,
        )  # fmt: skip
    axes.set_xlim(min(axes.get_xlim()[0], -1.0), max(axes.get_xlim()[1], 1.0))
    finish(
        canvas,
        title=names.say("learning.title", cause=names.marked(cause), n=learned.tally.n_used),
        xlabel=names.say("learning.axis"),
        note=learned.model.disclaimer,
        inches=placed.inches,
    )
    return axes


def _label(row: dict[Any, Any], names: Names) -> str:
    """Say which number it is."""
    key = tuple(row["key"].split("|"))
    words = names.judgement(row["table"], key)
    return f"{words}, {in_words(key[-1])}" if row["table"] in ("shares", "frequencies") else words


def _figures(row: dict[Any, Any]) -> str:
    """Write the medians before and after."""
    if table_scale(row["table"]) == "odds_ratio":
        return f"×{number(row['prior_q50'])} → ×{number(row['posterior_q50'])}"
    return f"{fine_percent(row['prior_q50'])} → {fine_percent(row['posterior_q50'])}"


def _quantiles(row: dict[Any, Any], kind: str) -> Floats:
    """Return where an interval and its median lie; NaN where the records say nothing by themselves."""
    scale = table_scale(row["table"])
    prior = to_working([row[f"prior_{level}"] for level in LEVELS], scale)
    values = to_working([row[f"{kind}_{level}"] for level in LEVELS], scale)
    found: Floats = np.clip((values - prior[1]) * WIDTH_90 / (prior[2] - prior[0]), -FURTHEST, FURTHEST)
    return found
