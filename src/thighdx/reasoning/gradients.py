"""Exact gradients of posterior log odds with respect to every judgement, base rates re-solved.

With w(H) the weight of an explanation and S a set of explanations (those with a cause, or with any cause of a
group), the log odds of S are log sum_{S} w - log sum_{not S} w, so

    d log odds(S) / d x = sum_H r_S(H) d log w(H) / d x,   r_S(H) = P(H | S, e) on S, -P(H | not S, e) elsewhere

which is what sensitivity analysis of Bayesian networks rests on [1]_; the spread of the judgements then gives
that of the answer by the delta method [2]_. A judgement touches log w(H) directly (a link in the row of its
finding) and through what is solved: a share moves theta, theta moves P(H), and P(H) moves the factors of every
context whose frequency must still hold.

.. [1] Chan H, Darwiche A. When do numbers really matter? J Artif Intell Res 2002;17:265-87.
.. [2] Van Allen T, Singh A, Greiner R, Hooper P. Quantifying the uncertainty of a belief net response:
   Bayesian error-bars for belief net inference. Artif Intell 2008;172:483-513.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import log_weights
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.gates import log_below, log_state_probabilities
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.leading import LEADING_MASS, leading_explanations, take_explanations
from thighdx.reasoning.margins import (
    block_cells,
    block_margins,
    feature_starts,
    pair_membership,
    share_margins,
)

__all__ = ["CaseGradient", "case_gradient", "known_blocks", "state_likelihoods"]


@dataclass(frozen=True, slots=True, eq=False)
class CaseGradient:
    """Log odds of some sets of explanations for one case, and how every judgement moves them.

    Attributes
    ----------
    log_odds : (n_sets,) float64
        Natural log of posterior odds; infinite where a set is impossible or certain.
    inside, outside : (n_sets, n_judgements) float64
        d log P(S, e) / d judgement and d log P(not S, e) / d judgement on the judgement's working scale (log
        odds of a probability, log of an odds ratio), with base rates and frequencies re-solved; up to a
        constant per judgement. 0 for judgements that do not touch the case and for sets that are impossible
        or certain.
    explanation_idx : (n_kept,) intp
        The explanations summed over.
    share_inside, share_outside : (n_sets, n_kept) float64
        P(H | S, e) and P(H | not S, e).
    """

    log_odds: Floats
    inside: Floats
    outside: Floats
    explanation_idx: Indices
    share_inside: Floats
    share_outside: Floats

    @property
    def gradient(self) -> Floats:
        """Return d log odds / d judgement, (n_sets, n_judgements)."""
        return self.inside - self.outside


def case_gradient(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    *,
    sets: Floats | None = None,
    mass: float = LEADING_MASS,
) -> CaseGradient:
    """Differentiate the posterior log odds of one possible case.

    Parameters
    ----------
    batch : EvidenceBatch
        One case.
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.
    mass : float
        Share of the mass on either side of every set that the explanations summed over hold; 1 for all.

    Notes
    -----
    Sums over the leading explanations cost about n_sets x n_kept x n_causes operations per known finding.
    """
    sets = network.membership if sets is None else sets
    logs = log_weights(network, batch)[0]
    weights = np.exp(logs - logs.max())
    inside, outside = weights @ sets, weights @ (1.0 - sets)
    with np.errstate(divide="ignore"):
        log_odds = np.log(inside) - np.log(outside)
    kept = leading_explanations(weights, sets[:, np.isfinite(log_odds)], mass=mass)
    ratio = _sides(weights[kept], sets[kept])
    gradient = np.zeros((2 * sets.shape[1], layout.n_judgements))
    work = _Work(network, layout, batch, kept, take_explanations(network.explanations, kept), ratio, gradient)
    for position in range(len(network.spec.findings)):
        _add_finding(work, position)
    _add_prior_and_contexts(work)
    inside, outside = np.split(gradient, 2)
    share_inside, share_outside = np.split(ratio, 2)
    return CaseGradient(log_odds, inside, outside, kept, share_inside, share_outside)


@dataclass(frozen=True, slots=True)
class _Work:
    """What the parts of a gradient share; `ratio` holds P(H | S, e), then P(H | not S, e): (2 n_sets, n_kept)."""

    network: Network
    layout: JudgementLayout
    batch: EvidenceBatch
    kept: Indices
    explanations: Explanations
    ratio: Floats
    gradient: Floats


def _sides(weights: Floats, sets: Floats) -> Floats:
    """Return P(H | S, e) below P(H | not S, e), (2 n_sets, n_kept); 0 for sets with nothing on one side."""
    both = weights[:, None] * np.concatenate([sets, 1.0 - sets], axis=1)
    total = both.sum(axis=0)
    is_open = np.tile((total > 0).reshape(2, -1).all(axis=0), 2)
    return np.ascontiguousarray(np.divide(both, total, out=np.zeros_like(both), where=is_open).T)


def state_likelihoods(network: Network, batch: EvidenceBatch, variable_idx: int) -> Floats | None:
    """Return P(what is known | state) for one variable of one case, (n_states,); None where it is unknown."""
    code = int(batch.codes[0, variable_idx])
    if code != UNKNOWN:
        return np.asarray(np.eye(network.n_states[variable_idx])[code])
    for item in batch.likelihoods:
        if item.variable_idx == variable_idx and len(item.weights):
            return np.asarray(item.weights[0])
    return None


# ---- findings ----------------------------------------------------------------------------------------


def _add_finding(work: _Work, position: int) -> None:
    """Add the gradient with respect to the links and backgrounds of one finding.

    With B_t = P(X < t | H) and likelihoods L_s, the evidence of a finding is sum_s L_s (B_{s+1} - B_s); and
    log B_t = log(1 - b_H) + sum over members of log(1 - lambda), see `thighdx.network.gates`.
    """
    network, layout = work.network, work.layout
    seen = state_likelihoods(network, work.batch, network.n_contexts + position)
    if seen is None:
        return
    finding = network.spec.findings[position]
    slopes = _below_slopes(finding, work.explanations, seen)  # (n_states - 1, n_kept)
    members = network.membership[work.kept]
    links, backgrounds = layout.links[position], layout.backgrounds[position]
    for step, slope in enumerate(slopes):
        b, rows = finding.background[step], finding.cumulative[:, step]
        is_above = rows >= b  # False where NaN: no row counts as background and moves with it
        is_below = rows < b
        moment = work.ratio * slope  # (2 n_sets, n_kept)
        per_cause = moment @ members  # (n_sets, n_causes)
        suppressed = np.zeros_like(per_cause)
        total = moment.sum(axis=1)
        odds = b / (1 - b)
        if is_below.any():
            odds_h = _suppressed_odds(b, rows, is_below, work.explanations)
            moment = moment * odds_h  # (n_sets, n_kept)
            suppressed, total = moment @ members, moment.sum(axis=1)
        else:
            total = total * odds
        own = np.where(is_above, -per_cause * rows, -suppressed * (1 - rows))
        judged = (links[:, step] != NO_JUDGEMENT) & (is_above | is_below)
        work.gradient[:, links[judged, step]] += own[:, judged]
        if backgrounds[step] != NO_JUDGEMENT:
            background = b * per_cause[:, is_above].sum(axis=1)
            background -= (1 - b) * (total - suppressed[:, is_below].sum(axis=1))
            work.gradient[:, backgrounds[step]] += background


def _below_slopes(finding: FindingSpec, explanations: Explanations, seen: Floats) -> Floats:
    """Return d log P(what is known | H) / d log P(X < s | H), (n_states - 1, n_explanations)."""
    below = np.exp(log_below(finding, explanations))
    evidence = seen @ np.exp(log_state_probabilities(finding, explanations))
    drop = (seen[:-1] - seen[1:])[:, None] * below
    return np.divide(drop, evidence, out=np.zeros_like(drop), where=evidence > 0)


def _suppressed_odds(b: float, rows: Floats, is_below: Floats, explanations: Explanations) -> Floats:
    """Return b_H / (1 - b_H), (n_explanations,)."""
    with np.errstate(divide="ignore"):
        logs = np.where(is_below, np.log(np.where(is_below, rows, 1.0)) - np.log(b), 0.0)
    left = b * np.exp(explanations.sum_over_members(logs))
    return np.asarray(left / (1 - left))


# ---- shares, pairs, contexts ---------------------------------------------------------------------------


def _add_prior_and_contexts(work: _Work) -> None:
    """Add the gradient with respect to shares, pairs, frequencies, effects and dependencies."""
    network, layout, setting = work.network, work.layout, int(work.batch.setting_idx[0])
    members = network.membership[work.kept]
    current = share_margins(network, layout, setting)
    elicited = share_margins(network, layout, setting, elicited=True)
    by_theta = work.ratio @ members  # through P(H), (n_sets, n_causes)
    by_pair = work.ratio @ pair_membership(network, layout)[work.kept]
    by_pair += by_theta @ current.to_pair
    by_context = np.zeros_like(by_theta)  # through the factors of contexts
    for block, seen in known_blocks(network, work.batch):
        through_theta, through_pair = _add_block(work, block, seen, members)
        by_context += through_theta
        by_pair += through_pair
    by_pair += by_context @ elicited.to_pair
    is_own = layout.is_replaced[setting]
    by_share = np.where(is_own, 0.0, by_theta @ current.to_share) + by_context @ elicited.to_share
    positions = layout.shares[setting]
    judged = positions != NO_JUDGEMENT
    share = 1 / (1 + np.exp(-layout.point[positions]))
    work.gradient[:, positions[judged]] += (by_share * share * (1 - share))[:, judged]
    work.gradient[:, layout.pairs[:, 2]] += by_pair


def known_blocks(network: Network, batch: EvidenceBatch) -> Iterator[tuple[Block, Floats]]:
    """Yield every block with something known about a member, and the likelihood of its cells, (n_cells,)."""
    for block in network.blocks:
        seen = np.ones(len(block.cells))
        is_known = False
        for slot, context in enumerate(block.context_idx):
            own = state_likelihoods(network, batch, context)
            if own is not None:
                is_known = True
                seen = seen * own[block.cells[:, slot]]
        if is_known:
            yield block, seen


def _add_block(work: _Work, block: Block, seen: Floats, members: Floats) -> tuple[Floats, Floats]:
    """Add frequencies, effects and dependencies of one block; return what goes through theta and pairs."""
    network, layout, setting = work.network, work.layout, int(work.batch.setting_idx[0])
    implicit = block_margins(network, layout, setting, block)
    n_base = implicit.n_base
    cells = block_cells(network, setting, block)[:, work.kept]  # (n_cells, n_kept)
    known = cells * seen[:, None]
    total = known.sum(axis=0)
    known = np.divide(known, total, out=np.zeros_like(known), where=total > 0)
    surprise = implicit.features.T @ (known - cells)  # (n_features, n_kept)
    direct = work.ratio @ surprise.T  # (n_sets, n_features)
    factor = direct[:, :n_base]
    dependency = direct[:, n_base:] + factor @ implicit.to_dependency
    work.gradient[:, implicit.dependency_idx] += dependency
    by_margin = factor @ implicit.to_margin
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        columns = slice(start, start + network.n_states[context])
        _add_frequencies(work, layout.frequencies[context][setting], by_margin[:, columns])
        effects = layout.effects[context]  # (n_causes, n_states)
        through = np.einsum("kf,fcs->kcs", factor, implicit.to_effect[:, :, columns])
        for state in np.flatnonzero((effects != NO_JUDGEMENT).any(axis=0)):
            judged = effects[:, state] != NO_JUDGEMENT
            judged &= np.isfinite(layout.point[effects[:, state]])
            own = (work.ratio * surprise[start + state]) @ members[:, judged]
            work.gradient[:, effects[judged, state]] += own + through[:, judged, state]
    return factor @ implicit.to_theta, factor @ implicit.to_pair


def _add_frequencies(work: _Work, positions: Indices, by_margin: Floats) -> None:
    """Raise one frequency at the cost of the state that takes the rest."""
    judged = positions != NO_JUDGEMENT
    judged &= np.isfinite(work.layout.point[positions])
    rest = by_margin[:, positions == NO_JUDGEMENT].sum(axis=1, keepdims=True)
    frequency = 1 / (1 + np.exp(-work.layout.point[positions[judged]]))
    work.gradient[:, positions[judged]] += (by_margin[:, judged] - rest) * frequency * (1 - frequency)
