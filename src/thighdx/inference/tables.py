"""The log tables of one setting, in the number format an engine wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.network.build import Network
from thighdx.network.spec import read_only

__all__ = ["Dtype", "JointTable", "Real", "SettingTables", "setting_tables"]

Dtype: TypeAlias = Literal["float32", "float64"]
Real: TypeAlias = npt.NDArray[np.floating]


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
    probability: Real


@dataclass(frozen=True, slots=True)
class SettingTables:
    """Everything inference reads for one setting.

    Attributes
    ----------
    log_prior : (n_explanations,)
    rows : (n_rows, n_explanations)
        log P(variable = state | H) for every variable that is independent of the others given H.
    row_offset : (n_variables,) intp
        Row of the first state of a variable; -1 for members of a joint table.
    """

    log_prior: Real
    rows: Real
    row_offset: npt.NDArray[np.intp]
    joints: tuple[JointTable, ...]


def setting_tables(network: Network, setting_idx: int, dtype: Dtype) -> SettingTables:
    """Return the tables of one setting, made at first use and kept with the network."""
    key = (setting_idx, dtype)
    tables = network.cache.get(key)
    if not isinstance(tables, SettingTables):
        # Two threads may both come here once: they make equal tables, and either may stay.
        tables = _make(network, setting_idx, dtype)
        network.cache[key] = tables
    return tables


def _make(network: Network, setting_idx: int, dtype: Dtype) -> SettingTables:
    """Stack the rows of independent contexts on those of the findings."""
    offset = np.full(network.n_variables, -1, dtype=np.intp)
    stacked, joints, height = [], list[JointTable](), 0
    for block, log_cells in zip(network.blocks, network.cells(setting_idx), strict=True):
        if len(block.context_idx) == 1:
            offset[block.context_idx[0]] = height
            stacked.append(_all_states(log_cells, block.cells[:, 0], network.n_states[block.context_idx[0]]))
            height += len(stacked[-1])
        else:
            probability = np.exp(log_cells).astype(dtype)
            members = read_only(np.array(block.context_idx, dtype=np.intp))
            joints.append(JointTable(members, block.cells, read_only(probability)))
    offset[network.n_contexts :] = network.state_offset[network.n_contexts :] + height
    rows = read_only(np.concatenate([*stacked, network.finding_rows]).astype(dtype))
    log_prior = read_only(network.log_prior(setting_idx).astype(dtype))
    return SettingTables(log_prior, rows, read_only(offset), tuple(joints))


def _all_states(log_cells: Real, states: npt.NDArray[np.intp], n_states: int) -> Real:
    """Give impossible states their row of -inf."""
    rows = np.full((n_states, log_cells.shape[1]), -np.inf)
    rows[states] = log_cells
    return rows
