"""The loops that numba compiles: from codes of cases to posteriors, one case after the other.

Array arguments come in tuples, by what they belong to; `thighdx.inference.kernel` says what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from thighdx.inference.engine import CERTAIN
from thighdx.machine_code import cached

__all__ = ["score_cases"]

step: Callable[..., Any] = njit(nogil=True, error_model="numpy")
# Sums may be split over lanes: any order of positive terms is as good, and it is the same for every case.
summing: Callable[..., Any] = njit(nogil=True, error_model="numpy", fastmath={"reassoc", "nsz"})
# A product and a sum may become one instruction, which rounds once instead of twice.
fusing: Callable[..., Any] = njit(nogil=True, error_model="numpy", fastmath={"contract"})

LOG2_E = 1.4426950408889634
# ln 2 in two parts (Cody and Waite 1980): k times the first is exact for every exponent k of a double.
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
# Adding this rounds to a whole number, 1,023 above the exponent, in the low bits of the sum.
TO_EXPONENT = 1.5 * 2.0**52 + 1023.0
SMALLEST = -700.0


@cached
@step
def score_cases(codes, departures, fews, runs, dense, dense_of, sets, out):  # type: ignore[no-untyped-def]  # compiled
    """Fill in posteriors, (n_sets, n_cases), and log evidence, (n_cases,), of every case."""
    row_of, base, constant, single, rest_of, rest = departures
    posterior, log_evidence = out
    n_explanations = len(base)
    log_weight, by_cause = np.empty(n_explanations), np.zeros(single.shape[1] + 1)
    exponent = np.empty(n_explanations, dtype=np.int64)
    rows, rests = np.empty(codes.shape[1] + 1, dtype=np.int64), np.empty(codes.shape[1] + 1, dtype=np.int64)
    for case in range(len(codes)):
        n_rows = find_rows(codes[case], row_of, rows)
        for i in range(n_explanations):
            log_weight[i] = base[i]
        for place in range(dense_of.shape[1]):
            if dense_of[case, place] >= 0:
                for i in range(n_explanations):
                    log_weight[i] += dense[dense_of[case, place], i]
        shift, n_rests = 0.0, 0
        for position in range(n_rows):
            shift += constant[rows[position]]
            rests[n_rests] = rest_of[rows[position]]
            n_rests += rests[n_rests] >= 0
        for cause in range(len(by_cause)):
            by_cause[cause] = 0.0
        add_rows(rest, rests, n_rests, log_weight)
        add_few(fews, rows, n_rows, log_weight)
        add_rows(single, rows, n_rows, by_cause)
        peak = add_causes(runs, by_cause, log_weight)
        exponentiate(log_weight, peak, exponent)  # all 0 where the evidence is impossible
        total = add_up(log_weight, posterior, case, sets)
        log_evidence[case] = shift + peak + np.log(total)


@step
def find_rows(codes, row_of, rows):  # type: ignore[no-untyped-def]  # compiled
    """List the rows that a case adds and return their number."""
    n_rows = 0
    for variable in range(len(codes)):  # without a branch: which variables depart cannot be foreseen
        rows[n_rows] = row_of[variable, codes[variable] + 1]
        n_rows += rows[n_rows] >= 0
    return n_rows


@step
def add_rows(table, rows, n_rows, total):  # type: ignore[no-untyped-def]  # compiled
    """Add rows of a table to a total, four at a time: less to load and to store."""
    n, k = table.shape[1], 0
    while k + 4 <= n_rows:
        a, b, c, d = table[rows[k]], table[rows[k + 1]], table[rows[k + 2]], table[rows[k + 3]]
        for i in range(n):
            total[i] += (a[i] + b[i]) + (c[i] + d[i])
        k += 4
    while k < n_rows:
        a = table[rows[k]]
        for i in range(n):
            total[i] += a[i]
        k += 1


@step
def add_few(fews, rows, n_rows, log_weight):  # type: ignore[no-untyped-def]  # compiled
    """Add rests of a few numbers."""
    start, explanation, value = fews
    for position in range(n_rows):
        row = rows[position]
        for k in range(start[row], start[row + 1]):
            log_weight[explanation[k]] += value[k]


@step
def add_causes(runs, by_cause, log_weight):  # type: ignore[no-untyped-def]  # compiled
    """Add the numbers of its causes to every explanation; return the largest log weight."""
    start, last, shared = runs
    peak = -np.inf
    for run in range(len(last)):
        of_shared = 0.0
        for place in range(shared.shape[1]):
            of_shared += by_cause[shared[run, place]]
        first, cause = start[run], last[run]
        for i in range(start[run + 1] - first):
            log_weight[first + i] += of_shared + by_cause[cause + i]
            peak = max(peak, log_weight[first + i])
    return peak


@fusing
def exponentiate(values, peak, exponent):  # type: ignore[no-untyped-def]  # compiled
    """Replace values by exp(value - peak), to 2 units in the last place; below e**-700 of the peak becomes 0.

    exp(x) = 2**k exp(r) with |r| <= ln 2 / 2, and the Taylor series of exp(r) to degree 13, whose remainder is
    below 5e-18. numpy's own exponential is no vector instruction inside numba.
    """
    as_float = exponent.view(np.float64)
    for i in range(len(values)):
        is_tiny = not values[i] - peak >= SMALLEST  # so too where both are -inf
        x = SMALLEST if is_tiny else values[i] - peak
        k = np.floor(x * LOG2_E + 0.5)
        r = (x - k * LN2_HIGH) - k * LN2_LOW
        y = 1.6059043836821613e-10
        y = y * r + 2.08767569878681e-09
        y = y * r + 2.505210838544172e-08
        y = y * r + 2.755731922398589e-07
        y = y * r + 2.7557319223985893e-06
        y = y * r + 2.48015873015873e-05
        y = y * r + 0.0001984126984126984
        y = y * r + 0.001388888888888889
        y = y * r + 0.008333333333333333
        y = y * r + 0.041666666666666664
        y = y * r + 0.16666666666666666
        y = y * r + 0.5
        y = y * r + 1.0
        y = y * r + 1.0
        values[i] = 0.0 if is_tiny else y
        as_float[i] = k + TO_EXPONENT
    for i in range(len(values)):
        exponent[i] <<= 52
    for i in range(len(values)):
        values[i] *= as_float[i]


@step
def add_up(weight, posterior, case, sets):  # type: ignore[no-untyped-def]  # compiled
    """Fill in the posteriors of one case and return the sum of all weights."""
    index, start = sets
    total = sum_of(weight)
    for chosen in range(len(start) - 1):
        first, end = start[chosen], start[chosen + 1]
        inside = sum_at(weight, index, first, end)
        outside = total - inside
        if outside < CERTAIN * total:  # few digits left of the difference, or none
            outside = sum_between(weight, index, first, end)
        # a / (a + b) lies in [0, 1] in floating point too, so nothing needs clipping
        posterior[chosen, case] = inside / (inside + outside)
    return total


@summing
def sum_of(weight):  # type: ignore[no-untyped-def]  # compiled
    """Add up all weights."""
    total = 0.0
    for i in range(len(weight)):
        total += weight[i]
    return total


@step
def sum_at(weight, index, first, end):  # type: ignore[no-untyped-def]  # compiled
    """Add up the weights of members of a set, in four sums at once: they need not wait for one another."""
    a = b = c = d = 0.0
    k = first
    while k + 4 <= end:
        a += weight[index[k]]
        b += weight[index[k + 1]]
        c += weight[index[k + 2]]
        d += weight[index[k + 3]]
        k += 4
    while k < end:
        a += weight[index[k]]
        k += 1
    return (a + b) + (c + d)


@step
def sum_between(weight, index, first, end):  # type: ignore[no-untyped-def]  # compiled
    """Add up the weights of all but members of a set, which are ascending."""
    total = 0.0
    for i in range(len(weight)):
        if first < end and index[first] == i:
            first += 1
        else:
            total += weight[i]
    return total
