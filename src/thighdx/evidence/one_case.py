"""Read the evidence of one case: names and values in, a batch of one out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.errors import EvidenceError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.evidence.vocabulary import (
    AGE_VARIABLE,
    DATE_OF_BIRTH,
    GIVEN_PREFIX,
    REFERENCE_DATE,
    Vocabulary,
    age_in_years,
    as_day,
    as_number,
    is_unknown,
)
from thighdx.kb.expressions import holds, parse_expression
from thighdx.kb.records import Variable
from thighdx.network.spec import Floats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CaseEvidence", "CaseWarning", "encode_case", "encode_states"]


@dataclass(frozen=True, slots=True)
class CaseWarning:
    """Something about the evidence the reader of a result should know; `code` is stable."""

    code: str
    message: str

    def __str__(self) -> str:
        """Return the message."""
        return self.message


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """One case: what is known in the words of the model, and as a batch of one.

    Attributes
    ----------
    states : mapping of str to str
        Known state of every variable and given cause, in vocabulary order.
    likelihoods : mapping of str to mapping of str to float
        Virtual evidence.
    """

    states: Mapping[str, str]
    likelihoods: Mapping[str, Mapping[str, float]]
    batch: EvidenceBatch
    warnings: tuple[CaseWarning, ...]


def encode_case(
    vocabulary: Vocabulary,
    findings: Mapping[str, object] | pd.Series[Any],
    *,
    setting: str,
    ignore_unknown: bool = False,
) -> CaseEvidence:
    """Read one case.

    Parameters
    ----------
    findings : mapping of str to object
        Variable or cause id (or ``age``, or ``date_of_birth`` and ``reference_date``) to True/False, 1/0, yes/no,
        present/absent, positive/negative, the name of a state, ``{state: likelihood}``, or None, NaN, "",
        "unknown", "?" or "-" for unknown.
        ``given_<cause>`` and ``<variable>:<state>`` mean what they mean in a table; a pandas Series is a mapping.
    setting : str
    ignore_unknown : bool
        Leave names out that the model does not know, with a warning.

    Raises
    ------
    EvidenceError
        At the first name or value that cannot be read.
    """
    if type(findings).__name__ == "Series" and hasattr(findings, "index"):
        findings = dict(zip(findings.index, findings.tolist(), strict=True))  # type: ignore[union-attr]  # of pandas
    if not isinstance(findings, Mapping):
        raise EvidenceError(
            f"evidence: got {type(findings).__name__}, expected a mapping of finding to value"
        )
    setting_idx = vocabulary.setting_code(setting)
    states, likelihoods = dict[str, str](), dict[str, dict[str, float]]()
    warnings: list[CaseWarning] = []
    by_id = {v.id: v for v in (*vocabulary.variables, *vocabulary.causes)}
    for name, value in _as_in_tables(vocabulary, findings).items():
        if name in ("age", DATE_OF_BIRTH, REFERENCE_DATE) and vocabulary.age_starts:
            continue
        if name not in by_id:
            if not ignore_unknown:
                raise vocabulary.unknown_name(name)
            warnings.append(CaseWarning("ignored", f"{vocabulary.unknown_name(name)}; it was left out"))
            continue
        if isinstance(value, Mapping):
            likelihoods[name] = _likelihood(vocabulary, by_id[name], value)
        elif (state := vocabulary.read(by_id[name], value)) is not None:
            states[name] = state
    if vocabulary.age_starts:
        if "age" in findings:
            _read_age(vocabulary, findings["age"], states, likelihoods, warnings)
        if DATE_OF_BIRTH in findings:
            _read_age(vocabulary, _age_at(findings), states, likelihoods, warnings)
    states = {name: states[name] for name in by_id if name in states}
    warnings.extend(_not_applicable(by_id, states))
    complaints = [by_id[name] for name in vocabulary.complaints]
    if complaints and all(states.get(item.id) == item.states[0] for item in complaints):
        listed = " or ".join(item.label.lower() for item in complaints)
        message = (
            f"no {listed}: the model is about people with {'one of them' if len(complaints) > 1 else 'it'}"
        )
        warnings.append(CaseWarning("outside_population", message))
    batch = encode_states(vocabulary, states, likelihoods, setting_idx)
    return CaseEvidence(states, likelihoods, batch, tuple(warnings))


def _as_in_tables(vocabulary: Vocabulary, findings: Mapping[str, object]) -> dict[str, object]:
    """Return findings by id: ``given_<cause>`` as the cause, ``<variable>:<state>`` as likelihoods.

    Raises
    ------
    EvidenceError
        If one of them is given in its own name too.
    """
    found: dict[str, object] = {}
    likelihoods: dict[str, dict[object, object]] = {}
    for name, value in findings.items():
        word = name if isinstance(name, str) else ""
        cause = word.removeprefix(GIVEN_PREFIX)
        variable_id, _, state = word.partition(":")
        if cause != word and cause in vocabulary.cause_index:
            if cause in findings:
                raise EvidenceError(f"{name}: {cause} is given too; give one of them")
            found[cause] = value
        elif state and variable_id in vocabulary.index:
            if is_unknown(value):
                continue
            if not is_unknown(findings.get(variable_id)):
                raise EvidenceError(f"{name}: {variable_id} is given too; give one of them")
            number = as_number(value)
            likelihoods.setdefault(variable_id, {})[state] = value if number is None else number
        else:
            found[name] = value
    return {**found, **likelihoods}


def encode_states(
    vocabulary: Vocabulary,
    states: Mapping[str, str],
    likelihoods: Mapping[str, Mapping[str, float]],
    setting_idx: int,
) -> EvidenceBatch:
    """Turn known states and virtual evidence, already read, into a batch of one."""
    codes = np.full((1, len(vocabulary.variables)), UNKNOWN, dtype=np.int8)
    given = np.full((1, len(vocabulary.causes)), UNKNOWN, dtype=np.int8)
    for name, state in states.items():
        if name in vocabulary.index:
            position = vocabulary.index[name]
            codes[0, position] = vocabulary.variables[position].states.index(state)
        else:
            given[0, vocabulary.cause_index[name]] = int(state == "present")
    on_variables, on_causes = [], []
    for name, weights in likelihoods.items():
        row: Floats = np.array([list(weights.values())])
        if name in vocabulary.index:
            on_variables.append(Likelihood(vocabulary.index[name], np.zeros(1, dtype=np.intp), row))
        else:
            on_causes.append(Likelihood(vocabulary.cause_index[name], np.zeros(1, dtype=np.intp), row))
    settings = np.array([setting_idx], dtype=np.intp)
    return EvidenceBatch(codes, given, settings, tuple(on_variables), tuple(on_causes))


def _likelihood(
    vocabulary: Vocabulary, variable: Variable, value: Mapping[object, object]
) -> dict[str, float]:
    """Read one likelihood per state, by name or as True/False; every state must be there."""
    expected = f"one number >= 0 for each of {', '.join(variable.states)}, not all 0"
    weights: dict[str, float] = {}
    by_state = {variable.states[vocabulary.code(variable, key)]: weight for key, weight in value.items()}
    for state in variable.states:
        weight = by_state.get(state)
        number = None if isinstance(weight, str) else as_number(weight)
        if number is None or not 0 <= number <= sys.float_info.max:
            raise EvidenceError(
                f"{variable.id}: likelihood of {state!r}: got {weight!r}, expected {expected}"
            )
        weights[state] = number
    if len(by_state) < len(value) or not any(weights.values()):
        raise EvidenceError(f"{variable.id}: got {dict(value)!r}, expected {expected}")
    return weights


def _age_at(findings: Mapping[str, object]) -> float | None:
    """Return the age in whole years at the reference date, None for unknown."""
    days = {}
    for name in (DATE_OF_BIRTH, REFERENCE_DATE):
        day = as_day(findings.get(name))
        if day is None:
            raise EvidenceError(f"{name}: got {findings[name]!r}, expected a date such as 1990-02-28")
        days[name] = day
    born, seen = days.values()
    if born == born and seen != seen:
        raise EvidenceError(
            f"{DATE_OF_BIRTH}: expected {REFERENCE_DATE} too, the day on which the patient was seen, to know the age"
        )
    return None if born != born else (seen - born) // 10_000


def _read_age(
    vocabulary: Vocabulary,
    value: object,
    states: dict[str, str],
    likelihoods: Mapping[str, object],
    warnings: list[CaseWarning],
) -> None:
    """Turn an age in years into its band and compare it with a band given too."""
    years = age_in_years(value)
    if years is None:
        raise EvidenceError(f"age: got {value!r}, expected a number of years, or None for unknown")
    if years != years:  # unknown
        return
    bands = vocabulary.variables[vocabulary.index[AGE_VARIABLE]].states
    band = bands[vocabulary.age_code(years)]
    if states.get(AGE_VARIABLE, band) != band or AGE_VARIABLE in likelihoods:
        other = states.get(AGE_VARIABLE, "a likelihood")
        raise EvidenceError(
            f"age: got {years:g} years (band {band}) and {AGE_VARIABLE} {other}; give one of them"
        )
    states[AGE_VARIABLE] = band
    if years < vocabulary.age_starts[0]:
        message = f"age {years:g}: the model is about adults; scored as age band {band}"
        warnings.append(CaseWarning("outside_population", message))


def _not_applicable(by_id: Mapping[str, Variable], states: Mapping[str, str]) -> list[CaseWarning]:
    """Warn about answers to questions that do not apply to this case."""
    found = []
    for name, state in states.items():
        condition = by_id[name].asked_if
        if condition and holds(parse_expression(condition), states) is False:
            message = (
                f"{name}={state}: asked only if {condition}, which is not so here; better leave it unknown"
            )
            found.append(CaseWarning("not_applicable", message))
    return found
