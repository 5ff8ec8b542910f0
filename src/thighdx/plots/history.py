"""How posteriors moved as findings came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from thighdx.plots.layout import finish
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import is_log_odds, percent_axis, to_log_odds
from thighdx.plots.style import Picture, Style, open_canvas
from thighdx.plots.words import Names
from thighdx.text import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from thighdx.result import Result

__all__ = ["HistoryPlot", "plot_history"]

MARKERS = ("o", "s", "^", "v", "P", "X", "h")
URGENT_MARKERS = ("D", "d", "*")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


@dataclass(frozen=True, slots=True)
class HistoryPlot(Picture):
    """Posteriors step by step.

    Attributes
    ----------
    causes : tuple of str
        Ids, the most probable at the end first.
    lines : tuple of Line2D
        One per cause, from the first result at the top to the last at the bottom.
    """

    causes: tuple[str, ...]
    lines: tuple[Line2D, ...]


def plot_history(
    results: Sequence[Result],
    *,
    n: int = 5,
    causes: Sequence[str] | None = None,
    scale: Literal["probability", "log_odds"] = "probability",
    ax: Axes | None = None,
    style: Style = "auto",
) -> HistoryPlot:
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
    HistoryPlot
        Causes that must not be missed have diamonds and stars, the others round and square marks.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_history
    >>> model = thighdx.load_model()
    >>> known = {"onset": "sudden", "bruising": True}
    >>> steps = [{}, {"onset": "sudden"}, known]
    >>> picture = plot_history([model.diagnose(step) for step in steps], n=3)
    >>> picture.causes[0]
    'hamstring_strain'
    >>> [label.get_text() for label in picture.ax.get_yticklabels()]
    ['Nothing known', '+ Onset: sudden', '+ Bruising']
    """
    chosen = _causes(results, n, causes)
    canvas = open_canvas(ax, style=style)
    ink = canvas.ink
    names = Names.of(results[0]._case.vocabulary)
    labels = [
        _start(results[0], names),
        *(_change(a, b, names) for a, b in pairwise(results)),
    ]
    placed = draw_rows(canvas, [Row(label) for label in labels], most=3)
    values = np.array([[result.posterior[cause] for result in results] for cause in chosen])
    is_log = is_log_odds(scale)
    ends = percent_axis(canvas, values, is_log_odds=is_log)
    places = np.clip(np.vectorize(to_log_odds)(values), *ends) if is_log else values
    must_not_miss = results[-1].model.must_not_miss
    plain_marks, urgent_marks = iter(MARKERS), iter(URGENT_MARKERS * 3)
    lines = []
    for i, cause in enumerate(chosen):
        marker = next(urgent_marks) if cause in must_not_miss else next(plain_marks)
        lines += canvas.ax.plot(
            places[i], placed.at, marker=marker, markersize=7, linewidth=1.6, color=ink.series[i],
            linestyle=DASHES[i % len(DASHES)], markeredgecolor=ink.paper, markeredgewidth=0.7, clip_on=False,
            label=canvas.wrap(f"{names.name(cause)}, {percent(float(values[i, -1]))}", 3.0), zorder=3 - 0.1 * i,
        )  # fmt: skip
    canvas.ax.grid(True, axis="y", color=ink.grid, linewidth=0.6)
    finish(
        canvas,
        title="How the probabilities moved as findings came in",
        xlabel="Probability that the cause is present" + (" (log-odds scale)" if is_log else ""),
        handles=lines,
        columns=2,
        note=results[-1].model.disclaimer,
        inches=max(placed.inches, 1.2),
    )
    return HistoryPlot(canvas.ax, canvas.is_own, tuple(chosen), tuple(lines))


def _causes(results: Sequence[Result], n: int, causes: Sequence[str] | None) -> list[str]:
    """Return which causes to draw, the most probable at the end first."""
    most = len(MARKERS)
    if not results:
        raise ValueError("results: got none, expected at least one Result")
    if len({result.model.digest for result in results}) > 1:
        raise ValueError("results: got results of different models, expected one model")
    if not 1 <= n <= most:
        raise ValueError(f"n: got {n}, expected 1 to {most}: more lines cannot be told apart")
    last = results[-1].posterior
    if causes is not None:
        if not 1 <= len(causes) <= most:
            raise ValueError(f"causes: got {len(causes)}, expected 1 to {most}")
        for cause in causes:
            results[0]._case.vocabulary.cause_idx(cause)
        return sorted(causes, key=lambda cause: -last[cause])
    peak: dict[str, float] = {}
    for result in results:
        listed = result.posterior.drop(result.model.residual_cause, errors="ignore").to_dict()
        peak = {str(cause): max(peak.get(str(cause), 0.0), float(value)) for cause, value in listed.items()}
    leading = sorted(peak, key=lambda cause: -peak[cause])[:n]
    return sorted(leading, key=lambda cause: -last[cause])


def _start(result: Result, names: Names) -> str:
    """Say what is known at the beginning."""
    known = [_item(name, value, names) for name, value in result.evidence.items()]
    if not known:
        return "Nothing known"
    return "; ".join(known) if len(known) <= 3 else f"{len(known)} findings known"


def _change(before: Result, after: Result, names: Names) -> str:
    """Say what one result knows and the one before did not."""
    old, new = before.evidence, after.evidence
    added = [f"+ {_item(name, new[name], names)}" for name in new if name not in old]
    changed = [
        f"now {_item(name, new[name], names)}" for name in new if name in old and old[name] != new[name]
    ]
    removed = [f"− {names.name(name)}" for name in old if name not in new]
    if before.setting != after.setting:
        changed.append(f"now {after.setting.replace('_', ' ')}")
    parts = [*added, *changed, *removed]
    return "; ".join(parts) if len(parts) <= 3 else f"{len(parts)} changes" if parts else "nothing new"


def _item(name: str, value: str | Mapping[str, float], names: Names) -> str:
    """Write one piece of evidence."""
    return names.state(name, value) if isinstance(value, str) else f"{names.name(name)} (uncertain)"
