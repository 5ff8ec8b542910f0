"""Which runs of triples of one case can matter: upper bounds of their weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from thighdx.inference.exp2 import exp2_fixed
from thighdx.inference.lanes import (
    LANES,
    bits_below,
    first_bit,
    greatest,
    largest,
    least,
    load,
    splat,
    step,
    store,
    total,
    widen,
    zero_above,
)
from thighdx.inference.pairs import NEVER, UNIT

__all__ = ["bound_runs", "list_runs"]

# Largest sum, over the runs left out, of what they could add to the posterior of a cause, relative to it.
BUDGET = np.float32(7e-5)
# A run is worth computing when it could add more than this.
PER_BLOCK = np.float32(3e-6)
# What a run may add to be left out at a glance, unlisted.
COARSE = np.float32(2e-8)
# Posteriors between which errors are relative; below and above these they are absolute.
LARGE = 5e-3
SMALL = 1e-9


@step
def add_bounds(work: Any, pack: Any, n_inner: int, n_bound: int, n_packed: int) -> None:
    """Add up the largest triple terms of every pair."""
    upper, inner, bound_rows = work.upper, work.inner_rows, work.bound_rows
    slight = np.int32(0)
    for q in range(n_inner):
        slight += pack.slight[inner[q]]
    for p in range(0, n_packed, LANES):
        store(upper, p, splat(np.int32(slight)))
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
    """Work out D and 2**T of every pair; say whether exponents can hold all triples."""
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
    add_bounds(work, pack, n_inner, n_bound, len(work.upper) - LANES)
    for i in range(n):
        p_i = work.by_cause[i] / everything
        work.need_of[i] = np.float32(1.0 / (everything * min(max(p_i, SMALL), LARGE)))
        if n - 1 - i < row_lanes:
            need[n - 1 - i] = work.need_of[i]
    best_upper, best_product = splat(np.int32(0)), never
    for b in range(0, row_lanes, LANES):
        store(work.highest, b, splat(np.float32(0.0)))
    for i in range(n):
        s = splat(np.float32(0.0))
        z = s
        for b in range(grid.height[i]):
            p = grid.start[i] + b * LANES
            d = load(root, p)
            store(work.highest, b * LANES, greatest(load(work.highest, b * LANES), d))
            s = s + d
            z = z + d * load(need, b * LANES)
            x = load(work.upper, grid.packed[i] + b * LANES)
            best_upper = greatest(best_upper, x)
            best_product = greatest(best_product, x + load(arg, p))
            store(work.ceiling, p, exp2_fixed(x))
        work.row_sum[i] = total(s)
        work.row_need[i] = total(z)
        for lane in range(n - 1 - i):
            work.column[(n - 1 - lane) * row_lanes + n - 1 - i] = root[grid.start[i] + lane]
    # a factor that single precision took for 0 is too small to matter: 2**(70 - 126)
    is_held = largest(best) + largest(best_product) <= 70 * UNIT
    return is_held and largest(best) <= 30 * UNIT and largest(best_upper) <= 126 * UNIT


@step
def list_thirds(work: Any, grid: Any, i: int) -> int:
    """List by lane the causes k for which any triple (i, *, k) can matter."""
    thirds, n_thirds = work.thirds, 0
    mine, sum_i, need_i = splat(work.need_of[i]), splat(work.row_sum[i]), splat(work.row_need[i])
    for c in range(grid.height[i]):
        p = grid.start[i] + c * LANES
        reach = load(work.root, p) * load(work.ceiling, p) * load(work.highest, c * LANES)
        worst = need_i + sum_i * greatest(load(work.need, c * LANES), mine)
        bits = ~bits_below(reach * worst, splat(COARSE)) & np.uint64(0xFFFF)
        while bits:
            thirds[n_thirds] = first_bit(bits) + c * LANES
            bits &= bits - np.uint64(1)
            n_thirds += 1
    return n_thirds


@step
def list_runs(work: Any, grid: Any, i: int, spent: Any) -> Any:
    """List the runs (i, j, *) that can matter, by lane of j; return how many, and what leaving others costs."""
    n, row_lanes, first = len(grid.height), len(work.whole_of), grid.start[i]
    root, need, ceiling, thirds = work.root, work.need, work.ceiling, work.thirds
    n_thirds = list_thirds(work, grid, i)
    mine = splat(work.need_of[i])
    n_kept = 0
    for c in range(grid.height[i] if n_thirds else 0):
        s = splat(np.float32(0.0))
        z = s
        own = load(ceiling, first + c * LANES)
        for q in range(n_thirds):
            lane = thirds[q]
            if lane >= c * LANES + LANES - 1:
                break
            w = load(work.column, (n - 1 - lane) * row_lanes + c * LANES) * splat(root[first + lane])
            w = w * least(own, splat(ceiling[first + lane]))
            s = s + w
            z = greatest(z, w * splat(need[lane]))
        cost = load(root, first + c * LANES) * greatest(z, s * greatest(load(need, c * LANES), mine))
        bits = ~bits_below(cost, splat(PER_BLOCK)) & np.uint64(0xFFFF)
        rest = total(zero_above(cost, splat(PER_BLOCK)))
        if spent + rest > BUDGET:
            bits = ~bits_below(cost, splat(COARSE)) & np.uint64(0xFFFF)
        else:
            spent += rest
        while bits:
            work.lane_of[n_kept] = first_bit(bits) + c * LANES
            bits &= bits - np.uint64(1)
            n_kept += 1
    return n_kept, spent
