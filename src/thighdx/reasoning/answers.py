"""The answers that every open question of a case may get: how probable each is, and the posteriors after it.

With the weights w(H) = P(H | evidence) and a variable v that is independent of what is known given H,

    P(v = s, c present | evidence) = sum over H containing c of w(H) P(v = s | H)

which for all variables, states and causes at once is one product of the (n_rows, n_explanations) tables with
the (n_explanations, n_causes) membership, weighted by w. Members of a joint table use
P(v = s | H, known members) instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import Case
from thighdx.evidence.batch import UNKNOWN
from thighdx.inference.marginals import marginals
from thighdx.kb.conditions import Chances
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import JointTable, setting_tables

__all__ = ["Answers", "possible_answers", "state_chances"]

COLUMNS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answer to every question still open, one row per state.

    Attributes
    ----------
    variable_idx : (n_answers,) intp
        Position among `Network.variable_ids`; the states of a variable stand together, in their order.
    state_idx : (n_answers,) intp
    probability : (n_answers,) float64
        P(answer | evidence); 0 where impossible.
    posterior : (n_answers, n_causes) float64
        P(cause present | evidence, answer); NaN where the answer is impossible.
    now : (n_causes,) float64
        P(cause present | evidence).
    """

    variable_idx: npt.NDArray[np.intp]
    state_idx: npt.NDArray[np.intp]
    probability: Floats
    posterior: Floats
    now: Floats


def state_chances(case: Case) -> Chances:
    """Return P(state | evidence) by variable and state; 1 for what is known."""
    network = case.network
    found = marginals(network, case.batch, case.weights)
    return {
        name: dict(zip(states, values.tolist(), strict=True))
        for name, states, values in zip(network.variable_ids, network.states, found, strict=True)
    }


def possible_answers(case: Case) -> Answers:
    """Return P(answer | evidence) and the posteriors after it, for every variable not known for certain.

    A variable with virtual evidence is open: its answer settles it and takes the place of the likelihood.

    Notes
    -----
    n_rows x n_explanations x n_causes multiplications, some thousandths of a second for the shipped model.
    """
    network, weights, codes = case.network, case.weights, case.batch.codes[0]
    tables = setting_tables(network, case.setting_idx)
    virtual = {item.variable_idx: item.weights[0] for item in case.batch.likelihoods}
    # (n_explanations, 1 + n_causes): the first column adds up to P(answer)
    counted = np.concatenate([np.ones((len(weights), 1)), network.membership], axis=1) * weights[:, None]
    joint = _sums(tables.rows, counted, is_log=True)  # (n_rows, 1 + n_causes)
    found: dict[int, Floats] = {}
    for variable_idx in np.flatnonzero((codes == UNKNOWN) & (tables.row_offset >= 0)).tolist():
        rows = slice(
            tables.row_offset[variable_idx], tables.row_offset[variable_idx] + network.n_states[variable_idx]
        )
        if variable_idx in virtual:
            states = virtual[variable_idx][:, None] * np.exp(tables.rows[rows])
            found[variable_idx] = _sums(_given_the_rest(states), counted)
        else:
            found[variable_idx] = joint[rows]
    for table in tables.joints:
        found |= _of_members(network, table, codes, virtual, counted)
    return _arrange(found, network.explanations.n_causes, counted.sum(axis=0))


def _sums(rows: Floats, counted: Floats, *, is_log: bool = False) -> Floats:
    """Return rows @ counted (exp(rows) where they are logs), piece by piece.

    Pieces stay in the cache and are too small for threads, from which a product this size gains little; on a
    busy machine waiting for them costs ten times the product.
    """
    total = np.zeros((len(rows), counted.shape[1]))
    for start in range(0, len(counted), COLUMNS_AT_ONCE):
        columns = slice(start, start + COLUMNS_AT_ONCE)
        piece = np.exp(rows[:, columns]) if is_log else rows[:, columns]
        total += piece @ counted[columns]
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


def _arrange(found: Mapping[int, Floats], n_causes: int, now: Floats) -> Answers:
    """Stack the variables in their order and divide by P(answer)."""
    order = sorted(found)
    sums = np.concatenate([np.zeros((0, 1 + n_causes)), *(found[v] for v in order)])
    n_states = [len(found[v]) for v in order]
    posterior = np.full((len(sums), n_causes), np.nan)
    np.divide(sums[:, 1:], sums[:, :1], out=posterior, where=sums[:, :1] > 0)
    return Answers(
        variable_idx=np.repeat(np.array(order, dtype=np.intp), n_states),
        state_idx=np.array([state for count in n_states for state in range(count)], dtype=np.intp),
        probability=sums[:, 0],
        posterior=np.minimum(posterior, 1.0),  # two sums of the same terms may differ in the last digit
        now=np.minimum(now[1:] / now[0], 1.0),
    )
