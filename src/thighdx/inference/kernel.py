"""Compiled exact inference: the same answers as the numpy engine, for many cases at once.

Every case is computed on its own from tables that do not depend on the others, so results are the same to the
last bit for any number of threads, any order and any division into chunks.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.inference.dense import Mixtures, score_dense
from thighdx.inference.engine import Posteriors
from thighdx.inference.lanes import WIDE
from thighdx.inference.layout import Ints
from thighdx.inference.patterns import find_patterns
from thighdx.inference.plan import Plan, make_plan
from thighdx.inference.pruned import score_pruned
from thighdx.inference.tables import Dtype, setting_tables
from thighdx.inference.wanted import Wanted, find_wanted
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["infer_compiled"]

# Cases handed to a thread at once: long enough that handing over costs nothing, short enough to share evenly.
CHUNK = 2_048
Cases = npt.NDArray[np.intp]


def infer_compiled(
    network: Network,
    batch: EvidenceBatch,
    *,
    sets: Floats | None = None,
    dtype: Dtype = "float32",
    n_threads: int | None = None,
) -> Posteriors:
    """Return posteriors for every case; means what `engine.infer` means.

    Parameters
    ----------
    network : Network
    batch : EvidenceBatch
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.
    dtype : {"float32", "float64"}
        "float64" agrees with `engine.infer` in double precision to 1e-12; "float32" to 1e-6 and, for
        posteriors above 1e-9, to a ten-thousandth of their value. The result is float64 in either case.
    n_threads : int, optional
        Default: as many as there are processors this process may use.

    Notes
    -----
    Compiles at first use, which takes seconds; the machine code is kept on disk. Memory beyond input and
    output does not grow with the number of cases.
    """
    n_sets = network.membership.shape[1] if sets is None else sets.shape[1]
    result = Posteriors(np.empty((batch.n_cases, n_sets)), np.empty(batch.n_cases))
    codes = np.ascontiguousarray(batch.codes)
    with ThreadPoolExecutor(n_threads or _n_processors()) as pool:
        pending = []
        for setting in np.unique(batch.setting_idx):
            plan = make_plan(network, int(setting))
            wanted = find_wanted(network, plan, sets) if dtype == "float32" else None
            cases = np.flatnonzero(batch.setting_idx == setting)
            for start in range(0, len(cases), CHUNK):
                chunk = cases[start : start + CHUNK]
                pending.append(
                    pool.submit(_score, network, batch, codes, int(setting), chunk, sets, wanted, result)
                )
        for future in pending:
            future.result()
    return result


def _n_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _score(
    network: Network,
    batch: EvidenceBatch,
    codes: npt.NDArray[np.int8],
    setting: int,
    cases: Cases,
    sets: Floats | None,
    wanted: Wanted | None,
    result: Posteriors,
) -> None:
    """Score some cases of one setting, in single precision where that will do."""
    own, given = codes[cases], batch.given[cases]
    plan, patterns = find_patterns(network, setting, own)
    is_left = np.ones(len(cases), dtype=np.bool_)
    if wanted is not None and 2 <= plan.layout.explanations.max_causes <= 3:
        is_left = (given == 1).any(axis=1) | _has_likelihood(batch, cases)
        posterior = np.empty((len(cases), result.posterior.shape[1]))
        log_evidence = np.empty(len(cases))
        score_pruned(plan, own, patterns, given, is_left, wanted, posterior, log_evidence)
        result.posterior[cases], result.log_evidence[cases] = posterior, log_evidence
    if is_left.any():
        left = np.flatnonzero(is_left)
        items = (
            _likelihoods(batch.likelihoods, cases[left]),
            _likelihoods(batch.cause_likelihoods, cases[left]),
        )
        _score_left(
            network, plan, setting, own[left], patterns[left], given[left], items, sets, cases[left], result
        )


def _has_likelihood(batch: EvidenceBatch, cases: Cases) -> npt.NDArray[np.bool_]:
    """Return which of some cases (ascending) have virtual evidence."""
    found = np.zeros(len(cases), dtype=np.bool_)
    for item in (*batch.likelihoods, *batch.cause_likelihoods):
        _, place, _ = _common(cases, item.case_idx)
        found[place] = True
    return found


def _common(cases: Cases, others: Cases) -> tuple[Cases, Cases, Cases]:
    """Return what two ascending lists share, and where; looks only at the stretch that can."""
    first, last = np.searchsorted(others, [cases[0], cases[-1] + 1])
    shared, place, where = np.intersect1d(cases, others[first:last], assume_unique=True, return_indices=True)
    return shared, place, where + first


def _likelihoods(items: tuple[Likelihood, ...], cases: Cases) -> list[Likelihood]:
    """Return the virtual evidence of some cases, renumbered, by variable."""
    found = []
    for item in sorted(items, key=lambda item: item.variable_idx):
        _, place, where = _common(cases, item.case_idx)
        if len(place):
            found.append(Likelihood(item.variable_idx, place, item.weights[where]))
    return found


def _score_left(
    network: Network,
    plan: Plan,
    setting: int,
    codes: npt.NDArray[np.int8],
    patterns: Ints,
    given: npt.NDArray[np.int8],
    items: tuple[list[Likelihood], list[Likelihood]],
    sets: Floats | None,
    cases: Cases,
    result: Posteriors,
) -> None:
    """Score cases in double precision over every explanation."""
    layout = plan.layout
    columns = np.zeros(0)
    if sets is not None:
        padded = np.zeros((sets.shape[1], -(-len(sets) // WIDE) * WIDE))
        padded[:, : len(sets)] = sets[layout.columns].T
        columns = padded.reshape(-1)
    mixtures, log_scale, patterns = _mix(network, plan, setting, codes, patterns, items)
    posterior = np.empty((len(cases), result.posterior.shape[1]))
    log_evidence = np.empty(len(cases))
    score_dense(
        codes, np.arange(len(cases)), patterns, given, plan.row_of, plan.base_row, plan.exact.findings,
        plan.exact.contexts, layout.explanations.members, layout.causes, columns, mixtures, posterior,
        log_evidence,
    )  # fmt: skip
    result.posterior[cases], result.log_evidence[cases] = posterior, log_evidence + log_scale


def _mix(
    network: Network,
    plan: Plan,
    setting: int,
    codes: npt.NDArray[np.int8],
    patterns: Ints,
    items: tuple[list[Likelihood], list[Likelihood]],
) -> tuple[Mixtures, Floats, Ints]:
    """Lay out virtual evidence case by case; what it replaces is taken from the patterns."""
    tables, first = [np.zeros((0, len(plan.layout.columns)))], 0
    case_idx, firsts, weights = list[Cases](), list[int](), list[Floats]()
    patterns = patterns.copy()
    rows = setting_tables(network, setting, "float64")
    virtual = {item.variable_idx: item for item in items[0]}
    for variable, item in virtual.items():
        if rows.row_offset[variable] >= 0:
            begin = rows.row_offset[variable]
            own = np.asarray(rows.rows[begin : begin + item.weights.shape[1], plan.layout.columns])
            tables.append(np.exp(own))
            case_idx.append(item.case_idx)
            firsts.append(first)
            weights.append(item.weights)
            first += len(own)
    for item in items[1]:
        is_member = network.membership[plan.layout.columns, item.variable_idx]
        tables.append(np.stack([1.0 - is_member, is_member]))
        case_idx.append(item.case_idx)
        firsts.append(first)
        weights.append(item.weights)
        first += 2
    for position, joint in enumerate(plan.joints):
        members = [int(v) for v in joint.table.variable_idx if int(v) in virtual]
        if not members:
            continue
        cells = joint.table.cells
        affected = np.unique(np.concatenate([virtual[v].case_idx for v in members]))
        known = codes[affected][:, None, joint.table.variable_idx]
        weight = ((known == UNKNOWN) | (known == cells[None])).all(axis=2).astype(np.float64)
        for slot, variable in enumerate(joint.table.variable_idx):
            if (found := virtual.get(int(variable))) is not None:
                weight[np.searchsorted(affected, found.case_idx)] *= found.weights[:, cells[:, slot]]
        nothing = np.full(len(joint.table.variable_idx), UNKNOWN, dtype=np.int8)
        patterns[affected, position] = joint.row_of[nothing.tobytes()]
        tables.append(np.asarray(joint.table.probability[:, plan.layout.columns], dtype=np.float64))
        case_idx.append(affected)
        firsts.append(first)
        weights.append(weight)
        first += len(cells)
    return *_flatten(len(codes), case_idx, firsts, weights, np.concatenate(tables)), patterns


def _flatten(
    n_cases: int, case_idx: list[Cases], firsts: list[int], weights: list[Floats], tables: Floats
) -> tuple[Mixtures, Floats]:
    """Sort mixtures by case, scaled to a largest weight of 1; also return the log of the scales."""
    log_scale = np.zeros(n_cases)
    scaled = []
    for cases, weight in zip(case_idx, weights, strict=True):
        peak = weight.max(axis=1, keepdims=True)
        scaled.append(np.divide(weight, peak, out=np.zeros_like(weight), where=peak > 0))
        log_scale[cases] += np.log(np.where(peak > 0, peak, 1.0))[:, 0]
    counts = [np.full(len(cases), weight.shape[1]) for cases, weight in zip(case_idx, weights, strict=True)]
    empty = np.zeros(0, dtype=np.int64)
    case = np.concatenate([empty, *case_idx])
    count = np.concatenate([empty, *counts])
    first = np.concatenate([empty, *(np.full(len(c), f) for c, f in zip(case_idx, firsts, strict=True))])
    offset = np.cumsum(count) - count
    order = np.argsort(case, kind="stable")
    ptr = np.concatenate([[0], np.cumsum(np.bincount(case, minlength=n_cases))])
    flat = np.concatenate([np.zeros(0), *(weight.reshape(-1) for weight in scaled)])
    return Mixtures(ptr, first[order], count[order], offset[order], flat, tables), log_scale
