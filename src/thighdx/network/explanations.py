"""Explanations: the sets of one to `max_causes` causes that can be behind the complaint."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from thighdx.network.spec import Floats

__all__ = ["MAX_EXPLANATIONS", "Explanations", "enumerate_explanations"]

# Tables hold one column per explanation; beyond this a model would need tens of gigabytes.
MAX_EXPLANATIONS = 200_000


@dataclass(frozen=True, slots=True)
class Explanations:
    """All explanations in a fixed order: by size, then lexicographic, so (i, j, *) is contiguous.

    Attributes
    ----------
    members : (n_explanations, max_causes) intp
        Indices of the member causes, ascending, padded with `n_causes`.
    sizes : (n_explanations,) intp
        Number of members.
    """

    n_causes: int
    max_causes: int
    members: npt.NDArray[np.intp]
    sizes: npt.NDArray[np.intp]

    @property
    def n_explanations(self) -> int:
        """Number of explanations."""
        return len(self.members)

    def sum_over_members(self, values: Floats) -> Floats:
        """Add a value per cause over the members of every explanation.

        Parameters
        ----------
        values : (..., n_causes) float64
            One number per cause; may be -inf, never NaN or +inf.

        Returns
        -------
        (..., n_explanations) float64
        """
        padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        total = padded[..., self.members[:, 0]]
        for slot in range(1, self.max_causes):
            total = total + padded[..., self.members[:, slot]]
        return total

    def sum_over_pairs(self, values: Floats) -> Floats:
        """Add a value per unordered pair over the pairs inside every explanation.

        Parameters
        ----------
        values : (n_causes, n_causes) float64
            Symmetric; the diagonal is not used.

        Returns
        -------
        (n_explanations,) float64
        """
        padded = np.zeros((self.n_causes + 1, self.n_causes + 1))
        padded[:-1, :-1] = values
        total = np.zeros(self.n_explanations)
        for first, second in combinations(range(self.max_causes), 2):
            total += padded[self.members[:, first], self.members[:, second]]
        return total

    def membership(self) -> Floats:
        """Return the (n_explanations, n_causes) 0/1 matrix of who is a member of what."""
        matrix = np.zeros((self.n_explanations, self.n_causes + 1))
        matrix[np.arange(self.n_explanations)[:, None], self.members] = 1.0
        return matrix[:, :-1]


def enumerate_explanations(n_causes: int, max_causes: int) -> Explanations:
    """List every set of 1 to `max_causes` of `n_causes` causes.

    Raises
    ------
    ValueError
        If there are fewer than one cause, `max_causes` is outside [1, n_causes], or there would be more
        than `MAX_EXPLANATIONS` of them.

    Examples
    --------
    >>> enumerate_explanations(3, 2).members.tolist()
    [[0, 3], [1, 3], [2, 3], [0, 1], [0, 2], [1, 2]]
    """
    if not 1 <= max_causes <= n_causes:
        raise ValueError(f"max_causes: got {max_causes}, expected 1 to {n_causes} (the number of causes)")
    count = sum(comb(n_causes, size) for size in range(1, max_causes + 1))
    if count > MAX_EXPLANATIONS:
        raise ValueError(
            f"max_causes: {max_causes} of {n_causes} causes make {count:,} explanations, "
            f"expected at most {MAX_EXPLANATIONS:,}; choose a smaller max_causes"
        )
    members = np.full((count, max_causes), n_causes, dtype=np.intp)
    sizes = np.empty(count, dtype=np.intp)
    start = 0
    for size in range(1, max_causes + 1):
        block = np.array(list(combinations(range(n_causes), size)), dtype=np.intp)
        members[start : start + len(block), :size] = block
        sizes[start : start + len(block)] = size
        start += len(block)
    members.flags.writeable = False
    sizes.flags.writeable = False
    return Explanations(n_causes, max_causes, members, sizes)
