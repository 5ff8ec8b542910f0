"""Names in FHIR resources: systems of codes, and what this library calls its own.

The own names are absolute addresses under a domain that is reserved never to exist (RFC 6761): they say what is
meant and lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from thighdx.model import Model
    from thighdx.result import ModelCard

__all__ = ["BASE", "SYSTEMS", "Json", "own_system", "questionnaire_url", "questionnaire_version"]

Json: TypeAlias = dict[str, Any]

BASE = "https://thighdx.invalid/fhir"
SYSTEMS: Mapping[str, str] = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "icd10": "http://hl7.org/fhir/sid/icd-10",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "atc": "http://www.whocc.no/atc",
}


def own_system(model_name: str) -> str:
    """Return the system of codes that are ids of variables, states and causes of a model."""
    return f"{BASE}/CodeSystem/{model_name}"


def questionnaire_url(model_name: str) -> str:
    """Return what a response calls the questionnaire of a model."""
    return f"{BASE}/Questionnaire/{model_name}"


def questionnaire_version(model: Model | ModelCard) -> str:
    """Return the version of the knowledge with the beginning of its digest, which tells any two apart."""
    return f"{model.version}+{model.digest[:12]}"
