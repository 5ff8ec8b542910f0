"""Where the pairs of causes lie in the arrays that the single-precision kernel reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.inference.lanes import LANES
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations, enumerate_explanations

__all__ = ["BLOCK", "Ints", "Layout", "make_layout"]

Ints: TypeAlias = npt.NDArray[np.int32]

BLOCK = 4 * LANES
"""Lanes of the terms of pairs that are added up together."""


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
    packed : (n_causes,) int32
        First lane of row i where rows follow each other without padding, as terms are stored.
    pair_pos : (n_pairs,) int32
        Lane of every pair without padding, in the order of `explanations`.
    valid : (n_lanes,) int32
        1 where a lane is a pair, 0 in the padding.
    """

    explanations: Explanations
    causes: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    height: Ints
    start: Ints
    packed: Ints
    pair_pos: Ints
    valid: Ints

    @property
    def n_lanes(self) -> int:
        """Lanes of all rows."""
        return len(self.valid)

    @property
    def n_packed(self) -> int:
        """Lanes of all rows without padding, in whole blocks."""
        n = self.explanations.n_causes
        return -(-(n * (n - 1) // 2) // BLOCK) * BLOCK


def make_layout(network: Network) -> Layout:
    """Renumber the causes and place their pairs."""
    n, most = network.explanations.n_causes, network.explanations.max_causes
    causes = np.argsort(-network.spec.shares.mean(axis=0), kind="stable")
    explanations = enumerate_explanations(n, most)
    columns = _find(network.explanations, np.append(causes, n)[explanations.members])
    height = np.array([-(-(n - 1 - i) // LANES) for i in range(n)], dtype=np.int32)
    start = np.concatenate([[0], np.cumsum(LANES * height)])[:n].astype(np.int32)
    length = np.arange(n - 1, -1, -1)
    packed = (np.cumsum(length) - length).astype(np.int32)
    i, j = explanations.members[explanations.sizes == 2][:, :2].T if most > 1 else np.zeros((2, 0), np.intp)
    valid = np.zeros(LANES * int(height.sum()), dtype=np.int32)
    valid[start[i] + n - 1 - j] = 1
    pair_pos = (packed[i] + n - 1 - j).astype(np.int32)
    return Layout(explanations, causes, columns, height, start, packed, pair_pos, valid)


def _find(explanations: Explanations, members: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the numbers of explanations given by their members, in any order."""
    powers = (explanations.n_causes + 1) ** np.arange(explanations.max_causes)
    keys = explanations.members @ powers
    order = np.argsort(keys)
    return np.asarray(order[np.searchsorted(keys, np.sort(members, axis=1) @ powers, sorter=order)])
