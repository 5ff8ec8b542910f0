"""Triples of one case that can matter, in single precision: the last steps of `pruned`."""

from __future__ import annotations

from typing import Any

import numpy as np

from thighdx.inference.exp2 import exp2_fixed
from thighdx.inference.lanes import (
    LANES,
    WIDE,
    bits_below,
    first_bit,
    greatest,
    largest,
    load,
    splat,
    step,
    store,
    total,
    widen,
)
from thighdx.inference.pairs import NEVER, UNIT, spread

__all__ = ["add_triples", "bound_runs", "find_active"]

# Largest sum, over the runs left out, of what they could add to the posterior of a cause, relative to it.
BUDGET = np.float32(8e-5)
# A run is worth computing when it could add more than this.
PER_BLOCK = np.float32(3e-6)
# What a run may add to be left out at a glance, unlisted.
COARSE = np.float32(2e-8)
# Posteriors between which errors are relative; below and above these they are absolute.
LARGE = 5e-3
SMALL = 1e-9


@step
def add_bounds(work: Any, pack: Any, n_inner: int, n_bound: int, n_packed: int) -> None:
    """Add up the largest triple term of every pair."""
    upper, inner, bound_rows = work.upper, work.inner_rows, work.bound_rows
    for p in range(0, n_packed, LANES):
        store(upper, p, splat(np.int32(0)))
    q = 0
    while q + 2 <= n_bound:
        d0, d1 = bound_rows[q], bound_rows[q + 1]
        for p in range(0, n_packed, LANES):
            both = load(upper, p) + widen(pack.bound, d0 + p, 15) + widen(pack.bound, d1 + p, 15)
            store(upper, p, both)
        q += 2
    while q < n_bound:
        d0 = bound_rows[q]
        for p in range(0, n_packed, LANES):
            store(upper, p, load(upper, p) + widen(pack.bound, d0 + p, 15))
        q += 1
    for q in range(n_inner):
        r = inner[q]
        for e in range(pack.extra_ptr[r], pack.extra_ptr[r + 1]):
            upper[pack.extra_pos[e]] += pack.extra_value[e] << 15


@step
def bound_runs(work: Any, pack: Any, grid: Any, rows: Any, peak: Any, everything: float) -> Any:
    """Work out D and D 2**T of every pair; say whether exponents can hold all triples."""
    n_inner, n_bound = rows
    n, n_lanes, row_lanes = len(grid.height), len(grid.valid), len(work.whole_of)
    arg, root, need = work.arg, work.root, work.need
    thirds = splat(np.int32(peak // 3))
    never = splat(np.int32(NEVER))
    best = never
    for p in range(0, n_lanes, LANES):
        x = greatest(load(arg, p) - thirds, never)
        best = greatest(best, x)
        store(arg, p, x)
        store(root, p, exp2_fixed(x))
    if largest(best) > 30 * UNIT:
        return False
    add_bounds(work, pack, n_inner, n_bound, len(work.upper) - LANES)
    for i in range(n):
        p_i = work.by_cause[i] / everything
        work.need_of[i] = np.float32(1.0 / (everything * min(max(p_i, SMALL), LARGE)))
        if n - 1 - i < row_lanes:
            need[n - 1 - i] = work.need_of[i]
    best_upper = never
    for i in range(n):
        big = splat(np.float32(0.0))
        s = big
        z = big
        for b in range(grid.height[i]):
            p = grid.start[i] + b * LANES
            d = load(root, p)
            big = greatest(big, d)
            s = s + d
            z = z + d * load(need, b * LANES)
            x = load(arg, p) + load(work.upper, grid.packed[i] + b * LANES)
            best_upper = greatest(best_upper, x)
            store(work.ceiling, p, exp2_fixed(x))
        work.row_sum[i] = total(s)
        work.row_need[i] = total(z)
        if n - 1 - i < row_lanes:
            work.highest[n - 1 - i] = largest(big)
    # a factor that single precision took for 0 is too small to matter: 2**(70 - 126)
    return largest(best) + largest(best_upper) <= 70 * UNIT


@step
def find_active(work: Any, pack: Any, n_tau: int) -> None:
    """Note for every cause which rows have triple terms of it."""
    active, tau_rows = work.active, work.tau_rows
    active_width = len(active) // 2
    for b in range(0, active_width, WIDE):
        word = splat(np.int64(0))
        for q in range(min(n_tau, 64)):
            member = load(pack.tau_member, tau_rows[q] * active_width + b)
            word = word | (member & splat(np.int64(1) << np.int64(q)))
        store(active, b, word)
        word = splat(np.int64(0))
        for q in range(64, n_tau):
            member = load(pack.tau_member, tau_rows[q] * active_width + b)
            word = word | (member & splat(np.int64(1) << np.int64(q - 64)))
        store(active, active_width + b, word)


@step
def list_runs(work: Any, grid: Any, i: int, spent: Any) -> Any:
    """List the runs (i, j, *) that can matter, by lane of j; return how many, and what leaving others costs."""
    n = len(grid.height)
    root, need, ceiling = work.root, work.need, work.ceiling
    mine = work.need_of[i]
    sum_i = splat(work.row_sum[i])
    need_i = splat(work.row_need[i])
    n_found = 0
    for c in range(grid.height[i]):
        p = grid.start[i] + c * LANES
        reach = load(ceiling, p) * load(work.highest, c * LANES)
        worst = need_i + sum_i * greatest(load(need, c * LANES), splat(mine))
        bits = ~bits_below(reach * worst, splat(COARSE)) & np.uint64(0xFFFF)
        while bits:
            lane = first_bit(bits)
            bits &= bits - np.uint64(1)
            j = n - 1 - c * LANES - lane
            s = splat(np.float32(0.0))
            z = s
            for b in range(grid.height[j]):
                d = load(root, grid.start[i] + b * LANES) * load(root, grid.start[j] + b * LANES)
                s = s + d
                z = greatest(z, d * load(need, b * LANES))
            work.lane_of[n_found] = lane + c * LANES
            work.cost_of[n_found] = ceiling[p + lane] * max(largest(z), max(mine, work.need_of[j]) * total(s))
            n_found += 1
    n_kept = 0
    for q in range(n_found):
        cost = work.cost_of[q]
        is_kept = cost > PER_BLOCK or spent + cost > BUDGET
        work.lane_of[n_kept] = work.lane_of[q]
        n_kept += is_kept
        spent += np.float32(0.0) if is_kept else cost
    return n_kept, spent


@step
def find_factors(work: Any, pack: Any, n: int, i: int, j: int) -> int:
    """List where the factors of (i, j, *) begin, row by row; return how many rows have any."""
    active, tau_rows, offsets = work.active, work.tau_rows, work.offsets
    active_width = len(active) // 2
    n_off = 0
    bits = np.uint64(active[i] & active[j])
    while bits:
        q = first_bit(bits)
        bits &= bits - np.uint64(1)
        r = tau_rows[q] * n
        offsets[n_off] = pack.tau_base[r + i] + pack.tau_pos[r + j]
        n_off += 1
    bits = np.uint64(active[active_width + i] & active[active_width + j])
    while bits:
        q = first_bit(bits) + 64
        bits &= bits - np.uint64(1)
        r = tau_rows[q] * n
        offsets[n_off] = pack.tau_base[r + i] + pack.tau_pos[r + j]
        n_off += 1
    return n_off


@step
def add_triples(work: Any, pack: Any, grid: Any, wanted: Any, everything: float) -> float:
    """Add the weights of the triples that can matter to the sums; return the sum of all."""
    n, row_lanes = len(grid.height), len(work.whole_of)
    by_last, by_cause, root, offsets = work.by_last, work.by_cause, work.root, work.offsets
    spent = np.float32(0.0)
    for b in range(0, len(by_last), LANES):
        store(by_last, b, splat(np.float32(0.0)))
    for i in range(n - 2):
        n_kept, spent = list_runs(work, grid, i, spent)
        for found in range(n_kept):
            lane = work.lane_of[found]
            j = n - 1 - lane
            n_off = find_factors(work, pack, n, i, j)
            s = splat(np.float32(0.0))
            last = wanted.hit_of[i, j] * row_lanes
            mid = splat(root[grid.start[i] + lane])
            for b in range(grid.height[j]):
                w = load(root, grid.start[i] + b * LANES) * load(root, grid.start[j] + b * LANES)
                for q in range(n_off):
                    w = w * load(pack.tau, offsets[q] + b * LANES)
                w = w * mid
                s = s + w
                store(by_last, last + b * LANES, load(by_last, last + b * LANES) + w)
            whole = np.float64(total(s))
            by_cause[i] += whole
            by_cause[j] += whole
            everything += whole
    spread(by_last, work.whole_of, work.by_group, wanted, row_lanes)
    for i in range(2, n):
        by_cause[i] += work.whole_of[n - 1 - i]
    return everything
