"""Every error thighdx raises on purpose.

::

    ThighdxError
    ├── KnowledgeBaseError (ValueError)      a table or the manifest of a model is wrong; has .problems
    ├── EvidenceError (ValueError)           a finding, a state, an age or a setting cannot be used
    │   └── ImpossibleEvidenceError          the evidence has probability 0; has .conflict
    ├── OptionError (ValueError)              an argument, such as the level of an interval, is out of range
    ├── TableError (ValueError)              a table of patients cannot be read or scored as a whole
    └── UnknownNameError (KeyError)          a cause, variable or group the model does not have

Each message says where, what, got, expected, the nearest valid name and the next step, as far as they apply.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "CompiledFileWarning",
    "EvidenceError",
    "ImpossibleEvidenceError",
    "KnowledgeBaseError",
    "OptionError",
    "Problem",
    "TableError",
    "ThighdxError",
    "UnknownNameError",
    "nearest_hint",
]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a knowledge base: where, what was got, what was expected, what to do."""

    file: str
    row: int | None
    column: str | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return ``links.csv row 214, q50: got ..., expected ...; did you mean ...?`` on one line."""
        where = self.file
        if self.row is not None:
            where += f" row {self.row}"
        if self.column:
            where += f", {self.column}"
        return f"{where}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class CompiledFileWarning(UserWarning):
    """A model's folder loads slowly: its compiled file belongs to other tables or another version of thighdx."""


class ThighdxError(Exception):
    """Root of everything thighdx raises on purpose."""


class KnowledgeBaseError(ThighdxError, ValueError):
    """A knowledge base is unusable; `problems` holds every problem found in one pass."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        shown = "\n".join(f"  {problem}" for problem in self.problems[:50])
        more = len(self.problems) - 50
        tail = f"\n  ... and {more} more (see .problems)" if more > 0 else ""
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source}: {count}\n{shown}{tail}")

    def __reduce__(self) -> tuple[type[KnowledgeBaseError], tuple[str, tuple[Problem, ...]]]:
        """Survive pickling: the message is rebuilt from the problems."""
        return type(self), (self.source, self.problems)


class EvidenceError(ThighdxError, ValueError):
    """What was given about a case cannot be understood; nothing was guessed."""


class ImpossibleEvidenceError(EvidenceError):
    """The evidence has probability 0 under the model.

    `conflict` is a smallest set of the given evidence that is impossible by itself: dropping any one
    member makes the rest possible. `reason` says why it is impossible, where that is not plain.
    """

    def __init__(self, conflict: Sequence[tuple[str, str]], reason: str = "") -> None:
        self.conflict = tuple(conflict)
        self.reason = reason
        listed = ", ".join(f"{name}={state}" for name, state in self.conflict)
        super().__init__(
            f"impossible evidence: {listed} cannot be true together under this model"
            + (f" ({reason})" if reason else "")
            + "; at least one of them must be wrong or left unknown"
        )

    def __reduce__(self) -> tuple[type[ImpossibleEvidenceError], tuple[tuple[tuple[str, str], ...], str]]:
        """Survive pickling: the message is rebuilt from the conflict."""
        return type(self), (self.conflict, self.reason)


class OptionError(ThighdxError, ValueError):
    """An argument that says how something is to be worked out is out of range."""


class TableError(ThighdxError, ValueError):
    """A table as a whole cannot be read or scored; single bad rows never raise this."""


class UnknownNameError(ThighdxError, KeyError):
    """A name the model does not know."""

    def __str__(self) -> str:
        """Return the message as written (KeyError would show its repr)."""
        return str(self.args[0]) if self.args else ""


def choice_fault(argument: str, value: object, choices: Sequence[str]) -> str:
    """Say that an argument is none of a few words, and which one is near.

    Examples
    --------
    >>> choice_fault("goal", "urgncy", ["causes", "urgency"])
    "goal: got 'urgncy', expected one of causes, urgency; did you mean 'urgency'?"
    >>> choice_fault("goal", 3, ["causes", "urgency"])
    'goal: got 3, expected one of causes, urgency'
    """
    hint = nearest_hint(value, choices) if isinstance(value, str) else ""
    expected = f"{argument}: got {value!r}, expected one of {', '.join(choices)}"
    return expected + (f"; {hint}" if hint else "")


def nearest_hint(name: str, valid: Iterable[str]) -> str:
    """Return ``did you mean 'bruising'?`` for the closest valid name, or an empty string.

    Examples
    --------
    >>> nearest_hint("brusing", ["bruising", "numbness"])
    "did you mean 'bruising'?"
    >>> nearest_hint("xyz", ["bruising"])
    ''
    """
    close = difflib.get_close_matches(name[:200].lower(), list(valid), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
