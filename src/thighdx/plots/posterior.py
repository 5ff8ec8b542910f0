"""How probable the causes are, with what is not known about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from thighdx.plots.layout import finish
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import fine_percent, is_log_odds, percent_axis, to_log_odds
from thighdx.plots.style import Canvas, Picture, Style, open_canvas
from thighdx.plots.words import Names, setting_words
from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
from thighdx.text import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from thighdx.reasoning.intervals.interval_lines import IntervalMethod
    from thighdx.result import Result

__all__ = ["PosteriorPlot", "plot_posterior"]


@dataclass(frozen=True, slots=True)
class PosteriorPlot(Picture):
    """Posteriors of causes.

    Attributes
    ----------
    causes : tuple of str
        Ids, from top to bottom.
    points, priors : tuple of Line2D
        One each per cause.
    intervals : tuple of Line2D
        One per cause; none without a level.
    """

    causes: tuple[str, ...]
    points: tuple[Line2D, ...]
    priors: tuple[Line2D, ...]
    intervals: tuple[Line2D, ...]


def plot_posterior(
    result: Result,
    level: float | CredibleIntervals | None = 0.9,
    n: int | None = 10,
    *,
    scale: Literal["probability", "log_odds"] = "probability",
    method: IntervalMethod = "auto",
    ax: Axes | None = None,
    style: Style = "auto",
) -> PosteriorPlot:
    """Draw the most probable causes with credible intervals, and where each stood before the evidence.

    Parameters
    ----------
    result : Result
    level : float or CredibleIntervals, optional
        Of the credible intervals, or what `Result.interval` returned; None draws none.
    n : int, optional
        How many causes; None: all. What is not in the list of causes comes last, in a row of its own.
    scale : {"probability", "log_odds"}
        The first always runs from 0 to 100 %. The second shows rare causes apart; there, what is
        certain or impossible is a triangle at the end of the axis.
    method : {"auto", "delta", "draws"}
        Of the intervals, see `Result.interval`; "delta" needs no draws.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own by default.
    style : {"auto", "light", "dark"}
        Of a figure of its own; "auto" follows matplotlib's settings. Given axes keep their background.

    Returns
    -------
    PosteriorPlot
        Causes that must not be missed have a diamond, the others a circle.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_posterior
    >>> result = thighdx.load_model().diagnose({"onset": "sudden", "bruising": True})
    >>> picture = plot_posterior(result, n=3, method="delta")
    >>> picture.causes[0], picture.points[0].get_marker()
    ('hamstring_strain', 'o')
    >>> [label.get_text() for label in picture.ax.get_yticklabels()][0]
    'Hamstring strain'
    """
    if n is not None and n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more, or None for all causes")
    is_log = is_log_odds(scale)
    bounds = (
        level
        if level is None or isinstance(level, CredibleIntervals)
        else result.interval(level, method=method)
    )
    residual = result.model.residual_cause
    listed = result.posterior.drop(residual, errors="ignore")
    causes = [str(cause) for cause in listed.index[:n]]
    causes += [residual] if residual in result.posterior.index else []
    canvas = open_canvas(ax, style=style)
    names = Names.of(result._case.vocabulary)
    rows = [
        Row(
            names.name(cause),
            _figures(float(result.posterior[cause]), bounds, cause, is_fine=is_log),
            is_faint=cause == residual,
        )
        for cause in causes
    ]
    heading = "now" if bounds is None else f"now ({bounds.level:.0%} interval)"
    placed = draw_rows(canvas, rows, heading=heading)
    seen = [result.posterior[causes].to_numpy(), result.prior[causes].to_numpy()]
    seen += [] if bounds is None else [np.array([_ends(bounds, cause) for cause in causes]).ravel()]
    ends = percent_axis(canvas, np.concatenate(seen), is_log_odds=is_log)
    drawn = _marks(canvas, result, causes, placed.at, bounds, ends if is_log else None)
    finish(
        canvas,
        title=_title(result),
        xlabel="Probability that the cause is present" + (" (log-odds scale)" if is_log else ""),
        handles=_legend(canvas, bounds, has_urgent=any(mark.get_marker() == "D" for mark in drawn[0])),
        columns=4,
        note=result.model.disclaimer,
        inches=placed.inches,
    )
    return PosteriorPlot(canvas.ax, canvas.is_own, tuple(causes), *drawn)


def _title(result: Result) -> str:
    known = len(result.evidence)
    what = (
        "nothing known yet" if not known else "1 finding known" if known == 1 else f"{known} findings known"
    )
    return f"Causes of the complaint: {what}, {setting_words(result.setting)}"


def _ends(bounds: CredibleIntervals, cause: str) -> tuple[float, float]:
    return bounds[cause].lower, bounds[cause].upper


def _figures(value: float, bounds: CredibleIntervals | None, cause: str, *, is_fine: bool) -> str:
    """Write a posterior and its interval."""
    text = fine_percent(value) if is_fine else percent(value)
    if bounds is None:
        return text
    ends = _ends(bounds, cause)
    if is_fine:
        low, high = map(fine_percent, ends)
    else:
        digits = 1 if ends[1] < 0.0995 else 0
        low, high = (percent(end, digits) for end in ends)
    return f"{text}  ({low}–{high})"


def _marks(
    canvas: Canvas,
    result: Result,
    causes: list[str],
    at: tuple[float, ...],
    bounds: CredibleIntervals | None,
    ends: tuple[float, float] | None,
) -> tuple[tuple[Line2D, ...], tuple[Line2D, ...], tuple[Line2D, ...]]:
    """Draw points, priors and intervals; `ends` of a log-odds axis hold what lies beyond."""
    ax, ink = canvas.ax, canvas.ink
    must_not_miss = result.model.must_not_miss

    def place(value: float) -> float:
        return float(value) if ends is None else float(np.clip(to_log_odds(value), *ends))

    points, priors, intervals = [], [], []
    for y, cause in zip(at, causes, strict=True):
        color = ink.faint if cause == result.model.residual_cause else ink.main
        if bounds is not None:
            span = [place(end) for end in _ends(bounds, cause)]
            intervals += ax.plot(
                span, [y, y], color=color, linewidth=4.5, alpha=0.45, solid_capstyle="butt", clip_on=False
            )
        priors += ax.plot(
            [place(result.prior[cause])], [y], marker="|", markersize=13, markeredgewidth=1.6,
            color=ink.faint, linestyle="none", clip_on=False, zorder=2.5,
        )  # fmt: skip
        value = float(result.posterior[cause])
        is_urgent = cause in must_not_miss
        marker = "D" if is_urgent else "o"
        if ends is not None and value in (0.0, 1.0):  # infinite log odds
            marker = ">" if value else "<"
        points += ax.plot(
            [place(value)], [y], marker=marker, linestyle="none",
            markersize=7.5 if is_urgent else 8, color=ink.second if is_urgent else color,
            markeredgecolor=ink.paper, markeredgewidth=0.8, clip_on=False, zorder=3,
        )  # fmt: skip
    return tuple(points), tuple(priors), tuple(intervals)


def _legend(canvas: Canvas, bounds: CredibleIntervals | None, *, has_urgent: bool) -> list[Line2D]:
    """Explain the marks."""
    from matplotlib.lines import Line2D

    ink = canvas.ink
    marks = [Line2D([], [], marker="o", markersize=7, linestyle="none", color=ink.main, label="now")]
    if has_urgent:
        marks.append(
            Line2D(
                [],
                [],
                marker="D",
                markersize=6.5,
                linestyle="none",
                color=ink.second,
                label="now; must not be missed",
            )
        )
    if bounds is not None:
        label = f"{bounds.level:.0%} interval"
        marks.append(Line2D([], [], color=ink.main, linewidth=4.5, alpha=0.45, label=label))
    marks.append(
        Line2D(
            [],
            [],
            marker="|",
            markersize=11,
            markeredgewidth=1.6,
            linestyle="none",
            color=ink.faint,
            label="before any finding",
        )
    )
    return marks
