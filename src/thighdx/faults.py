"""Why rows of a table could not be scored, in words: which column, what was there, what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.columns import ColumnPlan
from thighdx.errors import ImpossibleEvidenceError, nearest_hint
from thighdx.inference.vocabulary import AGE_LIMITS, Vocabulary, is_missing
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


def find_fault(model: Model, plan: ColumnPlan, table: pa.Table, row: int, status: str, setting: str) -> Fault:
    """Look for what gave a row its status.

    Parameters
    ----------
    table : pyarrow.Table
        The columns of evidence with their codes translated, by the names that `plan` uses.
    setting : str
        Of rows that do not name their own.
    """
    cells = {name: table.column(name)[row].as_py() for name in table.column_names}
    if status in ("unknown_state", "wrong_type", "out_of_range"):
        for column, message in _bad_cells(model.vocabulary, plan, cells):
            return Fault(row, status, column, _shown(cells[column]), message)
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


def _bad_cells(
    vocabulary: Vocabulary, plan: ColumnPlan, cells: Mapping[str, object]
) -> list[tuple[str, str]]:
    """Return every cell that cannot be read, by column, and what was expected there."""
    found = [
        (name, Vocabulary.refusal(variable, cells[name]))
        for name, variable in _states(vocabulary, plan)
        if not is_missing(cells[name]) and Vocabulary.find_code(variable, cells[name]) is None
    ]
    if isinstance(plan.setting, str):
        value = cells[plan.setting]
        if not is_missing(value) and vocabulary.find_setting(value) is None:
            hint = nearest_hint(str(value), vocabulary.settings)
            expected = f"setting: got {_shown(value)!r}, expected one of {', '.join(vocabulary.settings)}"
            found.append((plan.setting, expected + (f"; {hint}" if hint else "")))
    if isinstance(plan.age, str):
        value = cells[plan.age]
        if not is_missing(value) and not _is_between(value, *AGE_LIMITS):
            low, high = AGE_LIMITS
            found.append((plan.age, f"age: got {_shown(value)!r}, expected {low:g} to {high:g} years"))
    for index, names in plan.virtual.items():
        found += _bad_likelihoods(vocabulary.variables[index], [str(name) for name in names], cells)
    return found


def _bad_likelihoods(
    variable: Variable, names: Sequence[str], cells: Mapping[str, object]
) -> list[tuple[str, str]]:
    """Return what is wrong with the likelihoods of one variable in a row."""
    known = [name for name in names if not is_missing(cells[name])]
    if not known:
        return []
    bad = [name for name in known if not _is_between(cells[name], 0.0, float("1.7e308"))]
    if bad:
        return [(bad[0], f"{bad[0]}: got {_shown(cells[bad[0]])!r}, expected a number from 0 on")]
    if len(known) < len(names):
        missing = ", ".join(name for name in names if name not in known)
        return [(known[0], f"{variable.id}: likelihoods of all states or of none; unknown: {missing}")]
    if not any(float(str(cells[name])) > 0 for name in known):
        return [(known[0], f"{variable.id}: likelihoods all 0, expected one above 0")]
    return []


def _is_between(value: object, low: float, high: float) -> bool:
    """Whether a cell is a number in a range; true and false are none."""
    if isinstance(value, bool):
        return False
    try:
        return low <= float(str(value)) <= high
    except ValueError:
        return False


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
