"""Slopes of what is known about a case over its leading explanations, summed over those that hold two causes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from thighdx.reasoning.batch_leading import FAST, FINDING

__all__ = [
    "BEND",
    "FIRST",
    "NEGLIGIBLE",
    "ONE",
    "count_columns",
    "fill_columns",
    "fill_mixed",
    "find_company",
    "sum_pairs",
]

# A judgement about cause c is not followed to cause k where c comes with k, and without k, more rarely than this.
NEGLIGIBLE = 0.01
# Columns that are always there: 1, and half the second order of log w.
ONE, BEND, FIRST = 0, 1, 2


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add_row(sums: Any, r: int, columns: Any, j: int) -> None:
    for q in range(columns.shape[1]):
        sums[r, q] += columns[j, q]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _open_row(row_of: Any, pair: int, blank: int, n_rows: int) -> Any:
    if row_of[pair] == blank:
        row_of[pair] = n_rows
        n_rows += 1
    return n_rows


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def sum_pairs(
    columns: Any, kept: Any, members: Any, ends: Any, place: Any, row_of: Any, n_causes: int
) -> Any:
    """Sum columns over the explanations that hold two causes.

    Parameters
    ----------
    columns : (n_kept, n_columns) float64
    ends : (3,) int64
        Where explanations of one, of two and of three causes end among those kept.
    row_of : (n_small,) int64
        Filled in: the row of sums of every pair, by its explanation; `n_causes`, a row of zeros, where none
        is kept. Single causes are their own rows.

    Returns
    -------
    (n_rows, n_columns) float64
    """
    row_of[:n_causes] = np.arange(n_causes)
    row_of[n_causes:] = n_causes
    n_rows = n_causes + 1
    for j in range(ends[0], ends[2]):
        a, b, c = members[kept[j], 0], members[kept[j], 1], members[kept[j], 2]
        n_rows = _open_row(row_of, place[a, b], n_causes, n_rows)
        if c < n_causes:
            n_rows = _open_row(row_of, place[a, c], n_causes, n_rows)
            n_rows = _open_row(row_of, place[b, c], n_causes, n_rows)
    sums = np.zeros((n_rows, columns.shape[1]))
    for j in range(ends[2]):
        a, b, c = members[kept[j], 0], members[kept[j], 1], members[kept[j], 2]
        _add_row(sums, a, columns, j)
        if j >= ends[0]:
            _add_row(sums, b, columns, j)
            _add_row(sums, row_of[place[a, b]], columns, j)
        if j >= ends[1]:
            _add_row(sums, c, columns, j)
            _add_row(sums, row_of[place[a, c]], columns, j)
            _add_row(sums, row_of[place[b, c]], columns, j)
    return sums


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def count_columns(states: Any, patterns: Any, mixed: Any, mixtures: Any, findings: Any, blocks: Any) -> Any:
    """Return how many columns one case has."""
    n = FIRST
    for s in states:
        for item in range(findings.item_start[s], findings.item_start[s + 1]):
            n += findings.item_slope[item] >= 0
    for p in patterns:
        n += blocks.feature_start[p + 1] - blocks.feature_start[p]
    for m in range(mixed[0], mixed[1]):
        first, last = mixtures.start[m], mixtures.start[m + 1]
        if mixtures.kind[m] == FINDING:
            n += last - first - 1
        elif mixtures.kind[m] == FINDING + 1:
            p = mixtures.row[first]
            n += blocks.feature_start[p + 1] - blocks.feature_start[p]
    return n


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _fill_bends(
    states: Any, patterns: Any, kept: Any, w: Any, n_pairs: int, findings: Any, blocks: Any, prior: Any, bends: Any,
    columns: Any,
) -> None:  # fmt: skip
    """Write half the second order of log w, times w; `n_pairs` of those kept have one or two causes."""
    bends[:] = prior.bend[: len(bends)]  # of all of one or two causes: rows are added faster than looked up
    for s in states:
        row = findings.bends[s]
        for h in range(len(bends)):
            bends[h] += row[h]
    for p in patterns:
        row = blocks.bend[p]
        for h in range(len(bends)):
            bends[h] += row[h]
    for j in range(n_pairs):
        columns[j, BEND] = 0.5 * w[j] * bends[kept[j]]
    n_left = len(columns) - n_pairs
    large = np.empty(n_left, dtype=np.float32)
    own = kept[n_pairs : len(columns)]
    for j in range(n_left):
        large[j] = prior.bend[own[j]]
    for s in states:
        row = findings.bends[s]
        for j in range(n_left):
            large[j] += row[own[j]]
    for p in patterns:
        row = blocks.bend[p]
        for j in range(n_left):
            large[j] += row[own[j]]
    for j in range(n_left):
        columns[n_pairs + j, BEND] = 0.5 * w[n_pairs + j] * large[j]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def fill_columns(
    states: Any, patterns: Any, kept: Any, w: Any, n_pairs: int, findings: Any, blocks: Any, prior: Any, bends: Any,
    columns: Any, steps: Any,
) -> Any:  # fmt: skip
    """Write the columns of what is known for certain, times w; return how many there are."""
    n_kept = len(columns)
    columns[:, ONE] = w[:n_kept]
    _fill_bends(states, patterns, kept, w, n_pairs, findings, blocks, prior, bends, columns)
    q = FIRST
    for s in states:
        for item in range(findings.item_start[s], findings.item_start[s + 1]):
            if findings.item_slope[item] >= 0:
                row = findings.slopes[findings.item_slope[item]]
                for j in range(n_kept):
                    columns[j, q] = w[j] * row[kept[j]]
                steps[q] = findings.item_step[item]
                q += 1
    for p in patterns:
        for f in range(blocks.feature_start[p], blocks.feature_start[p + 1]):
            row = blocks.surprise[f]
            for j in range(n_kept):
                columns[j, q] = w[j] * row[kept[j]]
            q += 1
    return q


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def fill_mixed(
    m: int, mixtures: Any, kept: Any, w: Any, findings: Any, blocks: Any, tables: Any, columns: Any, steps: Any, q: int,
) -> Any:  # fmt: skip
    """Write the columns of one piece of virtual evidence, from `q` on; return where the next one goes.

    The logarithm of a weighted sum has slopes that are means of the slopes of what is summed, by what each
    holds of the sum; and its second order, P''/P, is a mean in the same way.
    """
    first, last = mixtures.start[m], mixtures.start[m + 1]
    is_finding = mixtures.kind[m] == FINDING
    lowest = findings.item_step[findings.item_start[mixtures.row[first]]]  # the first step of a finding
    n_own = last - first - 1
    if not is_finding:
        p = mixtures.row[first]
        n_own = blocks.feature_start[p + 1] - blocks.feature_start[p]
    columns[:, q : q + n_own] = 0.0
    holds = np.empty(last - first)
    for j in range(len(columns)):
        h = kept[j]
        for i in range(first, last):
            table = tables.finding_logs if is_finding else tables.block_logs
            holds[i - first] = mixtures.weight[i] * np.exp(table[mixtures.row[i], h])
        holds *= w[j] / holds.sum()
        for i in range(first, last):
            row, part = mixtures.row[i], holds[i - first]
            if part <= 0.0:
                continue
            if is_finding:
                columns[j, BEND] += 0.5 * part * findings.bends[row, h]
                for item in range(findings.item_start[row], findings.item_start[row + 1]):
                    slope = findings.item_slope[item]
                    value = 1.0 if slope < 0 else findings.slopes[slope, h]
                    columns[j, q + findings.item_step[item] - lowest] += part * value
            else:
                columns[j, BEND] += 0.5 * part * blocks.bend[row, h]
                for f in range(n_own):
                    columns[j, q + f] += part * blocks.surprise[blocks.feature_start[row] + f, h]
    if is_finding:
        for t in range(n_own):
            steps[q + t] = lowest + t
    return q + n_own


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def find_company(
    sums: Any, place: Any, row_of: Any, sides: Any, company: Any, rows: Any, counts: Any
) -> None:
    """List for every cause those that its judgements move, itself first, and the rows of sums of both."""
    n_causes = len(counts)
    for c in range(n_causes):
        n = 0
        if sides[0, c] > 0.0:
            company[c, 0], rows[c, 0], n = c, c, 1
        whole = sums[c, ONE]
        for k in range(n_causes):
            if k == c or sides[0, k] == 0.0:
                continue
            r = row_of[place[min(c, k), max(c, k)]]
            both = sums[r, ONE]
            if both * sides[0, k] > NEGLIGIBLE or (whole - both) * sides[1, k] > NEGLIGIBLE:
                company[c, n], rows[c, n] = k, r
                n += 1
        counts[c] = n
