"""Asked sets of explanations: every cause, or any of a group of causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["SetMembers", "group_sets", "set_members"]

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class SetMembers:
    """The explanations of every asked set, behind one another.

    Attributes
    ----------
    index : (n_members,) uint32
        Explanations, ascending within a set.
    start : (n_sets + 1,) intp
        Where the members of a set begin.
    n_explanations : int
    """

    index: npt.NDArray[np.uint32]
    start: Indices
    n_explanations: int

    @property
    def n_sets(self) -> int:
        """Number of sets."""
        return len(self.start) - 1

    def sums(self, weights: Floats) -> Floats:
        """Add up weights of explanations, (n_cases, n_explanations), over every set: (n_cases, n_sets)."""
        # a zero behind the weights ends every set, so that empty ones have something to add
        padded = np.concatenate([weights, np.zeros((len(weights), 1))], axis=1)
        with_end = np.insert(self.index, self.start[1:], self.n_explanations)
        first = self.start[:-1] + np.arange(self.n_sets)
        return np.asarray(np.add.reduceat(padded.take(with_end, axis=1), first, axis=1))

    def outside(self, set_idx: int) -> Indices:
        """Return the explanations that are not in a set."""
        inside = self.index[self.start[set_idx] : self.start[set_idx + 1]]
        return np.delete(np.arange(self.n_explanations), inside)


def set_members(network: Network, sets: Floats | None) -> SetMembers:
    """List the explanations of every set; those of the causes are kept with the network.

    Parameters
    ----------
    sets : (n_explanations, n_sets) float64, optional
        0/1; default one set per cause.
    """
    if sets is None:
        return network.once("cause members", lambda: _members(network.membership))
    return _members(sets)


def _members(sets: Floats) -> SetMembers:
    """List the explanations of every column."""
    set_idx, index = np.nonzero(sets.T)
    start = np.searchsorted(set_idx, np.arange(sets.shape[1] + 1))
    return SetMembers(index.astype(np.uint32), start.astype(np.intp), len(sets))


def group_sets(membership: Floats, member_idx: Sequence[Sequence[int] | npt.NDArray[np.intp]]) -> Floats:
    """Return which explanations hold any member of each group.

    Parameters
    ----------
    membership : (n_explanations, n_causes) float64
        0/1: which causes are in which explanation, as in `Network.membership`.
    member_idx : sequence over groups of sequence of int
        Indices of the members; a group without members is never present.

    Returns
    -------
    (n_explanations, n_groups) float64
        0/1, to be given to `infer` as `sets`.

    Examples
    --------
    >>> from thighdx.network.explanations import enumerate_explanations
    >>> membership = enumerate_explanations(3, 2).membership()  # 0, 1, 2, 01, 02, 12
    >>> group_sets(membership, [[0, 1], [2]]).T.tolist()
    [[1.0, 1.0, 0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]]
    """
    sets = np.zeros((len(membership), len(member_idx)))
    for group, members in enumerate(member_idx):
        chosen = membership[:, np.asarray(members, dtype=np.intp)]
        sets[:, group] = (chosen > 0).any(axis=1)
    return sets
