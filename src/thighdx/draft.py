"""Rows of a table on their way to a batch: what the cells say, and which rows cannot be read.

A row with several faults has the first of these; its faulty cells are unknown in the batch.

``wrong_type``
    A value of a kind that names no state of its variable (2, 0.5, a date, ``True`` for an onset);
    text where a likelihood is due; text that is no number, or a boolean, where an age is due;
    likelihoods for some states only.
``unknown_state``
    A word that is no state of its variable, or no setting of the model.
``out_of_range``
    An age below 0 or above 120; a likelihood that is negative or infinite; likelihoods all 0.
``conflicting_columns``
    ``age`` and ``age_band`` that disagree, or a variable known from its own column (or from
    ``age``) and from virtual evidence too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from thighdx.distinct import Column, distinct_values, read_numbers
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.inference.vocabulary import AGE_LIMITS, AGE_VARIABLE, Vocabulary, is_missing
from thighdx.kb.records import Variable
from thighdx.network.spec import Floats

__all__ = ["STATUSES", "Draft", "Status"]

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
Status: TypeAlias = Literal[
    "ok",
    "wrong_type",
    "unknown_state",
    "out_of_range",
    "conflicting_columns",
    "impossible_evidence",
]
# In the order in which faults of one row count; the last is found by inference, not by reading.
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Draft:
    """A batch in the making, one variable after the other.

    `codes` (n_variables, n_rows) and `given` (n_causes, n_rows) are laid out by column, as tables
    are; `virtual` has likelihoods (n_rows, n_states) and the rows (n_rows,) in which they count.
    """

    codes: Codes
    given: Codes
    setting_idx: npt.NDArray[np.intp]
    status: Codes
    virtual: dict[int, tuple[Floats, Bools]]

    @classmethod
    def empty(cls, vocabulary: Vocabulary, n_rows: int, setting_idx: int) -> Draft:
        """Start with nothing known about any row."""
        return cls(
            codes=np.full((len(vocabulary.variables), n_rows), UNKNOWN, dtype=np.int8),
            given=np.full((len(vocabulary.causes), n_rows), UNKNOWN, dtype=np.int8),
            setting_idx=np.full(n_rows, setting_idx, dtype=np.intp),
            status=np.zeros(n_rows, dtype=np.int8),
            virtual={},
        )

    def mark(self, is_faulty: Bools, status: Status) -> None:
        """Give rows a fault, unless they have one that counts before it."""
        code = STATUSES.index(status)
        self.status[is_faulty & ((self.status == 0) | (self.status > code))] = code

    def read_words(self, column: Column, find: Callable[[object], int | None]) -> Codes:
        """Return what the words of a column mean, as (n_rows,) codes; mark what means nothing."""
        found = distinct_values(column)
        codes = np.full(len(found.values) + 1, UNKNOWN, dtype=np.int8)  # the last is null, place -1
        faults = np.zeros(len(codes), dtype=np.int8)
        for position, value in enumerate(found.values):
            if is_missing(value):
                continue
            code = find(value)
            if code is None:
                faults[position] = STATUSES.index("unknown_state" if isinstance(value, str) else "wrong_type")
            else:
                codes[position] = code
        for fault in np.unique(faults[faults > 0]):
            self.mark(faults[found.codes] == fault, STATUSES[fault])
        return np.asarray(codes[found.codes])

    def read_states(self, column: Column, variable: Variable) -> Codes:
        """Return the state of a variable or cause in every row."""
        return self.read_words(column, partial(Vocabulary.find_code, variable))

    def read_settings(self, column: Column, vocabulary: Vocabulary) -> None:
        """Let rows that name a setting have it."""
        codes = self.read_words(column, vocabulary.find_setting)
        self.setting_idx[codes != UNKNOWN] = codes[codes != UNKNOWN]

    def read_likelihoods(self, index: int, columns: Sequence[Column]) -> None:
        """Read virtual evidence on a variable from one column per state."""
        read = [read_numbers(column) for column in columns]
        weights = np.stack([item.values for item in read], axis=1)  # (n_rows, n_states)
        is_null = np.isnan(weights)
        is_whole = ~is_null.any(axis=1)
        is_partial = ~is_whole & ~is_null.all(axis=1)
        is_wrong = np.asarray(np.any([item.is_wrong for item in read], axis=0) | is_partial)
        is_zero = is_whole & ~(weights > 0).any(axis=1)
        is_out = np.asarray(((weights < 0) | np.isinf(weights)).any(axis=1) | is_zero)
        is_read = is_whole & ~is_out
        is_clash = is_read & (self.codes[index] != UNKNOWN)
        self.mark(is_wrong, "wrong_type")
        self.mark(is_out, "out_of_range")
        self.mark(is_clash, "conflicting_columns")
        self.codes[index, is_clash] = UNKNOWN
        self.virtual[index] = weights, is_read & ~is_clash

    def read_age(self, column: Column, vocabulary: Vocabulary) -> int:
        """Turn ages into bands unless these are known to differ; return how many are too young."""
        read = read_numbers(column, allow_text=True)
        years = read.values
        is_out = (years < AGE_LIMITS[0]) | (years > AGE_LIMITS[1])
        is_read = ~np.isnan(years) & ~is_out
        starts = np.array(vocabulary.age_starts)
        band = np.maximum(np.searchsorted(starts, np.floor(years), side="right") - 1, 0)
        index = vocabulary.index[AGE_VARIABLE]
        known = self.codes[index]
        is_clash = is_read & (known != UNKNOWN) & (known != band)
        if index in self.virtual:
            is_virtual = self.virtual[index][1]
            is_clash |= is_read & is_virtual
            is_virtual &= ~is_clash
        self.mark(read.is_wrong, "wrong_type")
        self.mark(is_out, "out_of_range")
        self.mark(is_clash, "conflicting_columns")
        known[is_read] = band[is_read]
        known[is_clash] = UNKNOWN
        return int((is_read & (years < starts[0])).sum())

    def batch(self) -> EvidenceBatch:
        """Lay everything out by case."""
        likelihoods = []
        for index, (weights, is_read) in sorted(self.virtual.items()):
            case_idx = np.flatnonzero(is_read)
            if len(case_idx):
                likelihoods.append(Likelihood(index, case_idx, weights[case_idx]))
        codes, given = (np.ascontiguousarray(array.T) for array in (self.codes, self.given))
        return EvidenceBatch(codes, given, self.setting_idx, tuple(likelihoods))
