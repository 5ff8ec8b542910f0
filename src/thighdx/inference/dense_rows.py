"""Evidence that is no ready row of a table: patterns of joint contexts, virtual evidence, given causes.

Both engines add these rows over all explanations to those of what is simply known. All sums run in a fixed order, so
that a row does not depend on which other cases it is made with.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import JointTable, SettingTables

__all__ = ["NO_ROW", "agreement", "case_rows", "pattern_rows"]

NO_ROW = -1
Indices = npt.NDArray[np.intp]


def pattern_rows(network: Network, tables: SettingTables, batch: EvidenceBatch) -> tuple[Floats, Indices]:
    """Return log P(what is known of a joint table | H), once for every pattern that occurs.

    Parameters
    ----------
    tables : SettingTables
        Of the setting of all cases.

    Returns
    -------
    (n_patterns, n_explanations) float64, (n_cases, n_joints) intp
        `NO_ROW` where nothing is known, or virtual evidence is on a member (see `case_rows`).
    """
    rows = list[Floats]()
    row_of = np.full((len(batch.codes), len(tables.joints)), NO_ROW, dtype=np.intp)
    for place, joint in enumerate(tables.joints):
        codes = batch.codes[:, joint.variable_idx]
        is_plain = (codes != UNKNOWN).any(axis=1)
        for item in batch.likelihoods:
            if item.variable_idx in joint.variable_idx:
                is_plain[item.case_idx] = False
        cases = np.flatnonzero(is_plain)
        if not len(cases):
            continue
        size = network.n_states[joint.variable_idx] + 1
        keys = np.ravel_multi_index(tuple((codes[cases] + 1).astype(np.intp).T), tuple(size.tolist()))
        _, first, pattern_idx = np.unique(keys, return_index=True, return_inverse=True)
        row_of[cases, place] = len(rows) + pattern_idx
        for agrees in agreement(joint, codes[cases[first]]) > 0:
            with np.errstate(divide="ignore"):
                rows.append(np.log(joint.probability[agrees].sum(axis=0)))
    return np.array(rows).reshape(-1, len(tables.log_prior)), row_of


def agreement(joint: JointTable, codes: npt.NDArray[np.int8]) -> Floats:
    """Return 1 where a cell agrees with everything known, as (n_patterns, n_cells)."""
    fits = (codes[:, None, :] == UNKNOWN) | (codes[:, None, :] == joint.cells[None, :, :])
    return np.asarray(fits.all(axis=2), dtype=np.float64)


def case_rows(network: Network, tables: SettingTables, batch: EvidenceBatch) -> tuple[Indices, Floats]:
    """Return one row for every case with virtual evidence or given causes: all of it, added up.

    Parameters
    ----------
    tables : SettingTables
        Of the setting of all cases.

    Returns
    -------
    (n_rows,) intp, (n_rows, n_explanations) float64
        The cases, ascending, and log P(that evidence, known members of the same joint tables | H).
    """
    has_row = (batch.given != UNKNOWN).any(axis=1)
    for item in (*batch.likelihoods, *batch.cause_likelihoods):
        has_row[item.case_idx] = True
    case_idx = np.flatnonzero(has_row)
    rows = np.zeros((len(case_idx), len(tables.log_prior)))
    if not len(case_idx):
        return case_idx, rows
    for item in batch.likelihoods:
        if tables.row_offset[item.variable_idx] >= 0:
            rows[np.searchsorted(case_idx, item.case_idx)] += _virtual(tables, item)
    for joint in tables.joints:
        virtual = list(_on_members(joint, batch))
        if virtual:
            cases = np.unique(np.concatenate([item.case_idx for item in virtual]))
            rows[np.searchsorted(case_idx, cases)] += _virtual_cells(joint, batch, virtual, cases)
    for item in batch.cause_likelihoods:
        is_member = network.membership[:, item.variable_idx].astype(np.intp)  # (n_explanations,)
        with np.errstate(divide="ignore"):
            rows[np.searchsorted(case_idx, item.case_idx)] += np.log(item.weights)[:, is_member]
    rows[_contradicts(network, batch.given[case_idx])] = -np.inf
    return case_idx, rows


def _on_members(joint: JointTable, batch: EvidenceBatch) -> Iterator[Likelihood]:
    """Yield the virtual evidence on members of a joint table."""
    members = joint.variable_idx.tolist()
    return (item for item in batch.likelihoods if item.variable_idx in members and len(item.case_idx))


def _virtual(tables: SettingTables, item: Likelihood) -> Floats:
    """Return the log of the likelihood-weighted sum over states, (n_rows, n_explanations)."""
    first = tables.row_offset[item.variable_idx]
    states = np.exp(tables.rows[first : first + item.weights.shape[1]])  # (n_states, n_explanations)
    return _log_mix(item.weights, states)


def _virtual_cells(
    joint: JointTable, batch: EvidenceBatch, virtual: list[Likelihood], cases: Indices
) -> Floats:
    """Return the log of the likelihood-weighted sum over the cells that agree, (n_rows, n_explanations)."""
    members = joint.variable_idx.tolist()
    weights = agreement(joint, batch.codes[np.ix_(cases, joint.variable_idx)])
    for item in virtual:
        cells = joint.cells[:, members.index(item.variable_idx)]
        scale = item.weights.max(axis=1, keepdims=True)
        own = np.searchsorted(cases, item.case_idx)
        # scaled to a largest weight of 1, so that products of several stay finite; undone in logs below
        weights[own] *= (item.weights / scale)[:, cells]
    found = _log_mix(weights, joint.probability)
    for item in virtual:
        found[np.searchsorted(cases, item.case_idx)] += np.log(item.weights.max(axis=1, keepdims=True))
    return found


def _log_mix(weights: Floats, tables: Floats) -> Floats:
    """Return log(weights @ tables), term by term; -inf where all weights are 0."""
    scale = weights.max(axis=1, keepdims=True)
    scale[scale == 0] = 1.0
    total = np.zeros((len(weights), tables.shape[1]))
    for place, row in enumerate(tables):
        total += (weights[:, place, None] / scale) * row
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total) + np.log(scale))


def _contradicts(network: Network, given: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Say which explanations contradict the given causes, (n_rows, n_explanations)."""
    clash = np.zeros((len(given), len(network.membership)), dtype=np.bool_)
    for cause in np.flatnonzero((given != UNKNOWN).any(axis=0)):
        is_member = network.membership[:, cause] > 0
        clash |= (given[:, cause, None] == 1) & ~is_member
        clash |= (given[:, cause, None] == 0) & is_member
    return clash
