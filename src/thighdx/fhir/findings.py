"""What one resource says: findings, and what of it is no evidence and why."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from thighdx.errors import OptionError
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.fhir.codes import AGE, NOTHING, CodeMap, CodeRow
from thighdx.fhir.names import SYSTEMS, Json, own_system
from thighdx.kb.records import Code, Variable

__all__ = [
    "Context",
    "Finding",
    "Unused",
    "check_day",
    "codings",
    "condition",
    "day_of",
    "items",
    "medication",
    "observation",
]

Value: TypeAlias = "str | float | dict[str, float]"

NOT_CONFIRMED = ("unconfirmed", "provisional", "differential")
ENDED = ("inactive", "remission", "resolved")
COMPLETE = ("final", "amended", "corrected")
HIGH, NORMAL = ("H", "HH", "HU", "POS"), ("N", "L", "LL", "LU", "NEG")
ABNORMAL = ("A", "AA", "H", "HH", "HU", "L", "LL", "LU")
LARGEST = 1e9  # JSON takes whole numbers that no float holds
# Answers that mean yes and no, as SNOMED CT, LOINC and HL7 write them.
YES = {"373066001", "52101004", "10828004", "LA33-6", "Y", "POS"}
NO = {"373067005", "2667000", "260385009", "LA32-8", "N", "NEG"}


@dataclass(frozen=True, slots=True)
class Unused:
    """Something sent that is not evidence: where it stands, what it is, and why it was not used."""

    where: str
    what: str
    why: str

    def __str__(self) -> str:
        """Return all three on one line."""
        return f"{self.where}: {self.what}: {self.why}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A value of a variable, where it comes from, and when it was found."""

    variable: str
    value: Value
    where: str
    day: datetime.date | None


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a resource needs to know."""

    model_name: str
    version: str  # of its questionnaire
    vocabulary: Vocabulary
    known: Mapping[str, Variable]  # variables and causes
    cause_codes: Mapping[tuple[str, str], str]  # system and code to the cause that has it
    codes: CodeMap
    on: datetime.date | None


def items(value: object) -> list[Json]:
    """Return the objects of a list, whatever was sent in its place."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def codings(concept: object) -> list[tuple[str, str]]:
    """Return system and code of every coding of a CodeableConcept."""
    found = items(concept.get("coding")) if isinstance(concept, dict) else []
    return [(str(item.get("system", "")), str(item["code"])) for item in found if item.get("code")]


def code_words(concept: object) -> str:
    """Name a concept for people."""
    if not isinstance(concept, dict):
        return "without a code"
    shown = [f"{_short(system)} {code}" for system, code in codings(concept)]
    text = str(
        concept.get("text")
        or next((c["display"] for c in items(concept.get("coding")) if "display" in c), "")
    )
    return (
        " ".join(part for part in (", ".join(shown), f"({text[:80]})" if text else "") if part)
        or "without a code"
    )


def _short(system: str) -> str:
    return next((name for name, address in SYSTEMS.items() if address == system), system)


def day_of(*values: object) -> datetime.date | None:
    """Return the first date or time that names a whole day."""
    for value in values:
        if isinstance(value, dict):
            value = value.get("end") or value.get("start")
        if isinstance(value, str) and len(value) >= 10:
            try:
                return datetime.date.fromisoformat(value[:10])
            except ValueError:
                continue
    return None


def check_day(on: object) -> None:
    """Refuse what is to be a day and is none.

    Raises
    ------
    OptionError
        Says what to give.
    """
    if not isinstance(on, datetime.date | None):
        raise OptionError(f"on: got {on!r}, expected a datetime.date; see datetime.date.fromisoformat")


def condition(resource: Json, where: str, context: Context) -> Iterator[Finding | Unused]:
    """Read a Condition: refuted is absent, not confirmed is no evidence."""
    what = code_words(resource.get("code"))
    verification = _status(resource.get("verificationStatus"), "confirmed")
    clinical = _status(resource.get("clinicalStatus"), "active")
    has_ended = clinical in ENDED or any(name.startswith("abatement") for name in resource)
    if verification in NOT_CONFIRMED or verification == "entered-in-error":
        yield Unused(where, what, f"{verification}, so no evidence")
        return
    rows, why = _rows("Condition", resource.get("code"), context)
    day = day_of(resource.get("recordedDate"), resource.get("onsetDateTime"), resource.get("onsetPeriod"))
    used = False
    for row in rows:
        if verification == "refuted" and row.rule == "ended":
            continue  # that it is not there now says nothing about the past
        if verification == "refuted":
            found = _opposite(row, where, what, day, context)
        elif row.rule != "ever" and has_ended != (row.rule == "ended"):
            why = f"clinical status {clinical}" if row.rule != "ended" else "not over yet"
            continue
        else:
            found = _said(row, where, what, day, context)
        used = True
        yield found
    if not used:
        yield Unused(where, what, why)


def medication(resource: Json, where: str, context: Context, concept: object) -> Iterator[Finding | Unused]:
    """Read a MedicationStatement: what is taken now, or a whole class that is not."""
    what, status = code_words(concept), str(resource.get("status", ""))
    if status not in ("active", "not-taken"):
        yield Unused(where, what, f"status {status or 'missing'}: whether it is taken now is not known")
        return
    rows, why = _rows("MedicationStatement", concept, context)
    day = day_of(
        resource.get("effectiveDateTime"), resource.get("effectivePeriod"), resource.get("dateAsserted")
    )
    if not rows:
        yield Unused(where, what, why)
    exact = {code for _, code in codings(concept)}
    for row in rows:
        is_class = row.code.rstrip("*") in exact
        if status == "active":
            yield _said(row, where, what, day, context)
        elif is_class:
            yield _opposite(row, where, what, day, context)
        else:
            yield Unused(where, what, "not taken, but others of its class may be")


def observation(resource: Json, where: str, context: Context) -> Iterator[Finding | Unused]:
    """Read an Observation and its components."""
    status = str(resource.get("status", ""))
    what = code_words(resource.get("code"))
    if status not in COMPLETE:
        yield Unused(where, what, f"status {status or 'missing'}, expected {', '.join(COMPLETE)}")
        return
    day = day_of(resource.get("effectiveDateTime"), resource.get("effectivePeriod"), resource.get("issued"))
    parts = items(resource.get("component"))
    if not parts or any(name.startswith("value") for name in resource):
        yield from _measured(resource, where, day, context)
    for number, part in enumerate(parts):
        yield from _measured(part, f"{where}.component[{number}]", day, context)


def _measured(
    part: Json, where: str, day: datetime.date | None, context: Context
) -> Iterator[Finding | Unused]:
    """Read one value of an Observation."""
    what = code_words(part.get("code"))
    for system, code in codings(part.get("code")):
        if system == own_system(context.model_name) and code in context.known:
            yield _own(context.known[code], part, where, what, day)
            return
    rows, why = _rows("Observation", part.get("code"), context)
    by_variable: dict[str, list[CodeRow]] = {}
    for row in rows:
        by_variable.setdefault(row.variable, []).append(row)
    if not rows:
        yield Unused(where, what, why)
    for variable, own in by_variable.items():
        found = _value(own, part, context)
        if isinstance(found, str):
            yield Unused(where, what, found)
        elif (late := _too_old(own[0], day, context)) is not None:
            yield Unused(where, what, late)
        else:
            yield Finding(variable, found[0], where, day)


def _value(rows: list[CodeRow], part: Json, context: Context) -> tuple[Value] | str:
    """Return the value that the rows on one variable give an observation, or why they give none."""
    row, quantity = rows[0], part.get("valueQuantity")
    marks = {code for concept in items(part.get("interpretation")) for _, code in codings(concept)}
    number = _number(quantity)
    if row.rule == "value":
        for system, code in codings(part.get("valueCodeableConcept")):
            for answer in context.codes.find("value", system, code):
                if answer.variable == row.variable:
                    return (_as_value(answer, context),)
        return f"its answer {code_words(part.get('valueCodeableConcept'))} is not in the table of codes"
    if row.rule == "years":
        return (number,) if number is not None and _unit(quantity) in ("a", "") else "expected years (unit a)"
    if row.limit is not None:
        return _against_limits(rows, number, _unit(quantity), context)
    is_there = _is_there(row, part, marks, number)
    if isinstance(is_there, str):
        return is_there
    if is_there:
        return (_as_value(row, context),)
    return (context.known[row.variable].states[0],) if row.refutes else "normal, which rules nothing out"


def _is_there(row: CodeRow, part: Json, marks: set[str], number: float | None) -> bool | str:
    """Whether an observation finds what its row is about, or why that cannot be told."""
    if row.rule == "abnormal" and marks & {*ABNORMAL, "N"}:
        return bool(marks & {*ABNORMAL})
    if row.rule.startswith(("high", "abnormal")):
        return _beyond_range(row, part, marks, number)
    if isinstance(part.get("valueBoolean"), bool):
        return bool(part["valueBoolean"])
    answers = {code for _, code in codings(part.get("valueCodeableConcept"))} or marks
    if answers & YES or answers & NO:
        return bool(answers & YES)
    return "its value is neither yes nor no"


def _beyond_range(row: CodeRow, part: Json, marks: set[str], number: float | None) -> bool | str:
    """Compare a number with the laboratory's own range; its mark counts where no more is asked for."""
    if row.rule == "high" and marks & {*HIGH, *NORMAL}:
        return bool(marks & {*HIGH})
    if row.rule == "high x5" and marks & {*NORMAL}:
        return False
    ranges = items(part.get("referenceRange"))
    high = _number(ranges[0].get("high")) if ranges else None
    low = _number(ranges[0].get("low")) if ranges else None
    if number is None or high is None:
        return "neither an interpretation nor a number with a reference range"
    return number > high * row.times_high or (row.rule == "abnormal" and low is not None and number < low)


def _against_limits(
    rows: list[CodeRow], number: float | None, unit: str, context: Context
) -> tuple[Value] | str:
    """Return the state of the highest limit that is reached, the first state below all of them."""
    same = [(row, row.limit) for row in rows if row.limit is not None and row.limit[2] == unit]
    if number is None or not same:
        units = ", ".join(dict.fromkeys(row.limit[2] for row in rows if row.limit is not None))
        return f"got unit {unit or 'none'}, expected a number in {units}"
    reached = [
        (limit[1], row) for row, limit in same if number > limit[1] or (limit[0] and number == limit[1])
    ]
    if reached:
        return (_as_value(max(reached, key=lambda item: item[0])[1], context),)
    if not rows[0].refutes:
        return "below the limit, which rules nothing out"
    return (context.known[rows[0].variable].states[0],)


def _own(
    variable: Variable, part: Json, where: str, what: str, day: datetime.date | None
) -> Finding | Unused:
    """Read an observation that is coded with the model's own names."""
    answers: list[object] = [part.get("valueBoolean"), part.get("valueString"), part.get("valueInteger")]
    answers += [code for _, code in codings(part.get("valueCodeableConcept"))]
    for answer in answers:
        code = None if answer is None else Vocabulary.find_code(variable, answer)
        if code is not None:
            return Finding(variable.id, variable.states[code], where, day)
    return Unused(where, what, f"expected one of {', '.join(variable.states)}")


def _rows(kind: str, concept: object, context: Context) -> tuple[list[CodeRow], str]:
    """Return the rows for the first coding that has any, and what to say where there is none."""
    why = "its code is not in the table of codes"
    for system, code in codings(concept):
        found = context.codes.find(kind, system, code)
        if rows := [row for row in found if row.variable in context.known or row.variable == AGE]:
            return rows, why
        if any(row.variable == NOTHING for row in found):
            why = "its code is known to say nothing about the questions of the model"
        elif found:
            why = f"the model has no variable {found[0].variable!r}"
        elif (system, code) in context.cause_codes:
            why = f"names the cause {context.cause_codes[system, code]}: a diagnosis is no finding"
    return [], why


def _said(
    row: CodeRow, where: str, what: str, day: datetime.date | None, context: Context
) -> Finding | Unused:
    """Return what a row says where it applies."""
    if row.state == NOTHING:
        return Unused(where, what, f"names the cause {row.variable}: a diagnosis is no finding")
    if (late := _too_old(row, day, context)) is not None:
        return Unused(where, what, late)
    return Finding(row.variable, _as_value(row, context), where, day)


def _opposite(
    row: CodeRow, where: str, what: str, day: datetime.date | None, context: Context
) -> Finding | Unused:
    """Return what it means that a row does not apply."""
    if not row.refutes:
        return Unused(where, what, f"ruled out, but {row.variable} has other forms")
    if (late := _too_old(row, day, context)) is not None:
        return Unused(where, what, late)
    return Finding(row.variable, context.known[row.variable].states[0], where, day)


def _as_value(row: CodeRow, context: Context) -> Value:
    """Return a state, or the same likelihood for each of several."""
    if len(row.states) == 1:
        return row.state
    return {state: float(state in row.states) for state in context.known[row.variable].states}


def _too_old(row: CodeRow, day: datetime.date | None, context: Context) -> str | None:
    """Say that something is too old to tell how it is now."""
    if row.days is None or day is None or context.on is None or (context.on - day).days <= row.days:
        return None
    return f"{(context.on - day).days} days old, expected at most {row.days}"


def _status(concept: object, default: str) -> str:
    """Return the code of a status; what is not said is taken as the default."""
    return next((code for _, code in codings(concept)), default)


def _number(quantity: object) -> float | None:
    """Return the value of a quantity; None for what is no number, or NaN."""
    value = quantity.get("value") if isinstance(quantity, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
        return None
    return float(value)


def _unit(quantity: Any) -> str:
    """Return the unit of a quantity, its UCUM code first."""
    return str(quantity.get("code") or quantity.get("unit") or "") if isinstance(quantity, dict) else ""


def cause_codes(codes: tuple[Code, ...]) -> dict[tuple[str, str], str]:
    """Return the causes that have a code, by system and code."""
    names = {"ICD-10": "icd10", "SNOMED-CT": "snomed"}
    return {(SYSTEMS[names[item.system]], item.code): item.cause for item in codes if item.system in names}
