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
# Mass that the explanations kept must hold.
MASS = 0.99
FAST = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _pair_sums(values: Any, kept: Any, members: Any, ends: Any, table: Any) -> float:
    """Fill sums of values over explanations that hold two causes, (n_causes, n_causes); return the whole sum.

    `ends` says where explanations of one, of two and of three causes end among those kept.
    """
    table[:] = 0.0
    total = 0.0
    for j in range(ends[0]):
        a = members[kept[j], 0]
        table[a, a] += values[j]
        total += values[j]
    for j in range(ends[0], ends[1]):
        a, b, value = members[kept[j], 0], members[kept[j], 1], values[j]
        table[a, a] += value
        table[b, b] += value
        table[a, b] += value
        table[b, a] += value
        total += value
    for j in range(ends[1], ends[2]):
        h, value = kept[j], values[j]
        a, b, c = members[h, 0], members[h, 1], members[h, 2]
        table[a, a] += value
        table[b, b] += value
        table[c, c] += value
        table[a, b] += value
        table[b, a] += value
        table[a, c] += value
        table[c, a] += value
        table[b, c] += value
        table[c, b] += value
        total += value
    return total


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _add(total: Any, inside: Any, outside: Any, through: Any, moments: Any) -> None:
    """Add one judgement to mean, variance and third moment of all causes, (3, n_causes).

    `through` is slope that does not count for the second order of the mean.
    """
    shift, variance, third, spread = moments[0], moments[1], moments[2], 0.5 * moments[3]
    for k in range(len(inside)):
        slope = inside[k] - outside[k] + through[k]
        square = slope * slope
        total[0, k] += slope * shift - (inside[k] * inside[k] - outside[k] * outside[k]) * spread
        total[1, k] += square * variance
        total[2, k] += square * slope * third


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST, inline="always")
def _sides(table: Any, c: int, chance_in: Any, chance_out: Any, inside: Any, outside: Any) -> None:
    """Write the means inside and outside every cause of something that goes with cause c."""
    row, whole = table[c], table[c, c]
    for k in range(len(row)):
        inside[k] = row[k] * chance_in[k]
        outside[k] = (whole - row[k]) * chance_out[k]


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

    Those of three causes are looked at only where their pairs say that they may be: likelihoods of
    noisy-OR findings are log-submodular, P(abc) <= P(ab) P(ac) / P(a), as long as no background is
    suppressed; what prior and contexts add to that is allowed for by `SLACK`.
    """
    none = len(given)
    n_present = 0
    for c in range(none):
        n_present += given[c] == 1
    n_kept = 0
    _log_weights(states, patterns, findings, prior, blocks, n_small, logs)
    # the best pair with every cause, as it is and above the limit of the other one
    most, most_above = np.full(none, -np.inf), np.full(none, -np.inf)
    for h in range(none, n_small):
        a, b = members[h, 0], members[h, 1]
        most[a], most[b] = max(most[a], logs[h]), max(most[b], logs[h])
        most_above[a] = max(most_above[a], logs[h] - limit[b])
        most_above[b] = max(most_above[b], logs[h] - limit[a])
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
    h = n_small
    for ab in range(none, n_small):  # explanations (a, b, *) follow one another
        a, b = members[ab, 0], members[ab, 1]
        first, h = h, h + none - 1 - b
        low = min(limit[a], limit[b]) + log_evidence - SLACK
        rise = logs[ab] - logs[a] if logs[a] > LOWEST else np.float32(np.inf)
        if rise + most[a] < low and rise + most_above[a] < log_evidence - SLACK:
            continue
        rise = logs[ab] - logs[b] if logs[b] > LOWEST else np.float32(np.inf)
        if rise + most[b] < low and rise + most_above[b] < log_evidence - SLACK:
            continue
        for abc in range(first, h):
            c = b + 1 + abc - first
            ac, bc = place[a, c], place[b, c]
            bar = min(limit[a], limit[b], limit[c]) + log_evidence
            guess = np.float32(np.inf)
            if logs[a] > LOWEST:
                guess = min(guess, logs[ab] + logs[ac] - logs[a])
            if logs[b] > LOWEST:
                guess = min(guess, logs[ab] + logs[bc] - logs[b])
            if logs[c] > LOWEST:
                guess = min(guess, logs[ac] + logs[bc] - logs[c])
            if guess < bar - SLACK or not _fits(members[abc], given, n_present):
                continue
            value = prior.log_prior[abc]
            for s in states:
                value += findings.logs_by_explanation[abc, s]
            for p in patterns:
                value += blocks.log_known[p, abc]
            if value > bar:
                kept[n_kept], w[n_kept] = abc, np.exp(value - log_evidence)
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
        Explanations are kept that hold more than this share of an asked cause they belong to, or of what
        the likeliest cause leaves to the others; fewer are left out until the rest holds `MASS`.
    place : (n_causes + 1, n_causes + 1) intp
        The explanation of every pair of causes.
    n_small : int
        Number of explanations of one or two causes; they come first.
    out : (n_cases, n_causes, 3) float64
    """
    n_cases, n_causes = asked.shape
    n_explanations = len(members)
    kept, ends = np.empty(n_explanations, dtype=np.int64), np.empty(3, dtype=np.int64)
    logs = np.empty(n_explanations, dtype=np.float32)
    w, values = np.empty(n_explanations), np.empty(n_explanations)
    limit = np.empty(n_causes + 1)
    chance_in, chance_out = np.empty(n_causes), np.empty(n_causes)
    plain, table = np.empty((n_causes, n_causes)), np.empty((n_causes, n_causes))
    total, absent = np.empty((3, n_causes)), np.empty((n_causes, 4))
    inside, outside, zero = np.empty(n_causes), np.empty(n_causes), np.zeros(n_causes)
    for i in range(n_cases):
        own_states = states[state_ptr[i] : state_ptr[i + 1]]
        own_patterns = patterns[pattern_ptr[i] : pattern_ptr[i + 1]]
        rest = 1.0  # what the likeliest cause leaves to all explanations without it
        for k in range(n_causes):
            if asked[i, k]:
                rest = min(rest, 1.0 - posterior[i, k])
        share = cut
        while True:
            limit[:] = np.log(share * rest)
            for k in range(n_causes):
                if asked[i, k]:
                    limit[k] = np.log(share * min(posterior[i, k], rest))
            _keep(own_states, own_patterns, given[i], limit, log_evidence[i], place, n_small, members, findings, prior,
                  blocks, logs, kept, w, ends)  # fmt: skip
            if w[: ends[2]].sum() > MASS or share < 1e-6:
                break
            share *= 0.1  # where little is known the mass is spread over thousands
        n_kept = ends[2]
        w[:n_kept] /= w[:n_kept].sum()
        _pair_sums(w, kept, members, ends, plain)
        for k in range(n_causes):
            is_open = asked[i, k] and 0.0 < plain[k, k] < 1.0
            chance_in[k] = 1.0 / plain[k, k] if is_open else 0.0
            chance_out[k] = 1.0 / (1.0 - plain[k, k]) if is_open else 0.0
        total[:] = 0.0
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
            values[j] = 0.5 * (values[j] + prior.bend[kept[j]]) * w[j]
        whole = _pair_sums(values, kept, members, ends, table)
        for k in range(n_causes):
            total[0, k] += table[k, k] * chance_in[k] - (whole - table[k, k]) * chance_out[k]
        absent[:] = 0.0
        for s in own_states:
            for item in range(findings.item_start[s], findings.item_start[s + 1]):
                step, slope = findings.item_step[item], findings.item_slope[item]
                b, is_judged = findings.background[step], findings.background_moments[step, 1] > 0.0
                if slope < 0:  # absent: the same sums for all such findings
                    absent += findings.absent_moments[step]
                    if is_judged:
                        _background(
                            plain, 1.0, b, findings.has_row[step], chance_in, chance_out, inside, outside
                        )
                        _add(total, inside, outside, zero, findings.background_moments[step])
                    continue
                row = findings.slopes[slope]
                for j in range(n_kept):
                    values[j] = w[j] * row[kept[j]]
                whole = _pair_sums(values, kept, members, ends, table)
                for e in range(findings.entry_start[step], findings.entry_start[step + 1]):
                    _sides(table, findings.entry_cause[e], chance_in, chance_out, inside, outside)
                    _add(total, inside, outside, zero, findings.entry_moments[e])
                if is_judged:
                    _background(
                        table, whole, b, findings.has_row[step], chance_in, chance_out, inside, outside
                    )
                    _add(total, inside, outside, zero, findings.background_moments[step])
        for c in range(n_causes):
            _sides(plain, c, chance_in, chance_out, inside, outside)
            _add(total, inside, outside, zero, absent[c])
            for k in range(n_causes):
                total[0, k] += 0.5 * (inside[k] - outside[k]) * prior.theta_bend[c]
        _add_contexts_and_prior(own_patterns, blocks, prior, w, kept, members, ends, chance_in, chance_out, values,
                                plain, table, inside, outside, zero, total)  # fmt: skip
        for k in range(n_causes):
            for q in range(3):
                out[i, k, q] = total[q, k]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _background(
    table: Any,
    whole: float,
    b: float,
    has_row: Any,
    chance_in: Any,
    chance_out: Any,
    inside: Any,
    outside: Any,
) -> None:
    """Write means of the slope of a background: b for every cause with a row of its own, less b."""
    inside[:] = 0.0
    outside[:] = 0.0
    for c in range(len(has_row)):
        if has_row[c] > 0.0:
            row = table[c]
            for k in range(len(row)):
                inside[k] += row[k]
                outside[k] += table[c, c] - row[k]
    for k in range(len(inside)):
        inside[k] = b * (inside[k] - table[k, k]) * chance_in[k]
        outside[k] = b * (outside[k] - whole + table[k, k]) * chance_out[k]


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_contexts_and_prior(
    patterns: Any, blocks: Any, prior: Any, w: Any, kept: Any, members: Any, ends: Any, chance_in: Any,
    chance_out: Any, values: Any, plain: Any, table: Any, inside: Any, outside: Any, zero: Any, total: Any,
) -> None:  # fmt: skip
    """Add known contexts, then shares and pairs with what they do through contexts."""
    n_causes, n_pairs = len(plain), len(prior.pair_moments)
    n_features = 0
    for p in patterns:
        n_features += blocks.feature_start[p + 1] - blocks.feature_start[p]
    direct_in, direct_out = np.empty((n_features, n_causes)), np.empty((n_features, n_causes))
    through = np.empty((n_features, blocks.to_both.shape[1]))
    filled = 0
    for p in patterns:
        filled = _add_block(blocks, p, w, kept, members, ends, chance_in, chance_out, values, table, inside,
                            outside, zero, direct_in, direct_out, through, filled, total)  # fmt: skip
    contexts = np.dot(through.T, direct_in - direct_out)  # (n_causes + n_pairs, n_causes)
    each_in, each_out = np.empty((n_causes, n_causes)), np.empty((n_causes, n_causes))
    for c in range(n_causes):
        _sides(plain, c, chance_in, chance_out, each_in[c], each_out[c])
    in_pair = np.zeros((n_pairs, n_causes + 1))
    for j in range(ends[0], ends[2]):
        h = kept[j]
        for x in range(members.shape[1]):
            for y in range(x + 1, members.shape[1]):
                q = prior.pair_place[members[h, x], members[h, y]]
                if q >= 0:
                    in_pair[q, n_causes] += w[j]
                    for z in range(members.shape[1]):
                        if members[h, z] < n_causes:
                            in_pair[q, members[h, z]] += w[j]
    share_in, share_out = np.dot(prior.share_direct, each_in), np.dot(prior.share_direct, each_out)
    share_through = np.dot(prior.share_context, contexts[:n_causes])
    for c in range(n_causes):
        _add(total, share_in[c], share_out[c], share_through[c], prior.share_moments[c])
    pair_in, pair_out = np.dot(prior.pair_direct, each_in), np.dot(prior.pair_direct, each_out)
    pair_through = np.dot(prior.pair_context, contexts[:n_causes]) + contexts[n_causes:]
    for q in range(n_pairs):
        for k in range(n_causes):
            pair_in[q, k] += in_pair[q, k] * chance_in[k]
            pair_out[q, k] += (in_pair[q, n_causes] - in_pair[q, k]) * chance_out[k]
        _add(total, pair_in[q], pair_out[q], pair_through[q], prior.pair_moments[q])


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _add_block(
    blocks: Any, p: int, w: Any, kept: Any, members: Any, ends: Any, chance_in: Any, chance_out: Any, values: Any,
    table: Any, inside: Any, outside: Any, zero: Any, direct_in: Any, direct_out: Any, through: Any, filled: int,
    total: Any,
) -> Any:  # fmt: skip
    """Add frequencies, effects and dependencies of one known pattern; put down what goes through the prior.

    Returns
    -------
    int
        Features put down so far: their means in `direct_in` and `direct_out`, what each does to theta and
        pairs in `through`.
    """
    n_causes = len(table)
    first, last = blocks.feature_start[p], blocks.feature_start[p + 1]
    n_features = last - first
    e, first_effect, last_effect = blocks.effect_start[p], blocks.effect_start[p], blocks.effect_start[p + 1]
    n_effects = last_effect - first_effect
    effect_in, effect_out = np.empty((n_effects, n_causes)), np.empty((n_effects, n_causes))
    for f in range(n_features):
        row = blocks.surprise[first + f]
        for j in range(ends[2]):
            values[j] = w[j] * row[kept[j]]
        whole = _pair_sums(values, kept, members, ends, table)
        for k in range(n_causes):
            direct_in[filled + f, k] = table[k, k] * chance_in[k]
            direct_out[filled + f, k] = (whole - table[k, k]) * chance_out[k]
        through[filled + f] = blocks.to_both[first + f]
        while e < last_effect and blocks.effect_feature[e] == f:
            c = blocks.effect_cause[e]
            _sides(table, c, chance_in, chance_out, effect_in[e - first_effect], effect_out[e - first_effect])
            e += 1
    start = blocks.to_effect_start[p]
    for q in range(n_effects):
        for f in range(n_features):
            coefficient = blocks.to_effect[start + f * n_effects + q]
            for k in range(n_causes):
                effect_in[q, k] += direct_in[filled + f, k] * coefficient
                effect_out[q, k] += direct_out[filled + f, k] * coefficient
        _add(total, effect_in[q], effect_out[q], zero, blocks.effect_moments[first_effect + q])
    start, n_own = blocks.to_own_start[p], blocks.own_start[p + 1] - blocks.own_start[p]
    for q in range(n_own):
        inside[:] = 0.0
        outside[:] = 0.0
        for f in range(n_features):
            coefficient = blocks.to_own[start + f * n_own + q]
            for k in range(n_causes):
                inside[k] += direct_in[filled + f, k] * coefficient
                outside[k] += direct_out[filled + f, k] * coefficient
        _add(total, inside, outside, zero, blocks.own_moments[blocks.own_start[p] + q])
    return filled + n_features
