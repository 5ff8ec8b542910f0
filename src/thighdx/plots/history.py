"""A picture of how posteriors moved as findings came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from thighdx.errors import OptionError
from thighdx.plots.canvas import Style, finish, open_canvas, some_numbers
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import Scale, percent_axis
from thighdx.plots.words import Names
from thighdx.text import in_words, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.result import Result

__all__ = ["plot_history"]

MARKERS = ("o", "s", "^", "v", "P", "X", "h")
URGENT_MARKERS = ("D", "d", "*", "H", "p", "<", ">")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


def plot_history(
    results: Sequence[Result],
    *,
    n: int = 5,
    causes: Sequence[str] | None = None,
    scale: Scale = "auto",
    ax: Axes | None = None,
    style: Style = "auto",
) -> Axes:
    """Draw how the posteriors of the leading causes moved from one result to the next.

    Parameters
    ----------
    results : sequence of Result
        Of the same model, oldest first. What each added to the evidence, changed in it or took back is read
        off the results. Those of an interview are
        ``[model.diagnose(known, setting=interview.setting) for known in interview.history]``.
    n : int
        How many causes, at most 7: those that were most probable in any of the results.
    causes : sequence of str, optional
        Ids of the causes to draw in place of these; at most 7.
    scale, ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        One line per cause, the most probable at the end first. Those that must not be missed are orange.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_history
    >>> model = thighdx.load_model()
    >>> known = {"onset": "sudden", "bruising": True}
    >>> steps = [{}, {"onset": "sudden"}, known]
    >>> ax = plot_history([model.diagnose(step) for step in steps], n=3)
    >>> [label.get_text() for label in ax.get_yticklabels()][:2]
    ['Nothing known', '+ Onset: sudden']
    """
    chosen = _causes(results, n, causes)
    last = results[-1]
    values = some_numbers("results", [[result.posterior[cause] for result in results] for cause in chosen])
    names = Names(last._case.compiled.labels, last.model.must_not_miss)
    labels = [_start(results[0], names), *(_change(a, b, names) for a, b in pairwise(results))]
    canvas = open_canvas(ax, style=style)
    ink = canvas.ink
    placed = draw_rows(canvas, [Row(label) for label in labels], most=3)
    xlabel = percent_axis(
        canvas, values, scale=scale, name=names.say("plot.probability"), labels=names.labels
    )
    places = values.clip(*canvas.ax.get_xlim())
    ordinary = iter(zip(MARKERS, (ink.main, *ink.lines), strict=True))
    urgent = iter(zip(URGENT_MARKERS, [ink.danger] * len(URGENT_MARKERS), strict=True))
    for i, cause in enumerate(chosen):
        marker, color = next(urgent if cause in names.dangerous else ordinary)
        canvas.ax.plot(
            places[i], placed.at, marker=marker, markersize=7, linewidth=1.6, color=color,
            linestyle=DASHES[i % len(DASHES)], markeredgecolor=ink.paper, markeredgewidth=0.7, clip_on=False,
            label=canvas.wrap(f"{names.marked(cause)}, {percent(float(values[i, -1]))}", 0.4),
            zorder=3 - 0.1 * i,
        )  # fmt: skip
    canvas.ax.grid(True, axis="y", color=ink.grid, linewidth=0.6)
    finish(
        canvas,
        title=names.say("history.title"),
        xlabel=xlabel,
        note=last.model.disclaimer,
        inches=max(placed.inches, 1.2),
    )
    return canvas.ax


def _causes(results: Sequence[Result], n: int, causes: Sequence[str] | None) -> list[str]:
    """Return which causes to draw, the most probable at the end first."""
    most = len(MARKERS)
    if not results:
        raise OptionError("results: got none, expected at least one Result")
    if len({result.model.digest for result in results}) > 1:
        raise OptionError("results: got results of different models, expected one model")
    if not 1 <= n <= most:
        raise OptionError(f"n: got {n}, expected 1 to {most}: more lines cannot be told apart")
    last = results[-1].posterior
    if causes is None:
        peak = np.max([result.posterior[last.index] for result in results], axis=0)
        ranked = last.index[np.argsort(-peak, kind="stable")]
        causes = [str(cause) for cause in ranked if cause != results[-1].model.residual_cause][:n]
    elif not 1 <= len(causes) <= most:
        raise OptionError(f"causes: got {len(causes)}, expected 1 to {most}")
    for cause in causes:
        results[0]._case.vocabulary.cause_idx(cause)
    return sorted(causes, key=lambda cause: -last[cause])


def _start(result: Result, names: Names) -> str:
    """Say what is known at the beginning."""
    known = [_item(name, value, names) for name, value in result.evidence.items()]
    if len(known) > 3:
        return names.say("posterior.known", n=len(known))
    return "; ".join(known) or names.say("history.nothing")


def _change(before: Result, after: Result, names: Names) -> str:
    """Say what one result knows and the one before did not."""
    old, new = before.evidence, after.evidence
    parts = [f"+ {_item(name, new[name], names)}" for name in new if name not in old]
    now = [_item(name, new[name], names) for name in new if name in old and old[name] != new[name]]
    now += [in_words(after.setting)] if before.setting != after.setting else []
    parts += [names.say("history.now", finding=item) for item in now]
    parts += [f"− {names.name(name)}" for name in old if name not in new]
    if len(parts) > 3:
        return names.say("history.changes", n=len(parts))
    return "; ".join(parts) or names.say("history.nothing_new")


def _item(name: str, value: str | Mapping[str, float], names: Names) -> str:
    """Write one piece of evidence."""
    return names.known(name, value if isinstance(value, str) else "")
