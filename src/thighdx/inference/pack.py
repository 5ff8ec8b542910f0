"""Split log tables as flat arrays, one row per state of a variable: what the single-precision kernel reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.exp2 import FRACTION_BITS
from thighdx.inference.lanes import LANES, WIDE, align
from thighdx.inference.layout import Ints, Layout
from thighdx.inference.terms import Split
from thighdx.network.spec import Floats

__all__ = ["Pack", "join_packs", "pack_rows"]

BOUND_BITS = 7
LEAST_PAIR, MOST_PAIR, MOST_TRIPLE = 170.0, 230.0, 470.0  # bits below and above 0 that sums may reach
SPARSE = 48  # nonzero pairs up to which adding them one by one beats adding a whole row
SLIGHT = 2.0**-5  # bits; rows of triples below this get one bound for all pairs
OFF = -(1 << 30)


class Pack(NamedTuple):
    """Split tables in the form the single-precision kernel reads, one row per (variable, state).

    Attributes
    ----------
    single : (n_rows * width,) float64
        Terms of single causes, the constant, and what a row may take of the range of fixed point and
        exponents: 1 is all of it, infinite where single causes do not tell what is impossible.
    dense_of : (n_rows,) int32
        Row of `dense`, or -1.
    dense : (n_dense * n_packed,) int32
        Pair terms, fixed point.
    sparse_ptr, sparse_pos, sparse_value
        Pair terms of rows that have few.
    is_inner : (n_rows,) bool
        Whether a row has terms of more than one cause.
    bound_of, bound, extra_ptr, extra_pos, extra_value
        As above, for the largest triple term of every pair, rounded up, in units of 2**-7.
    slight : (n_rows,) int32
        The same for a row where all are small: one number for all pairs.
    tau_base, tau_pos : (n_rows * n_causes,) int32
        The factors of (i, j, *) in row r start at tau_base[r, i] + tau_pos[r, j].
    tau_member : (n_rows * width,) int64
        All bits 1 where a cause has any triple term in the row.
    tau : (n_tau,) float32
        2**t.
    """

    single: Floats
    dense_of: Ints
    dense: Ints
    sparse_ptr: Ints
    sparse_pos: Ints
    sparse_value: Ints
    is_inner: npt.NDArray[np.bool_]
    bound_of: Ints
    bound: npt.NDArray[np.int16]
    extra_ptr: Ints
    extra_pos: Ints
    extra_value: Ints
    slight: Ints
    has_tau: npt.NDArray[np.bool_]
    tau_base: Ints
    tau_pos: Ints
    tau_member: npt.NDArray[np.int64]
    tau: npt.NDArray[np.float32]


def pack_rows(layout: Layout, split: Split) -> Pack:
    """Turn split tables into the arrays the kernel reads."""
    n, n_rows = layout.explanations.n_causes, len(split.single)
    width = -(-(n + 2) // WIDE) * WIDE
    single = np.zeros((n_rows, width))
    single[:, : n + 1] = split.single
    whole = np.rint(split.pair * 2.0**FRACTION_BITS).astype(np.int32)
    dense_of, dense, sparse_ptr, sparse_pos, sparse_value = _dense_or_sparse(layout, whole)
    bounds = _highest_triples(layout, split.triple)
    slight = bounds.max(axis=1, initial=0.0)
    slight[slight > SLIGHT] = 0.0
    rounded = np.ceil(np.where(slight[:, None] > 0, 0.0, bounds) * 2.0**BOUND_BITS)
    highest = np.minimum(rounded, 32_000).astype(np.int32)
    bound_of, bound, extra_ptr, extra_pos, extra_value = _dense_or_sparse(layout, highest)
    is_inner = np.asarray(split.pair.any(axis=1) | split.triple.any(axis=1), dtype=np.bool_)
    has_tau, tau_base, tau_pos, tau_member, factors = _pack_tau(layout, split.triple)
    single[:, n + 1] = np.where(split.is_hard, np.inf, _part_of_range(split))
    return Pack(
        single=single.reshape(-1),
        dense_of=dense_of,
        dense=dense,
        sparse_ptr=sparse_ptr,
        sparse_pos=sparse_pos,
        sparse_value=sparse_value,
        is_inner=is_inner,
        bound_of=bound_of,
        bound=bound.astype(np.int16),
        extra_ptr=extra_ptr,
        extra_pos=extra_pos,
        extra_value=extra_value,
        slight=np.ceil(slight * 2.0**FRACTION_BITS).astype(np.int32),
        has_tau=has_tau,
        tau_base=tau_base,
        tau_pos=tau_pos,
        tau_member=tau_member,
        tau=factors,
    )


def _part_of_range(split: Split) -> Floats:
    """Return the largest part of a range that a row may take: sums over its rows keep a case inside."""
    parts = [-split.pair / LEAST_PAIR, split.pair / MOST_PAIR, np.abs(split.triple) / MOST_TRIPLE]
    return np.asarray(np.max([part.max(axis=1, initial=0.0) for part in parts], axis=0))


def _dense_or_sparse(layout: Layout, values: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Store rows of pairs whole or, where few are not zero, one by one."""
    count = np.count_nonzero(values, axis=1)
    is_dense = count > SPARSE
    dense_of = np.where(is_dense, np.cumsum(is_dense) - 1, -1).astype(np.int32)
    dense = np.zeros((int(is_dense.sum()), layout.n_packed), dtype=np.int32)
    dense[:, layout.pair_pos] = values[is_dense]
    row, pair = np.nonzero(np.where(is_dense[:, None], 0, values))
    ptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(values)))]).astype(np.int32)
    return dense_of, dense.reshape(-1), ptr, layout.pair_pos[pair], values[row, pair]


def _highest_triples(layout: Layout, triple: Floats) -> Floats:
    """Return max(0, largest triple term with both members) for every pair."""
    members, sizes, n = layout.explanations.members, layout.explanations.sizes, layout.explanations.n_causes
    pairs = members[sizes == 2][:, 0] * n + members[sizes == 2][:, 1]
    highest = np.zeros((len(triple), len(pairs)))
    for a, b in ((0, 1), (0, 2), (1, 2)) if triple.shape[1] else ():
        code = members[sizes == 3][:, a] * n + members[sizes == 3][:, b]
        order = np.argsort(code, kind="stable")
        first = np.flatnonzero(np.diff(code[order], prepend=-1))
        where = np.searchsorted(pairs, code[order][first])
        own = np.maximum.reduceat(triple[:, order], first, axis=1)
        highest[:, where] = np.maximum(highest[:, where], own)
    return highest


def _pack_tau(
    layout: Layout, triple: Floats
) -> tuple[npt.NDArray[np.bool_], Ints, Ints, npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Store the triple factors of every row for the causes that have any."""
    n, n_rows = layout.explanations.n_causes, len(triple)
    members = layout.explanations.members[layout.explanations.sizes == 3, :3]
    base = np.zeros((n_rows, n), dtype=np.int32)
    pos = np.full((n_rows, n), OFF, dtype=np.int32)
    member = np.zeros((n_rows, -(-n // WIDE) * WIDE), dtype=np.int64)
    parts, first = [np.ones(LANES, dtype=np.float32)], LANES
    for row in np.flatnonzero(triple.any(axis=1)):
        present = members[triple[row] != 0]
        member[row, present] = -1
        is_member = member[row, :n] != 0
        cost = np.where(is_member, LANES * layout.height, 0)
        pos[row, is_member] = (np.cumsum(cost) - cost)[is_member]
        behind = cost.sum() - np.cumsum(cost)  # lanes of the members after i
        length = np.where(is_member, behind, 0)
        begin = np.cumsum(length) - length
        base[row] = begin - np.cumsum(cost) + first
        keep = is_member[members[:, 0]] & is_member[members[:, 1]]
        i, j, k = members[keep].T
        block = np.ones(int(length.sum()), dtype=np.float32)
        block[base[row, i] + pos[row, j] + n - 1 - k - first] = np.exp2(triple[row, keep])
        parts.append(block)
        first += len(block)
    has_any = np.asarray(triple.any(axis=1), dtype=np.bool_)
    return has_any, base.reshape(-1), pos.reshape(-1), member.reshape(-1), np.concatenate(parts)


def join_packs(packs: list[Pack]) -> Pack:
    """Put the rows of several packs below one another."""
    shift: dict[str, list[npt.NDArray[np.int32]]] = {}
    starts = {"dense_of": 0, "bound_of": 0, "sparse_ptr": 0, "extra_ptr": 0, "tau_base": 0}
    for pack in packs:
        for name in ("dense_of", "bound_of"):
            own = getattr(pack, name)
            shift.setdefault(name, []).append(np.where(own >= 0, own + starts[name], -1).astype(np.int32))
            starts[name] += int((own >= 0).sum())
        for name in ("sparse_ptr", "extra_ptr"):
            own = getattr(pack, name)
            shift.setdefault(name, []).append((own[:-1] + starts[name]).astype(np.int32))
            starts[name] += int(own[-1])
        shift.setdefault("tau_base", []).append((pack.tau_base + starts["tau_base"]).astype(np.int32))
        starts["tau_base"] += len(pack.tau)
    for name in ("sparse_ptr", "extra_ptr"):
        shift[name].append(np.array([starts[name]], dtype=np.int32))
    fields = {
        name: np.concatenate(shift[name] if name in shift else [getattr(pack, name) for pack in packs])
        for name in Pack._fields
    }
    return Pack(**{name: align(field) for name, field in fields.items()})
