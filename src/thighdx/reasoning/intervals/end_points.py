"""End points of credible intervals from the moments of posterior log odds: the expansion of Cornish and Fisher.

Cornish EA, Fisher RA. Moments and cumulants in the specification of distributions. Revue de l'Institut
International de Statistique 1938;5:307-20.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.delta import Moments

__all__ = ["cornish_fisher", "drawn_in", "probabilities", "quantile_pair"]


def cornish_fisher(moments: Moments, levels: npt.ArrayLike) -> Floats:
    """Return quantiles from moments, to the first term for skewness.

    Parameters
    ----------
    moments : Moments
        Arrays of one shape.
    levels : (n_levels,) float64

    Returns
    -------
    (n_levels, ...) float64
        Log odds, rising with the level.
    """
    z = special.ndtri(np.asarray(levels, dtype=np.float64)).reshape(-1, *(1,) * moments.mean.ndim)
    sd = np.sqrt(moments.variance)
    skewness = np.divide(moments.third_moment, sd**3, out=np.zeros_like(sd), where=sd > 0)
    # beyond this the quadratic would turn back before the outermost level
    bound = 3.0 / max(1.0, float(np.abs(z).max()))
    values = z + np.clip(skewness, -bound, bound) / 6 * (z**2 - 1)
    return np.asarray(moments.log_odds + moments.mean + sd * values)


def quantile_pair(moments: Moments, level: float) -> Floats:
    """Return both quantiles of a central interval in log odds, (2, ...); the point itself where it is certain."""
    tail = (1 - level) / 2
    return cornish_fisher(moments, [tail, 1 - tail])


def drawn_in(quantiles: Floats, log_odds: Floats) -> Floats:
    """Return end points, (2, ...), with the posterior itself inside.

    The posterior at the medians of all judgements can lie outside a narrow central interval.
    """
    lower, upper = quantiles
    return np.stack([np.minimum(lower, log_odds), np.maximum(upper, log_odds)])


def probabilities(log_odds: Floats) -> Floats:
    """Return probabilities that stay inside (0, 1) where rounding alone would leave it."""
    limits = np.finfo(np.float64)
    inside = np.clip(special.expit(log_odds), limits.tiny, 1 - limits.epsneg)
    return np.where(np.isinf(log_odds), special.expit(log_odds), inside)
