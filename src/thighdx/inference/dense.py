"""Double precision, every explanation: the compiled twin of the numpy engine.

Also scores what the pruned kernel leaves: virtual evidence, causes given as present, sets of explanations
that are no groups of causes, evidence so contradictory that single precision runs out of exponents.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from thighdx.inference.exp2 import exp2_wide
from thighdx.inference.lanes import WIDE, load, splat, store, total
from thighdx.network.spec import Floats

__all__ = ["Mixtures", "score_dense"]

# Products of likelihoods are folded into the logarithms before they leave this range.
SMALL, LARGE = 1e-150, 1e150


class Mixtures(NamedTuple):
    """Virtual evidence: factors sum_s weight_s P(s | H), as many per case as it has.

    Attributes
    ----------
    ptr : (n_cases + 1,) int64
        Items of case i are ptr[i] to ptr[i + 1].
    first, n_rows, offset : (n_items,) int64
        First row and number of rows of `tables`; position of the first of as many `weights`.
    tables : (n_tables, n_explanations) float64
        P(state or cell | H), linear.
    """

    ptr: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    n_rows: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int64]
    weights: Floats
    tables: Floats


@njit(nogil=True, cache=True, error_model="numpy")
def score_dense(
    codes: Any, cases: Any, patterns: Any, given: Any, row_of: Any, base_row: int, findings: Any,
    contexts: Any, members: Any, causes: Any, sets: Any, mixtures: Any, posterior: Any,
    log_evidence: Any,
) -> None:  # fmt: skip
    """Fill in the rows `cases` of the results.

    Parameters
    ----------
    given : (n_cases, n_causes) int8
        Of the chosen cases, by the network's numbering; as in `EvidenceBatch`.
    members : (n_explanations, max_causes) intp
    sets : (n_sets * n_padded,) float64
        0/1, explanations padded with 0 to whole vectors; empty: one set per cause.
    """
    n_explanations, n_causes = len(members), len(causes)
    n_padded = (n_explanations + WIDE - 1) // WIDE * WIDE
    n_variables = codes.shape[1]
    n_sets = len(sets) // n_padded if len(sets) else n_causes
    log_weight = np.full(n_padded, -np.inf)
    weight = np.zeros(n_padded)
    factor = np.ones(n_padded)
    mixed = np.empty(n_explanations)
    inside, outside = np.empty(n_sets), np.empty(n_sets)
    rows = np.empty(n_variables + patterns.shape[1] + 1, np.int64)
    for at in range(len(cases)):
        case = cases[at]
        rows[0] = base_row
        n_rows = 1
        for variable in range(n_variables):
            rows[n_rows] = row_of[variable, codes[case, variable] + 1]
            n_rows += rows[n_rows] >= 0
        for joint in range(patterns.shape[1]):
            rows[n_rows] = patterns[at, joint]
            n_rows += rows[n_rows] >= 0
        log_weight[:n_explanations] = 0.0
        for q in range(n_rows):
            if rows[q] < base_row:
                add_row(log_weight, findings, rows[q])
            else:
                add_row(log_weight, contexts, rows[q] - base_row)
        exclude(log_weight, given[at], members, causes)
        factor[:] = 1.0
        for item in range(mixtures.ptr[at], mixtures.ptr[at + 1]):
            mix(mixed, mixtures, item)
            is_small = False
            for h in range(n_explanations):
                factor[h] *= mixed[h]
                is_small |= factor[h] < SMALL or factor[h] > LARGE
            if is_small:
                fold(log_weight, factor)
        peak = log_weight.max()
        whole = exponentiate(weight, log_weight, factor, peak)
        if not whole >= SMALL:
            fold(log_weight, factor)
            peak = log_weight.max()
            whole = exponentiate(weight, log_weight, factor, peak)
        if peak == -np.inf:
            posterior[case] = np.nan
            log_evidence[case] = -np.inf
            continue
        inside[:] = 0.0
        if len(sets):
            for s in range(n_sets):
                a, b = splat(0.0), splat(0.0)
                for h in range(0, n_padded, WIDE):
                    value, part = load(weight, h), load(sets, s * n_padded + h)
                    a = a + value * part
                    b = b + value * (splat(1.0) - part)
                inside[s], outside[s] = total(a), total(b)
        else:
            for h in range(n_explanations):
                for slot in range(members.shape[1]):
                    if members[h, slot] < n_causes:
                        inside[causes[members[h, slot]]] += weight[h]
            for s in range(n_sets):
                # what rounding makes of "everything but nothing" is nothing: then the ratio is 1, never more
                outside[s] = max(0.0, whole - inside[s])
        for s in range(n_sets):
            posterior[case, s] = inside[s] / (inside[s] + outside[s])
        log_evidence[case] = peak * np.log(2.0) + np.log(whole)


@njit(nogil=True, cache=True)
def add_row(log_weight: Any, table: Any, row: int) -> None:
    """Add a row of a table."""
    for h in range(table.shape[1]):
        log_weight[h] += table[row, h]


@njit(nogil=True, cache=True)
def exclude(log_weight: Any, given: Any, members: Any, causes: Any) -> None:
    """Give explanations that contradict a given cause weight 0."""
    n_present = 0
    is_given = False
    for i in range(len(given)):
        n_present += given[i] == 1
        is_given |= given[i] >= 0
    if is_given:
        for h in range(len(members)):
            n_found = 0
            for slot in range(members.shape[1]):
                if members[h, slot] < len(causes):
                    value = given[causes[members[h, slot]]]
                    n_found += value == 1
                    if value == 0:
                        n_found = -members.shape[1]
            if n_found < n_present:
                log_weight[h] = -np.inf


@njit(nogil=True, cache=True)
def mix(mixed: Any, mixtures: Any, item: int) -> None:
    """Compute sum_s weight_s P(s | H)."""
    mixed[:] = 0.0
    for s in range(mixtures.n_rows[item]):
        weight = mixtures.weights[mixtures.offset[item] + s]
        if weight > 0.0:
            row = mixtures.first[item] + s
            for h in range(len(mixed)):
                mixed[h] += weight * mixtures.tables[row, h]


@njit(nogil=True, cache=True)
def fold(log_weight: Any, factor: Any) -> None:
    """Move factors into the logarithms."""
    for h in range(len(factor)):
        log_weight[h] += np.log2(factor[h]) if factor[h] > 0.0 else -np.inf
        factor[h] = 1.0


@njit(nogil=True, cache=True)
def exponentiate(weight: Any, log_weight: Any, factor: Any, peak: float) -> float:
    """Turn log weights into weights and return their sum."""
    shift = splat(peak if peak > -np.inf else 0.0)
    whole = splat(0.0)
    for h in range(0, len(weight), WIDE):
        value = exp2_wide(load(log_weight, h) - shift) * load(factor, h)
        whole = whole + value
        store(weight, h, value)
    result: float = total(whole)
    return result
