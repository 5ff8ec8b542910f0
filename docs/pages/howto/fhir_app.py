"""An example, not a product: a small FHIR endpoint around thighdx, for the page on FHIR.

It has no authentication, keeps nothing, logs nothing and is not hardened. Needs FastAPI and uvicorn.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import thighdx
from thighdx import fhir

FHIR_JSON = "application/fhir+json"

app = FastAPI(title="thighdx over FHIR: an example, not a product")
model = thighdx.load_model()


def resource(content: dict[str, Any], status: int = 200) -> JSONResponse:
    """Answer with a resource."""
    return JSONResponse(content, status_code=status, media_type=FHIR_JSON)


def refusal(message: str) -> JSONResponse:
    """Say what is wrong as an OperationOutcome."""
    issue = {"severity": "error", "code": "invalid", "diagnostics": message}
    return resource({"resourceType": "OperationOutcome", "issue": [issue]}, status=400)


@app.get("/Questionnaire/posterior-thigh")
def questionnaire(max_cost: str = "ask") -> JSONResponse:
    """Return the questions."""
    try:
        return resource(fhir.questionnaire(model, max_cost))
    except thighdx.TableError as error:
        return refusal(str(error))


@app.post("/$assess")
async def assess(request: Request, setting: str | None = None) -> JSONResponse:
    """Take a QuestionnaireResponse or a Bundle and return a RiskAssessment."""
    try:
        found = fhir.evidence(json.loads(await request.body()), model)
        result = model.diagnose(found.findings, setting=setting)
    except ValueError as error:  # not JSON, or evidence that cannot be used
        return refusal(str(error))
    return resource(fhir.risk_assessment(result, evidence=found))
