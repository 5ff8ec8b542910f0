"""What an explorer knows: one case that changes step by step, with undo and redo; no widget in sight."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from thighdx.errors import EvidenceError, ImpossibleEvidenceError
from thighdx.evidence.vocabulary import AGE_VARIABLE, is_missing
from thighdx.kb.records import COST_TIERS, Cost
from thighdx.text import finding_name
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["AGE", "Case", "Fault", "History", "Session"]

AGE = "age"  # the one key of evidence that is no variable
CODE_WIDTH = 88  # of one line of code; longer cases get a line per finding


@dataclass(frozen=True, slots=True)
class Case:
    """What is known, where the patient was seen, and which questions were put off.

    Attributes
    ----------
    findings : mapping of str to object
        As `Model.diagnose` takes them, in the model's own words: a state, ``{state: likelihood}``, or ``age``
        in years.
    """

    findings: Mapping[str, object]
    setting: str
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Cases before and after the present one.

    Examples
    --------
    >>> history = History(Case({}, "clinic")).put(Case({"fever": "present"}, "clinic"))
    >>> history.undo().present.findings, history.undo().redo().present.findings
    ({}, {'fever': 'present'})
    """

    present: Case
    past: tuple[Case, ...] = ()
    future: tuple[Case, ...] = ()
    gesture: str = ""

    def put(self, case: Case, *, gesture: str = "") -> History:
        """Go on to another case; steps of one gesture, such as the drag of a slider, count as one."""
        if case == self.present:
            return self
        goes_on = bool(gesture) and gesture == self.gesture
        past = self.past if goes_on else (*self.past, self.present)
        return History(case, past, (), gesture)

    def undo(self) -> History:
        """Go back one step; at the first stay."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redo(self) -> History:
        """Take back the last undo; without one stay."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the last action could not be done, and the variable it was about; empty for none."""

    variable: str
    message: str


@dataclass(slots=True)
class Session:
    """One case under exploration: every change is tried on the model first, and kept only if it can be.

    Attributes
    ----------
    result : Result
        The answer about the present case.
    fault : Fault or None
        What was wrong with the last action; the case is then as it was before it.
    revision : int
        Rises with every action.
    max_cost : str
        Dearest kind of question to propose.
    mark : object
        What the last action brought along for whoever sent it to know it by; None for an action from Python.
    """

    model: Model
    history: History
    result: Result
    fault: Fault | None = None
    revision: int = 0
    max_cost: Cost = "ask"
    mark: object = None
    _actions: Mapping[str, Callable[[Mapping[str, object]], None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """List what a person can do."""
        self._actions = {
            "set": self._set,
            "setting": lambda message: self._try(replace(self.case, setting=str(message.get("value")))),
            "skip": self._skip,
            "undo": lambda _: self._go(self.history.undo()),
            "redo": lambda _: self._go(self.history.redo()),
            "clear": lambda _: self._try(replace(self.case, findings={}, skipped=())),
            "max_cost": self._set_max_cost,
        }

    @classmethod
    def start(
        cls, model: Model, findings: Mapping[str, object] | None = None, setting: str | None = None
    ) -> Session:
        """Begin with what is known.

        Raises
        ------
        EvidenceError
            If it cannot be read or cannot be true together.
        """
        result = model.diagnose(findings or {}, setting=setting)
        return cls(model, History(Case(_own_words(findings or {}, result), result.setting)), result)

    @property
    def case(self) -> Case:
        """The present case."""
        return self.history.present

    def change(self, findings: Mapping[str, object], setting: str) -> None:
        """Put another case in place of the present one, as a step that can be undone.

        Raises
        ------
        EvidenceError
            If it cannot be read or cannot be true together; nothing changes then.
        """
        self._put(replace(self.case, findings=findings, setting=setting))
        self.fault = self.mark = None
        self.revision += 1

    def act(self, message: object) -> None:
        """Do what a person did in a browser; what cannot be done becomes the `fault`."""
        told = message if isinstance(message, Mapping) else {}
        self.fault, self.mark = None, told.get("mark")
        self.revision += 1
        wanted = told.get("do")
        action = self._actions.get(wanted) if isinstance(wanted, str) else None
        if action is None:
            expected = ", ".join(self._actions)
            self.fault = Fault("", f"unknown action {wanted!r}: expected one of {expected}")
            return
        try:
            action(told)
        except EvidenceError as error:
            self.fault = Fault(str(told.get("variable") or ""), self._explained(error))

    def code(self) -> str:
        """Return the case as a line of Python.

        Examples
        --------
        >>> import thighdx
        >>> print(Session.start(thighdx.load_model(), {"age": 34, "bruising": True}).code())
        model.diagnose({"age": 34, "bruising": "present"}, setting="primary_care")
        """
        items = [f"{json.dumps(name)}: {_literal(value)}" for name, value in self.case.findings.items()]
        setting = f"setting={json.dumps(self.case.setting)}"
        line = f"model.diagnose({{{', '.join(items)}}}, {setting})"
        if len(line) <= CODE_WIDTH:
            return line
        listed = "".join(f"        {item},\n" for item in items)
        return f"model.diagnose(\n    {{\n{listed}    }},\n    {setting},\n)"

    def _set(self, message: Mapping[str, object]) -> None:
        """Make one thing known or unknown."""
        name, value = str(message.get("variable")), message.get("value")
        if name not in self.model.vocabulary.names():
            raise self.model.vocabulary.unknown_name(name)
        twin = {AGE: AGE_VARIABLE, AGE_VARIABLE: AGE}.get(
            name
        )  # age in years and its band exclude one another
        kept = {key: old for key, old in self.case.findings.items() if key not in (name, twin)}
        findings = kept if is_missing(value) else {**kept, name: value}
        is_gradual = name == AGE or isinstance(value, Mapping)
        self._try(replace(self.case, findings=findings), gesture=name if is_gradual else "")

    def _skip(self, message: Mapping[str, object]) -> None:
        """Put a question off."""
        name = str(message.get("variable"))
        if name not in self.model.variables:
            raise self.model.vocabulary.unknown_name(name)
        self._try(replace(self.case, skipped=(*self.case.skipped, name)))

    def _set_max_cost(self, message: Mapping[str, object]) -> None:
        """Choose how dear questions may be."""
        tier = next((tier for tier in COST_TIERS if tier == message.get("value")), None)
        if tier is None:
            raise EvidenceError(f"cost: got {message.get('value')!r}, expected {', '.join(COST_TIERS)}")
        self.max_cost = tier

    def _try(self, case: Case, *, gesture: str = "") -> None:
        """Go on to a case if the model can answer it."""
        self._put(case, gesture=gesture)

    def _put(self, case: Case, *, gesture: str = "") -> None:
        """Ask the model, then go on."""
        result = self.model.diagnose(case.findings, setting=case.setting)
        case = replace(case, findings=_own_words(case.findings, result), setting=result.setting)
        self.history, self.result = self.history.put(case, gesture=gesture), result

    def _go(self, history: History) -> None:
        """Go back or forth to a case the model has answered before."""
        self.result = self.model.diagnose(history.present.findings, setting=history.present.setting)
        self.history = history

    def _explained(self, error: EvidenceError) -> str:
        """Put an error into words a reader of labels understands."""
        labels = self.model.compiled.kb.labels
        if not isinstance(error, ImpossibleEvidenceError):
            return say("explorer.unchanged", labels, error=error)
        names = (finding_name(name, state, labels) for name, state in error.conflict)
        listed = reduce(lambda a, b: say("explorer.and", labels, finding=a, other=b), names)
        return say("explorer.impossible", labels, findings=listed)


def _own_words(findings: Mapping[str, object], result: Result) -> dict[str, object]:
    """Return evidence that was understood in the model's own words, in the order it was given."""
    understood = result.evidence
    kept = {name: value for name, value in findings.items() if not is_missing(value)}
    return {name: _years(value) if name == AGE else understood[name] for name, value in kept.items()}


def _years(value: object) -> float:
    """Return an age that was understood as a number, whole where it is whole."""
    years = float(str(value))
    return int(years) if years.is_integer() else years


def _literal(value: object) -> str:
    """Write a state, an age or likelihoods as Python."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(state)}: {weight!r}" for state, weight in value.items()) + "}"
    return json.dumps(value)
