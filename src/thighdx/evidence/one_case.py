"""The reader of one case: names and values in, a batch of one out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thighdx.errors import EvidenceError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.evidence.vocabulary import (
    A_DATE,
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
from thighdx.kb.records import Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CaseEvidence", "CaseWarning", "encode_case"]

_AGES = ("age", DATE_OF_BIRTH, REFERENCE_DATE)  # read together, once bands are known


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
    warnings : tuple of CaseWarning
        About names that were left out.
    underage : tuple of float
        Ages in years below the first age band, whose patients count as in it.
    """

    states: Mapping[str, str]
    likelihoods: Mapping[str, Mapping[str, float]]
    batch: EvidenceBatch
    warnings: tuple[CaseWarning, ...]
    underage: tuple[float, ...]


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
        ``given_<cause>`` and ``<variable>:<state>`` mean what they mean in a table, whose columns may be written
        in as many ways (`Vocabulary.find_name`); a pandas Series is a mapping.
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
    findings = _by_known_name(vocabulary, findings)
    codes, likelihoods, warnings = dict[str, int](), dict[str, dict[str, float]](), list[CaseWarning]()
    for name, value in _as_in_tables(vocabulary, findings).items():
        if (variable := vocabulary.by_id.get(name)) is None:
            if not ignore_unknown:
                raise vocabulary.unknown_name(name)
            warnings.append(CaseWarning("ignored", f"{vocabulary.unknown_name(name)}; it was left out"))
        elif isinstance(value, Mapping):
            likelihoods[name] = _likelihood(vocabulary, variable, value)
        elif (code := vocabulary.read_code(variable, value)) is None:
            raise EvidenceError(vocabulary.refusal(variable, value))
        elif code != UNKNOWN:
            codes[name] = code
    underage = list[float]()
    if vocabulary.age_starts:
        if "age" in findings:
            _read_age(vocabulary, findings["age"], codes, likelihoods, underage)
        if DATE_OF_BIRTH in findings:
            _read_age(vocabulary, _age_at(findings), codes, likelihoods, underage)
    states = {name: item.states[codes[name]] for name, item in vocabulary.by_id.items() if name in codes}
    batch = EvidenceBatch(
        _codes(vocabulary.index, codes),
        _codes(vocabulary.cause_index, codes),
        np.array([setting_idx], dtype=np.intp),
        _virtual(vocabulary.index, likelihoods),
        _virtual(vocabulary.cause_index, likelihoods),
    )
    return CaseEvidence(states, likelihoods, batch, tuple(warnings), tuple(underage))


def _by_known_name(vocabulary: Vocabulary, findings: Mapping[str, object]) -> dict[str, object]:
    """Return findings by the names that the vocabulary has for them; what it does not know keeps its own."""
    named: dict[str, object] = {}
    for name, value in findings.items():
        known = vocabulary.find_name(name) or name
        if known in named:
            raise EvidenceError(f"{name!r}: {known} is given twice; give one of them")
        named[known] = value
    return named


def _as_in_tables(vocabulary: Vocabulary, findings: Mapping[str, object]) -> dict[str, object]:
    """Return findings by id: ``given_<cause>`` as the cause, ``<variable>:<state>`` as likelihoods, ages left out.

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
        elif name not in _AGES or not vocabulary.age_starts:
            found[name] = value
    return {**found, **likelihoods}


def _codes(index: Mapping[str, int], codes: Mapping[str, int]) -> npt.NDArray[np.int8]:
    """Return what is known of the variables in `index`, (1, n), in their order."""
    row = np.full((1, len(index)), UNKNOWN, dtype=np.int8)
    for name, code in codes.items():
        if name in index:
            row[0, index[name]] = code
    return row


def _virtual(
    index: Mapping[str, int], likelihoods: Mapping[str, Mapping[str, float]]
) -> tuple[Likelihood, ...]:
    """Return the virtual evidence on the variables in `index`."""
    return tuple(
        Likelihood(index[name], np.zeros(1, dtype=np.intp), np.array([[*weights.values()]]))
        for name, weights in likelihoods.items()
        if name in index
    )


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
            raise EvidenceError(f"{name}: got {findings[name]!r}, expected {A_DATE}")
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
    codes: dict[str, int],
    likelihoods: Mapping[str, object],
    underage: list[float],
) -> None:
    """Turn an age in years into its band and compare it with a band given too; keep it if it is below all bands."""
    years = age_in_years(value)
    if years is None:
        raise EvidenceError(f"age: got {value!r}, expected a number of years, or None for unknown")
    if years != years:  # unknown
        return
    bands, code = vocabulary.by_id[AGE_VARIABLE].states, vocabulary.age_code(years)
    if codes.get(AGE_VARIABLE, code) != code or AGE_VARIABLE in likelihoods:
        other = bands[codes[AGE_VARIABLE]] if AGE_VARIABLE in codes else "a likelihood"
        raise EvidenceError(
            f"age: got {years:g} years (band {bands[code]}) and {AGE_VARIABLE} {other}; give one of them"
        )
    codes[AGE_VARIABLE] = code
    if years < vocabulary.age_starts[0]:
        underage.append(years)
