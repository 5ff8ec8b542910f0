"""Credible intervals for many cases: the delta method over the leading explanations of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.errors import UnknownNameError, nearest_hint
from thighdx.inference.batch import EvidenceBatch, take_cases
from thighdx.inference.engine import Posteriors, infer
from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.batch_rows import known_rows
from thighdx.reasoning.batch_tables import LeadingTables, finding_tables, prior_tables
from thighdx.reasoning.gradients import case_gradient
from thighdx.reasoning.intervals import cornish_fisher, delta_moments
from thighdx.reasoning.layout import Indices, JudgementLayout, judgement_layout

__all__ = ["MUST_NOT_MISS", "SMALLEST_POSTERIOR", "BatchIntervals", "batch_intervals"]

SMALLEST_POSTERIOR = 1e-4
"""Causes that are less likely get no interval unless they are always asked for."""
MUST_NOT_MISS = "must_not_miss"
"""The group of causes that always get one."""
# An explanation that holds less of every cause it matters for is left out; see `batch_kernel.keep_leading`.
LEFT_OUT = 2e-2
# Cases worked on at once.
CHUNK = 2_048
# Beyond this what lies outside is lost in the rounding of what lies inside.
NEARLY_CERTAIN = 1 - 1e-11


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
    scored: Posteriors | None = None,
    n_threads: int | None = None,
) -> BatchIntervals:
    """Return how far the posteriors of many cases move when the judgements vary as elicited.

    Parameters
    ----------
    level : float
        Probability inside, in (0, 1).
    causes : sequence of str, optional
        Causes that get an interval in every case; default those of the group `MUST_NOT_MISS`, if there is one.
        Causes with a posterior above `SMALLEST_POSTERIOR` get one too.
    scored : Posteriors, optional
        Posteriors of the causes, if they are known already; computed here otherwise.
    n_threads : int, optional
        Default: as many as there are processors. Results do not depend on it.

    Notes
    -----
    Means what `credible_intervals` with ``method="delta"`` means, in single precision and over fewer
    explanations. Most rows run in compiled code (compiled at first use, then kept on disk); rows with a cause
    beyond `NEARLY_CERTAIN`, models of another `max_causes` than 3, and all rows without numba are computed one by
    one, which takes some hundredths of a second each.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: got {level!r}, expected a probability in (0, 1), such as 0.9")
    layout = judgement_layout(network, pooled)
    always = _always(network, kb, causes)
    shape = (batch.n_cases, len(network.spec.causes))
    found = BatchIntervals(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))
    scored = infer(network, batch) if scored is None else scored
    with ThreadPoolExecutor(n_threads or os.cpu_count() or 1) as pool:
        pending = []
        for setting in np.unique(batch.setting_idx):
            cases = np.flatnonzero(batch.setting_idx == setting)
            for start in range(0, len(cases), CHUNK):
                chunk = cases[start : start + CHUNK]
                part = take_cases(batch, chunk)
                pending.append(pool.submit(_fill, network, layout, part, scored, always, level, found, chunk))
        for future in pending:
            future.result()
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
    scored: Posteriors,
    always: npt.NDArray[np.bool_],
    level: float,
    found: BatchIntervals,
    rows: Indices,
) -> None:
    """Fill in some rows of one setting."""
    posterior = scored.posterior[rows]
    with np.errstate(divide="ignore"):
        log_odds = special.logit(posterior)
    asked = (always | (posterior > SMALLEST_POSTERIOR)) & ~np.isnan(posterior)
    moments = _moments(
        network, layout, batch, posterior, scored.log_evidence[rows], asked & np.isfinite(log_odds)
    )
    tail = (1 - level) / 2
    ends = special.expit(cornish_fisher(log_odds, moments, [tail, 1 - tail]))
    # the posterior at the medians can lie outside a narrow interval: it is drawn in
    found.lower[rows] = np.where(asked, np.minimum(ends[0], posterior), np.nan)
    found.upper[rows] = np.where(asked, np.maximum(ends[1], posterior), np.nan)
    found.log_odds_sd[rows] = np.where(asked, np.sqrt(moments[:, :, 1]), np.nan)


def _moments(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    posterior: Floats,
    log_evidence: Floats,
    asked: npt.NDArray[np.bool_],
) -> Floats:
    """Return mean shift, variance and third moment of the log odds, (n_cases, n_causes, 3)."""
    out = np.zeros((*asked.shape, 3))
    slow: npt.NDArray[np.bool_] = np.asarray((asked & (posterior > NEARLY_CERTAIN)).any(axis=1))
    has_any = asked.any(axis=1)
    fast = np.flatnonzero(~slow & has_any)
    if not _add_fast(network, layout, batch, fast, posterior, log_evidence, asked, out):
        slow[fast] = True
    for row in np.flatnonzero(slow & has_any):
        case = take_cases(batch, np.array([row]))
        slope = case_gradient(network, layout, case)
        out[row, asked[row]] = delta_moments(network, layout, case, slope)[asked[row]]
    return out


def _add_fast(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    rows: Indices,
    posterior: Floats,
    log_evidence: Floats,
    asked: npt.NDArray[np.bool_],
    out: Floats,
) -> bool:
    """Fill in rows by compiled code; False where there is none."""
    if network.explanations.max_causes != 3 or len(network.blocks) == 0:
        return False  # the compiled code is laid out for up to three causes, and for some context
    try:
        from thighdx.reasoning.batch_kernel import delta_moments_of_cases
    except ModuleNotFoundError:
        return False
    if len(rows) == 0:
        return True
    setting = int(batch.setting_idx[0])
    part = np.zeros((len(rows), asked.shape[1], 3))
    n_small = int((network.explanations.sizes <= 2).sum())
    pairs = network.explanations.members[:n_small, :2]
    place = np.zeros((asked.shape[1] + 1, asked.shape[1] + 1), dtype=np.intp)
    place[pairs[:, 0], pairs[:, 1]] = np.arange(n_small)
    known = known_rows(network, layout, take_cases(batch, rows))
    findings, prior = finding_tables(network, layout), prior_tables(network, layout, setting)
    delta_moments_of_cases(
        posterior[rows],
        log_evidence[rows],
        asked[rows],
        batch.given[rows],
        known.states,
        known.state_ptr,
        known.patterns,
        known.pattern_ptr,
        known.mixed_ptr,
        known.mixtures,
        LEFT_OUT,
        network.explanations.members,
        place,
        n_small,
        LeadingTables(prior.log_prior, findings.logs, findings.logs_by_explanation, known.blocks.log_known),
        findings,
        prior,
        known.blocks,
        part,
    )
    out[rows] = part
    return True
