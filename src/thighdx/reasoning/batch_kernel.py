"""The delta method for many cases: one pass over the leading explanations of each.

With w the posterior of explanations and P_k that of cause k, all derivatives are means inside and outside

    E_in[d] = sum_H w(H) [k in H] d(H) / P_k,   E_out[d] = sum_H w(H) [k not in H] d(H) / (1 - P_k)

where d(H) = slope(H) [c in H] for a link of cause c: so sums over explanations that hold c and k serve all links of
a known state at once. What is known about a case makes some sixty slopes ("columns"); an explanation adds all of
them to at most six rows of sums. And a link of c hardly moves a cause k that c rarely comes with: such pairs of
causes are left out (`NEGLIGIBLE`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from thighdx.reasoning.batch_columns import (
    BEND,
    FIRST,
    NEGLIGIBLE,
    ONE,
    count_columns,
    fill_columns,
    fill_mixed,
    find_company,
    sum_pairs,
)
from thighdx.reasoning.batch_leading import FAST, FINDING, find_leading

__all__ = ["delta_moments_of_cases"]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add(total: Any, k: int, inside: float, outside: float, through: float, moments: Any) -> None:
    """Add one judgement to mean, variance and third moment of one cause.

    `through` is slope that does not count for the second order of the mean.
    """
    slope = inside - outside + through
    total[k, 0] += slope * moments[0] - 0.5 * (inside * inside - outside * outside) * moments[3]
    total[k, 1] += slope * slope * moments[1]
    total[k, 2] += slope * slope * slope * moments[2]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add_cause(
    sums: Any, q: int, c: int, sides: Any, company: Any, rows: Any, counts: Any, moments: Any, total: Any
) -> None:
    """Add a judgement that counts where cause c is present."""
    whole = sums[c, q]
    for n in range(counts[c]):
        k, both = company[c, n], sums[rows[c, n], q]
        _add(total, k, both * sides[0, k], (whole - both) * sides[1, k], 0.0, moments)


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add_background(
    sums: Any, whole: float, q: int, b: float, has_row: Any, sides: Any, company: Any, rows: Any, counts: Any,
    moments: Any, inside: Any, outside: Any, total: Any,
) -> None:  # fmt: skip
    """Add a background: its slope is b for every cause with a row of its own, less b."""
    n_causes = len(counts)
    for k in range(n_causes):
        inside[k], outside[k] = -sums[k, q], sums[k, q] - whole
    for c in range(n_causes):
        if has_row[c] > 0.0:
            own = sums[c, q]
            for n in range(counts[c]):
                k, both = company[c, n], sums[rows[c, n], q]
                inside[k] += both
                outside[k] += own - both
    for k in range(n_causes):
        _add(total, k, b * inside[k] * sides[0, k], b * outside[k] * sides[1, k], 0.0, moments)


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_findings(
    states: Any, sums: Any, whole: Any, steps: Any, findings: Any, sides: Any, company: Any, rows: Any,
    counts: Any, inside: Any, outside: Any, total: Any,
) -> None:  # fmt: skip
    """Add links and backgrounds of known findings; `steps` says which columns are theirs."""
    n_causes = len(counts)
    absent = np.zeros((n_causes, 4))
    for s in states:
        for item in range(findings.item_start[s], findings.item_start[s + 1]):
            if findings.item_slope[item] < 0:  # absent: the same sums for all such findings
                step = findings.item_step[item]
                for c in range(n_causes):
                    for x in range(4):
                        absent[c, x] += findings.absent_moments[step, c, x]
                if findings.background_moments[step, 1] > 0.0:
                    _add_background(sums, whole[ONE], ONE, findings.background[step], findings.has_row[step], sides,
                                    company, rows, counts, findings.background_moments[step], inside, outside,
                                    total)  # fmt: skip
    for c in range(n_causes):
        _add_cause(sums, ONE, c, sides, company, rows, counts, absent[c], total)
    for q in range(FIRST, len(steps)):
        step = steps[q]
        if step < 0:
            continue
        for e in range(findings.entry_start[step], findings.entry_start[step + 1]):
            _add_cause(sums, q, findings.entry_cause[e], sides, company, rows, counts, findings.entry_moments[e],
                       total)  # fmt: skip
        if findings.background_moments[step, 1] > 0.0:
            _add_background(sums, whole[q], q, findings.background[step], findings.has_row[step], sides, company,
                            rows, counts, findings.background_moments[step], inside, outside, total)  # fmt: skip


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_block(
    blocks: Any, p: int, q: int, sums: Any, direct: Any, sides: Any, company: Any, rows: Any, counts: Any,
    inside: Any, outside: Any, through_prior: Any, total: Any,
) -> Any:  # fmt: skip
    """Add frequencies, effects and dependencies of one known pattern; return the column of the next one.

    Parameters
    ----------
    q : int
        Column of the pattern's first feature.
    direct : (2, n_columns, n_causes) float64
        Means of every column inside and outside every cause.
    through_prior : (n_columns, n_causes + n_pairs) float64
        Filled in: what every feature does to theta and pairs.
    """
    n_causes = len(counts)
    n_features = blocks.feature_start[p + 1] - blocks.feature_start[p]
    first_effect, n_effects = blocks.effect_start[p], blocks.effect_start[p + 1] - blocks.effect_start[p]
    through_prior[q : q + n_features] = blocks.to_both[blocks.feature_start[p] : blocks.feature_start[p + 1]]
    size = np.zeros(n_features)
    for f in range(n_features):
        for k in range(n_causes):
            size[f] = max(size[f], abs(direct[0, q + f, k]), abs(direct[1, q + f, k]))
    start = blocks.to_effect_start[p]
    for e in range(n_effects):
        f, c = blocks.effect_feature[first_effect + e], blocks.effect_cause[first_effect + e]
        moments = blocks.effect_moments[first_effect + e]
        through = 0.0
        for g in range(n_features):
            through += abs(blocks.to_effect[start + g * n_effects + e]) * size[g]
        if through < NEGLIGIBLE:
            _add_cause(sums, q + f, c, sides, company, rows, counts, moments, total)
            continue
        inside[:] = 0.0
        outside[:] = 0.0
        for g in range(n_features):
            coefficient = blocks.to_effect[start + g * n_effects + e]
            if abs(coefficient) * size[g] > 0.1 * NEGLIGIBLE:
                for k in range(n_causes):
                    inside[k] += coefficient * direct[0, q + g, k]
                    outside[k] += coefficient * direct[1, q + g, k]
        own = sums[c, q + f]
        for n in range(counts[c]):
            k, both = company[c, n], sums[rows[c, n], q + f]
            inside[k] += both * sides[0, k]
            outside[k] += (own - both) * sides[1, k]
        for k in range(n_causes):
            _add(total, k, inside[k], outside[k], 0.0, moments)
    start, n_own = blocks.to_own_start[p], blocks.own_start[p + 1] - blocks.own_start[p]
    for e in range(n_own):
        inside[:] = 0.0
        outside[:] = 0.0
        for g in range(n_features):
            coefficient = blocks.to_own[start + g * n_own + e]
            for k in range(n_causes):
                inside[k] += coefficient * direct[0, q + g, k]
                outside[k] += coefficient * direct[1, q + g, k]
        for k in range(n_causes):
            _add(total, k, inside[k], outside[k], 0.0, blocks.own_moments[blocks.own_start[p] + e])
    return q + n_features


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_prior(
    prior: Any, contexts: Any, sums: Any, place: Any, row_of: Any, sides: Any, w: Any, kept: Any, members: Any,
    ends: Any, total: Any,
) -> None:  # fmt: skip
    """Add shares and pairs, with what they do through contexts, (n_causes + n_pairs, n_causes)."""
    n_causes, n_pairs = sides.shape[1], len(prior.pair_moments)
    each = np.empty((n_causes, 2 * n_causes))  # inside every cause, then outside
    for c in range(n_causes):
        for k in range(n_causes):
            both = sums[c if c == k else row_of[place[min(c, k), max(c, k)]], ONE]
            each[c, k] = both * sides[0, k]
            each[c, n_causes + k] = (sums[c, ONE] - both) * sides[1, k]
            total[k, 0] += 0.5 * (each[c, k] - each[c, n_causes + k]) * prior.theta_bend[c]
    direct, through = np.dot(prior.direct, each), np.dot(prior.context, contexts[:n_causes])
    for c in range(n_causes):
        for k in range(n_causes):
            _add(total, k, direct[c, k], direct[c, n_causes + k], through[c, k], prior.share_moments[c])
    in_pair = np.zeros((n_pairs, n_causes + 1))
    for j in range(ends[0], ends[2]):
        h = kept[j]
        for x in range(members.shape[1]):
            for y in range(x + 1, members.shape[1]):
                pair = prior.pair_place[members[h, x], members[h, y]]
                if pair >= 0:
                    in_pair[pair, n_causes] += w[j]
                    for z in range(members.shape[1]):
                        if members[h, z] < n_causes:
                            in_pair[pair, members[h, z]] += w[j]
    for pair in range(n_pairs):
        c = n_causes + pair
        for k in range(n_causes):
            inside = direct[c, k] + in_pair[pair, k] * sides[0, k]
            outside = direct[c, n_causes + k] + (in_pair[pair, n_causes] - in_pair[pair, k]) * sides[1, k]
            _add(total, k, inside, outside, through[c, k] + contexts[c, k], prior.pair_moments[pair])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_all(
    asked: Any, states: Any, patterns: Any, mixed: Any, mixtures: Any, members: Any, place: Any, kept: Any, w: Any,
    ends: Any, row_of: Any, bends: Any, tables: Any, findings: Any, prior: Any, blocks: Any, total: Any,
) -> None:  # fmt: skip
    """Fill in the moments of one case, (n_causes, 3), from its leading explanations."""
    n_causes, n_kept = len(asked), ends[2]
    n_columns = count_columns(states, patterns, mixed, mixtures, findings, blocks)
    columns, steps = np.empty((n_kept, n_columns)), np.full(n_columns, -1, dtype=np.int64)
    q = fill_columns(states, patterns, kept, w, ends[1], findings, blocks, prior, bends, columns, steps)
    n_plain = q
    for m in range(mixed[0], mixed[1]):
        if mixtures.kind[m] <= FINDING + 1:
            q = fill_mixed(m, mixtures, kept, w, findings, blocks, tables, columns, steps, q)
    sums = sum_pairs(columns, kept, members, ends, place, row_of, n_causes)
    whole = columns.sum(axis=0)
    sides = np.zeros((2, n_causes))  # 1 / P(k), 1 / (1 - P(k)); 0 for what is not asked
    for k in range(n_causes):
        if asked[k] and 0.0 < sums[k, ONE] < 1.0:
            sides[0, k], sides[1, k] = 1.0 / sums[k, ONE], 1.0 / (1.0 - sums[k, ONE])
    company, rows = (
        np.empty((n_causes, n_causes), dtype=np.int64),
        np.empty((n_causes, n_causes), dtype=np.int64),
    )
    counts = np.empty(n_causes, dtype=np.int64)
    find_company(sums, place, row_of, sides, company, rows, counts)
    direct = np.empty((2, n_columns, n_causes))
    for j in range(n_columns):
        for k in range(n_causes):
            direct[0, j, k] = sums[k, j] * sides[0, k]
            direct[1, j, k] = (whole[j] - sums[k, j]) * sides[1, k]
    total[:] = 0.0
    total[:, 0] = direct[0, BEND] - direct[1, BEND]
    inside, outside = np.empty(n_causes), np.empty(n_causes)
    _add_findings(states, sums, whole, steps, findings, sides, company, rows, counts, inside, outside, total)
    through = np.zeros((n_columns, blocks.to_both.shape[1]))
    first = n_plain
    for p in patterns:
        first -= blocks.feature_start[p + 1] - blocks.feature_start[p]
    for p in patterns:
        first = _add_block(blocks, p, first, sums, direct, sides, company, rows, counts, inside, outside, through,
                           total)  # fmt: skip
    for m in range(mixed[0], mixed[1]):
        if mixtures.kind[m] == FINDING:
            first += mixtures.start[m + 1] - mixtures.start[m] - 1
        elif mixtures.kind[m] == FINDING + 1:
            first = _add_block(blocks, mixtures.row[mixtures.start[m]], first, sums, direct, sides, company, rows,
                               counts, inside, outside, through, total)  # fmt: skip
    contexts = np.dot(through.T, direct[0] - direct[1])
    _add_prior(prior, contexts, sums, place, row_of, sides, w, kept, members, ends, total)


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def delta_moments_of_cases(
    posterior: Any, log_evidence: Any, asked: Any, given: Any, states: Any, state_ptr: Any, patterns: Any,
    pattern_ptr: Any, mixed_ptr: Any, mixtures: Any, cut: float, members: Any, place: Any, n_small: int,
    tables: Any, findings: Any, prior: Any, blocks: Any, out: Any,
) -> None:  # fmt: skip
    """Fill in mean shift, variance and third moment of the log odds of every asked cause.

    Parameters
    ----------
    posterior : (n_cases, n_causes) float64
    log_evidence : (n_cases,) float64
    asked : (n_cases, n_causes) bool
    given : (n_cases, n_causes) int8
    states, state_ptr : rows of known finding states of all cases, and where each case starts.
    patterns, pattern_ptr : the same for patterns of blocks, positions in `blocks`.
    mixed_ptr, mixtures : the same for virtual evidence.
    cut : float
        See `find_leading`.
    place : (n_causes + 1, n_causes + 1) intp
        The explanation of every pair of causes.
    n_small : int
        Number of explanations of one or two causes; they come first.
    out : (n_cases, n_causes, 3) float64
    """
    n_explanations = len(members)
    kept, ends = np.empty(n_explanations, dtype=np.uint64), np.empty(3, dtype=np.int64)
    logs, w = np.empty(n_explanations, dtype=np.float32), np.empty(n_explanations)
    row_of, bends = np.empty(n_small, dtype=np.int64), np.empty(n_small, dtype=np.float32)
    for i in range(len(asked)):
        own_states = states[state_ptr[i] : state_ptr[i + 1]]
        own_patterns = patterns[pattern_ptr[i] : pattern_ptr[i + 1]]
        mixed = mixed_ptr[i : i + 2]
        find_leading(posterior[i], asked[i], log_evidence[i], given[i], own_states, own_patterns, mixed, cut, mixtures,
                     tables, members, place, n_small, logs, kept, w, ends)  # fmt: skip
        _add_all(asked[i], own_states, own_patterns, mixed, mixtures, members, place, kept, w, ends, row_of, bends,
                 tables, findings, prior, blocks, out[i])  # fmt: skip
