"""A scored table at a glance: who could be scored, how urgent they are, and what they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.errors import TableError
from thighdx.evaluation.labels import TRIAGE, as_pandas
from thighdx.kb.records import LEVELS
from thighdx.plots.layout import finish
from thighdx.plots.rows import Row, draw_rows, rows_height
from thighdx.plots.scales import fine_percent, nice_percent_axis
from thighdx.plots.style import Canvas, Picture, Style, child_canvas, open_canvas
from thighdx.plots.words import Names
from thighdx.text import LEVEL_NAMES, counted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    from thighdx.model import Model

__all__ = ["CohortPlot", "plot_cohort"]

STATUS = "status"
OK = "ok"
BAR = 0.85  # lines
BETWEEN = 4.2  # lines between the two panels, for ticks and the name of an axis
STATUS_WORDS = {
    "ok": "Scored",
    "no_such_state": "Left out: a state that does not exist",
    "wrong_type": "Left out: a value of the wrong type",
    "out_of_range": "Left out: a value out of range",
    "conflicting_columns": "Left out: columns that disagree",
    "impossible_evidence": "Left out: evidence that cannot be true together",
}


@dataclass(frozen=True, slots=True)
class CohortPlot(Picture):
    """An overview of a scored table.

    Attributes
    ----------
    patients, causes : matplotlib.axes.Axes
        The upper and the lower panel, inside `ax`.
    patient_bars : mapping of str to Rectangle
        By status, level of urgency, and ``fits_nothing``.
    cause_bars : mapping of str to Rectangle
        By cause, and by group where the table has columns of groups.
    """

    patients: Axes
    causes: Axes
    patient_bars: Mapping[str, Rectangle]
    cause_bars: Mapping[str, Rectangle]


@dataclass(frozen=True, slots=True)
class _Bar:
    """One row of a panel; a share of None is a header without a bar."""

    id: str
    label: str
    share: float | None
    n: float = 0.0
    is_marked: bool = False
    is_header: bool = False


def plot_cohort(
    scored: Any, model: Model, *, n: int = 15, ax: Axes | None = None, style: Style = "auto"
) -> CohortPlot:
    """Draw an overview of a table that `Model.score` returned.

    Parameters
    ----------
    scored : frame
        Any eager frame with the columns of the causes; ``status``, ``triage`` and ``group_<name>`` are used
        where they are there.
    model : thighdx.Model
        The one it was scored with.
    n : int
        How many causes, the most frequent first.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    CohortPlot
        Above: shares of rows. Below: the expected share of patients with each cause, which is the mean
        posterior, by the largest group a cause belongs to.

    Raises
    ------
    TableError
        If a column of a cause is missing, or no row could be scored.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_cohort
    >>> model = thighdx.load_model()
    >>> picture = plot_cohort(model.score(model.simulate(50, seed=1), groups=True), model, n=5)
    >>> float(picture.patient_bars["ok"].get_width())
    1.0
    >>> "group_must_not_miss" in picture.cause_bars
    True
    """
    if n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more")
    frame = as_pandas(scored)
    posterior = _posterior(frame, model)
    names = Names.of(model.vocabulary)
    above = _patients(frame, posterior, model)
    below = _causes(frame, posterior, model, names, n)
    canvas = open_canvas(ax, style=style)
    canvas.ax.set_axis_off()
    tall = [rows_height(canvas, [_row(bar) for bar in bars]) for bars in (above, below)]
    total = sum(tall) + BETWEEN
    upper = child_canvas(canvas, (0.0, 1.0 - tall[0] / total, 1.0, tall[0] / total))
    under = child_canvas(canvas, (0.0, 0.0, 1.0, tall[1] / total))
    patient_bars = _panel(upper, above, ends=(0.0, 1.0), xlabel="Share of rows", heading="rows")
    seen = [bar.share for bar in below if bar.share is not None]
    cause_bars = _panel(
        under,
        below,
        ends=(0.0, max(seen, default=0.01)),
        xlabel="Expected share of patients",
        heading="patients",
    )
    n_ok = int((~np.isnan(posterior.to_numpy()).any(axis=1)).sum())
    finish(
        canvas,
        title=f"Cohort: {counted(len(frame), 'row')}, {n_ok:,} scored",
        handles=_legend(canvas, below),
        columns=2,
        note=model.disclaimer,
        inches=total * canvas.line,
    )
    return CohortPlot(canvas.ax, canvas.is_own, upper.ax, under.ax, patient_bars, cause_bars)


def _posterior(frame: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Return the columns of the causes."""
    missing = [cause for cause in model.causes if cause not in frame.columns]
    if missing:
        raise TableError(
            f"plot_cohort: no column {missing[0]!r} ({len(missing)} missing), expected a table from model.score"
        )
    posterior = frame[list(model.causes)].astype(float)
    if posterior.isna().any(axis=1).all():
        raise TableError(
            "plot_cohort: no row could be scored, so there is nothing to draw; see the column status"
        )
    return posterior


def _patients(frame: pd.DataFrame, posterior: pd.DataFrame, model: Model) -> list[_Bar]:
    """Return rows by status, by urgency, and those that fit nothing."""
    n_rows = len(frame)
    is_scored = ~posterior.isna().any(axis=1)

    def bar(key: str, label: str, n: int, *, is_marked: bool = False) -> _Bar:
        return _Bar(key, label, n / n_rows, n, is_marked)

    status = {OK: int(is_scored.sum())}
    if STATUS in frame.columns:
        status = {str(name): int(n) for name, n in frame[STATUS].value_counts().items()}
    ordered = [*(s for s in STATUS_WORDS if s in status), *(s for s in status if s not in STATUS_WORDS)]
    found = [bar(s, STATUS_WORDS.get(s, s.replace("_", " ")), status[s], is_marked=s != OK) for s in ordered]
    residual = model.compiled.kb.manifest.residual_cause
    if residual in posterior.columns:
        leads = posterior[is_scored].idxmax(axis=1) == residual
        found.append(
            bar("fits_nothing", "No listed cause is the most probable", int(leads.sum()), is_marked=True)
        )
    if TRIAGE in frame.columns:
        levels = frame[TRIAGE].value_counts().to_dict()
        found.append(_Bar("", "How urgent", None, is_header=True))
        found += [
            bar(level, LEVEL_NAMES[level], int(levels.get(level, 0)), is_marked=level == LEVELS[-1])
            for level in reversed(LEVELS)
        ]
    return found


def _causes(frame: pd.DataFrame, posterior: pd.DataFrame, model: Model, names: Names, n: int) -> list[_Bar]:
    """Return causes under their groups, groups and causes by how frequent they are."""
    n_ok = int((~posterior.isna().any(axis=1)).sum())
    mean = posterior.mean().sort_values(ascending=False, kind="stable")
    serious = model.compiled.kb.manifest.must_not_miss_group
    must_not_miss = set(model.groups.get(serious, ()))
    chosen = list(dict.fromkeys(str(cause) for cause in mean.index[:n]))
    home = _homes(model)
    labels = {group.id: group.label for group in model.compiled.kb.groups}

    def bar(cause: str) -> _Bar:
        share = float(mean[cause])
        mark = "◆ " if cause in must_not_miss else ""
        return _Bar(cause, f"{mark}{names.name(cause)}", share, share * n_ok, cause in must_not_miss)

    def header(group: str) -> _Bar:
        column = f"group_{group}"
        label = labels.get(group, "In no group")
        if column not in frame.columns:
            return _Bar("", label, None, is_header=True)
        share = float(frame[column].astype(float).mean())
        return _Bar(column, f"{label}: any", share, share * n_ok, group == serious, is_header=True)

    found = [header(serious)] if f"group_{serious}" in frame.columns else []
    weight: dict[str, float] = {}
    for cause in chosen:
        weight[home[cause]] = weight.get(home[cause], 0.0) + float(mean[cause])
    for group in sorted(weight, key=lambda group: (group == "", -weight[group])):
        found += [header(group), *(bar(cause) for cause in chosen if home[cause] == group)]
    rest = [str(cause) for cause in mean.index if cause not in chosen]
    if rest:
        share = float(mean[rest].max())
        label = f"{len(rest)} other causes, each at most"
        found.append(_Bar("", label, share, share * n_ok))
    return found


def _homes(model: Model) -> dict[str, str]:
    """Return the largest group of every cause, those that must not be missed aside; "" for none."""
    serious = model.compiled.kb.manifest.must_not_miss_group
    groups = [(group, members) for group, members in model.groups.items() if group != serious]
    groups.sort(key=lambda item: -len(item[1]))
    return {cause: next((g for g, members in groups if cause in members), "") for cause in model.causes}


def _row(bar: _Bar) -> Row:
    value = "" if bar.share is None else f"{fine_percent(bar.share)}  ({_number(bar.n)})"
    return Row(bar.label, value, is_header=bar.is_header)


def _number(n: float) -> str:
    """Write a count of rows, or an expected number of patients."""
    return f"{n:,}" if isinstance(n, int) else f"{n:.1f}" if 0.05 <= n < 9.95 else f"{n:,.0f}" if n else "0"


def _panel(
    canvas: Canvas, bars: Sequence[_Bar], *, ends: tuple[float, float], xlabel: str, heading: str
) -> dict[str, Rectangle]:
    """Draw one panel; returns its bars by id."""
    ax, ink = canvas.ax, canvas.ink
    placed = draw_rows(canvas, [_row(bar) for bar in bars], heading=heading)
    nice_percent_axis(canvas, ends)
    ax.set_xlim(left=0.0)
    ax.set_xlabel(xlabel, color=ink.text, fontsize=0.9 * placed.size)
    found: dict[str, Rectangle] = {}
    for y, bar in zip(placed.at, bars, strict=True):
        if bar.share is None:
            continue
        color = ink.second if bar.is_marked else ink.main
        is_open = bar.is_header
        drawn = ax.barh(
            [y], [bar.share], height=BAR, color=ink.paper if is_open else color, edgecolor=color, linewidth=1.2,
            hatch="////" if is_open else "", zorder=2,
        )  # fmt: skip
        if bar.id:
            found[bar.id] = drawn.patches[0]
    return found


def _legend(canvas: Canvas, bars: Sequence[_Bar]) -> list[Rectangle]:
    """Explain diamonds and hatching, where there are any."""
    from matplotlib.patches import Rectangle

    ink = canvas.ink
    found = []
    if any(bar.is_marked and not bar.is_header for bar in bars):
        found.append(
            Rectangle((0, 0), 1, 1, facecolor=ink.second, edgecolor=ink.second, label="◆ must not be missed")
        )
    if any(bar.is_header and bar.share is not None for bar in bars):
        found.append(
            Rectangle(
                (0, 0), 1, 1, facecolor=ink.paper, edgecolor=ink.main, hatch="////", label="any of a group"
            )
        )
    return found
