"""Why rows of a table could not be scored, in words: which column, what was there, what was expected."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import open_case
from thighdx.compiled.compiled_model import CompiledModel, ModelFacts
from thighdx.errors import ImpossibleEvidenceError, TableError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.evidence.columns import ColumnPlan
from thighdx.evidence.distinct import cell
from thighdx.evidence.table_rows import STATUSES, BadCells, Codes, EncodedRows
from thighdx.evidence.vocabulary import (
    A_DATE,
    AGE_LIMITS,
    Vocabulary,
    is_unknown,
    state_hint,
)
from thighdx.scoring.plan import TablePlan

__all__ = ["Fault", "FaultReader", "FaultTally", "refuse_faults", "underage"]

SHOWN_CHARACTERS = 80
LOOKED_AT = 1_000  # bad cells of a column whose values are counted
SHOWN_COLUMNS = 3
SHOWN_VALUES = 3
DECIMAL_COMMA = re.compile(r"\d+,\d+")
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
    """Says what is wrong with some rows of a table, and with which of their cells.

    Attributes
    ----------
    plan : ColumnPlan
    rows : table or record batch
        `rows[name]` is one of its columns.
    encoded : EncodedRows
        The same, as they were read.
    """

    plan: ColumnPlan
    rows: Any
    encoded: EncodedRows

    def explain(self, model: ModelFacts, status: Codes, rows: Iterable[int]) -> Iterator[Fault]:
        """Say why some rows could not be scored; impossible ones take some milliseconds each.

        Parameters
        ----------
        status : (n_rows,) int8
            Of all rows, as positions in `STATUSES`.
        """
        for row in rows:
            name = STATUSES[status[row]]
            if name == "impossible_evidence":
                yield Fault(row, name, "", "", _conflict(model.compiled, self.encoded.batch, row))
            for bad in self.encoded.bad_cells:
                place = int(np.searchsorted(bad.rows, row))
                if bad.status == name and place < len(bad.rows) and bad.rows[place] == row:
                    yield Fault(row, name, *self.describe(bad, row))
                    break

    def details(self, status: Codes) -> npt.NDArray[np.object_]:
        """Say of every row what could not be read, or why it is impossible; "" where nothing is wrong.

        Returns
        -------
        (n_rows,) str
            Of a row with several faults, the one that gave it its status; where such a cell counts as unknown,
            that one too.
        """
        said = np.full(len(status), "", dtype=object)
        for bad in reversed(self.encoded.bad_cells):
            known: dict[object, str] = {}
            for row in bad.rows[self.encoded.status[bad.rows] == STATUSES.index(bad.status)].tolist():
                key = _shown(cell(self.rows[bad.column], row)) if bad.is_by_itself else row
                if key not in known:
                    known[key] = self.describe(bad, row)[2]
                said[row] = known[key]
        said[status == STATUSES.index("impossible_evidence")] = IMPOSSIBLE
        return said

    def describe(self, bad: BadCells, row: int) -> tuple[str, str, str]:
        """Return the column at fault, what is in the cell, and what was expected."""
        kind, index, _ = bad.meaning
        if bad.status == "conflicting_columns":
            return "", "", self._clash(bad, row)
        if not bad.is_by_itself:
            return self._likelihoods(index, row)
        own, value = _shown(cell(self.rows[bad.column], row)), self._translated(bad.column, row)
        message = self._expected(bad, value)
        if kind == "age" and own != _shown(value):
            message = f"got {own!r}; in years: {message}"
        read_as = self.plan.renamed.get(bad.column, bad.column)
        title = read_as if read_as == bad.column else f"{bad.column}, read as {read_as}"
        return str(bad.column), own, f"{title}: {message}"

    def common_values(self, bad: BadCells, *, at_most: int) -> Counter[str]:
        """Return how often each value stands in the first of some bad cells."""
        return Counter(_shown(cell(self.rows[bad.column], int(row))) for row in bad.rows[:at_most])

    def _expected(self, bad: BadCells, value: object) -> str:
        """Say what is wrong with a value of a column."""
        kind, index, _ = bad.meaning
        vocabulary = self.plan.vocabulary
        if kind in ("variable", "given"):
            variable = (vocabulary.causes if kind == "given" else vocabulary.variables)[index]
            refusal = Vocabulary.refusal(variable, value).removeprefix(f"{variable.id}: ")
            return refusal.replace("or None for unknown", "or an empty cell for unknown")
        if kind == "setting":
            hint = state_hint(str(value), vocabulary.settings)
            wanted = f"one of {', '.join(vocabulary.settings)}" + (f"; {hint}" if hint else "")
        elif kind == "virtual":
            wanted = "a number from 0 on"
        elif kind == "age":
            wanted = f"{AGE_LIMITS[0]:g} to {AGE_LIMITS[1]:g} years"
        elif bad.status == "out_of_range":
            wanted = f"a date up to {AGE_LIMITS[1]:g} years before the patient was seen"
        else:
            wanted = A_DATE
        if kind in ("age", "virtual") and isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()):
            wanted += "; a comma in numbers is read with decimal=',' (--decimal ,) from a file"
        return f"got {_shown(value)!r}, expected {wanted}"

    def _likelihoods(self, index: int, row: int) -> tuple[str, str, str]:
        """Say what is wrong with the likelihoods of one variable taken together."""
        names = self.plan.virtual[index]
        known = [name for name in names if not is_unknown(self._translated(name, row))]
        missing = ", ".join(str(name) for name in names if name not in known)
        message = "likelihoods all 0, expected one above 0"
        if missing:
            message = f"likelihoods of all states or of none; unknown: {missing}"
        first = _shown(cell(self.rows[known[0]], row))
        return str(known[0]), first, f"{self.plan.vocabulary.variables[index].id}: {message}"

    def _clash(self, bad: BadCells, row: int) -> str:
        """Name a column that says something else than others about the same."""
        what = f"{str(bad.column)!r} says {_shown(cell(self.rows[bad.column], row))!r}"
        return f"columns that say different things about the same: {what}, another column something else"

    def _translated(self, name: Hashable, row: int) -> object:
        value = cell(self.rows[name], row)
        return self.plan.translators[name](value) if name in self.plan.translators else value


def refuse_faults(
    reader: FaultReader, plan: TablePlan, status: Codes, *, first_row: int = 0, where: str = ""
) -> None:
    """Raise a `TableError` at the first row that could not be scored, if that is an error."""
    bad = np.flatnonzero(status)
    if len(bad) and plan.options.on_error == "raise":
        (fault,) = reader.explain(plan.model, status, [int(bad[0])])
        raise TableError(
            f"row {first_row + fault.row + 1}{where}: {fault.status}: {fault.message}; on_error is 'raise'"
        )


@dataclass(slots=True)
class FaultTally:
    """What could not be read in a table, column by column, and how many rows that cost.

    Attributes
    ----------
    statuses : Counter of str
        Rows without probabilities, by why.
    n_underage : int
        Rows with an age below the first age band.
    values : mapping of column to Counter of str
        What stands in the bad cells looked at, and how often.
    hints : mapping of column to str
        What was expected, for one of them.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    n_underage: int = 0
    n_bad: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    def add(self, reader: FaultReader, status: Codes) -> None:
        """Count the rows of one part of a table."""
        self.n_underage += reader.encoded.n_underage
        self.statuses.update(STATUSES[code] for code in status[status != 0])
        for bad in reader.encoded.bad_cells:
            column = str(bad.column)
            self.n_bad[column] += len(bad.rows)
            seen = self.values.setdefault(column, Counter())
            seen.update(reader.common_values(bad, at_most=max(0, LOOKED_AT - seen.total())))
            if column not in self.hints:
                self.hints[column] = reader.describe(bad, int(bad.rows[0]))[2]

    def warn(self, plan: ColumnPlan, n_rows: int, *, stacklevel: int) -> None:
        """Warn of what the user may not expect: of columns, and of cells and rows in one message."""
        found = [*plan.remarks]
        if self.statuses or self.n_bad:
            found.append(self._message(n_rows))
        if self.n_underage:
            found += underage(plan.vocabulary, self.n_underage)
        for message in found:
            warnings.warn(message, UserWarning, stacklevel=stacklevel + 1)

    def _message(self, n_rows: int) -> str:
        """Say what could not be read, and how many rows that cost."""
        n_lost, parts = self.statuses.total(), []
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
        return "\n  ".join([title, *parts])


def underage(vocabulary: Vocabulary, n_rows: int) -> list[str]:
    """Say that patients are younger than the population the model is about; nothing where there are none."""
    if not n_rows:
        return []
    return [
        f"outside_population: {n_rows} rows with an age below {vocabulary.age_starts[0]:g}; the model "
        f"is about adults, they count as its first age band"
    ]


def _cells(count: int) -> str:
    return f"{count:,} cell{'s' if count > 1 else ''}"


def _shown(value: object) -> str:
    """Write a cell in a few characters."""
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _conflict(model: CompiledModel, batch: EvidenceBatch, row: int) -> str:
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
