"""Resources as a hospital sends them, and answers as a form sends them."""

from __future__ import annotations

from typing import Any

import thighdx
from thighdx.fhir.names import SYSTEMS, own_system, questionnaire_url, questionnaire_version
from thighdx.forms.plan import is_yes_no

Json = dict[str, Any]


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": SYSTEMS.get(system, system), "code": code}]}


def condition(system: str, code: str, *, verified: str = "", clinical: str = "", **more: Any) -> Json:
    found: Json = {"resourceType": "Condition", "code": concept(system, code), **more}
    base = "http://terminology.hl7.org/CodeSystem"
    if verified:
        found["verificationStatus"] = concept(f"{base}/condition-ver-status", verified)
    if clinical:
        found["clinicalStatus"] = concept(f"{base}/condition-clinical", clinical)
    return found | {"subject": {"reference": "Patient/p"}}


def observation(code: str, *, system: str = "loinc", status: str = "final", **more: Any) -> Json:
    found: Json = {"resourceType": "Observation", "status": status, "code": concept(system, code)}
    return found | {"subject": {"reference": "Patient/p"}, **more}


def quantity(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def medication(code: str, *, status: str = "active", **more: Any) -> Json:
    found: Json = {
        "resourceType": "MedicationStatement",
        "status": status,
        "subject": {"reference": "Patient/p"},
    }
    return found | {"medicationCodeableConcept": concept("atc", code), **more}


def bundle(*parts: Json, day: str = "2026-11-30T10:00:00Z") -> Json:
    entries = [{"resource": part} for part in parts]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": day, "entry": entries}


def answer(model: thighdx.Model, variable: str, state: str) -> Json:
    """One item of a response."""
    known = model.variables[variable]
    if is_yes_no(known):
        value: Json = {"valueBoolean": state == known.states[1]}
    else:
        value = {"valueCoding": {"system": own_system(model.name), "code": state}}
    return {"linkId": variable, "answer": [value]}


def response(model: thighdx.Model, states: dict[str, str]) -> Json:
    """A response whose answers lie in a group, as those of a form with sections do."""
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{questionnaire_url(model.name)}|{questionnaire_version(model)}",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "authored": "2026-11-30T10:00:00Z",
        "item": [
            {"linkId": "section.all", "item": [answer(model, *pair) for pair in states.items()]},
        ],
    }
