"""A picture of a scored table: who could be scored, how urgent they are, and what they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.errors import OptionError, TableError
from thighdx.evaluation.labels import TRIAGE, as_pandas
from thighdx.kb.records import LEVELS
from thighdx.plots.canvas import Canvas, Style, finish, open_canvas
from thighdx.plots.rows import Row, draw_bars, draw_rows
from thighdx.plots.scales import percent_axis
from thighdx.plots.words import Names
from thighdx.text import fine_percent, in_words, level_name
from thighdx.words import ENGLISH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from thighdx.model import Model

__all__ = ["plot_cohort"]

STATUS = "status"
OK = "ok"
NOT_SCORED = "not_scored"


@dataclass(frozen=True, slots=True)
class _Bar:
    """One row; a share of None is words without a bar."""

    label: str
    share: float | None = None
    n: float = 0.0
    is_danger: bool = False
    is_header: bool = False


def plot_cohort(
    scored: Any, model: Model, *, n: int = 15, ax: Axes | None = None, style: Style = "auto"
) -> Axes:
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
    matplotlib.axes.Axes
        First shares of rows; then the expected share of patients with each cause, which is the mean posterior,
        by the largest group a cause belongs to. Patients may have more than one cause, so these do not add up.

    Raises
    ------
    TableError
        If a column of a cause is missing, or no row could be scored.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_cohort
    >>> model = thighdx.load_model()
    >>> ax = plot_cohort(model.score(model.simulate(50, seed=1), groups=True), model, n=5)
    >>> ax.texts[0].get_text()
    '100%  (50)'
    """
    if n < 1:
        raise OptionError(f"n: got {n}, expected 1 or more")
    frame = as_pandas(scored)
    posterior = _posterior(frame, model)
    names = Names.of_model(model)
    bars = [*_patients(frame, posterior, model, names), *_causes(frame, posterior, model, names, n)]
    canvas = open_canvas(ax, style=style)
    rows = [
        Row(
            bar.label,
            "" if bar.share is None else f"{fine_percent(bar.share)}  ({_number(bar.n)})",
            is_header=bar.is_header,
            is_faint=bar.share is None and not bar.is_header,
        )
        for bar in bars
    ]
    placed = draw_rows(canvas, rows, heading=names.say("cohort.heading"))
    xlabel = _draw(canvas, bars, placed.at, names)
    n_ok = int(posterior.notna().all(axis=1).sum())
    finish(
        canvas,
        title=names.say("cohort.title", n=len(frame), scored=n_ok),
        xlabel=xlabel,
        note=model.disclaimer,
        inches=placed.inches,
    )
    return canvas.ax


def _draw(canvas: Canvas, bars: list[_Bar], at: Any, names: Names) -> str:
    """Draw the bars by what they mean, and return the name of the axis."""
    ink = canvas.ink
    for is_header, is_danger, label in (
        (False, False, ""),
        (False, True, names.say("cohort.danger", mark=names.mark)),
        (True, False, names.say("cohort.any_of_group")),
        (True, True, ""),
    ):
        here = [i for i, bar in enumerate(bars) if (bar.is_header, bar.is_danger) == (is_header, is_danger)]
        widths = [np.nan if (share := bars[i].share) is None else share for i in here]
        if not np.isnan(widths).all():
            color = ink.danger if is_danger else ink.main
            draw_bars(canvas, at[here], widths, color=color, label=label, is_open=is_header)
    shares, name = np.array([bar.share for bar in bars if bar.share is not None]), names.say("cohort.axis")
    return percent_axis(canvas, shares, scale="auto", name=name, labels=names.labels)


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


def _patients(frame: pd.DataFrame, posterior: pd.DataFrame, model: Model, names: Names) -> list[_Bar]:
    """Return rows by status, those that fit nothing, and rows by urgency."""
    found, n_rows = [], len(frame)
    is_scored = posterior.notna().all(axis=1)
    status = frame[STATUS] if STATUS in frame.columns else is_scored.map({True: OK, False: NOT_SCORED})
    counts = {str(name): int(count) for name, count in status.value_counts().items()}
    for name in sorted(counts, key=lambda name: [*ENGLISH, f"status.{name}"].index(f"status.{name}")):
        key = f"status.{name}" if f"status.{name}" in ENGLISH else "status.left_out"
        words = names.say(key, status=in_words(name))
        found.append(_Bar(words, counts[name] / n_rows, counts[name], is_danger=name != OK))
    if model.residual_cause in posterior.columns:
        n_fitting_nothing = int((posterior[is_scored].idxmax(axis=1) == model.residual_cause).sum())
        words = names.say("cohort.unlisted")
        found.append(_Bar(words, n_fitting_nothing / n_rows, n_fitting_nothing))
    if TRIAGE in frame.columns:
        levels = frame[TRIAGE].value_counts().to_dict()
        found.append(_Bar(names.say("report.urgency"), is_header=True))
        for level in reversed(LEVELS):
            n = int(levels.get(level, 0))
            words = level_name(level, names.labels)
            found.append(_Bar(words, n / n_rows, n, is_danger=level == LEVELS[-1]))
    return found


def _causes(frame: pd.DataFrame, posterior: pd.DataFrame, model: Model, names: Names, n: int) -> list[_Bar]:
    """Return causes under their groups, groups and causes by how frequent they are."""
    n_ok = int(posterior.notna().all(axis=1).sum())
    mean = posterior.mean().sort_values(ascending=False, kind="stable")
    serious = model.compiled.card.must_not_miss_group

    def header(group: str) -> _Bar:
        column, label = f"group_{group}", names.labels.get(group) or names.say("cohort.no_group")
        if column not in frame.columns:
            return _Bar(label, is_header=True)
        share = float(frame[column].astype(float).mean())
        return _Bar(
            names.say("cohort.any", group=label), share, share * n_ok, group == serious, is_header=True
        )

    found = [_Bar(names.say("cohort.causes"), is_header=True)]
    found += [header(serious)] if f"group_{serious}" in frame.columns else []
    home = _homes(model)
    chosen = {str(cause): float(share) for cause, share in mean.head(n).items()}
    weight = {g: sum(chosen[c] for c in chosen if home[c] == g) for g in (home[c] for c in chosen)}
    for group in sorted(weight, key=lambda group: (group == "", -weight[group])):
        found.append(header(group))
        found += [
            _Bar(names.marked(cause), share, share * n_ok, cause in names.dangerous)
            for cause, share in chosen.items()
            if home[cause] == group
        ]
    if rest := len(mean) - len(chosen):
        found.append(_Bar(names.say("cohort.others", n=rest, share=fine_percent(mean.iloc[n]))))
    return found


def _homes(model: Model) -> dict[str, str]:
    """Return the largest group of every cause, those that must not be missed aside; "" for none."""
    groups = [item for item in model.groups.items() if item[0] != model.compiled.card.must_not_miss_group]
    groups.sort(key=lambda item: -len(item[1]))
    return {cause: next((g for g, members in groups if cause in members), "") for cause in model.causes}


def _number(n: float) -> str:
    """Write a count of rows, or an expected number of patients."""
    return f"{n:,}" if isinstance(n, int) else f"{n:.1f}" if 0.05 <= n < 9.95 else f"{n:,.0f}" if n else "0"
