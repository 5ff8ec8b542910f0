"""Triples of one case that can matter, in single precision: the last steps of `pruned`."""

from __future__ import annotations

from typing import Any

import numpy as np

from thighdx.inference.lanes import LANES, WIDE, first_bit, load, splat, step, store, total
from thighdx.inference.pairs import spread
from thighdx.inference.runs import list_runs

__all__ = ["add_triples", "find_active"]


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
def multiply(work: Any, pack: Any, grid: Any, pair: Any, first: int, count: int) -> Any:
    """Return weights of (i, j, *), but for D_ij: up to three vectors from the one given."""
    i, j, n_words = pair
    active, root, tau = work.active, work.root, pack.tau
    p, q = grid.start[i] + first * LANES, grid.start[j] + first * LANES
    w0 = load(root, p) * load(root, q)
    w1, w2 = w0, w0
    if count > 1:
        w1 = load(root, p + LANES) * load(root, q + LANES)
    if count > 2:
        w2 = load(root, p + 2 * LANES) * load(root, q + 2 * LANES)
    for word in range(n_words):
        at = word * (len(active) // 2)
        bits = np.uint64(active[at + i] & active[at + j])
        while bits:
            r = first_bit(bits) + 64 * word
            bits &= bits - np.uint64(1)
            place = work.offsets[r] + pack.tau_pos[work.places[r] + j] + first * LANES
            w0 = w0 * load(tau, place)
            if count > 1:
                w1 = w1 * load(tau, place + LANES)
            if count > 2:
                w2 = w2 * load(tau, place + 2 * LANES)
    return w0, w1, w2


@step
def add_run(work: Any, pack: Any, grid: Any, pair: Any, last: int) -> Any:
    """Add the weights of (i, j, *) to the sums by last member; return their sum."""
    i, j, _ = pair
    by_last = work.by_last
    mid = splat(work.root[grid.start[i] + len(grid.height) - 1 - j])
    height = grid.height[j]
    s = splat(np.float32(0.0))
    for b in range(0, height, 3):
        if height - b == 1:
            w0, w1, w2 = multiply(work, pack, grid, pair, b, 1)
        elif height - b == 2:
            w0, w1, w2 = multiply(work, pack, grid, pair, b, 2)
        else:
            w0, w1, w2 = multiply(work, pack, grid, pair, b, 3)
        p = last + b * LANES
        w0 = w0 * mid
        s = s + w0
        store(by_last, p, load(by_last, p) + w0)
        if height - b > 1:
            w1 = w1 * mid
            s = s + w1
            store(by_last, p + LANES, load(by_last, p + LANES) + w1)
        if height - b > 2:
            w2 = w2 * mid
            s = s + w2
            store(by_last, p + 2 * LANES, load(by_last, p + 2 * LANES) + w2)
    return np.float64(total(s))


@step
def add_triples(work: Any, pack: Any, grid: Any, wanted: Any, n_tau: int, everything: float) -> float:
    """Add the weights of the triples that can matter to the sums; return the sum of all."""
    n, row_lanes = len(grid.height), len(work.whole_of)
    by_last, by_cause = work.by_last, work.by_cause
    find_active(work, pack, n_tau)
    for q in range(n_tau):
        work.places[q] = work.tau_rows[q] * n
    spent = np.float32(0.0)
    for b in range(0, len(by_last), LANES):
        store(by_last, b, splat(np.float32(0.0)))
    for i in range(n - 2):
        n_kept, spent = list_runs(work, grid, i, spent)
        if n_kept:
            for q in range(n_tau):
                work.offsets[q] = pack.tau_base[work.places[q] + i]
        for found in range(n_kept):
            j = n - 1 - work.lane_of[found]
            pair = (i, j, 1 + (n_tau > 64))
            whole = add_run(work, pack, grid, pair, wanted.hit_of[i, j] * row_lanes)
            by_cause[i] += whole
            by_cause[j] += whole
            everything += whole
    spread(by_last, work.whole_of, work.by_group, wanted, row_lanes)
    for i in range(2, n):
        by_cause[i] += work.whole_of[n - 1 - i]
    return everything
