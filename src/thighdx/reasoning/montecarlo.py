"""The distribution of posteriors when every judgement is drawn from its own: the reference for intervals.

Every draw picks one panel per judgement and a value from its distribution, all judgements independent, solves
base rates and frequencies again, and recomputes the posterior of the case. Unknown variables drop out of
every draw, so only what is known has to be rebuilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import log_weights
from thighdx.inference.tables import setting_tables
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.draws import CHUNK, DrawChunk, draw_chunk
from thighdx.reasoning.gradients import known_blocks, state_likelihoods
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.leading import leading_explanations
from thighdx.reasoning.resolve import (
    block_scores,
    log_prior_draws,
    relevant_classes,
    solved_block,
    solved_theta,
)

__all__ = ["DRAW_MASS", "PosteriorDraws", "draw_log_odds"]

DRAW_MASS = 0.999
"""Share of the mass on either side of every question that draws are summed over; see `draw_log_odds`."""
# Logs of impossible things: a draw keeps finite numbers, and exp of this is 0 next to anything possible.
LOWEST = -745.0


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
    n_crossed : int
        Draws in which the known state of an ordered finding had no probability left for some explanation,
        because cumulative rows that are ordered for single causes crossed for several: the state counts
        as impossible there.
    """

    log_odds: Floats
    working: Floats
    redrawn: Mapping[str, int]
    n_crossed: int

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return len(self.log_odds)


def draw_log_odds(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    *,
    sets: Floats | None = None,
    n_draws: int = 200,
    seed: int = 0,
    mass: float = DRAW_MASS,
) -> PosteriorDraws:
    """Draw the posterior log odds of one possible case.

    Parameters
    ----------
    batch : EvidenceBatch
        One case.
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.
    n_draws : int
        1 or more.
    seed : int
        0 or more; the same seed gives the same draws.
    mass : float
        Share of the mass at the point values, on either side of every set, that the explanations summed over
        hold; 1 for all. What is left out shifts every draw by the same small constant as the point value.

    Notes
    -----
    The first call for a setting and a seed solves its base rates, some seconds for 200 draws; what is solved is
    kept with the network, and later cases cost a fraction of that.
    """
    if n_draws < 1:
        raise ValueError(f"n_draws: got {n_draws}, expected 1 or more")
    sets = network.membership if sets is None else sets
    logs = log_weights(network, batch, dtype="float64")[0]
    weights = np.exp(logs - logs.max())
    is_open = ((weights @ sets) > 0) & ((weights @ (1.0 - sets)) > 0)
    kept = leading_explanations(weights, sets[:, is_open], mass=mass)
    if mass < 1:  # draws move mass between explanations: the small ones are cheap and always there
        small = (network.explanations.sizes <= 2) & (weights > 0)
        kept = np.union1d(kept, np.flatnonzero(small))
    correction = _log_odds(logs[None, :], sets) - _log_odds(logs[None, kept], sets[kept])
    chunks, parts, n_crossed = [], [], 0
    for number in range(-(-n_draws // CHUNK)):
        size = min(CHUNK, n_draws - number * CHUNK)
        chunk = draw_chunk(network, layout, seed=seed, number=number, n_draws=size)
        scores, crossed = _weights(network, layout, batch, chunk, kept)
        parts.append(np.where(is_open, _log_odds(scores, sets[kept]) + np.where(is_open, correction, 0), correction))
        chunks.append(chunk)
        n_crossed += crossed
    redrawn: dict[str, int] = {}
    for chunk in chunks:
        for reason, count in chunk.redrawn.items():
            redrawn[reason] = redrawn.get(reason, 0) + count
    return PosteriorDraws(
        np.concatenate(parts),
        np.concatenate([chunk.working for chunk in chunks]),
        {reason: count for reason, count in redrawn.items() if count},
        n_crossed,
    )


def _log_odds(logs: Floats, sets: Floats) -> Floats:
    """Return log odds of sets from log weights, (n_draws, n_sets)."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(weights @ sets) - np.log(weights @ (1.0 - sets)))


def _weights(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, chunk: DrawChunk, kept: Indices
) -> tuple[Floats, int]:
    """Return log P(H, evidence) up to a constant per draw, (n_draws, n_kept), and how many draws crossed."""
    setting = int(batch.setting_idx[0])
    theta = solved_theta(network, layout, chunk, setting)
    scores = log_prior_draws(network, layout, chunk, theta, kept)
    scores += _given(network, batch)[kept]
    for block, seen in known_blocks(network, batch):
        solved = solved_block(network, layout, chunk, setting, block)
        classes, class_idx = relevant_classes(network.explanations, solved.odds)
        wanted, place = np.unique(class_idx[kept], return_inverse=True)
        scores += block_scores(block, solved, classes[wanted], seen)[:, place.reshape(-1)]
    members = network.membership[kept].T.copy()  # (n_causes, n_kept)
    crossed = np.zeros(len(scores), dtype=bool)
    for position in range(len(network.spec.findings)):
        seen_states = state_likelihoods(network, batch, network.n_contexts + position)
        if seen_states is not None:
            crossed |= _add_finding(scores, network, layout, chunk, position, seen_states, members)
    return scores, int(crossed.sum())


def _given(network: Network, batch: EvidenceBatch) -> Floats:
    """Return what causes given as evidence, or likelihoods on them, do to every explanation."""
    blank = replace(batch, codes=np.full_like(batch.codes, UNKNOWN), likelihoods=())
    prior = setting_tables(network, int(batch.setting_idx[0]), "float64").log_prior
    return np.asarray(log_weights(network, blank, dtype="float64")[0] - prior)


def _add_finding(
    scores: Floats,
    network: Network,
    layout: JudgementLayout,
    chunk: DrawChunk,
    position: int,
    seen: Floats,
    members: Floats,
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Add log P(what is known of a finding | H) to `scores`; return the draws whose rows crossed."""
    finding = network.spec.findings[position]
    crossed = np.zeros(len(scores), dtype=bool)
    lower: Floats | None = None  # P(X < s)
    total: Floats | None = None
    if len(seen) == 2 and seen[1] == 0:  # absent: nothing but the logs themselves
        scores += np.log(seen[0]) + _log_below(layout, chunk, position, finding.background, finding.cumulative, 0, members)
        return crossed
    for state, weight in enumerate(seen):
        is_last = state == len(seen) - 1
        upper = (
            None
            if is_last
            else _log_below(layout, chunk, position, finding.background, finding.cumulative, state, members)
        )
        if weight > 0:
            if lower is None:
                chance = np.exp(upper) if upper is not None else np.ones_like(scores)
            else:
                top = np.zeros(1) if upper is None else upper
                step = lower - top
                if not is_last:
                    crossed |= (step > 1e-12).any(axis=1)
                chance = np.exp(top) * -np.expm1(np.minimum(step, 0.0))
            total = weight * chance if total is None else total + weight * chance
        lower = upper
    with np.errstate(divide="ignore"):
        scores += np.log(np.maximum(total, 1e-300)) if total is not None else 0.0
    return crossed


def _log_below(
    layout: JudgementLayout,
    chunk: DrawChunk,
    position: int,
    background: Floats,
    cumulative: Floats,
    step: int,
    members: Floats,
) -> Floats:
    """Return log P(X < s | H) under every draw, (n_draws, n_kept); see `thighdx.network.gates`."""
    column = layout.backgrounds[position][step]
    b = chunk.values[:, [column]] if column != NO_JUDGEMENT else np.full((len(chunk.values), 1), background[step])
    links = layout.links[position][:, step]
    spec = cumulative[:, step]
    rows = np.where(links == NO_JUDGEMENT, spec, chunk.values[:, links])
    rows = np.where(np.isnan(rows), b, rows)  # (n_draws, n_causes)
    with np.errstate(divide="ignore"):
        kept = np.clip(np.log(rows) - np.log(b), LOWEST, 0.0)
        not_caused = np.clip(np.log1p(-rows) - np.log1p(-b), LOWEST, 0.0)
    left = b * np.exp(kept @ members)
    return np.asarray(np.log1p(-left) + not_caused @ members)
