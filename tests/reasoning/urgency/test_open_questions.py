"""Questions that could show a warning sign: most urgent first, none that does not apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reasoning.urgency.shipped import CALM, SHIPPED, VARIABLES, rank
from thighdx.compiled.case import open_case
from thighdx.reasoning.urgency.open_questions import OpenQuestion, open_questions


def questions(states: Mapping[str, str], unanswerable: Collection[str] = ()) -> tuple[OpenQuestion, ...]:
    return open_questions(open_case(SHIPPED.compiled, states), "self_care", unanswerable=unanswerable)


def test_open_questions_come_by_level_and_weight_and_lead_somewhere() -> None:
    found = questions(CALM)
    keys = [(rank(question.level), question.weight) for question in found]
    assert keys == sorted(keys, reverse=True)
    assert found[0].level == "emergency"
    by_id = {variable.id: variable for variable in VARIABLES}
    for question in found:
        assert question.question == by_id[question.variable].question
        assert question.rules
        assert question.raises == (rank(question.level) > 0)


def test_a_question_that_does_not_apply_is_not_open() -> None:
    asked = {q.variable for q in questions({"sex": "male", "leg_swelling": "absent"})}
    assert not asked & {"pregnancy", "postpartum", "one_leg_swollen"}


def test_a_question_whose_condition_is_open_gives_way_to_the_condition() -> None:
    asked = {q.variable for q in questions({})}
    assert "leg_swelling" in asked
    assert "one_leg_swollen" not in asked
    asked = {q.variable for q in questions({"leg_swelling": "present"})}
    assert "one_leg_swollen" in asked


def test_no_way_through_what_will_not_be_answered_counts() -> None:
    without = questions({}, {"post_void_residual_raised", "bladder_dysfunction"})
    assert not {"post_void_residual_raised", "bladder_dysfunction"} & {q.variable for q in without}
    everything = questions({})
    assert {q.variable for q in without} < {q.variable for q in everything}
