"""The reader of a table: cells become codes, and a row that cannot be read gets its status.

A row with several faults has the first of these; its faulty cells are unknown in the batch.

``wrong_type``
    A value of a kind that names no state of its variable (2, 0.5, a date, ``True`` for an onset);
    text that is no number, or a boolean, where an age or a likelihood is due; likelihoods for some
    states only.
``no_such_state``
    A word that is no state of its variable, or no setting of the model. Up to 0.1.0 it was called
    ``unknown_state``, which read like a missing value; those are no fault.
``out_of_range``
    An age below 0 or above 120; a likelihood that is negative or infinite; likelihoods all 0.
``conflicting_columns``
    ``age`` and ``age_band`` that disagree, or a variable known from its own column (or from
    ``age``) and from virtual evidence too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.evidence.columns import ColumnPlan, Meaning
from thighdx.evidence.distinct import distinct_values, read_numbers
from thighdx.evidence.vocabulary import AGE_LIMITS, AGE_VARIABLE, age_in_years, as_day
from thighdx.network.spec import Floats

__all__ = ["STATUSES", "BadCells", "Codes", "EncodedRows", "Status", "encode_rows"]

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
Status: TypeAlias = Literal[
    "ok",
    "wrong_type",
    "no_such_state",
    "out_of_range",
    "conflicting_columns",
    "impossible_evidence",
]
# In the order in which faults of one row count; the last is found by inference, not by reading.
STATUSES: tuple[Status, ...] = get_args(Status)
ROWS_TURNED = 1_024  # from columns to cases at once: what they take stays in the cache of the processor


@dataclass(frozen=True, slots=True)
class BadCells:
    """Cells of one column that cannot be read, or that say something else than those of another column.

    Attributes
    ----------
    column : Hashable
        As the table calls it.
    meaning : Meaning
        What it is read as.
    status : str
        What alone would be the status of these rows.
    rows : (n,) intp
        Where the cells are, ascending.
    """

    column: Hashable
    meaning: Meaning
    status: Status
    rows: npt.NDArray[np.intp]

    @property
    def is_by_itself(self) -> bool:
        """Whether the cell alone is at fault, and not what it says together with others."""
        kind, _, state = self.meaning
        return self.status != "conflicting_columns" and not (kind == "virtual" and state < 0)


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Some rows of a table as an inference engine reads them.

    Attributes
    ----------
    batch : EvidenceBatch
        One case per row, in the order of the table; faulty cells are unknown.
    status : (n_rows,) int8
        Position in `STATUSES`; 0 where the row can be scored.
    n_underage : int
        Rows with an age below the first age band.
    bad_cells : tuple of BadCells
        Of one row with several, the first with the row's status gave it.
    """

    batch: EvidenceBatch
    status: Codes
    n_underage: int
    bad_cells: tuple[BadCells, ...]


def encode_rows(
    plan: ColumnPlan, rows: Any, n_rows: int, *, known: dict[Hashable, int] | None = None
) -> EncodedRows:
    """Read the cells of some rows.

    Parameters
    ----------
    rows : pandas.DataFrame, polars.DataFrame, pyarrow.Table or pyarrow.RecordBatch
        `rows[name]` is one of its columns.
    known : dict, optional
        Is told how many cells of each column say something.
    """
    vocabulary = plan.vocabulary
    reader = _RowReader(
        plan,
        rows,
        codes=np.full((len(vocabulary.variables), n_rows), UNKNOWN, dtype=np.int8),
        given=np.full((len(vocabulary.causes), n_rows), UNKNOWN, dtype=np.int8),
        setting_idx=np.full(n_rows, plan.setting_idx, dtype=np.intp),
        status=np.zeros(n_rows, dtype=np.int8),
        known=known,
    )
    for index, name in plan.variables.items():
        find = partial(vocabulary.read_code, vocabulary.variables[index])
        reader.codes[index] = reader.read_words(name, ("variable", index, 0), find)
    for index, name in plan.given.items():
        find = partial(vocabulary.read_code, vocabulary.causes[index])
        reader.given[index] = reader.read_words(name, ("given", index, 0), find)
    if plan.setting is not None:
        codes = reader.read_words(plan.setting, ("setting", 0, 0), vocabulary.read_setting)
        reader.setting_idx[codes != UNKNOWN] = codes[codes != UNKNOWN]
    for index, names in plan.virtual.items():
        reader.read_likelihoods(index, names)
    n_underage = reader.read_age(plan.age) if plan.age is not None else 0
    if plan.birth is not None:
        n_underage = max(n_underage, reader.read_birth(plan.birth))
    return EncodedRows(reader.batch(), reader.status, n_underage, tuple(reader.bad_cells))


@dataclass(slots=True)
class _RowReader:
    """A batch in the making, one variable after the other.

    `codes` (n_variables, n_rows) and `given` (n_causes, n_rows) are laid out by column, as tables
    are; `virtual` has likelihoods (n_rows, n_states) and the rows (n_rows,) in which they count.
    """

    plan: ColumnPlan
    rows: Any
    codes: Codes
    given: Codes
    setting_idx: npt.NDArray[np.intp]
    status: Codes
    known: dict[Hashable, int] | None
    virtual: dict[int, tuple[Floats, Bools]] = field(default_factory=dict)
    bad_cells: list[BadCells] = field(default_factory=list)

    def mark(self, column: Hashable, meaning: Meaning, is_faulty: Any, status: Status) -> None:
        """Give rows a fault, unless they have one that counts before it."""
        if is_faulty.any():
            code = STATUSES.index(status)
            self.status[is_faulty & ((self.status == 0) | (self.status > code))] = code
            self.bad_cells.append(BadCells(column, meaning, status, np.flatnonzero(is_faulty)))

    def read_words(self, name: Hashable, meaning: Meaning, find: Callable[[object], int | None]) -> Codes:
        """Return what the words of a column mean, as (n_rows,) codes; mark what means nothing."""
        translate = self.plan.translators.get(name)
        found = distinct_values(self.rows[name], keep_numbers=translate is not None)
        codes = np.full(len(found.values) + 1, UNKNOWN, dtype=np.int8)  # the last is null, place -1
        faults = np.zeros(len(codes), dtype=np.int8)
        for position, stored in enumerate(found.values):
            value = stored if translate is None else translate(stored)
            code = find(value)
            if code is None:
                faults[position] = STATUSES.index("no_such_state" if isinstance(value, str) else "wrong_type")
            else:
                codes[position] = code
        for fault in sorted(set(faults.tolist()) - {0}):
            self.mark(name, meaning, faults[found.codes] == fault, STATUSES[fault])
        if self.known is not None:
            self.known[name] = int((codes[found.codes] != UNKNOWN).sum())
        if found.codes.dtype == np.int8 and codes[:-1].tolist() == list(range(len(codes) - 1)):
            return found.codes  # type: ignore[return-value]  # checked above: categories are the states
        return np.asarray(codes[found.codes])

    def read_likelihoods(self, index: int, names: Sequence[Hashable]) -> None:
        """Read virtual evidence on a variable from one column per state."""
        read = [read_numbers(self.rows[name], self.plan.translators.get(name)) for name in names]
        weights = np.stack([item.values for item in read], axis=1)  # (n_rows, n_states)
        is_null = np.isnan(weights)
        is_whole = ~is_null.any(axis=1)
        is_out = (weights < 0) | np.isinf(weights)
        is_zero = is_whole & ~(weights > 0).any(axis=1) & ~is_out.any(axis=1)
        is_read = is_whole & ~is_out.any(axis=1) & ~is_zero
        is_clash = is_read & (self.codes[index] != UNKNOWN)
        any_wrong = np.any([item.is_wrong for item in read], axis=0)
        for state, (name, item) in enumerate(zip(names, read, strict=True)):
            self.mark(name, ("virtual", index, state), item.is_wrong, "wrong_type")
            self.mark(name, ("virtual", index, state), is_out[:, state], "out_of_range")
            if self.known is not None:
                self.known[name] = int((~is_null & ~is_out)[:, state].sum())
        whole: Meaning = ("virtual", index, -1)
        self.mark(names[0], whole, ~is_whole & ~is_null.all(axis=1) & ~any_wrong, "wrong_type")
        self.mark(names[0], whole, is_zero, "out_of_range")
        self.mark(names[0], whole, is_clash, "conflicting_columns")
        self.codes[index, is_clash] = UNKNOWN
        self.virtual[index] = weights, is_read & ~is_clash

    def read_age(self, name: Hashable) -> int:
        """Turn ages into bands; return how many are too young."""
        read = read_numbers(self.rows[name], self.plan.translators.get(name), read=age_in_years)
        self.mark(name, ("age", 0, 0), read.is_wrong, "wrong_type")
        return self._settle_age(name, ("age", 0, 0), read.values)

    def read_birth(self, name: Hashable) -> int:
        """Turn dates of birth into bands as `read_age` does; a row without a reference date has that of all."""
        day, reference = self.plan.reference_day, self.plan.reference
        born = read_numbers(self.rows[name], self.plan.translators.get(name), read=as_day)
        seen = np.full(len(born.values), np.nan if day is None else day)
        self.mark(name, ("birth", 0, 0), born.is_wrong, "wrong_type")
        if reference is not None:
            own = read_numbers(self.rows[reference], self.plan.translators.get(reference), read=as_day)
            self.mark(reference, ("reference", 0, 0), own.is_wrong, "wrong_type")
            seen = np.where(np.isnan(own.values), seen, own.values)
            if self.known is not None:
                self.known[reference] = int((~np.isnan(own.values)).sum())
        return self._settle_age(name, ("birth", 0, 0), (seen - born.values) // 10_000)

    def _settle_age(self, name: Hashable, meaning: Meaning, years: Floats) -> int:
        """Turn (n_rows,) years into bands unless these are known to differ; return how many are too young."""
        is_out = (years < AGE_LIMITS[0]) | (years > AGE_LIMITS[1])
        is_read = ~np.isnan(years) & ~is_out
        starts = np.array(self.plan.vocabulary.age_starts)
        band = np.maximum(np.searchsorted(starts, np.floor(years), side="right") - 1, 0)
        index = self.plan.vocabulary.index[AGE_VARIABLE]
        known = self.codes[index]
        is_clash = is_read & (known != UNKNOWN) & (known != band)
        if index in self.virtual:
            is_virtual = self.virtual[index][1]
            is_clash |= is_read & is_virtual
            is_virtual &= ~is_clash
        if self.known is not None:
            self.known[name] = int(is_read.sum())
        self.mark(name, meaning, is_out, "out_of_range")
        self.mark(name, meaning, is_clash, "conflicting_columns")
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
        return EvidenceBatch(_by_case(self.codes), _by_case(self.given), self.setting_idx, tuple(likelihoods))


def _by_case(columns: Codes) -> Codes:
    """Return (n_columns, n_rows) codes as (n_rows, n_columns), row after row in memory."""
    turned = np.empty(columns.shape[::-1], dtype=np.int8)
    for start in range(0, len(turned), ROWS_TURNED):
        turned[start : start + ROWS_TURNED] = columns[:, start : start + ROWS_TURNED].T
    return turned
