"""The arrays that the single-precision kernel writes to, used again for case after case."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.lanes import LANES, WIDE, align
from thighdx.inference.layout import Ints, Layout
from thighdx.inference.wanted import Wanted
from thighdx.network.spec import Floats

__all__ = ["MOST_TRIPLE_ROWS", "Work", "make_work"]

MOST_TRIPLE_ROWS = 128
Singles = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]


class Work(NamedTuple):
    """Arrays by cause, by last cause first ("reversed", to lie beside a row of pairs), by pair and by row.

    Attributes
    ----------
    rows, inner_rows, sparse_rows, dense_rows, bound_rows, tau_rows
        Rows of the case; those with terms of several causes; of these, those with few pair terms, where
        the pair terms and bounds of others begin, and which have triples.
    log_single : (width,) float64
        a_i, then the constant, then how much of the range of exponents is used.
    fixed, half : by cause; reverse, half_reverse, alive : reversed
        a_i and a_i / 2 in fixed point; whether a cause is possible.
    raw, upper : by pair, packed
        p_ij and T.
    weight, arg, root, ceiling : by pair
        Exponents of weights and of D, D and 2**T.
    by_last : (n_hits * row_lanes,) float32
        Sums by last member, reversed, for every kind of `Wanted.hit_of`.
    by_cause, by_cause_single, by_group, whole_of
        Sums by member and by group.
    need_of : by cause; need, highest : reversed; row_sum, row_need : by cause
        1 over what a posterior is measured against; largest D, sums of D and of D need over a row.
    active : (2 * width,) int64
        For every cause the rows with triple terms of it, a bit each.
    thirds, lane_of
        Lanes of the third causes and of the runs that can matter.
    column : (n_causes * row_lanes,) float32
        D once more: for every cause its pairs with commoner ones.
    places, offsets
        Where the positions of a row begin, and its factors of (i, *, *).
    """

    rows: Ints
    inner_rows: Ints
    sparse_rows: Ints
    dense_rows: Longs
    bound_rows: Longs
    tau_rows: Longs
    log_single: Floats
    fixed: Ints
    half: Ints
    reverse: Ints
    half_reverse: Ints
    alive: Ints
    weight: Ints
    raw: Ints
    arg: Ints
    upper: Ints
    root: Singles
    ceiling: Singles
    by_last: Singles
    by_cause: Floats
    by_cause_single: Floats
    by_group: Floats
    whole_of: Singles
    share: Singles
    need_of: Singles
    need: Singles
    highest: Singles
    row_sum: Singles
    row_need: Singles
    active: Longs
    lane_of: Longs
    thirds: Longs
    column: Singles
    places: Longs
    offsets: Longs


def make_work(layout: Layout, wanted: Wanted, n_rows: int) -> Work:
    """Allocate the arrays for cases of at most `n_rows` rows."""
    n, n_lanes = layout.explanations.n_causes, layout.n_lanes + LANES
    row_lanes = -(-n // LANES) * LANES
    n_hits, n_groups = wanted.is_hit.shape
    whole, real, long = np.int32, np.float32, np.int64
    arrays = Work(
        rows=np.zeros(n_rows, whole),
        inner_rows=np.zeros(n_rows + 1, whole),
        sparse_rows=np.zeros(n_rows + 1, whole),
        dense_rows=np.zeros(n_rows + 4, long),
        bound_rows=np.zeros(n_rows + 4, long),
        tau_rows=np.zeros(MOST_TRIPLE_ROWS, long),
        log_single=np.zeros(-(-(n + 2) // WIDE) * WIDE),
        fixed=np.zeros(row_lanes + LANES, whole),
        half=np.zeros(row_lanes, whole),
        reverse=np.zeros(row_lanes, whole),
        half_reverse=np.zeros(row_lanes, whole),
        alive=np.zeros(row_lanes, whole),
        weight=np.zeros(n_lanes, whole),
        raw=np.zeros(layout.n_packed + LANES, whole),
        arg=np.zeros(n_lanes, whole),
        upper=np.zeros(layout.n_packed + LANES, whole),
        root=np.zeros(n_lanes, real),
        ceiling=np.zeros(n_lanes, real),
        by_last=np.zeros(n_hits * row_lanes, real),
        by_cause=np.zeros(n),
        by_cause_single=np.zeros(n),
        by_group=np.zeros(n_groups),
        whole_of=np.zeros(row_lanes, real),
        share=np.zeros(row_lanes, real),
        need_of=np.zeros(n, real),
        need=np.zeros(row_lanes, real),
        highest=np.zeros(row_lanes, real),
        row_sum=np.zeros(n, real),
        row_need=np.zeros(n, real),
        active=np.zeros(2 * (-(-n // WIDE) * WIDE), long),
        lane_of=np.zeros(row_lanes + 1, long),
        thirds=np.zeros(row_lanes + 1, long),
        column=np.zeros(n * row_lanes, real),
        places=np.zeros(MOST_TRIPLE_ROWS, long),
        offsets=np.zeros(MOST_TRIPLE_ROWS, long),
    )
    return arrays._replace(**{name: align(field) for name, field in arrays._asdict().items()})
