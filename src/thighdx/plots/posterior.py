"""A picture of how probable the causes are, with what is not known about that."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.errors import OptionError
from thighdx.plots.canvas import Canvas, Style, finish, open_canvas, some_numbers
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import Scale, percent_axis
from thighdx.plots.words import Names
from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
from thighdx.text import exact_percent, fine_percent, in_words, percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from thighdx.model import Model
    from thighdx.reasoning.intervals.interval_lines import IntervalMethod
    from thighdx.result import Result

__all__ = ["plot_intervals", "plot_posterior"]

ENDS = ["lower", "upper"]


def plot_posterior(
    result: Result,
    *old: Any,
    level: float | CredibleIntervals | None = 0.9,
    n: int | None = 10,
    scale: Scale = "auto",
    method: IntervalMethod = "auto",
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw the most probable causes with credible intervals, and where each stood before the evidence.

    Parameters
    ----------
    result : Result
    level : float or CredibleIntervals, optional
        Of the credible intervals, or intervals that `Result.interval` found before; None draws none.
    n : int, optional
        How many causes; None: all. What is not in the list of causes comes last, in a row of its own.
    scale : {"auto", "probability", "square_root", "log_odds"}
        The first three run from 0 to 100 %; "auto" takes the square root where one cause is so probable that the
        others could not be told apart. The last shows the rarest causes apart; there, what is certain or
        impossible is a triangle at the end of the axis.
    method : {"auto", "delta", "draws"}
        Of the intervals, see `Result.interval`; "delta" needs no draws.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own by default.
    style : {"auto", "light", "dark"}
        Of a figure of its own; "auto" follows matplotlib's settings. Given axes keep their background.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on. Causes that must not be missed have a diamond, the others a circle.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_posterior
    >>> result = thighdx.load_model().diagnose({"onset": "sudden", "bruising": True})
    >>> ax = plot_posterior(result, n=3, method="delta")
    >>> [label.get_text() for label in ax.get_yticklabels()][0]
    'Hamstring strain'
    >>> ax.get_legend_handles_labels()[1]
    ['90% interval', 'before any finding', 'now']
    """
    if old:
        warnings.warn(
            "plot_posterior: level and n are named since version 0.2: level=..., n=...",
            DeprecationWarning,
            stacklevel=2,
        )
        level, n = (*old, n)[:2]
    table = result.posterior.to_frame().assign(prior=result.prior)
    if level is not None and not isinstance(level, CredibleIntervals):
        level = result.interval(level, method=method)
    if level is not None:
        table = table.join(level.to_frame()[ENDS])
    names, n_known = Names(result._case.compiled.labels, result.model.must_not_miss), len(result.evidence)
    known = names.say("posterior.known", n=n_known) if n_known else names.say("posterior.nothing")
    return _draw(
        table,
        names,
        n=n,
        scale=scale,
        level=None if level is None else level.level,
        residual=result.model.residual_cause,
        title=names.say("posterior.title", known=known, setting=in_words(result.setting)),
        note=result.model.disclaimer,
        canvas=open_canvas(ax, style=style),
    )


def plot_intervals(
    intervals: CredibleIntervals | pd.DataFrame,
    *,
    n: int | None = 10,
    model: Model | None = None,
    scale: Scale = "auto",
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw the credible intervals of the most probable causes.

    Parameters
    ----------
    intervals : CredibleIntervals, or a frame
        From `Result.interval`, or its table: posterior, lower and upper, one row per cause.
    n, scale, ax, style
        See `plot_posterior`.
    model : thighdx.Model, optional
        For names, and for which causes must not be missed; ids are written as words without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    OptionError
        If there is no row, or a column or a number is missing.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_intervals
    >>> result = thighdx.load_model().diagnose({"onset": "sudden", "bruising": True})
    >>> plot_intervals(result.interval(method="delta"), n=3).get_yticklabels()[0].get_text()
    'Hamstring strain'
    """
    table = intervals.to_frame() if isinstance(intervals, CredibleIntervals) else intervals
    if missing := {"posterior", *ENDS} - {*table.columns}:
        raise OptionError(
            f"intervals: got no column {', '.join(sorted(missing))}, expected Result.interval(...)"
        )
    names = Names.of_model(model, getattr(intervals, "labels", None))
    return _draw(
        table,
        names,
        n=n,
        scale=scale,
        level=getattr(intervals, "level", None),
        residual="" if model is None else model.residual_cause,
        title=names.say("posterior.sure"),
        note="" if model is None else model.disclaimer,
        canvas=open_canvas(ax, style=style),
    )


def _draw(
    table: pd.DataFrame,
    names: Names,
    *,
    n: int | None,
    scale: Scale,
    level: float | None,
    residual: str,
    title: str,
    note: str,
    canvas: Canvas,
) -> Axes:
    """Draw one row per cause; the columns prior, lower and upper need not be there."""
    if n is not None and n < 1:
        raise OptionError(f"n: got {n}, expected 1 or more, or None for all causes")
    listed = [cause for cause in table.index if cause != residual][:n]
    table = table.loc[listed + [residual] * (residual in table.index)]
    columns = [name for name in ("posterior", "prior", *ENDS) if name in table.columns]
    values = some_numbers("posteriors", table[columns])
    has_ends = "lower" in columns
    interval = names.say("posterior.interval")
    if level is not None:
        interval = names.say("posterior.level", level=exact_percent(level))
    now = names.say("posterior.heading", interval=interval) if has_ends else names.say("plot.now")
    rows = [
        Row(names.marked(cause), _figures(row, is_fine=scale == "log_odds"), is_faint=cause == residual)
        for cause, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    placed = draw_rows(canvas, rows, heading=now)
    xlabel = percent_axis(
        canvas, values, scale=scale, name=names.say("plot.probability"), labels=names.labels
    )
    _marks(
        canvas,
        table[columns].clip(*canvas.ax.get_xlim()),
        placed.at,
        interval if has_ends else "",
        names,
        values[:, 0],
    )
    finish(
        canvas,
        title=title,
        xlabel=xlabel,
        note=note,
        inches=placed.inches,
    )
    return canvas.ax


def _figures(row: dict[Any, Any], *, is_fine: bool) -> str:
    """Write a posterior and its interval."""
    text = fine_percent(row["posterior"]) if is_fine else percent(row["posterior"])
    if "lower" not in row:
        return text
    low, high = (
        fine_percent(row[end]) if is_fine else percent(row[end], 1 if row["upper"] < 0.0995 else 0)
        for end in ENDS
    )
    return f"{text}  ({low}–{high})"


def _marks(canvas: Canvas, table: pd.DataFrame, at: Any, interval: str, names: Names, exact: Any) -> None:
    """Draw intervals, priors and points; `exact` tells certainties from what lies at the end of the axis."""
    ax, ink = canvas.ax, canvas.ink
    if interval:
        ax.hlines(at, table["lower"], table["upper"], color=ink.main, linewidth=4.5, alpha=0.45, clip_on=False,
                  label=interval)  # fmt: skip
    if "prior" in table.columns:
        ax.plot(table["prior"], at, "|", markersize=13, markeredgewidth=1.6, color=ink.faint, clip_on=False,
                label=names.say("plot.before"))  # fmt: skip
    now = table["posterior"].to_numpy()
    is_dangerous = np.array([cause in names.dangerous for cause in table.index])
    is_settled = np.isin(exact, (0.0, 1.0)) & (ax.get_xscale() == "logit")
    for label, marker, color, is_here in (
        (names.say("plot.now"), "o", ink.main, ~is_dangerous & ~is_settled),
        (names.say("plot.now_marked", mark=names.mark), "D", ink.danger, is_dangerous & ~is_settled),
        (names.say("plot.certain"), ">", ink.text, is_settled & (exact == 1.0)),
        (names.say("plot.impossible"), "<", ink.text, is_settled & (exact == 0.0)),
    ):
        if is_here.any():
            ax.plot(now[is_here], at[is_here], marker, color=color, markersize=8 if marker == "o" else 7.5,
                    markeredgecolor=ink.paper, markeredgewidth=0.8, clip_on=False, label=label)  # fmt: skip
