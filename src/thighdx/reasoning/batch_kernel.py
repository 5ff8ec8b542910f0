"""The delta method for many cases: one pass over the leading explanations of each.

With w the posterior of explanations and P_k that of cause k, all derivatives are means inside and outside

    E_in[d] = sum_H w(H) [k in H] d(H) / P_k,   E_out[d] = sum_H w(H) [k not in H] d(H) / (1 - P_k)

where d(H) = slope(H) [c in H] for a link of cause c: so one table of sums over pairs of causes per known state
serves all causes and all links at once, and an explanation adds to at most six of its entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["delta_moments_of_cases"]

# Sums may be taken in any order, so that they run in vectors; NaN and infinity keep their meaning.
# The logarithm of anything possible is larger.
LOWEST = -1e30
SLACK = 1.5
FAST = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _pair_sums(values: Any, kept: Any, members: Any, ends: Any, table: Any) -> float:
    """Fill sums of values over explanations that hold two causes, (n_causes, n_causes); return the whole sum.

    `ends` says where explanations of one, of two and of more causes end among those kept.
    """
    table[:] = 0.0
    total = 0.0
    for j in range(ends[0]):
        table[members[kept[j], 0], members[kept[j], 0]] += values[j]
        total += values[j]
    for j in range(ends[0], ends[1]):
        a, b, value = members[kept[j], 0], members[kept[j], 1], values[j]
        table[a, a] += value
        table[b, b] += value
        table[a, b] += value
        total += value
    for j in range(ends[1], ends[2]):
        value = values[j]
        total += value
        h = kept[j]
        a, b, c = members[h, 0], members[h, 1], members[h, 2]
        table[a, a] += value
        table[b, b] += value
        table[c, c] += value
        table[a, b] += value
        table[a, c] += value
        table[b, c] += value
        for y in range(3, members.shape[1]):
            d = members[h, y]
            if d == len(table):
                break
            for x in range(y + 1):
                table[members[h, x], d] += value
    for a in range(len(table)):
        for b in range(a):
            table[a, b] = table[b, a]
    return total


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add(out: Any, k: int, inside: float, outside: float, moments: Any) -> None:
    """Add one judgement to mean, variance and third moment of the log odds of cause k."""
    slope = inside - outside
    square = slope * slope
    out[k, 0] += slope * moments[0] - 0.5 * (inside * inside - outside * outside) * moments[3]
    out[k, 1] += square * moments[1]
    out[k, 2] += square * slope * moments[2]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _log_weights(
    states: Any, patterns: Any, findings: Any, prior: Any, blocks: Any, n_small: int, logs: Any
) -> None:
    """Write log P(H, evidence) of the explanations of one or two causes."""
    logs[:n_small] = prior.log_prior[:n_small]
    for s in states:
        row = findings.logs[s]
        for h in range(n_small):
            logs[h] += row[h]
    for p in patterns:
        row = blocks.log_known[p]
        for h in range(n_small):
            logs[h] += row[h]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _fits(row: Any, given: Any, n_present: int) -> bool:
    """Whether an explanation agrees with the causes that are given."""
    found = 0
    for c in row:
        if c < len(given):
            if given[c] == 0:
                return False
            found += given[c] == 1
    return found == n_present


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _keep(
    states: Any, patterns: Any, given: Any, limit: Any, log_evidence: float, place: Any, n_small: int, members: Any,
    findings: Any, prior: Any, blocks: Any, logs: Any, kept: Any, w: Any, ends: Any,
) -> None:  # fmt: skip
    """List the explanations above the limit of one of their causes, with their posteriors.

    Those of three or more causes are looked at only where their pairs say that they may be: likelihoods of
    noisy-OR findings are log-submodular, P(abc) <= P(ab) P(ac) / P(a), as long as no background is
    suppressed; what prior and contexts add to that is allowed for by `SLACK`.
    """
    none = len(given)
    n_present = 0
    for c in range(none):
        n_present += given[c] == 1
    n_kept = 0
    _log_weights(states, patterns, findings, prior, blocks, n_small, logs)
    for h in range(n_small):
        if h == none:
            ends[0] = n_kept
        bar = limit[members[h, 0]]
        if h >= none:
            bar = min(bar, limit[members[h, 1]])
        if logs[h] - log_evidence > bar and _fits(members[h], given, n_present):
            kept[n_kept], w[n_kept] = h, np.exp(logs[h] - log_evidence)
            n_kept += 1
    if n_small <= none:
        ends[0] = n_kept
    ends[1] = n_kept
    for h in range(n_small, len(members)):
        a, b, c = members[h, 0], members[h, 1], members[h, 2]
        bar = min(limit[a], limit[b], limit[c])
        for x in range(3, members.shape[1]):
            bar = min(bar, limit[members[h, x]])
        ab, ac, bc = logs[place[a, b]], logs[place[a, c]], logs[place[b, c]]
        guess = np.float32(np.inf)
        if logs[a] > LOWEST:
            guess = min(guess, ab + ac - logs[a])
        if logs[b] > LOWEST:
            guess = min(guess, ab + bc - logs[b])
        if logs[c] > LOWEST:
            guess = min(guess, ac + bc - logs[c])
        if guess - log_evidence < bar - SLACK:
            continue
        if not _fits(members[h], given, n_present):
            continue
        value = prior.log_prior[h]
        for s in states:
            value += findings.logs_by_explanation[h, s]
        for p in patterns:
            value += blocks.log_known[p, h]
        if value - log_evidence > bar:
            kept[n_kept], w[n_kept] = h, np.exp(value - log_evidence)
            n_kept += 1
    ends[2] = n_kept


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def delta_moments_of_cases(
    posterior: Any, log_evidence: Any, asked: Any, given: Any, states: Any, state_ptr: Any, patterns: Any,
    pattern_ptr: Any, cut: float, members: Any, place: Any, n_small: int, findings: Any, prior: Any, blocks: Any,
    out: Any,
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
    cut : float
        Explanations are kept that hold more than this share of an asked cause, or of all.
    place : (n_causes, n_causes) intp
        The explanation of every pair of causes.
    n_small : int
        Number of explanations of one or two causes; they come first.
    out : (n_cases, n_causes, 3) float64
        Zeroed.
    """
    n_cases, n_causes = asked.shape
    n_explanations = len(members)
    n_pairs = len(prior.pair_moments)
    kept, ends = np.empty(n_explanations, dtype=np.int64), np.empty(3, dtype=np.int64)
    logs, w, values = (
        np.empty(n_explanations, dtype=np.float32),
        np.empty(n_explanations),
        np.empty(n_explanations),
    )
    limit, chance_in, chance_out = np.empty(n_causes + 1), np.empty(n_causes), np.empty(n_causes)
    plain, table = np.empty((n_causes, n_causes)), np.empty((n_causes, n_causes))
    absent = np.empty((n_causes, 4))
    ks = np.empty(n_causes, dtype=np.int64)
    in_pair = np.empty((n_pairs, n_causes + 1))
    for i in range(n_cases):
        own_states = states[state_ptr[i] : state_ptr[i + 1]]
        own_patterns = patterns[pattern_ptr[i] : pattern_ptr[i + 1]]
        limit[:] = np.log(cut)
        for k in range(n_causes):
            if asked[i, k]:
                limit[k] = np.log(cut * min(posterior[i, k], 1.0 - posterior[i, k]))
        _keep(own_states, own_patterns, given[i], limit, log_evidence[i], place, n_small, members, findings, prior,
              blocks, logs, kept, w, ends)  # fmt: skip
        n_kept = ends[2]
        w[:n_kept] /= w[:n_kept].sum()
        _pair_sums(w, kept, members, ends, plain)
        n_asked = 0
        for k in range(n_causes):
            if asked[i, k] and 0.0 < plain[k, k] < 1.0:
                ks[n_asked] = k
                n_asked += 1
                chance_in[k], chance_out[k] = 1.0 / plain[k, k], 1.0 / (1.0 - plain[k, k])
        absent[:] = 0.0
        values[:n_kept] = 0.0
        for s in own_states:
            row = findings.bends[s]
            for j in range(n_kept):
                values[j] += row[kept[j]]
        for p in own_patterns:
            row = blocks.bend[p]
            for j in range(n_kept):
                values[j] += row[kept[j]]
        for j in range(n_kept):
            values[j] = (values[j] + prior.bend[kept[j]]) * w[j]
        whole = _pair_sums(values, kept, members, ends, table)
        for n in range(n_asked):
            k = ks[n]
            out[i, k, 0] += 0.5 * (table[k, k] * chance_in[k] - (whole - table[k, k]) * chance_out[k])
            for c in range(n_causes):
                through = plain[k, c] * chance_in[k] - (plain[c, c] - plain[k, c]) * chance_out[k]
                out[i, k, 0] += 0.5 * through * prior.theta_bend[c]
        for s in own_states:
            for item in range(findings.item_start[s], findings.item_start[s + 1]):
                step, slope = findings.item_step[item], findings.item_slope[item]
                if slope < 0:  # absent: the same sums for all such findings
                    for c in range(n_causes):
                        for q in range(4):
                            absent[c, q] += findings.absent_moments[step, c, q]
                    if findings.background_moments[step, 1] > 0.0:
                        for n in range(n_asked):
                            k = ks[n]
                            inside, outside = 0.0, 0.0
                            for c in range(n_causes):
                                has = findings.has_row[step, c]
                                inside += has * plain[k, c]
                                outside += has * (plain[c, c] - plain[k, c])
                            b = findings.background[step]
                            _add(out[i], k, b * inside * chance_in[k], b * outside * chance_out[k],
                                 findings.background_moments[step])  # fmt: skip
                    continue
                row = findings.slopes[slope]
                for j in range(n_kept):
                    values[j] = w[j] * row[kept[j]]
                whole = _pair_sums(values, kept, members, ends, table)
                for n in range(n_asked):
                    k = ks[n]
                    for e in range(findings.entry_start[step], findings.entry_start[step + 1]):
                        c = findings.entry_cause[e]
                        inside = table[k, c] * chance_in[k]
                        outside = (table[c, c] - table[k, c]) * chance_out[k]
                        _add(out[i], k, inside, outside, findings.entry_moments[e])
                    if findings.background_moments[step, 1] > 0.0:
                        inside, outside = -table[k, k], table[k, k] - whole
                        for c in range(n_causes):
                            has = findings.has_row[step, c]
                            inside += has * table[k, c]
                            outside += has * (table[c, c] - table[k, c])
                        b = findings.background[step]
                        _add(out[i], k, b * inside * chance_in[k], b * outside * chance_out[k],
                             findings.background_moments[step])  # fmt: skip
        for n in range(n_asked):
            k = ks[n]
            for c in range(n_causes):
                _add(
                    out[i],
                    k,
                    plain[k, c] * chance_in[k],
                    (plain[c, c] - plain[k, c]) * chance_out[k],
                    absent[c],
                )
        n_features = 0
        for p in own_patterns:
            n_features += blocks.feature_start[p + 1] - blocks.feature_start[p]
        slopes, through = np.empty((n_asked, n_features)), np.empty((n_features, n_causes + n_pairs))
        filled = 0
        for p in own_patterns:
            filled = _add_block(blocks, p, w, kept, members, ends, ks[:n_asked], chance_in, chance_out, values,
                                table, slopes, through, filled, out[i])  # fmt: skip
        contexts = np.dot(slopes, through)
        in_pair[:] = 0.0
        for j in range(ends[0], n_kept):
            row = members[kept[j]]
            for x in range(len(row)):
                for y in range(x + 1, len(row)):
                    q = prior.pair_place[row[x], row[y]]
                    if q >= 0:
                        in_pair[q, n_causes] += w[j]
                        for c in row:
                            if c < n_causes:
                                in_pair[q, c] += w[j]
        _add_prior(prior, plain, in_pair, contexts, ks[:n_asked], chance_in, chance_out, out[i])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_prior(
    prior: Any,
    plain: Any,
    in_pair: Any,
    context: Any,
    pairs: Any,
    ks: Any,
    chance_in: Any,
    chance_out: Any,
    out: Any,
) -> None:
    """Add shares and pairs; what they do through contexts counts for the spread, not for the mean."""
    n_asked, n_causes = len(ks), len(plain)
    inside, outside = np.empty((n_asked, n_causes)), np.empty((n_asked, n_causes))
    through = np.empty((n_asked, n_causes))
    for n in range(n_asked):
        k = ks[n]
        for c in range(n_causes):
            inside[n, c] = plain[k, c] * chance_in[k]
            outside[n, c] = (plain[c, c] - plain[k, c]) * chance_out[k]
            through[n, c] = contexts[n, c]
    share_in, share_out = np.dot(inside, prior.share_direct), np.dot(outside, prior.share_direct)
    share_through = np.dot(through, prior.share_context)
    pair_in, pair_out = np.dot(inside, prior.pair_direct), np.dot(outside, prior.pair_direct)
    pair_through = np.dot(through, prior.pair_context)
    for n in range(n_asked):
        k = ks[n]
        for c in range(n_causes):
            _add_through(out, k, share_in[n, c], share_out[n, c], share_through[n, c], prior.share_moments[c])
        for q in range(len(in_pair)):
            a = pair_in[n, q] + in_pair[q, k] * chance_in[k]
            b = pair_out[n, q] + (in_pair[q, n_causes] - in_pair[q, k]) * chance_out[k]
            _add_through(out, k, a, b, pair_through[n, q] + contexts[n, n_causes + q], prior.pair_moments[q])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add_through(out: Any, k: int, inside: float, outside: float, through: float, moments: Any) -> None:
    """Add one judgement of the prior, part of whose slope comes through contexts."""
    slope = inside - outside + through
    square = slope * slope
    out[k, 0] += slope * moments[0] - 0.5 * (inside * inside - outside * outside) * moments[3]
    out[k, 1] += square * moments[1]
    out[k, 2] += square * slope * moments[2]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_block(
    blocks: Any, p: int, w: Any, kept: Any, members: Any, ends: Any, ks: Any, chance_in: Any, chance_out: Any,
    values: Any, table: Any, slopes: Any, through: Any, filled: int, out: Any,
) -> int:  # fmt: skip
    """Add frequencies, effects and dependencies of one known pattern; put down what goes through the prior.

    Returns
    -------
    int
        Features put down so far: their slopes in columns, what each does to theta and pairs in rows.
    """
    first, last = blocks.feature_start[p], blocks.feature_start[p + 1]
    first_own, last_own = blocks.own_start[p], blocks.own_start[p + 1]
    e, last_effect = blocks.effect_start[p], blocks.effect_start[p + 1]
    n_features, n_own, n_effects = last - first, last_own - first_own, last_effect - e
    n_asked, first_effect = len(ks), e
    direct_in, direct_out = np.empty((n_asked, n_features)), np.empty((n_asked, n_features))
    effect_in, effect_out = np.empty((n_effects, n_asked)), np.empty((n_effects, n_asked))
    for f in range(n_features):
        row = blocks.surprise[first + f]
        for j in range(ends[2]):
            values[j] = w[j] * row[kept[j]]
        whole = _pair_sums(values, kept, members, ends, table)
        for n in range(n_asked):
            k = ks[n]
            direct_in[n, f] = table[k, k] * chance_in[k]
            direct_out[n, f] = (whole - table[k, k]) * chance_out[k]
            slopes[n, filled + f] = direct_in[n, f] - direct_out[n, f]
        through[filled + f] = blocks.to_both[first + f]
        while e < last_effect and blocks.effect_feature[e] == f:
            c = blocks.effect_cause[e]
            for n in range(n_asked):
                k = ks[n]
                effect_in[e - first_effect, n] = table[k, c] * chance_in[k]
                effect_out[e - first_effect, n] = (table[c, c] - table[k, c]) * chance_out[k]
            e += 1
    start = blocks.to_effect_start[p]
    for q in range(n_effects):
        for n in range(n_asked):
            inside, outside = effect_in[q, n], effect_out[q, n]
            for f in range(n_features):
                inside += direct_in[n, f] * blocks.to_effect[start + f * n_effects + q]
                outside += direct_out[n, f] * blocks.to_effect[start + f * n_effects + q]
            _add(out, ks[n], inside, outside, blocks.effect_moments[first_effect + q])
    start = blocks.to_own_start[p]
    for q in range(n_own):
        for n in range(n_asked):
            inside, outside = 0.0, 0.0
            for f in range(n_features):
                inside += direct_in[n, f] * blocks.to_own[start + f * n_own + q]
                outside += direct_out[n, f] * blocks.to_own[start + f * n_own + q]
            _add(out, ks[n], inside, outside, blocks.own_moments[first_own + q])
    return filled + n_features
