"""The answer about one case: its probabilities, its plain data, its words."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
from thighdx.errors import ImpossibleEvidenceError, OptionError, UnknownNameError
from thighdx.model import Model
from thighdx.result import RESULT_FORMAT, Result

CASE = {
    "onset": "sudden",
    "bruising": True,
    "numbness": False,
    "age": 34,
    "muscle_weakness": {"none": 0.1, "mild": 0.6, "marked": 0.3},
}


@pytest.fixture(scope="module")
def result(model: Model) -> Result:
    return model.diagnose(CASE, setting="sports_clinic")


@pytest.fixture(scope="module")
def empty(model: Model) -> Result:
    return model.diagnose({})


# ---- nothing known ----------------------------------------------------------------------------------


def test_without_findings_the_posterior_is_the_prior(model: Model) -> None:
    for setting in model.settings:
        nothing = model.diagnose({}, setting=setting)
        assert nothing.log_evidence == 0
        assert nothing.evidence == {}
        assert nothing.posterior.to_dict() == pytest.approx(nothing.prior.to_dict(), rel=1e-13)


def test_most_of_the_prior_is_on_one_cause_and_about_a_tenth_on_two(model: Model) -> None:
    # shares sum to 1.08-1.16, and what is above 1 is on two causes
    for setting in model.settings:
        sizes = [0.0, 0.0]
        for item in model.diagnose({}, setting=setting).explanations(10_000):
            sizes[len(item.causes) - 1] += item.probability
        assert 0.84 < sizes[0] < 0.92
        assert 0.08 < sizes[1] < 0.16


# ---- probabilities ----------------------------------------------------------------------------------


def test_the_posterior_is_a_sorted_series_of_every_cause(model: Model, result: Result) -> None:
    posterior = result.posterior
    assert isinstance(posterior, pd.Series)
    assert posterior.dtype == np.float64
    assert posterior.index.name == "cause"
    assert set(posterior.index) == set(model.causes)
    assert posterior.is_monotonic_decreasing
    assert posterior.between(0, 1).all()
    assert posterior.sum() >= 1  # at least one cause is there


def test_the_prior_comes_in_the_order_of_the_posterior(model: Model, result: Result) -> None:
    assert list(result.prior.index) == list(result.posterior.index)
    assert result.prior.to_dict() == pytest.approx(
        model.diagnose({}, setting="sports_clinic").prior.to_dict(), rel=1e-13
    )


def test_explanations_come_sorted_and_make_up_the_posterior(model: Model, result: Result) -> None:
    every = result.explanations(10_000)
    assert len(every) == 1_225
    probabilities = [item.probability for item in every]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=floats.SUMS_TO_ONE)
    assert {len(item.causes) for item in every} == {1, 2}
    assert len({frozenset(item.causes) for item in every}) == 1_225
    summed = dict.fromkeys(model.causes, 0.0)
    for item in every:
        for cause in item.causes:
            summed[cause] += item.probability
    assert summed == pytest.approx(result.posterior.to_dict(), rel=1e-9)


def test_the_first_explanations_are_the_first_of_all(result: Result) -> None:
    assert result.explanations() == result.explanations(10_000)[:5]
    assert sum(item.probability for item in result.explanations(5)) <= 1
    (best,) = result.explanations(1)
    assert best.causes == ("hamstring_strain",)


@pytest.mark.parametrize("n", [0, -1])
def test_no_explanation_or_cause_at_all_cannot_be_asked_for(result: Result, n: int) -> None:
    with pytest.raises(OptionError, match=f"n: got {n}, expected 1 or more"):
        result.explanations(n)
    with pytest.raises(OptionError, match=f"n: got {n}, expected 1 or more"):
        result.top(n)


def test_what_the_list_leaves_out_is_in_the_posterior_and_never_ranked(model: Model) -> None:
    vague = model.diagnose(dict.fromkeys(["muscle_cramp", "leg_swelling", "bruising", "numbness"], False))
    assert vague.posterior["other_cause"] > 0
    assert "other_cause" not in vague.top(49).index
    assert len(vague.top(49)) == 48
    assert list(vague.top(4).index) == [c for c in vague.posterior.index if c != "other_cause"][:4]
    forced = model.diagnose({"other_cause": True})
    assert forced.posterior.index[0] == "other_cause"
    assert "other_cause" not in forced.top().index
    assert "other_cause" not in repr(forced).split("known:")[1].replace("other_cause=present", "")


def test_a_group_is_the_probability_of_any_member(model: Model, result: Result) -> None:
    every = result.explanations(10_000)
    assert list(result.groups.index) == list(model.groups)
    for group, members in model.groups.items():
        expected = sum(item.probability for item in every if set(item.causes) & set(members))
        assert result.groups[group] == pytest.approx(expected, rel=1e-9)
        largest = max(result.posterior[member] for member in members)
        assert largest <= result.groups[group] * (1 + 1e-12)
        assert result.groups[group] <= sum(result.posterior[member] for member in members) * (1 + 1e-12)


def test_probabilities_of_unknown_and_known_variables_are_distributions(model: Model, result: Result) -> None:
    for name, variable in [*model.variables.items()][::8]:
        table = result.probabilities(name)
        assert tuple(table.index) == variable.states
        assert table.name == name
        assert table.sum() == pytest.approx(1, abs=1e-11)
        assert table.between(0, 1 + 1e-12).all()
    assert result.probabilities("bruising").to_dict() == {"absent": 0.0, "present": 1.0}
    assert result.probabilities("age_band")["18-39"] == 1


@pytest.mark.parametrize("name", ["brusing", "hamstring_strain"])
def test_probabilities_of_something_unknown_are_refused(result: Result, name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown variable '{name}'; "):
        result.probabilities(name)


def test_the_probability_of_an_answer_is_what_it_adds_to_the_evidence(model: Model) -> None:
    """P(s | e) = P(e, s) / P(e), for every state, contexts of the joint block included."""
    case = {"onset": "sudden", "sex": "female"}
    before = model.diagnose(case)
    for name in ("bruising", "pain_severity", "activity_level", "pregnancy", "age_band", "d_dimer_raised"):
        for state, probability in before.probabilities(name).items():
            after = model.diagnose({**case, name: state})
            assert after.log_evidence - before.log_evidence == pytest.approx(math.log(probability), abs=1e-10)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ({}, "bruising"),
        ({"sex": "female", "muscle_cramp": True}, "pregnancy"),
        ({"pregnancy": "none"}, "age_band"),
        ({"onset": "sudden", "leg_swelling": True}, "pain_severity"),
        ({"numbness": {"absent": 1, "present": 4}, "dehydration": False}, "straight_leg_raise"),
        ({"low_back_pain": True}, "lumbar_disc_herniation"),
    ],
)
def test_posteriors_averaged_over_an_answer_give_back_the_posterior_before_it(
    model: Model, case: dict, name: str
) -> None:
    before = model.diagnose(case)
    mean = pd.Series(0.0, index=before.posterior.index)
    for state, probability in before.probabilities(name).items():
        mean = mean + probability * model.diagnose({**case, name: state}).posterior[mean.index]
    assert mean.to_dict() == pytest.approx(before.posterior.to_dict(), rel=1e-9)


answers = st.sampled_from(
    ["bruising", "muscle_cramp", "numbness", "onset", "sex", "pregnancy", "pain_severity"]
)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(data=st.data())
def test_the_law_of_total_probability_holds_after_any_evidence(model: Model, data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(sorted(model.variables)), unique=True, max_size=5))
    case = {name: data.draw(st.sampled_from(model.variables[name].states)) for name in known}
    try:
        before = model.diagnose(case)
    except ImpossibleEvidenceError:
        return
    name = data.draw(st.sampled_from([n for n in sorted(model.variables) if n not in case]))
    states = before.probabilities(name)
    possible = states[states > 0]
    posteriors = [model.diagnose({**case, name: str(state)}).posterior for state in possible.index]
    mean = sum(
        p * posterior[before.posterior.index] for p, posterior in zip(possible, posteriors, strict=True)
    )
    assert mean.to_dict() == pytest.approx(before.posterior.to_dict(), rel=1e-9, abs=1e-300)


# ---- plain data -------------------------------------------------------------------------------------


def test_the_evidence_is_plain_data_in_the_words_of_the_model(result: Result) -> None:
    assert result.evidence == {
        "age_band": "18-39",
        "onset": "sudden",
        "numbness": "absent",
        "bruising": "present",
        "muscle_weakness": {"none": 0.1, "mild": 0.6, "marked": 0.3},
    }


def test_changing_what_a_result_hands_out_does_not_change_the_result(model: Model) -> None:
    result = model.diagnose(CASE)
    before = result.to_dict()
    result.evidence["muscle_weakness"]["none"] = 99
    result.evidence["onset"] = "gradual"
    for handed_out in (result.posterior, result.prior, result.groups, result.probabilities("onset")):
        handed_out.iloc[:] = 0
    result.to_dict()["posterior"].clear()
    assert result.to_dict() == before


def test_the_case_given_by_the_caller_is_not_changed_and_not_kept(model: Model) -> None:
    weights = {"none": 0.1, "mild": 0.6, "marked": 0.3}
    case = {"muscle_weakness": weights, "age": 34}
    result = model.diagnose(case)
    assert case == {"muscle_weakness": {"none": 0.1, "mild": 0.6, "marked": 0.3}, "age": 34}
    before = result.to_dict()
    weights["none"] = 5
    assert result.to_dict() == before


def test_the_dict_is_versioned_plain_and_complete(model: Model, result: Result) -> None:
    data = result.to_dict()
    assert list(data) == [
        "format",
        "format_version",
        "thighdx_version",
        "model",
        "setting",
        "evidence",
        "log_evidence",
        "warnings",
        "posterior",
        "prior",
        "groups",
        "explanations",
        "triage",
        "management",
        "fit",
        "disclaimer",
    ]
    assert (data["format"], data["format_version"]) == ("thighdx.result", RESULT_FORMAT)
    assert data["model"] == {
        "name": "posterior_thigh",
        "version": model.version,
        "digest": model.digest,
        "max_causes": 2,
        "rebased": {},
    }
    assert data["setting"] == "sports_clinic"
    assert list(data["posterior"]) == list(result.posterior.index)
    assert data["posterior"] == result.posterior.to_dict()
    assert data["log_evidence"] == result.log_evidence
    assert data["explanations"][0]["causes"] == ["hamstring_strain"]
    assert "not reviewed by clinicians" in data["disclaimer"]
    assert json_types(data) <= {dict, list, str, float, int, bool, type(None)}


def json_types(value: object) -> set[type]:
    """The types of a nested value; subclasses count as themselves."""
    if type(value) is dict:
        return {dict, *map(type, value)}.union(*map(json_types, value.values()))
    if type(value) is list:
        return {list}.union(*map(json_types, value))
    return {type(value)}


def test_json_reads_back_as_the_same_data(model: Model, result: Result) -> None:
    assert json.loads(result.to_json()) == result.to_dict()
    assert json.loads(result.to_json(indent=2)) == result.to_dict()
    assert "\n" not in result.to_json()
    child = model.diagnose({"age": 10})
    (warning,) = json.loads(child.to_json())["warnings"]
    assert warning["code"] == "outside_population"
    assert warning["message"].startswith("age 10: ")


def test_a_pickled_result_says_the_same(result: Result) -> None:
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert again.probabilities("leg_swelling").equals(result.probabilities("leg_swelling"))


# ---- words ------------------------------------------------------------------------------------------


def test_the_repr_is_a_small_table_with_the_caveat(model: Model, result: Result) -> None:
    lines = repr(result).splitlines()
    assert lines[0] == (
        f"posterior_thigh {model.version}, sports_clinic; known: age_band=18-39, onset=sudden, "
        "numbness=absent, bruising=present, muscle_weakness=?"
    )
    assert lines[1].strip() == result.triage.words
    assert [line.split()[0] for line in lines[2:7]] == list(result.top(5).index)
    assert lines[2].split()[1] == f"{result.posterior.iloc[0]:.1%}"
    assert "before: " in lines[2]
    assert lines[-1].strip() == model.disclaimer


def test_the_repr_shows_warnings_and_says_when_nothing_is_known(model: Model, empty: Result) -> None:
    assert "known: nothing" in repr(empty)
    assert "  note: age 10: the model is about adults" in repr(model.diagnose({"age": 10}))


def test_nothing_that_is_possible_is_written_as_0_or_100_percent(model: Model) -> None:
    sure = repr(model.diagnose({"hamstring_strain": True, "stroke": False, "onset": "sudden"}))
    assert "100%" in sure  # it was said, so it is certain
    rare = repr(model.diagnose({"lumbar_radiculopathy": True, "numbness": True, "straight_leg_raise": True}))
    assert " 0.0%" not in rare
    assert "100.0%" not in rare


def test_a_result_cannot_be_changed(result: Result) -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'setting'"):
        result.setting = "x"  # type: ignore[misc]  # on purpose


# ---- what is asked, and what is at odds ---------------------------------------------------------------

SCIATICA = {"low_back_pain": True, "pain_radiates_below_knee": True, "tingling": True, "shooting_pain": True}


def test_in_an_emergency_nothing_is_asked_unless_a_tier_is_named(model: Model) -> None:
    result = model.diagnose(SCIATICA | {"saddle_anesthesia": True})
    assert list(result.next_questions()) == []
    assert "nothing more is asked before help comes" in repr(result.next_questions())
    assert len(result.next_questions(3, max_cost="cheap_test")) == 3


def test_alarm_questions_of_the_leading_cause_come_first(model: Model) -> None:
    result = model.diagnose(SCIATICA)
    first = [question.variable for question in result.next_questions(6)]
    assert first == [
        "saddle_anesthesia",
        "bladder_dysfunction",
        "bladder_hesitancy",
        "bowel_dysfunction",
        "bilateral_leg_neurology",
        "muscle_weakness",
    ]
    raising = [question.variable for question in result.triage.unanswered if question.raises]
    assert raising[:2] == first[:2]
    calf = model.diagnose({"calf_pain": True, "posterior_thigh_pain": True})
    assert "leg_swelling" in [question.variable for question in calf.next_questions(8)]


@pytest.mark.parametrize(
    ("setting", "costs"), [("self_report", {"ask"}), ("primary_care", {"ask", "examine"})]
)
def test_nothing_is_named_that_cannot_be_answered_in_the_setting(
    model: Model, setting: str, costs: set[str]
) -> None:
    result = model.diagnose(SCIATICA, setting=setting)
    assert {question.cost for question in result.triage.unanswered} == costs
    assert {question.cost for question in result.next_questions(1).ranking} == costs


@pytest.mark.parametrize(
    ("findings", "code", "words"),
    [
        ({"pain_severity": "none", "night_pain_unrelieved": True}, "contradiction", "No pain at all"),
        ({"night_pain_unrelieved": True, "relieved_by_rest": True}, "contradiction", "nothing relieves"),
        (
            {"anterior_thigh_pain": True, "posterior_thigh_pain": False, "buttock_pain": False},
            "outside_scope",
            "front",
        ),
        ({"chest_pain_or_dyspnea": True}, "outside_scope", "another kind of muscle"),
        ({"age": 15}, "outside_population", "18"),
    ],
)
def test_answers_at_odds_and_complaints_outside_the_model_are_pointed_out(
    model: Model, findings: dict[str, object], code: str, words: str
) -> None:
    found = [warning for warning in model.diagnose(findings).warnings if words in warning.message]
    assert [warning.code for warning in found] == [code]
    assert model.diagnose({"bruising": True, "pain_severity": "mild"}).warnings == ()
