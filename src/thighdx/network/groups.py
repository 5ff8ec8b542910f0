"""Asked sets of explanations: every cause, or any of a group of causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.network.spec import Floats

__all__ = ["SetMembers", "group_sets"]

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
    ended, first : (n_members + n_sets,) intp, (n_sets,) intp
        The same with `n_explanations` behind every set, so that empty sets have a member too.
    """

    index: npt.NDArray[np.uint32]
    start: Indices
    n_explanations: int
    ended: Indices
    first: Indices

    @classmethod
    def of(cls, sets: Floats) -> SetMembers:
        """List the explanations of every column of 0/1, (n_explanations, n_sets)."""
        set_idx, index = np.nonzero(sets.T)
        start = np.searchsorted(set_idx, np.arange(sets.shape[1] + 1))
        ended = np.insert(index, start[1:], len(sets)).astype(np.intp)
        first = start[:-1] + np.arange(sets.shape[1])
        return cls(index.astype(np.uint32), start.astype(np.intp), len(sets), ended, first)

    @property
    def n_sets(self) -> int:
        """Number of sets."""
        return len(self.start) - 1

    def outside(self, set_idx: int) -> Indices:
        """Return the explanations that are not in a set."""
        inside = self.index[self.start[set_idx] : self.start[set_idx + 1]]
        return np.delete(np.arange(self.n_explanations), inside)


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
