"""Rows for cases of which little is known: differences from nothing known instead of from reference states."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.layout import Ints
from thighdx.inference.terms import Split, add_splits, join_splits, take_split

__all__ = ["Start", "add_bases", "start_from_unknown"]


class Start(NamedTuple):
    """Rows that start from unknown.

    Attributes
    ----------
    row_of : (n_variables, most_states + 1) int32
        Numbered after the rows they are made of.
    new : Split
    left_out : Split
        One row: what they add up to when nothing is known.
    """

    row_of: Ints
    new: Split
    left_out: Split


def start_from_unknown(row_of: Ints, n_states: npt.NDArray[np.integer], split: Split) -> Start:
    """Rewrite rows that start from reference states; variables without one keep theirs."""
    start = row_of.copy()
    known: list[int] = []
    unknown: list[int] = []
    for variable in np.flatnonzero(row_of[:, 0] >= 0):
        states = np.arange(1, n_states[variable] + 1)
        start[variable, 0] = -1
        start[variable, states] = len(split.single) + len(known) + np.arange(len(states))
        known.extend(row_of[variable, states].tolist())
        unknown.extend([int(row_of[variable, 0])] * len(states))
    left_out = take_split(split, row_of[row_of[:, 0] >= 0, 0])
    single, pair, triple = (part.sum(axis=0, keepdims=True) for part in left_out[:3])
    minus = take_split(split, np.array(unknown, dtype=np.intp))
    new = add_splits(take_split(split, np.array(known, dtype=np.intp)), minus, -1.0)
    is_hard = np.array([left_out.is_hard.any()])
    return Start(start, new, Split(single, pair, triple, is_hard))


def add_bases(split: Split, findings: Split, contexts: Split) -> Split:
    """Return the bases (row 0 of `split`) of starts from unknown findings, unknown contexts and both."""
    base = take_split(split, np.zeros(1, dtype=np.intp))
    some = add_splits(base, findings)
    return join_splits([some, add_splits(base, contexts), add_splits(some, contexts)])
