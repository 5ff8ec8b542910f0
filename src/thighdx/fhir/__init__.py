"""Exchange with hospital systems as FHIR R4 resources: the questionnaire, the evidence, the result.

Resources are plain JSON (dictionaries); no server and no network is involved. `evidence` reads what is sent,
and lists what it could not use.
"""

from __future__ import annotations

from thighdx.fhir.codes import CodeMap, read_code_map
from thighdx.fhir.evidence import FhirEvidence, Unused, evidence
from thighdx.fhir.questionnaire import questionnaire
from thighdx.fhir.risk import risk_assessment
from thighdx.fhir.validate import validate

__all__ = [
    "CodeMap",
    "FhirEvidence",
    "Unused",
    "evidence",
    "questionnaire",
    "read_code_map",
    "risk_assessment",
    "validate",
]
