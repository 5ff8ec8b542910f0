"""Why rows of a table could not be scored, in words: which column, what was there, what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.columns import AGE, SETTING, ColumnPlan
from thighdx.distinct import as_number
from thighdx.errors import ImpossibleEvidenceError, nearest_hint
from thighdx.inference.vocabulary import AGE_LIMITS, GIVEN_PREFIX, Vocabulary, is_missing
from thighdx.kb.records import Variable

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["Fault", "find_fault"]

SHOWN_CHARACTERS = 80


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


def find_fault(
    model: Model,
    plan: ColumnPlan,
    table: pa.Table,
    row: int,
    status: str,
    setting: str,
    *,
    stored: pa.RecordBatch,
) -> Fault:
    """Look for what gave a row its status.

    Parameters
    ----------
    table : pyarrow.Table
        The columns of evidence with their codes translated, by the names that `plan` uses.
    setting : str
        Of rows that do not name their own.
    stored : pyarrow.RecordBatch
        The columns as they are in the file, their codes not translated.
    """
    cells = {name: table.column(name)[row].as_py() for name in table.column_names}
    if status in ("unknown_state", "wrong_type", "out_of_range"):
        found = _bad_cells(model.vocabulary, plan, cells)
        counts = [bad for bad in found if bad.status == status] or found
        for bad in counts:
            own = _shown(stored.column(bad.column)[row].as_py())
            message = f"{_title(bad)}: {bad.message}"
            if bad.read_as == AGE and own != _shown(cells[bad.column]):
                message = f"{_title(bad)}: got {own!r}; in years: {bad.message}"
            return Fault(row, status, bad.column, own, message)
    if status == "impossible_evidence":
        return Fault(row, status, "", "", _conflict(model, plan, cells, setting))
    return Fault(row, status, "", "", "columns that say different things about the same")


def _shown(value: object) -> str:
    """Write a cell in a few characters."""
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def _states(vocabulary: Vocabulary, plan: ColumnPlan) -> list[tuple[str, Variable]]:
    """Return the columns that hold states."""
    pairs = [(str(name), vocabulary.variables[index]) for index, name in plan.variables.items()]
    return pairs + [(str(name), vocabulary.causes[index]) for index, name in plan.given.items()]


class _BadCell(NamedTuple):
    """A cell that cannot be read, the status that alone would give its row, and what was expected."""

    column: str
    read_as: str
    status: str
    message: str


def _title(bad: _BadCell) -> str:
    """Name a column as the table does, and say what it is read as."""
    if bad.column.startswith(f"{bad.read_as}:"):  # all columns of likelihoods together
        return bad.read_as
    is_own = bad.column.removeprefix(GIVEN_PREFIX) == bad.read_as
    return bad.column if is_own else f"{bad.column}, read as {bad.read_as}"


def _bad_word(value: object) -> str:
    """Return the status of a cell that names no state."""
    return "unknown_state" if isinstance(value, str) else "wrong_type"


def _bad_number(value: object) -> str:
    """Return the status of a cell that is no number in the range expected."""
    return "wrong_type" if as_number(value, allow_text=True) is None else "out_of_range"


def _bad_cells(vocabulary: Vocabulary, plan: ColumnPlan, cells: Mapping[str, object]) -> list[_BadCell]:
    """Return every cell that cannot be read."""
    found = []
    for name, variable in _states(vocabulary, plan):
        value = cells[name]
        if not is_missing(value) and Vocabulary.find_code(variable, value) is None:
            refusal = Vocabulary.refusal(variable, value).removeprefix(f"{variable.id}: ")
            message = refusal.replace("or None for unknown", "or an empty cell for unknown")
            found.append(_BadCell(name, variable.id, _bad_word(value), message))
    if isinstance(plan.setting, str):
        value = cells[plan.setting]
        if not is_missing(value) and vocabulary.find_setting(value) is None:
            hint = nearest_hint(str(value), vocabulary.settings)
            message = f"got {_shown(value)!r}, expected one of {', '.join(vocabulary.settings)}"
            message += f"; {hint}" if hint else ""
            found.append(_BadCell(plan.setting, SETTING, _bad_word(value), message))
    if isinstance(plan.age, str):
        value = cells[plan.age]
        if not is_missing(value) and not _is_between(value, *AGE_LIMITS):
            low, high = AGE_LIMITS
            message = f"got {_shown(value)!r}, expected {low:g} to {high:g} years"
            found.append(_BadCell(plan.age, AGE, _bad_number(value), message))
    for index, names in plan.virtual.items():
        found += _bad_likelihoods(vocabulary.variables[index], [str(name) for name in names], cells)
    return found


def _bad_likelihoods(variable: Variable, names: Sequence[str], cells: Mapping[str, object]) -> list[_BadCell]:
    """Return what is wrong with the likelihoods of one variable in a row."""
    known = [name for name in names if not is_missing(cells[name])]
    if not known:
        return []
    bad = [name for name in known if not _is_between(cells[name], 0.0, float("1.7e308"))]
    if bad:
        worst = min(bad, key=lambda name: _bad_number(cells[name]) != "wrong_type")
        read_as = f"{variable.id}:{variable.states[names.index(worst)]}"
        message = f"got {_shown(cells[worst])!r}, expected a number from 0 on"
        return [_BadCell(worst, read_as, _bad_number(cells[worst]), message)]
    if len(known) < len(names):
        missing = ", ".join(name for name in names if name not in known)
        message = f"likelihoods of all states or of none; unknown: {missing}"
        return [_BadCell(known[0], variable.id, "wrong_type", message)]
    if not any(float(str(cells[name])) > 0 for name in known):
        return [_BadCell(known[0], variable.id, "out_of_range", "likelihoods all 0, expected one above 0")]
    return []


def _is_between(value: object, low: float, high: float) -> bool:
    """Whether a cell is a number in a range; true and false are none."""
    number = as_number(value, allow_text=True)
    return number is not None and low <= number <= high


def _conflict(model: Model, plan: ColumnPlan, cells: Mapping[str, object], setting: str) -> str:
    """Name a smallest set of evidence that cannot be true together."""
    vocabulary = model.vocabulary
    findings = {variable.id: cells[name] for name, variable in _states(vocabulary, plan)}
    if isinstance(plan.age, str):
        value = cells[plan.age]
        findings["age"] = None if is_missing(value) else float(str(value))
    for index, names in plan.virtual.items():
        variable = vocabulary.variables[index]
        weights = [cells[str(name)] for name in names]
        if not is_missing(weights[0]):
            findings[variable.id] = dict(
                zip(variable.states, (float(str(weight)) for weight in weights), strict=True)
            )
    own = cells[plan.setting] if isinstance(plan.setting, str) else None
    try:
        model.diagnose(findings, setting=setting if is_missing(own) else str(own).strip())
    except ImpossibleEvidenceError as error:
        return str(error)
    return "the evidence cannot be true together under this model"
