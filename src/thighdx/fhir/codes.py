"""The table that says which code of which terminology is evidence on which variable, and how.

``codes.csv`` beside this file, one row per code; codes are references, nothing of the terminologies is copied.

=========  ==========================================================================================
kind       ``Condition``, ``Observation``, ``MedicationStatement``; ``value``: an answer of an Observation
system     ``loinc``, ``snomed``, ``icd10`` (WHO; read in ICD-10-CM too), ``icd10cm``, ``atc``, or an address
code       one code, or with ``*`` at its end every code that begins so; the longest that fits counts
variable   what it is evidence on; ``age``; ``-`` where it is known to say nothing
state      what it says; ``a|b``: one of these; ``-``: nothing, only its refutation does
rule       of a Condition: empty (now), ``ended`` or ``ever``; of an Observation: empty (yes or no),
           ``>=30 kg/m2`` (or ``>``), ``high``, ``high x5``, ``abnormal``, ``value`` (look the answer up), ``years``
refutes    ``yes`` where the opposite (refuted, normal, not taken) means the first state of the variable
days       how old it may be; empty: any age
=========  ==========================================================================================
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from thighdx.errors import KnowledgeBaseError, Problem, nearest_hint
from thighdx.fhir.names import SYSTEMS

if TYPE_CHECKING:
    from thighdx.inference.vocabulary import Vocabulary

__all__ = ["AGE", "NOTHING", "CodeMap", "CodeRow", "read_code_map"]

AGE = "age"
NOTHING = "-"
KINDS = ("Condition", "Observation", "MedicationStatement", "value")
COLUMNS = ("kind", "system", "code", "variable", "state", "rule", "refutes", "days", "note")
CONDITION_RULES = ("", "ended", "ever")
_LIMIT = re.compile(r"(>=?)([0-9.]+) (\S+)")
_WORDS = re.compile(r"high|abnormal|value|years|high x([0-9.]+)")


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of the table, see the module; `row` is its place in the file."""

    kind: str
    system: str
    code: str
    variable: str
    state: str
    rule: str
    refutes: bool
    days: int | None
    row: int

    @property
    def states(self) -> tuple[str, ...]:
        """The states of which it says that one is there."""
        return tuple(self.state.split("|"))

    @property
    def limit(self) -> tuple[bool, float, str] | None:
        """Whether the limit itself counts, the limit and its unit (UCUM)."""
        match = _LIMIT.fullmatch(self.rule)
        return None if match is None else (match[1] == ">=", float(match[2]), match[3])

    @property
    def times_high(self) -> float:
        """How many times the upper limit of normal it takes."""
        match = _WORDS.fullmatch(self.rule)
        return float(match[1]) if match is not None and match[1] else 1.0


@dataclass(frozen=True)
class CodeMap:
    """Rows by kind, system and code; made by `read_code_map`."""

    rows: tuple[CodeRow, ...]
    source: str

    @cached_property
    def _of_kind(self) -> Mapping[str, list[CodeRow]]:
        return {kind: [row for row in self.rows if row.kind == kind] for kind in KINDS}

    def find(self, kind: str, system: str, code: str) -> tuple[CodeRow, ...]:
        """Return the rows whose code fits best, all of one code; empty where there is none."""
        systems = {system, SYSTEMS["icd10"]} if system == SYSTEMS["icd10cm"] else {system}
        fitting = [
            row
            for row in self._of_kind[kind]
            if row.system in systems
            and (code.startswith(row.code[:-1]) if row.code.endswith("*") else code == row.code)
        ]
        longest = max((len(row.code.rstrip("*")) for row in fitting), default=0)
        return tuple(row for row in fitting if len(row.code.rstrip("*")) == longest)

    def check(self, vocabulary: Vocabulary) -> None:
        """Refuse variables and states that the model does not have.

        Raises
        ------
        KnowledgeBaseError
            With every problem.
        """
        problems = [problem for row in self.rows for problem in _check_names(self.source, row, vocabulary)]
        if problems:
            raise KnowledgeBaseError(self.source, problems)


@cache
def _shipped() -> CodeMap:
    path = Path(__file__).with_name("codes.csv")
    return CodeMap(tuple(_read(path.name, path.read_text(encoding="utf-8"))), path.name)


def read_code_map(extra: str | Path | None = None) -> CodeMap:
    """Return the shipped table, with rows of one's own in front.

    Parameters
    ----------
    extra : path, optional
        A CSV file with the same columns. A code that it has is read as it says there, and no longer as the
        shipped table says.

    Raises
    ------
    KnowledgeBaseError
        With every problem of the file.

    Examples
    --------
    >>> [row.variable for row in read_code_map().find("MedicationStatement", SYSTEMS["atc"], "C10AA05")]
    ['statin_use']
    """
    if extra is None:
        return _shipped()
    path = Path(extra)
    try:
        rows = tuple(_read(path.name, path.read_text(encoding="utf-8-sig")))
    except UnicodeDecodeError:
        raise KnowledgeBaseError(str(extra), [Problem(path.name, None, None, "is not UTF-8 text")]) from None
    own = {(row.kind, row.system, row.code) for row in rows}
    kept = [row for row in _shipped().rows if (row.kind, row.system, row.code) not in own]
    return CodeMap((*rows, *kept), path.name)


def _read(name: str, text: str) -> Iterator[CodeRow]:
    """Read rows, or raise with everything that is wrong with them."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    problems = [
        Problem(name, 1, column, "column missing", f"expected {','.join(COLUMNS)}")
        for column in COLUMNS
        if column not in (reader.fieldnames or ())
    ]
    rows = []
    for number, cells in enumerate(reader if not problems else (), start=2):
        row = {column: (cells[column] or "").strip() for column in COLUMNS}
        faults = list(_check_form(name, number, row))
        problems += faults
        if not faults:
            days = int(row["days"]) if row["days"] else None
            system = SYSTEMS.get(row["system"], row["system"])
            places = (row["kind"], system, row["code"], row["variable"], row["state"], row["rule"])
            rows.append(CodeRow(*places, row["refutes"] == "yes", days, number))
    if problems:
        raise KnowledgeBaseError(name, problems)
    yield from rows


def _check_form(name: str, number: int, row: Mapping[str, str]) -> Iterator[Problem]:
    """Say what of a row cannot be read."""

    def expected(column: str, words: str, choices: Iterable[str] = ()) -> Problem:
        got = f"got {row[column]!r}, expected {words}"
        return Problem(name, number, column, got, nearest_hint(row[column], choices))

    if row["kind"] not in KINDS:
        yield expected("kind", f"one of {', '.join(KINDS)}", KINDS)
    if row["system"] not in SYSTEMS and "://" not in row["system"] and not row["system"].startswith("urn:"):
        yield expected("system", f"one of {', '.join(SYSTEMS)}, or an address", SYSTEMS)
    if not row["code"].rstrip("*"):
        yield expected("code", "a code, or the beginning of codes and *")
    rules = row["rule"] == "" or bool(_LIMIT.fullmatch(row["rule"]) or _WORDS.fullmatch(row["rule"]))
    if row["kind"] == "Condition" and row["rule"] not in CONDITION_RULES:
        yield expected("rule", "nothing, ended or ever", CONDITION_RULES)
    elif row["kind"] != "Condition" and not rules:
        yield expected(
            "rule", "nothing, a limit such as '>=30 kg/m2', high, high x5, abnormal, value or years"
        )
    if row["refutes"] not in ("", "yes"):
        yield expected("refutes", "yes or nothing", ["yes"])
    if row["days"] and not row["days"].isdecimal():
        yield expected("days", "a whole number or nothing")


def _check_names(name: str, row: CodeRow, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Say which names of a row the model does not have."""
    if row.variable in (NOTHING, AGE):
        return
    known = {v.id: v for v in (*vocabulary.variables, *vocabulary.causes)}
    if row.variable not in known:
        message = f"got {row.variable!r}, expected a variable or cause of the model"
        yield Problem(name, row.row, "variable", message, nearest_hint(row.variable, known))
        return
    states = known[row.variable].states
    for state in row.states if row.state not in (NOTHING, "") else ():
        if state not in states:
            message = f"got {state!r}, expected {', '.join(states)}"
            yield Problem(name, row.row, "state", message, nearest_hint(state, states))
    if row.state == "" and row.rule != "value":
        yield Problem(name, row.row, "state", "got nothing, expected a state", f"one of {', '.join(states)}")
