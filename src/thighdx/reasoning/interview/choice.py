"""The question that an interview puts next: about the complaint, then about safety, then about the causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeAlias

from thighdx.compiled.case import Case
from thighdx.kb.conditions import is_true
from thighdx.kb.records import Cost, Level, ListedQuestion, Variable
from thighdx.plain import Plain
from thighdx.reasoning.questions.next_questions import rank_questions
from thighdx.reasoning.questions.question_lines import Question
from thighdx.reasoning.urgency.alarm_questions import alarm_questions
from thighdx.reasoning.urgency.open_questions import OpenQuestion, open_questions
from thighdx.text import answer_name, inside, label_of, level_name, percent
from thighdx.words import Labels, say

__all__ = [
    "MIN_GAIN_BITS",
    "MIN_WEIGHT",
    "SURE",
    "InterviewQuestion",
    "as_list",
    "question_about_causes",
    "question_about_complaint",
    "question_about_safety",
]

QuestionKind: TypeAlias = Literal["complaint", "safety", "causes"]

# Smallest weight (see `ways_to_hold`) at which a safety question is worth asking: about one in that many
# answers would fire the rule. What cannot wait is asked about even when it is rare.
MIN_WEIGHT: Mapping[Level, float] = {"emergency": 0.0005, "urgent": 0.01, "soon": 0.025, "routine": 0.1}
MIN_GAIN_BITS = 0.03  # a question expected to settle less is not worth a person's time
SURE = 0.95  # of the leading cause
RARE_ANSWER = 0.05  # answers less likely than this do not keep the interview going
LOOK_AHEAD = 10  # questions whose answers are looked at for a change of the leading cause


@dataclass(frozen=True, slots=True)
class InterviewQuestion(Plain):
    """The question to put now.

    Attributes
    ----------
    variable : str
        The id of the variable, or of the list.
    words : str
        In plain words.
    states : tuple of str
        What may be answered, besides "don't know"; empty for a list.
    kind : {"complaint", "safety", "causes"}
        Why it comes now: what brings the person, a red-flag rule that could still fire, or the causes.
    why : str
        The same in words.
    rules : tuple of str
        Ids of the rules, for a safety question.
    gain_bits : float or None
        Expected gain, for a question about the causes.
    members : tuple of ListedQuestion
        What a list asks for, each with its variable and its words; empty for a single question. The answer
        is all that apply: the others are absent.
    """

    variable: str
    words: str
    states: tuple[str, ...]
    cost: Cost
    kind: QuestionKind
    why: str
    rules: tuple[str, ...] = ()
    gain_bits: float | None = None
    members: tuple[ListedQuestion, ...] = ()
    _renamed: ClassVar[dict[str, str]] = {"words": "question"}

    def to_dict(self) -> dict[str, Any]:
        """Return the question as plain data."""
        members = [{"variable": member.variable, "words": member.words} for member in self.members]
        return Plain.to_dict(self) | {"members": members}


def question_about_complaint(variables: Sequence[Variable], labels: Labels) -> InterviewQuestion | None:
    """Return the next question about what brings the person, of the complaints that may be asked about."""
    if not variables:
        return None
    return _question(variables[0], "complaint", say("interview.why_complaint", labels))


def question_about_safety(
    case: Case, level: Level, variables: Sequence[Variable], *, lists: Mapping[str, str]
) -> InterviewQuestion | None:
    """Return the safety question that matters most, None if none does; alarm questions come before all others.

    Parameters
    ----------
    level : str
        The present level of urgency: only what could raise it matters.
    variables : sequence of Variable
        What may be asked; no way through anything else counts.
    lists : mapping of str to str
        The list in which a variable is asked; empty if every question is put alone.
    """
    by_id = {variable.id: variable for variable in variables}
    closed = {name for name in case.vocabulary.by_id if name not in by_id and name not in case.states}
    found = open_questions(case, level, unanswerable=closed)
    raising = {item.variable: item for item in found if item.raises}
    worth = dict[str, float]()  # of a list what its questions are worth together
    for name, item in raising.items():
        share = item.weight / MIN_WEIGHT[item.level]
        worth[lists.get(name, name)] = worth.get(lists.get(name, name), 0.0) + share
    weighty = [name for name in raising if worth[lists.get(name, name)] >= 1.0]
    for name in (*(name for name in alarm_questions(case) if name in raising), *weighty):
        item = raising[name]
        return _question(by_id[name], "safety", _why_safety(case, item), rules=item.rules)
    return None


def as_list(case: Case, question: InterviewQuestion, variables: Sequence[Variable]) -> InterviewQuestion:
    """Return the list a question stands in, with all of it that may be asked; the question itself if that is all."""
    may_ask = {item.id for item in variables if is_true(item.asked_if, case.states)}
    for listed in case.kb.question_lists:
        if any(member.variable == question.variable for member in listed.members):
            members = tuple(member for member in listed.members if member.variable in may_ask)
            if len(members) > 1:
                return replace(question, variable=listed.id, words=listed.title, states=(), members=members)
            return question
    return question


def question_about_causes(
    case: Case, variables: Sequence[Variable], *, max_cost: Cost, lists: Mapping[str, str]
) -> tuple[InterviewQuestion | None, str]:
    """Return the question that settles most about the causes, or None and why none is needed.

    Parameters
    ----------
    variables : sequence of Variable
        What may be asked.
    lists : mapping of str to str
        As for `question_about_safety`.
    """
    by_id, posterior, labels = {item.id: item for item in variables}, case.posterior, case.compiled.labels
    left = [question for question in rank_questions(case, max_cost) if question.variable in by_id]
    if not left or left[0].gain_bits < MIN_GAIN_BITS:
        return None, say("interview.enough", labels)
    leading = max((c for c in posterior if c != case.compiled.residual_cause), key=posterior.__getitem__)
    if posterior[leading] >= SURE and not _may_change(left[:LOOK_AHEAD], leading):
        sure = percent(posterior[leading], 0)
        return None, say("interview.sure", labels, cause=label_of(leading, labels), probability=sure)
    together: dict[str, float] = {}
    for question in left:
        name = lists.get(question.variable, question.variable)
        together[name] = together.get(name, 0.0) + question.gain_bits
    best = max(left, key=lambda q: (together[lists.get(q.variable, q.variable)], q.gain_bits))
    return _question(by_id[best.variable], "causes", _why_causes(best, labels), gain_bits=best.gain_bits), ""


def _question(
    variable: Variable,
    kind: QuestionKind,
    why: str,
    *,
    rules: tuple[str, ...] = (),
    gain_bits: float | None = None,
) -> InterviewQuestion:
    """Return the question about a variable."""
    words = variable.question or variable.label
    return InterviewQuestion(
        variable.id, words, variable.states, variable.cost or "ask", kind, why, rules, gain_bits
    )


def _why_safety(case: Case, item: OpenQuestion) -> str:
    """Say which warning sign a safety question is about."""
    reasons = [rule.words for rule in case.kb.red_flags if rule.id in item.rules]
    labels = case.kb.labels
    more = f" ({say('list.more', labels, n=len(reasons) - 1)})" if len(reasons) > 1 else ""
    level = inside(level_name(item.level, labels), labels)
    return say("interview.why_safety", labels, level=level, sign=reasons[0] + more)


def _why_causes(best: Question, labels: Labels) -> str:
    """Say what the answers to a question would do."""
    parts = []
    for answer in best.answers:
        if answer.shifts:
            shift, said = answer.shifts[0], answer_name(best.variable, answer.state, labels)
            moved = f"{percent(shift.before, 0)} -> {percent(shift.after, 0)}"
            parts.append(f"{said}: {label_of(shift.cause, labels)} {moved}")
    return say("interview.why_causes", labels, bits=f"{best.gain_bits:.2f}", shifts="; ".join(parts))


def _may_change(questions: list[Question], leading: str) -> bool:
    """Whether a likely answer to one of these questions puts another cause first."""
    return any(
        answer.probability >= RARE_ANSWER and answer.leading_cause != leading
        for question in questions
        for answer in question.answers
    )
