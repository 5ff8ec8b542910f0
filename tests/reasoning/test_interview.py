"""The interview: safety first, "don't know" is an answer, and it ends."""

from __future__ import annotations

import json

import pytest

import thighdx
from thighdx.errors import EvidenceError
from thighdx.inference.engine import explanation_posterior
from thighdx.inference.evidence import encode_case
from thighdx.kb.records import LEVELS
from thighdx.reasoning.chances import state_chances
from thighdx.reasoning.interview import Asked, Interview
from thighdx.reasoning.interview_questions import MIN_WEIGHT
from thighdx.reasoning.open_questions import open_questions


def drive(interview: Interview, answers: dict[str, str]) -> list[str]:
    """Answer from a dict, the reference state otherwise; return what was asked."""
    order = []
    while (question := interview.question) is not None:
        order.append(question.variable)
        interview.answer(answers.get(question.variable, question.states[0]))
    return order


def test_it_starts_with_the_complaint_and_goes_on_with_safety(model: thighdx.Model) -> None:
    interview = Interview(model)
    kinds = []
    for _ in range(6):
        assert interview.question is not None
        kinds.append(interview.question.kind)
        interview.answer(model.variables[interview.question.variable].states[0])
    assert kinds == ["complaint", "complaint", "safety", "safety", "safety", "safety"]
    assert interview.result_evidence["posterior_thigh_pain"] == "absent"


def test_a_whole_interview_ends_with_what_the_same_evidence_gives(model: thighdx.Model) -> None:
    story = {
        "posterior_thigh_pain": "present",
        "low_back_pain": "present",
        "pain_radiates_below_knee": "present",
        "shooting_pain": "present",
        "tingling": "present",
        "worse_with_cough_or_strain": "present",
        "worse_with_back_position": "present",
        "worse_with_sitting": "present",
    }
    interview = Interview(model, {"age": 45}, setting="primary_care")
    order = drive(interview, story)
    assert len(order) == len(set(order))
    assert "age_band" not in order
    assert interview.is_finished
    assert interview.finished_because
    result = model.diagnose(interview.result_evidence, setting="primary_care")
    assert result.top(1).index[0] == "lumbar_radiculopathy"
    assert dict(interview.posterior) == pytest.approx(dict(result.posterior))
    assert {"saddle_anesthesia", "bladder_dysfunction", "chest_pain_or_dyspnea"} <= set(order[:12])
    costs = {item.question.cost for item in interview.asked}
    assert costs == {"ask"}
    weighty = [q for q in interview.triage.unanswered if q.raises and q.cost == "ask"]
    assert all(q.variable not in order for q in weighty)


def test_an_emergency_needs_no_more_safety_questions(model: thighdx.Model) -> None:
    interview = Interview(
        model, {"posterior_thigh_pain": True, "muscle_cramp": False, "saddle_anesthesia": True}
    )
    assert interview.triage.level == "emergency"
    assert interview.question is None or interview.question.kind == "causes"


def test_dont_know_leaves_it_unknown_and_is_not_asked_again(model: thighdx.Model) -> None:
    interview = Interview(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
    seen = []
    for word in ("?", "don't know", None, "Unknown", ""):
        assert interview.question is not None
        seen.append(interview.question.variable)
        interview.answer(word)
    assert len(set(seen)) == 5
    assert not set(seen) & interview.result_evidence.keys()
    assert [item.state for item in interview.asked] == [None] * 5


def test_back_takes_the_last_answer_back(model: thighdx.Model) -> None:
    interview = Interview(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
    assert not interview.back()
    first, level = interview.question, interview.triage.level
    interview.answer("yes")
    assert interview.question != first
    assert interview.back()
    assert (interview.question, interview.triage.level) == (first, level)
    interview.stop()
    assert (interview.is_finished, interview.why()) == (True, "stopped by the person")
    assert interview.back()
    assert interview.question == first


def test_a_bad_answer_leaves_the_question(model: thighdx.Model) -> None:
    interview = Interview(model)
    first = interview.question
    with pytest.raises(EvidenceError, match="posterior_thigh_pain: got 'maybe', expected absent, present"):
        interview.answer("maybe")
    assert interview.question == first
    assert interview.asked == ()


def test_why_names_the_warning_sign_or_the_gain(model: thighdx.Model) -> None:
    interview = Interview(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
    question = interview.question
    assert question is not None
    assert question.kind == "safety"
    reasons = {rule.id: rule.reason for rule in model.compiled.kb.red_flags}
    assert reasons[question.rules[0]] in interview.why()
    while interview.question is not None and interview.question.kind == "safety":
        interview.answer("?")
    assert interview.question is not None
    assert interview.question.gain_bits is not None
    assert "bits" in interview.why()
    assert json.loads(json.dumps(interview.question.to_dict()))["kind"] == "causes"


def test_it_never_goes_beyond_the_limit_of_questions(model: thighdx.Model) -> None:
    interview = Interview(model, max_questions=3)
    assert len(drive(interview, {})) == 3
    assert interview.why() == "3 questions were asked"
    with pytest.raises(ValueError, match="the interview is finished: 3 questions were asked"):
        interview.answer("no")


def test_a_dearer_tier_lets_the_examination_in(model: thighdx.Model) -> None:
    known = {"posterior_thigh_pain": True, "muscle_cramp": False}
    interview = Interview(model, known, max_cost="imaging_or_invasive", max_questions=12)
    costs = {q.cost for q in (item.question for item in _all(interview))}
    assert costs > {"ask"}
    with pytest.raises(ValueError, match="max_cost: got 'free'"):
        Interview(model, max_cost="free")  # type: ignore[arg-type]  # what is being tested


def _all(interview: Interview) -> tuple[Asked, ...]:
    drive(interview, {})
    return interview.asked


def test_no_open_safety_question_that_matters_is_left(model: thighdx.Model) -> None:
    interview = Interview(model, {"age": 60, "sex": "male"}, max_questions=60)
    order = drive(interview, {"posterior_thigh_pain": "present", "muscle_cramp": "present"})
    assert len(order) < 60
    case = encode_case(model.vocabulary, interview.result_evidence, setting=interview.setting)
    chances = state_chances(model.network, case.batch, explanation_posterior(model.network, case.batch))
    closed = {v.id for v in model.variables.values() if v.cost != "ask"}
    left = open_questions(
        model.compiled.kb, case.states, interview.triage.level, chances=chances, unanswerable=closed
    )
    assert left
    assert all(item.weight < MIN_WEIGHT[item.level] for item in left if item.raises)


def test_rules_of_every_level_above_the_lowest_can_be_asked_about() -> None:
    assert set(MIN_WEIGHT) == set(LEVELS[1:])
    assert sorted(MIN_WEIGHT, key=lambda level: MIN_WEIGHT[level], reverse=True) == list(LEVELS[1:])
