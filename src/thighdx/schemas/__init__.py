"""JSON Schemas (draft 2020-12): what a case may say, and what `Result.to_dict` gives."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from thighdx.evidence.vocabulary import DATE_OF_BIRTH, GIVEN_PREFIX, REFERENCE_DATE

if TYPE_CHECKING:
    from thighdx.kb.records import Variable
    from thighdx.model import Model

__all__ = ["evidence_schema", "result_schema"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
WEIGHT = {"type": "number", "minimum": 0}


def result_schema() -> dict[str, Any]:
    """Return the schema of `Result.to_dict`, of the present `format_version`.

    Within a version keys are only added, so that a result of a later release of thighdx still fits.

    Examples
    --------
    >>> result_schema()["properties"]["format_version"]
    {'const': 2}
    """
    found: dict[str, Any] = json.loads((files(__name__) / "result.json").read_text(encoding="utf-8"))
    return found


def evidence_schema(model: Model) -> dict[str, Any]:
    """Return the schema of the findings of a case for `Model.diagnose`.

    It asks for states by name, true or false, null for unknown, or one likelihood per state; `diagnose` takes more
    words, and names written in other ways.

    Parameters
    ----------
    model : Model
        Whose variables and causes are the keys.

    Examples
    --------
    >>> import thighdx
    >>> schema = evidence_schema(thighdx.load_model())
    >>> schema["properties"]["onset"]["anyOf"][0]
    {'enum': ['gradual', 'subacute', 'sudden', None]}
    """
    named = {v.id: _of_variable(v) for v in (*model.variables.values(), *model.causes.values())}
    given = {GIVEN_PREFIX + cause: named[cause] for cause in model.causes}
    weights = {
        f"{v.id}:{s}": {"type": ["number", "null"], "minimum": 0}
        for v in model.variables.values()
        for s in v.states
    }
    ages: dict[str, Any] = {}
    if model.vocabulary.age_starts:
        day = {"type": ["string", "null"], "format": "date"}
        ages = {"age": {"type": ["number", "null"], "minimum": 0, "maximum": 120}}
        ages |= {DATE_OF_BIRTH: day, REFERENCE_DATE: day}
    return {
        "$schema": DRAFT,
        "title": f"Findings of a case for {model.name} {model.version}",
        "type": "object",
        "properties": {**named, **given, **weights, **ages},
        "additionalProperties": False,
    }


def _of_variable(variable: Variable) -> dict[str, Any]:
    """Return what one variable may be: a state, unknown, or a likelihood of every state."""
    words: list[Any] = [*variable.states, None]
    if variable.states in (("absent", "present"), ("negative", "positive")):
        words += [True, False]
    weights = {
        "type": "object",
        "properties": dict.fromkeys(variable.states, WEIGHT),
        "required": list(variable.states),
        "additionalProperties": False,
    }
    return {"title": variable.label, "anyOf": [{"enum": words}, weights]}
