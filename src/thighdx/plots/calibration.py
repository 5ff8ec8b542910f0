"""A picture of calibration: forecasts against what was the case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.plots.canvas import Style, finish, open_canvas, some_numbers
from thighdx.plots.scales import percent_tick
from thighdx.plots.words import Names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.evaluation.evaluation import Evaluation
    from thighdx.model import Model

__all__ = ["plot_calibration"]


def plot_calibration(
    evaluation: Evaluation,
    *,
    cause: str | None = None,
    model: Model | None = None,
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
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
    matplotlib.axes.Axes
        Intervals at 95 % (Jeffreys, see `CalibrationBin`) say how far a point may be off by chance; over each bin
        stands how many forecasts it holds.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_calibration
    >>> model = thighdx.load_model()
    >>> ax = plot_calibration(thighdx.evaluate(model, model.simulate(200, seed=1)))
    >>> ax.get_legend_handles_labels()[1]
    ['perfect calibration', 'observed, 95% interval']
    """
    known = [item.cause for item in evaluation.causes]
    if cause is not None and cause not in known:
        raise UnknownNameError(f"unknown cause {cause!r}; {nearest_hint(cause, known) or 'see model.causes'}")
    bins = evaluation.calibration if cause is None else evaluation.calibration_of(cause)
    x, y, lower, upper = some_numbers(
        "calibration", [(item.mean_posterior, item.observed, item.lower, item.upper) for item in bins]
    ).T
    canvas, names = open_canvas(ax, style=style, width=5.6), Names.of_model(model)
    axes, ink, size = canvas.ax, canvas.ink, canvas.size
    axes.plot([0, 1], [0, 1], "--", color=ink.faint, linewidth=1.2, label=names.say("calibration.perfect"))
    axes.errorbar(
        x, y, yerr=np.clip([y - lower, upper - y], 0.0, None), color=ink.main, marker="o", markersize=7,
        linestyle="none", elinewidth=1.8, capsize=4, clip_on=False, label=names.say("calibration.observed"),
    )  # fmt: skip
    above = axes.secondary_xaxis("top", functions=(np.positive, np.positive))
    above.set_xticks([(item.low + item.high) / 2 for item in bins], [_count(item.n) for item in bins])
    above.tick_params(length=0.0, colors=ink.faint, labelsize=0.75 * size)
    above.spines["top"].set_visible(False)
    above.set_xlabel(names.say("calibration.forecasts"), color=ink.faint, fontsize=0.8 * size)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(np.linspace(0.0, 1.0, 6).tolist())
        axis.set_major_formatter(percent_tick)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.spines["left"].set_visible(True)
    axes.grid(True, color=ink.grid, linewidth=0.8)
    axes.set_ylabel(names.say("calibration.present"), color=ink.text, fontsize=0.9 * size)
    what = names.say("calibration.all") if cause is None else names.marked(cause)
    finish(
        canvas,
        title=names.say("calibration.title", cause=what, n=evaluation.n_rows),
        xlabel=names.say("calibration.given"),
        note="" if model is None else model.disclaimer,
    )
    return axes


def _count(n: int) -> str:
    """Write a count in few letters."""
    from matplotlib.ticker import EngFormatter

    return str(n) if n < 10_000 else EngFormatter(places=0, sep="")(n)
