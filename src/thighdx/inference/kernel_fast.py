"""Single precision: singles and pairs always, triples where they can matter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from thighdx.inference.lanes import (
    bits_below,
    exp2_fixed,
    first_bit,
    greatest,
    halve,
    largest,
    load,
    select_or,
    splat,
    store,
    total,
    widen,
)
from thighdx.inference.plan import FRACTION_BITS, LANES, WIDE, Ints, Pack
from thighdx.network.spec import Floats

UNIT = 1 << FRACTION_BITS
NEVER = -300 * UNIT
BUDGET = np.float32(4e-5)
PER_BLOCK = np.float32(1e-6)
COARSE = np.float32(2e-8)
LARGE = 2.5e-3
SMALL = 1e-9


@njit(nogil=True, cache=True, error_model="numpy")
def score_fast(
    codes, cases, patterns, forbidden, row_of, base_row, height, start, valid, causes, n_causes, has_triples, pack,
    posterior, log_evidence, is_left,
):
    n = n_causes
    n_variables = codes.shape[1]
    n_codes = row_of.shape[1]
    width = (n + WIDE) // WIDE * WIDE
    n_lanes = len(valid)
    n_vectors = max(1, (n - 1 + LANES - 1) // LANES)
    row_lanes = n_vectors * LANES
    flat_of = row_of.reshape(-1)
    rows = np.empty(n_variables + patterns.shape[1] + 1, np.int32)
    dense_rows = np.empty(len(rows) + 4, np.int64)
    bound_rows = np.empty(len(rows) + 4, np.int64)
    tau_rows = np.empty(128, np.int64)
    log_single = np.empty(width)
    fixed = np.empty(row_lanes + LANES, np.int32)  # by cause
    reverse = np.zeros(row_lanes, np.int32)
    alive = np.zeros(row_lanes, np.int32)
    weight_single = np.empty(n, np.float32)
    raw = np.empty(n_lanes + LANES, np.int32)
    arg = np.empty(n_lanes + LANES, np.int32)
    upper = np.empty(n_lanes + LANES, np.int32)
    root = np.zeros(n_lanes + LANES, np.float32)  # D
    ceiling = np.zeros(n_lanes + LANES, np.float32)  # U
    by_last = np.empty(row_lanes, np.float32)
    by_cause = np.empty(n)
    need = np.zeros(row_lanes, np.float32)
    need_of = np.empty(n, np.float32)
    highest = np.zeros(row_lanes, np.float32)  # reversed: largest of row j
    row_sum = np.zeros(n, np.float32)
    row_need = np.zeros(n, np.float32)
    needed_sum = np.zeros(row_lanes, np.float32)
    share = np.zeros(row_lanes, np.float32)
    active = np.empty((n, 2), np.uint64)
    offsets = np.empty(128, np.int64)
    for at in range(len(cases)):
        case = cases[at]
        is_left[at] = 0
        # ---- rows
        m = 1
        rows[0] = base_row
        for v in range(n_variables):
            r = flat_of[v * n_codes + codes[case, v] + 1]
            rows[m] = r
            m += r >= 0
        for v in range(patterns.shape[1]):
            r = patterns[at, v]
            rows[m] = r
            m += r >= 0
        n_dense, n_bound, n_tau = 0, 0, 0
        is_hard = False
        low2, high2, low3, high3 = 0.0, 0.0, 0.0, 0.0
        for q in range(m):
            r = rows[q]
            dense_rows[n_dense] = pack.dense_of[r] * np.int64(n_lanes)
            n_dense += pack.dense_of[r] >= 0
            bound_rows[n_bound] = pack.bound_of[r] * np.int64(n_lanes)
            n_bound += pack.bound_of[r] >= 0
            is_hard |= pack.is_hard[r]
            low2 += pack.reach[r, 0]
            high2 += pack.reach[r, 1]
            low3 += pack.reach[r, 2]
            high3 += pack.reach[r, 3]
            if has_triples and (pack.reach[r, 2] < 0 or pack.reach[r, 3] > 0):
                if n_tau < 128:
                    tau_rows[n_tau] = r
                n_tau += 1
        if is_hard or low2 < -140 or high2 > 100 or low3 < -600 or high3 > 600 or n_tau > 128:
            is_left[at] = 1
            continue
        # ---- single causes, double precision
        for b in range(0, width, WIDE):
            value = load(pack.single, rows[0] * np.int64(width) + b)
            for q in range(1, m):
                value = value + load(pack.single, rows[q] * np.int64(width) + b)
            store(log_single, b, value)
        top = -1e300
        for i in range(n):
            if forbidden[at, causes[i]]:
                log_single[i] = -np.inf
            if log_single[i] > top:
                top = log_single[i]
        if top > 140 or (top < -100 and top > -1e300):
            is_left[at] = 1
            continue
        for i in range(n):
            value = log_single[i]
            is_alive = value > -170.0
            fixed[i] = np.int32(np.rint(value * UNIT)) if is_alive else NEVER
            lane = n - 1 - i
            if lane < row_lanes:
                reverse[lane] = fixed[i] if is_alive else 0
                alive[lane] = 1 if is_alive else 0
        # ---- pairs
        for p in range(0, n_lanes, LANES):
            store(raw, p, load(pack.dense, dense_rows[0] + p))
        q = 1
        while q + 4 <= n_dense:
            d0, d1, d2, d3 = dense_rows[q], dense_rows[q + 1], dense_rows[q + 2], dense_rows[q + 3]
            for p in range(0, n_lanes, LANES):
                s = load(pack.dense, d0 + p) + load(pack.dense, d1 + p)
                s = s + (load(pack.dense, d2 + p) + load(pack.dense, d3 + p))
                store(raw, p, load(raw, p) + s)
            q += 4
        while q < n_dense:
            d0 = dense_rows[q]
            for p in range(0, n_lanes, LANES):
                store(raw, p, load(raw, p) + load(pack.dense, d0 + p))
            q += 1
        for q in range(m):
            r = rows[q]
            for e in range(pack.sparse_ptr[r], pack.sparse_ptr[r + 1]):
                raw[pack.sparse_pos[e]] += pack.sparse_value[e]
        never = splat(np.int32(NEVER))
        best = never
        peak = np.int32(NEVER)
        for i in range(n):
            peak = max(peak, fixed[i])
            if fixed[i] == NEVER:
                for b in range(height[i]):
                    store(raw, start[i] + b * LANES, never)
                    store(arg, start[i] + b * LANES, never)
                continue
            own = splat(fixed[i])
            for b in range(height[i]):
                p = start[i] + b * LANES
                both = own + load(reverse, b * LANES)
                x = select_or(load(valid, p) & load(alive, b * LANES), load(raw, p) + both, never)
                best = greatest(best, x)
                store(raw, p, x)
                store(arg, p, x - halve(both))
        peak = max(peak, largest(best))
        if peak <= NEVER:
            for i in range(n):
                posterior[case, causes[i]] = np.nan
            log_evidence[case] = -np.inf
            continue
        if peak < -140 * UNIT or peak > 140 * UNIT:
            is_left[at] = 1
            continue
        # ---- weights of singles and pairs
        floor = splat(np.int32(peak - 127 * UNIT))
        shift = splat(np.int32(peak))
        for i in range(n):
            by_cause[i] = 0.0
        for b in range(0, row_lanes, LANES):
            store(by_last, b, splat(np.float32(0.0)))
        everything = 0.0
        single = splat(np.int32(0))
        for b in range(0, n, LANES):
            single = exp2_fixed(greatest(load(fixed, b), floor) - shift)
            store(share, 0, single)
            for l in range(min(LANES, n - b)):
                by_cause[b + l] = share[l]
                everything += share[l]
        for i in range(n):
            if fixed[i] == NEVER:
                continue
            row = splat(np.float32(0.0))
            for b in range(height[i]):
                w = exp2_fixed(greatest(load(raw, start[i] + b * LANES), floor) - shift)
                row = row + w
                store(by_last, b * LANES, load(by_last, b * LANES) + w)
            whole = np.float64(total(row))
            by_cause[i] += whole
            everything += whole
        for i in range(1, n):
            by_cause[i] += by_last[n - 1 - i]
        # ---- triples
        if has_triples:
            third = peak // 3
            thirds = splat(np.int32(third))
            best = never
            for p in range(0, n_lanes, LANES):
                x = greatest(load(arg, p) - thirds, never)
                best = greatest(best, x)
                store(arg, p, x)
                store(root, p, exp2_fixed(x))
                store(upper, p, widen(pack.bound, bound_rows[0] + p, 15))
            if largest(best) > 30 * UNIT:
                is_left[at] = 1
                continue
            q = 1
            while q + 2 <= n_bound:
                d0, d1 = bound_rows[q], bound_rows[q + 1]
                for p in range(0, n_lanes, LANES):
                    store(upper, p, load(upper, p) + widen(pack.bound, d0 + p, 15) + widen(pack.bound, d1 + p, 15))
                q += 2
            while q < n_bound:
                d0 = bound_rows[q]
                for p in range(0, n_lanes, LANES):
                    store(upper, p, load(upper, p) + widen(pack.bound, d0 + p, 15))
                q += 1
            for q in range(m):
                r = rows[q]
                for e in range(pack.extra_ptr[r], pack.extra_ptr[r + 1]):
                    upper[pack.extra_pos[e]] += pack.extra_value[e] << 15
            for i in range(n):
                active[i, 0] = 0
                active[i, 1] = 0
            for q in range(n_tau):
                first = tau_rows[q] * n
                word = q >> 6
                for i in range(n):
                    active[i, word] |= np.uint64(pack.tau_member[first + i]) << np.uint64(q & 63)
            for i in range(n):
                p_i = by_cause[i] / everything
                need_of[i] = np.float32(1.0 / (everything * min(max(p_i, SMALL), LARGE)))
                if n - 1 - i < row_lanes:
                    need[n - 1 - i] = need_of[i]
            for i in range(n):
                big = splat(np.float32(0.0))
                s = big
                z = big
                for b in range(height[i]):
                    p = start[i] + b * LANES
                    d = load(root, p)
                    big = greatest(big, d)
                    s = s + d
                    z = z + d * load(need, b * LANES)
                    store(ceiling, p, exp2_fixed(load(arg, p) + load(upper, p)))
                row_sum[i] = total(s)
                row_need[i] = total(z)
                if n - 1 - i < row_lanes:
                    highest[n - 1 - i] = largest(big)
            spent = np.float32(0.0)
            for b in range(0, row_lanes, LANES):
                store(by_last, b, splat(np.float32(0.0)))
            for i in range(n - 2):
                mine = need_of[i]
                sum_i = splat(row_sum[i])
                need_i = splat(row_need[i])
                for c in range(height[i]):
                    p = start[i] + c * LANES
                    reach = load(ceiling, p) * load(highest, c * LANES)
                    worst = need_i + sum_i * greatest(load(need, c * LANES), splat(mine))
                    bits = ~bits_below(reach * worst, splat(COARSE)) & np.uint64(0xFFFF)
                    while bits:
                        lane = first_bit(bits)
                        bits &= bits - np.uint64(1)
                        j = n - 1 - c * LANES - lane
                        u = ceiling[p + lane]
                        both = splat(max(mine, need_of[j]))
                        s = splat(np.float32(0.0))
                        for b in range(height[j]):
                            d = load(root, start[i] + b * LANES) * load(root, start[j] + b * LANES)
                            s = s + d * greatest(load(need, b * LANES), both)
                        cost = u * total(s)
                        if cost <= PER_BLOCK and spent + cost <= BUDGET:
                            spent += cost
                            continue
                        n_off = 0
                        word = active[i, 0] & active[j, 0]
                        while word:
                            q = first_bit(word)
                            word &= word - np.uint64(1)
                            r = tau_rows[q] * n
                            offsets[n_off] = pack.tau_base[r + i] + pack.tau_pos[r + j]
                            n_off += 1
                        word = active[i, 1] & active[j, 1]
                        while word:
                            q = first_bit(word) + 64
                            word &= word - np.uint64(1)
                            r = tau_rows[q] * n
                            offsets[n_off] = pack.tau_base[r + i] + pack.tau_pos[r + j]
                            n_off += 1
                        s = splat(np.float32(0.0))
                        mid = splat(root[p + lane])
                        for b in range(height[j]):
                            w = load(root, start[i] + b * LANES) * load(root, start[j] + b * LANES)
                            for q in range(n_off):
                                w = w * load(pack.tau, offsets[q] + b * LANES)
                            w = w * mid
                            s = s + w
                            store(by_last, b * LANES, load(by_last, b * LANES) + w)
                        whole = np.float64(total(s))
                        by_cause[i] += whole
                        by_cause[j] += whole
                        everything += whole
            for i in range(2, n):
                by_cause[i] += by_last[n - 1 - i]
        for i in range(n):
            outside = everything - by_cause[i]
            if outside < 0.0:
                outside = 0.0
            posterior[case, causes[i]] = by_cause[i] / (by_cause[i] + outside)
        exponent = log_single[n] + peak * (1.0 / UNIT)
        log_evidence[case] = exponent * np.log(2.0) + np.log(everything)
