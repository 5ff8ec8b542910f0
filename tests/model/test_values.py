"""What may be said of a variable: every word for present, absent and unknown, numbers and ages."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kb_builder
import thighdx
from thighdx.errors import EvidenceError, ThighdxError
from thighdx.model import Model

CASE = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}


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
    folder = kb_builder.write_model(tmp_path / "m", without=["dependencies.csv"])
    for file in ("variables.csv", "frequencies.csv", "effects.csv"):
        kb_builder.remove(folder, file, "age_band,")
    with pytest.raises(EvidenceError, match="unknown finding 'age'"):
        thighdx.read_model(folder).diagnose({"age": 34})
