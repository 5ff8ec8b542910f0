"""The front door: what may be said about a case, what comes back, and what is refused."""

from __future__ import annotations

import dataclasses
import math
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
import kb_builder
import thighdx
from thighdx.errors import (
    EvidenceError,
    ImpossibleEvidenceError,
    KnowledgeBaseError,
    ThighdxError,
    UnknownNameError,
)
from thighdx.model import Model

# so common that others must give way when one cause is said to be nearly certain
COMMON = ("muscle_imbalance", "lumbar_radiculopathy", "hamstring_strain", "sacroiliac_or_facet_pain")
CASE = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}


def same(expected: object) -> object:
    return pytest.approx(expected, rel=floats.SAME_BASE, abs=0)


# ---- loading ----------------------------------------------------------------------------------------


def test_the_shipped_model_says_what_it_is(model: Model) -> None:
    assert model.name == "posterior_thigh"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", model.version)
    assert re.fullmatch(r"[0-9a-f]{64}", model.digest)
    assert model.max_causes == 2
    assert model.default_setting == "primary_care"
    assert model.settings == (
        "self_report",
        "primary_care",
        "physiotherapy",
        "sports_clinic",
        "emergency_department",
    )
    assert "Not a medical device" in model.disclaimer
    assert "not reviewed by clinicians" in model.disclaimer
    assert len(model.causes) == 49
    assert len(model.variables) == 208
    assert not set(model.causes) & set(model.variables)
    assert model.rebased == {}


def test_the_repr_fits_on_two_lines_and_carries_the_caveat(model: Model) -> None:
    assert re.fullmatch(
        r"<thighdx\.Model posterior_thigh \S+ \([0-9a-f]{12}\): 49 causes, 208 variables, "
        r"1,225 explanations of up to 2 causes; not reviewed by clinicians>",
        repr(model),
    )


def test_an_unknown_model_is_named_with_the_shipped_ones() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no shipped model 'posterior_thig'; did you mean 'posterior_thigh'\?"
    ):
        thighdx.load_model("posterior_thig")
    with pytest.raises(UnknownNameError, match=r"no shipped model '\.\./data'; shipped: posterior_thigh"):
        thighdx.load_model("../data")


def test_a_folder_of_ones_own_is_read(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "mine")
    model = thighdx.read_model(str(folder))
    assert model.name == "small"
    assert list(model.causes) == ["strain", "nerve", "clot", "other_cause"]
    assert not (folder / "compiled.bin").exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="no such folder"):
        thighdx.read_model(tmp_path / "nowhere")


def test_a_broken_folder_reports_unreadable_cells_and_wrong_names_at_once(folder: Path) -> None:
    row = kb_builder.append(folder, "links.csv", "strain,tinglng,present,review,a,0.2,0.3,,2026-01-31,desk,")
    with pytest.raises(KnowledgeBaseError, match="2 problems") as caught:
        thighdx.read_model(folder)
    assert [str(problem) for problem in caught.value.problems] == [
        f"links.csv row {row}, q05: got 'a', expected a number",
        f"links.csv row {row}, variable: got 'tinglng', expected the id of a finding or test; "
        "did you mean 'tingling'?",
    ]


def test_a_cell_at_fault_is_reported_once(folder: Path) -> None:
    row = kb_builder.edit(folder, "links.csv", "present,panel,0.6,0.7,0.8", "present,panel,0.6,0.7,1.3")
    with pytest.raises(KnowledgeBaseError, match="1 problem") as caught:
        thighdx.read_model(folder)
    expected = "q95: got 1.3, expected a frequency in (0, 1); did you mean 0.013 (per cent)?"
    assert [str(problem) for problem in caught.value.problems] == [f"links.csv row {row}, {expected}"]


def test_another_number_of_causes_at_once_keeps_the_shares(small_model: Model, tmp_path: Path) -> None:
    three = thighdx.read_model(kb_builder.write_model(tmp_path / "m"), max_causes=3)
    assert three.max_causes == 3
    assert three.diagnose({}).prior.to_dict() == pytest.approx(
        small_model.diagnose({}).prior.to_dict(), abs=floats.MARGIN
    )
    assert len(three.diagnose({}).explanations(100)) == 4 + 6 + 4


@pytest.mark.parametrize(
    ("max_causes", "message"),
    [
        (1, r"with max_causes=1: .*\n.*expected more than 1 and less than max_causes = 1"),
        (0, r"model\.yaml, max_causes: got 0, expected 1 to 4 \(the number of causes\)"),
        (5, r"model\.yaml, max_causes: got 5, expected 1 to 4 \(the number of causes\)"),
    ],
)
def test_a_number_of_causes_that_cannot_be_is_refused(folder: Path, max_causes: int, message: str) -> None:
    with pytest.raises(KnowledgeBaseError, match=message):
        thighdx.read_model(folder, max_causes=max_causes)


def test_too_many_explanations_are_refused_before_any_work() -> None:
    with pytest.raises(
        KnowledgeBaseError, match=r"4 of 49 causes make 231,\d+ explanations, expected at most 200,000"
    ):
        thighdx.load_model(max_causes=4)


# ---- values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        True,
        1,
        1.0,
        np.True_,
        np.int8(1),
        np.float32(1),
        "present",
        "Present",
        " YES ",
        "true",
        "TRUE",
        "1",
        "positive",
        "Y",
        "t",
    ],
)
def test_every_word_for_present_means_present(model: Model, value: object) -> None:
    assert model.diagnose({"bruising": value}).evidence == {"bruising": "present"}
    assert model.diagnose({"d_dimer_raised": value}).evidence == {"d_dimer_raised": "positive"}


@pytest.mark.parametrize(
    "value",
    [
        False,
        0,
        0.0,
        -0.0,
        np.False_,
        np.int64(0),
        "absent",
        "Absent",
        "no",
        "FALSE",
        "0",
        "negative",
        "n",
        "F",
    ],
)
def test_every_word_for_absent_means_absent(model: Model, value: object) -> None:
    assert model.diagnose({"bruising": value}).evidence == {"bruising": "absent"}
    assert model.diagnose({"straight_leg_raise": value}).evidence == {"straight_leg_raise": "negative"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        math.nan,
        np.nan,
        np.float32("nan"),
        pd.NA,
        pd.NaT,
        "",
        "  ",
        "nan",
        "NA",
        "n/a",
        "null",
        "<NA>",
        "unknown",
        "Unknown ",
        "?",
        "-",
        "none",
        "None",
        "don't know",
    ],
)
def test_every_way_to_leave_a_value_out_means_unknown(model: Model, value: object) -> None:
    for name in ("bruising", "onset", "age", "age_band", "hamstring_strain"):
        result = model.diagnose({name: value})
        assert result.evidence == {}
        assert result.log_evidence == 0
        assert result.posterior.equals(model.diagnose({}).posterior)


@pytest.mark.parametrize(("word", "sex"), [("M", "male"), ("m", "male"), ("F", "female"), ("f", "female")])
def test_sex_may_be_a_letter(model: Model, word: str, sex: str) -> None:
    assert model.diagnose({"sex": word}).evidence == {"sex": sex}


@pytest.mark.parametrize("word", ["no", "No", "n", "false", False, "absent", "none"])
@pytest.mark.parametrize("name", ["muscle_weakness", "pregnancy", "pain_severity"])
def test_no_means_none_where_none_is_a_state(model: Model, name: str, word: object) -> None:
    assert model.diagnose({name: word}).evidence == {name: "none"}


@pytest.mark.parametrize("value", [0, "0", 0.0])
def test_a_number_is_never_the_state_none(model: Model, value: object) -> None:
    with pytest.raises(EvidenceError, match=r"pain_severity: got '?0(\.0)?'?, expected none, mild"):
        model.diagnose({"pain_severity": value})


@pytest.mark.parametrize("setting", ["Sports_Clinic", "sports clinic", " SPORTS-CLINIC "])
def test_a_setting_is_named_in_any_case(model: Model, setting: str) -> None:
    assert model.diagnose({}, setting=setting).setting == "sports_clinic"


@pytest.mark.parametrize(
    ("findings", "hint"),
    [
        ({"bruising": "not present"}, "or None for unknown"),
        ({"course": "unstable"}, "or None for unknown"),
        ({"bruising": "presnt"}, r"did you mean 'present'\?"),
        ({"slump": True}, r"did you mean 'slump_test'\?"),
        ({"pain": True}, r"did you mean one of '\w+', '\w+', '\w+', \.\.\.\?"),
    ],
)
def test_a_hint_never_says_the_opposite_or_something_far_off(model: Model, findings: dict, hint: str) -> None:
    with pytest.raises(EvidenceError, match=hint + "$"):
        model.diagnose(findings)


def test_a_state_is_named_in_any_case(model: Model) -> None:
    result = model.diagnose({"onset": "SUDDEN", "muscle_weakness": " mild", "sex": "Female"})
    assert result.evidence == {"sex": "female", "onset": "sudden", "muscle_weakness": "mild"}


def test_unknown_is_not_absent(model: Model) -> None:
    unknown = model.diagnose({"bruising": None}).posterior["thigh_contusion"]
    absent = model.diagnose({"bruising": False}).posterior["thigh_contusion"]
    present = model.diagnose({"bruising": True}).posterior["thigh_contusion"]
    assert absent < unknown < present


@pytest.mark.parametrize(
    ("findings", "message"),
    [
        ({"brusing": True}, r"unknown finding 'brusing': .*; did you mean 'bruising'\?"),
        ({"zzz": True}, r"unknown finding 'zzz': .*; see model\.variables and model\.causes"),
        ({3: True}, r"unknown finding 3: not in the vocabulary"),
        (
            {"onset": "suddn"},
            r"onset: got 'suddn', expected gradual, subacute, sudden, or None for unknown; did you "
            r"mean 'sudden'\?",
        ),
        ({"onset": True}, r"onset: got True, expected gradual, subacute, sudden"),
        ({"onset": 1}, r"onset: got 1, expected gradual, subacute, sudden"),
        ({"onset": "yes"}, r"onset: got 'yes', expected gradual, subacute, sudden"),
        (
            {"bruising": "a big one"},
            r"bruising: got 'a big one', expected absent, present \(or True/False, yes/no, 1/0\)",
        ),
        ({"bruising": "presnt"}, r"bruising: got 'presnt', .*did you mean 'present'\?"),
        ({"bruising": 2}, r"bruising: got 2, expected absent, present"),
        ({"bruising": 0.5}, r"bruising: got 0\.5, expected absent, present"),
        ({"bruising": -1}, r"bruising: got -1, expected absent, present"),
        ({"bruising": 10**400}, r"bruising: got 1000.*\.\.\., expected absent, present"),
        ({"bruising": math.inf}, r"bruising: got inf, expected absent, present"),
        ({"bruising": ["present"]}, r"bruising: got \['present'\], expected absent, present"),
        ({"bruising": b"present"}, r"bruising: got b'present', expected absent, present"),
        ({"bruising": object}, r"bruising: got <class 'object'>, expected absent, present"),
        (
            {"bruising": "x" * 10_000},
            r"bruising: got 'xxx.{80}?\.\.\., expected|bruising: got 'x+\.\.\., expected",
        ),
        ({"hamstring_strain": "maybe"}, r"hamstring_strain: got 'maybe', expected absent, present"),
        ({"age": -3}, r"age: got -3, expected 0 to 120 years"),
        ({"age": -0.5}, r"age: got -0\.5, expected 0 to 120 years"),
        ({"age": 120.5}, r"age: got 120\.5, expected 0 to 120 years"),
        ({"age": math.inf}, r"age: got inf, expected 0 to 120 years"),
        ({"age": 10**400}, r"age: got inf, expected 0 to 120 years"),
        ({"age": "thirty"}, r"age: got 'thirty', expected a number of years, or None for unknown"),
        ({"age": "34 weeks"}, r"age: got '34 weeks', expected a number of years"),
        ({"age": "3_4"}, r"age: got '3_4', expected a number of years"),
        ({"age": True}, r"age: got True, expected a number of years"),
        ({"age": np.True_}, r"age: got .*True.*, expected a number of years"),
        ({"age": [34]}, r"age: got \[34\], expected a number of years"),
        ({"age": 3 + 4j}, r"age: got \(3\+4j\), expected a number of years"),
        (
            {"age": 34, "age_band": "40-49"},
            r"age: got 34 years \(band 18-39\) and age_band 40-49; give one of them",
        ),
        (
            {"age": 34, "age_band": dict.fromkeys(["18-39", "40-49", "50-64", "65-79", "80+"], 1)},
            r"age: got 34 years \(band 18-39\) and age_band a likelihood; give one of them",
        ),
        ([("bruising", True)], r"evidence: got list, expected a mapping of finding to value"),
        ("bruising", r"evidence: got str, expected a mapping"),
        (None, r"evidence: got NoneType, expected a mapping"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_never_a_guess(
    model: Model, findings: dict, message: str
) -> None:
    with pytest.raises(EvidenceError, match=message) as caught:
        model.diagnose(findings)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "sport_clinic",
            r"setting: got 'sport_clinic', expected one of self_report, .*; did you mean 'sports_clinic'\?",
        ),
        ("", r"setting: got '', expected one of self_report"),
        (3, r"setting: got 3, expected one of self_report"),
        (["primary_care"], r"setting: got \['primary_care'\], expected one of"),
    ],
)
def test_an_unknown_setting_is_an_error(model: Model, setting: object, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        model.diagnose({}, setting=setting)  # type: ignore[arg-type]  # on purpose


def test_the_setting_changes_the_answer_and_is_recorded(model: Model) -> None:
    default = model.diagnose(CASE)
    assert default.setting == "primary_care"
    assert default.posterior.equals(model.diagnose(CASE, setting="primary_care").posterior)
    clinic = model.diagnose(CASE, setting="sports_clinic")
    assert clinic.setting == "sports_clinic"
    assert clinic.posterior["hamstring_strain"] > default.posterior["hamstring_strain"]


def test_every_deliberate_error_is_a_thighdx_error_and_a_builtin_one(model: Model) -> None:
    with pytest.raises(ThighdxError, match="unknown finding"):
        model.diagnose({"brusing": 1})
    with pytest.raises(ValueError, match="unknown finding"):
        model.diagnose({"brusing": 1})
    with pytest.raises(KeyError, match="unknown cause"):
        model.trace("hamstring_strane")


# ---- age --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (18, "18-39"),
        (39.99, "18-39"),
        (40, "40-49"),
        ("34", "18-39"),
        ("34 years", "18-39"),
        ("34 years old", "18-39"),
        ("70yo", "65-79"),
        ("40.5 yrs", "40-49"),
        (" 64.5 ", "50-64"),
        (np.int64(65), "65-79"),
        (Decimal("79.9"), "65-79"),
        (80, "80+"),
        (120, "80+"),
    ],
)
def test_age_in_years_is_floored_into_its_band(model: Model, age: object, band: str) -> None:
    result = model.diagnose({"age": age})
    assert result.evidence == {"age_band": band}
    assert result.posterior.equals(model.diagnose({"age_band": band}).posterior)


def test_a_child_is_scored_as_the_youngest_band_with_a_warning(model: Model) -> None:
    for age in (0, 5, 17.9):
        result = model.diagnose({"age": age})
        assert result.evidence == {"age_band": "18-39"}
        (warning,) = result.warnings
        assert warning.code == "outside_population"
        assert str(warning) == f"age {age:g}: the model is about adults; scored as age band 18-39"
    assert model.diagnose({"age": 18}).warnings == ()


def test_a_case_in_which_every_complaint_is_absent_is_outside_the_population(model: Model) -> None:
    absent = {"posterior_thigh_pain": False, "muscle_cramp": False}
    (warning,) = model.diagnose(absent).warnings
    assert (warning.code, str(warning)) == (
        "outside_population",
        "no pain in the back of the thigh or muscle cramp or spasm: the model is about people with one of them",
    )
    for known in ({"posterior_thigh_pain": False}, absent | {"muscle_cramp": True}):
        assert model.diagnose(known).warnings == ()
    copy = pickle.loads(pickle.dumps(model.vocabulary))
    assert copy.complaints == ("posterior_thigh_pain", "muscle_cramp")


def test_an_age_and_a_band_that_agree_are_fine(model: Model) -> None:
    assert model.diagnose({"age": 34, "age_band": "18-39"}).evidence == {"age_band": "18-39"}
    assert model.diagnose({"age": 34, "age_band": None}).evidence == {"age_band": "18-39"}


def test_age_is_no_evidence_in_a_model_without_age_bands(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "m", dependencies_csv=None)
    for file in ("variables.csv", "frequencies.csv", "effects.csv"):
        kb_builder.remove(folder, file, "age_band,")
    with pytest.raises(EvidenceError, match="unknown finding 'age'"):
        thighdx.read_model(folder).diagnose({"age": 34})


# ---- uncertain evidence -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["bruising", "muscle_weakness", "lumbar_disc_herniation", "sex", "dehydration"]
)
def test_a_likelihood_of_one_state_only_equals_that_state(model: Model, name: str) -> None:
    case = {"onset": "sudden", "muscle_cramp": True, "age": 34}
    states = (model.variables.get(name) or model.causes[name]).states
    for state in states:
        sure = model.diagnose({**case, name: state})
        soft = model.diagnose({**case, name: {other: float(other == state) for other in states}})
        assert soft.posterior.to_dict() == same(sure.posterior.to_dict())
        assert soft.log_evidence == pytest.approx(sure.log_evidence, abs=floats.SAME_BASE)


@pytest.mark.parametrize("name", ["numbness", "pregnancy", "dehydration"])
@pytest.mark.parametrize("factor", [1, 0.25, 40])
def test_a_likelihood_that_is_the_same_for_every_state_only_scales_the_evidence(
    model: Model, name: str, factor: float
) -> None:
    case = {"onset": "sudden", "bruising": True, "sex": "female"}
    states = (model.variables.get(name) or model.causes[name]).states
    soft = model.diagnose({**case, name: dict.fromkeys(states, factor)})
    plain = model.diagnose(case)
    assert soft.posterior.to_dict() == pytest.approx(plain.posterior.to_dict(), rel=1e-11)
    assert soft.log_evidence == pytest.approx(plain.log_evidence + math.log(factor), abs=1e-11)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_only_the_ratio_of_likelihoods_moves_the_posterior(model: Model, scale: float) -> None:
    near = model.diagnose(
        {"numbness": {"absent": 1, "present": 3}, "dehydration": {"absent": 2, "present": 1}}
    )
    far = model.diagnose(
        {
            "numbness": {"absent": scale, "present": 3 * scale},
            "dehydration": {"absent": 2 * scale, "present": scale},
        }
    )
    assert far.posterior.to_dict() == pytest.approx(near.posterior.to_dict(), rel=1e-9)


def test_likelihoods_lie_between_the_states_they_hesitate_between(model: Model) -> None:
    sure, soft, none = (
        model.diagnose({"bruising": value}).posterior["thigh_contusion"]
        for value in (True, {"absent": 0.2, "present": 0.8}, None)
    )
    assert none < soft < sure


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {},
            (
                r"bruising: likelihood of 'absent': got None, expected one number >= 0 for each of "
                r"absent, present, not"
            ),
        ),
        ({"present": 1}, r"bruising: likelihood of 'absent': got None"),
        ({"absent": 0, "present": 0}, r"bruising: got .*, expected .*not all 0"),
        ({"absent": -1, "present": 1}, r"bruising: likelihood of 'absent': got -1"),
        ({"absent": math.nan, "present": 1}, r"bruising: likelihood of 'absent': got nan"),
        ({"absent": math.inf, "present": 1}, r"bruising: likelihood of 'absent': got inf"),
        ({"absent": True, "present": 1}, r"bruising: likelihood of 'absent': got True"),
        ({"absent": "0.5", "present": 1}, r"bruising: likelihood of 'absent': got '0\.5'"),
        ({"absent": 10**400, "present": 1}, r"bruising: likelihood of 'absent': got 1000"),
        ({"absent": 1, "present": 1, "maybe": 1}, "bruising: got 'maybe', expected absent, present"),
    ],
)
def test_a_likelihood_needs_one_number_for_every_state(model: Model, value: dict, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        model.diagnose({"bruising": value})


# ---- causes as evidence -----------------------------------------------------------------------------


def test_a_given_cause_has_probability_one_or_zero(model: Model) -> None:
    for present in (True, False):
        result = model.diagnose({**CASE, "hamstring_strain": present})
        assert result.posterior["hamstring_strain"] == float(present)
        assert result.evidence["hamstring_strain"] == ("present" if present else "absent")


def test_ruling_a_cause_in_leaves_room_for_fewer_others(model: Model) -> None:
    case = {"bruising": True, "muscle_cramp": True}
    before = model.diagnose(case).posterior
    after = model.diagnose({**case, "thigh_contusion": True}).posterior
    assert after["hamstring_strain"] < before["hamstring_strain"]


def test_bayes_rule_holds_between_a_cause_and_a_finding(model: Model) -> None:
    cause = math.exp(model.diagnose({"dehydration": True}).log_evidence)
    finding = math.exp(model.diagnose({"muscle_cramp": True}).log_evidence)
    both = math.exp(model.diagnose({"muscle_cramp": True, "dehydration": True}).log_evidence)
    posterior = model.diagnose({"muscle_cramp": True}).posterior["dehydration"]
    assert posterior == pytest.approx(both / finding, rel=1e-11)
    assert model.diagnose({"dehydration": True}).probabilities("muscle_cramp")["present"] == pytest.approx(
        both / cause, rel=1e-11
    )


# ---- impossible evidence ----------------------------------------------------------------------------


def assert_is_minimal(model: Model, error: ImpossibleEvidenceError) -> None:
    """The conflict alone is impossible, and dropping any one member makes it possible."""
    conflict = dict(error.conflict)
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence"):
        model.diagnose(conflict)
    for name in conflict:
        rest = {key: value for key, value in conflict.items() if key != name}
        assert math.isfinite(model.diagnose(rest).log_evidence)


def test_impossible_evidence_names_a_smallest_conflict_and_nothing_else(model: Model) -> None:
    case = {
        **CASE,
        "muscle_cramp": True,
        "sex": "male",
        "pregnancy": "first_trimester",
        "low_back_pain": False,
    }
    with pytest.raises(
        ImpossibleEvidenceError,
        match="impossible evidence: sex=male, pregnancy=first_trimester cannot be true together",
    ) as caught:
        model.diagnose(case)
    assert set(caught.value.conflict) == {("sex", "male"), ("pregnancy", "first_trimester")}
    assert_is_minimal(model, caught.value)


@pytest.mark.parametrize(
    ("case", "conflict"),
    [
        ({"age": 70, "postpartum": True, "bruising": True}, {"age_band", "postpartum"}),
        (
            {"pregnancy": "first_trimester", "postpartum": True, "onset": "sudden"},
            {"pregnancy", "postpartum"},
        ),
        ({"sex": "male", "postpartum": True}, {"sex", "postpartum"}),
        ({"age": 85, "pregnancy": "second_or_third_trimester"}, {"age_band", "pregnancy"}),
        (
            {"pregnancy_related_cramp": True, "pregnancy": "none", "muscle_cramp": 1},
            {"pregnancy", "pregnancy_related_cramp"},
        ),
        (
            {"pregnancy_related_cramp": True, "sex": "male", "muscle_cramp": 1},
            {"sex", "pregnancy_related_cramp"},
        ),
    ],
)
def test_each_impossible_combination_is_found(model: Model, case: dict, conflict: set[str]) -> None:
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        model.diagnose(case)
    assert {name for name, _ in caught.value.conflict} == conflict
    assert_is_minimal(model, caught.value)


def test_no_cause_at_all_is_impossible(small_model: Model) -> None:
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        small_model.diagnose({"bruising": True, **dict.fromkeys(small_model.causes, False)})
    assert {name for name, _ in caught.value.conflict} == set(small_model.causes)
    assert_is_minimal(small_model, caught.value)


def test_more_causes_than_the_model_allows_are_impossible(model: Model) -> None:
    three = ["hamstring_strain", "lumbar_radiculopathy", "thigh_contusion"]
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        model.diagnose({"bruising": True, **dict.fromkeys(three, True)})
    assert sorted(name for name, _ in caught.value.conflict) == three
    assert math.isfinite(model.diagnose(dict.fromkeys(three[:2], True)).log_evidence)


def test_a_likelihood_can_be_part_of_a_conflict(model: Model) -> None:
    late = {"none": 0, "first_trimester": 1, "second_or_third_trimester": 2}
    with pytest.raises(ImpossibleEvidenceError, match=r"sex=male, pregnancy=\(likelihood\)") as caught:
        model.diagnose({"sex": "male", "bruising": True, "pregnancy": late})
    assert caught.value.conflict == (("sex", "male"), ("pregnancy", "(likelihood)"))


def test_errors_survive_pickling(model: Model, folder: Path) -> None:
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        model.diagnose({"sex": "male", "postpartum": True})
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.conflict) == (str(caught.value), caught.value.conflict)
    (folder / "links.csv").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"links\.csv") as broken:
        thighdx.read_model(folder)
    again = pickle.loads(pickle.dumps(broken.value))
    assert (str(again), again.problems) == (str(broken.value), broken.value.problems)


# ---- warnings ---------------------------------------------------------------------------------------


def test_an_answer_to_a_question_that_does_not_apply_is_kept_and_warned_about(model: Model) -> None:
    case = {"onset_during_exercise": False, "sprint_or_overstretch": False, "strenuous_exertion": False}
    result = model.diagnose({**case, "inadequate_warm_up": False})
    (warning,) = result.warnings
    assert warning.code == "not_applicable"
    assert warning.message.startswith(
        "inadequate_warm_up=absent: asked only if onset_during_exercise=present or "
    )
    assert result.evidence["inadequate_warm_up"] == "absent"
    assert model.diagnose({**case, "onset_during_exercise": True, "inadequate_warm_up": False}).warnings == ()
    assert model.diagnose({"inadequate_warm_up": False}).warnings == ()  # unknown is not "no"


# ---- rebasing ---------------------------------------------------------------------------------------


def test_rebased_shares_are_met_and_the_others_kept_in_every_setting(model: Model) -> None:
    shares = {"hamstring_strain": 0.6, "lumbar_radiculopathy": 0.05, "deep_vein_thrombosis": 1e-5}
    for setting in model.settings:
        rebased = model.rebase(shares, setting=setting)
        before = model.diagnose({}, setting=setting).prior.to_dict()
        after = rebased.diagnose({}, setting=setting).prior.to_dict()
        assert after == pytest.approx({**before, **shares}, abs=1e-9)


def test_rebasing_one_setting_leaves_the_others_alone(model: Model) -> None:
    rebased = model.rebase({"hamstring_strain": 0.6}, setting="sports_clinic")
    assert rebased.diagnose({}, setting="sports_clinic").prior["hamstring_strain"] == pytest.approx(
        0.6, abs=1e-9
    )
    assert rebased.diagnose(CASE).posterior.equals(model.diagnose(CASE).posterior)
    assert dict(rebased.rebased) == {"sports_clinic": {"hamstring_strain": 0.6}}


def test_rebasing_leaves_the_model_it_started_from_alone(model: Model) -> None:
    before = model.diagnose(CASE).posterior
    model.rebase({"hamstring_strain": 0.6})
    assert model.diagnose(CASE).posterior.equals(before)
    assert model.rebased == {}


def test_what_a_cause_looks_like_does_not_change_with_its_share(model: Model) -> None:
    alone = {name: name == "hamstring_strain" for name in model.causes}
    rebased = model.rebase({"hamstring_strain": 0.4}, setting="primary_care")
    for name in ("bruising", "onset", "activity_level", "sex"):
        assert rebased.diagnose(alone).probabilities(name).to_dict() == pytest.approx(
            model.diagnose(alone).probabilities(name).to_dict(), abs=1e-12
        )


def test_every_result_of_a_rebased_model_records_the_shares(model: Model) -> None:
    rebased = model.rebase({"hamstring_strain": 0.6}, setting="sports_clinic").rebase({"stroke": 0.001})
    recorded = rebased.diagnose({}).to_dict()["model"]["rebased"]
    assert recorded == {"sports_clinic": {"hamstring_strain": 0.6}, "primary_care": {"stroke": 0.001}}


def test_without_a_setting_the_default_one_is_rebased(model: Model) -> None:
    rebased = model.rebase({"hamstring_strain": 0.3})
    assert rebased.diagnose({}).prior["hamstring_strain"] == pytest.approx(0.3, abs=1e-9)
    assert set(rebased.rebased) == {model.default_setting}


def test_an_exclusive_registry_is_scaled_to_the_mean_number_of_causes(model: Model) -> None:
    prior = model.diagnose({}).prior
    registry = (prior / prior.sum()).to_dict()
    registry["hamstring_strain"] += 0.05
    registry["lumbar_radiculopathy"] -= 0.05
    rebased = model.rebase(registry, setting="primary_care", exclusive=True)
    after = rebased.diagnose({}).prior
    assert after.sum() == pytest.approx(prior.sum(), abs=1e-9)
    assert after.to_dict() == pytest.approx({c: p * prior.sum() for c, p in registry.items()}, abs=1e-9)


def test_exclusive_shares_of_some_causes_are_scaled_too(model: Model) -> None:
    mean = model.diagnose({}).prior.sum()
    rebased = model.rebase({"hamstring_strain": 0.1}, setting="primary_care", exclusive=True)
    assert rebased.diagnose({}).prior["hamstring_strain"] == pytest.approx(0.1 * mean, abs=1e-9)


@pytest.mark.parametrize(
    ("shares", "options", "error", "message"),
    [
        (
            {"hamstring_strane": 0.1},
            {},
            UnknownNameError,
            "unknown cause 'hamstring_strane'; did you mean 'hamstring_strain'",
        ),
        ({"bruising": 0.1}, {}, UnknownNameError, "unknown cause 'bruising'"),
        ({"stroke": 0}, {}, EvidenceError, r"share of stroke: got 0, expected a probability in \(0, 1\)"),
        ({"stroke": 1.0}, {}, EvidenceError, "share of stroke: got 1.0, expected a probability"),
        ({"stroke": 30}, {}, EvidenceError, "share of stroke: got 30, expected a probability"),
        ({"stroke": math.nan}, {}, EvidenceError, "share of stroke: got nan, expected a probability"),
        ({"stroke": "0.1"}, {}, EvidenceError, "share of stroke: got '0.1', expected a probability"),
        ({"stroke": True}, {}, EvidenceError, "share of stroke: got True, expected a probability"),
        ({"stroke": 10**400}, {}, EvidenceError, "share of stroke: got 1000"),
        ({"stroke": 0.1}, {"setting": "ward"}, EvidenceError, "setting: got 'ward', expected one of"),
        (
            {"stroke": 0.99, "dehydration": 0.99, "fibromyalgia": 0.99},
            {},
            EvidenceError,
            (
                r"shares in primary_care sum to \d\.\d+ with those not named, expected more than 1 and "
                r"less than max_causes = 2"
            ),
        ),
        (
            {"lumbar_radiculopathy": 0.001, "muscle_overexertion": 0.001},
            {"setting": "primary_care"},
            EvidenceError,
            "shares in primary_care sum to 0.*name other causes too, or use exclusive=True",
        ),
        (
            {"stroke": 0.95} | dict.fromkeys(COMMON, 0.0001),
            {"exclusive": True},
            EvidenceError,
            r"share of stroke in primary_care comes to 1\.\d+, expected less than 1",
        ),
        (
            {"stroke": 0.7, "dehydration": 0.7},
            {"exclusive": True},
            EvidenceError,
            "exclusive shares sum to 1.4, expected at most 1: one diagnosis per patient",
        ),
    ],
)
def test_shares_that_cannot_be_are_refused(
    model: Model, shares: dict, options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        model.rebase(shares, **options)


# ---- tracing, templates, checking -------------------------------------------------------------------


def test_a_trace_leads_from_a_cause_to_every_judgement_and_source(model: Model) -> None:
    frame = model.trace("hamstring_strain")
    assert list(frame.columns) == [
        "table",
        "key",
        "point",
        "q05",
        "q95",
        "experts",
        "corrected_by",
        "file_rows",
        "sources",
        "citations",
        "notes",
    ]
    assert set(frame["table"]) == {"shares", "effects", "links"}
    share = frame[frame["key"] == "hamstring_strain|primary_care"].iloc[0]
    assert share["point"] == pytest.approx(model.diagnose({}).prior["hamstring_strain"], abs=1e-9)
    assert (frame["q05"] <= frame["point"]).all()
    assert (frame["point"] <= frame["q95"]).all()
    assert (frame["sources"] != "").all()
    assert (frame["citations"] != "").all()
    assert (frame["experts"] >= 1).all()
    named = model.compiled.kb.judgements
    for table, key, rows in frame[["table", "key", "file_rows"]].itertuples(index=False):
        expected = [str(j.row) for j in named if j.table == table and "|".join(j.key) == key]
        assert sorted(rows.split(";")) == sorted(expected)


def test_rare_and_common_causes_can_be_traced(model: Model) -> None:
    for cause in list(model.causes)[::5]:  # a fifth of a second each
        assert len(model.trace(cause)) > len(model.settings)


def test_an_unknown_cause_cannot_be_traced(model: Model) -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown cause 'hamstring_strane'; did you mean 'hamstring_strain'\?"
    ):
        model.trace("hamstring_strane")


def test_the_evidence_template_is_one_unknown_patient_ready_to_be_scored(model: Model) -> None:
    template = model.template()
    assert list(template.columns) == list(model.variables)
    assert len(template) == 1
    assert template.isna().all(axis=None)
    assert list(template["onset"].cat.categories) == ["gradual", "subacute", "sudden"]
    scored = model.score(template)
    assert scored["status"].tolist() == ["ok"]
    assert scored[list(model.causes)].iloc[0].to_dict() == pytest.approx(
        model.diagnose({}).posterior.to_dict(), abs=1e-12
    )


@pytest.mark.parametrize(
    "table", ["shares", "frequencies", "effects", "links", "backgrounds", "dependencies"]
)
def test_a_judgement_template_has_the_keys_and_the_columns_of_the_table(model: Model, table: str) -> None:
    template = model.template(table)
    header = (Path(thighdx.model.model_path("posterior_thigh")) / f"{table}.csv").read_text(encoding="utf-8")
    assert list(template.columns) == header.splitlines()[0].split(",")
    keys = template.iloc[:, : list(template.columns).index("expert")]
    expected = {j.key for j in model.compiled.kb.judgements if j.table == table}
    assert {tuple(row) for row in keys.itertuples(index=False)} >= expected
    assert not keys.duplicated().any()
    assert (template[["expert", "q05", "q50", "q95", "date", "sources"]] == "").all(axis=None)


def test_an_unknown_template_is_refused(model: Model) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown table 'link'; did you mean 'links'\?"):
        model.template("link")
    with pytest.raises(
        UnknownNameError, match="expected one of evidence, shares, frequencies, effects, links"
    ):
        model.template("zzz")


def test_checking_a_sound_model_finds_nothing(small_model: Model) -> None:
    assert small_model.check() == ()


def test_checking_finds_what_was_not_there_when_the_model_was_made(small_model: Model) -> None:
    compiled = small_model.compiled
    spec = compiled.spec
    damaged = dataclasses.replace(
        compiled, kb=dataclasses.replace(compiled.kb, judgements=compiled.kb.judgements[1:])
    )
    assert spec is damaged.spec
    assert [str(problem) for problem in Model(damaged).check()] == [
        "shares.csv, setting: strain has no share in clinic"
    ]


# ---- sharing ----------------------------------------------------------------------------------------


def test_a_model_cannot_be_changed(model: Model) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'network'"):
        model.network = None  # type: ignore[misc,assignment]  # on purpose
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.causes["x"] = None  # type: ignore[index]  # on purpose
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.groups["x"] = ()  # type: ignore[index]  # on purpose


def test_a_pickled_model_gives_the_same_answers(model: Model) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again.digest == model.digest
    assert again.diagnose(CASE).to_dict() == model.diagnose(CASE).to_dict()


def test_eight_threads_that_share_a_model_get_the_answers_of_one() -> None:
    cases = [
        ({"onset": onset, "bruising": bruising, "age": age}, setting)
        for onset in ("sudden", "gradual")
        for bruising in (True, False)
        for age in (25, 45, 70)
        for setting in ("self_report", "emergency_department")
    ]
    fresh = thighdx.load_model()  # its tables are made by whichever thread comes first

    def answer(case: tuple[dict, str]) -> tuple[object, ...]:
        result = fresh.diagnose(case[0], setting=case[1])
        unknown = result.probabilities("leg_swelling").to_dict()
        return result.posterior.to_dict(), result.log_evidence, result.explanations(5), unknown

    with ThreadPoolExecutor(8) as pool:
        shared = list(pool.map(answer, cases * 4))
    assert shared == [answer(case) for case in cases] * 4


# ---- order and irrelevance --------------------------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=25)
@given(data=st.data())
def test_the_order_of_findings_is_irrelevant(model: Model, data: st.DataObject) -> None:
    chosen = data.draw(
        st.lists(st.sampled_from(sorted(model.variables)), unique=True, min_size=2, max_size=8)
    )
    findings = {}
    for name in chosen:
        findings[name] = data.draw(st.sampled_from(model.variables[name].states))
    shuffled = dict(data.draw(st.permutations(list(findings.items()))))
    try:
        first = model.diagnose(findings)
    except ImpossibleEvidenceError as error:
        with pytest.raises(ImpossibleEvidenceError, match=re.escape(str(error))):
            model.diagnose(shuffled)
        return
    second = model.diagnose(shuffled)
    assert second.posterior.equals(first.posterior)
    assert second.log_evidence == first.log_evidence
    assert list(second.evidence) == list(first.evidence)


def test_saying_that_something_is_unknown_changes_nothing(model: Model) -> None:
    plain = model.diagnose(CASE)
    padded = model.diagnose({**dict.fromkeys(model.variables), **dict.fromkeys(model.causes), **CASE})
    assert padded.posterior.equals(plain.posterior)
    assert padded.log_evidence == plain.log_evidence


def test_a_finding_that_no_cause_changes_says_nothing_about_causes(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "m")
    kb_builder.append(folder, "variables.csv", "barren,finding,Barren,absent|present,?,,ask,,")
    kb_builder.append(folder, "backgrounds.csv", "barren,present,panel,0.1,0.2,0.3,,2026-01-31,desk,")
    same_as_background = "strain,barren,present,panel,0.1,0.2,0.3,,2026-01-31,desk,"
    kb_builder.append(folder, "links.csv", same_as_background)
    model = thighdx.read_model(folder)
    case = {"bruising": True, "tingling": False}
    plain, with_barren = model.diagnose(case), model.diagnose({**case, "barren": True})
    assert with_barren.posterior.to_dict() == pytest.approx(plain.posterior.to_dict(), rel=1e-12)
    background = model.diagnose({}).probabilities("barren")["present"]
    assert with_barren.log_evidence == pytest.approx(plain.log_evidence + math.log(background), abs=1e-12)


def test_more_causes_than_the_model_allows_are_refused_with_the_reason(model: Model) -> None:
    three = ("hamstring_strain", "stroke", "fibromyalgia")
    with pytest.raises(
        ImpossibleEvidenceError, match=r"\(it allows up to 2 causes at once; see max_causes\)"
    ) as e:
        model.diagnose(dict.fromkeys(three, True))
    assert {name for name, _ in e.value.conflict} == set(three)
    assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)
    with pytest.raises(ImpossibleEvidenceError, match="under this model; at least one"):
        model.diagnose({"sex": "male", "postpartum": True})
