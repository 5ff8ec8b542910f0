"""How probable the states of variables are, given what is known of one case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.dense_rows import agreement
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import JointTable, setting_tables

__all__ = ["marginal", "marginals"]


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
    virtual = _virtual(batch)
    found = [np.zeros(n_states) for n_states in network.n_states]
    linear = _sums(np.exp(tables.rows), weights)  # (n_rows,): P(state | e) where nothing is known of it
    for variable_idx, first in enumerate(tables.row_offset):
        if first >= 0:
            own = linear[first : first + network.n_states[variable_idx]]
            found[variable_idx] = _one(network, batch, weights, variable_idx, own)
    for table in tables.joints:
        cell = _cell_chances(table, batch, weights, virtual)
        for member, variable_idx in enumerate(table.variable_idx):
            found[variable_idx] = _member(network, batch, table, cell, member)
    return found


def marginal(network: Network, batch: EvidenceBatch, weights: Floats, variable_idx: int) -> Floats:
    """Return P(state | evidence) of one variable, (n_states,): what `marginals` has in its place, to rounding."""
    tables = setting_tables(network, int(batch.setting_idx[0]))
    first = tables.row_offset[variable_idx]
    if first >= 0:
        rows = tables.rows[first : first + network.n_states[variable_idx]]
        return _one(network, batch, weights, variable_idx, _sums(np.exp(rows), weights))
    table = next(joint for joint in tables.joints if variable_idx in joint.variable_idx)
    cell = _cell_chances(table, batch, weights, _virtual(batch))
    return _member(network, batch, table, cell, table.variable_idx.tolist().index(variable_idx))


def _virtual(batch: EvidenceBatch) -> dict[int, Floats]:
    """Return the virtual evidence of one case by variable."""
    return {item.variable_idx: item.weights[0] for item in batch.likelihoods}


def _sums(tables: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of every row."""
    # no matrix product: it may start threads, and with another number of them its last bits are others
    return np.asarray(np.einsum("rh,h->r", tables, weights), dtype=np.float64)


def _one(
    network: Network, batch: EvidenceBatch, weights: Floats, variable_idx: int, unknown: Floats
) -> Floats:
    """Return the chances of an independent variable; `unknown` are those where nothing is known of it."""
    code = int(batch.codes[0, variable_idx])
    if code != UNKNOWN:
        return np.asarray(np.arange(len(unknown)) == code, dtype=np.float64)
    likelihood = _virtual(batch).get(variable_idx)
    if likelihood is None:
        return unknown
    tables = setting_tables(network, int(batch.setting_idx[0]))
    first = tables.row_offset[variable_idx]
    return _mix(likelihood[:, None] * np.exp(tables.rows[first : first + len(unknown)]), weights)


def _mix(joint: Floats, weights: Floats) -> Floats:
    """Normalise each explanation's column and average over explanations."""
    total = joint.sum(axis=0)
    share = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return _sums(share, weights)


def _cell_chances(
    table: JointTable, batch: EvidenceBatch, weights: Floats, virtual: dict[int, Floats]
) -> Floats:
    """Return P(cell | evidence) of a joint table, (n_cells,)."""
    agree = agreement(table, batch.codes[:1, table.variable_idx])[0]
    for member, variable_idx in enumerate(table.variable_idx):
        if int(variable_idx) in virtual:
            agree = agree * virtual[int(variable_idx)][table.cells[:, member]]
    return _mix(agree[:, None] * table.probability, weights)


def _member(network: Network, batch: EvidenceBatch, table: JointTable, cell: Floats, member: int) -> Floats:
    """Return the chances of one member of a joint table."""
    variable_idx = table.variable_idx[member]
    n_states, code = int(network.n_states[variable_idx]), int(batch.codes[0, variable_idx])
    if code != UNKNOWN:
        return np.asarray(np.arange(n_states) == code, dtype=np.float64)
    chances = np.bincount(table.cells[:, member], weights=cell, minlength=n_states)
    return np.asarray(chances, dtype=np.float64)
