"""What an explorer shows, as plain data: names once, answer and urgency after every step, details a moment later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from thighdx.evidence.vocabulary import AGE_LIMITS, AGE_VARIABLE
from thighdx.explorer.state import AGE, Session
from thighdx.html.case_parts import cause_rows, fit_note, raising, urgency
from thighdx.kb.expressions import holds, parse_expression
from thighdx.kb.records import COST_TIERS, Variable
from thighdx.text import (
    Labels,
    answer_name,
    cost_name,
    exact_percent,
    inside,
    level_name,
    percent,
    sentence,
    span,
    state_name,
)
from thighdx.words import ENGLISH, say, template

if TYPE_CHECKING:
    from thighdx.model import Model
    from thighdx.reasoning.questions.question_lines import Question

__all__ = ["LEVEL", "catalog", "detail", "view"]

LEVEL = 0.9  # of the credible intervals shown
N_QUESTIONS = 4
N_SAFETY = 3
N_SUMMARY = 3  # causes read out after a step
# Headings of the list of findings, in the order of a consultation.
TOPICS: Mapping[tuple[str, str], str] = {
    ("context", "ask"): "topic.context",
    ("finding", "ask"): "topic.finding",
    ("finding", "examine"): "topic.examine",
    ("test", "cheap_test"): "way.cheap_test",
    ("test", "imaging_or_invasive"): "way.imaging_or_invasive",
    ("pathology", ""): "topic.pathology",
    ("cause", ""): "topic.cause",
}
# Words that the browser says; what has values gets them there.
SPOKEN = (
    "explorer.",
    "answer.dont_know",
    "card.before",
    "card.must_not_miss",
    "judgement.probability",
    "number.span",
    "posterior.level",
    "report.seen_in",
)


def catalog(model: Model) -> dict[str, Any]:
    """Return what never changes: names, states, questions and headings."""
    has_age, labels = bool(model.vocabulary.age_starts), model.compiled.kb.labels
    listed = [
        _entry(variable, labels)
        for variable in (*model.vocabulary.variables, *model.vocabulary.causes)
        if not (has_age and variable.id == AGE_VARIABLE)
    ]
    order = [say(topic, labels) for topic in TOPICS.values()]
    topics = sorted({item["topic"] for item in listed}, key=lambda t: order.index(t) if t in order else 99)
    manifest = model.compiled.kb.manifest
    return {
        "title": manifest.title,
        "model": f"{model.name} {model.version}",
        "disclaimer": model.disclaimer,
        "variables": listed,
        "topics": topics,
        "settings": [{"id": item.id, "label": item.label} for item in manifest.settings],
        "costs": [{"id": tier, "label": say(f"effort.{tier}", labels)} for tier in COST_TIERS],
        "words": {key: template(key, labels) for key in ENGLISH if key.startswith(SPOKEN)},
        "age": {"min": AGE_LIMITS[0], "max": AGE_LIMITS[1]} if has_age else None,
    }


def _entry(variable: Variable, labels: Labels) -> dict[str, Any]:
    """Describe one thing that can be known."""
    topic = TOPICS.get((variable.layer, variable.cost)) or TOPICS.get((variable.layer, ""), "topic.other")
    return {
        "id": variable.id,
        "label": variable.label,
        "question": variable.question,
        "topic": say(topic, labels),
        "states": [
            {"id": state, "label": state_name(variable.id, state, labels)} for state in variable.states
        ],
        "search": " ".join((variable.id, variable.label, variable.question, *variable.aliases)).lower(),
    }


def view(session: Session) -> dict[str, Any]:
    """Return what is shown at once after a step: what is known, posteriors and urgency, never one without the other."""
    result, case, history, fault = session.result, session.case, session.history, session.fault
    rows = cause_rows(result)
    return {
        "revision": session.revision,
        "mark": session.mark,
        "setting": case.setting,
        "evidence": dict(case.findings),
        "known": [_known(session.model, name, value) for name, value in case.findings.items()],
        "not_applicable": _not_applicable(session),
        "can_undo": bool(history.past),
        "can_redo": bool(history.future),
        "fault": None if fault is None else {"variable": fault.variable, "message": fault.message},
        "warnings": [warning.message for warning in result.warnings],
        "causes": [row for row in rows if not row["is_rest"]],
        "residual": next((row for row in rows if row["is_rest"]), None),
        "urgency": urgency(result),
        "summary": _summary(session),
        "max_cost": session.max_cost,
        "code": session.code(),
    }


def _known(model: Model, name: str, value: object) -> dict[str, str]:
    """Name one thing that is known."""
    labels = model.compiled.kb.labels
    if name == AGE:
        years = say("explorer.years", labels, age=str(value))
        return {"variable": name, "label": say("explorer.age", labels), "words": years}
    variable = model.variables.get(name) or model.causes[name]
    if isinstance(value, Mapping):
        total = sum(value.values())
        shares = ", ".join(f"{state_name(name, s, labels)} {percent(w / total, 0)}" for s, w in value.items())
        return {
            "variable": name,
            "label": variable.label,
            "words": say("explorer.unsure_shares", labels, shares=shares),
        }
    return {"variable": name, "label": variable.label, "words": state_name(name, str(value), labels)}


def _not_applicable(session: Session) -> list[str]:
    """Return questions that make no sense for this case, by their conditions."""
    states = {name: state for name, state in session.result.evidence.items() if isinstance(state, str)}
    return [
        variable.id
        for variable in session.model.vocabulary.variables
        if variable.asked_if and holds(parse_expression(variable.asked_if), states) is False
    ]


def detail(session: Session) -> dict[str, Any]:
    """Return what takes longer: credible intervals and what to ask next."""
    result = session.result
    if result.triage.level == "emergency":
        questions = result.next_questions(N_QUESTIONS)  # none, and it says why
    else:
        questions = result.next_questions(N_QUESTIONS, max_cost=session.max_cost)
    safety = _safety(session)
    asked = {item["variable"] for item in safety}
    ranking = (q for q in questions.ranking if q.variable not in session.case.skipped)
    useful = [_useful(session.model, q) for q in ranking if q.variable not in asked]
    return {
        "revision": session.revision,
        "level": exact_percent(LEVEL),
        "intervals": _intervals(session),
        "safety": safety,
        "questions": useful[:N_QUESTIONS],
        "note": sentence(questions.note or say("explorer.none_left", result.triage.labels)),
        "fit": fit_note(result),
    }


def _intervals(session: Session) -> dict[str, dict[str, Any]]:
    """Return lower and upper end of every cause's credible interval; a settled cause has none."""
    found, labels = session.result.interval(LEVEL, method="delta").causes, session.result.triage.labels
    return {
        cause: {"lower": item.lower, "upper": item.upper, "words": span(item.lower, item.upper, labels)}
        for cause, item in found.items()
        if item.lower < item.upper
    }


def _safety(session: Session) -> list[dict[str, Any]]:
    """Return open questions through which the case could become more urgent."""
    by_id, labels = session.model.variables, session.model.compiled.kb.labels
    allowed = COST_TIERS[: COST_TIERS.index(session.max_cost) + 1]
    return [
        {
            **_question(by_id[question.variable], labels),
            "why": say(
                "explorer.could_make", labels, level=inside(level_name(question.level, labels), labels)
            ),
            "answers": _answers(question.variable, [(state, "") for state in question.states], labels),
        }
        for question in raising(session.result)
        if question.variable in by_id and question.variable not in session.case.skipped
        if question.cost in allowed
    ][:N_SAFETY]


def _useful(model: Model, question: Question) -> dict[str, Any]:
    """Describe a question by what its answers would do."""
    labels, name, hints = model.compiled.kb.labels, question.variable, []
    for answer in question.answers:
        hint = say("question.likely", labels, probability=percent(answer.probability, 0))
        if answer.shifts:
            shift = answer.shifts[0]
            before, after = percent(shift.before, 0), percent(shift.after, 0)
            moved = say("number.span", labels, low=before, high=after)
            hint += f"; {model.causes[shift.cause].label}: {moved}"
        hints.append((answer.state, hint))
    why = say("explorer.settles", labels, bits=f"{question.gain_bits:.2f}")
    answers = _answers(name, hints, labels)
    return {**_question(model.variables[name], labels), "why": why, "answers": answers}


def _question(variable: Variable, labels: Labels) -> dict[str, str]:
    """Name a question."""
    return {
        "variable": variable.id,
        "text": variable.question or variable.label,
        "cost": cost_name(variable.cost, labels),
    }


def _answers(variable: str, answers: Iterable[tuple[str, str]], labels: Labels) -> list[dict[str, str]]:
    """Describe what may be answered."""
    return [
        {"state": state, "label": answer_name(variable, state, labels), "hint": hint}
        for state, hint in answers
    ]


def _summary(session: Session) -> str:
    """Say the answer in one sentence, for those who hear it."""
    labels = session.model.compiled.kb.labels
    leading = ", ".join(
        f"{labels[str(cause)]} {percent(float(value), 0)}"
        for cause, value in session.result.top(N_SUMMARY).items()
    )
    return say("explorer.summary", labels, urgency=session.result.triage.words, causes=leading)
