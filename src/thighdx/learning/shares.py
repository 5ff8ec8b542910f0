"""What counts of causes say about the shares of every setting and about causes that come together.

Shares are the means of an exponential family over sets of causes, so that with n_c of N records having cause c

    d log likelihood / d shares = C^-1 (n - N shares),   information N C^-1,

C being the covariance of the causes under P(H); odds ratios of pairs are orthogonal to them (mixed parametrization
[1]_).

.. [1] Barndorff-Nielsen O. Information and Exponential Families in Statistical Theory. Wiley, 1978, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from thighdx.learning.unit import Evaluation
from thighdx.network.build import Network, pair_log_odds
from thighdx.network.solve import MARGIN_TOLERANCE, solve_margins
from thighdx.network.spec import Floats

__all__ = ["ROOM", "SharesUnit", "inverse", "shares_unit"]

ROOM = 1e-3  # that the sum of shares keeps from 1, which records with one cause each would bring it to
SINGULAR = 1e-10  # directions of a scaled covariance below this are those that no margin speaks about


@dataclass(frozen=True, slots=True, eq=False)
class SharesUnit:
    """Shares of the settings met, then odds ratios of pairs of causes.

    Attributes
    ----------
    judgement_idx : (k,) intp
        The shares of one setting after the other, then pairs.
    settings : tuple of int
    offset : (n_sets,) float64
        Log weight of every set of causes from pairs that cannot move.
    members, pairs : (n_sets, n_causes), (n_sets, n_pairs) float64
        0/1: causes and movable pairs in every set.
    counts : (n_settings, n_sets) float64
    bounds : tuple of two float
        Between which the shares of a setting may sum; at 1 and at `max_causes` there is no model any more.
    """

    judgement_idx: npt.NDArray[np.intp]
    settings: tuple[int, ...]
    offset: Floats
    members: Floats
    pairs: Floats
    counts: Floats
    bounds: tuple[float, float]

    def log_prior(self, x: Floats, place: int) -> Floats | None:
        """Return log P(H) of one of `settings`, (n_sets,); None where no parameters give these shares."""
        n_causes = self.members.shape[1]
        shares = expit(x[place * n_causes : (place + 1) * n_causes])
        if not self.bounds[0] <= shares.sum() <= self.bounds[1]:
            return None
        offset = self.offset + self.pairs @ x[len(self.settings) * n_causes :]
        start = np.log(shares) - np.log1p(-shares)
        solved = solve_margins(offset[None, :], self.members, np.ones(1), shares, start=start)
        if solved.error > MARGIN_TOLERANCE:
            return None
        scores = offset + self.members @ solved.theta
        return np.asarray(scores - np.logaddexp.reduce(scores))

    def evaluate(self, x: Floats) -> Evaluation:
        """Return log likelihood, gradient and expected information."""
        k, n_causes, n_pairs = len(x), self.members.shape[1], self.pairs.shape[1]
        value, gradient, information = 0.0, np.zeros(k), np.zeros((k, k))
        of_pairs = slice(k - n_pairs, k)
        for place, counts in enumerate(self.counts):
            own = slice(place * n_causes, (place + 1) * n_causes)
            log_prior = self.log_prior(x, place)
            if log_prior is None or np.isneginf(log_prior[counts > 0]).any():
                return Evaluation.impossible(k)
            prior, n = np.exp(log_prior), counts.sum()
            value += float((counts[counts > 0] * log_prior[counts > 0]).sum())
            mean, both = prior @ self.members, prior @ self.pairs
            weighted = self.members * prior[:, None]
            covariance = weighted.T @ self.members - np.outer(mean, mean)
            with_pairs = weighted.T @ self.pairs - np.outer(mean, both)
            inverted = inverse(covariance)
            through = inverted @ (counts @ self.members - n * mean)
            slope = mean * (1 - mean)  # of the share in its log odds
            gradient[own] = through * slope
            gradient[of_pairs] += counts @ self.pairs - n * both - with_pairs.T @ through
            information[own, own] = n * inverted * np.outer(slope, slope)
            among = (self.pairs * prior[:, None]).T @ self.pairs - np.outer(both, both)
            information[of_pairs, of_pairs] += n * (among - with_pairs.T @ inverted @ with_pairs)
        return Evaluation(value, gradient, information)

    def scores(self, x: Floats, place: int) -> Floats:
        """Return d log P(H) / d x in one of `settings`, (n_sets, k)."""
        n_causes = self.members.shape[1]
        log_prior = self.log_prior(x, place)
        assert log_prior is not None
        prior = np.exp(log_prior)
        mean, both = prior @ self.members, prior @ self.pairs
        weighted = self.members * prior[:, None]
        inverted = inverse(weighted.T @ self.members - np.outer(mean, mean))
        with_pairs = weighted.T @ self.pairs - np.outer(mean, both)
        out = np.zeros((len(prior), len(x)))
        through = (self.members - mean) @ inverted
        out[:, place * n_causes : (place + 1) * n_causes] = through * (mean * (1 - mean))
        out[:, len(x) - self.pairs.shape[1] :] = self.pairs - both - through @ with_pairs
        return out

    def credits(self, x: Floats) -> tuple[Floats, Floats]:
        """Return records of the setting and those with the cause; of pairs, with either cause and with both."""
        del x
        either = ((self.members @ (self.members.T @ self.pairs > 0)) > 0) if self.pairs.size else self.pairs
        bearing = [np.repeat(counts.sum(), self.members.shape[1]) for counts in self.counts]
        credited = [counts @ self.members for counts in self.counts]
        total = self.counts.sum(axis=0)
        return (
            np.concatenate([*bearing, total @ either.astype(np.float64)]),
            np.concatenate([*credited, total @ self.pairs]),
        )


def inverse(covariance: Floats) -> Floats:
    """Return a generalized inverse of a covariance; scaled first, so that rare states keep their digits."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    found = np.linalg.pinv(covariance / np.outer(scale, scale), rcond=SINGULAR, hermitian=True)
    return np.asarray(found / np.outer(scale, scale))


def shares_unit(
    network: Network,
    shares: npt.NDArray[np.intp],
    pairs: npt.NDArray[np.intp],
    *,
    point: Floats,
    counts: dict[int, Floats],
) -> SharesUnit:
    """Arrange shares and pairs.

    Parameters
    ----------
    shares : (n_settings, n_causes) intp
        Positions of judgements.
    pairs : (n_pairs, 3) intp
        Cause, cause, position.
    counts : mapping of setting index to (n_sets,) float64
    """
    settings = tuple(sorted(counts))
    movable = pairs[np.isfinite(point[pairs[:, 2]])]
    members = network.membership
    both = members[:, movable[:, 0]] * members[:, movable[:, 1]]
    fixed = pair_log_odds(network.spec)
    fixed[movable[:, 0], movable[:, 1]] = fixed[movable[:, 1], movable[:, 0]] = 0.0
    idx = np.concatenate([*(shares[s] for s in settings), movable[:, 2]]).astype(np.intp)
    offset = network.explanations.sum_over_pairs(fixed)
    sums = expit(point[shares]).sum(axis=1)
    most = network.spec.max_causes
    room = min(ROOM, float(sums.min() - 1) / 2, float(most - sums.max()) / 2)
    by_setting = np.array([counts[s] for s in settings])
    return SharesUnit(idx, settings, offset, members, both, by_setting, (1 + room, most - room))
