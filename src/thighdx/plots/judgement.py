"""A picture of one number: what each expert stated, the density fitted to it, and what is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.elicitation.rows import fit_rows
from thighdx.errors import OptionError, UnknownNameError, nearest_hint
from thighdx.plots.canvas import Canvas, Style, finish, open_canvas
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import ratio_axis, zoomed_percent_axis
from thighdx.plots.words import Names
from thighdx.text import fine_percent, in_words, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thighdx.elicitation.distribution import Distribution
    from thighdx.elicitation.judgements import PooledJudgement
    from thighdx.elicitation.pool import Mixture
    from thighdx.model import Model

__all__ = ["plot_judgement"]

LEVELS = (0.05, 0.5, 0.95)
RIDGE = 1.5  # lines, height of a density
BELOW = 0.45  # lines from its foot to what was stated
FURTHEST = 0.98  # quantile up to which a density is drawn
N_GRID = 200


@dataclass(frozen=True, slots=True)
class _Belief:
    """One row: who, what was stated (None: nothing), what was fitted."""

    label: str
    stated: tuple[float, ...] | None
    fitted: Distribution | Mixture
    is_used: bool


def plot_judgement(model: Model, judgement: Any, *, ax: Axes | None = None, style: Style = "auto") -> Axes:
    """Draw what each expert stated about one number beside the fitted density, experts apart.

    Parameters
    ----------
    model : thighdx.Model
    judgement : row of `Model.trace`, or (table, key)
        Which number: anything with items ``table`` and ``key``, or a pair such as
        ``("links", ("hamstring_strain", "bruising", "present"))``; a key may be text joined by ``|``.
    ax, style
        See `plot_posterior`.

    Returns
    -------
    matplotlib.axes.Axes
        Each density is scaled to the same height. The last row is what the model uses: the equal-weight
        mixture of the experts, or the correction that replaced it. Odds ratios have a logarithmic axis.

    Raises
    ------
    UnknownNameError
        If the model has no such number.

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.plots import plot_judgement
    >>> ax = plot_judgement(thighdx.load_model(), ("links", "hamstring_strain|bruising|present"))
    >>> ax.get_yticklabels()[-1].get_text()
    'Used: all with equal weights'
    """
    item = _find(model, judgement)
    names = Names.of_model(model)
    beliefs = _beliefs(model, item, names)
    canvas = open_canvas(ax, style=style)
    is_ratio = item.scale == "odds_ratio"
    rows = [
        Row(belief.label, _figures(belief, names, is_ratio=is_ratio), is_faint=not belief.is_used)
        for belief in beliefs
    ]
    placed = draw_rows(canvas, rows, heading=names.say("judgement.heading"), most=4, least=2.6)
    low, high = _span(beliefs)
    if is_ratio:
        ratio_axis(canvas, low, high)
    else:
        zoomed_percent_axis(canvas, [0.0 if low < 0.5 * high else low, high])
    for y, belief in zip(placed.at, beliefs, strict=True):
        _density(canvas, y + 0.5, belief, is_last=belief is beliefs[-1], names=names)
    ratio = "log_ratio" if canvas.ax.get_xscale() == "log" else "ratio"
    finish(
        canvas,
        title=_title(item, names),
        xlabel=names.say(f"judgement.{ratio if is_ratio else 'probability'}"),
        inches=placed.inches,
    )
    return canvas.ax


def _title(item: PooledJudgement, names: Names) -> str:
    words = names.judgement(item.table, item.key)
    has_setting = item.table in ("shares", "frequencies")
    return f"{words}, {in_words(item.key[-1])}" if has_setting else words


def _find(model: Model, judgement: Any) -> PooledJudgement:
    """Look a number up."""
    try:
        table, key = (judgement["table"], judgement["key"]) if hasattr(judgement, "keys") else judgement
    except (KeyError, TypeError, ValueError):
        raise OptionError(
            f"judgement: got {judgement!r}, expected a row of model.trace(cause) or a pair (table, key)"
        ) from None
    parts = tuple(key.split("|")) if isinstance(key, str) else tuple(key)
    pooled = model.compiled.pooled
    if (table, parts) not in pooled:
        known = ["|".join(parts) for owner, parts in pooled if owner == table]
        tables = sorted({owner for owner, _ in pooled})
        hint = nearest_hint("|".join(parts), known) if known else f"tables: {', '.join(tables)}"
        raise UnknownNameError(
            f"no judgement {table!r} {'|'.join(parts)!r}; {hint or 'see model.trace(cause)'}"
        )
    return pooled[table, parts]


def _beliefs(model: Model, item: PooledJudgement, names: Names) -> list[_Belief]:
    """Return one belief per expert, and what is used."""
    labels = {expert.id: expert.label or expert.id for expert in model.compiled.kb.manifest.experts}
    fits = {row.expert: fit for row, fit in zip(item.rows, fit_rows(item.rows)[0], strict=True)}
    found = []
    for belief in item.experts:
        fit = None if belief.is_filled else fits.get(belief.expert)
        label = labels.get(belief.expert, belief.expert)
        label = names.say("judgement.filled", expert=label) if belief.is_filled else label
        stated = None
        if fit is not None and not belief.distribution.is_never:
            own = tuple(fit.levels) == LEVELS
            stated = tuple(fit.stated if own else belief.distribution.quantile(LEVELS).tolist())
        used = item.corrected_by in (None, belief.expert)
        found.append(_Belief(label, stated, belief.distribution, used))
    pooled = "equal_weights" if len(found) > 1 else "same"
    last = names.say(f"judgement.{'correction' if item.corrected_by else pooled}")
    return [*found, _Belief(last, None, item.distribution, True)]


def _figures(belief: _Belief, names: Names, *, is_ratio: bool) -> str:
    """Write the three quantiles."""
    if belief.fitted.is_never:
        return names.say("judgement.never")
    low, middle, high = belief.stated or belief.fitted.quantile(LEVELS).tolist()
    if is_ratio:
        return f"×{number(middle)}  ({number(low)}–{number(high)})"
    return f"{fine_percent(middle)}  ({fine_percent(low)}–{fine_percent(high)})"


def _span(beliefs: Sequence[_Belief]) -> tuple[float, float]:
    """Return the values between which there is something to see."""
    spread = [belief for belief in beliefs if not belief.fitted.is_never]
    seen = [
        value
        for belief in spread
        for value in (*belief.fitted.quantile([1 - FURTHEST, FURTHEST]).tolist(), *(belief.stated or ()))
    ]
    return (min(seen), max(seen)) if seen else (0.0, 1.0)


def _density(canvas: Canvas, foot: float, belief: _Belief, *, is_last: bool, names: Names) -> None:
    """Draw one density standing on its foot, and under it what was stated; a mark for a judgement of never.

    Each part is named once, on the last row that has one.
    """
    ax, ink = canvas.ax, canvas.ink
    low, high = ax.get_xlim()
    ax.axhline(foot, color=ink.grid, linewidth=0.8, zorder=1)
    if belief.fitted.is_never:
        ax.plot(max(low, 0.0), foot, "^", markersize=9, color=ink.text, clip_on=False, zorder=3)
        return
    is_log = ax.get_xscale() == "log"
    edges = np.geomspace(low, high, N_GRID + 1) if is_log else np.linspace(low, high, N_GRID + 1)
    mass = np.diff(belief.fitted.cdf(edges))
    peak = float(mass[0 if is_log or low > 0.0 else 1 :].max()) or 1.0  # Beta may be infinite at 0
    height = np.minimum(mass / peak, 1.0) * RIDGE
    middle = np.sqrt(edges[1:] * edges[:-1]) if is_log else (edges[1:] + edges[:-1]) / 2
    color = ink.main if is_last else ink.lines[0] if belief.is_used else ink.faint
    ax.fill_between(middle, foot, foot - height, color=color, alpha=0.28, linewidth=0.0, zorder=2,
                    label=names.say("judgement.used") if is_last else "")  # fmt: skip
    ax.plot(middle, foot - height, color=color, linewidth=1.4, zorder=2.5)
    quantiles = belief.fitted.quantile(LEVELS)
    ax.vlines(quantiles, foot, foot - np.interp(quantiles, middle, height), color=color, linewidth=1.1,
              linestyle=(0, (2, 1.5)), zorder=2.6, label=names.say("judgement.fitted") if is_last else "")  # fmt: skip
    if belief.stated is not None:
        stated = names.say("judgement.stated")
        named = stated not in ax.get_legend_handles_labels()[1]
        ax.plot(belief.stated, [foot + BELOW] * len(belief.stated), "D-", color=ink.text, markersize=5, linewidth=1.6,
                markeredgecolor=ink.paper, markeredgewidth=0.6, clip_on=False, zorder=3,
                label=stated if named else "")  # fmt: skip
