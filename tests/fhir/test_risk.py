"""The result as a resource."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

import thighdx
from fhir_resources import bundle, condition, observation, quantity
from thighdx.errors import EvidenceError, OptionError
from thighdx.fhir import evidence, risk_assessment, validate


@pytest.fixture(scope="module")
def result(model: thighdx.Model) -> thighdx.Result:
    return model.diagnose({"onset": "sudden", "bruising": True, "numbness": False, "age": 34})


def test_probabilities_are_percentages_and_what_is_not_in_the_list_comes_last(result: thighdx.Result) -> None:
    found = risk_assessment(result)
    validate(found)
    causes = [item["outcome"]["coding"][0]["code"] for item in found["prediction"]]
    assert set(causes) == set(result.posterior.index)
    assert causes[0] == result.posterior.index[0]
    assert causes[-1] == "other_cause"
    for cause, item in zip(causes, found["prediction"], strict=True):
        assert item["probabilityDecimal"] == pytest.approx(100 * result.posterior[cause], rel=1e-5)


def test_a_range_is_the_interval_and_the_point_stays_beside_it(small_model: thighdx.Model) -> None:
    result = small_model.diagnose({"bruising": True})
    found = risk_assessment(result, interval=0.9)
    validate(found)
    limits = result.interval(0.9)
    first = found["prediction"][0]
    cause = first["outcome"]["coding"][0]["code"]
    assert first["probabilityRange"]["low"]["value"] == pytest.approx(100 * limits[cause].lower, rel=1e-5)
    assert first["probabilityRange"]["high"]["value"] == pytest.approx(100 * limits[cause].upper, rel=1e-5)
    assert first["extension"][0]["valueDecimal"] == pytest.approx(100 * result.posterior[cause], rel=1e-5)
    assert "probabilityDecimal" not in first


def test_urgency_disclaimer_and_digest_are_in_it(result: thighdx.Result) -> None:
    found = risk_assessment(result, on=datetime.date(2026, 11, 30))
    assert found["extension"][0]["valueCode"] == result.triage.level
    assert found["note"][0]["text"] == result.model.disclaimer
    assert result.triage.words in found["note"][1]["text"]
    assert result.model.digest in found["method"]["text"]
    assert found["occurrenceDateTime"] == "2026-11-30"
    assert found["status"] == "preliminary"


def test_a_code_of_a_classification_is_given_only_where_there_is_exactly_one(result: thighdx.Result) -> None:
    outcomes = {
        item["outcome"]["coding"][0]["code"]: item["outcome"]["coding"][1:]
        for item in risk_assessment(result)["prediction"]
    }
    assert [code["code"] for code in outcomes["cauda_equina_syndrome"]] == ["G83.4", "192970008"]
    assert outcomes["lumbar_radiculopathy"] == []  # four codes are four forms of it


def test_what_was_used_is_the_basis_and_what_was_not_is_a_note(model: thighdx.Model) -> None:
    sent = bundle(
        observation("39156-5", valueQuantity=quantity(31, "kg/m2"), id="o"),
        condition("icd10", "Q99.9", id="c"),
    )
    found = evidence(sent, model)
    made = risk_assessment(model.diagnose(found.findings), evidence=found)
    validate(made)
    assert made["basis"] == [{"reference": "Observation/o"}]
    assert made["subject"] == {"reference": "Patient/p"}
    assert any(note["text"].startswith("Not used: Condition/c") for note in made["note"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "2026-01-31"}, "on: got '2026-01-31', expected a datetime.date"),
        ({"subject": "Patient/1"}, "subject: got 'Patient/1', expected a reference such as"),
        ({"interval": 90}, "got 90"),
    ],
)
def test_an_option_that_is_none_is_refused(
    result: thighdx.Result, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        risk_assessment(result, **options)


def test_what_is_no_day_or_no_resource_is_refused(model: thighdx.Model) -> None:
    with pytest.raises(OptionError, match=r"on: got '2026-01-31', expected a datetime.date"):
        evidence({"resourceType": "Bundle"}, model, on="2026-01-31")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(EvidenceError, match="resourceType: got 'None', expected a type of FHIR R4"):
        validate(None)  # type: ignore[arg-type]  # on purpose
