"""The leading explanations of many cases, compiled: which carry the posteriors that are asked for.

Evidence about a case is a list of rows of tables, one per known finding and per block of contexts something is
known about. Virtual evidence is a list of `Mixtures`: weighted rows of the same tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["CAUSE", "FAST", "FINDING", "find_leading"]

# Sums may be taken in any order, so that they run in vectors; NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz"}
# Kinds of mixtures: over states of a finding, over patterns of a block (1), over absence and presence of a cause.
FINDING, CAUSE = 0, 2
# The logarithm of anything possible is larger.
LOWEST = -1e30
SLACK = 1.5
# More of it for every piece of virtual evidence, under which likelihoods are no longer those of noisy-OR.
MIXTURE_SLACK = 0.5
# Mass that the explanations kept must hold.
MASS = 0.99


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _mixed_log(m: int, mixtures: Any, tables: Any, members: Any, h: int) -> Any:
    """Return the log likelihood of an explanation under one piece of virtual evidence."""
    total = 0.0
    first, last = mixtures.start[m], mixtures.start[m + 1]
    if mixtures.kind[m] == CAUSE:
        present = 0
        for c in members[h]:
            if c == mixtures.row[first]:
                present = 1
        return np.log(mixtures.weight[first + present])
    for i in range(first, last):
        if mixtures.kind[m] == FINDING:
            total += mixtures.weight[i] * np.exp(tables.finding_logs[mixtures.row[i], h])
        else:
            total += mixtures.weight[i] * np.exp(tables.block_logs[mixtures.row[i], h])
    return np.log(total)


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def _log_weights(
    states: Any, patterns: Any, mixed: Any, mixtures: Any, tables: Any, members: Any, n_small: int, logs: Any
) -> None:
    """Write log P(H, evidence) of the explanations of one or two causes."""
    logs[:n_small] = tables.log_prior[:n_small]
    for s in states:
        row = tables.finding_logs[s]
        for h in range(n_small):
            logs[h] += row[h]
    for p in patterns:
        row = tables.block_logs[p]
        for h in range(n_small):
            logs[h] += row[h]
    for m in range(mixed[0], mixed[1]):
        for h in range(n_small):
            logs[h] += _mixed_log(m, mixtures, tables, members, h)


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
    states: Any, patterns: Any, mixed: Any, given: Any, limit: Any, log_evidence: float, place: Any, n_small: int,
    members: Any, mixtures: Any, tables: Any, logs: Any, kept: Any, w: Any, ends: Any,
) -> None:  # fmt: skip
    """List the explanations above the limit of one of their causes, with their posteriors; `logs` is filled in.

    Those of three causes are looked at only where their pairs say that they may be: likelihoods of
    noisy-OR findings are log-submodular, P(abc) <= P(ab) P(ac) / P(a), as long as no background is
    suppressed; what prior and contexts add to that is allowed for by `SLACK`.
    """
    none = len(given)
    n_present = 0
    for c in range(none):
        n_present += given[c] == 1
    n_kept = 0
    slack = SLACK + MIXTURE_SLACK * (mixed[1] - mixed[0])
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
    lowest, guess = np.empty(none, dtype=np.float32), np.empty(none, dtype=np.float32)
    for c in range(none):
        lowest[c] = limit[c] + log_evidence - slack
    h = n_small
    for ab in range(
        none, n_small
    ):  # explanations (a, b, *) follow one another, and so do pairs (a, *) and (b, *)
        a, b = members[ab, 0], members[ab, 1]
        first, h = h, h + none - 1 - b
        low = min(lowest[a], lowest[b])
        rise_a, rise_b = logs[ab] - logs[a], logs[ab] - logs[b]
        if logs[a] > LOWEST and rise_a + most[a] < low and rise_a + most_above[a] < log_evidence - slack:
            continue
        if logs[b] > LOWEST and rise_b + most[b] < low and rise_b + most_above[b] < log_evidence - slack:
            continue
        n_third = h - first
        with_a, with_b = logs[ab + 1 : ab + 1 + n_third], logs[place[b, b + 1] : place[b, b + 1] + n_third]
        alone, other = logs[b + 1 : b + 1 + n_third], lowest[b + 1 : b + 1 + n_third]
        for t in range(n_third):
            bound = min(rise_a + with_a[t], rise_b + with_b[t])
            guess[t] = min(bound, with_a[t] + with_b[t] - alone[t]) - min(low, other[t])
        for t in range(n_third):
            if guess[t] < 0.0 or not _fits(members[first + t], given, n_present):
                continue
            abc, c = first + t, b + 1 + t
            bar = min(limit[a], limit[b], limit[c]) + log_evidence
            value = float(tables.log_prior[abc])
            for s in states:
                value += tables.finding_logs_by_explanation[abc, s]
            for p in patterns:
                value += tables.block_logs[p, abc]
            for m in range(mixed[0], mixed[1]):
                value += _mixed_log(m, mixtures, tables, members, abc)
            if value > bar:
                kept[n_kept], w[n_kept] = abc, np.exp(value - log_evidence)
                n_kept += 1
    ends[2] = n_kept


@njit(nogil=True, cache=True, error_model="numpy", fastmath=FAST)
def find_leading(
    posterior: Any, asked: Any, log_evidence: float, given: Any, states: Any, patterns: Any, mixed: Any, cut: float,
    mixtures: Any, tables: Any, members: Any, place: Any, n_small: int, logs: Any, kept: Any, w: Any, ends: Any,
) -> None:  # fmt: skip
    """List the leading explanations of one case, with posteriors that sum to 1.

    Parameters
    ----------
    posterior, asked, given : (n_causes,)
    states, patterns : rows of what is known.
    mixed : (2,) intp
        First and last of the case's mixtures.
    cut : float
        Explanations are kept that hold more than this share of an asked cause they belong to, or of what
        the likeliest cause leaves to the others; fewer are left out until the rest holds `MASS`.
    logs, kept, w : (n_explanations,)
        Filled in: log weights of those of one or two causes; which are kept, ascending; their posteriors.
    ends : (3,) int64
        Filled in: where explanations of one, of two and of three causes end among those kept.
    """
    n_causes = len(asked)
    limit = np.empty(n_causes + 1)
    rest = 1.0  # what the likeliest cause leaves to all explanations without it
    for k in range(n_causes):
        if asked[k]:
            rest = min(rest, 1.0 - posterior[k])
    _log_weights(states, patterns, mixed, mixtures, tables, members, n_small, logs)
    share, total = cut, 0.0
    while True:
        limit[:] = np.log(share * rest)
        for k in range(n_causes):
            if asked[k]:
                limit[k] = np.log(share * min(posterior[k], rest))
        _keep(states, patterns, mixed, given, limit, log_evidence, place, n_small, members, mixtures, tables, logs,
              kept, w, ends)  # fmt: skip
        total = w[: ends[2]].sum()
        if total > MASS or share < 1e-6:
            break
        share *= 0.1  # where little is known the mass is spread over thousands
    w[: ends[2]] /= total
