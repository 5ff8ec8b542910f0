"""Exact inference over explanations in plain numpy.

    log w(H) = log P(H) + sum over known variables of log P(v = s | H)

Unknown variables drop out, which is exact marginalisation; posteriors are sums of the softmax of log w. Every
term is positive, so nothing cancels and nothing needs clipping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from thighdx.inference.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.one_case import log_pattern, log_weights_of_one
from thighdx.inference.tables import Dtype, JointTable, Real, SettingTables, setting_tables
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["Posteriors", "cause_chances", "explanation_posterior", "infer", "log_weights", "marginals"]

# Cases worked on at once: about 16 MB of double-precision weights per array for 9,177 explanations.
CELLS_PER_CHUNK = 2_000_000
# Causes whose absence is less likely than this have it summed for itself: exactly 0 where they are given.
CERTAIN = 1e-6


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


def infer(network: Network, batch: EvidenceBatch, *, sets: Floats | None = None, dtype: Dtype) -> Posteriors:
    """Return posteriors for every case.

    Parameters
    ----------
    network : Network
    batch : EvidenceBatch
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.
    dtype : {"float32", "float64"}
        Number format of the tables and weights; the result is float64 in either case.

    Notes
    -----
    Work per case is n_known x n_explanations additions, n_explanations exponentials and
    n_explanations x n_sets multiplications; memory beyond input and output does not grow with the
    number of cases.
    """
    wanted = network.membership if sets is None else sets
    posterior = np.empty((batch.n_cases, wanted.shape[1]))
    log_evidence = np.empty(batch.n_cases)
    if batch.n_cases == 1 and sets is None and dtype == "float64":
        weights = log_weights(network, batch, dtype=dtype)[0]
        posterior[0], log_evidence[0] = _normalise_one(network, weights)
        return Posteriors(posterior, log_evidence)
    inside_out = np.concatenate([wanted, 1.0 - wanted], axis=1).astype(dtype)
    size = max(1, CELLS_PER_CHUNK // network.explanations.n_explanations)
    for setting in np.unique(batch.setting_idx):
        cases = np.flatnonzero(batch.setting_idx == setting)
        for start in range(0, len(cases), size):
            chunk = cases[start : start + size]
            weights = log_weights(network, take_cases(batch, chunk), dtype=dtype)
            posterior[chunk], log_evidence[chunk] = _normalise(weights, inside_out)
    return Posteriors(posterior, log_evidence)


def _normalise(weights: Real, inside_out: Real) -> tuple[Floats, Floats]:
    """Turn log weights (overwritten) into set probabilities and log evidence."""
    peak = weights.max(axis=1)
    shift = np.where(np.isneginf(peak), 0.0, peak).astype(weights.dtype)
    np.exp(np.subtract(weights, shift[:, None], out=weights), out=weights)
    sums = (weights @ inside_out).astype(np.float64)  # (n_cases, 2 n_sets)
    inside, outside = np.split(sums, 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # a / (a + b) lies in [0, 1] in floating point too, so nothing needs clipping
        posterior = inside / (inside + outside)
        log_evidence = np.log(weights.sum(axis=1, dtype=np.float64)) + shift
    return posterior, log_evidence


def _normalise_one(network: Network, weights: Real) -> tuple[Floats, float]:
    """Turn the log weights of one case into posteriors of the causes and log evidence."""
    peak = float(weights.max())
    if np.isneginf(peak):
        return np.full(network.membership.shape[1], np.nan), -np.inf
    weight = np.exp(weights - peak)
    return cause_chances(network, weight), peak + float(np.log(weight.sum()))


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
    inside = _member_sums(network) @ weights
    total = weights.sum()
    outside = total - inside
    for cause in np.flatnonzero(outside < CERTAIN * total):  # few digits left of the difference, or none
        outside[cause] = weights[network.membership[:, cause] == 0.0].sum()
    return np.asarray(inside / (inside + outside), dtype=np.float64)


def _member_sums(network: Network) -> csr_array:
    """Return the transposed membership as a sparse matrix, made at first use and kept with the network."""
    made = network.cache.get("member sums")
    if not isinstance(made, csr_array):
        made = csr_array(network.membership.T)
        network.cache["member sums"] = made
    return made


def log_weights(network: Network, batch: EvidenceBatch, *, dtype: Dtype) -> Real:
    """Return log P(H, evidence | complaint, setting) for cases of one setting.

    Returns
    -------
    (n_cases, n_explanations) of `dtype`
        -inf where an explanation is impossible.
    """
    tables = setting_tables(network, int(batch.setting_idx[0]), dtype)
    is_one = batch.n_cases == 1 and dtype == "float64"
    if is_one:
        weights: Real = log_weights_of_one(network, batch)[None, :]
    else:
        weights = _add_rows(tables, batch.codes)
        weights += tables.log_prior
    for place, joint in enumerate(tables.joints):
        if is_one and not batch.likelihoods:
            codes = batch.codes[0, joint.variable_idx]
            weights[0] += log_pattern(network, int(batch.setting_idx[0]), place, codes)
        else:
            _add_joint(weights, joint, batch)
    _add_likelihoods(weights, tables, batch)
    _add_cause_likelihoods(weights, network, batch)
    _exclude(weights, network, batch)
    return weights


def _add_rows(tables: SettingTables, codes: npt.NDArray[np.int8]) -> Real:
    """Sum the table rows of what is known; a sparse product touches known states only, so -inf is safe."""
    known = (codes != UNKNOWN) & (tables.row_offset >= 0)
    case_idx, variable_idx = np.nonzero(known)
    row_idx = tables.row_offset[variable_idx] + codes[case_idx, variable_idx]
    pointer = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    ones = np.ones(len(row_idx), dtype=tables.rows.dtype)
    chosen = csr_array((ones, row_idx, pointer), shape=(len(codes), len(tables.rows)))
    return np.asarray(chosen @ tables.rows)


def _add_joint(weights: Real, joint: JointTable, batch: EvidenceBatch) -> None:
    """Add log P(known members | H): sum the cells that agree, once per distinct pattern."""
    codes = batch.codes[:, joint.variable_idx]
    members = joint.variable_idx.tolist()
    virtual = {item.variable_idx: item for item in batch.likelihoods if item.variable_idx in members}
    is_plain = np.ones(len(codes), dtype=bool)
    for item in virtual.values():
        is_plain[item.case_idx] = False
    is_plain_known = is_plain & (codes != UNKNOWN).any(axis=1)
    with np.errstate(divide="ignore"):
        if is_plain_known.any():
            patterns, pattern_idx = np.unique(codes[is_plain_known], axis=0, return_inverse=True)
            agree = _agreement(joint, patterns).astype(joint.probability.dtype)
            weights[is_plain_known] += np.log(agree @ joint.probability)[pattern_idx.reshape(-1)]
        if virtual:
            case_idx = np.flatnonzero(~is_plain)
            agree = _agreement(joint, codes[case_idx])
            for item in virtual.values():
                place = np.searchsorted(case_idx, item.case_idx)
                agree[place] *= item.weights[:, joint.cells[:, members.index(item.variable_idx)]]
            scale = agree.max(axis=1, keepdims=True)
            agree = np.divide(agree, scale, out=np.zeros_like(agree), where=scale > 0)
            total = np.log(agree.astype(joint.probability.dtype) @ joint.probability)
            weights[case_idx] += total + np.log(scale).astype(weights.dtype)


def _agreement(joint: JointTable, codes: npt.NDArray[np.int8]) -> Floats:
    """Return 1 where a cell agrees with everything known, as (n_patterns, n_cells)."""
    fits = (codes[:, None, :] == UNKNOWN) | (codes[:, None, :] == joint.cells[None, :, :])
    return np.asarray(fits.all(axis=2), dtype=np.float64)


def _add_likelihoods(weights: Real, tables: SettingTables, batch: EvidenceBatch) -> None:
    """Add log of the likelihood-weighted sum over states for variables outside joint tables."""
    for item in batch.likelihoods:
        first = tables.row_offset[item.variable_idx]
        if first >= 0:
            states = np.exp(tables.rows[first : first + item.weights.shape[1]])  # (n_states, n_explanations)
            # scaled to a largest weight of 1: any finite likelihood survives single precision
            scale = item.weights.max(axis=1, keepdims=True)
            relative = (item.weights / scale).astype(weights.dtype)
            with np.errstate(divide="ignore"):
                weights[item.case_idx] += np.log(relative @ states) + np.log(scale).astype(weights.dtype)


def _add_cause_likelihoods(weights: Real, network: Network, batch: EvidenceBatch) -> None:
    """Add the log likelihood of a cause being present or absent."""
    for item in batch.cause_likelihoods:
        is_member = network.membership[:, item.variable_idx].astype(np.intp)  # (n_explanations,)
        with np.errstate(divide="ignore"):
            weights[item.case_idx] += np.log(item.weights).astype(weights.dtype)[:, is_member]


def _exclude(weights: Real, network: Network, batch: EvidenceBatch) -> None:
    """Give explanations that contradict a given cause weight 0."""
    if batch.given.max(initial=UNKNOWN) == UNKNOWN:
        return
    case_idx = np.flatnonzero((batch.given != UNKNOWN).any(axis=1))
    given = batch.given[case_idx]
    present = (given == 1).astype(np.float64)
    found = present @ network.membership.T  # (n_rows, n_explanations)
    forbidden = (given == 0).astype(np.float64) @ network.membership.T
    clash = (found < present.sum(axis=1, keepdims=True)) | (forbidden > 0)
    weights[case_idx] = np.where(clash, -np.inf, weights[case_idx])


def explanation_posterior(network: Network, batch: EvidenceBatch) -> Floats:
    """Return P(H | evidence) of one possible case as an (n_explanations,) float64 array."""
    weights = log_weights(network, batch, dtype="float64")[0]
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
    tables = setting_tables(network, int(batch.setting_idx[0]), "float64")
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


def _mix(joint: Real, weights: Floats) -> Floats:
    """Normalise each explanation's column and average over explanations."""
    total = joint.sum(axis=0)
    share = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return np.asarray(share @ weights, dtype=np.float64)


def _joint_marginals(
    table: JointTable, batch: EvidenceBatch, weights: Floats, virtual: dict[int, Floats], found: list[Floats]
) -> None:
    """Fill in the unknown members of a joint table."""
    agree = _agreement(table, batch.codes[:1, table.variable_idx])[0]  # (n_cells,)
    for member, variable_idx in enumerate(table.variable_idx):
        if int(variable_idx) in virtual:
            agree = agree * virtual[int(variable_idx)][table.cells[:, member]]
    cell = _mix(agree[:, None] * table.probability, weights)
    for member, variable_idx in enumerate(table.variable_idx):
        if batch.codes[0, variable_idx] == UNKNOWN:
            found[variable_idx] = np.bincount(
                table.cells[:, member], weights=cell, minlength=len(found[variable_idx])
            )
