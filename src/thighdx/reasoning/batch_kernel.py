# ruff: noqa: PLR0913
"""The delta method for many cases: one pass over the leading explanations of each case.

With w the posterior of explanations and P_k that of cause k, every gradient is a contrast of moments

    d log odds(k) / d x = alpha_k sum_H w(H) [k in H] d(H) - beta_k sum_H w(H) d(H),
    alpha_k = 1 / P_k + 1 / (1 - P_k),  beta_k = 1 / (1 - P_k)

where d(H) = slope(H) [c in H] for a link of cause c: so one table of moments over pairs of causes per known
state serves all causes and all links at once, and an explanation adds to at most six of its entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["delta_moments"]


@njit(nogil=True, cache=True, error_model="numpy")
def _pair_moments(values: Any, members: Any, kept: Any, n_kept: int, table: Any) -> float:
    """Fill the upper triangle of sums over explanations that hold two causes; return the sum over all."""
    none = table.shape[0]
    table[:] = 0.0
    total = 0.0
    for j in range(n_kept):
        value = values[j]
        total += value
        row = members[kept[j]]
        for a in range(len(row)):
            if row[a] == none:
                break
            table[row[a], row[a]] += value
            for b in range(a + 1, len(row)):
                if row[b] == none:
                    break
                table[row[a], row[b]] += value
    for a in range(none):
        for b in range(a):
            table[a, b] = table[b, a]
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def _add(out: Any, k: int, slope: float, moments: Any) -> None:
    """Add one judgement to mean, variance and third moment."""
    square = slope * slope
    out[k, 0] += slope * moments[0]
    out[k, 1] += square * moments[1]
    out[k, 2] += square * slope * moments[2]


@njit(nogil=True, cache=True, error_model="numpy")
def keep_leading(weights: Any, members: Any, asked: Any, cut: float, kept: Any, chance: Any) -> int:
    """Write the explanations that matter for an asked cause, or overall, into `kept`; return how many.

    An explanation is left out if it holds less than `cut` of the mass of every asked member, and of all.
    """
    none = len(asked)
    chance[:] = 0.0
    total = 0.0
    for h in range(len(weights)):
        total += weights[h]
        for a in range(members.shape[1]):
            if members[h, a] == none:
                break
            chance[members[h, a]] += weights[h]
    n_kept = 0
    for h in range(len(weights)):
        if weights[h] <= 0.0:
            continue
        limit = cut * total
        for a in range(members.shape[1]):
            c = members[h, a]
            if c == none:
                break
            if asked[c]:
                limit = min(limit, cut * min(chance[c], total - chance[c]))
        if weights[h] > limit:
            kept[n_kept] = h
            n_kept += 1
    return n_kept


@njit(nogil=True, cache=True, error_model="numpy")
def delta_moments(
    weights: Any, asked: Any, states: Any, state_ptr: Any, patterns: Any, pattern_ptr: Any, cut: float,
    members: Any, findings: Any, prior: Any, blocks: Any, out: Any, n_kept_out: Any,
) -> None:  # fmt: skip
    """Fill in mean shift, variance and third moment of the log odds of every asked cause.

    Parameters
    ----------
    weights : (n_cases, n_explanations) floating
        P(H | evidence) up to a factor.
    asked : (n_cases, n_causes) bool
    states, state_ptr : known finding states of case i are states[state_ptr[i]:state_ptr[i + 1]].
    patterns, pattern_ptr : the same for patterns of blocks.
    out : (n_cases, n_causes, 3) float64
        Zeroed.
    """
    n_cases, n_explanations = weights.shape
    n_causes = asked.shape[1]
    n_pairs = prior.pair_moments.shape[0]
    kept = np.empty(n_explanations, dtype=np.int64)
    chance = np.empty(n_causes)
    w = np.empty(n_explanations)
    values = np.empty(n_explanations)
    plain = np.empty((n_causes, n_causes))
    table = np.empty((n_causes, n_causes))
    other = np.empty((n_causes, n_causes))
    alpha, beta = np.empty(n_causes), np.empty(n_causes)
    ks = np.empty(n_causes, dtype=np.int64)
    by_context = np.empty((n_causes, n_causes))
    by_pair = np.empty((n_causes, n_pairs))
    in_pair = np.empty((n_pairs, n_causes + 1))
    for i in range(n_cases):
        n_kept = keep_leading(weights[i], members, asked[i], cut, kept, chance)
        n_kept_out[i] = n_kept
        total = 0.0
        for j in range(n_kept):
            total += weights[i, kept[j]]
        for j in range(n_kept):
            w[j] = weights[i, kept[j]] / total
        _pair_moments(w, members, kept, n_kept, plain)
        n_asked = 0
        for k in range(n_causes):
            if asked[i, k] and 0.0 < plain[k, k] < 1.0:
                ks[n_asked] = k
                n_asked += 1
                beta[k] = 1.0 / (1.0 - plain[k, k])
                alpha[k] = 1.0 / plain[k, k] + beta[k]
        for s in range(state_ptr[i], state_ptr[i + 1]):
            for item in range(findings.item_start[states[s]], findings.item_start[states[s] + 1]):
                step, slope = findings.item_step[item], findings.item_slope[item]
                if slope < 0:
                    moments, whole = plain, 1.0
                    values[:n_kept] = w[:n_kept]
                else:
                    for j in range(n_kept):
                        values[j] = w[j] * findings.slopes[slope, kept[j]]
                    whole = _pair_moments(values, members, kept, n_kept, table)
                    moments = table
                b = findings.background[step]
                below, below_whole = other, whole * b / (1.0 - b)
                has_below = findings.odds_row[step] >= 0
                if has_below:
                    for j in range(n_kept):
                        values[j] *= findings.odds[findings.odds_row[step], kept[j]]
                    below_whole = _pair_moments(values, members, kept, n_kept, other)
                first, last = findings.entry_start[step], findings.entry_start[step + 1]
                judged = findings.background_moments[step, 1] > 0.0
                for n in range(n_asked):
                    k = ks[n]
                    for e in range(first, last):
                        c = findings.entry_cause[e]
                        if findings.entry_is_below[e]:
                            g = alpha[k] * below[k, c] - beta[k] * below[c, c]
                        else:
                            g = alpha[k] * moments[k, c] - beta[k] * moments[c, c]
                        _add(out[i], k, g, findings.entry_moments[e])
                    if judged:
                        if has_below:
                            rest = alpha[k] * below[k, k] - beta[k] * below_whole
                        else:
                            rest = (alpha[k] * moments[k, k] - beta[k] * whole) * b / (1.0 - b)
                        above = 0.0
                        for c in range(n_causes):
                            if findings.kind[step, c] > 0:
                                above += alpha[k] * moments[k, c] - beta[k] * moments[c, c]
                            elif findings.kind[step, c] < 0:
                                rest -= alpha[k] * below[k, c] - beta[k] * below[c, c]
                        _add(out[i], k, b * above - (1.0 - b) * rest, findings.background_moments[step])
        by_context[:] = 0.0
        by_pair[:] = 0.0
        for p in range(pattern_ptr[i], pattern_ptr[i + 1]):
            _add_block(blocks[patterns[p]], w, members, kept, n_kept, ks, n_asked, alpha, beta,
                       values, table, by_context, by_pair, out[i])  # fmt: skip
        in_pair[:] = 0.0
        for j in range(n_kept):
            row = members[kept[j]]
            for a in range(len(row)):
                for d in range(a + 1, len(row)):
                    place = prior.pair_place[row[a], row[d]]
                    if place >= 0:
                        in_pair[place, n_causes] += w[j]
                        for c in row:
                            if c < n_causes:
                                in_pair[place, c] += w[j]
        for n in range(n_asked):
            k = ks[n]
            for q in range(n_pairs):
                g = by_pair[k, q] + alpha[k] * in_pair[q, k] - beta[k] * in_pair[q, n_causes]
                for c in range(n_causes):
                    through = alpha[k] * plain[k, c] - beta[k] * plain[c, c]
                    g += through * prior.pair_direct[c, q] + by_context[k, c] * prior.pair_context[c, q]
                _add(out[i], k, g, prior.pair_moments[q])
            for d in range(n_causes):
                g = 0.0
                for c in range(n_causes):
                    through = alpha[k] * plain[k, c] - beta[k] * plain[c, c]
                    g += through * prior.share_direct[c, d] + by_context[k, c] * prior.share_context[c, d]
                _add(out[i], k, g, prior.share_moments[d])


@njit(nogil=True, cache=True, error_model="numpy")
def _add_block(
    block: Any, w: Any, members: Any, kept: Any, n_kept: int, ks: Any, n_asked: int, alpha: Any, beta: Any,
    values: Any, table: Any, by_context: Any, by_pair: Any, out: Any,
) -> None:  # fmt: skip
    """Add frequencies, effects and dependencies of one known pattern, and what goes through theta and pairs."""
    n_features = block.surprise.shape[0]
    n_causes = table.shape[0]
    n_effects = len(block.effect_feature)
    direct = np.empty((n_asked, n_features))
    effect = np.empty((n_asked, n_effects))
    e = 0
    for f in range(n_features):
        for j in range(n_kept):
            values[j] = w[j] * block.surprise[f, kept[j]]
        whole = _pair_moments(values, members, kept, n_kept, table)
        for n in range(n_asked):
            k = ks[n]
            direct[n, f] = alpha[k] * table[k, k] - beta[k] * whole
        while e < n_effects and block.effect_feature[e] == f:
            c = block.effect_cause[e]
            for n in range(n_asked):
                k = ks[n]
                effect[n, e] = alpha[k] * table[k, c] - beta[k] * table[c, c]
            e += 1
    through_own = np.dot(direct, block.to_own)
    through_effect = np.dot(direct, block.to_effect)
    through_theta = np.dot(direct, block.to_theta)
    through_pair = np.dot(direct, block.to_pair)
    for n in range(n_asked):
        k = ks[n]
        for q in range(through_own.shape[1]):
            _add(out, k, through_own[n, q], block.own_moments[q])
        for q in range(n_effects):
            _add(out, k, effect[n, q] + through_effect[n, q], block.effect_moments[q])
        for c in range(n_causes):
            by_context[k, c] += through_theta[n, c]
        for q in range(through_pair.shape[1]):
            by_pair[k, q] += through_pair[n, q]
