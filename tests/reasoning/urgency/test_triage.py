"""How urgent: every rule of the shipped model, thresholds by hand, and what must never happen."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thighdx
from plain_cases import case_at
from reasoning.urgency.shipped import CALM, CAUSES, KB, SHIPPED, VARIABLES, Case, cases, rank, rare
from thighdx.evidence.batch import UNKNOWN
from thighdx.kb.expressions import AllOf, Expression, Is, holds, parse_expression
from thighdx.kb.records import LEVELS, Harm, KnowledgeBase, RedFlag
from thighdx.reasoning.urgency.levels import MIN_FINDINGS, NO_LEVEL, UrgencyRules, counted, urgency_after
from thighdx.reasoning.urgency.triage import Triage, triage

RULES = {rule.id: rule for rule in KB.red_flags}
ALARMS = [(variable.id, state) for variable in VARIABLES for state in variable.alarms]
URGENCY = UrgencyRules.of(KB)


def judge(states: Mapping[str, str], posterior: Mapping[str, float], kb: KnowledgeBase = KB) -> Triage:
    return triage(case_at(SHIPPED, states, posterior, kb))


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
        found = judge(way, rare())
        assert rule_id in found.fired
        assert rank(found.level) >= rank(rule.level)
        reason = next(reason for reason in found.reasons if reason.rule == rule_id)
        assert (reason.kind, reason.level, reason.cause) == ("rule", rule.level, rule.suspect)
        assert reason.sources == rule.sources != ()
        assert reason.words == rule.words
        assert way.items() >= dict(reason.findings).items()
        assert holds(parse_expression(rule.when), reason.findings) is True
    assert rule_id not in judge({}, rare()).fired


def test_the_shipped_model_has_51_rules() -> None:
    assert len(RULES) == 51


def test_virtual_evidence_fires_no_rule(model: thighdx.Model) -> None:
    result = model.diagnose({"saddle_anesthesia": {"absent": 0.001, "present": 0.999}})
    found = triage(result._case)
    assert found.fired == ()
    assert "saddle_anesthesia" in [question.variable for question in found.unanswered]


def test_unknown_values_change_nothing(model: thighdx.Model) -> None:
    known = {"bruising": True, "onset": "sudden"}
    blank = dict.fromkeys(model.variables, None) | known
    plain, padded = (model.diagnose(findings) for findings in (known, blank))
    found = [triage(result._case) for result in (plain, padded)]
    assert found[0] == found[1]


# ---- thresholds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("posterior", "level", "shown"),
    [
        (0.0039, "self_care", 0.0116),
        (0.0041, "soon", 0.0122),  # three times the odds: 0.0122, from 0.012
        (0.0101, "soon", 0.0297),
        (0.0103, "urgent", 0.0303),  # from 0.03
        (0.0599, "urgent", 0.1605),  # three times the odds would be an emergency from 0.06 on
        (0.06, "emergency", 0.1607),
    ],
)
def test_what_must_not_be_missed_counts_at_three_times_its_odds_but_for_an_emergency(
    posterior: float, level: str, shown: float
) -> None:
    assert counted(posterior, 3.0) == pytest.approx(shown, abs=5e-5)
    found = judge(CALM, rare(cauda_equina_syndrome=posterior))
    assert found.level == level
    if level != "self_care":
        (reason,) = found.reasons
        assert (reason.kind, reason.cause) == ("threshold", "cauda_equina_syndrome")
        assert reason.figures["threshold"] <= max(posterior, reason.figures.get("counted", 0.0))
        assert reason.sources


def test_a_reason_says_plainly_how_a_cause_was_counted() -> None:
    (reason,) = judge(CALM, rare(deep_vein_thrombosis=0.04)).reasons
    assert reason.words.startswith(
        "Deep vein thrombosis: 4.0%; counted at 3 times its odds because it must not be missed: 11.1%; "
        "from 8%: soon. A clot can travel"
    )
    assert reason.figures == {"posterior": 0.04, "counted": counted(0.04, 3.0), "threshold": 0.08}
    (plain,) = judge(CALM, rare(deep_vein_thrombosis=0.2)).reasons
    assert plain.words.startswith("Deep vein thrombosis: 20.0%; from 12.5%: urgent. ")
    assert "counted" not in plain.figures


def test_a_cause_may_have_a_factor_of_its_own_with_its_reason() -> None:
    own = Harm(
        "hip_joint_disease", 25.0, "self_care", None, None, 0.5, "slow", "It is slow.", ("K002",),
        odds_factor=2.5, odds_reason="it hides a dying bone",
    )  # fmt: skip
    found = judge(CALM, rare(hip_joint_disease=0.3), with_harm(own))  # 2.5 times the odds: 0.517
    assert found.level == "soon"
    assert "counted at 2.5 times its odds because it hides a dying bone: 51.7%; from 50%: soon" in str(
        found.reasons[0].words
    )


def test_other_causes_are_judged_by_their_posterior() -> None:
    assert judge(CALM, rare(electrolyte_imbalance=0.11)).level == "self_care"
    assert judge(CALM, rare(electrolyte_imbalance=0.12)).level == "soon"
    assert judge(CALM, rare(electrolyte_imbalance=0.35)).level == "urgent"


def test_what_can_wait_for_weeks_is_routine() -> None:
    found = judge(CALM, rare(fibromyalgia=0.6))
    assert (found.level, found.reasons[0].kind) == ("routine", "likely")
    assert found.words.startswith("Routine: ")
    by_threshold = judge(CALM, rare(peripheral_artery_disease=0.2))
    assert (by_threshold.level, by_threshold.reasons[0].figures["threshold"]) == ("routine", 0.15)
    rule = RedFlag("R1", "bruising=present", "routine", "", "look at it some day", "Look at it.", ("K002",))
    kb = dataclasses.replace(KB, red_flags=(rule,))
    assert judge(CALM, rare(), kb).level == "routine"
    little = {"bruising": "present"}  # too little is known to leave it for weeks
    assert judge(little, rare(), kb).level == "soon"


@pytest.mark.parametrize(("posterior", "level"), [(0.5, "self_care"), (0.51, "soon")])
def test_a_cause_more_likely_than_not_gives_at_least_its_level(posterior: float, level: str) -> None:
    kb = with_harm(
        Harm("hip_joint_disease", 25.0, "soon", None, None, None, "slow", "It is slow.", ("K002",))
    )
    found = judge(CALM, rare(hip_joint_disease=posterior), kb)
    assert found.level == level
    assert [reason.kind for reason in found.reasons] == (["likely"] if level == "soon" else ["no_warning"])


def test_the_residual_cause_can_raise_the_level() -> None:
    found = judge(CALM, rare(other_cause=0.55))
    assert found.level == "soon"
    assert found.reasons[0].cause == "other_cause"


def with_harm(harm: Harm) -> KnowledgeBase:
    others = tuple(item for item in KB.harms if item.cause != harm.cause)
    return dataclasses.replace(KB, harms=(*others, harm))


# ---- self-care -----------------------------------------------------------------------------------


def test_nothing_known_of_the_complaint_is_at_least_soon_with_the_reason() -> None:
    for states in ({}, {"age_band": "18-39", "sex": "female"}):
        found = judge(states, rare())
        assert found.level == "soon"
        assert [reason.kind for reason in found.reasons] == ["no_finding"]
    for states in ({"bruising": "present"}, dict.fromkeys(["bruising", "numbness", "fever"], "absent")):
        assert [reason.kind for reason in judge(states, rare()).reasons] == ["no_finding"]
    calm = judge(CALM, rare())
    assert (calm.level, [reason.kind for reason in calm.reasons]) == ("self_care", ["no_warning"])


@pytest.mark.parametrize(("variable", "state"), ALARMS)
def test_a_finding_that_alarms_by_itself_is_at_least_soon_and_says_so(variable: str, state: str) -> None:
    found = judge({**CALM, variable: state}, rare(hamstring_strain=0.9))
    assert rank(found.level) >= rank("soon")
    assert any(reason.findings.get(variable) == state for reason in found.reasons)


def test_findings_that_alarm_stand_in_one_reason_beside_those_a_rule_names() -> None:
    states = {**CALM, "reduced_leg_pulses": "present", "pain_out_of_proportion": "present"}
    (reason,) = judge({**states, "pain_severity": "moderate"}, rare()).reasons
    assert (reason.kind, reason.level) == ("alarm", "soon")
    assert set(reason.findings) == {"reduced_leg_pulses", "pain_out_of_proportion"}
    found = judge({**states, "pain_severity": "severe"}, rare())  # U07 names the pain
    assert [reason.kind for reason in found.reasons] == ["rule", "alarm"]
    assert set(found.reasons[1].findings) == {"reduced_leg_pulses"}


def test_weak_pulses_added_to_a_weak_knee_lower_nothing(model: thighdx.Model) -> None:
    known = {"knee_flexion_weakness": "present", "bruising": "absent"}
    before = model.diagnose(known, setting="sports_clinic").triage
    after = model.diagnose({**known, "reduced_leg_pulses": "present"}, setting="sports_clinic").triage
    assert before.level == "soon"
    assert rank(after.level) >= rank("soon")


def test_a_likely_harmless_cause_is_the_reason_for_self_care_only() -> None:
    at_home = judge(CALM, rare(hamstring_strain=0.9))
    assert (at_home.level, at_home.reasons[0].kind) == ("self_care", "likely")
    raised = judge({**CALM, "fever": "present"}, rare(hamstring_strain=0.9))
    assert {reason.level for reason in raised.reasons} == {"soon"}


# ---- random evidence -----------------------------------------------------------------------------


@given(cases(), st.sampled_from(sorted(RULES)), st.integers(0, 10))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_finding_that_fires_a_rule_never_lowers_the_level_below_it(
    case: Case, rule_id: str, place: int
) -> None:
    states, posterior = case
    some = list(itertools.islice(ways(parse_expression(RULES[rule_id].when)), 11))
    found = judge(states | some[place % len(some)], posterior)
    assert rule_id in found.fired
    assert rank(found.level) >= rank(RULES[rule_id].level)


@given(cases())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_more_knowledge_never_stops_a_rule_that_fired(case: Case) -> None:
    states, posterior = case
    fewer = dict(itertools.islice(states.items(), len(states) // 2))
    assert set(judge(fewer, posterior).fired) <= set(judge(states, posterior).fired)


def simulated(model: thighdx.Model, seed: int) -> tuple[dict[str, object], str]:
    """What is known of a few signs of a simulated patient, and where the patient is seen."""
    rng = np.random.default_rng(seed)
    setting = str(rng.choice(model.settings))
    row = model.simulate(1, seed=seed, setting=setting).iloc[0]
    names = rng.permutation([v.id for v in model.vocabulary.variables if v.id in row.index])
    return {str(name): row[name] for name in names[: rng.integers(0, 25)]}, setting


@given(st.integers(0, 2**32 - 1), st.sampled_from(ALARMS))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_a_finding_that_alarms_never_lowers_a_case_to_weeks_or_home(
    seed: int, alarm: tuple[str, str]
) -> None:
    known, setting = simulated(SHIPPED, seed)
    name, state = alarm
    known.pop(name, None)
    more: Triage = SHIPPED.diagnose({**known, name: state}, setting=setting).triage
    assert rank(more.level) >= rank("soon")


@given(cases())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_levels_follow_from_the_definitions(case: Case) -> None:
    """The definition once more, from the tables alone."""
    states, posterior = case
    must_not_miss = next(group.members for group in KB.groups if group.id == "must_not_miss")
    expected = 0
    for rule in KB.red_flags:
        if holds(parse_expression(rule.when), states) is True:
            expected = max(expected, rank(rule.level))
    for harm in KB.harms:
        chance = posterior[harm.cause]
        for level in ("routine", "soon", "urgent", "emergency"):
            limit = getattr(harm, f"threshold_{level}")
            is_cautious = harm.cause in must_not_miss and level != "emergency"
            odds = (3 if is_cautious else 1) * chance / (1 - chance)
            if limit is not None and odds / (1 + odds) >= limit:
                expected = max(expected, rank(level))
        if chance > 0.5:
            expected = max(expected, rank(harm.level_if_likely))
    if any(states.get(name) == state for name, state in ALARMS):
        expected = max(expected, rank("soon"))
    complaint = {v.id: v for v in VARIABLES if v.layer in ("finding", "test") and v.id in states}
    if len(complaint) < MIN_FINDINGS or all(states[name] == v.states[0] for name, v in complaint.items()):
        expected = max(expected, rank("soon"))
    found = judge(states, posterior)
    assert rank(found.level) == expected
    assert found.deciding


def as_arrays(drawn: list[Case]) -> tuple[np.ndarray, np.ndarray]:
    codes = np.full((len(drawn), len(VARIABLES)), UNKNOWN, dtype=np.int8)
    for row, (states, _) in enumerate(drawn):
        for column, variable in enumerate(VARIABLES):
            if variable.id in states:
                codes[row, column] = variable.states.index(states[variable.id])
    return codes, np.array([[case[1][cause] for cause in CAUSES] for case in drawn])


@given(st.lists(cases(), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_batch_equals_its_rows_alone(drawn: list[Case]) -> None:
    levels = URGENCY.levels(*as_arrays(drawn))
    assert levels.dtype == np.int8
    for level, (states, chance) in zip(levels, drawn, strict=True):
        assert LEVELS[level] == judge(states, chance).level


def test_levels_do_not_depend_on_the_rows_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    codes = np.stack([rng.integers(-1, len(v.states), 50) for v in VARIABLES], axis=1).astype(np.int8)
    codes[rng.random(codes.shape) < 0.96] = UNKNOWN
    posterior = 10 ** rng.uniform(-6, -2, (50, len(CAUSES)))
    at_once = URGENCY.levels(codes, posterior)
    monkeypatch.setattr("thighdx.reasoning.urgency.levels.ROWS_AT_ONCE", 7)
    assert (URGENCY.levels(codes, posterior) == at_once).all()
    assert len(set(at_once.tolist())) >= 3


def test_a_row_without_posteriors_has_no_level() -> None:
    codes = np.full((2, len(VARIABLES)), UNKNOWN, dtype=np.int8)
    posterior = np.full((2, len(CAUSES)), 1e-6)
    posterior[1] = np.nan
    assert URGENCY.levels(codes, posterior).tolist() == [rank("soon"), NO_LEVEL]


def test_a_rule_may_ask_for_a_cause_that_is_given(model: thighdx.Model) -> None:
    rule = RedFlag("R1", "hamstring_strain=present and bruising=present", "urgent", "", "x", "X.", ("K002",))
    kb = dataclasses.replace(KB, red_flags=(rule,))
    given_strain = {"hamstring_strain": True, **CALM}
    result = model.diagnose(given_strain)
    assert triage(case_at(SHIPPED, result._case.states, dict(result.posterior), kb)).fired == ("R1",)
    batch = result._case.batch
    posterior = np.array([[result.posterior[cause] for cause in CAUSES]])
    rules = UrgencyRules.of(kb)
    assert rules.levels(batch.codes, posterior, batch.given).tolist() == [rank("urgent")]
    assert rules.levels(batch.codes, posterior).tolist() != [rank("urgent")]


# ---- the score for questions ---------------------------------------------------------------------


@given(cases(), st.lists(st.integers(0, len(VARIABLES) - 1), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_the_urgency_after_an_answer_is_that_of_the_case_with_the_answer(
    case: Case, picked: list[int]
) -> None:
    states, posterior = case
    chance = as_arrays([case])[1]
    extra = [
        None,
        *((VARIABLES[i].id, VARIABLES[i].states[-1]) for i in picked if VARIABLES[i].id not in states),
    ]
    score = urgency_after(case_at(SHIPPED, states, posterior))
    levels = score(np.repeat(chance, len(extra), axis=0), extra)
    for level, item in zip(levels, extra, strict=True):
        known = states if item is None else states | {item[0]: item[1]}
        assert LEVELS[int(level)] == judge(known, posterior).level


# ---- plain data ----------------------------------------------------------------------------------


def test_a_triage_is_plain_data(model: thighdx.Model) -> None:
    result = model.diagnose({"saddle_anesthesia": True, "leg_swelling": True})
    found = triage(result._case)
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
    for states, level in (
        ({"pain": "severe"}, "emergency"),
        ({"bruising": "present"}, "soon"),
    ):  # little is known
        assert triage(case_at(small_model, states, posterior, kb)).level == level
    codes = np.full((1, len(small_model.vocabulary.variables)), UNKNOWN, dtype=np.int8)
    assert UrgencyRules.of(kb).levels(codes, np.full((1, 4), 0.9)).tolist() == [rank("soon")]
