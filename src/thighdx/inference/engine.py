"""Exact inference over explanations in plain numpy: the readable engine, for single cases and short tables.

    log w(H) = log P(H) + sum over known variables of log P(v = s | H)

Unknown variables drop out, which is exact marginalisation; posteriors are sums of the softmax of log w. Every
term is positive, so nothing cancels and nothing needs clipping. Every case is worked out on its own, in a fixed
order: its bits do not depend on which other cases it comes with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.dense_rows import add_dense_rows, agreement
from thighdx.inference.groups import SetMembers, set_members
from thighdx.inference.tables import JointTable, SettingTables, setting_tables
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = [
    "CERTAIN",
    "Posteriors",
    "cause_chances",
    "explanation_posterior",
    "infer",
    "log_weights",
    "marginals",
]

# Cases worked on at once: few enough that the rows they add stay in the processor's cache.
CASES_AT_ONCE = 16
CERTAIN = 1e-6
"""Sets whose absence is less likely than this have it summed for itself: exactly 0 where they are given."""


@dataclass(frozen=True, slots=True)
class Posteriors:
    """What inference says about a batch.

    Attributes
    ----------
    posterior : (n_cases, n_sets) float64
        P(any of the set present | evidence) for every asked set; NaN where the evidence is impossible.
    log_evidence : (n_cases,) float64
        Natural log of P(evidence | complaint, setting); -inf where impossible, 0 without evidence.
    """

    posterior: Floats
    log_evidence: Floats


def infer(network: Network, batch: EvidenceBatch, *, sets: Floats | None = None) -> Posteriors:
    """Return posteriors for every case.

    Parameters
    ----------
    network : Network
    batch : EvidenceBatch
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.

    Notes
    -----
    Work per case is n_known x n_explanations additions, n_explanations exponentials and as many additions as
    the sets have members; memory beyond input and output does not grow with the number of cases.
    """
    members = set_members(network, sets)
    posterior = np.empty((batch.n_cases, members.n_sets))
    log_evidence = np.empty(batch.n_cases)
    for setting in np.unique(batch.setting_idx):
        cases = np.flatnonzero(batch.setting_idx == setting)
        for start in range(0, len(cases), CASES_AT_ONCE):
            chunk = cases[start : start + CASES_AT_ONCE]
            weights = log_weights(network, take_cases(batch, chunk))
            posterior[chunk], log_evidence[chunk] = _normalise(weights, members)
    log_evidence[batch.is_empty()] = 0.0
    return Posteriors(posterior, log_evidence)


def _normalise(weights: Floats, members: SetMembers) -> tuple[Floats, Floats]:
    """Turn log weights (overwritten) into set probabilities and log evidence."""
    peak = weights.max(axis=1)
    shift = np.where(np.isneginf(peak), 0.0, peak)
    np.exp(np.subtract(weights, shift[:, None], out=weights), out=weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _chances(weights, members), np.log(weights.sum(axis=1)) + shift


def _chances(weights: Floats, members: SetMembers) -> Floats:
    """Return P(set) from weights of explanations, (n_cases, n_explanations), not negative."""
    inside = members.sums(weights)
    total = weights.sum(axis=1, keepdims=True)
    outside = total - inside
    is_sure = outside < CERTAIN * total  # few digits left of the difference, or none
    for chosen in np.flatnonzero(is_sure.any(axis=0)).tolist():
        cases = np.flatnonzero(is_sure[:, chosen])
        outside[cases, chosen] = weights[np.ix_(cases, members.outside(chosen))].sum(axis=1)
    # a / (a + b) lies in [0, 1] in floating point too, so nothing needs clipping
    return np.asarray(inside / (inside + outside), dtype=np.float64)


def cause_chances(network: Network, weights: Floats) -> Floats:
    """Return P(cause present) for weights of explanations that are known up to a factor.

    Parameters
    ----------
    weights : (n_explanations,) float64
        Not negative, not all 0.

    Returns
    -------
    (n_causes,) float64
        In [0, 1]; presence and absence both keep their relative accuracy.
    """
    return np.asarray(_chances(weights[None, :], set_members(network, None))[0])


def log_weights(network: Network, batch: EvidenceBatch) -> Floats:
    """Return log P(H, evidence | complaint, setting) for cases of one setting.

    Returns
    -------
    (n_cases, n_explanations) float64
        -inf where an explanation is impossible.
    """
    tables = setting_tables(network, int(batch.setting_idx[0]))
    weights = _sum_rows(tables, batch.codes)
    weights += tables.log_prior
    add_dense_rows(weights, network, batch)
    return weights


def _sum_rows(tables: SettingTables, codes: npt.NDArray[np.int8]) -> Floats:
    """Sum the table rows of what is known, in the order of the variables."""
    known = (codes != UNKNOWN) & (tables.row_offset >= 0)
    nothing = len(tables.rows) - 1  # a row of zeros, to fill up cases of which less is known
    row_idx = np.sort(np.where(known, tables.row_offset + codes, nothing), axis=1)
    row_idx = row_idx[:, : max(1, int(known.sum(axis=1).max(initial=0)))]
    return np.asarray(np.add.reduce(tables.rows.take(row_idx, axis=0), axis=1))


def explanation_posterior(network: Network, batch: EvidenceBatch) -> Floats:
    """Return P(H | evidence) of one possible case as an (n_explanations,) float64 array."""
    weights = log_weights(network, batch)[0]
    weights = np.exp(weights - weights.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def marginals(network: Network, batch: EvidenceBatch, weights: Floats) -> Sequence[Floats]:
    """Return P(variable = state | evidence) of every variable for one case.

    Parameters
    ----------
    batch : EvidenceBatch
        One case.
    weights : (n_explanations,) float64
        P(H | evidence).

    Returns
    -------
    sequence over variables of (n_states,) float64
        Known variables get 1 at their state; virtual evidence is taken into account.
    """
    tables = setting_tables(network, int(batch.setting_idx[0]))
    virtual = {item.variable_idx: item.weights[0] for item in batch.likelihoods}
    found = [np.zeros(n_states) for n_states in network.n_states]
    linear = weights @ np.exp(tables.rows).T  # (n_rows,): P(state | e) where nothing is known of it
    for variable_idx, first in enumerate(tables.row_offset):
        n_states = len(found[variable_idx])
        code = int(batch.codes[0, variable_idx])
        if code != UNKNOWN:
            found[variable_idx] = np.eye(n_states)[code]
        elif first >= 0 and variable_idx in virtual:
            joint = virtual[variable_idx][:, None] * np.exp(tables.rows[first : first + n_states])
            found[variable_idx] = _mix(joint, weights)
        elif first >= 0:
            found[variable_idx] = linear[first : first + n_states]
    for table in tables.joints:
        _joint_marginals(table, batch, weights, virtual, found)
    return found


def _mix(joint: Floats, weights: Floats) -> Floats:
    """Normalise each explanation's column and average over explanations."""
    total = joint.sum(axis=0)
    share = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return np.asarray(share @ weights, dtype=np.float64)


def _joint_marginals(
    table: JointTable, batch: EvidenceBatch, weights: Floats, virtual: dict[int, Floats], found: list[Floats]
) -> None:
    """Fill in the unknown members of a joint table."""
    agree = agreement(table, batch.codes[:1, table.variable_idx])[0]  # (n_cells,)
    for member, variable_idx in enumerate(table.variable_idx):
        if int(variable_idx) in virtual:
            agree = agree * virtual[int(variable_idx)][table.cells[:, member]]
    cell = _mix(agree[:, None] * table.probability, weights)
    for member, variable_idx in enumerate(table.variable_idx):
        if batch.codes[0, variable_idx] == UNKNOWN:
            found[variable_idx] = np.bincount(
                table.cells[:, member], weights=cell, minlength=len(found[variable_idx])
            )
