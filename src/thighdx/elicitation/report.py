"""What was stated beside what was fitted, and how far the experts are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.distribution import Distribution, Floats, Stack, to_working
from thighdx.elicitation.fit import LEVELS, Fit
from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.elicitation.pool import Mixture, pooled_quantiles
from thighdx.elicitation.rows import fit_rows
from thighdx.kb.records import KnowledgeBase

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["elicitation_report", "overlaps"]

_N_BINS = 256
_EDGE = 1e-4  # probability left out on either side when laying out the bins


def elicitation_report(kb: KnowledgeBase, pooled: Mapping[PooledKey, PooledJudgement]) -> pd.DataFrame:
    """Return one row per number and expert.

    Parameters
    ----------
    kb : KnowledgeBase
    pooled : mapping of (table, key) to PooledJudgement
        Of the same knowledge base.

    Returns
    -------
    pandas.DataFrame
        ``table``, ``key`` (parts joined by ``|``), ``expert``; ``filled``: by rule, the expert gave
        no row; ``used``: is in the final distribution; ``family``; ``corrected_by``.

        ``stated_q05``, ``stated_q50``, ``stated_q95``: what the expert stated (NaN if filled; the
        quantiles of a statement). ``fitted_q05`` ... ``fitted_q95``: what the distribution says
        there. ``miss``: the largest relative distance between what was stated and fitted.
        ``pooled_q05`` ... ``pooled_q95``: the final distribution.

        Per number, over the experts who gave a row and are no correction (NaN if fewer than two):
        ``median_gap``, the distance of the outermost medians on the log-odds (odds ratios: log)
        scale, and ``disagreement``, 1 minus the overlap of the distributions: 0 if they coincide,
        1 if they have nothing in common.

    Notes
    -----
    Overlap is the integral of the smallest of the densities [1]_, summed over 256 bins of the
    working scale, which finds it to about 0.01. It does not depend on the scale chosen.

    References
    ----------
    .. [1] Inman HF, Bradley EL. The overlapping coefficient as a measure of agreement between
       probability distributions and point estimation of the overlap of two normal densities.
       Communications in Statistics - Theory and Methods 1989;18(10):3851-3874.
    """
    import pandas as pd  # late: a third of a second that a model does not need to load

    fits = dict(zip(map(id, kb.judgements), fit_rows(kb.judgements)[0], strict=True))
    corrections = {item.id for item in kb.manifest.experts if item.replaces}
    items = list(pooled.values())
    final = pooled_quantiles([item.distribution for item in items], LEVELS).tolist()
    fitted = _fitted(items)
    gaps, disagreement = _disagreement(items, fitted, corrections)
    lines: list[dict[str, object]] = []
    for i, item in enumerate(items):
        own = {row.expert: fits[id(row)] for row in item.rows}
        for belief, quantiles in zip(item.experts, fitted[i].tolist(), strict=True):
            fit = None if belief.is_filled else own.get(belief.expert)
            lines.append(
                {
                    "table": item.table,
                    "key": "|".join(item.key),
                    "expert": belief.expert,
                    "filled": belief.is_filled,
                    "used": item.corrected_by in (None, belief.expert),
                    "family": belief.distribution.family,
                    **_named("stated", _stated(fit)),
                    **_named("fitted", quantiles),
                    "miss": np.nan if fit is None else fit.miss,
                    **_named("pooled", final[i]),
                    "corrected_by": item.corrected_by,
                    "median_gap": gaps[i],
                    "disagreement": disagreement[i],
                }
            )
    return pd.DataFrame(lines)


def _named(prefix: str, quantiles: Sequence[float]) -> dict[str, float]:
    names = (f"{prefix}_{name}" for name in ("q05", "q50", "q95"))
    return dict(zip(names, quantiles, strict=True))


def _stated(fit: Fit | None) -> Sequence[float]:
    """Return 5, 50 and 95 % as stated; of a range at other levels, as fitted."""
    if fit is None:
        return (np.nan,) * 3
    if fit.levels == LEVELS:
        return fit.stated
    values: list[float] = fit.distribution.quantile(LEVELS).tolist()
    return values


def _fitted(items: Sequence[PooledJudgement]) -> list[Floats]:
    """Return the 5, 50 and 95 % quantiles of every expert, (n_experts, 3) per number."""
    single = [Mixture((belief.distribution,)) for item in items for belief in item.experts]
    ends = np.cumsum([len(item.experts) for item in items])
    return np.split(pooled_quantiles(single, LEVELS), ends[:-1])


def _disagreement(
    items: Sequence[PooledJudgement], fitted: Sequence[Floats], corrections: set[str]
) -> tuple[Floats, Floats]:
    """Return median gap and 1 - overlap per number, (n_items,) each, NaN where not defined."""
    gaps, far = np.full(len(items), np.nan), np.full(len(items), np.nan)
    groups, places = [], []
    for i, item in enumerate(items):
        chosen = [
            k
            for k, belief in enumerate(item.experts)
            if not belief.is_filled and belief.expert not in corrections
        ]
        beliefs = [item.experts[k].distribution for k in chosen]
        if len(beliefs) < 2:
            continue
        if any(belief.is_never for belief in beliefs):
            agree = all(belief.is_never for belief in beliefs)
            gaps[i], far[i] = (0.0, 0.0) if agree else (np.inf, 1.0)
            continue
        gaps[i] = np.ptp(to_working(fitted[i][chosen, 1], item.scale))
        groups.append(beliefs)
        places.append(i)
    if groups:
        far[places] = 1 - overlaps(groups)
    return gaps, far


def overlaps(groups: Sequence[Sequence[Distribution]]) -> Floats:
    """Return the overlap of each group of distributions (no points), (n_groups,), in [0, 1]."""
    counts = np.array([len(group) for group in groups])
    firsts: npt.NDArray[np.intp] = np.concatenate([[0], np.cumsum(counts)[:-1]])
    stack = Stack.of([item for group in groups for item in group])
    ends = stack.quantiles(np.broadcast_to(np.array([_EDGE, 1 - _EDGE]), (counts.sum(), 2)))
    low = np.minimum.reduceat(ends[:, 0], firsts)
    high = np.maximum.reduceat(ends[:, 1], firsts)
    edges = np.linspace(low, high, _N_BINS + 1, axis=1)  # (n_groups, n_bins + 1)
    cdf, _ = stack.tails(np.repeat(edges, counts, axis=0))
    cdf[:, 0], cdf[:, -1] = 0.0, 1.0  # the outermost bins reach to infinity
    shared = np.minimum.reduceat(np.diff(cdf, axis=1), firsts, axis=0)
    total: Floats = np.clip(shared.sum(axis=1), 0, 1)
    return total
