"""The interview: safety first, "don't know" is an answer, and it ends."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest

import thighdx
from thighdx.compiled.case import open_case
from thighdx.errors import EvidenceError, OptionError
from thighdx.kb.conditions import is_true
from thighdx.kb.records import LEVELS
from thighdx.reasoning.interview.choice import MIN_WEIGHT
from thighdx.reasoning.interview.interview import Asked, Interview
from thighdx.reasoning.urgency.open_questions import open_questions


def alone(model: thighdx.Model, known: dict[str, object] | None = None, **options: object) -> Interview:
    """Return an interview that puts every question alone."""
    return Interview(model, known, as_lists=False, **options)  # type: ignore[arg-type]  # by keyword


def drive(interview: Interview, answers: dict[str, str]) -> list[str]:
    """Answer from a dict, the reference state otherwise; return what was asked."""
    order = []
    while (question := interview.question) is not None:
        order.append(question.variable)
        interview.answer(answers.get(question.variable, question.states[0]))
    return order


def test_it_starts_with_the_complaint_and_goes_on_with_safety(model: thighdx.Model) -> None:
    interview = alone(model)
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
    interview = alone(model, {"age": 45}, setting="primary_care")
    order = drive(interview, story)
    assert len(order) == len(set(order))
    assert "age_band" not in order
    assert interview.is_finished
    assert interview.finished_because
    result = model.diagnose(interview.result_evidence, setting="primary_care")
    assert result.top(1).index[0] == "lumbar_radiculopathy"
    assert dict(interview.posterior) == pytest.approx(dict(result.posterior))
    assert {"saddle_anesthesia", "bladder_dysfunction", "muscle_weakness", "chest_pain_or_dyspnea"} <= set(
        order[:12]
    )
    costs = {item.question.cost for item in interview.asked}
    assert costs == {"ask"}
    weighty = [q for q in interview.triage.unanswered if q.raises and q.cost == "ask"]
    assert {q.variable for q in weighty}.isdisjoint(order)


def test_in_an_emergency_nothing_more_is_asked(model: thighdx.Model) -> None:
    interview = alone(model, {"posterior_thigh_pain": True, "muscle_cramp": False, "saddle_anesthesia": True})
    assert interview.triage.level == "emergency"
    assert interview.question is None
    assert interview.finished_because == "it is an emergency, and nothing more is asked before help comes"


def test_dont_know_leaves_it_unknown_and_is_not_asked_again(model: thighdx.Model) -> None:
    interview = alone(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
    seen = []
    for word in ("?", "don't know", None, "Unknown", ""):
        assert interview.question is not None
        seen.append(interview.question.variable)
        interview.answer(word)
    assert len(set(seen)) == 5
    assert not set(seen) & interview.result_evidence.keys()
    assert [item.answers for item in interview.asked] == [{}] * 5


def test_back_takes_the_last_answer_back(model: thighdx.Model) -> None:
    interview = alone(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
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
    interview = alone(model)
    first = interview.question
    with pytest.raises(EvidenceError, match="posterior_thigh_pain: got 'maybe', expected absent, present"):
        interview.answer("maybe")
    assert interview.question == first
    assert interview.asked == ()


def test_why_names_the_warning_sign_or_the_gain(model: thighdx.Model) -> None:
    interview = alone(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
    question = interview.question
    assert question is not None
    assert question.kind == "safety"
    reasons = {rule.id: rule.words for rule in model.compiled.kb.red_flags}
    assert reasons[question.rules[0]] in interview.why()
    while interview.question is not None and interview.question.kind == "safety":
        interview.answer("?")
    assert interview.question is not None
    assert interview.question.gain_bits is not None
    assert "bits" in interview.why()
    assert json.loads(json.dumps(interview.question.to_dict()))["kind"] == "causes"


def test_it_never_goes_beyond_the_limit_of_questions(model: thighdx.Model) -> None:
    interview = alone(model, max_questions=3)
    assert len(drive(interview, {})) == 3
    assert interview.why() == "3 questions were asked"
    with pytest.raises(thighdx.EvidenceError, match="the interview is finished: 3 questions were asked"):
        interview.answer("no")


def test_a_dearer_tier_lets_the_examination_in(model: thighdx.Model) -> None:
    known = {"posterior_thigh_pain": True, "muscle_cramp": False}
    interview = alone(model, known, max_cost="imaging_or_invasive", max_questions=12)
    costs = {q.cost for q in (item.question for item in _all(interview))}
    assert costs > {"ask"}
    with pytest.raises(OptionError, match="max_cost: got 'free'"):
        Interview(model, max_cost="free")  # type: ignore[arg-type]  # what is being tested


def _all(interview: Interview) -> tuple[Asked, ...]:
    drive(interview, {})
    return interview.asked


def test_no_open_safety_question_that_matters_is_left(model: thighdx.Model) -> None:
    interview = alone(model, {"age": 60, "sex": "male"}, max_questions=60)
    order = drive(interview, {"posterior_thigh_pain": "present", "muscle_cramp": "present"})
    assert len(order) < 60
    case = open_case(model.compiled, interview.result_evidence, setting=interview.setting)
    closed = {v.id for v in model.variables.values() if v.cost != "ask"}
    left = open_questions(case, interview.triage.level, unanswerable=closed)
    assert left
    assert all(item.weight < MIN_WEIGHT[item.level] for item in left if item.raises)


# ---- questions put together ------------------------------------------------------------------------


def test_questions_that_belong_together_are_one_and_none_answers_all_of_them(model: thighdx.Model) -> None:
    interview = Interview(model)
    assert interview.question is not None
    members = [member.variable for member in interview.question.members]
    assert members[:2] == ["posterior_thigh_pain", "muscle_cramp"]
    interview.answer(["posterior_thigh_pain", "low_back_pain"])
    assert interview.result_evidence == {
        name: "present" if name in ("posterior_thigh_pain", "low_back_pain") else "absent" for name in members
    }
    question = interview.question
    assert question is not None
    assert (question.kind, question.variable) == ("safety", "bladder_bowel_saddle")
    assert question.states == ()
    interview.answer("none of these")
    assert interview.result_evidence["saddle_anesthesia"] == "absent"
    assert [len(item.answers) for item in interview.asked] == [len(members), len(question.members)]
    assert len(interview.history) == 3


def test_a_list_that_nobody_can_answer_leaves_all_unknown_and_is_not_put_again(model: thighdx.Model) -> None:
    interview = Interview(model, {"posterior_thigh_pain": True, "muscle_cramp": False})
    asked = []
    while interview.question is not None:
        asked += [member.variable for member in interview.question.members] or [interview.question.variable]
        interview.answer("?")
    assert len(asked) == len(set(asked))
    assert set(interview.result_evidence) == {"posterior_thigh_pain", "muscle_cramp"}


def test_a_pickled_interview_is_small_and_goes_on_where_it_was(
    model: thighdx.Model, small_model: thighdx.Model
) -> None:
    for asker, most in ((model, 20_000), (small_model.rebase({"strain": 0.5}, setting="clinic"), 200_000)):
        interview = Interview(asker, {"age": 34})
        for answer in (None, False):
            interview.answer(answer)
        sent = pickle.dumps(interview)
        assert len(sent) < most
        again = pickle.loads(sent)
        assert (again.question, again.asked, again.setting) == (
            interview.question,
            interview.asked,
            interview.setting,
        )
        assert again.posterior == interview.posterior
        assert again.back()
        assert len(interview.asked) == 2


def test_part_of_a_list_can_be_answered(model: thighdx.Model) -> None:
    interview = Interview(model)
    interview.answer({"posterior_thigh_pain": "yes", "muscle_cramp": "?", "calf_pain": False})
    assert interview.result_evidence == {"posterior_thigh_pain": "present", "calf_pain": "absent"}


@pytest.mark.parametrize("answer", [False, "no", "No ", 0, "n", "none", "none of these", [], np.False_])
def test_no_to_a_list_is_none_of_these(model: thighdx.Model, answer: object) -> None:
    interview = Interview(model)
    interview.answer(answer)
    assert set(interview.result_evidence.values()) == {"absent"}


@pytest.mark.parametrize("answer", [False, True, "no"])
def test_every_question_reads_an_answer_as_diagnose_does(model: thighdx.Model, answer: object) -> None:
    interview = Interview(model, {"posterior_thigh_pain": True, "age": 34}, as_lists=False, max_questions=25)
    n_taken = 0
    while (question := interview.question) is not None:
        try:
            expected = model.diagnose({question.variable: answer}).evidence
        except EvidenceError as error:
            with pytest.raises(EvidenceError, match=re.escape(str(error))):
                interview.answer(answer)
        else:
            interview.answer(answer)
            assert interview.asked[-1].answers == expected
            n_taken += 1
            interview.back()
        interview.answer("don't know")
    assert n_taken > 5


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (["posterior_thigh_pian"], "did you mean 'posterior_thigh_pain'"),
        ("maybe", "complaint: got 'maybe', expected some of posterior_thigh_pain, muscle_cramp"),
        (7, "complaint: got 7, expected which of posterior_thigh_pain, muscle_cramp"),
        ({"fever": True}, "complaint: got 'fever', expected some of posterior_thigh_pain"),
    ],
)
def test_a_bad_answer_to_a_list_leaves_it(model: thighdx.Model, answer: object, match: str) -> None:
    interview = Interview(model)
    first = interview.question
    with pytest.raises(EvidenceError, match=match):
        interview.answer(answer)
    assert interview.question == first


def test_what_is_known_or_does_not_apply_is_left_out_of_a_list(model: thighdx.Model) -> None:
    interview = Interview(model, {"posterior_thigh_pain": True, "calf_pain": False, "sex": "male"})
    while (question := interview.question) is not None:
        names = {member.variable for member in question.members}
        assert not names & {"posterior_thigh_pain", "calf_pain", "postpartum"}
        interview.answer([] if names else question.states[0])


def test_alarm_questions_of_the_leading_cause_come_first(model: thighdx.Model) -> None:
    sciatica = {"posterior_thigh_pain": True, "muscle_cramp": False, "shooting_pain": True, "tingling": True}
    interview = Interview(model, sciatica | {"low_back_pain": True, "pain_radiates_below_knee": True})
    first = []
    for _ in range(2):
        assert interview.question is not None
        first.append(interview.question.variable)
        interview.answer([] if interview.question.members else interview.question.states[0])
    assert first == ["bladder_bowel_saddle", "muscle_weakness"]
    calf = {
        "posterior_thigh_pain": True,
        "muscle_cramp": False,
        "calf_pain": True,
        "saddle_anesthesia": False,
    }
    asked = [question for question in model.diagnose(calf).triage.unanswered if question.raises]
    assert "leg_swelling" in [question.variable for question in asked[:6]]


def test_an_interview_in_lists_is_far_shorter_and_comes_nearer_to_full_information(
    model: thighdx.Model,
) -> None:
    patients = model.simulate(8, seed=7, setting="primary_care")
    asked, same = {True: 0, False: 0}, {True: 0, False: 0}
    for _, row in patients.iterrows():
        everything = {v.id: row[v.id] for v in model.variables.values() if v.cost == "ask"}
        known = {n: s for n, s in everything.items() if is_true(model.variables[n].asked_if, everything)}
        level = Interview(model, known, setting="primary_care").triage.level
        for as_lists in (True, False):
            interview = Interview(model, setting="primary_care", as_lists=as_lists)
            while (question := interview.question) is not None:
                present = [m.variable for m in question.members if row[m.variable] == "present"]
                interview.answer(present if question.members else row[question.variable])
            asked[as_lists] += len(interview.asked)
            same[as_lists] += interview.triage.level == level
    assert asked[True] < 0.45 * asked[False]
    assert same[True] >= max(same[False], 7)


def test_rules_of_every_level_above_the_lowest_can_be_asked_about() -> None:
    assert set(MIN_WEIGHT) == set(LEVELS[1:])
    assert sorted(MIN_WEIGHT, key=lambda level: MIN_WEIGHT[level], reverse=True) == list(LEVELS[1:])
