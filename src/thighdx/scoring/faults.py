"""Why rows of a table could not be scored, in words: which column, what was there, what was expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import ImpossibleEvidenceError, TableError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.evidence.columns import AGE, SETTING, ColumnPlan
from thighdx.evidence.distinct import cell
from thighdx.evidence.draft import STATUSES, BadCells, Codes, EncodedRows, Translators
from thighdx.evidence.vocabulary import (
    AGE_LIMITS,
    DATE_OF_BIRTH,
    REFERENCE_DATE,
    Vocabulary,
    is_unknown,
    state_hint,
)
from thighdx.scoring.options import OnError

__all__ = ["Fault", "FaultReader", "FaultTally", "conflict_in"]

SHOWN_CHARACTERS = 80
LOOKED_AT = 1_000  # bad cells of a column whose values are counted
SHOWN_COLUMNS = 3
SHOWN_VALUES = 3
IMPOSSIBLE = "the evidence cannot be true together under this model"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one row has no posterior.

    Attributes
    ----------
    row : int
        Position in the batch, from 0.
    status : str
    column : str
        The column at fault as the table calls it; empty where several are.
    value : str
        What is in the cell; empty where several columns are at fault.
    message : str
        What was expected, with the nearest state.
    """

    row: int
    status: str
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class FaultReader:
    """Says what is wrong with cells of some rows of a table."""

    vocabulary: Vocabulary
    plan: ColumnPlan
    rows: Any
    translators: Translators

    def fault(self, encoded: EncodedRows, row: int, status: str) -> Fault | None:
        """Return what gave a row its status; None if no cell did."""
        for bad in encoded.bad_cells:
            place = int(np.searchsorted(bad.rows, row))
            if bad.status == status and place < len(bad.rows) and bad.rows[place] == row:
                column, value, message = self.describe(bad, row)
                return Fault(row, status, column, value, message)
        return None

    def details(self, encoded: EncodedRows, status: Codes) -> npt.NDArray[np.object_]:
        """Say of every row what could not be read, or why it is impossible; "" where nothing is wrong.

        Returns
        -------
        (n_rows,) str
            Of a row with several faults, the one that gave it its status; where such a cell counts as unknown,
            that one too.
        """
        said = np.full(len(status), "", dtype=object)
        for bad in reversed(encoded.bad_cells):
            known: dict[object, str] = {}
            is_cell = bad.status != "conflicting_columns" and not (
                bad.meaning[0] == "virtual" and bad.meaning[2] < 0
            )
            for row in bad.rows[encoded.status[bad.rows] == STATUSES.index(bad.status)].tolist():
                key = _shown(cell(self.rows[bad.column], row)) if is_cell else row
                if key not in known:
                    known[key] = self.describe(bad, row)[2]
                said[row] = known[key]
        said[status == STATUSES.index("impossible_evidence")] = IMPOSSIBLE
        return said

    def describe(self, bad: BadCells, row: int) -> tuple[str, str, str]:
        """Return the column at fault, what is in the cell, and what was expected."""
        kind, index, state = bad.meaning
        if bad.status == "conflicting_columns":
            return "", "", self._clash(bad, row)
        if kind == "virtual" and state < 0:
            return self._likelihoods(index, row)
        stored = cell(self.rows[bad.column], row)
        value = self._translated(bad.column, row)
        read_as, message = self._expected(bad, value)
        own = _shown(stored)
        if kind == "age" and own != _shown(value):
            message = f"got {own!r}; in years: {message}"
        return str(bad.column), own, f"{self._title(bad.column, read_as)}: {message}"

    def common_values(self, bad: BadCells, *, at_most: int) -> Counter[str]:
        """Return how often each value stands in the first of some bad cells."""
        return Counter(_shown(cell(self.rows[bad.column], int(row))) for row in bad.rows[:at_most])

    def _expected(self, bad: BadCells, value: object) -> tuple[str, str]:
        """Return what a column is read as, and what is wrong with a value of it."""
        kind, index, state = bad.meaning
        if kind == "setting":
            hint = state_hint(str(value), self.vocabulary.settings)
            message = f"got {_shown(value)!r}, expected one of {', '.join(self.vocabulary.settings)}"
            return SETTING, message + (f"; {hint}" if hint else "")
        if kind == "age":
            low, high = AGE_LIMITS
            return AGE, f"got {_shown(value)!r}, expected {low:g} to {high:g} years"
        if kind in ("birth", "reference"):
            wanted = "a date such as 1990-02-28"
            if bad.status == "out_of_range":
                wanted = f"a date up to {AGE_LIMITS[1]:g} years before the patient was seen"
            return (
                DATE_OF_BIRTH if kind == "birth" else REFERENCE_DATE
            ), f"got {_shown(value)!r}, expected {wanted}"
        variable = (self.vocabulary.causes if kind == "given" else self.vocabulary.variables)[index]
        if kind == "virtual":
            return (
                f"{variable.id}:{variable.states[state]}",
                f"got {_shown(value)!r}, expected a number from 0 on",
            )
        refusal = Vocabulary.refusal(variable, value).removeprefix(f"{variable.id}: ")
        message = refusal.replace("or None for unknown", "or an empty cell for unknown")
        return (f"given_{variable.id}" if kind == "given" else variable.id), message

    def _likelihoods(self, index: int, row: int) -> tuple[str, str, str]:
        """Say what is wrong with the likelihoods of one variable taken together."""
        names = self.plan.virtual[index]
        known = [name for name in names if not is_unknown(self._translated(name, row))]
        missing = ", ".join(str(name) for name in names if name not in known)
        message = "likelihoods all 0, expected one above 0"
        if missing:
            message = f"likelihoods of all states or of none; unknown: {missing}"
        first = _shown(cell(self.rows[known[0]], row))
        return str(known[0]), first, f"{self.vocabulary.variables[index].id}: {message}"

    def _clash(self, bad: BadCells, row: int) -> str:
        """Name a column that says something else than others about the same."""
        what = f"{str(bad.column)!r} says {_shown(cell(self.rows[bad.column], row))!r}"
        return f"columns that say different things about the same: {what}, another column something else"

    def _translated(self, name: Hashable, row: int) -> object:
        value = cell(self.rows[name], row)
        return self.translators[name](value) if name in self.translators else value

    @staticmethod
    def _title(column: Hashable, read_as: str) -> str:
        """Name a column as the table does, and say what it is read as."""
        return read_as if column == read_as else f"{column}, read as {read_as}"


@dataclass(slots=True)
class FaultTally:
    """What could not be read in a table, column by column, and how many rows that cost.

    Attributes
    ----------
    statuses : Counter of str
        Rows without probabilities, by why.
    values : mapping of column to Counter of str
        What stands in the bad cells looked at, and how often.
    hints : mapping of column to str
        What was expected, for one of them.
    """

    on_error: OnError
    statuses: Counter[str] = field(default_factory=Counter)
    n_underage: int = 0
    n_bad: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    def add(self, reader: FaultReader, encoded: EncodedRows, status: Codes, *, first_row: int) -> None:
        """Count the rows of one part of a table.

        Raises
        ------
        TableError
            At a row without probabilities, if that is an error.
        """
        self.n_underage += encoded.n_underage
        rows = np.flatnonzero(status)
        self.statuses.update(STATUSES[code] for code in status[rows])
        if len(rows) and self.on_error == "raise":
            name = STATUSES[status[rows[0]]]
            fault = reader.fault(encoded, int(rows[0]), name)
            message = IMPOSSIBLE if fault is None else fault.message
            raise TableError(f"row {first_row + int(rows[0]) + 1}: {name}: {message}; on_error is 'raise'")
        for bad in encoded.bad_cells:
            column = str(bad.column)
            self.n_bad[column] += len(bad.rows)
            seen = self.values.setdefault(column, Counter())
            seen.update(reader.common_values(bad, at_most=max(0, LOOKED_AT - seen.total())))
            if column not in self.hints:
                self.hints[column] = reader.describe(bad, int(bad.rows[0]))[2]

    def messages(self, n_rows: int) -> list[str]:
        """Say in one message what could not be read, or in none that everything could."""
        n_lost = self.statuses.total()
        if not n_lost and not self.n_bad:
            return []
        parts = []
        for column, count in self.n_bad.most_common(SHOWN_COLUMNS):
            common = self.values[column].most_common(SHOWN_VALUES)
            is_whole = self.values[column].total() == count  # else only some were looked at
            shown = ", ".join(
                f"{value!r} ({times:,})" if is_whole else repr(value) for value, times in common
            )
            parts.append(f"column {column!r}: {_cells(count)} cannot be read: {shown}; {self.hints[column]}")
        if len(self.n_bad) > SHOWN_COLUMNS:
            parts.append(f"and {len(self.n_bad) - SHOWN_COLUMNS} more columns")
        if n_lost:
            kinds = ", ".join(f"{count:,} {name}" for name, count in self.statuses.most_common())
            title = f"{n_lost:,} of {n_rows:,} rows have no probabilities ({kinds}); see the column status"
        else:
            title = f"{_cells(self.n_bad.total())} cannot be read and count as unknown"
        return ["\n  ".join([title, *parts])]


def _cells(count: int) -> str:
    return f"{count:,} cell{'s' if count > 1 else ''}"


def _shown(value: object) -> str:
    """Write a cell in a few characters."""
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def conflict_in(model: CompiledModel, batch: EvidenceBatch, row: int) -> str:
    """Name a smallest set of evidence of a row that cannot be true together."""
    vocabulary = model.vocabulary
    findings: dict[str, object] = {
        **_known(vocabulary.variables, batch.codes[row]),
        **_known(vocabulary.causes, batch.given[row]),
    }
    for item in batch.likelihoods:
        place = int(np.searchsorted(item.case_idx, row))
        if place < len(item.case_idx) and item.case_idx[place] == row:
            variable = vocabulary.variables[item.variable_idx]
            findings[variable.id] = dict(zip(variable.states, item.weights[place].tolist(), strict=True))
    try:
        open_case(model, findings, setting=model.settings[int(batch.setting_idx[row])])
    except ImpossibleEvidenceError as error:
        return str(error)
    return IMPOSSIBLE


def _known(variables: Iterable[Any], codes: Any) -> Mapping[str, str]:
    """Return the known states of variables by name."""
    return {
        v.id: v.states[code] for v, code in zip(variables, codes.tolist(), strict=True) if code != UNKNOWN
    }
