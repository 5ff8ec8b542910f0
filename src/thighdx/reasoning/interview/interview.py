"""An interview: one question at a time, safety first, until the decision is stable.

Pure logic without input or output, so that an application, a terminal or a test can drive it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thighdx.compiled.case import Case, open_case
from thighdx.compiled.compiled_model import ModelFacts
from thighdx.compiled.portable import PortableModel
from thighdx.errors import EvidenceError, ImpossibleEvidenceError, OptionError, choice_fault, nearest_hint
from thighdx.evidence.batch import UNKNOWN
from thighdx.evidence.vocabulary import MISSING_WORDS, PRESENCE_WORDS, is_missing
from thighdx.kb.records import COST_TIERS, Cost, Variable
from thighdx.reasoning.interview.choice import (
    InterviewQuestion,
    as_list,
    question_about_causes,
    question_about_complaint,
    question_about_safety,
)
from thighdx.reasoning.urgency.open_questions import is_within
from thighdx.reasoning.urgency.triage import Triage, triage
from thighdx.words import say

__all__ = ["DONT_KNOW", "NONE_OF_THESE", "Asked", "Interview"]

NONE_OF_THESE = frozenset(
    ("none", "none of these", "nothing", *(w for w, code in PRESENCE_WORDS.items() if code == 0))
)
DONT_KNOW = MISSING_WORDS | {"skip"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put, and the states that its answer gives; none for "don't know"."""

    question: InterviewQuestion
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Step:
    """Everything that follows from what is known at one moment."""

    case: Case
    triage: Triage
    question: InterviewQuestion | None
    stopped_because: str


class Interview:
    """Asks the best next question until no answer is expected to change the decision.

    First what brings the person, then the safety questions that could raise the urgency, then whatever is
    expected to settle most about the causes. It is finished when no open safety question matters and either
    nothing worth asking is left or the leading cause is sure and no likely answer to one of the best
    questions would change it. In an emergency nothing more is asked. Questions that belong together are put
    as a short list ("any of these?"), so that "none of these" answers them all. "Don't know" is an answer: the
    variable stays unknown and is not asked again.

    Not safe to share between threads; every interview holds its own answers, the model is shared. Pickled, as in the
    session of a web application, it holds the name of a shipped model, and a model of one's own whole.

    Parameters
    ----------
    model : thighdx.Model
    known : mapping of str to object, optional
        What is known beforehand, as for `Model.diagnose`; not asked about.
    setting : str, optional
        Default: that of the model.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}
        Dearest kind of question; ``ask`` needs nobody but the person.
    max_questions : int
        Upper limit; reaching it finishes the interview. A list counts as one.
    as_lists : bool
        Whether questions are put together; False puts every question alone.

    Examples
    --------
    >>> import thighdx
    >>> interview = Interview(thighdx.load_model(), {"age": 34, "sex": "female"})
    >>> [member.variable for member in interview.question.members][:2]
    ['posterior_thigh_pain', 'muscle_cramp']
    >>> interview.answer(["posterior_thigh_pain"])
    >>> interview.answer("don't know")
    >>> interview.question.kind
    'safety'
    >>> interview.back()
    True
    >>> interview.result_evidence  # doctest: +ELLIPSIS
    {'age': 34, 'sex': 'female', 'posterior_thigh_pain': 'present', 'muscle_cramp': 'absent', ...}
    """

    def __init__(
        self,
        model: ModelFacts,
        known: Mapping[str, object] | None = None,
        *,
        setting: str | None = None,
        max_cost: Cost = "ask",
        max_questions: int = 60,
        as_lists: bool = True,
    ) -> None:
        if max_cost not in COST_TIERS:
            raise OptionError(choice_fault("max_cost", max_cost, COST_TIERS))
        self._compiled = model.compiled
        self._known = {name: value for name, value in (known or {}).items() if not is_missing(value)}
        self._setting = model.compiled.default_setting if setting is None else setting
        self._max_cost: Cost = max_cost
        self._max_questions = max_questions
        listed = model.compiled.kb.question_lists if as_lists else ()
        self._lists = {member.variable: item.id for item in listed for member in item.members}
        self._asked: list[Asked] = []
        self._was_stopped = False
        self._step = self._work_out()

    def __getstate__(self) -> dict[str, Any]:
        """Pack what was asked and known, and the model as small as it goes."""
        kept = {name: value for name, value in self.__dict__.items() if name not in ("_compiled", "_step")}
        return kept | {"_portable": PortableModel.pack(self._compiled)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpack, and work the present question out again."""
        self._compiled = state.pop("_portable").open()
        self.__dict__.update(state)
        self._step = self._work_out()

    # ---- what an application reads -------------------------------------------------------------------

    @property
    def question(self) -> InterviewQuestion | None:
        """The question to put now; None when the interview is finished."""
        return None if self._was_stopped else self._step.question

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to ask."""
        return self.question is None

    @property
    def finished_because(self) -> str:
        """Why there is nothing left to ask, in words; empty while there is."""
        stopped = say("interview.stopped", self._compiled.labels)
        return stopped if self._was_stopped else self._step.stopped_because

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Questions put so far with their answers, oldest first."""
        return tuple(self._asked)

    @property
    def result_evidence(self) -> dict[str, object]:
        """Everything known, to be given to `Model.diagnose`."""
        return {
            **self._known,
            **{name: state for item in self._asked for name, state in item.answers.items()},
        }

    @property
    def history(self) -> tuple[dict[str, object], ...]:
        """What was known at the start and after each answer that said something, oldest first.

        To be given to `Model.diagnose`; "don't know" adds nothing.
        """
        known = dict(self._known)
        found = [known]
        for item in self._asked:
            if item.answers:
                known = {**known, **item.answers}
                found.append(known)
        return tuple(found)

    @property
    def setting(self) -> str:
        """Where the person is seen."""
        return self._setting

    @property
    def triage(self) -> Triage:
        """How urgent it is as far as is known now."""
        return self._step.triage

    @property
    def posterior(self) -> Mapping[str, float]:
        """P(cause present | what is known now) of every cause."""
        return self._step.case.posterior

    def __repr__(self) -> str:
        """Return how far it is, and what is asked."""
        n = len(self._asked)
        asks = self.finished_because if self.question is None else f"asks {self.question.variable}"
        return f"<thighdx.Interview in {self._setting}: {n} answered, {self.triage.level}; {asks}>"

    def why(self) -> str:
        """Return why the present question is asked; why the interview is finished once it is."""
        question = self.question
        return self.finished_because if question is None else question.why

    # ---- what an application does --------------------------------------------------------------------

    def answer(self, value: object) -> None:
        """Answer the present question and go on to the next.

        Parameters
        ----------
        value : object
            A state, True/False, yes/no, 1/0 as for `Model.diagnose`; None or "don't know" leaves it unknown. For
            a list the variables that apply, in a list (empty: none of them) or one alone, or "none" or
            False; the others are absent. A mapping of variables to answers leaves the others unknown.

        Raises
        ------
        EvidenceError
            If the value is no answer to this question, or cannot be true together with what is known. The
            question stays. Also if the interview is finished.
        """
        question = self.question
        if question is None:
            raise EvidenceError(f"the interview is finished: {self.finished_because}")
        self._asked.append(Asked(question, self._read(question, value)))
        try:
            self._step = self._work_out()
        except EvidenceError:
            self._asked.pop()
            raise

    def back(self) -> bool:
        """Take the last answer back and ask it again; False if there is none."""
        if self._was_stopped:
            self._was_stopped = False
            return True
        if not self._asked:
            return False
        self._asked.pop()
        self._step = self._work_out()
        return True

    def stop(self) -> None:
        """Finish now, with what is known."""
        self._was_stopped = True

    # ---- how the next question is found --------------------------------------------------------------

    def _read(self, question: InterviewQuestion, value: object) -> dict[str, str]:
        """Return the states an answer means, none for "don't know"."""
        if not question.members:
            value = {question.variable: value}
        elif not isinstance(value, Mapping) and not _is_unknown(value):
            value = ticked(question, value)
        if not isinstance(value, Mapping):
            return {}
        found = {}
        for name, state in value.items():
            if question.members:
                ticked(question, [name])
            if not _is_unknown(state):
                variable = self._compiled.vocabulary.by_id[name]
                code = self._compiled.vocabulary.read_code(variable, state)
                if code is None:
                    raise EvidenceError(self._compiled.vocabulary.refusal(variable, state))
                if code != UNKNOWN:
                    found[name] = variable.states[code]
        return found

    def _work_out(self) -> _Step:
        """Work out posteriors, urgency and the next question from what is known."""
        labels = self._compiled.labels
        try:
            case = open_case(self._compiled, self.result_evidence, setting=self._setting)
        except ImpossibleEvidenceError as error:
            raise EvidenceError(say("interview.impossible", labels)) from error
        found = triage(case, max_cost=self._max_cost)
        if found.level == "emergency":
            return _Step(case, found, None, say("question.emergency", labels))
        if len(self._asked) >= self._max_questions:
            return _Step(case, found, None, say("interview.asked", labels, n=self._max_questions))
        open_now = [item for item in self._compiled.vocabulary.variables if self._may_ask(item, case)]
        complaints = [item for item in open_now if item.id in self._compiled.vocabulary.complaints]
        question, because = question_about_complaint(complaints, labels), ""
        if question is None:
            question = question_about_safety(case, found.level, open_now, lists=self._lists)
        if question is None:
            question, because = question_about_causes(
                case, open_now, max_cost=self._max_cost, lists=self._lists
            )
        if question is not None and self._lists:
            question = as_list(case, question, open_now)
        return _Step(case, found, question, because)

    def _may_ask(self, variable: Variable, case: Case) -> bool:
        """Whether a variable is unknown, was not asked, and is cheap enough."""
        is_new = variable.id not in case.states and all(
            variable.id not in (item.question.variable, *(m.variable for m in item.question.members))
            for item in self._asked
        )
        return is_new and is_within(variable, self._max_cost)


def _is_unknown(value: object) -> bool:
    """Whether an answer says nothing."""
    return is_missing(value) or (isinstance(value, str) and value.strip().lower() in DONT_KNOW)


def ticked(question: InterviewQuestion, value: object) -> dict[str, bool]:
    """Return which members of a list an answer names.

    Raises
    ------
    EvidenceError
        If it names something else.
    """
    names = [member.variable for member in question.members]
    if str(value).strip().lower() in NONE_OF_THESE:
        value = []
    elif isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable):
        raise EvidenceError(f"{question.variable}: got {value!r}, expected which of {', '.join(names)} apply")
    said = [str(name) for name in value]
    for name in said:
        if name not in names:
            expected = f"{question.variable}: got {name!r}, expected some of {', '.join(names)}, or none"
            hint = nearest_hint(name, names)
            raise EvidenceError(expected + (f"; {hint}" if hint else ""))
    return {name: name in said for name in names}
