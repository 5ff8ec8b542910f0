"""The distribution of posteriors when every judgement is drawn from its own: the reference for intervals.

Every draw picks one panel per judgement and a value from its distribution, all judgements independent, solves
base rates and frequencies again, and recomputes the posterior of the case. Unknown variables drop out of
every draw, so only what is known has to be rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.arrays import below_peak
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import log_weights
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.groups import group_sets
from thighdx.network.spec import FindingSpec, Floats
from thighdx.network.tables import setting_tables
from thighdx.reasoning.intervals.draws import CHUNK, DrawChunk, draw_chunk
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.pieces import state_likelihoods
from thighdx.reasoning.intervals.resolve import (
    block_scores,
    log_prior_draws,
    relevant_classes,
    solved_block,
    solved_theta,
)

__all__ = ["DRAW_SHARE", "PosteriorDraws", "draw_log_odds"]

DRAW_SHARE = 1e-3
"""Large explanations that hold less of every member's mass are left out; see `draw_log_odds`."""
# Stand in for log 0 and 0: draws keep finite numbers, and these are nothing next to anything possible.
LOWEST = -745.0
TINY = 1e-300
# Cumulative probabilities closer than this are equal up to rounding.
ROUNDING = 1e-12
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorDraws:
    """Posterior log odds of some sets of explanations under drawn judgements.

    Attributes
    ----------
    log_odds : (n_draws, n_sets) float64
    working : (n_draws, n_judgements) float64
        The drawn judgements on their working scale.
    redrawn : mapping of str to int
        Draws in which something had to be drawn again, by reason; see `DrawChunk`.
    crossed_mass : float
        Posterior mass, at the point values and averaged over the draws, of explanations for which a draw left
        no probability to the known state of an ordered finding, because cumulative rows that are
        ordered for single causes crossed for several: the state counts as impossible there.
    """

    log_odds: Floats
    working: Floats
    redrawn: Mapping[str, int]
    crossed_mass: float

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return len(self.log_odds)


def draw_log_odds(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    *,
    groups: Sequence[Sequence[int]] = (),
    n_draws: int = 200,
    seed: int = 0,
    least: float = DRAW_SHARE,
) -> PosteriorDraws:
    """Draw the posterior log odds of one possible case.

    Parameters
    ----------
    batch : EvidenceBatch
        One case.
    groups : sequence of sequence of int
        Members of further sets, after the causes: explanations with any of these.
    n_draws : int
        1 or more.
    seed : int
        0 or more; the same seed gives the same draws.
    least : float
        Explanations of three causes and more are left out where they hold less than this of the mass of every
        member at the point values; 0 for none. It shifts every draw by the same small constant as the point value.

    Notes
    -----
    The first call for a setting and a seed solves its base rates, some seconds for 200 draws; what is solved is
    kept with the network, and later cases cost a fraction of that.
    """
    if n_draws < 1:
        raise ValueError(f"n_draws: got {n_draws}, expected 1 or more")
    sets = np.concatenate([network.membership, group_sets(network.membership, list(groups))], axis=1)
    logs = log_weights(network, batch)[0]
    weights = below_peak(logs)
    rarest = np.append(weights @ network.membership, np.inf)[network.explanations.members].min(axis=1)
    kept = np.flatnonzero((weights > 0) & ((network.explanations.sizes <= 2) | (weights >= least * rarest)))
    point = _log_odds(logs[None, :], sets)
    is_open = np.isfinite(point[0])
    missed = np.where(is_open, point, 0.0) - np.where(is_open, _log_odds(logs[None, kept], sets[kept]), 0.0)
    chunks, parts, crossed_mass = [], [], 0.0
    share = weights[kept] / weights.sum()
    for number in range(-(-n_draws // CHUNK)):
        size = min(CHUNK, n_draws - number * CHUNK)
        chunk = draw_chunk(network, layout, seed=seed, number=number, n_draws=size)
        scores, crossed = _weights(network, layout, batch, chunk, kept)
        drawn = _log_odds(scores, sets[kept])
        parts.append(np.where(is_open, np.where(is_open, drawn, 0.0) + missed, point))
        chunks.append(chunk)
        crossed_mass += float((crossed @ share).sum()) / n_draws
    redrawn: dict[str, int] = {}
    for chunk in chunks:
        for reason, count in chunk.redrawn.items():
            redrawn[reason] = redrawn.get(reason, 0) + count
    return PosteriorDraws(
        np.concatenate(parts),
        np.concatenate([chunk.working for chunk in chunks]),
        {reason: count for reason, count in redrawn.items() if count},
        crossed_mass,
    )


def _log_odds(logs: Floats, sets: Floats) -> Floats:
    """Return log odds of sets from log weights, (n_draws, n_sets)."""
    weights = below_peak(logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(weights @ sets) - np.log(weights @ (1.0 - sets)))


def _weights(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, chunk: DrawChunk, kept: Indices
) -> tuple[Floats, Flags]:
    """Return log P(H, evidence) up to a constant per draw, and where rows crossed; both (n_draws, n_kept)."""
    setting = int(batch.setting_idx[0])
    theta = solved_theta(network, layout, chunk, setting)
    scores = log_prior_draws(network, layout, chunk, theta, kept)
    scores += _given(network, batch)[kept]
    for block, seen in _known_blocks(network, batch):
        solved = solved_block(network, layout, chunk, setting, block)
        classes, class_idx = relevant_classes(network.explanations, solved.odds)
        wanted, place = np.unique(class_idx[kept], return_inverse=True)
        scores += block_scores(block, solved, classes[wanted], seen)[:, place.reshape(-1)]
    members = network.membership[kept].T.copy()  # (n_causes, n_kept)
    crossed = np.zeros(scores.shape, dtype=bool)
    for position in range(len(network.spec.findings)):
        seen_states = state_likelihoods(network, batch, network.n_contexts + position)
        if seen_states is not None:
            drawn = _FindingDraws.of(layout, chunk, position, network.spec.findings[position])
            _add_finding(scores, crossed, drawn, seen_states, members)
    return scores, crossed


def _known_blocks(network: Network, batch: EvidenceBatch) -> Iterator[tuple[Block, Floats]]:
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


def _given(network: Network, batch: EvidenceBatch) -> Floats:
    """Return what causes given as evidence, or likelihoods on them, do to every explanation."""
    blank = replace(batch, codes=np.full_like(batch.codes, UNKNOWN), likelihoods=())
    prior = setting_tables(network, int(batch.setting_idx[0])).log_prior
    given = log_weights(network, blank)[0]
    possible = np.isfinite(prior)  # causes that exclude one another stay at -inf
    return np.asarray(np.subtract(given, prior, out=np.zeros_like(prior), where=possible))


@dataclass(frozen=True, slots=True)
class _FindingDraws:
    """Drawn numbers of one finding; rows nobody judged are the background.

    Attributes
    ----------
    background : (n_draws, n_states - 1) float64
    rows : (n_draws, n_causes, n_states - 1) float64
    """

    background: Floats
    rows: Floats

    @classmethod
    def of(cls, layout: JudgementLayout, chunk: DrawChunk, position: int, finding: FindingSpec) -> Self:
        """Take the numbers of one finding out of all draws."""
        at = layout.backgrounds[position]
        background = np.where(at == NO_JUDGEMENT, finding.background, chunk.values[:, at])
        links = layout.links[position]
        rows = np.where(links == NO_JUDGEMENT, finding.cumulative, chunk.values[:, links])
        return cls(background, np.where(np.isnan(rows), background[:, None, :], rows))

    def log_below(self, step: int, members: Floats) -> Floats:
        """Return log P(X < s | H) under every draw, (n_draws, n_kept); see `thighdx.network.gates`."""
        b, rows = self.background[:, [step]], self.rows[:, :, step]
        with np.errstate(divide="ignore"):
            kept = np.clip(np.log(rows) - np.log(b), LOWEST, 0.0)
            not_caused = np.clip(np.log1p(-rows) - np.log1p(-b), LOWEST, 0.0)
        return np.asarray(np.log1p(-b * np.exp(kept @ members)) + not_caused @ members)


def _add_finding(scores: Floats, crossed: Flags, drawn: _FindingDraws, seen: Floats, members: Floats) -> None:
    """Add log P(what is known of a finding | H) to `scores` and mark where its rows crossed.

    Parameters
    ----------
    seen : (n_states,) float64
        Likelihood of every state.
    members : (n_causes, n_kept) float64
    """
    total: Floats | float = 0.0
    lower: Floats | None = None  # log P(X < s)
    last = len(seen) - 1
    if not seen[1:].any():  # the lowest state: nothing but the logs themselves
        scores += np.log(seen[0]) + drawn.log_below(0, members)
        return
    for state, weight in enumerate(seen):
        upper = drawn.log_below(state, members) if state < last else np.zeros(scores.shape)
        if weight > 0 and lower is None:
            total = total + weight * np.exp(upper)
        elif weight > 0 and lower is not None:
            step = lower - upper
            crossed |= step > ROUNDING
            total = total + weight * np.exp(upper) * -np.expm1(np.minimum(step, 0.0))
        lower = upper
    scores += np.log(np.maximum(total, TINY))
