"""Are the probabilities honest? Forecasts against what was the case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.plots.layout import finish
from thighdx.plots.scales import compact_percent
from thighdx.plots.style import Picture, Style, open_canvas
from thighdx.plots.words import Names, SupportsNames

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    from thighdx.evaluation.evaluation import Evaluation

__all__ = ["CalibrationPlot", "plot_calibration"]

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class CalibrationPlot(Picture):
    """A calibration curve.

    Attributes
    ----------
    curve : ErrorbarContainer
        Observed share over mean forecast, one point per bin with a forecast, with 95 % intervals.
    ideal : Line2D
        Where honest probabilities lie.
    counts : tuple of Text
        Forecasts per bin, above their bin.
    """

    curve: ErrorbarContainer
    ideal: Line2D
    counts: tuple[Text, ...]


def plot_calibration(
    evaluation: Evaluation,
    *,
    cause: str | None = None,
    model: SupportsNames | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> CalibrationPlot:
    """Draw how often what was given a probability was the case.

    Parameters
    ----------
    evaluation : Evaluation
        From `thighdx.evaluate`.
    cause : str, optional
        Id of one cause; all causes together by default.
    model : thighdx.Model, optional
        For the name of the cause; its id is written as words without it.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    CalibrationPlot
        Intervals at 95 % (Jeffreys, see `CalibrationBin`) say how far a point may be off by chance.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_calibration
    >>> model = thighdx.load_model()
    >>> found = thighdx.evaluate(model, model.simulate(200, seed=1))
    >>> picture = plot_calibration(found)
    >>> len(picture.counts) == len(found.calibration)
    True
    """
    known = [item.cause for item in evaluation.causes]
    if cause is not None and cause not in known:
        raise UnknownNameError(f"unknown cause {cause!r}; {nearest_hint(cause, known) or 'see model.causes'}")
    bins = evaluation.calibration if cause is None else evaluation.calibration_of(cause)
    canvas = open_canvas(ax, style=style, width=5.6)
    axes, ink = canvas.ax, canvas.ink
    x = np.array([item.mean_posterior for item in bins])
    y = np.array([item.observed for item in bins])
    lower, upper = np.array([item.lower for item in bins]), np.array([item.upper for item in bins])
    (ideal,) = axes.plot(
        [0, 1], [0, 1], color=ink.faint, linestyle=(0, (4, 3)), linewidth=1.2, label="honest"
    )
    curve = axes.errorbar(
        x, y, yerr=np.clip([y - lower, upper - y], 0.0, None), color=ink.main, marker="o", markersize=7,
        linestyle="none", elinewidth=1.8, capsize=4, clip_on=False, label="observed, 95% interval",
    )  # fmt: skip
    counts = tuple(
        axes.annotate(
            _count(item.n), ((item.low + item.high) / 2, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 4), textcoords="offset points", ha="center", va="bottom", color=ink.faint,
            fontsize=0.75 * canvas.size,
        )
        for item in bins
    )  # fmt: skip
    axes.annotate(
        "n", (0.0, 1.0), xycoords="axes fraction", xytext=(-6, 4), textcoords="offset points", ha="right",
        va="bottom", color=ink.faint, fontsize=0.75 * canvas.size, fontstyle="italic",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(TICKS, [compact_percent(tick) for tick in TICKS])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.spines["left"].set_visible(True)
    axes.grid(True, color=ink.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_ylabel("Share in which the cause was present", color=ink.text, fontsize=0.9 * canvas.size)
    what = (
        "all causes" if cause is None else Names.of(None if model is None else model.vocabulary).name(cause)
    )
    finish(
        canvas,
        title=f"Calibration: {what}, {evaluation.n_rows:,} patients",
        xlabel="Probability given (n: forecasts per tenth)",
        handles=[curve, ideal],  # type: ignore[list-item]  # a legend takes containers too
        inches=4.0,
    )
    return CalibrationPlot(axes, canvas.is_own, curve, ideal, counts)


def _count(n: int) -> str:
    """Write a count in at most five characters.

    Examples
    --------
    >>> _count(812), _count(12_345), _count(3_400_000)
    ('812', '12k', '3.4M')
    """
    if n < 10_000:
        return str(n)
    if n < 1_000_000:
        return f"{n / 1000:.0f}k"
    return f"{n / 1e6:.1f}M" if n < 10_000_000 else f"{n / 1e6:.0f}M"
