"""How urgent: every rule of the shipped model, thresholds by hand, and what must never happen."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thighdx
from thighdx.inference.batch import UNKNOWN
from thighdx.kb.expressions import AllOf, Expression, Is, holds, parse_expression
from thighdx.kb.records import LEVELS, Harm, KnowledgeBase, RedFlag
from thighdx.reasoning.open_questions import open_questions
from thighdx.reasoning.triage import triage
from thighdx.reasoning.triage_batch import NO_LEVEL, case_urgency, compile_triage, triage_batch

SHIPPED = thighdx.load_model()
KB = SHIPPED.compiled.kb
CAUSES = [cause.id for cause in SHIPPED.vocabulary.causes]
# Enough is known of the complaint, and none of it is a warning sign.
CALM = {"bruising": "present", "numbness": "absent", "tingling": "absent"}
VARIABLES = SHIPPED.vocabulary.variables
RULES = {rule.id: rule for rule in KB.red_flags}


def rank(level: str) -> int:
    return LEVELS.index(level)


def rare(**raised: float) -> dict[str, float]:
    """Posteriors at which no cause matters, but for those named."""
    return dict.fromkeys(CAUSES, 1e-6) | raised


def ways(expression: Expression) -> Iterator[dict[str, str]]:
    """Every smallest set of states that makes a condition true."""
    if isinstance(expression, Is):
        yield {expression.variable: expression.state}
    elif isinstance(expression, AllOf):
        for chosen in itertools.product(*(list(ways(part)) for part in expression.parts)):
            merged: dict[str, str] = {}
            if all(merged.setdefault(k, v) == v for way in chosen for k, v in way.items()):
                yield merged
    else:
        for part in expression.parts:
            yield from ways(part)


# ---- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_fires_on_every_way_to_satisfy_it_and_on_nothing_less(rule_id: str) -> None:
    rule = RULES[rule_id]
    for way in itertools.islice(ways(parse_expression(rule.when)), 40):
        found = triage(KB, way, rare())
        assert rule_id in found.fired
        assert rank(found.level) >= rank(rule.level)
        reason = next(reason for reason in found.reasons if reason.rule == rule_id)
        assert (reason.kind, reason.level, reason.cause) == ("rule", rule.level, rule.suspect)
        assert reason.sources == rule.sources != ()
        assert reason.words == rule.words
        assert way.items() >= dict(reason.findings).items()
        assert holds(parse_expression(rule.when), reason.findings) is True
    assert rule_id not in triage(KB, {}, rare()).fired


def test_the_shipped_model_has_38_rules() -> None:
    assert len(RULES) == 38


def test_virtual_evidence_fires_no_rule(model: thighdx.Model) -> None:
    result = model.diagnose({"saddle_anesthesia": {"absent": 0.001, "present": 0.999}})
    found = triage(KB, result._case.states, dict(result.posterior))
    assert found.fired == ()
    assert "saddle_anesthesia" in [question.variable for question in found.unanswered]


def test_unknown_values_change_nothing(model: thighdx.Model) -> None:
    known = {"bruising": True, "onset": "sudden"}
    blank = dict.fromkeys(model.variables, None) | known
    plain, padded = (model.diagnose(findings) for findings in (known, blank))
    found = [triage(KB, result._case.states, dict(result.posterior)) for result in (plain, padded)]
    assert found[0] == found[1]


# ---- thresholds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("posterior", "upper", "level"),
    [
        (0.001, 0.0119, "self_care"),
        (0.001, 0.012, "soon"),
        (0.001, 0.0299, "soon"),
        (0.001, 0.03, "urgent"),
        (0.001, 0.06, "emergency"),
        (0.06, 0.001, "emergency"),  # a bound below the posterior does not lower anything
        (0.06, float("nan"), "emergency"),
    ],
)
def test_a_cause_that_must_not_be_missed_is_judged_by_its_upper_bound(
    posterior: float, upper: float, level: str
) -> None:
    found = triage(KB, CALM, rare(cauda_equina_syndrome=posterior), {"cauda_equina_syndrome": upper})
    assert (found.level, found.bound) == (level, "upper")
    if level != "self_care":
        (reason,) = found.reasons
        assert (reason.kind, reason.cause) == ("threshold", "cauda_equina_syndrome")
        assert reason.figures["threshold"] <= max(posterior, reason.figures["upper"])
        assert reason.sources


def test_without_bounds_the_posterior_is_used_and_the_triage_says_so() -> None:
    found = triage(KB, CALM, rare(cauda_equina_syndrome=0.02))
    assert (found.level, found.bound) == ("soon", "posterior")
    assert "upper" not in found.reasons[0].figures
    assert "not with upper credible bounds" in repr(found)


def test_other_causes_are_judged_by_their_posterior() -> None:
    states = {**CALM, "systemically_unwell": "absent"}  # E12 cannot fire
    assert (
        triage(KB, states, rare(electrolyte_imbalance=0.05), {"electrolyte_imbalance": 0.4}).level
        == "self_care"
    )
    assert (
        triage(KB, states, rare(electrolyte_imbalance=0.35), {"electrolyte_imbalance": 0.4}).level == "urgent"
    )


@pytest.mark.parametrize(("posterior", "level"), [(0.5, "self_care"), (0.51, "soon")])
def test_a_cause_more_likely_than_not_gives_at_least_its_level(posterior: float, level: str) -> None:
    kb = with_harm(
        Harm("hip_joint_disease", 25.0, "soon", None, None, None, "slow", "It is slow.", ("K002",))
    )
    found = triage(kb, CALM, rare(hip_joint_disease=posterior))
    assert found.level == level
    assert [reason.kind for reason in found.reasons] == (["likely"] if level == "soon" else ["no_warning"])


def test_the_residual_cause_can_raise_the_level() -> None:
    found = triage(KB, CALM, rare(other_cause=0.55))
    assert found.level == "soon"
    assert found.reasons[0].cause == "other_cause"


def with_harm(harm: Harm) -> KnowledgeBase:
    others = tuple(item for item in KB.harms if item.cause != harm.cause)
    return dataclasses.replace(KB, harms=(*others, harm))


# ---- self-care -----------------------------------------------------------------------------------


def test_nothing_known_of_the_complaint_is_at_least_soon_with_the_reason() -> None:
    for states in ({}, {"age_band": "18-39", "sex": "female"}):
        found = triage(KB, states, rare())
        assert found.level == "soon"
        assert [reason.kind for reason in found.reasons] == ["no_finding"]
    for states in ({"bruising": "present"}, dict.fromkeys(["bruising", "numbness", "fever"], "absent")):
        assert [reason.kind for reason in triage(KB, states, rare()).reasons] == ["no_finding"]
    calm = triage(KB, CALM, rare())
    assert (calm.level, [reason.kind for reason in calm.reasons]) == ("self_care", ["no_warning"])


def test_self_care_is_refused_while_an_emergency_could_still_stand_behind_it() -> None:
    """Electrolyte imbalance: no member of must_not_miss, lowest threshold 0.12, suspect of E12."""
    posterior, upper = rare(electrolyte_imbalance=0.05), {"electrolyte_imbalance": 0.13}
    open_still = triage(KB, CALM, posterior, upper)
    assert open_still.level == "soon"
    (reason,) = open_still.reasons
    assert (reason.kind, reason.rule, reason.cause) == ("open_question", "E12", "electrolyte_imbalance")
    assert reason.figures == {"posterior": 0.05, "upper": 0.13, "threshold": 0.12}
    ruled_out = triage(KB, {**CALM, "systemically_unwell": "absent"}, posterior, upper)
    assert ruled_out.level == "self_care"
    unlikely = triage(KB, CALM, posterior, {"electrolyte_imbalance": 0.11})
    assert unlikely.level == "self_care"


def test_a_likely_harmless_cause_is_the_reason_for_self_care_only() -> None:
    at_home = triage(KB, CALM, rare(hamstring_strain=0.9))
    assert (at_home.level, at_home.reasons[0].kind) == ("self_care", "likely")
    raised = triage(KB, {**CALM, "fever": "present"}, rare(hamstring_strain=0.9))
    assert {reason.level for reason in raised.reasons} == {"soon"}


# ---- open questions ------------------------------------------------------------------------------


def test_open_questions_come_by_level_and_weight_and_lead_somewhere() -> None:
    found = open_questions(KB, CALM, "self_care")
    keys = [(rank(question.level), question.weight) for question in found]
    assert keys == sorted(keys, reverse=True)
    assert found[0].level == "emergency"
    by_id = {variable.id: variable for variable in VARIABLES}
    for question in found:
        assert question.question == by_id[question.variable].question
        assert question.rules
        assert question.raises == (rank(question.level) > 0)


def test_a_question_that_does_not_apply_is_not_open() -> None:
    asked = {q.variable for q in open_questions(KB, {"sex": "male", "leg_swelling": "absent"}, "self_care")}
    assert not asked & {"pregnancy", "postpartum", "one_leg_swollen"}


def test_a_question_whose_condition_is_open_gives_way_to_the_condition() -> None:
    asked = {q.variable for q in open_questions(KB, {}, "self_care")}
    assert "leg_swelling" in asked
    assert "one_leg_swollen" not in asked
    asked = {q.variable for q in open_questions(KB, {"leg_swelling": "present"}, "self_care")}
    assert "one_leg_swollen" in asked


def test_no_way_through_what_will_not_be_answered_counts() -> None:
    without = open_questions(
        KB, {}, "self_care", unanswerable={"post_void_residual_raised", "bladder_dysfunction"}
    )
    assert not {"post_void_residual_raised", "bladder_dysfunction"} & {q.variable for q in without}
    everything = open_questions(KB, {}, "self_care")
    assert {q.variable for q in without} < {q.variable for q in everything}


# ---- random evidence -----------------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, float], dict[str, float]]:
    """Blind evidence, mostly absent, with posteriors and bounds of any size."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.02, 0.1, 0.5, 0.9]))
    bent = draw(st.sampled_from([0.02, 0.1, 0.4]))
    states = {
        v.id: v.states[0] if rng.random() > bent else str(rng.choice(v.states))
        for v in VARIABLES
        if rng.random() < density
    }
    posterior = 10 ** rng.uniform(-6, draw(st.sampled_from([-3.0, -1.5, 0.0])), len(CAUSES))
    upper = 1 - (1 - posterior) ** rng.uniform(1, 4, len(CAUSES))
    return (
        states,
        dict(zip(CAUSES, posterior.tolist(), strict=True)),
        dict(zip(CAUSES, upper.tolist(), strict=True)),
    )


@given(cases(), st.sampled_from(sorted(RULES)), st.integers(0, 10))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_finding_that_fires_a_rule_never_lowers_the_level_below_it(
    case: tuple[dict[str, str], dict[str, float], dict[str, float]], rule_id: str, place: int
) -> None:
    states, posterior, upper = case
    some = list(itertools.islice(ways(parse_expression(RULES[rule_id].when)), 11))
    found = triage(KB, states | some[place % len(some)], posterior, upper)
    assert rule_id in found.fired
    assert rank(found.level) >= rank(RULES[rule_id].level)


@given(cases())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_more_knowledge_never_stops_a_rule_that_fired(
    case: tuple[dict[str, str], dict[str, float], dict[str, float]],
) -> None:
    states, posterior, upper = case
    fewer = dict(itertools.islice(states.items(), len(states) // 2))
    assert set(triage(KB, fewer, posterior, upper).fired) <= set(triage(KB, states, posterior, upper).fired)


@given(cases())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_levels_follow_from_the_definitions(
    case: tuple[dict[str, str], dict[str, float], dict[str, float]],
) -> None:
    """The definition once more, from the tables alone."""
    states, posterior, upper = case
    must_not_miss = next(group.members for group in KB.groups if group.id == "must_not_miss")
    expected = 0
    for rule in KB.red_flags:
        if holds(parse_expression(rule.when), states) is True:
            expected = max(expected, rank(rule.level))
    for harm in KB.harms:
        figure = (upper if harm.cause in must_not_miss else posterior)[harm.cause]
        for level in ("soon", "urgent", "emergency"):
            limit = getattr(harm, f"threshold_{level}")
            if limit is not None and figure >= limit:
                expected = max(expected, rank(level))
        if posterior[harm.cause] > 0.5:
            expected = max(expected, rank(harm.level_if_likely))
    found = triage(KB, states, posterior, upper)
    refused = {reason.kind for reason in found.reasons} & {"open_question", "no_finding"}
    assert rank(found.level) == (1 if refused else expected)
    assert not (refused and expected)


def as_arrays(
    drawn: list[tuple[dict[str, str], dict[str, float], dict[str, float]]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = np.full((len(drawn), len(VARIABLES)), UNKNOWN, dtype=np.int8)
    for row, (states, _, _) in enumerate(drawn):
        for column, variable in enumerate(VARIABLES):
            if variable.id in states:
                codes[row, column] = variable.states.index(states[variable.id])
    posterior = np.array([[case[1][cause] for cause in CAUSES] for case in drawn])
    return codes, posterior, np.array([[case[2][cause] for cause in CAUSES] for case in drawn])


@given(st.lists(cases(), min_size=1, max_size=8), st.booleans())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_batch_equals_its_rows_alone(
    drawn: list[tuple[dict[str, str], dict[str, float], dict[str, float]]], with_upper: bool
) -> None:
    codes, posterior, upper = as_arrays(drawn)
    levels = triage_batch(KB, SHIPPED.vocabulary, codes, posterior, upper if with_upper else None)
    assert levels.dtype == np.int8
    for level, (states, chance, bound) in zip(levels, drawn, strict=True):
        assert LEVELS[level] == triage(KB, states, chance, bound if with_upper else None).level


def test_a_row_without_posteriors_has_no_level() -> None:
    codes = np.full((2, len(VARIABLES)), UNKNOWN, dtype=np.int8)
    posterior = np.full((2, len(CAUSES)), 1e-6)
    posterior[1] = np.nan
    assert triage_batch(KB, SHIPPED.vocabulary, codes, posterior).tolist() == [rank("soon"), NO_LEVEL]


# ---- the score for questions ---------------------------------------------------------------------


@given(cases(), st.lists(st.integers(0, len(VARIABLES) - 1), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_the_urgency_after_an_answer_is_that_of_the_case_with_the_answer(
    case: tuple[dict[str, str], dict[str, float], dict[str, float]], picked: list[int]
) -> None:
    states, posterior, _ = case
    codes, chance, _ = as_arrays([case])
    extra = [
        None,
        *((VARIABLES[i].id, VARIABLES[i].states[-1]) for i in picked if VARIABLES[i].id not in states),
    ]
    score = case_urgency(compile_triage(KB, SHIPPED.vocabulary), SHIPPED.vocabulary, codes[0])
    levels = score(np.repeat(chance, len(extra), axis=0), extra)
    for level, item in zip(levels, extra, strict=True):
        known = states if item is None else states | {item[0]: item[1]}
        assert LEVELS[int(level)] == triage(KB, known, posterior).level


def test_the_bound_after_an_answer_keeps_its_distance_on_the_odds_scale() -> None:
    plan = compile_triage(KB, SHIPPED.vocabulary)
    codes = np.full(len(VARIABLES), UNKNOWN, dtype=np.int8)
    for name, state in CALM.items():
        codes[SHIPPED.vocabulary.index[name]] = SHIPPED.variables[name].states.index(state)
    ratio = np.ones(len(CAUSES))
    ratio[CAUSES.index("cauda_equina_syndrome")] = 10
    posterior = np.array([list(rare(cauda_equina_syndrome=0.004).values())])  # odds 0.00402, times ten 0.0386
    extra = [("fever", "absent")]
    assert case_urgency(plan, SHIPPED.vocabulary, codes)(posterior, extra).tolist() == [0.0]
    assert case_urgency(plan, SHIPPED.vocabulary, codes, odds_ratio=ratio)(posterior, extra).tolist() == [2.0]


# ---- plain data ----------------------------------------------------------------------------------


def test_a_triage_is_plain_data(model: thighdx.Model) -> None:
    result = model.diagnose({"saddle_anesthesia": True, "leg_swelling": True})
    found = triage(KB, result._case.states, dict(result.posterior))
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again["level"] == "emergency"
    assert again["reasons"][0]["rule"] == "E01"
    assert again["reasons"][0]["findings"] == {"saddle_anesthesia": "present"}
    assert len(found.to_frame()) == len(found.reasons)
    assert found.deciding == found.reasons[:1]
    assert repr(found).startswith("Emergency: ")


def test_rules_without_a_suspect_and_models_without_harms_work(small_model: thighdx.Model) -> None:
    kb = dataclasses.replace(
        small_model.compiled.kb,
        harms=(),
        red_flags=(RedFlag("R9", "pain=severe", "emergency", "", "very bad", "It is very bad.", ("desk",)),),
    )
    posterior = dict.fromkeys(["strain", "nerve", "clot", "other_cause"], 0.9)
    assert triage(kb, {"pain": "severe"}, posterior).level == "emergency"
    assert triage(kb, {"bruising": "present"}, posterior).level == "soon"  # too little is known
    codes = np.full((1, len(small_model.vocabulary.variables)), UNKNOWN, dtype=np.int8)
    assert triage_batch(kb, small_model.vocabulary, codes, np.full((1, 4), 0.9)).tolist() == [1]
