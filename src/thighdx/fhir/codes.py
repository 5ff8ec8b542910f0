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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from thighdx.errors import KnowledgeBaseError, Problem, nearest_hint
from thighdx.fhir.names import SYSTEMS

if TYPE_CHECKING:
    from thighdx.inference.vocabulary import Vocabulary

__all__ = ["AGE", "NOTHING", "CodeMap", "CodeRow", "read_code_map"]

AGE = "age"
NOTHING = "-"
Kind = Literal["Condition", "Observation", "MedicationStatement", "value"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CONDITION_RULES = ("", "ended", "ever")
_LIMIT = re.compile(r"(>=?)([0-9.]+) (\S+)")
_WORDS = re.compile(r"|high|abnormal|value|years|high x([0-9.]+)")


def _system(name: str) -> str:
    """Take a short name for the address it stands for."""
    if name in SYSTEMS or "://" in name or name.startswith("urn:"):
        return SYSTEMS.get(name, name)
    hint = nearest_hint(name, SYSTEMS)
    raise ValueError(f"expected one of {', '.join(SYSTEMS)}, or an address" + (f"; {hint}" if hint else ""))


class CodeRow(BaseModel):
    """One row of the table, see the module; `row` is its place in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    system: Annotated[str, AfterValidator(_system)]
    code: Annotated[str, Field(min_length=1)]
    variable: Annotated[str, Field(min_length=1)]
    state: str
    rule: str
    refutes: Annotated[bool, BeforeValidator(lambda cell: {"yes": True, "": False}.get(cell, cell))]
    days: Annotated[int | None, Field(ge=0), BeforeValidator(lambda cell: cell or None)]
    note: str
    row: int

    @model_validator(mode="after")
    def _has_a_rule_of_its_kind(self) -> CodeRow:
        """Refuse a rule that is none, or none of this kind of resource."""
        if self.kind == "Condition" and self.rule not in CONDITION_RULES:
            raise ValueError(f"rule: got {self.rule!r}, expected nothing, ended or ever")
        if self.kind != "Condition" and not (_LIMIT.fullmatch(self.rule) or _WORDS.fullmatch(self.rule)):
            expected = "nothing, a limit such as '>=30 kg/m2', high, high x5, abnormal, value or years"
            raise ValueError(f"rule: got {self.rule!r}, expected {expected}")
        return self

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
    problems: list[Problem] = []
    rows = []
    for number, cells in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=2):
        try:
            plain = {str(column): (cell or "").strip() for column, cell in cells.items()}
            rows.append(CodeRow.model_validate(plain | {"row": number}))
        except ValidationError as error:
            for item in error.errors():
                column = str(item["loc"][0]) if item["loc"] else None
                got = f"got {item['input']!r}: " if column is not None and item["type"] != "missing" else ""
                hint = nearest_hint(str(item["input"]), KINDS) if column == "kind" else ""
                message = got + item["msg"].removeprefix("Value error, ")
                problems.append(Problem(name, number, column, message, hint))
    if problems:
        raise KnowledgeBaseError(name, problems)
    yield from rows


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
