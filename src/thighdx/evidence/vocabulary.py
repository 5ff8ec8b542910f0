"""Words of evidence: which values mean which state of which variable.

One home for the reading of single values, so that a case and a column of a table mean the same thing.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from thighdx.errors import EvidenceError, UnknownNameError, nearest_hint
from thighdx.kb.records import Variable

__all__ = [
    "AGE_LIMITS",
    "AGE_VARIABLE",
    "GIVEN_PREFIX",
    "MISSING_TYPES",
    "MISSING_WORDS",
    "PRESENCE_WORDS",
    "Vocabulary",
    "is_missing",
    "make_vocabulary",
]

AGE_VARIABLE = "age_band"
AGE_LIMITS = (0.0, 120.0)  # years; outside: an error
GIVEN_PREFIX = "given_"

# How the absence of a value is written out; never a word that is also a state.
MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "<na>"})
MISSING_TYPES = frozenset({"NAType", "NaTType"})  # of pandas, known without importing it
# Index of the state these words mean, for variables whose states are absent|present or negative|positive.
PRESENCE_WORDS: Mapping[str, int] = MappingProxyType(
    {
        "false": 0,
        "no": 0,
        "0": 0,
        "0.0": 0,  # as a column of 0 and 1 with gaps is written out
        "absent": 0,
        "negative": 0,
        "true": 1,
        "yes": 1,
        "1": 1,
        "1.0": 1,
        "present": 1,
        "positive": 1,
    }
)
_PRESENCE_STATES = (("absent", "present"), ("negative", "positive"))
_BAND = re.compile(r"(\d+)(?:-(\d+)|\+)")


def is_missing(value: object) -> bool:
    """Whether a single value means unknown: None, NaN, pd.NA, NaT or an empty cell."""
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in MISSING_WORDS
    if isinstance(value, numbers.Real):
        return bool(value != value)  # only NaN differs from itself
    return type(value).__name__ in MISSING_TYPES


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names and states of everything that can be evidence, in the order of the network.

    Attributes
    ----------
    variables : tuple of Variable
        Contexts and pathologies, then findings and tests.
    age_starts : tuple of float
        First year of every age band; empty where the model has no age band.
    complaints : tuple of str
        Findings of which everyone has one: what people come with.
    """

    variables: tuple[Variable, ...]
    causes: tuple[Variable, ...]
    settings: tuple[str, ...]
    age_starts: tuple[float, ...]
    index: Mapping[str, int] = field(repr=False)
    cause_index: Mapping[str, int] = field(repr=False)
    complaints: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the names; the look-ups, which are read-only views, are made again."""
        return make_vocabulary, ((*self.variables, *self.causes), self.settings, self.complaints)

    @staticmethod
    def find_code(variable: Variable, value: object) -> int | None:
        """Return the index of the state a single value means, None where it means no state."""
        word = _word(value)
        if word is None:
            return None
        lowered = [state.lower() for state in variable.states]
        if word in lowered:
            return lowered.index(word)
        return PRESENCE_WORDS.get(word) if variable.states in _PRESENCE_STATES else None

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
        hint = nearest_hint(value, variable.states) if isinstance(value, str) else ""
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
        word = setting.strip() if isinstance(setting, str) else ""
        return self.settings.index(word) if word in self.settings else None

    def setting_code(self, setting: object) -> int:
        """Return the index of a setting.

        Raises
        ------
        EvidenceError
            If the model has no such setting.
        """
        if (found := self.find_setting(setting)) is not None:
            return found
        hint = nearest_hint(setting, self.settings) if isinstance(setting, str) else ""
        expected = f"setting: got {setting!r}, expected one of {', '.join(self.settings)}"
        raise EvidenceError(expected + (f"; {hint}" if hint else ""))

    def names(self) -> list[str]:
        """Return everything a key of evidence may be."""
        extra = ["age"] if self.age_starts else []
        return [*self.index, *self.cause_index, *extra]

    def unknown_name(self, name: object) -> EvidenceError:
        """Return the error for a key that names nothing."""
        hint = self._name_hint(name) if isinstance(name, str) else ""
        tail = hint or "see model.variables and model.causes"
        return EvidenceError(f"unknown finding {name!r}: not in the vocabulary of this model; {tail}")

    def _name_hint(self, name: str) -> str:
        """Say what an unknown name may mean: an alias, a near name, or the setting, which is no finding."""
        word = "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())
        for variable in (*self.variables, *self.causes):
            aliases = {"_".join(alias.lower().replace("_", " ").split()) for alias in variable.aliases}
            if word in aliases or word == variable.id:
                return f"did you mean {variable.id!r}? ({variable.label})"
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


def _word(value: object) -> str | None:
    """Return a value as a lower-case word; None where it cannot be one."""
    if isinstance(value, str):
        return value.strip().lower()
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    if isinstance(value, numbers.Real) and value in (0, 1):
        return "1" if value == 1 else "0"
    return None


def make_vocabulary(
    variables: tuple[Variable, ...], settings: tuple[str, ...], complaints: tuple[str, ...] = ()
) -> Vocabulary:
    """Arrange the variables of a knowledge base in the order of its network."""
    contexts = [v for v in variables if v.layer in ("context", "pathology")]
    findings = [v for v in variables if v.layer in ("finding", "test")]
    causes = tuple(v for v in variables if v.layer == "cause")
    ordered = (*contexts, *findings)
    return Vocabulary(
        variables=ordered,
        causes=causes,
        settings=settings,
        age_starts=_age_starts(ordered),
        index=MappingProxyType({v.id: position for position, v in enumerate(ordered)}),
        cause_index=MappingProxyType({v.id: position for position, v in enumerate(causes)}),
        complaints=complaints,
    )


def _age_starts(variables: tuple[Variable, ...]) -> tuple[float, ...]:
    """Read the first year of every band from states such as 18-39 and 80+."""
    for variable in variables:
        if variable.id == AGE_VARIABLE:
            matches = [_BAND.fullmatch(state) for state in variable.states]
            return tuple(float(m[1]) for m in matches if m) if all(matches) else ()
    return ()
