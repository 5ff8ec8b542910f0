"""Where the pairs of causes lie in the arrays that the single-precision kernel reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.inference.lanes import LANES
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations, enumerate_explanations

__all__ = ["Ints", "Layout", "make_layout"]

Ints: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pairs of causes lie.

    Row i holds the partners j > i from the last cause down, so that the partners common to i and j > i are
    the first lanes of both rows; rows are padded to whole vectors.

    Causes are numbered from the commonest down: the triples that matter have two common members, and so fall
    into few, long runs (i, j, *).

    Attributes
    ----------
    explanations : Explanations
        Of the renumbered causes.
    causes : (n_causes,) intp
        The network's number of every cause.
    columns : (n_explanations,) intp
        The network's number of every explanation.
    height : (n_causes,) int32
        Vectors in row i.
    start : (n_causes,) int32
        First lane of row i.
    pair_pos : (n_pairs,) int32
        Lane of every pair, in the order of `explanations`.
    valid : (n_lanes,) int32
        1 where a lane is a pair, 0 in the padding.
    """

    explanations: Explanations
    causes: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    height: Ints
    start: Ints
    pair_pos: Ints
    valid: Ints

    @property
    def n_lanes(self) -> int:
        """Lanes of all rows."""
        return len(self.valid)


def make_layout(network: Network) -> Layout:
    """Renumber the causes and place their pairs."""
    n, most = network.explanations.n_causes, network.explanations.max_causes
    causes = np.argsort(-network.spec.shares.mean(axis=0), kind="stable")
    explanations = enumerate_explanations(n, most)
    columns = _find(network.explanations, np.append(causes, n)[explanations.members])
    height = np.array([-(-(n - 1 - i) // LANES) for i in range(n)], dtype=np.int32)
    start = np.concatenate([[0], np.cumsum(LANES * height)])[:n].astype(np.int32)
    members = explanations.members[explanations.sizes == 2]
    pair_pos = np.zeros(0, dtype=np.int32)
    if len(members):
        pair_pos = (start[members[:, 0]] + n - 1 - members[:, 1]).astype(np.int32)
    valid = np.zeros(LANES * int(height.sum()), dtype=np.int32)
    valid[pair_pos] = 1
    return Layout(explanations, causes, columns, height, start, pair_pos, valid)


def _find(explanations: Explanations, members: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the numbers of explanations given by their members, in any order."""
    powers = (explanations.n_causes + 1) ** np.arange(explanations.max_causes)
    keys = explanations.members @ powers
    order = np.argsort(keys)
    return np.asarray(order[np.searchsorted(keys, np.sort(members, axis=1) @ powers, sorter=order)])
