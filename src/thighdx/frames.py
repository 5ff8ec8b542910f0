"""From a frame of patients to an `EvidenceBatch`: pandas, polars and pyarrow tables, no loop over rows.

Columns of a table
------------------
- A variable id: the same values as for a single case (``True``, ``"yes"``, 1, the name of a state); null, NaN
  and an empty cell mean unknown.
- ``age``: years, as numbers or as text that is a number, turned into ``age_band``; below the first band counts
  as the first.
- ``setting``: where the patient was seen; unknown means the argument.
- ``<variable>:<state>``, one column per state: virtual evidence, numbers >= 0. A row in which all are unknown
  says nothing.
- ``given_<cause>``: conditions on a cause.
- Everything else is passed through and never read, ``true_<cause>`` of simulated tables included.

Status of a row
---------------
A row with several faults has the first of these; its faulty cells are unknown in the batch.

``wrong_type``
    A value of a kind that names no state of its variable (2, 0.5, a date, ``True`` for an onset), text where
    a likelihood is due, text that is no number or a boolean where an age is due, or likelihoods for some
    states only.
``unknown_state``
    A word that is no state of its variable, or no setting of the model.
``out_of_range``
    An age below 0 or above 120; a likelihood that is negative or infinite; likelihoods that are all 0.
``conflicting_columns``
    ``age`` and ``age_band`` that disagree, or a variable known from its own column (or from ``age``) and
    from virtual evidence too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
from narwhals.exceptions import DuplicateError

from thighdx.columns import plan_columns
from thighdx.distinct import Column, distinct_values, read_numbers
from thighdx.errors import TableError
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.inference.vocabulary import AGE_LIMITS, AGE_VARIABLE, Vocabulary, is_missing
from thighdx.kb.records import Variable
from thighdx.network.spec import Floats

__all__ = ["STATUSES", "EncodedTable", "Frame", "Status", "encode_table", "open_table"]

Frame: TypeAlias = "nw.DataFrame[Any]"
Status: TypeAlias = Literal[
    "ok",
    "wrong_type",
    "unknown_state",
    "out_of_range",
    "conflicting_columns",
    "impossible_evidence",
]
Bools: TypeAlias = npt.NDArray[np.bool_]
# In the order in which the faults of one row count; the last is found by inference, not by reading.
STATUSES: tuple[Status, ...] = (
    "ok",
    "wrong_type",
    "unknown_state",
    "out_of_range",
    "conflicting_columns",
    "impossible_evidence",
)

# Likelihoods further from 1 than this could leave the range of doubles when multiplied with a table.
LIKELIHOOD_RANGE = (1e-150, 1e150)


@dataclass(frozen=True, slots=True)
class EncodedTable:
    """A table of patients as an inference engine reads it.

    Attributes
    ----------
    batch : EvidenceBatch
        One case per row, in the order of the table; faulty cells are unknown.
    status : (n_rows,) int8
        Position in `STATUSES`; 0 where the row can be scored.
    passthrough : tuple of columns
        Columns that are not evidence, in the order of the table.
    n_underage : int
        Rows with an age below the first age band.
    near_misses : tuple of str
        Warnings about columns passed through whose names look like evidence.
    """

    batch: EvidenceBatch
    status: npt.NDArray[np.int8]
    passthrough: tuple[Hashable, ...]
    n_underage: int
    near_misses: tuple[str, ...]


def open_table(table: object) -> Frame:
    """Return a pandas, polars or pyarrow table behind one interface; the table itself is never changed.

    Raises
    ------
    TableError
        If it is anything else, a LazyFrame included, or has two columns of one name.
    """
    expected = "expected a pandas or polars DataFrame or a pyarrow Table"
    got = f"{type(table).__module__.partition('.')[0]} {type(table).__name__}"
    try:
        frame: Frame = nw.from_native(table, eager_only=True)  # type: ignore[call-overload]  # checked at run time
        names = list(frame.columns)
    except DuplicateError as error:
        raise TableError(
            f"table: column names must differ: {' '.join(str(error).split())}"
        ) from None
    except TypeError:
        hint = "; collect it first" if hasattr(table, "collect") else ""
        raise TableError(f"table: got {got}, {expected}{hint}") from None
    backend = frame.implementation
    if not (backend.is_pandas() or backend.is_polars() or backend.is_pyarrow()):
        raise TableError(f"table: got {got}, {expected}")
    if any(isinstance(name, tuple) for name in names):
        raise TableError(
            "table: got columns with several levels, expected one name per column; flatten them first"
        )
    return frame


def encode_table(
    vocabulary: Vocabulary,
    table: object,
    *,
    setting: str,
    columns: Mapping[str, str] | None = None,
    reserved: Sequence[str] = (),
) -> EncodedTable:
    """Read a table of patients.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        One row per patient; see the module for what columns mean.
    setting : str
        Setting of the rows that do not name their own.
    columns : mapping of str to str, optional
        Column of the table to what it is read as; see `plan_columns`.
    reserved : sequence of str
        Names that no column passed through may have.

    Raises
    ------
    TableError
        If the table as a whole cannot be read; a bad row only gets a status.
    EvidenceError
        If there is no such setting.

    Examples
    --------
    >>> import pandas as pd
    >>> from thighdx.inference.vocabulary import make_vocabulary
    >>> bruising = Variable("bruising", "finding", "Bruising", ("absent", "present"))
    >>> vocabulary = make_vocabulary((bruising,), ("primary_care",))
    >>> table = pd.DataFrame({"patient": [7, 8, 9], "bruising": ["yes", None, "blue"]})
    >>> encoded = encode_table(vocabulary, table, setting="primary_care")
    >>> encoded.batch.codes.tolist()
    [[1], [-1], [-1]]
    >>> [STATUSES[code] for code in encoded.status], encoded.passthrough
    (['ok', 'ok', 'unknown_state'], ('patient',))
    """
    frame = open_table(table)
    plan = plan_columns(vocabulary, frame.columns, columns=columns, reserved=reserved)
    draft = _Draft.empty(vocabulary, len(frame), vocabulary.setting_code(setting))
    for index, name in plan.variables.items():
        draft.codes[index] = draft.read_states(_column(frame, name), vocabulary.variables[index])
    for index, name in plan.given.items():
        draft.given[index] = draft.read_states(_column(frame, name), vocabulary.causes[index])
    if plan.setting is not None:
        draft.read_settings(_column(frame, plan.setting), vocabulary)
    for index, names in plan.virtual.items():
        draft.read_likelihoods(index, [_column(frame, name) for name in names])
    n_underage = draft.read_age(_column(frame, plan.age), vocabulary) if plan.age is not None else 0
    return EncodedTable(draft.batch(), draft.status, plan.passthrough, n_underage, plan.near_misses)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A batch in the making, one variable after the other.

    `codes` (n_variables, n_rows) and `given` (n_causes, n_rows) are laid out by column, as the table is;
    `virtual` holds likelihoods (n_rows, n_states) and in which rows they count.
    """

    codes: npt.NDArray[np.int8]
    given: npt.NDArray[np.int8]
    setting_idx: npt.NDArray[np.intp]
    status: npt.NDArray[np.int8]
    virtual: dict[int, tuple[Floats, Bools]]

    @classmethod
    def empty(cls, vocabulary: Vocabulary, n_rows: int, setting_idx: int) -> _Draft:
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

    def read_words(
        self, column: Column, find: Callable[[object], int | None]
    ) -> npt.NDArray[np.int8]:
        """Return what the words of a column mean, as (n_rows,) codes, and mark the rows where they mean nothing."""
        found = distinct_values(column)
        codes = np.full(len(found.values) + 1, UNKNOWN, dtype=np.int8)  # the last is null, place -1
        faults = np.zeros(len(codes), dtype=np.int8)
        for position, value in enumerate(found.values):
            if is_missing(value):
                continue
            code = find(value)
            if code is None:
                faults[position] = STATUSES.index(
                    "unknown_state" if isinstance(value, str) else "wrong_type"
                )
            else:
                codes[position] = code
        for fault in np.unique(faults[faults > 0]):
            self.mark(faults[found.codes] == fault, STATUSES[fault])
        return codes[found.codes]

    def read_states(self, column: Column, variable: Variable) -> npt.NDArray[np.int8]:
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
        is_wrong = np.any([item.is_wrong for item in read], axis=0) | (
            ~is_whole & ~is_null.all(axis=1)
        )
        is_out = ((weights < 0) | np.isinf(weights)).any(axis=1) | (
            is_whole & ~(weights > 0).any(axis=1)
        )
        is_read = is_whole & ~is_out
        is_clash = is_read & (self.codes[index] != UNKNOWN)
        self.mark(is_wrong, "wrong_type")
        self.mark(is_out, "out_of_range")
        self.mark(is_clash, "conflicting_columns")
        self.codes[index, is_clash] = UNKNOWN
        self.virtual[index] = weights, is_read & ~is_clash

    def read_age(self, column: Column, vocabulary: Vocabulary) -> int:
        """Turn ages into bands, compare them with what else is known of the band; return how many are too low."""
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
                likelihoods.append(Likelihood(index, case_idx, _scaled(weights[case_idx])))
        codes, given = (np.ascontiguousarray(array.T) for array in (self.codes, self.given))
        return EvidenceBatch(codes, given, self.setting_idx, tuple(likelihoods))


def _scaled(weights: Floats) -> Floats:
    """Bring rows of extreme likelihoods near 1, as is done for single cases."""
    peak = weights.max(axis=1, keepdims=True)
    is_extreme = (peak < LIKELIHOOD_RANGE[0]) | (peak > LIKELIHOOD_RANGE[1])
    return weights / np.where(is_extreme, peak, 1.0)


def _column(frame: Frame, name: Hashable) -> Column:
    """Return one column; narwhals types names as text, but pandas has others too."""
    return frame.get_column(name)  # type: ignore[arg-type]  # see above
