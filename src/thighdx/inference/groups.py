"""Groups of causes as sets of explanations, whose probabilities the engines sum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from thighdx.network.spec import Floats

__all__ = ["group_sets"]


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
