"""The sets of explanations whose probabilities are asked for, as groups of causes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.lanes import LANES
from thighdx.inference.plan import Plan
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["Wanted", "find_wanted"]

MOST_HITS = 100


class Wanted(NamedTuple):
    """The asked sets, each the explanations with any member of a group of causes.

    Attributes
    ----------
    column : (n_sets,) int64
        The one cause of a set, or -1 - g for group g.
    hit_of : (n_causes, n_causes) int64
        Which groups i and j belong to, as a row of `is_hit`.
    is_hit : (n_hits, n_groups) bool
    mask : (n_groups * n_lanes,) float32
        1 where a cause belongs to a group; last cause first.
    """

    column: npt.NDArray[np.int64]
    hit_of: npt.NDArray[np.int64]
    is_hit: npt.NDArray[np.bool_]
    mask: npt.NDArray[np.float32]


def find_wanted(network: Network, plan: Plan, sets: Floats | None) -> Wanted | None:
    """Read sets as groups of causes; None if some are not "any of these causes"."""
    layout = plan.layout
    n = layout.explanations.n_causes
    columns = np.eye(n) if sets is None else sets[:n]  # the first explanations are the single causes
    if sets is not None:
        has_any = network.membership @ columns > 0
        if not np.array_equal(has_any.astype(np.float64), sets):
            return None
    groups = columns[layout.causes].T > 0  # (n_sets, n_causes)
    is_one = groups.sum(axis=1) == 1
    column = np.where(is_one, groups.argmax(axis=1), -np.cumsum(~is_one))
    groups = groups[~is_one]
    either = groups.T[:, None, :] | groups.T[None, :, :]  # (n_causes, n_causes, n_groups)
    is_hit, hit_of = np.unique(either.reshape(n * n, -1), axis=0, return_inverse=True)
    if len(is_hit) > MOST_HITS:
        return None
    lanes = np.zeros((len(groups), -(-n // LANES) * LANES), dtype=np.float32)
    lanes[:, :n] = groups[:, ::-1]
    return Wanted(column.astype(np.int64), hit_of.reshape(n, n).astype(np.int64), is_hit, lanes.reshape(-1))
