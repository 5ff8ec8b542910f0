"""Words of evidence: which values mean which state of which variable.

One home for the reading of single values, so that a case and a column of a table mean the same thing.
"""

from __future__ import annotations

import math
import numbers
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from types import MappingProxyType

from thighdx.errors import EvidenceError, UnknownNameError, nearest_hint
from thighdx.evidence.batch import UNKNOWN
from thighdx.kb.records import Variable

__all__ = [
    "AGE_LIMITS",
    "AGE_VARIABLE",
    "A_DATE",
    "DATE_OF_BIRTH",
    "GIVEN_PREFIX",
    "MISSING_TYPES",
    "MISSING_WORDS",
    "PRESENCE_WORDS",
    "REFERENCE_DATE",
    "Vocabulary",
    "age_in_years",
    "as_day",
    "as_number",
    "is_missing",
    "is_unknown",
    "make_vocabulary",
    "state_hint",
]

AGE_VARIABLE = "age_band"
AGE_LIMITS = (0.0, 120.0)  # years; outside: an error
GIVEN_PREFIX = "given_"
DATE_OF_BIRTH, REFERENCE_DATE = "date_of_birth", "reference_date"

# How the absence of a value is written out; never a word that is also a state.
MISSING_WORDS = frozenset(
    {"", "na", "n/a", "nan", "nat", "null", "<na>", "unknown", "not known", "?", "-"}
    | {"don't know", "dont know", "do not know", "not sure"}
)
A_DATE = "a date such as 1990-02-28 (ISO 8601), or with dots, the day first: 28.2.1990"
NONE = "none"  # a state of some variables; of all others it means unknown, as Python writes it
MISSING_TYPES = frozenset({"NAType", "NaTType"})  # of pandas, known without importing it
# Index of the state these words mean, for variables whose states are absent|present or negative|positive.
PRESENCE_WORDS: Mapping[str, int] = MappingProxyType(
    {
        "false": 0,
        "f": 0,
        "no": 0,
        "n": 0,
        "0": 0,
        "0.0": 0,  # as a column of 0 and 1 with gaps is written out
        "absent": 0,
        "negative": 0,
        "true": 1,
        "t": 1,
        "yes": 1,
        "y": 1,
        "1": 1,
        "1.0": 1,
        "present": 1,
        "positive": 1,
    }
)
# Words for the state `none`; no number, because a column of 0, 1, 2 may count something else.
_NONE_WORDS = frozenset({"no", "n", "false", "f", "absent"})
_SEX_WORDS = {"f": "female", "woman": "female", "m": "male", "man": "male"}
_PRESENCE_STATES = (("absent", "present"), ("negative", "positive"))
_NEGATIONS = ("no ", "not ", "non", "un", "in", "without ")
_YEARS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:years?(?: old)?|yrs?|y/?o|y)\.?", re.IGNORECASE)
_BAND = re.compile(r"(\d+)(?:-(\d+)|\+)")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)")  # with dots the day comes first everywhere
_PARTS_WORDS = re.compile(r"[\s\-_.]+")


def is_missing(value: object) -> bool:
    """Whether a single value means unknown: None, NaN, pd.NA, NaT or an empty cell."""
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in MISSING_WORDS
    if isinstance(value, numbers.Real):
        return bool(value != value)  # only NaN differs from itself
    if isinstance(value, Decimal):
        return value.is_qnan()
    return type(value).__name__ in MISSING_TYPES


def is_unknown(value: object) -> bool:
    """Whether a value means unknown where there are no states, so that ``none`` is none of them."""
    return is_missing(value) or (isinstance(value, str) and value.strip().lower() == NONE)


def as_number(value: object) -> float | None:
    """Return one value as a number, NaN for unknown, None where it is no number.

    Examples
    --------
    >>> as_number("34"), as_number(None), as_number("?"), as_number(True), as_number("1_0")
    (34.0, nan, nan, None, None)
    """
    if is_unknown(value):
        return math.nan
    if type(value).__name__ in ("bool", "bool_") or not isinstance(value, numbers.Real | Decimal | str):
        return None
    if isinstance(value, str) and "_" in value:  # only Python takes 1_0 for 10
        return None
    try:
        return float(value)
    except ValueError:  # Decimal("sNaN") too
        return None
    except OverflowError:  # a whole number beyond the range of doubles
        return math.inf


def age_in_years(value: object) -> float | None:
    """Return an age as a number of years, NaN for unknown, None where it is no age.

    Examples
    --------
    >>> age_in_years("34 years"), age_in_years("34yo"), age_in_years(34), age_in_years("34 weeks")
    (34.0, 34.0, 34.0, None)
    """
    if isinstance(value, str) and (match := _YEARS.fullmatch(value.strip())):
        return float(match[1])
    return as_number(value)


def as_day(value: object) -> float | None:
    """Return a date as the number YYYYMMDD, NaN for unknown, None where it is no date.

    With slashes nothing is read: nobody knows whether 3/4/1990 is in March or in April. Whole years between two dates
    are the whole ten thousands of their difference.

    Examples
    --------
    >>> as_day("1990-02-28"), as_day(date(1990, 2, 28)), as_day("28.2.1990"), as_day("3/4/1990"), as_day(1990)
    (19900228.0, 19900228.0, 19900228.0, None, None)
    """
    if is_unknown(value):
        return math.nan
    if isinstance(value, str):
        dotted = _DOTTED.match(value.strip())
        try:
            value = (
                date(*map(int, dotted.groups()[::-1])) if dotted else date.fromisoformat(value.strip()[:10])
            )
        except ValueError:
            return None
    if hasattr(value, "item"):  # numpy's
        value = value.item()
    if not isinstance(value, date):
        return None
    return float(value.year * 10_000 + value.month * 100 + value.day)


def state_hint(value: object, states: Iterable[str]) -> str:
    """Return ``did you mean 'sudden'?`` for a word near a state, unless the word denies what it is near to.

    Examples
    --------
    >>> state_hint("suden", ("gradual", "sudden")), state_hint("not present", ("absent", "present"))
    ("did you mean 'sudden'?", '')
    """
    if not isinstance(value, str):
        return ""
    word = value.strip().lower()
    denied = word.startswith(_NEGATIONS)
    return nearest_hint(word, [state for state in states if not denied or state[:2] == word[:2]])


@dataclass(frozen=True)
class Vocabulary:
    """Names and states of everything that can be evidence, in the order of the network.

    Attributes
    ----------
    variables : tuple of Variable
        Contexts and pathologies, then findings and tests.
    complaints : tuple of str
        Findings of which everyone has one: what people come with.
    """

    variables: tuple[Variable, ...]
    causes: tuple[Variable, ...]
    settings: tuple[str, ...]
    complaints: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Variable]:
        """Variables, then causes."""
        return {variable.id: variable for variable in (*self.variables, *self.causes)}

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Place of every variable."""
        return {variable.id: place for place, variable in enumerate(self.variables)}

    @cached_property
    def cause_index(self) -> Mapping[str, int]:
        """Place of every cause."""
        return {cause.id: place for place, cause in enumerate(self.causes)}

    @cached_property
    def age_starts(self) -> tuple[float, ...]:
        """First year of every age band, of states such as 18-39 and 80+; empty where there are no bands."""
        states = self.variables[self.index[AGE_VARIABLE]].states if AGE_VARIABLE in self.index else ()
        matches = [_BAND.fullmatch(state) for state in states]
        return tuple(float(m[1]) for m in matches if m) if all(matches) else ()

    @cached_property
    def _setting_index(self) -> Mapping[str, int]:
        """Place of every setting, by its bare name."""
        return {_bare(name): place for place, name in enumerate(self.settings)}

    @cached_property
    def _names(self) -> tuple[frozenset[str], Mapping[str, str]]:
        """What columns and findings can be called; and the same by bare names, those that only one of them has."""
        ages = ["age", DATE_OF_BIRTH, REFERENCE_DATE] if self.age_starts else []
        given = [GIVEN_PREFIX + cause for cause in self.cause_index]
        virtual = [f"{item.id}:{state}" for item in self.variables for state in item.states]
        names = [*self.by_id, *ages, "setting", *given, *virtual]
        bare = list(map(_bare, names))
        counts = Counter(bare)
        alone = {word: name for word, name in zip(bare, names, strict=True) if counts[word] == 1}
        return frozenset(names), alone

    def find_name(self, name: object) -> str | None:
        """Return the name here of what a column or a finding is called; None if it is nothing of this model.

        Capitals do not count, nor do spaces, hyphens, underscores and dots: ``Desk Work`` is ``desk_work``.
        """
        if not isinstance(name, str):
            return None
        names, alone = self._names
        return name if name in names else alone.get(_bare(name))

    @staticmethod
    def find_code(variable: Variable, value: object) -> int | None:
        """Return the index of the state a single value means, None where it means no state."""
        codes = _codes_of_words(variable.states)
        if isinstance(value, str):
            return codes.get(value.strip().lower())
        if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
            return codes.get("true" if value else "false")
        if isinstance(value, Decimal) and not value.is_finite():
            return None
        if isinstance(value, numbers.Real | Decimal) and value in (0, 1):
            return codes.get("1" if value == 1 else "0")
        return None

    @classmethod
    def read_code(cls, variable: Variable, value: object) -> int | None:
        """Return the index of the state a value means, `UNKNOWN`, or None where it means nothing."""
        found = cls.find_code(variable, value)
        return UNKNOWN if found is None and is_unknown(value) else found

    def code(self, variable: Variable, value: object) -> int:
        """Return the index of the state a single value means.

        Raises
        ------
        EvidenceError
            If the value is not a state of the variable; says what was expected.
        """
        found = self.find_code(variable, value)
        if found is None:
            raise EvidenceError(self.refusal(variable, value))
        return found

    @staticmethod
    def refusal(variable: Variable, value: object) -> str:
        """Say why a value is not a state of a variable."""
        expected = ", ".join(variable.states)
        if variable.states in _PRESENCE_STATES:
            expected += " (or True/False, yes/no, 1/0)"
        hint = state_hint(value, variable.states)
        shown = repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:77]}..."
        return f"{variable.id}: got {shown}, expected {expected}, or None for unknown" + (
            f"; {hint}" if hint else ""
        )

    def age_code(self, age_years: float) -> int:
        """Return the band of an age in years, rounded down to whole years; below the first band, the first.

        Raises
        ------
        EvidenceError
            Below 0 or above 120 years.
        """
        if not AGE_LIMITS[0] <= age_years <= AGE_LIMITS[1]:
            raise EvidenceError(
                f"age: got {age_years:g}, expected {AGE_LIMITS[0]:g} to {AGE_LIMITS[1]:g} years"
            )
        years = math.floor(age_years)
        return max(0, sum(start <= years for start in self.age_starts) - 1)

    def find_setting(self, setting: object) -> int | None:
        """Return the index of a setting, None if the model has no such setting."""
        return self._setting_index.get(_bare(setting)) if isinstance(setting, str) else None

    def read_setting(self, setting: object) -> int | None:
        """Return the index of a setting, `UNKNOWN`, or None if it is neither."""
        found = self.find_setting(setting)
        return UNKNOWN if found is None and is_unknown(setting) else found

    def setting_code(self, setting: object) -> int:
        """Return the index of a setting.

        Raises
        ------
        EvidenceError
            If the model has no such setting.
        """
        if (found := self.find_setting(setting)) is not None:
            return found
        hint = state_hint(setting, self.settings)
        expected = f"setting: got {setting!r}, expected one of {', '.join(self.settings)}"
        raise EvidenceError(expected + (f"; {hint}" if hint else ""))

    def names(self) -> list[str]:
        """Return everything a key of evidence may be."""
        extra = ["age", DATE_OF_BIRTH] if self.age_starts else []
        return [*self.by_id, *extra]

    def unknown_name(self, name: object) -> EvidenceError:
        """Return the error for a key that names nothing."""
        hint = self._name_hint(name) if isinstance(name, str) else ""
        tail = hint or "see model.variables and model.causes"
        return EvidenceError(f"unknown finding {name!r}: not in the vocabulary of this model; {tail}")

    def _name_hint(self, name: str) -> str:
        """Say what an unknown name may mean: an alias, a near name, or the setting, which is no finding."""
        word = _bare(name)
        for variable in self.by_id.values():
            if word in map(_bare, variable.aliases):
                return f"did you mean {variable.id!r}? ({variable.label})"
        if len(word) > 2 and (found := [known for known in self.names() if word in known.split("_")]):
            shown = ", ".join(repr(known) for known in found[:3]) + (", ..." if len(found) > 3 else "")
            return f"did you mean {shown}?" if len(found) == 1 else f"did you mean one of {shown}?"
        hint = nearest_hint(name, [*self.names(), "setting"])
        if "'setting'" in hint:
            return (
                f"where the patient was seen goes by the argument setting=, one of {', '.join(self.settings)}"
            )
        return hint

    def cause_idx(self, cause: str) -> int:
        """Return the index of a cause.

        Raises
        ------
        UnknownNameError
            If there is no such cause.
        """
        if not isinstance(cause, str):
            raise UnknownNameError(f"cause: got {cause!r}, expected the id of a cause; see model.causes")
        if cause not in self.cause_index:
            raise UnknownNameError(
                f"unknown cause {cause!r}; {nearest_hint(cause, self.cause_index) or 'see model.causes'}"
            )
        return self.cause_index[cause]


@lru_cache(maxsize=1_024)
def _codes_of_words(states: tuple[str, ...]) -> Mapping[str, int]:
    """Return the index of the state of every word that means one; a state's own name comes before other words."""
    own = {state.lower(): code for code, state in enumerate(states)}
    if states in _PRESENCE_STATES:
        return {**PRESENCE_WORDS, **own}
    of_none = dict.fromkeys(_NONE_WORDS, own[NONE]) if NONE in own else {}
    of_sex = {word: own[state] for word, state in _SEX_WORDS.items() if state in own}
    return {**of_none, **of_sex, **own}


def _bare(name: str) -> str:
    """Write a name in small letters and without what parts words."""
    return _PARTS_WORDS.sub("", name).lower()


def make_vocabulary(
    variables: tuple[Variable, ...], settings: tuple[str, ...], complaints: tuple[str, ...] = ()
) -> Vocabulary:
    """Arrange the variables of a knowledge base in the order of its network."""
    contexts = [v for v in variables if v.layer in ("context", "pathology")]
    findings = [v for v in variables if v.layer in ("finding", "test")]
    causes = tuple(v for v in variables if v.layer == "cause")
    return Vocabulary((*contexts, *findings), causes, settings, complaints)
