"""The contributions of pieces of evidence along the path that tempers all of it from 0 to 1.

With log likelihoods l_v(H) of the pieces of evidence v and weights

    w_t(H) = P(H) exp(t sum_v l_v(H)),    f(t) = ln sum_{H in A} w_t(H) - ln sum_{H in B} w_t(H)

the log ratio of two sides A and B goes from its prior value f(0) to its posterior value f(1), and
f'(t) = sum_v (E_{A,t}[l_v] - E_{B,t}[l_v]) is a sum over pieces of evidence. The contribution of v is the
integral of its part: the Aumann-Shapley value [1]_ of v. It adds up, treats equals equally, gives nothing to
what makes no difference and knows no order.

The integral is a Gauss-Legendre sum. Both ends of f are known exactly, so the error of the sum over v is
known: nodes are doubled from 8 to 64 until it closes, and where 64 are not enough (evidence so strong
that f bends sharply) the path is halved and each half treated in the same way.

.. [1] Aumann RJ, Shapley LS. Values of Non-Atomic Games. Princeton University Press, 1974.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from thighdx.arrays import below_peak
from thighdx.network.spec import Floats

__all__ = ["CLOSURE", "MAX_PIECES", "NODES", "PathSum", "log_ratio", "tempered_contributions"]

CLOSURE = 1e-10  # nats: the sum closes to 1e-9 in decibans as well
NODES = (8, 16, 32, 64)  # nodes tried on each piece of the path
MAX_PIECES = 256  # beyond: the closing error is reported as it stands


@dataclass(frozen=True, slots=True)
class PathSum:
    """Contributions along the tempering path.

    Attributes
    ----------
    contributions : (n_terms,) float64
        In nats; with f(0) they add up to f(1).
    inside, outside : (n_inside,), (n_outside,) float64
        Mean weight of each set of causes of A and of B along the path; each sums to 1.
    n_nodes : int
        Nodes of the sum that closed.
    closing_error : float
        f(1) - f(0) - sum of the contributions, in nats.
    """

    contributions: Floats
    inside: Floats
    outside: Floats
    n_nodes: int
    closing_error: float


@dataclass(frozen=True, slots=True)
class _Side:
    """One side, some sets of causes: log weight at the start of the path, log likelihood, and its terms."""

    start: Floats  # (n,)
    slope: Floats  # (n,)
    terms: Floats  # (n_terms, n)

    def log_mass(self, t: float) -> float:
        """Return ln sum_H w_t(H)."""
        scores = self.start + t * self.slope
        return float(scores.max() + np.log(below_peak(scores).sum()))

    def mean_weights(self, nodes: Floats, weights: Floats) -> Floats:
        """Return sum_k weights_k w_{t_k}(H) / sum_H w_{t_k}(H) over nodes t_k, as (n,)."""
        scores = below_peak(self.start + nodes[:, None] * self.slope)  # (n_nodes, n)
        return np.asarray((weights / scores.sum(axis=1)) @ scores, dtype=np.float64)


def log_ratio(log_weights_inside: Floats, log_weights_outside: Floats) -> float:
    """Return ln sum exp(inside) - ln sum exp(outside) in nats; both hold something finite."""
    top, bottom = log_weights_inside.max(), log_weights_outside.max()
    inside = np.log(below_peak(log_weights_inside).sum())
    outside = np.log(below_peak(log_weights_outside).sum())
    return float((top - bottom) + (inside - outside))


def tempered_contributions(
    start: tuple[Floats, Floats], terms: tuple[Floats, Floats], *, closure: float = CLOSURE
) -> PathSum:
    """Divide the change of a log ratio among the terms that cause it.

    Parameters
    ----------
    start : pair of (n_inside,), (n_outside,) float64
        log P(H) of the sets of causes of A and of B, finite. The sides may overlap.
    terms : pair of (n_terms, n_inside), (n_terms, n_outside) float64
        l_v(H), finite.
    closure : float
        Largest |f(1) - f(0) - sum| accepted, in nats.

    Notes
    -----
    Costs n_nodes x (n_inside + n_outside) exponentials.
    """
    # a constant per term cancels; without it, a term that says the same everywhere counts exactly 0
    level = terms[0][:, :1]
    a, b = (
        _Side(s, t.sum(axis=0), t) for s, t in zip(start, (terms[0] - level, terms[1] - level), strict=True)
    )
    contributions = np.zeros(len(terms[0]))
    inside, outside = np.zeros(len(a.start)), np.zeros(len(b.start))
    pieces, n_done, n_nodes, error = [(0.0, 1.0)], 0, 0, 0.0
    while pieces:
        low, high = pieces.pop()
        is_last_chance = n_done + len(pieces) >= MAX_PIECES
        target = (a.log_mass(high) - a.log_mass(low)) - (b.log_mass(high) - b.log_mass(low))
        allowed = closure if (low, high) == (0.0, 1.0) else closure / MAX_PIECES
        for n in NODES:
            nodes, weights = _gauss_legendre(n, low, high)
            g_a, g_b = a.mean_weights(nodes, weights), b.mean_weights(nodes, weights)
            part = a.terms @ g_a - b.terms @ g_b
            miss = target - float(part.sum())
            if abs(miss) <= allowed:
                break
        if abs(miss) > max(allowed, _rounding(a, b)) and not is_last_chance:
            middle = 0.5 * (low + high)
            pieces += [(middle, high), (low, middle)]
            continue
        contributions += part
        inside, outside = inside + g_a, outside + g_b
        n_done, n_nodes, error = n_done + 1, n_nodes + n, error + miss
    return PathSum(contributions, inside, outside, n_nodes, error)


def _rounding(a: _Side, b: _Side) -> float:
    """Return what rounding alone may leave open: some units in the last place of the largest exponent."""
    largest = max(np.abs(a.slope).max(), np.abs(b.slope).max())
    return 16.0 * float(np.finfo(np.float64).eps) * float(largest)


def _gauss_legendre(n: int, low: float, high: float) -> tuple[Floats, Floats]:
    """Return nodes in (low, high) and weights that sum to high - low."""
    nodes, weights = _unit_rule(n)
    half = 0.5 * (high - low)
    return low + half * (nodes + 1.0), half * weights


@lru_cache(maxsize=8)
def _unit_rule(n: int) -> tuple[Floats, Floats]:
    """Return nodes and weights on (-1, 1), which take longer to find than to use."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return nodes, weights
