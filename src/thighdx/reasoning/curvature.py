"""How far the mean of posterior log odds lies from their value at the mean judgements: the second-order part.

With w(H) the weight of an explanation, second derivatives of log sum_S w follow from those of the weights:

    d2 log sum_S w / d x2 = E_S[ w''(H) / w(H) ] - (E_S[ w'(H) / w(H) ])^2,    E_S over P(H | S, e)

Independent judgements with variances s2 move the mean log odds of S by half the sum of s2 times the second
derivatives, inside minus outside [1]_. w''/w summed over the judgements of one variable is as simple as w'/w:
what is known of a finding is linear in each P(X < t | H), so the products cancel.

Left out are the second derivatives of the factors of contexts with respect to their frequencies and effects.

.. [1] Oehlert GW. A note on the delta method. The American Statistician 1992;46:27-9.
"""

from __future__ import annotations

import numpy as np

from thighdx.inference.batch import EvidenceBatch
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.gates import log_below, log_state_probabilities
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.gradients import CaseGradient, known_blocks, state_likelihoods
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.leading import take_explanations
from thighdx.reasoning.margins import (
    BlockMargins,
    block_cells,
    block_margins,
    feature_starts,
    pair_membership,
    share_margins,
)

__all__ = ["mean_shift"]


def mean_shift(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, slope: CaseGradient
) -> Floats:
    """Return mean log odds minus log odds at the medians to second order, (n_sets,)."""
    spread = layout.spread  # (n_judgements,)
    setting = int(batch.setting_idx[0])
    bends = np.zeros(len(slope.explanation_idx))
    explanations = take_explanations(network.explanations, slope.explanation_idx)
    for position, finding in enumerate(network.spec.findings):
        seen = state_likelihoods(network, batch, network.n_contexts + position)
        if seen is not None:
            bends += finding_bend(layout, position, finding, explanations, seen)
    bends += _prior_and_contexts(network, layout, batch, slope.explanation_idx)
    inside = slope.share_inside @ bends - slope.inside**2 @ spread
    outside = slope.share_outside @ bends - slope.outside**2 @ spread
    theta = share_margins(network, layout, setting).bend @ _share_spread(layout, setting)
    members = network.membership[slope.explanation_idx]
    curved = (slope.share_inside - slope.share_outside) @ (members @ theta)
    return np.asarray(slope.gradient @ layout.shift + (inside - outside + curved) / 2)


def _share_spread(layout: JudgementLayout, setting: int) -> Floats:
    """Return the spread of every share that is judged and in use, (n_causes,)."""
    positions = layout.shares[setting]
    in_use = (positions != NO_JUDGEMENT) & ~layout.is_replaced[setting]
    return np.where(in_use, layout.spread[positions], 0.0)


def finding_bend(
    layout: JudgementLayout, position: int, finding: FindingSpec, explanations: Explanations, seen: Floats
) -> Floats:
    """Return the sum over links and backgrounds of spread times P''/P of what is known, (n_explanations,).

    P is linear in every B = P(X < t | H), so P''/P is d log P / d log B times B''/B; and for one cause's link
    on the logit scale B''/B = p (2 p - 1) above the background and -o (1 - p) (1 - 2 p) below it, with
    o = b_H / (1 - b_H).
    """
    below = log_below(finding, explanations)
    evidence = seen @ np.exp(log_state_probabilities(finding, explanations))
    drop = (seen[:-1] - seen[1:])[:, None] * np.exp(below)
    slopes = np.divide(drop, evidence, out=np.zeros_like(drop), where=evidence > 0)
    total = np.zeros(len(evidence))
    for step, b in enumerate(finding.background):
        rows = finding.cumulative[:, step]
        links = layout.links[position][:, step]
        spread = np.where(
            (links != NO_JUDGEMENT) & np.isfinite(layout.point[links]), layout.spread[links], 0.0
        )
        is_above, is_below = rows >= b, rows < b
        p = np.where(is_above | is_below, rows, 0.0)
        with np.errstate(divide="ignore"):
            logs = np.where(is_below, np.log(np.where(is_below, rows, 1.0)) - np.log(b), 0.0)
        left = b * np.exp(explanations.sum_over_members(logs))
        odds = left / (1 - left)
        bend = explanations.sum_over_members(np.where(is_above, spread * p * (2 * p - 1), 0.0))
        bend -= odds * explanations.sum_over_members(np.where(is_below, spread * (1 - p) * (1 - 2 * p), 0.0))
        own = layout.backgrounds[position][step]
        if own != NO_JUDGEMENT:
            n_above = explanations.sum_over_members(is_above.astype(np.float64))
            part = 1.0 - explanations.sum_over_members(is_below.astype(np.float64))
            first = b * n_above - odds * (1 - b) * part
            second = (
                n_above * b * (1 - b) - odds * (1 + odds) * ((1 - b) * part) ** 2 + odds * b * (1 - b) * part
            )
            bend += layout.spread[own] * (second + first**2)
        total += slopes[step] * bend
    return total


def _prior_and_contexts(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, kept: Indices
) -> Floats:
    """Return the same sum over shares, pairs, frequencies, effects and dependencies, (n_kept,)."""
    setting = int(batch.setting_idx[0])
    current = share_margins(network, layout, setting)
    elicited = share_margins(network, layout, setting, elicited=True)
    members = network.membership[kept]
    by_context = np.zeros_like(members)  # d log w / d theta through the factors of contexts
    by_pair = pair_membership(network, layout)[kept] + members @ current.to_pair
    bends = np.zeros(len(kept))
    for block, seen in known_blocks(network, batch):
        implicit = block_margins(network, layout, setting, block)
        cells = block_cells(network, setting, block)[:, kept]
        known = cells * seen[:, None]
        total = known.sum(axis=0)
        known = np.divide(known, total, out=np.zeros_like(known), where=total > 0)
        base = (implicit.features.T @ (known - cells))[: implicit.n_base]
        by_context += base.T @ implicit.to_theta
        by_pair += base.T @ implicit.to_pair
        bends += block_bend(network, layout, setting, block, implicit, known, cells, members)
    by_pair += by_context @ elicited.to_pair
    bends += by_pair**2 @ layout.spread[layout.pairs[:, 2]]
    positions = layout.shares[setting]
    share = 1 / (1 + np.exp(-layout.point[positions]))
    own = (
        np.where(layout.is_replaced[setting], 0.0, members @ current.to_share)
        + by_context @ elicited.to_share
    )
    spread = np.where(positions != NO_JUDGEMENT, layout.spread[positions] * (share * (1 - share)) ** 2, 0.0)
    return np.asarray(bends + own**2 @ spread)


def block_bend(
    network: Network,
    layout: JudgementLayout,
    setting: int,
    block: Block,
    implicit: BlockMargins,
    known: Floats,
    cells: Floats,
    members: Floats,
) -> Floats:
    """Return the sum over the judgements of one block of spread times w''/w, (n_kept,).

    A judgement adds a known score to every cell; then w'/w is the mean score given what is known minus that
    without, and w''/w its square plus the difference of the two variances.
    """
    n_base = implicit.n_base
    bends = np.zeros(cells.shape[1])

    def add(scores: Floats, spread: Floats) -> None:
        """Add judgements that give every cell a score whatever the explanation, (n_cells, n)."""
        means, bases = scores.T @ known, scores.T @ cells
        squares = (scores**2).T @ (known - cells)
        bends[:] += spread @ (squares - means**2 + bases**2 + (means - bases) ** 2)

    positions = implicit.dependency_idx
    base = implicit.features[:, :n_base]
    if len(positions):
        add(implicit.features[:, n_base:] + base @ implicit.to_dependency, layout.spread[positions])
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        frequencies, effects = layout.frequencies[context][setting], layout.effects[context]
        judged = np.flatnonzero((frequencies != NO_JUDGEMENT) & np.isfinite(layout.point[frequencies]))
        rest = np.flatnonzero(frequencies == NO_JUDGEMENT)
        if len(judged):
            change = (
                implicit.to_margin[:, start + judged]
                - implicit.to_margin[:, start + rest].sum(axis=1)[:, None]
            )
            f = 1 / (1 + np.exp(-layout.point[frequencies[judged]]))
            add(base @ change * (f * (1 - f)), layout.spread[frequencies[judged]])
        for state in np.flatnonzero((effects != NO_JUDGEMENT).any(axis=0)):
            causes = np.flatnonzero(
                (effects[:, state] != NO_JUDGEMENT) & np.isfinite(layout.point[effects[:, state]])
            )
            feature = start + state
            spread = layout.spread[effects[causes, state]]
            through = implicit.to_effect[:, causes, feature].T @ (
                base.T @ (known - cells)
            )  # (n_causes, n_kept)
            mean, plain = base[:, feature] @ known, base[:, feature] @ cells
            has = members[:, causes].T
            first = through + has * (mean - plain)
            second = has * (mean * (1 - mean) - plain * (1 - plain))
            bends += spread @ (first**2 + second)
    return bends
