"""What the columns of a table of patients mean: from their names, before any cell is read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.errors import TableError, nearest_hint
from thighdx.evidence.vocabulary import AGE_VARIABLE, DATE_OF_BIRTH, GIVEN_PREFIX, REFERENCE_DATE, Vocabulary

__all__ = [
    "AGE",
    "SETTING",
    "TRUTH_PREFIX",
    "ColumnPlan",
    "Meaning",
    "Translators",
    "evidence_names",
    "plan_columns",
]

TRUTH_PREFIX = "true_"  # columns of simulated tables that say which causes are present; never read
SETTING = "setting"
AGE = "age"

# A column this like a piece of evidence is probably a slip; shorter names are alike by chance.
NEAR_MISS_RATIO = 0.85
NEAR_MISS_LENGTH = 5
CHECKBOX = re.compile(r"___[a-z0-9_]+$")  # what REDCap puts behind the name of a field for each of its boxes
NEAR_MISS_COLUMNS = 1_000  # so many are looked at: a table of 100,000 columns is not a table of slips

Translators: TypeAlias = Mapping[Hashable, Callable[[object], object]]
# What a column is: its kind, the variable or cause, and the state.
Meaning: TypeAlias = tuple[
    Literal["variable", "given", "virtual", "age", "birth", "reference", "setting"], int, int
]


_AGES: Mapping[str, Literal["age", "birth", "reference"]] = {
    AGE: "age",
    DATE_OF_BIRTH: "birth",
    REFERENCE_DATE: "reference",
}


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Which column is read as what, and how; columns go by the names they have in the table.

    Attributes
    ----------
    variables : mapping of variable index to column
    given : mapping of cause index to column
        Causes given as evidence.
    virtual : mapping of variable index to tuple of columns
        One column of likelihoods per state, in the order of the states.
    age, setting : column, or None where the table has none
    birth, reference : column, or None where none is read
        Dates, the age at which counts.
    evidence, passthrough : tuple of columns
        What is read, and what is not and comes out as it is; in the order of the table.
    remarks : tuple of str
        What the user may not expect: a column passed through that looks like misspelled evidence, or no evidence.
    renamed : mapping of column to str
        What columns are read as that go by another name.
    translators : mapping of column to callable
        What turns cells of a column into words of the vocabulary.
    setting_idx : int
        Setting of the rows that do not name their own.
    reference_day : float, optional
        Day as YYYYMMDD at which those are as old as their dates of birth say who have no reference date.
    """

    vocabulary: Vocabulary = field(repr=False)
    variables: Mapping[int, Hashable] = field(default_factory=dict)
    given: Mapping[int, Hashable] = field(default_factory=dict)
    virtual: Mapping[int, tuple[Hashable, ...]] = field(default_factory=dict)
    age: Hashable | None = None
    birth: Hashable | None = None
    reference: Hashable | None = None
    setting: Hashable | None = None
    evidence: tuple[Hashable, ...] = ()
    passthrough: tuple[Hashable, ...] = ()
    remarks: tuple[str, ...] = ()
    renamed: Mapping[Hashable, str] = field(default_factory=dict)
    translators: Translators = field(default_factory=dict)
    setting_idx: int = 0
    reference_day: float | None = None


def plan_columns(
    vocabulary: Vocabulary,
    names: Sequence[Hashable],
    *,
    columns: Mapping[Hashable, str] | None = None,
    reserved: Collection[str] = (),
    translators: Translators | None = None,
    setting_idx: int = 0,
    reference_day: float | None = None,
) -> ColumnPlan:
    """Decide for every column of a table whether and how it is read.

    Parameters
    ----------
    names : sequence
        Columns of the table. Only text can name evidence; other names pass through.
    columns : mapping of str to str, optional
        Column of the table to what it is read as: a variable id, ``age``, ``setting``,
        ``given_<cause>`` or ``<variable>:<state>``. A column named here counts as evidence, under
        its new name only, so it is not passed through. Of these and of the names in the table
        capitals and what parts words do not count (`Vocabulary.find_name`).
    reserved : collection of str
        Names of output columns, which no column that is passed through may have.
    translators, setting_idx, reference_day
        See `ColumnPlan`. Without a reference day, and without a column of such, dates of birth pass through.

    Raises
    ------
    TableError
        With every problem of the names at once.
    """
    asked = columns or {}
    problems = _check_asked(vocabulary, names, asked)
    read_as = {name: known for name in names if (known := vocabulary.find_name(asked.get(name, name)))}
    found, left = _find_evidence(vocabulary, names, read_as, problems)
    kinds = {kind for kind, _, _ in found}
    remarks: list[str] = []
    if kinds & {"birth", "reference"}:
        remarks = _leave_dates(found, left, problems, asked=asked, has_reference=reference_day is not None)
    virtual = _virtual(vocabulary, found, left, problems) if "virtual" in kinds else {}
    passthrough = tuple(name for name in names if name in left)
    problems += [
        f"column {name!r}: an output column has the same name; rename it or leave it out"
        for name in passthrough
        if name in reserved
    ]
    if problems:
        raise TableError("table: " + "\n  ".join(problems))
    remarks += _near_misses(vocabulary, passthrough) if passthrough else []
    if len(passthrough) == len(names) > 0 and not remarks:
        remarks.append("no column is read as evidence: every row gets the prior; see model.variables")
    return ColumnPlan(
        vocabulary,
        variables={
            index: found["variable", index, 0] for kind, index, _ in sorted(found) if kind == "variable"
        },
        given={index: found["given", index, 0] for kind, index, _ in sorted(found) if kind == "given"},
        virtual=virtual,
        age=found.get(("age", 0, 0)),
        birth=found.get(("birth", 0, 0)),
        reference=found.get(("reference", 0, 0)),
        setting=found.get(("setting", 0, 0)),
        evidence=tuple(name for name in names if name not in left),
        passthrough=passthrough,
        remarks=tuple(remarks),
        renamed={name: known for name, known in read_as.items() if known != name},
        translators=translators or {},
        setting_idx=setting_idx,
        reference_day=reference_day,
    )


def _check_asked(
    vocabulary: Vocabulary, names: Sequence[Hashable], columns: Mapping[Hashable, str]
) -> list[str]:
    """Return what is wrong with what columns are to be read as."""
    problems = []
    text = [name for name in names if isinstance(name, str)]
    for name, read_as in columns.items():
        if name not in names:
            hint = nearest_hint(name, text) if isinstance(name, str) else ""
            problems.append(f"columns: the table has no column {name!r}; {hint}".removesuffix("; "))
        if vocabulary.find_name(read_as) is None:
            hint = nearest_hint(str(read_as), evidence_names(vocabulary, str(read_as)))
            expected = f"expected a variable, age, setting, {GIVEN_PREFIX}<cause> or <variable>:<state>"
            problems.append(f"columns: {name!r}: got {read_as!r}, {expected}; {hint}".removesuffix("; "))
    return problems


def _find_evidence(
    vocabulary: Vocabulary,
    names: Sequence[Hashable],
    read_as: Mapping[Hashable, str],
    problems: list[str],
) -> tuple[dict[Meaning, Hashable], set[Hashable]]:
    """Return which column is what, and the columns that are no evidence."""
    found: dict[Meaning, Hashable] = {}
    left: set[Hashable] = set()
    for name in names:
        known = read_as.get(name)
        if known is None:
            left.add(name)
        elif known in vocabulary.cause_index:
            problems.append(
                f"column {name!r}: a cause cannot be read from a table; rename it, or call it "
                f"'{GIVEN_PREFIX}{known}' to condition on it"
            )
        elif (meaning := _meaning(vocabulary, known)) in found:
            problems.append(
                f"columns {found[meaning]!r} and {name!r}: both are {known!r}; rename one or leave it out"
            )
        else:
            found[meaning] = name
    return found, left


def _meaning(vocabulary: Vocabulary, name: str) -> Meaning:
    """Return what a column of evidence is, by its name in the vocabulary."""
    if name in vocabulary.index:
        return "variable", vocabulary.index[name], 0
    if name == SETTING:
        return "setting", 0, 0
    if name in _AGES:
        return _AGES[name], 0, 0
    if ":" not in name:
        return "given", vocabulary.cause_index[name.removeprefix(GIVEN_PREFIX)], 0
    variable_id, _, state = name.partition(":")
    index = vocabulary.index[variable_id]
    return "virtual", index, vocabulary.variables[index].states.index(state)


def _leave_dates(
    found: dict[Meaning, Hashable],
    left: set[Hashable],
    problems: list[str],
    *,
    asked: Collection[Hashable],
    has_reference: bool,
) -> list[str]:
    """Pass dates through that say no age, and say so; one that was asked for by name is a problem."""
    birth, reference = found.get(("birth", 0, 0)), found.get(("reference", 0, 0))
    dates = {name for name in (birth, reference) if name is not None}
    if birth is not None and (reference is not None or has_reference):
        return []
    found.pop(("birth", 0, 0), None)
    found.pop(("reference", 0, 0), None)
    left |= dates
    need = f"it needs a column {REFERENCE_DATE}, or reference_date= (--reference-date), the day when patients were seen"
    problems += [
        f"column {birth!r}: to be read as {DATE_OF_BIRTH!r} {need}" for name in dates if name in asked
    ]
    if birth is None or birth in asked:
        return []
    return [f"column {birth!r} is passed through and not read as an age; {need}"]


def _virtual(
    vocabulary: Vocabulary,
    found: Mapping[Meaning, Hashable],
    left: Collection[Hashable],
    problems: list[str],
) -> dict[int, tuple[Hashable, ...]]:
    """Collect the columns of likelihoods; every state needs one."""
    virtual = {}
    for index in sorted({index for kind, index, _ in found if kind == "virtual"}):
        variable = vocabulary.variables[index]
        every = {s: found.get(("virtual", index, s)) for s in range(len(variable.states))}
        missing = [f"{variable.id}:{variable.states[s]}" for s, name in every.items() if name is None]
        if missing:
            others = sorted(name for name in left if isinstance(name, str))
            hint = nearest_hint(missing[0], others).replace("did you mean", "is that")
            problems.append(
                f"virtual evidence on {variable.id!r}: no column {', '.join(missing)}; "
                f"give one column per state{'; ' + hint if hint else ''}"
            )
        virtual[index] = tuple(name for name in every.values() if name is not None)
    return virtual


def _near_misses(vocabulary: Vocabulary, passthrough: Sequence[Hashable]) -> list[str]:
    """Say which columns that are not read look like evidence."""
    truth = {f"{TRUTH_PREFIX}{cause}" for cause in vocabulary.cause_index}
    kinds: dict[tuple[bool, bool], _Names] = {}
    messages = []
    for name in passthrough[:NEAR_MISS_COLUMNS]:
        if not isinstance(name, str) or name in truth or name in _AGES:
            continue
        plain = re.sub(r"[\s\-.]+", "_", name.strip().lower())[:200]
        plain = CHECKBOX.sub("", plain)
        kind = ":" in plain, plain.startswith(GIVEN_PREFIX.rstrip("_"))
        if kind not in kinds:
            kinds[kind] = _Names(evidence_names(vocabulary, plain))
        cutoff = NEAR_MISS_RATIO if len(plain) >= NEAR_MISS_LENGTH else 1.0
        likely = kinds[kind].with_letters_of(plain, cutoff)
        if likely and (close := difflib.get_close_matches(plain, likely, n=1, cutoff=cutoff)):
            messages.append(
                f"column {name!r} is passed through and not read as evidence; did you mean {close[0]!r}?"
            )
    return messages


class _Names:
    """Names by the letters in them, so that most of what is unlike is never compared letter by letter."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.letters = np.array([_letters(name) for name in names]).reshape(len(names), 128)
        self.lengths = np.array([len(name) for name in names])

    def with_letters_of(self, word: str, ratio: float) -> list[str]:
        """Return the names that share enough letters with a word to be alike, in whatever order."""
        own = _letters(word)
        shared = np.minimum(self.letters, own).sum(axis=1)
        return [self.names[int(i)] for i in np.flatnonzero(2 * shared >= ratio * (self.lengths + len(word)))]


def _letters(word: str) -> npt.NDArray[np.uint8]:
    """Count the letters of a word; letters that differ by a multiple of 128 count as one."""
    codes = np.frombuffer(word.encode("utf-32-le"), dtype=np.uint32) % 128
    return np.bincount(codes, minlength=128).astype(np.uint8)  # words have up to 200 letters


def evidence_names(vocabulary: Vocabulary, like: str) -> list[str]:
    """Return the names of columns of the kind that a name seems to be of."""
    if ":" in like:
        return [f"{v.id}:{state}" for v in vocabulary.variables for state in v.states]
    if like.startswith(GIVEN_PREFIX.rstrip("_")):
        return [f"{GIVEN_PREFIX}{cause}" for cause in vocabulary.cause_index]
    extra = [AGE, DATE_OF_BIRTH] if AGE_VARIABLE in vocabulary.index and vocabulary.age_starts else []
    return [*vocabulary.index, *extra, SETTING]
