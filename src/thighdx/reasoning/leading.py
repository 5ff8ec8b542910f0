"""The explanations that carry a posterior: a few hundred of thousands."""

from __future__ import annotations

import numpy as np

from thighdx.network.explanations import Explanations
from thighdx.network.spec import Floats
from thighdx.reasoning.layout import Indices

__all__ = ["LEADING_MASS", "leading_explanations", "take_explanations"]

LEADING_MASS = 0.9999
"""Share of the mass on either side of every question that the explanations kept must hold."""


def leading_explanations(weights: Floats, sets: Floats, *, mass: float = LEADING_MASS) -> Indices:
    """Return the explanations that hold nearly all mass inside and outside every set.

    Log odds compare what is inside with what is outside, and either may be rare: so both sides of every set
    keep their own leading explanations.

    Parameters
    ----------
    weights : (n_explanations,) float64
        P(H | evidence), up to a factor.
    sets : (n_explanations, n_sets) float64
        0/1: which explanations count for which asked probability.
    mass : float
        1 keeps everything of positive weight.

    Returns
    -------
    (n_kept,) intp
        Ascending.
    """
    is_kept = np.zeros(len(weights), dtype=bool)
    for column in sets.T:
        inside = column > 0
        for side in (inside, ~inside):
            values = weights[side]
            total = values.sum()
            if total > 0:
                is_kept[side] |= values >= _threshold(values, mass * total)
    return np.flatnonzero(is_kept & (weights > 0))


def _threshold(values: Floats, wanted: float) -> float:
    """Return the value down to which the largest values add up to `wanted`."""
    falling = np.sort(values)[::-1]
    last = int(np.searchsorted(np.cumsum(falling), wanted))
    return float(falling[min(last, len(falling) - 1)])


def take_explanations(explanations: Explanations, explanation_idx: Indices) -> Explanations:
    """Return some explanations in the form that tables are built from."""
    return Explanations(
        explanations.n_causes,
        explanations.max_causes,
        explanations.members[explanation_idx],
        explanations.sizes[explanation_idx],
    )
