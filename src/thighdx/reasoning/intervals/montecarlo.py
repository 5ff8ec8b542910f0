"""The distribution of posteriors when every judgement is drawn from its own: the reference for intervals.

Every draw picks one panel per judgement and a value from its distribution, all judgements independent, solves
base rates and frequencies again, and recomputes the posterior of the case. Unknown variables drop out of
every draw, so only what is known has to be rebuilt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from thighdx.arrays import below_peak
from thighdx.errors import OptionError
from thighdx.evidence.batch import EvidenceBatch
from thighdx.inference.engine import log_weights
from thighdx.network.build import Network
from thighdx.network.groups import group_sets
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.case_under_values import CaseUnderValues
from thighdx.reasoning.intervals.draws import CHUNK, draw_chunk
from thighdx.reasoning.intervals.layout import JudgementLayout

__all__ = ["DRAW_SHARE", "PosteriorDraws", "draw_log_odds"]

DRAW_SHARE = 1e-3
"""Large explanations that hold less of every member's mass are left out; see `draw_log_odds`."""


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorDraws:
    """Posterior log odds of some sets of explanations under drawn judgements.

    Attributes
    ----------
    log_odds : (n_draws, n_sets) float64
    values : (n_draws, n_judgements) float64
        The drawn judgements: probabilities and odds ratios.
    redrawn : mapping of str to int
        Draws in which something had to be drawn again, by reason; see `DrawChunk`.
    crossed_mass : float
        Posterior mass, at the point values and averaged over the draws, of explanations for which a draw left
        no probability to the known state of an ordered finding, because cumulative rows that are
        ordered for single causes crossed for several: the state counts as impossible there.
    """

    log_odds: Floats
    values: Floats
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
        raise OptionError(f"n_draws: got {n_draws}, expected 1 or more")
    sets = np.concatenate([network.membership, group_sets(network.membership, list(groups))], axis=1)
    logs = log_weights(network, batch)[0]
    weights = below_peak(logs)
    rarest = np.append(weights @ network.membership, np.inf)[network.explanations.members].min(axis=1)
    kept = np.flatnonzero((weights > 0) & ((network.explanations.sizes <= 2) | (weights >= least * rarest)))
    point = _log_odds(logs[None, :], sets)
    is_open = np.isfinite(point[0])
    missed = np.where(is_open, point, 0.0) - np.where(is_open, _log_odds(logs[None, kept], sets[kept]), 0.0)
    case, share = CaseUnderValues(network, layout, batch, kept), weights[kept] / weights.sum()
    chunks, parts, crossed_mass = [], [], 0.0
    for number in range(-(-n_draws // CHUNK)):
        size = min(CHUNK, n_draws - number * CHUNK)
        chunk = draw_chunk(network, layout, seed=seed, number=number, n_draws=size)
        found = case.weights(chunk)
        drawn = _log_odds(found.log, sets[kept])
        parts.append(np.where(is_open, np.where(is_open, drawn, 0.0) + missed, point))
        chunks.append(chunk)
        crossed_mass += float((found.crossed @ share).sum()) / n_draws
    redrawn = sum((chunk.redrawn for chunk in chunks), start=Counter[str]())  # without what is 0
    values = np.concatenate([chunk.natural for chunk in chunks])
    return PosteriorDraws(np.concatenate(parts), values, redrawn, crossed_mass)


def _log_odds(logs: Floats, sets: Floats) -> Floats:
    """Return log odds of sets from log weights, (n_draws, n_sets)."""
    weights = below_peak(logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(weights @ sets) - np.log(weights @ (1.0 - sets)))
