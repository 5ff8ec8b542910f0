"""What next: expected gains against asking every answer of the engine, one by one."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import pytest

import floats
import kb_builder
import thighdx
from thighdx.compiled.case import open_case
from thighdx.errors import ImpossibleEvidenceError, OptionError
from thighdx.kb.records import COST_TIERS, LEVELS, Cost
from thighdx.reasoning.questions.next_questions import next_questions, rank_questions
from thighdx.reasoning.questions.question_lines import Goal, Question

RUNNING = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}
SMALL: Mapping[str, Mapping[str, object]] = {
    "nothing known": {},
    "a member of the block": {"age_band": "40-64", "tingling": True},
    "a block member in doubt": {"age_band": {"18-39": 0.2, "40-64": 0.7, "65+": 0.6}, "bruising": True},
    "a finding in doubt": {"pain": {"none": 0.1, "mild": 0.5, "severe": 0.9}, "d_dimer": "positive"},
    "a given cause": {"strain": True, "disc_lesion": True},
    "old, so not pregnant": {"age_band": "65+"},
}


def ask(
    model: thighdx.Model,
    findings: Mapping[str, object],
    *,
    max_cost: Cost = "imaging_or_invasive",
    goal: Goal = "causes",
) -> list[Question]:
    """The whole ranking, of every kind of question unless told otherwise."""
    return rank_questions(open_case(model.compiled, findings), max_cost, goal=goal)


def entropy_bits(posterior: Mapping[str, float]) -> float:
    """Sum of binary entropies, one at a time."""
    total = 0.0
    for p in posterior.values():
        for q in (p, 1 - p):
            total -= q * math.log2(q) if q > 0 else 0.0
    return total


def with_answer(
    model: thighdx.Model, findings: Mapping[str, object], variable: str, state: str
) -> dict[str, float] | None:
    """Posteriors after an answer, from the engine; None where it is impossible."""
    try:
        return model.diagnose({**findings, variable: state}).posterior.to_dict()
    except ImpossibleEvidenceError:
        return None


# ---- gains -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_the_gain_is_what_asking_the_engine_for_every_answer_gives(
    small_model: thighdx.Model, name: str
) -> None:
    findings = SMALL[name]
    result = small_model.diagnose(findings)
    now = entropy_bits(result.posterior.to_dict())
    for question in ask(small_model, findings):
        chances = result.probabilities(question.variable)
        gain = now
        for answer in question.answers:
            assert answer.probability == pytest.approx(chances[answer.state], abs=floats.SUMS_TO_ONE)
            after = with_answer(small_model, findings, question.variable, answer.state)
            assert (after is None) == (answer.probability == 0)
            if after is not None:
                gain -= answer.probability * entropy_bits(after)
                for shift in answer.shifts:
                    assert shift.after == pytest.approx(after[shift.cause], abs=floats.SUMS_TO_ONE)
        assert question.gain_bits == pytest.approx(gain, abs=floats.BITS)


def test_the_gain_on_the_shipped_model_agrees_with_the_engine(model: thighdx.Model) -> None:
    found = {question.variable: question for question in ask(model, RUNNING)}
    now = entropy_bits(model.diagnose(RUNNING).posterior.to_dict())
    for variable in (
        "direct_blow",
        "sex",
        "pain_severity",
        "estrogen_therapy",
        "mri_or_ultrasound_muscle_tear",
    ):
        gain = now
        for answer in found[variable].answers:
            after = with_answer(model, RUNNING, variable, answer.state)
            assert after is not None
            gain -= answer.probability * entropy_bits(after)
        assert found[variable].gain_bits == pytest.approx(gain, abs=floats.BITS)


@pytest.mark.parametrize("name", SMALL)
def test_answers_are_a_distribution_whose_mean_posterior_is_the_present_one(
    small_model: thighdx.Model, name: str
) -> None:
    posterior = small_model.diagnose(SMALL[name]).posterior
    for question in ask(small_model, SMALL[name]):
        assert sum(a.probability for a in question.answers) == pytest.approx(1, abs=floats.SUMS_TO_ONE)
        for cause in posterior.index:
            seen = [
                (a.probability, shift) for a in question.answers for shift in a.shifts if shift.cause == cause
            ]
            if len(seen) == len([a for a in question.answers if a.probability > 0]):
                mean = sum(p * shift.after for p, shift in seen)
                assert mean == pytest.approx(posterior[cause], abs=floats.SUMS_TO_ONE)


def test_gains_are_never_negative_and_ranked(model: thighdx.Model) -> None:
    for findings in ({}, RUNNING, {"sex": "male"}):
        gains = [question.gain_bits for question in ask(model, findings)]
        assert min(gains) >= 0
        assert gains == sorted(gains, reverse=True)


def test_what_is_known_is_not_asked_and_what_is_in_doubt_is_marked(small_model: thighdx.Model) -> None:
    asked = {q.variable: q for q in ask(small_model, SMALL["a finding in doubt"])}
    assert "d_dimer" not in asked
    assert asked["pain"].is_uncertain
    assert not asked["bruising"].is_uncertain


def test_the_residual_cause_is_never_shown(small_model: thighdx.Model) -> None:
    for question in ask(small_model, {}):
        for answer in question.answers:
            assert answer.leading_cause != "other_cause"
            assert "other_cause" not in [shift.cause for shift in answer.shifts]


def test_an_answer_that_cannot_be_moves_nothing(small_model: thighdx.Model) -> None:
    asked = {q.variable: q for q in ask(small_model, {"age_band": "65+"})}
    yes = asked["pregnancy"].answers[1]
    assert (yes.probability, yes.shifts, yes.leading_cause) == (0.0, (), "")
    assert asked["pregnancy"].gain_bits == pytest.approx(0, abs=floats.BITS)


# ---- what may be asked -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "is_asked"), [({}, False), ({"tingling": False}, False), ({"tingling": True}, True)]
)
def test_a_question_waits_for_its_condition(
    small_model: thighdx.Model, known: Mapping[str, object], is_asked: bool
) -> None:
    asked = [question.variable for question in ask(small_model, known)]
    assert ("tingling_spreads" in asked) == is_asked
    assert ("tingling" in asked) == (not known)


def test_a_condition_that_is_only_likely_does_not_count_as_true(small_model: thighdx.Model) -> None:
    asked = [q.variable for q in ask(small_model, {"tingling": {"absent": 0.1, "present": 0.9}})]
    assert "tingling_spreads" not in asked
    assert "tingling" in asked


def test_max_cost_leaves_out_dearer_tiers(model: thighdx.Model) -> None:
    for place, tier in enumerate(COST_TIERS):
        found = {question.cost for question in ask(model, RUNNING, max_cost=tier)}
        assert found == set(COST_TIERS[: place + 1])


def test_by_cost_gives_the_best_of_every_tier_in_order(model: thighdx.Model) -> None:
    questions = model.diagnose(RUNNING).next_questions(3, max_cost="imaging_or_invasive")
    tiers = questions.by_cost()
    assert tuple(tiers) == COST_TIERS
    for tier, best in tiers.items():
        assert best == tuple(q for q in questions.ranking if q.cost == tier)[:3]
    assert len(questions) == 3
    assert [q.variable for q in questions] == [questions[i].variable for i in range(3)]


# ---- urgency ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("findings", [{}, {"bruising": True, "pain": "mild", "tingling": False}])
def test_the_urgency_of_an_answer_is_that_of_the_case_with_it_and_its_expected_change_ranks(
    small_model: thighdx.Model, findings: Mapping[str, object]
) -> None:
    questions = ask(small_model, findings, goal="urgency")
    changes = [question.urgency_change for question in questions]
    assert changes == sorted(changes, key=lambda change: -(change or 0.0))
    assert changes[0]
    now = LEVELS.index(small_model.diagnose(findings).triage.level)
    for question in questions:
        expected = 0.0
        for answer in question.answers:
            if answer.probability > 0:
                after = small_model.diagnose({**findings, question.variable: answer.state})
                assert answer.urgency == LEVELS.index(after.triage.level)
                expected += answer.probability * abs(answer.urgency - now)
        assert question.urgency_change == pytest.approx(expected, abs=floats.SUMS_TO_ONE)


def test_an_impossible_answer_is_not_scored(small_model: thighdx.Model) -> None:
    asked = {q.variable: q for q in ask(small_model, {"age_band": "65+"}, goal="urgency")}
    no, yes = asked["pregnancy"].answers
    assert no.urgency is not None
    assert (yes.probability, yes.urgency) == (0.0, None)


# ---- form ------------------------------------------------------------------------------------------


def test_the_result_is_plain_data_and_readable(model: thighdx.Model) -> None:
    questions = model.diagnose(RUNNING).next_questions(2)
    data = questions.to_dict()
    assert [line["variable"] for line in data["questions"]] == [q.variable for q in questions]
    assert data["questions"][0]["question"].endswith("?")
    frame = questions.to_frame()
    assert list(frame["gain_bits"]) == [q.gain_bits for q in questions]
    assert questions[0].text in repr(questions)


def test_what_is_improbable_is_never_written_as_0_percent(model: thighdx.Model) -> None:
    result = model.diagnose({"onset": "sudden", "sprint_or_overstretch": True})
    shown = repr(result.next_questions(60))
    assert "<0.1%" in shown
    assert " 0.0%" not in shown
    assert repr(result.sensitivity("stroke", n=1)).startswith("stroke <0.1%")


def test_when_everything_is_known_nothing_is_asked(small_model: thighdx.Model) -> None:
    known = {v.id: v.states[0] for v in small_model.vocabulary.variables}
    questions = small_model.diagnose(known).next_questions()
    assert list(questions) == []
    assert questions.by_cost() == {}
    assert repr(questions) == "nothing is left to ask"
    assert questions.to_frame().empty


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 0}, "n: got 0"),
        ({"max_cost": "free"}, "max_cost: got 'free'"),
        ({"max_cost": "aks"}, "expected one of ask, .*; did you mean 'ask'"),
        ({"goal": "money"}, "goal: got 'money'"),
        ({"goal": "urgncy"}, "expected one of causes, urgency; did you mean 'urgency'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    small_model: thighdx.Model, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        next_questions(open_case(small_model.compiled, {}), **wrong)  # type: ignore[arg-type]


def test_a_block_of_three_agrees_with_the_engine(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "block")
    kb_builder.edit(
        folder,
        "variables.csv",
        "pregnancy,context,",
        "smoking,context,Smoking,no|yes,Do you smoke?,,ask,,\npregnancy,context,",
    )
    judged = "panel,0.1,0.2,0.3,,2026-01-31,desk,"
    kb_builder.append(folder, "frequencies.csv", f"smoking,yes,clinic,{judged}")
    kb_builder.append(folder, "frequencies.csv", f"smoking,yes,hospital,{judged}")
    kb_builder.append(
        folder, "dependencies.csv", "smoking,yes,pregnancy,yes,panel,0.3,0.5,0.8,,2026-01-31,desk,invented"
    )
    model = thighdx.read_model(folder)
    assert max(len(block.context_idx) for block in model.network.blocks) == 3
    members = {"age_band": "40-64", "pregnancy": "no", "smoking": "yes"}
    for size, chosen in itertools.product((1, 2), [("age_band", "pregnancy"), ("smoking", "age_band")]):
        findings: dict[str, object] = {name: members[name] for name in chosen[:size]} | {"tingling": True}
        now = entropy_bits(model.diagnose(findings).posterior.to_dict())
        for question in ask(model, findings):
            after = [(a, with_answer(model, findings, question.variable, a.state)) for a in question.answers]
            gain = now - sum(a.probability * entropy_bits(p) for a, p in after if p is not None)
            assert question.gain_bits == pytest.approx(gain, abs=floats.BITS)


def test_questions_are_immutable(small_model: thighdx.Model) -> None:
    question = ask(small_model, {})[0]
    with pytest.raises(dataclasses.FrozenInstanceError, match="gain_bits"):
        question.gain_bits = 1.0  # type: ignore[misc]
