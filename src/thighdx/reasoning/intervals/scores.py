"""Scores of one piece of evidence: derivatives of its log probability by every judgement behind it.

A piece is the evidence about one finding, or about one block of contexts. For every judgement x behind it the
*score* s(H) = d log P(piece | H) / d x is wanted for every set of causes H. Most judgements are about one cause, a
link or an effect, and touch only the sets that hold it: their scores are kept for those alone. What
remains (backgrounds, frequencies, dependencies, and what effects do by way of the solved factors of a block)
is a sum of few *features*, functions of H that judgements share.

The *second-order part* of a piece is the sum over its judgements of spread times P''/P, which the mean by the
delta method takes (see `thighdx.reasoning.intervals.delta`). What is known of a finding is linear in each
P(X < t | H), so P''/P is as simple as P'/P. Left out are second derivatives of the factors of contexts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import Indices, JudgementLayout

__all__ = ["PieceScores", "holding", "n_features", "plain_weights", "slot_starts"]


@dataclass(frozen=True, slots=True, eq=False)
class PieceScores:
    """Scores of one piece of evidence.

    Attributes
    ----------
    log : (n_explanations,) float64
        log P(piece | H).
    second_order : (n_explanations,) float64
    position : (n_items,) intp
        The judgement of every item: first those of `local`, then those of the leading `rows`, then those that
        only move features.
    cause : (n_local,) intp
    local : (n_local, n_holding) float64
        Scores on the explanations that hold the cause, in the order of `holding`.
    rows : (n_rows, n_causes, n_holding) float64
        Scores on the explanations that hold each cause: of items, then what is known of the features `row_slots`.
    row_slots : (n_feature_rows,) intp
        Features that the last rows stand for.
    slots : (n_slots,) intp
        All features of the piece; each is what is known of it minus what it is without, see `SettingSlopes.without`.
    level : (n_slots,) float64
        What is known of them where that is the same in every explanation, and 0 for those that have a row.
    through : (n_items, n_causes + n_features) sparse
        What is to be added to the scores: multiples of the membership of each cause, and of features.
    plain : (n_plain, 2) intp
        Cause and judgement of links whose score is the same in every explanation with the cause.
    plain_score : (n_plain,) float64
    plain_weight : (n_causes, 4) float64
        Sums over those of a cause: score2 variance, score3 third moment, score shift, score2 spread.
    """

    log: Floats
    second_order: Floats
    position: Indices
    cause: Indices
    local: Floats
    rows: Floats
    row_slots: Indices
    slots: Indices
    level: Floats
    through: csr_array
    plain: Indices
    plain_score: Floats
    plain_weight: Floats


def holding(network: Network) -> Indices:
    """Return the explanations that hold each cause, (n_causes, n_holding).

    With up to two causes they are ordered by the other one, the cause alone standing in its own place.
    """
    return network.once("holding", lambda: _holding(network))


def _holding(network: Network) -> Indices:
    explanations = network.explanations
    n = explanations.n_causes
    if explanations.max_causes != 2:
        return np.nonzero(network.membership.T)[1].reshape(n, -1)
    found = np.empty((n, n), dtype=np.intp)
    first, second = explanations.members.T
    second = np.where(second == n, first, second)
    found[first, second] = found[second, first] = np.arange(len(first))
    return found


def n_features(network: Network, layout: JudgementLayout) -> int:
    """Return the number of features: states of contexts but the first of each, then dependencies."""
    return int(slot_starts(network)[-1]) + len(layout.dependencies)


def slot_starts(network: Network) -> Indices:
    """Return the first feature of every context: one feature per state but the first, (n_contexts + 1,)."""
    return np.concatenate([[0], np.cumsum(network.n_states[: network.n_contexts] - 1)]).astype(np.intp)


def plain_weights(layout: JudgementLayout, plain: Indices, score: Floats, n_causes: int) -> Floats:
    """Return what the plain links of every cause add to the sums over judgements, (n_causes, 4)."""
    cause, position = plain.T
    own = np.stack(
        [
            score**2 * layout.sd[position] ** 2,
            score**3 * layout.third_moment[position],
            score * layout.shift[position],
            score**2 * layout.spread[position],
        ]
    )
    return np.stack([np.bincount(cause, weights=w, minlength=n_causes) for w in own], axis=1)
