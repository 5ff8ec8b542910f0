"""An example, not a product: a small web service around thighdx, for the page on applications.

It has no authentication, keeps nothing, logs nothing and is not hardened. Needs FastAPI and uvicorn.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException

import thighdx
from thighdx.schemas import evidence_schema

PARTS = ["posterior", "triage", "management", "warnings"]

app = FastAPI(title="thighdx as a service: an example, not a product")
model = thighdx.load_model()
model.warm()


@app.get("/schema")
def schema() -> dict[str, Any]:
    """Return what a case may say, as a JSON Schema: forms and clients are made from it."""
    return evidence_schema(model)


@app.post("/diagnose")
def diagnose(findings: dict[str, Any], setting: str | None = None) -> dict[str, Any]:
    """Answer one case; what is wrong with it is the sender's to mend."""
    try:
        return model.diagnose(findings, setting=setting).to_dict(include=PARTS)
    except thighdx.EvidenceError as error:
        raise HTTPException(422, str(error)) from error


@app.post("/ask")
def ask(known: dict[str, Any], setting: str | None = None) -> dict[str, Any]:
    """Return the next question; what is known so far travels with the request, so nothing is kept here."""
    try:
        interview = thighdx.Interview(model, known, setting=setting)
    except thighdx.EvidenceError as error:
        raise HTTPException(422, str(error)) from error
    question = interview.question
    if question is None:
        return {"finished": interview.finished_because}
    members = [{"variable": member.variable, "words": member.words} for member in question.members]
    return {
        "words": question.words,
        "variable": question.variable,
        "states": question.states,
        "members": members,
    }
