"""What a model learned about a cause: what was held before, what the records say, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.elicitation.distribution import to_working
from thighdx.elicitation.rows import table_scale
from thighdx.plots.layout import finish
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import fine_percent
from thighdx.plots.style import Canvas, Picture, Style, open_canvas
from thighdx.plots.words import Names, setting_words
from thighdx.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from thighdx.learning.learned import Learned

__all__ = ["LearningPlot", "plot_learning"]

FURTHEST = 6.0  # prior standard deviations: what lies beyond is drawn at the edge
LEVELS = ("q05", "q50", "q95")
WIDTH_90 = 2 * 1.6448536269514722  # of a 90 % interval, in standard deviations
OFFSET = 0.28  # of a line between prior, records and posterior
MOST_NUMBERS = 20


@dataclass(frozen=True, slots=True)
class LearningPlot(Picture):
    """Numbers of one cause before and after.

    Attributes
    ----------
    keys : tuple of str
        Keys of the numbers, from top to bottom, the one that moved furthest first.
    prior, data, posterior : tuple of Line2D
        90 % intervals, one per number; of the records only where they say something by themselves.
    """

    keys: tuple[str, ...]
    prior: tuple[Line2D, ...]
    data: tuple[Line2D, ...]
    posterior: tuple[Line2D, ...]


def plot_learning(
    learned: Learned[Any], cause: str, *, n: int = 10, ax: Axes | None = None, style: Style = "auto"
) -> LearningPlot:
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
    LearningPlot
        All on one scale, whatever the number is: distance from the prior median in prior standard deviations (of
        log odds, or of the logarithm of an odds ratio).

    Raises
    ------
    UnknownNameError
        If there is no such cause.
    ValueError
        If no record bears on the cause.
    """
    learned.model.vocabulary.cause_idx(cause)
    if not 1 <= n <= MOST_NUMBERS:
        raise ValueError(f"n: got {n}, expected 1 to {MOST_NUMBERS}")
    changes = learned.changes
    own = changes[[cause in key.split("|") for key in changes["key"]]]
    if own.empty:
        raise ValueError(
            f"{cause}: no record bears on it, so nothing was learned; see learned.without_record"
        )
    order = own["shift"].abs().sort_values(ascending=False, kind="stable").index
    rows = own.loc[order].head(n).to_dict("records")
    canvas = open_canvas(ax, style=style)
    names = Names.of(learned.model.vocabulary)
    labels = [Row(_label(row, names), _figures(row)) for row in rows]
    placed = draw_rows(canvas, labels, heading="before → after", most=3, least=1.6)
    canvas.ax.axvline(0.0, color=canvas.ink.grid, linewidth=1.0, zorder=1)
    lines: dict[str, list[Line2D]] = {"prior": [], "data": [], "posterior": []}
    for y, row in zip(placed.at, rows, strict=True):
        for place, kind in enumerate(lines):
            lines[kind] += _interval(canvas, y + (place - 1) * OFFSET, row, kind)
    _limits(canvas, lines)
    finish(
        canvas,
        title=f"{names.name(cause)}: what {learned.tally.n_used:,} records changed",
        xlabel="Prior standard deviations from what was held before",
        handles=_legend(canvas),
        columns=3,
        note=learned.model.disclaimer,
        inches=placed.inches,
    )
    keys = tuple(str(row["key"]) for row in rows)
    return LearningPlot(canvas.ax, canvas.is_own, keys, *(tuple(found) for found in lines.values()))


def _label(row: dict[Any, Any], names: Names) -> str:
    """Say which number it is."""
    key = tuple(row["key"].split("|"))
    words = names.judgement(row["table"], key)
    return f"{words}, {setting_words(key[-1])}" if row["table"] in ("shares", "frequencies") else words


def _figures(row: dict[Any, Any]) -> str:
    """Write the medians before and after."""
    if table_scale(row["table"]) == "odds_ratio":
        return f"×{number(row['prior_q50'])} → ×{number(row['posterior_q50'])}"
    return f"{fine_percent(row['prior_q50'])} → {fine_percent(row['posterior_q50'])}"


def _interval(canvas: Canvas, y: float, row: dict[Any, Any], kind: str) -> list[Line2D]:
    """Draw one interval with its median; nothing where the records say nothing by themselves."""
    scale = table_scale(row["table"])
    prior = to_working([row[f"prior_{level}"] for level in LEVELS], scale)
    values = to_working([row[f"{kind}_{level}"] for level in LEVELS], scale)
    if np.isnan(values).any():
        return []
    low, middle, high = np.clip((values - prior[1]) * WIDTH_90 / (prior[2] - prior[0]), -FURTHEST, FURTHEST)
    color, marker, width = _looks(canvas)[kind]
    line = canvas.ax.plot([low, high], [y, y], color=color, linewidth=width, solid_capstyle="butt", zorder=2)
    canvas.ax.plot([middle], [y], color=color, marker=marker, markersize=5.5, markeredgecolor=canvas.ink.paper,
                   markeredgewidth=0.6, zorder=3)  # fmt: skip
    return line


def _looks(canvas: Canvas) -> dict[str, tuple[str, str, float]]:
    """Return color, marker and width of each kind of interval."""
    ink = canvas.ink
    return {"prior": (ink.faint, "|", 1.6), "data": (ink.second, "D", 1.6), "posterior": (ink.main, "o", 3.0)}


def _limits(canvas: Canvas, lines: dict[str, list[Line2D]]) -> None:
    """Show everything drawn, zero in sight."""
    ends = [float(x) for found in lines.values() for line in found for x in np.asarray(line.get_xdata())]
    low, high = min([-1.0, *ends]), max([1.0, *ends])
    canvas.ax.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _legend(canvas: Canvas) -> list[Any]:
    """Explain the three intervals."""
    from matplotlib.lines import Line2D

    words = {"prior": "held before", "data": "the records alone", "posterior": "now (each 5–95%)"}
    return [
        Line2D([], [], color=color, marker=marker, linewidth=width, markersize=5.5, label=words[kind])
        for kind, (color, marker, width) in _looks(canvas).items()
    ]
