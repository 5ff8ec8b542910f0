"""The log tables of one setting: what both engines read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.network.build import Network
from thighdx.network.spec import Floats, read_only

__all__ = ["JointTable", "SettingTables", "setting_tables"]


@dataclass(frozen=True, slots=True)
class JointTable:
    """The joint table of contexts that are not independent given the causes.

    Attributes
    ----------
    variable_idx : (n_members,) intp
    cells : (n_cells, n_members) intp
        State index of every member in every possible cell.
    probability : (n_cells, n_explanations)
        P(cell | H), linear.
    """

    variable_idx: npt.NDArray[np.intp]
    cells: npt.NDArray[np.intp]
    probability: Floats


@dataclass(frozen=True, slots=True)
class SettingTables:
    """Everything inference reads for one setting.

    Attributes
    ----------
    log_prior : (n_explanations,)
    rows : (n_rows + 1, n_explanations)
        log P(variable = state | H) for every variable that is independent of the others given H; the last row is 0.
    row_offset : (n_variables,) intp
        Row of the first state of a variable; -1 for members of a joint table.
    """

    log_prior: Floats
    rows: Floats
    row_offset: npt.NDArray[np.intp]
    joints: tuple[JointTable, ...]


def setting_tables(network: Network, setting_idx: int) -> SettingTables:
    """Return the tables of one setting, made at first use and kept with the network."""
    return network.once(("tables", setting_idx), lambda: _make(network, setting_idx))


def _make(network: Network, setting_idx: int) -> SettingTables:
    """Stack the rows of independent contexts on those of the findings."""
    offset = np.full(network.n_variables, -1, dtype=np.intp)
    stacked, joints, height = [], list[JointTable](), 0
    for block, log_cells in zip(network.blocks, network.cells(setting_idx), strict=True):
        if len(block.context_idx) == 1:
            offset[block.context_idx[0]] = height
            stacked.append(_all_states(log_cells, block.cells[:, 0], network.n_states[block.context_idx[0]]))
            height += len(stacked[-1])
        else:
            probability = np.exp(log_cells)
            members = read_only(np.array(block.context_idx, dtype=np.intp))
            joints.append(JointTable(members, block.cells, read_only(probability)))
    offset[network.n_contexts :] = network.state_offset[network.n_contexts :] + height
    rows = read_only(
        np.concatenate([*stacked, network.finding_rows, np.zeros((1, network.finding_rows.shape[1]))])
    )
    log_prior = read_only(network.log_prior(setting_idx))
    return SettingTables(log_prior, rows, read_only(offset), tuple(joints))


def _all_states(log_cells: Floats, states: npt.NDArray[np.intp], n_states: int) -> Floats:
    """Give impossible states their row of -inf."""
    rows = np.full((n_states, log_cells.shape[1]), -np.inf)
    rows[states] = log_cells
    return rows
