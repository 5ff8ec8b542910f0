"""Which question an interview puts next: the complaint, then safety, then the causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, TypeAlias

from thighdx.evidence.one_case import CaseEvidence
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.kb.conditions import Chances
from thighdx.kb.records import Cost, KnowledgeBase, Level, ListedQuestion, Variable
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.plain import Plain
from thighdx.reasoning.questions.next_questions import Question, next_questions
from thighdx.reasoning.questions.open_questions import OpenQuestion, open_questions
from thighdx.reasoning.questions.question_lists import open_list
from thighdx.text import percent

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
    _renamed: ClassVar = {"words": "question"}

    def to_dict(self) -> dict[str, Any]:
        """Return the question as plain data."""
        members = [{"variable": member.variable, "words": member.words} for member in self.members]
        return Plain.to_dict(self) | {"members": members}


def question_about_complaint(variables: Sequence[Variable]) -> InterviewQuestion | None:
    """Return the next question about what brings the person, of the complaints that may be asked about."""
    if not variables:
        return None
    why = "It is what people with this complaint come with, and everything else hangs on it."
    return _question(variables[0], "complaint", why)


def question_about_safety(
    kb: KnowledgeBase,
    states: Mapping[str, str],
    level: Level,
    chances: Chances,
    variables: Sequence[Variable],
    *,
    alarms: Sequence[str] = (),
    lists: Mapping[str, str],
) -> InterviewQuestion | None:
    """Return the safety question that matters most, None if none does.

    Parameters
    ----------
    level : str
        The present level of urgency: only what could raise it matters.
    chances : mapping of str to mapping of str to float
        P(state | evidence) of unknown variables.
    variables : sequence of Variable
        What may be asked; no way through anything else counts.
    alarms : sequence of str
        Variables that are asked before all others, and even if little would come of it.
    lists : mapping of str to str
        The list in which a variable is asked; empty if every question is put alone.
    """
    by_id = {variable.id: variable for variable in variables}
    closed = {v.id for v in kb.variables if v.id not in by_id and v.id not in states}
    found = open_questions(kb, states, level, chances=chances, unanswerable=closed)
    raising = {item.variable: item for item in found if item.raises}
    worth: dict[str, float] = {}  # of a list what its questions are worth together
    for name, item in raising.items():
        share = item.weight / MIN_WEIGHT[item.level]
        worth[lists.get(name, name)] = worth.get(lists.get(name, name), 0.0) + share
    weighty = [name for name in raising if worth[lists.get(name, name)] >= 1.0]
    for name in (*(name for name in alarms if name in raising), *weighty):
        item = raising[name]
        return _question(by_id[name], "safety", _why_safety(kb, item), rules=item.rules)
    return None


def as_list(
    kb: KnowledgeBase, question: InterviewQuestion, variables: Sequence[Variable]
) -> InterviewQuestion:
    """Return the list a question stands in, with all of it that may be asked; the question itself if none."""
    found = open_list(kb, question.variable, variables)
    if found is None:
        return question
    listed, members = found
    return replace(question, variable=listed.id, words=listed.title, states=(), members=members)


def question_about_causes(
    network: Network,
    vocabulary: Vocabulary,
    kb: KnowledgeBase,
    case: CaseEvidence,
    weights: Floats,
    posterior: Mapping[str, float],
    *,
    max_cost: Cost,
    variables: Sequence[Variable],
    lists: Mapping[str, str],
) -> tuple[InterviewQuestion | None, str]:
    """Return the question that settles most about the causes, or None and why none is needed.

    Parameters
    ----------
    weights : (n_explanations,) float64
        P(H | evidence).
    variables : sequence of Variable
        What may be asked.
    """
    ranked = next_questions(network, vocabulary, kb, case, weights, LOOK_AHEAD, max_cost=max_cost)
    by_id = {variable.id: variable for variable in variables}
    left = [question for question in ranked.ranking if question.variable in by_id]
    if not left or left[0].gain_bits < MIN_GAIN_BITS:
        return None, "nothing that could still be asked is expected to change much"
    candidates = [cause for cause in posterior if cause != kb.manifest.residual_cause]
    leading = max(candidates, key=lambda cause: posterior[cause])
    if posterior[leading] >= SURE and not _may_change(left[:LOOK_AHEAD], leading):
        return (
            None,
            f"{leading} leads with {percent(posterior[leading], 0)}, and no likely answer would change that",
        )
    together: dict[str, float] = {}
    for question in left:
        name = lists.get(question.variable, question.variable)
        together[name] = together.get(name, 0.0) + question.gain_bits
    best = max(left, key=lambda q: (together[lists.get(q.variable, q.variable)], q.gain_bits))
    return _question(by_id[best.variable], "causes", _why_causes(best), gain_bits=best.gain_bits), ""


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


def _why_safety(kb: KnowledgeBase, item: OpenQuestion) -> str:
    """Say which warning sign a safety question is about."""
    reasons = [rule.words for rule in kb.red_flags if rule.id in item.rules]
    more = f" ({len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"It could be part of a warning sign ({item.level}): {reasons[0]}{more}"


def _why_causes(best: Question) -> str:
    """Say what the answers to a question would do."""
    parts = []
    for answer in best.answers:
        if answer.shifts:
            shift = answer.shifts[0]
            parts.append(
                f"{answer.state}: {shift.cause} {percent(shift.before, 0)} -> {percent(shift.after, 0)}"
            )
    return f"It is expected to settle most about the causes ({best.gain_bits:.2f} bits). {'; '.join(parts)}."


def _may_change(questions: list[Question], leading: str) -> bool:
    """Whether a likely answer to one of these questions puts another cause first."""
    return any(
        answer.probability >= RARE_ANSWER and answer.leading_cause != leading
        for question in questions
        for answer in question.answers
    )
