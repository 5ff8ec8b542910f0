"""Credible intervals for many cases: the delta method over the leading explanations of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.engine import log_weights
from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.batch_tables import BlockTable, block_table, finding_tables, prior_tables
from thighdx.reasoning.gradients import case_gradient
from thighdx.reasoning.intervals import cornish_fisher
from thighdx.reasoning.layout import Indices, JudgementLayout, judgement_layout

__all__ = ["MUST_NOT_MISS", "SMALLEST_POSTERIOR", "BatchIntervals", "batch_intervals"]

SMALLEST_POSTERIOR = 1e-4
"""Causes that are less likely get no interval unless they are always asked for."""
MUST_NOT_MISS = "must_not_miss"
"""The group of causes that always get one."""
# An explanation that holds less of every cause it matters for is left out; see `batch_kernel.keep_leading`.
LEFT_OUT = 1e-4
# Weights worked on at once: 32 MB in single precision.
WEIGHTS_AT_ONCE = 8_000_000
# Patterns of contexts kept with a network: about 0.1 MB each.
MAX_PATTERNS = 2_000
# Below this the single precision of the tables would show in the odds.
CERTAIN = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class BatchIntervals:
    """Central credible intervals by the delta method.

    Attributes
    ----------
    lower, upper : (n_cases, n_causes) float64
        NaN where a cause was not asked for in a case, or the evidence is impossible; both end points are the
        posterior where a cause is impossible or certain.
    log_odds_sd : (n_cases, n_causes) float64
    """

    lower: Floats
    upper: Floats
    log_odds_sd: Floats


def batch_intervals(
    network: Network,
    kb: KnowledgeBase,
    pooled: Mapping[PooledKey, PooledJudgement],
    batch: EvidenceBatch,
    level: float,
    *,
    causes: Sequence[str] | None = None,
) -> BatchIntervals:
    """Return how far the posteriors of many cases move when the judgements vary as elicited.

    Parameters
    ----------
    level : float
        Probability inside, in (0, 1).
    causes : sequence of str, optional
        Causes that get an interval in every case; default those of the group `MUST_NOT_MISS`, if there is one.
        Causes with a posterior above `SMALLEST_POSTERIOR` get one too.

    Notes
    -----
    Means what `credible_intervals` with ``method="delta"`` means. Rows without virtual evidence run in compiled
    code; without numba, and for virtual evidence, rows are computed one by one, which is a hundred times slower.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: got {level!r}, expected a probability in (0, 1), such as 0.9")
    layout = judgement_layout(network, pooled)
    always = _always(network, kb, causes)
    shape = (batch.n_cases, len(network.spec.causes))
    found = BatchIntervals(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))
    size = max(1, WEIGHTS_AT_ONCE // network.explanations.n_explanations)
    for setting in np.unique(batch.setting_idx):
        cases = np.flatnonzero(batch.setting_idx == setting)
        for start in range(0, len(cases), size):
            chunk = cases[start : start + size]
            _fill(network, layout, take_cases(batch, chunk), always, level, found, chunk)
    return found


def _always(network: Network, kb: KnowledgeBase, causes: Sequence[str] | None) -> npt.NDArray[np.bool_]:
    """Return which causes get an interval in every case."""
    named = causes
    if named is None:
        named = next((group.members for group in kb.groups if group.id == MUST_NOT_MISS), ())
    for cause in named:
        if cause not in network.spec.causes:
            hint = nearest_hint(cause, network.spec.causes) or "see model.causes"
            raise UnknownNameError(f"unknown cause {cause!r}; {hint}")
    return np.array([cause in named for cause in network.spec.causes])


def _fill(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    always: npt.NDArray[np.bool_],
    level: float,
    found: BatchIntervals,
    rows: Indices,
) -> None:
    """Fill in some rows of one setting."""
    logs = log_weights(network, batch, dtype="float32")
    peak = logs.max(axis=1)
    is_possible = np.isfinite(peak)
    weights = np.exp(logs - np.where(is_possible, peak, 0)[:, None])
    inside = weights @ network.membership.astype(np.float32)
    total = weights.sum(axis=1, dtype=np.float64)
    outside = weights @ (1.0 - network.membership).astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_odds = np.log(inside.astype(np.float64)) - np.log(outside.astype(np.float64))
    asked = (always | (inside > SMALLEST_POSTERIOR * total[:, None])) & is_possible[:, None]
    moments = _moments(network, layout, batch, weights, asked & np.isfinite(log_odds))
    points = _end_points(log_odds, moments, level)
    for target, values in zip((found.lower, found.upper), points, strict=True):
        target[rows] = np.where(asked, values, np.nan)
    found.log_odds_sd[rows] = np.where(asked, np.sqrt(moments[:, :, 1]), np.nan)


def _end_points(log_odds: Floats, moments: Floats, level: float) -> tuple[Floats, Floats]:
    """Return lower and upper end points as probabilities, the posterior between them."""
    tail = (1 - level) / 2
    ends = cornish_fisher(log_odds, moments[..., 0], moments[..., 1], moments[..., 2], np.array([tail, 1 - tail]))
    posterior = special.expit(log_odds)
    return np.minimum(special.expit(ends[0]), posterior), np.maximum(special.expit(ends[1]), posterior)


def _moments(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, weights: Floats, asked: npt.NDArray[np.bool_]
) -> Floats:
    """Return mean shift, variance and third moment of the log odds, (n_cases, n_causes, 3)."""
    out = np.zeros((*asked.shape, 3))
    slow = np.zeros(batch.n_cases, dtype=bool)
    for item in batch.likelihoods:
        slow[item.case_idx] = True
    try:
        from thighdx.reasoning.batch_kernel import delta_moments
    except ModuleNotFoundError:
        slow[:] = True
    else:
        fast = np.flatnonzero(~slow & asked.any(axis=1))
        if len(fast):
            states, state_ptr = _known_states(network, batch.codes[fast])
            patterns, pattern_ptr, blocks = _known_patterns(network, layout, batch, fast)
            part = np.zeros((len(fast), asked.shape[1], 3))
            delta_moments(
                weights[fast],
                asked[fast],
                states,
                state_ptr,
                patterns,
                pattern_ptr,
                LEFT_OUT,
                network.explanations.members,
                finding_tables(network, layout),
                prior_tables(network, layout, int(batch.setting_idx[0])),
                blocks,
                part,
                np.zeros(len(fast), dtype=np.int64),
            )
            out[fast] = part
    shift = np.where(np.isfinite(layout.point), layout.mean - layout.point, 0.0) if slow.any() else np.zeros(0)
    for row in np.flatnonzero(slow & asked.any(axis=1)):
        slope = case_gradient(network, layout, take_cases(batch, np.array([row]))).gradient
        out[row] = np.stack([slope @ shift, slope**2 @ layout.sd**2, slope**3 @ layout.third], axis=1)
        out[row, ~asked[row]] = 0.0
    return out


def _known_states(network: Network, codes: npt.NDArray[np.int8]) -> tuple[Indices, Indices]:
    """Return the rows of known finding states of every case, and where each case starts."""
    own = codes[:, network.n_contexts :]
    case_idx, finding_idx = np.nonzero(own != UNKNOWN)
    first = network.state_offset[network.n_contexts :]
    states = first[finding_idx] + own[case_idx, finding_idx]
    pointer = np.concatenate([[0], np.cumsum((own != UNKNOWN).sum(axis=1))])
    return states.astype(np.intp), pointer.astype(np.intp)


def _known_patterns(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, cases: Indices
) -> tuple[Indices, Indices, object]:
    """Return the block patterns of every case, where each case starts, and the tables they point to."""
    from numba.typed import List

    setting = int(batch.setting_idx[0])
    kept = network.cache.setdefault(("block_tables", setting), {})
    if not isinstance(kept, dict) or len(kept) > MAX_PATTERNS:
        network.cache[("block_tables", setting)] = kept = {}
    blocks = List()
    place = np.full((len(cases), len(network.blocks)), -1, dtype=np.intp)
    for slot, block in enumerate(network.blocks):
        codes = batch.codes[np.ix_(cases, list(block.context_idx))]
        patterns, pattern_idx = np.unique(codes, axis=0, return_inverse=True)
        for number, states in enumerate(patterns):
            if (states != UNKNOWN).any():
                key = (slot, states.tobytes())
                table = kept.get(key)
                if not isinstance(table, BlockTable):
                    kept[key] = table = block_table(network, layout, setting, block, states)
                place[pattern_idx.reshape(-1) == number, slot] = len(blocks)
                blocks.append(table)
    if len(blocks) == 0:  # a typed list needs a member to know its type
        empty = np.full(len(network.blocks[0].context_idx) if network.blocks else 0, UNKNOWN, dtype=np.int8)
        blocks.append(block_table(network, layout, setting, network.blocks[0], empty))
    pointer = np.concatenate([[0], np.cumsum((place >= 0).sum(axis=1))])
    return place[place >= 0], pointer.astype(np.intp), blocks
