"""Single precision: single causes and pairs always, triples where they can matter.

For one case, with the terms of `plan.Split` added up over its rows,

1. a_i in double precision (additive terms are most of the evidence and take one short vector a row);
2. p_ij in fixed point: integers add up exactly, in any order, and splitting a fixed-point logarithm into
   exponent and fraction is a shift and a mask;
3. weights of single causes and pairs, and from them lower bounds of every posterior;
4. an upper bound of every run of triples (i, j, *) from D_ij D_ik D_jk, D_ij = 2**(p_ij + (a_i + a_j) / 2),
   times 2 to the largest sum of t over the run. Runs that cannot add more than `PER_BLOCK` of the posterior
   of any cause in them are left out as long as their sum stays within `BUDGET`;
5. the remaining runs: products of D and of looked-up 2**t.

So no posterior is off by more than `BUDGET` + `COARSE` * n_pairs of itself (from `SMALL` up), nor, since
posteriors above `LARGE` count as `LARGE`, by more than that times `LARGE` in absolute terms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from thighdx.inference.lanes import (
    bits_below,
    exp2_fixed,
    first_bit,
    greatest,
    largest,
    load,
    select_or,
    splat,
    store,
    total,
    widen,
)
from thighdx.inference.plan import FRACTION_BITS, LANES, WIDE, Ints, Plan
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["Wanted", "find_wanted", "score_pruned"]


class Wanted(NamedTuple):
    """The asked sets, each the explanations with any member of a group of causes.

    Attributes
    ----------
    column : (n_sets,) int64
        The one cause of a set, or -1 - g for group g.
    hit_of : (n_causes, n_causes) int64
        Which groups i and j belong to, as a row of `is_hit`.
    is_hit : (n_hits, n_groups) bool
    mask : (n_groups * n_lanes,) float32
        1 where a cause belongs to a group; last cause first.
    """

    column: npt.NDArray[np.int64]
    hit_of: npt.NDArray[np.int64]
    is_hit: npt.NDArray[np.bool_]
    mask: npt.NDArray[np.float32]


def find_wanted(network: Network, plan: Plan, sets: Floats | None) -> Wanted | None:
    """Read sets as groups of causes; None if some are not "any of these causes"."""
    layout = plan.layout
    n = layout.explanations.n_causes
    columns = np.eye(n) if sets is None else sets[:n]  # the first explanations are the single causes
    if sets is not None:
        has_any = network.membership @ columns > 0
        if not np.array_equal(has_any.astype(np.float64), sets):
            return None
    groups = columns[layout.causes].T > 0  # (n_sets, n_causes)
    is_one = groups.sum(axis=1) == 1
    column = np.where(is_one, groups.argmax(axis=1), -np.cumsum(~is_one))
    groups = groups[~is_one]
    either = groups.T[:, None, :] | groups.T[None, :, :]  # (n_causes, n_causes, n_groups)
    is_hit, hit_of = np.unique(either.reshape(n * n, -1), axis=0, return_inverse=True)
    if len(is_hit) > MOST_HITS:
        return None
    lanes = np.zeros((len(groups), -(-n // LANES) * LANES), dtype=np.float32)
    lanes[:, :n] = groups[:, ::-1]
    return Wanted(column.astype(np.int64), hit_of.reshape(n, n).astype(np.int64), is_hit, lanes.reshape(-1))


MOST_HITS = 100
UNIT = 1 << FRACTION_BITS
NEVER = -300 * UNIT
# Largest sum, over the runs left out, of what they could add to the posterior of a cause, relative to it.
BUDGET = np.float32(8e-5)
# A run is worth computing when it could add more than this.
PER_BLOCK = np.float32(3e-6)
# What a run may add to be left out at a glance, unlisted.
COARSE = np.float32(2e-8)
# Posteriors between which errors are relative; below and above these they are absolute.
LARGE = 5e-3
SMALL = 1e-9


@njit(nogil=True, cache=True, error_model="numpy")
def _score(
    codes: Any, patterns: Any, given: Any, row_of: Any, base_row: int, height: Any, start: Any, valid: Any,
    causes: Any, n_causes: int, has_triples: bool, pack: Any, posterior: Any, log_evidence: Any,
    is_left: Any, wanted: Any,
) -> None:  # fmt: skip
    """Score case after case; see the module's text for the steps."""
    n = n_causes
    n_variables = codes.shape[1]
    n_codes = row_of.shape[1]
    width = (n + WIDE) // WIDE * WIDE
    n_lanes = len(valid)
    row_lanes = (n + LANES - 1) // LANES * LANES
    flat_of = row_of.reshape(-1)
    rows = np.empty(n_variables + patterns.shape[1] + 1, np.int32)
    dense_rows = np.empty(len(rows) + 4, np.int64)
    bound_rows = np.empty(len(rows) + 4, np.int64)
    tau_rows = np.empty(128, np.int64)
    log_single = np.empty(width)
    fixed = np.empty(row_lanes + LANES, np.int32)  # by cause
    reverse = np.zeros(row_lanes, np.int32)
    alive = np.zeros(row_lanes, np.int32)
    raw = np.empty(n_lanes + LANES, np.int32)
    arg = np.empty(n_lanes + LANES, np.int32)
    upper = np.empty(n_lanes + LANES, np.int32)
    root = np.zeros(n_lanes + LANES, np.float32)  # D
    ceiling = np.zeros(n_lanes + LANES, np.float32)  # U
    n_hits, n_sets = len(wanted.is_hit), len(wanted.column)
    n_groups = wanted.is_hit.shape[1]
    by_last = np.empty(n_hits * row_lanes, np.float32)
    by_group = np.zeros(n_groups)
    whole_of = np.empty(row_lanes, np.float32)
    by_cause = np.empty(n)
    by_cause_single = np.empty(n)
    need = np.zeros(row_lanes, np.float32)
    need_of = np.empty(n, np.float32)
    highest = np.zeros(row_lanes, np.float32)  # reversed: largest of row j
    row_sum = np.zeros(n, np.float32)
    row_need = np.zeros(n, np.float32)
    share = np.zeros(row_lanes, np.float32)
    active_width = (n + WIDE - 1) // WIDE * WIDE
    active = np.empty(2 * active_width, np.int64)
    lane_of = np.empty(row_lanes + 1, np.int64)
    cost_of = np.empty(row_lanes + 1, np.float32)
    offsets = np.empty(128, np.int64)
    half = np.zeros(row_lanes, np.int32)
    half_reverse = np.zeros(row_lanes, np.int32)
    for case in range(len(codes)):
        if is_left[case]:
            continue
        # ---- rows
        m = 1
        rows[0] = base_row
        for v in range(n_variables):
            r = flat_of[v * n_codes + codes[case, v] + 1]
            rows[m] = r
            m += r >= 0
        for v in range(patterns.shape[1]):
            r = patterns[case, v]
            rows[m] = r
            m += r >= 0
        n_dense, n_bound, n_tau = 0, 0, 0
        is_hard = False
        low2, high2, low3, high3 = 0.0, 0.0, 0.0, 0.0
        for q in range(m):
            r = rows[q]
            is_hard |= pack.is_hard[r]
            low2 += pack.reach[r, 0]
            high2 += pack.reach[r, 1]
            low3 += pack.reach[r, 2]
            high3 += pack.reach[r, 3]
            bound_rows[n_bound] = pack.bound_of[r] * np.int64(n_lanes)
            n_bound += pack.bound_of[r] >= 0
            dense_rows[n_dense] = pack.dense_of[r] * np.int64(n_lanes)
            n_dense += pack.dense_of[r] >= 0
            if n_tau < 128:
                tau_rows[n_tau] = r
            n_tau += pack.has_tau[r]
        if is_hard or low2 < -140 or high2 > 100 or low3 < -400 or high3 > 400 or n_tau > 128:
            is_left[case] = True
            continue
        # ---- single causes, double precision
        for b in range(0, width, WIDE):
            value = load(pack.single, rows[0] * np.int64(width) + b)
            for q in range(1, m):
                value = value + load(pack.single, rows[q] * np.int64(width) + b)
            store(log_single, b, value)
        top = -1e300
        for i in range(n):
            if given[case, causes[i]] == 0:
                log_single[i] = -np.inf
            if log_single[i] > top:
                top = log_single[i]
        if top > 140 or (top < -100 and top > -1e300):
            is_left[case] = True
            continue
        for i in range(n):
            value = log_single[i]
            is_alive = value > -170.0
            half[i] = np.int32(np.rint(0.5 * value * UNIT)) if is_alive else 0
            fixed[i] = np.int32(np.rint(value * UNIT)) if is_alive else NEVER
            lane = n - 1 - i
            reverse[lane] = fixed[i] if is_alive else 0
            half_reverse[lane] = half[i]
            alive[lane] = 1 if is_alive else 0
        # ---- pairs
        for p in range(0, n_lanes, LANES):
            store(raw, p, splat(np.int32(0)))
        q = 0
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
            own_half = splat(half[i])
            for b in range(height[i]):
                p = start[i] + b * LANES
                is_pair = load(valid, p) & load(alive, b * LANES)
                x = load(raw, p)
                store(arg, p, select_or(is_pair, x + own_half + load(half_reverse, b * LANES), never))
                x = select_or(is_pair, x + own + load(reverse, b * LANES), never)
                best = greatest(best, x)
                store(raw, p, x)
        peak = max(peak, largest(best))
        if peak <= NEVER:
            for s in range(n_sets):
                posterior[case, s] = np.nan
            log_evidence[case] = -np.inf
            continue
        if peak < -140 * UNIT or peak > 140 * UNIT:
            is_left[case] = True
            continue
        # ---- weights of singles and pairs
        floor = splat(np.int32(peak - 127 * UNIT))
        shift = splat(np.int32(peak))
        for i in range(n):
            by_cause[i] = 0.0
        for b in range(0, n_hits * row_lanes, LANES):
            store(by_last, b, splat(np.float32(0.0)))
        everything = 0.0
        single = splat(np.int32(0))
        for b in range(0, n, LANES):
            single = exp2_fixed(greatest(load(fixed, b), floor) - shift)
            store(share, 0, single)
            for lane in range(min(LANES, n - b)):
                by_cause[b + lane] = share[lane]
                by_cause_single[b + lane] = share[lane]
                everything += share[lane]
        for i in range(n):
            if fixed[i] == NEVER:
                continue
            row = splat(np.float32(0.0))
            last = wanted.hit_of[i, i] * row_lanes
            for b in range(height[i]):
                w = exp2_fixed(greatest(load(raw, start[i] + b * LANES), floor) - shift)
                row = row + w
                store(by_last, last + b * LANES, load(by_last, last + b * LANES) + w)
            whole = np.float64(total(row))
            by_cause[i] += whole
            everything += whole
        for g in range(n_groups):
            by_group[g] = 0.0
            for i in range(n):
                if wanted.mask[g * row_lanes + n - 1 - i] > 0:
                    by_group[g] += by_cause_single[i]
        spread(by_last, whole_of, by_group, wanted, row_lanes)
        for i in range(1, n):
            by_cause[i] += whole_of[n - 1 - i]
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
                store(upper, p, splat(np.int32(0)))
            if largest(best) > 30 * UNIT:
                is_left[case] = True
                continue
            q = 0
            while q + 2 <= n_bound:
                d0, d1 = bound_rows[q], bound_rows[q + 1]
                for p in range(0, n_lanes, LANES):
                    store(
                        upper,
                        p,
                        load(upper, p) + widen(pack.bound, d0 + p, 15) + widen(pack.bound, d1 + p, 15),
                    )
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
            for i in range(n):
                p_i = by_cause[i] / everything
                need_of[i] = np.float32(1.0 / (everything * min(max(p_i, SMALL), LARGE)))
                if n - 1 - i < row_lanes:
                    need[n - 1 - i] = need_of[i]
            best_upper = never
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
                    x = load(arg, p) + load(upper, p)
                    best_upper = greatest(best_upper, x)
                    store(ceiling, p, exp2_fixed(x))
                row_sum[i] = total(s)
                row_need[i] = total(z)
                if n - 1 - i < row_lanes:
                    highest[n - 1 - i] = largest(big)
            # a factor that single precision took for 0 is too small to matter: 2**(70 - 126)
            if largest(best) + largest(best_upper) > 70 * UNIT:
                is_left[case] = True
                continue
            spent = np.float32(0.0)
            for b in range(0, n_hits * row_lanes, LANES):
                store(by_last, b, splat(np.float32(0.0)))
            for i in range(n - 2):
                mine = need_of[i]
                sum_i = splat(row_sum[i])
                need_i = splat(row_need[i])
                n_found = 0
                for c in range(height[i]):
                    p = start[i] + c * LANES
                    reach = load(ceiling, p) * load(highest, c * LANES)
                    worst = need_i + sum_i * greatest(load(need, c * LANES), splat(mine))
                    bits = ~bits_below(reach * worst, splat(COARSE)) & np.uint64(0xFFFF)
                    while bits:
                        lane = first_bit(bits)
                        bits &= bits - np.uint64(1)
                        j = n - 1 - c * LANES - lane
                        s = splat(np.float32(0.0))
                        z = s
                        for b in range(height[j]):
                            d = load(root, start[i] + b * LANES) * load(root, start[j] + b * LANES)
                            s = s + d
                            z = greatest(z, d * load(need, b * LANES))
                        lane_of[n_found] = lane + c * LANES
                        cost_of[n_found] = ceiling[p + lane] * max(
                            largest(z), max(mine, need_of[j]) * total(s)
                        )
                        n_found += 1
                n_kept = 0
                for q in range(n_found):
                    cost = cost_of[q]
                    is_kept = cost > PER_BLOCK or spent + cost > BUDGET
                    lane_of[n_kept] = lane_of[q]
                    n_kept += is_kept
                    spent += np.float32(0.0) if is_kept else cost
                for found in range(n_kept):
                    lane = lane_of[found]
                    j = n - 1 - lane
                    p = start[i]
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
                    s = splat(np.float32(0.0))
                    last = wanted.hit_of[i, j] * row_lanes
                    mid = splat(root[p + lane])
                    for b in range(height[j]):
                        w = load(root, start[i] + b * LANES) * load(root, start[j] + b * LANES)
                        for q in range(n_off):
                            w = w * load(pack.tau, offsets[q] + b * LANES)
                        w = w * mid
                        s = s + w
                        store(by_last, last + b * LANES, load(by_last, last + b * LANES) + w)
                    whole = np.float64(total(s))
                    by_cause[i] += whole
                    by_cause[j] += whole
                    everything += whole
            spread(by_last, whole_of, by_group, wanted, row_lanes)
            for i in range(2, n):
                by_cause[i] += whole_of[n - 1 - i]
        for s in range(n_sets):
            column = wanted.column[s]
            inside = by_cause[column] if column >= 0 else by_group[-1 - column]
            # what rounding makes of "everything but nothing" is nothing: then the ratio is 1, never more
            outside = max(0.0, everything - inside)
            posterior[case, s] = inside / (inside + outside)
        exponent = log_single[n] + peak * (1.0 / UNIT)
        log_evidence[case] = exponent * np.log(2.0) + np.log(everything)


@njit(nogil=True, cache=True)
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


def score_pruned(
    plan: Plan,
    codes: npt.NDArray[np.int8],
    patterns: Ints,
    given: npt.NDArray[np.int8],
    is_left: npt.NDArray[np.bool_],
    wanted: Wanted,
    posterior: Floats,
    log_evidence: Floats,
) -> None:
    """Score the cases that are not marked `is_left`; mark those that single precision cannot hold."""
    layout = plan.layout
    _score(
        codes, patterns, given, plan.row_of, plan.n_finding_rows, layout.height, layout.start, layout.valid,
        layout.causes, layout.explanations.n_causes, layout.explanations.max_causes > 2, plan.pack,
        posterior, log_evidence, is_left, wanted,
    )  # fmt: skip
