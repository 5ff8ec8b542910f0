"""One number: what each expert stated, the density fitted to it, and what is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.rows import fit_rows
from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.plots.layout import finish
from thighdx.plots.rows import Row, draw_rows
from thighdx.plots.scales import fine_percent, nice_percent_axis, ratio_axis
from thighdx.plots.style import Canvas, Picture, Style, open_canvas
from thighdx.plots.words import Names, setting_words
from thighdx.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D

    from thighdx.elicitation.distribution import Distribution
    from thighdx.elicitation.judgements import PooledJudgement
    from thighdx.elicitation.pool import Mixture
    from thighdx.model import Model

__all__ = ["JudgementPlot", "plot_judgement"]

Floats: TypeAlias = npt.NDArray[np.float64]

LEVELS = (0.05, 0.5, 0.95)
RIDGE = 1.5  # lines, height of a density
BELOW = 0.45  # lines from its foot to what was stated
FURTHEST = 0.98  # quantile up to which a density is drawn
N_GRID = 400


@dataclass(frozen=True, slots=True)
class JudgementPlot(Picture):
    """Beliefs about one number, one row per expert and one for what is used.

    Attributes
    ----------
    experts : tuple of str
        Ids, from top to bottom, without the last row.
    densities : tuple of PolyCollection
        One per row with a spread.
    stated : tuple of Line2D
        5, 50 and 95 % as stated, one per expert who stated something.
    """

    experts: tuple[str, ...]
    densities: tuple[PolyCollection, ...]
    stated: tuple[Line2D, ...]


@dataclass(frozen=True, slots=True)
class _Belief:
    """One row: who, what was stated (None: nothing), what was fitted."""

    label: str
    stated: tuple[float, ...] | None
    fitted: Distribution | Mixture
    is_used: bool


def plot_judgement(
    model: Model, judgement: Any, *, ax: Axes | None = None, style: Style = "auto"
) -> JudgementPlot:
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
    JudgementPlot
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
    >>> model = thighdx.load_model()
    >>> picture = plot_judgement(model, ("links", "hamstring_strain|bruising|present"))
    >>> len(picture.stated) <= len(picture.experts) < len(picture.ax.get_yticks())
    True
    """
    item = _find(model, judgement)
    beliefs = _beliefs(model, item)
    canvas = open_canvas(ax, style=style)
    is_ratio = item.scale == "odds_ratio"
    rows = [
        Row(belief.label, _figures(belief, is_ratio=is_ratio), is_faint=not belief.is_used)
        for belief in beliefs
    ]
    placed = draw_rows(canvas, rows, heading="50% (5–95%)", most=4, least=2.6)
    span = _span(beliefs)
    if is_ratio:
        ratio_axis(canvas, *span)
    else:
        nice_percent_axis(canvas, [0.0, span[1]] if span[0] < 0.5 * span[1] else span)
    densities, stated = [], []
    for y, belief in zip(placed.at, beliefs, strict=True):
        is_last = belief is beliefs[-1]
        densities += _density(canvas, y + 0.5, belief, is_ratio=is_ratio, is_last=is_last)
        if belief.stated is not None:
            stated += _stated(canvas, y + 0.5 + BELOW, belief.stated)
    finish(
        canvas,
        title=_title(model, item),
        xlabel=("Odds ratio (logarithmic)" if densities else "Odds ratio") if is_ratio else "Probability",
        handles=_legend(canvas, has_stated=bool(stated)) if densities else [],
        columns=3,
        inches=placed.inches,
    )
    experts = tuple(belief.expert for belief in item.experts)
    return JudgementPlot(canvas.ax, canvas.is_own, experts, tuple(densities), tuple(stated))


def _title(model: Model, item: PooledJudgement) -> str:
    words = Names.of(model.vocabulary).judgement(item.table, item.key)
    has_setting = item.table in ("shares", "frequencies")
    return f"{words}, {setting_words(item.key[-1])}" if has_setting else words


def _find(model: Model, judgement: Any) -> PooledJudgement:
    """Look a number up."""
    try:
        table, key = (judgement["table"], judgement["key"]) if hasattr(judgement, "keys") else judgement
    except (KeyError, TypeError, ValueError):
        raise ValueError(
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


def _beliefs(model: Model, item: PooledJudgement) -> list[_Belief]:
    """Return one belief per expert, and what is used."""
    labels = {expert.id: expert.label or expert.id for expert in model.compiled.kb.manifest.experts}
    fits = {row.expert: fit for row, fit in zip(item.rows, fit_rows(item.rows)[0], strict=True)}
    found = []
    for belief in item.experts:
        fit = None if belief.is_filled else fits.get(belief.expert)
        label = labels.get(belief.expert, belief.expert) + (
            " (no row: filled in)" if belief.is_filled else ""
        )
        stated = None
        if fit is not None and not belief.distribution.is_never:
            own = tuple(fit.levels) == LEVELS
            stated = tuple(fit.stated if own else belief.distribution.quantile(LEVELS).tolist())
        used = item.corrected_by in (None, belief.expert)
        found.append(_Belief(label, stated, belief.distribution, used))
    last = (
        "Used: the correction"
        if item.corrected_by
        else "Used: " + ("all with equal weights" if len(found) > 1 else "the same")
    )
    return [*found, _Belief(last, None, item.distribution, True)]


def _figures(belief: _Belief, *, is_ratio: bool) -> str:
    """Write the three quantiles."""
    if belief.fitted.is_never:
        return "never"
    low, middle, high = belief.stated or belief.fitted.quantile(LEVELS).tolist()
    if is_ratio:
        return f"×{number(middle)}  ({number(low)}–{number(high)})"
    return f"{fine_percent(middle)}  ({fine_percent(low)}–{fine_percent(high)})"


def _span(beliefs: Sequence[_Belief]) -> tuple[float, float]:
    """Return the values between which there is something to see."""
    spread = [belief for belief in beliefs if not belief.fitted.is_never]
    if not spread:
        return 0.0, 1.0
    ends = [belief.fitted.quantile([1 - FURTHEST, FURTHEST]) for belief in spread]
    stated = [value for belief in spread for value in belief.stated or ()]
    low, high = min([float(e[0]) for e in ends] + stated), max([float(e[1]) for e in ends] + stated)
    return low, high


def _density(
    canvas: Canvas, foot: float, belief: _Belief, *, is_ratio: bool, is_last: bool
) -> list[PolyCollection]:
    """Draw one density standing on its foot; nothing for a judgement of never."""
    ax, ink = canvas.ax, canvas.ink
    low, high = ax.get_xlim()
    ax.plot([low, high], [foot, foot], color=ink.grid, linewidth=0.8, zorder=1)
    if belief.fitted.is_never:
        ax.plot([max(low, 0.0)], [foot], marker="^", markersize=9, color=ink.second, clip_on=False, zorder=3)
        return []
    edges: Floats = np.geomspace(low, high, N_GRID + 1) if is_ratio else np.linspace(low, high, N_GRID + 1)
    mass = np.diff(belief.fitted.cdf(edges))
    inside = slice(1, None) if not is_ratio and low == 0.0 else slice(None)  # Beta may be infinite at 0
    peak = float(mass[inside].max()) or 1.0
    height = np.minimum(mass / peak, 1.0) * RIDGE
    middle = np.sqrt(edges[1:] * edges[:-1]) if is_ratio else (edges[1:] + edges[:-1]) / 2
    color = ink.text if is_last else ink.main if belief.is_used else ink.faint
    area = ax.fill_between(middle, foot, foot - height, color=color, alpha=0.28, linewidth=0.0, zorder=2)
    ax.plot(middle, foot - height, color=color, linewidth=1.4, zorder=2.5)
    for value in belief.fitted.quantile(LEVELS).tolist():
        top = float(np.interp(value, middle, height))
        ax.plot(
            [value, value],
            [foot, foot - top],
            color=color,
            linewidth=1.1,
            linestyle=(0, (2, 1.5)),
            zorder=2.6,
        )
    return [area]


def _stated(canvas: Canvas, y: float, values: Sequence[float]) -> list[Line2D]:
    """Draw what was stated under the density."""
    ink = canvas.ink
    return canvas.ax.plot(
        values, [y] * len(values), color=ink.second, marker="D", markersize=5, linewidth=1.6,
        markeredgecolor=ink.paper, markeredgewidth=0.6, clip_on=False, zorder=3,
    )  # fmt: skip


def _legend(canvas: Canvas, *, has_stated: bool) -> list[Any]:
    """Explain density and quantiles."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    ink = canvas.ink
    stated = [Line2D([], [], color=ink.second, marker="D", markersize=5, label="stated 5, 50, 95%")]
    return [
        *(stated if has_stated else []),
        Rectangle((0, 0), 1, 1, facecolor=ink.main, alpha=0.35, label="fitted density"),
        Line2D([], [], color=ink.main, linewidth=1.1, linestyle=(0, (2, 1.5)), label="fitted 5, 50, 95%"),
    ]
