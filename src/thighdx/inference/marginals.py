"""The probability of every state of every variable, given what is known of one case.

With weights w(H) = P(H | evidence) and a variable v that is independent of what is known given H,

    P(v = s | evidence) = sum over H of w(H) P(v = s | H)

which for all variables and states at once is one product of the (n_rows, n_explanations) tables with w. With a
column of w for every cause, 0 where H does not hold it, the same product has P(v = s, c present | evidence).
Members of a joint table use P(v = s | H, known members) instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import JointTable, setting_tables

__all__ = ["marginals", "open_states"]

COLUMNS_AT_ONCE = 64


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
    found = open_states(network, batch, weights[:, None])
    known = enumerate(zip(network.n_states.tolist(), batch.codes[0].tolist(), strict=True))
    return [found[v][:, 0] if v in found else np.eye(n_states)[code] for v, (n_states, code) in known]


def open_states(network: Network, batch: EvidenceBatch, counted: Floats) -> dict[int, Floats]:
    """Return what P(state | H, what is known of the variable) adds up to, for every variable not known for certain.

    Parameters
    ----------
    batch : EvidenceBatch
        One case. A variable with virtual evidence is open, and the evidence is taken into account.
    counted : (n_explanations, n_columns) float64
        Weights of the sets of causes.

    Returns
    -------
    dict of variable to (n_states, n_columns) float64
    """
    tables, codes = setting_tables(network, int(batch.setting_idx[0])), batch.codes[0]
    virtual = {item.variable_idx: item.weights[0] for item in batch.likelihoods}
    single = _sums(tables.rows, counted, is_log=True)  # (n_rows, n_columns)
    found: dict[int, Floats] = {}
    for variable_idx in np.flatnonzero((codes == UNKNOWN) & (tables.row_offset >= 0)).tolist():
        first = tables.row_offset[variable_idx]
        rows = slice(first, first + network.n_states[variable_idx])
        if variable_idx in virtual:
            states = virtual[variable_idx][:, None] * np.exp(tables.rows[rows])
            found[variable_idx] = _sums(_given_the_rest(states), counted)
        else:
            found[variable_idx] = single[rows]
    for table in tables.joints:
        found |= _of_members(network, table, codes, virtual, counted)
    return found


def _sums(rows: Floats, counted: Floats, *, is_log: bool = False) -> Floats:
    """Return rows @ counted (exp(rows) where they are logs), piece by piece.

    Pieces stay in the cache and are too small for threads, from which a product this size gains little; on a
    busy machine waiting for them costs ten times the product.
    """
    total = np.zeros((len(rows), counted.shape[1]))
    is_vector = (
        counted.shape[1] == 1
    )  # whose product may start threads, and has other last bits with more of them
    for start in range(0, len(counted), COLUMNS_AT_ONCE):
        columns = slice(start, start + COLUMNS_AT_ONCE)
        piece = np.exp(rows[:, columns]) if is_log else rows[:, columns]
        block = counted[columns]
        total += np.einsum("rh,hc->rc", piece, block) if is_vector else piece @ block
    return total


def _given_the_rest(states: Floats) -> Floats:
    """Turn P(state, what is known of the variable | H) into P(state | H, that), column by column."""
    total = states.sum(axis=0)
    return np.asarray(np.divide(states, total, out=np.zeros_like(states), where=total > 0))


def _of_members(
    network: Network,
    table: JointTable,
    codes: npt.NDArray[np.int8],
    virtual: Mapping[int, Floats],
    counted: Floats,
) -> dict[int, Floats]:
    """Return the (n_states, 1 + n_causes) sums of the members of a joint table that are not known."""
    known = codes[table.variable_idx]
    fits = ((known == UNKNOWN) | (known == table.cells)).all(axis=1).astype(np.float64)  # (n_cells,)
    for member, variable_idx in enumerate(table.variable_idx.tolist()):
        if variable_idx in virtual:
            fits *= virtual[variable_idx][table.cells[:, member]]
    cells = _given_the_rest(fits[:, None] * np.asarray(table.probability, dtype=np.float64))
    sums = _sums(cells, counted)  # (n_cells, 1 + n_causes)
    found = {}
    for member, variable_idx in enumerate(table.variable_idx.tolist()):
        if codes[variable_idx] == UNKNOWN:
            states = np.arange(network.n_states[variable_idx])[:, None]
            found[variable_idx] = (states == table.cells[:, member]).astype(np.float64) @ sums
    return found
