"""Single causes and pairs of one case, in single precision: the first steps of `pruned`."""

from __future__ import annotations

from typing import Any

import numpy as np

from thighdx.inference.exp2 import FRACTION_BITS, exp2_fixed
from thighdx.inference.lanes import (
    LANES,
    WIDE,
    greatest,
    largest,
    load,
    select_or,
    splat,
    step,
    store,
    total,
)
from thighdx.inference.layout import BLOCK
from thighdx.inference.work import MOST_TRIPLE_ROWS

__all__ = ["NEVER", "UNIT", "add_pairs", "add_singles", "find_rows", "raise_pairs", "spread", "sum_pairs"]

UNIT = 1 << FRACTION_BITS
NEVER = -300 * UNIT


@step
def find_rows(
    work: Any, pack: Any, codes: Any, patterns: Any, flat_of: Any, first: int, n_codes: int, n_packed: int
) -> Any:
    """List the rows of a case; return how many there are, and how many of each kind."""
    rows, inner, dense_rows, bound_rows, tau_rows, sparse_rows = (
        work.rows, work.inner_rows, work.dense_rows, work.bound_rows, work.tau_rows, work.sparse_rows,
    )  # fmt: skip
    m = 1
    for v in range(len(codes)):
        r = flat_of[first + v * n_codes + codes[v] + 1]
        rows[m] = r
        m += r >= 0
    for v in range(len(patterns)):
        r = patterns[v]
        rows[m] = r
        m += r >= 0
    n_inner = 0
    for q in range(m):
        r = rows[q]
        inner[n_inner] = r
        n_inner += pack.is_inner[r]
    n_dense, n_sparse, n_bound, n_tau = 0, 0, 0, 0
    for q in range(n_inner):
        r = inner[q]
        bound_rows[n_bound] = pack.bound_of[r] * np.int64(n_packed)
        n_bound += pack.bound_of[r] >= 0
        dense_rows[n_dense] = pack.dense_of[r] * np.int64(n_packed)
        n_dense += pack.dense_of[r] >= 0
        sparse_rows[n_sparse] = r
        n_sparse += pack.sparse_ptr[r + 1] > pack.sparse_ptr[r]
        if n_tau < MOST_TRIPLE_ROWS:
            tau_rows[n_tau] = r
        n_tau += pack.has_tau[r]
    return m, n_inner, n_dense, n_sparse, n_bound, n_tau


@step
def add_singles(work: Any, pack: Any, grid: Any, given: Any, m: int) -> bool:
    """Add up the terms of single causes in double precision; say whether fixed point can hold them."""
    n, width = len(grid.height), len(work.log_single)
    log_single, rows = work.log_single, work.rows
    for b in range(0, width, WIDE):
        value = load(pack.single, rows[0] * np.int64(width) + b)
        for q in range(1, m):
            value = value + load(pack.single, rows[q] * np.int64(width) + b)
        store(log_single, b, value)
    if not log_single[n + 1] <= 1.0:
        return False
    top = -1e300
    for i in range(n):
        if given[grid.causes[i]] == 0:
            log_single[i] = -np.inf
        if log_single[i] > top:
            top = log_single[i]
    if top > 140 or (top < -100 and top > -1e300):
        return False
    for i in range(n):
        value = log_single[i]
        is_alive = value > -170.0
        work.half[i] = np.int32(np.rint(0.5 * value * UNIT)) if is_alive else 0
        work.fixed[i] = np.int32(np.rint(value * UNIT)) if is_alive else NEVER
        lane = n - 1 - i
        work.reverse[lane] = work.fixed[i] if is_alive else 0
        work.half_reverse[lane] = work.half[i]
        work.alive[lane] = 1 if is_alive else 0
    return True


@step
def add_pairs(work: Any, pack: Any, n_sparse: int, n_dense: int, n_packed: int) -> None:
    """Add up the terms of pairs."""
    raw, sparse_rows, dense_rows = work.raw, work.sparse_rows, work.dense_rows
    for p in range(0, n_packed, BLOCK):
        a = splat(np.int32(0))
        b, c, d = a, a, a
        for q in range(n_dense):
            first = dense_rows[q] + p
            a = a + load(pack.dense, first)
            b = b + load(pack.dense, first + LANES)
            c = c + load(pack.dense, first + 2 * LANES)
            d = d + load(pack.dense, first + 3 * LANES)
        store(raw, p, a)
        store(raw, p + LANES, b)
        store(raw, p + 2 * LANES, c)
        store(raw, p + 3 * LANES, d)
    for q in range(n_sparse):
        r = sparse_rows[q]
        for e in range(pack.sparse_ptr[r], pack.sparse_ptr[r + 1]):
            raw[pack.sparse_pos[e]] += pack.sparse_value[e]


@step
def raise_pairs(work: Any, grid: Any, has_triples: bool) -> Any:
    """Turn the terms of pairs into exponents of weights and of D; return the largest of a weight."""
    weight, arg, fixed, half = work.weight, work.arg, work.fixed, work.half
    never = splat(np.int32(NEVER))
    best = never
    peak = np.int32(NEVER)
    for i in range(len(grid.height)):
        peak = max(peak, fixed[i])
        if fixed[i] == NEVER:
            for b in range(grid.height[i]):
                store(weight, grid.start[i] + b * LANES, never)
                store(arg, grid.start[i] + b * LANES, never)
            continue
        own = splat(fixed[i])
        own_half = splat(half[i])
        for b in range(grid.height[i]):
            p = grid.start[i] + b * LANES
            is_pair = load(grid.valid, p) & load(work.alive, b * LANES)
            x = load(work.raw, grid.packed[i] + b * LANES)
            if has_triples:
                y = x + own_half + load(work.half_reverse, b * LANES)
                store(arg, p, select_or(is_pair, y, never))
            x = select_or(is_pair, x + own + load(work.reverse, b * LANES), never)
            best = greatest(best, x)
            store(weight, p, x)
    return max(peak, largest(best))


@step
def sum_pairs(work: Any, grid: Any, wanted: Any, peak: Any) -> float:
    """Sum the weights of single causes and pairs by member and by group; return the sum of all."""
    n, row_lanes = len(grid.height), len(work.whole_of)
    by_last, by_cause, by_group, fixed = work.by_last, work.by_cause, work.by_group, work.fixed
    floor = splat(np.int32(peak - 127 * UNIT))
    shift = splat(np.int32(peak))
    for b in range(0, len(by_last), LANES):
        store(by_last, b, splat(np.float32(0.0)))
    everything = 0.0
    for b in range(0, n, LANES):
        store(work.share, 0, exp2_fixed(greatest(load(fixed, b), floor) - shift))
        for lane in range(min(LANES, n - b)):
            by_cause[b + lane] = work.share[lane]
            work.by_cause_single[b + lane] = work.share[lane]
            everything += work.share[lane]
    for i in range(n):
        if fixed[i] == NEVER:
            continue
        row = splat(np.float32(0.0))
        last = wanted.hit_of[i, i] * row_lanes
        for b in range(grid.height[i]):
            w = exp2_fixed(greatest(load(work.weight, grid.start[i] + b * LANES), floor) - shift)
            row = row + w
            store(by_last, last + b * LANES, load(by_last, last + b * LANES) + w)
        whole = np.float64(total(row))
        by_cause[i] += whole
        everything += whole
    for g in range(len(by_group)):
        by_group[g] = 0.0
        for i in range(n):
            if wanted.mask[g * row_lanes + n - 1 - i] > 0:
                by_group[g] += work.by_cause_single[i]
    spread(by_last, work.whole_of, by_group, wanted, row_lanes)
    for i in range(1, n):
        by_cause[i] += work.whole_of[n - 1 - i]
    return everything


@step
def spread(by_last: Any, whole_of: Any, by_group: Any, wanted: Any, row_lanes: int) -> None:
    """Add sums by last member to the groups, and sum them over what else the explanations hit."""
    for b in range(0, row_lanes, LANES):
        s = splat(np.float32(0.0))
        for hit in range(len(wanted.is_hit)):
            s = s + load(by_last, hit * row_lanes + b)
        store(whole_of, b, s)
    for hit in range(len(wanted.is_hit)):
        for g in range(len(by_group)):
            s = splat(np.float32(0.0))
            for b in range(0, row_lanes, LANES):
                value = load(by_last, hit * row_lanes + b)
                if not wanted.is_hit[hit, g]:
                    value = value * load(wanted.mask, g * row_lanes + b)
                s = s + value
            by_group[g] += np.float64(total(s))
