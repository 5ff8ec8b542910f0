"""Log tables, split by how many causes their terms tie together.

Every log table X over explanations can be written as

    X(H) = c + sum_{i in H} a_i + sum_{i<j in H} p_ij + sum_{i<j<k in H} t_ijk

(the Moebius inversion of X over subsets, cut at three causes because no explanation has more). The point is
that most of it is zero: a cause that has nothing to do with a variable has a_i = p_ij = t_ijk = 0 there. An
absent finding whose background nobody suppresses and a known context are additive (p = t = 0); an unknown
context with one child is too; and when few causes touch a variable, few of its pairs and triples are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.network.explanations import Explanations
from thighdx.network.spec import Floats

__all__ = ["Split", "add_splits", "join_splits", "split_tables", "take_split"]

NOT_ZERO = 1e-11  # bits; below this a term is rounding of the subtraction that made it


class Split(NamedTuple):
    """Log tables (base 2) split into terms of one, two and three causes.

    Attributes
    ----------
    single : (n_rows, n_causes + 1) float64
        Last column: the constant. -inf: impossible with this cause, whatever else is present.
    pair : (n_rows, n_pairs) float64
    triple : (n_rows, n_triples) float64
    is_hard : (n_rows,) bool
        Impossible for some explanations in a way that single causes do not tell.
    """

    single: Floats
    pair: Floats
    triple: Floats
    is_hard: npt.NDArray[np.bool_]


def split_tables(explanations: Explanations, tables: Floats, empty: Floats) -> Split:
    """Split log tables into terms of one, two and three causes.

    Parameters
    ----------
    tables : (n_rows, n_explanations) float64
        Base 2; may be -inf.
    empty : (n_rows,) float64
        Value for no cause at all: a free choice; the background's makes the most terms vanish.
    """
    n, sizes = explanations.n_causes, explanations.sizes
    empty = np.where(np.isfinite(empty), empty, 0.0)
    single = tables[:, :n] - empty[:, None]
    members = explanations.members[:, : explanations.max_causes]
    is_dead = np.concatenate([np.isneginf(single), np.zeros((len(single), 1), dtype=bool)], axis=1)
    is_hard = np.zeros(len(single), dtype=bool)
    finite = tables
    if is_dead.any() or np.isneginf(tables).any():
        implied = is_dead[:, members].any(axis=2)
        is_hard = (np.isneginf(tables) != implied).any(axis=1)
        alive = np.where(np.isneginf(single), 0.0, single)
        additive = explanations.sum_over_members(alive) + empty[:, None]
        finite = np.where(implied | is_hard[:, None], additive, tables)
    base = np.where(np.isneginf(single), 0.0, single)
    value = finite - empty[:, None]
    pairs = members[sizes == 2]
    pair = value[:, sizes == 2]
    if len(pairs):
        pair = pair - base[:, pairs[:, 0]] - base[:, pairs[:, 1]]
    triples = members[sizes == 3]
    triple = value[:, sizes == 3]
    if len(triples):
        where = np.zeros((n, n), dtype=np.intp)
        where[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
        i, j, k = triples[:, 0], triples[:, 1], triples[:, 2]
        for cause in (i, j, k):
            triple = triple - base[:, cause]
        for a, b in ((i, j), (i, k), (j, k)):
            triple = triple - pair[:, where[a, b]]
    return _without_rounding(np.concatenate([single, empty[:, None]], axis=1), pair, triple, is_hard)


def _without_rounding(single: Floats, pair: Floats, triple: Floats, is_hard: npt.NDArray[np.bool_]) -> Split:
    """Set terms to 0 that are nothing but rounding."""
    pair = np.where(np.abs(pair) < NOT_ZERO, 0.0, pair)
    triple = np.where(np.abs(triple) < NOT_ZERO, 0.0, triple)
    return Split(single, pair, triple, is_hard)


def take_split(split: Split, rows: npt.NDArray[np.integer]) -> Split:
    """Return chosen rows; -1 is a row without terms."""
    is_none = rows < 0
    single, pair, triple = (np.where(is_none[:, None], 0.0, part[rows]) for part in split[:3])
    return Split(single, pair, triple, split.is_hard[rows] & ~is_none)


def add_splits(split: Split, other: Split, factor: float = 1.0) -> Split:
    """Return the terms of sums of tables, row by row; those of `other` are finite."""
    single, pair, triple = (part + factor * own for part, own in zip(split[:3], other[:3], strict=True))
    return _without_rounding(single, pair, triple, split.is_hard | other.is_hard)


def join_splits(splits: Sequence[Split]) -> Split:
    """Put rows below one another."""
    single, pair, triple = (np.concatenate(parts) for parts in list(zip(*splits, strict=True))[:3])
    return Split(single, pair, triple, np.concatenate([split.is_hard for split in splits]))
