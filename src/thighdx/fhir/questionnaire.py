"""The questions of a model as a FHIR R4 `Questionnaire`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from thighdx.fhir.names import Json, own_system, questionnaire_url, questionnaire_version
from thighdx.forms.plan import asked_clauses, form_sections, is_yes_no
from thighdx.kb.expressions import Is
from thighdx.kb.records import Variable
from thighdx.text import begun, state_name
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["questionnaire"]


def questionnaire(model: Model, max_cost: str = "ask") -> Json:
    """Return everything that can be asked as a FHIR R4 `Questionnaire`, the safety questions first.

    Parameters
    ----------
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}
        What is dearer is left out.

    Returns
    -------
    dict
        JSON. The `linkId` of a question is the id of its variable. Yes-or-no questions are boolean, others
        have their states as options; a question without an answer is unknown, so none is required. The
        version is that of the knowledge with the beginning of its digest.

    Notes
    -----
    `enableWhen` is flat: all or any of some answers. A condition that is both, such as "female, and in one of
    these age bands", is put on nested groups without a text, one for every part that must hold.

    Examples
    --------
    >>> import thighdx
    >>> form = questionnaire(thighdx.load_model())
    >>> form["resourceType"], form["item"][0]["text"], form["item"][0]["item"][0]["type"]
    ('Questionnaire', 'Warning signs', 'boolean')
    """
    sections = form_sections(model, max_cost)
    included = {variable.id for section in sections for variable in section.variables}
    kb = model.compiled.kb
    return {
        "resourceType": "Questionnaire",
        "id": model.name.replace("_", "-"),
        "url": questionnaire_url(model.name),
        "version": questionnaire_version(model),
        "name": "".join(word.capitalize() for word in model.name.split("_")),
        "title": kb.manifest.title,
        "status": "draft",
        "experimental": True,
        "subjectType": ["Patient"],
        "description": f"{model.disclaimer} {say('fhir.unanswered', kb.labels)}",
        "purpose": say("fhir.purpose", kb.labels, model=f"{model.name} {model.version}", digest=model.digest),
        "item": [
            {
                "linkId": f"section.{section.id}",
                "type": "group",
                "text": section.title,
                "item": [_enabled(model, variable, included) for variable in section.variables],
            }
            for section in sections
        ],
    }


def _enabled(model: Model, variable: Variable, included: Collection[str]) -> Json:
    """Return a question, inside as many groups as its condition has parts with alternatives."""
    clauses = asked_clauses(variable, included)
    single = [clause[0] for clause in clauses if len(clause) == 1]
    several = [clause for clause in clauses if len(clause) > 1]
    item = _question(model, variable)
    if several and not single:
        item |= _enable_when(model, several.pop(), behavior="any")
    elif single:
        item |= _enable_when(model, single, behavior="all")
    for number, clause in enumerate(several, start=1):
        item = {
            "linkId": f"if.{number}.{variable.id}",
            "type": "group",
            **_enable_when(model, clause, behavior="any"),
            "item": [item],
        }
    return item


def _enable_when(model: Model, atoms: Collection[Is], *, behavior: str) -> Json:
    """Ask only after some answers."""
    conditions = [_condition(model, atom) for atom in atoms]
    return {"enableWhen": conditions} | ({"enableBehavior": behavior} if len(conditions) > 1 else {})


def _condition(model: Model, atom: Is) -> Json:
    """Write variable=state as an answer to compare with."""
    variable = model.variables[atom.variable]
    if is_yes_no(variable):
        answer: Json = {"answerBoolean": atom.state == variable.states[1]}
    else:
        answer = {"answerCoding": _state_coding(model, variable, atom.state)}
    return {"question": atom.variable, "operator": "=", **answer}


def _question(model: Model, variable: Variable) -> Json:
    """Return the question itself."""
    item: Json = {
        "linkId": variable.id,
        "code": [{"system": own_system(model.name), "code": variable.id, "display": variable.label}],
        "text": variable.question,
    }
    if is_yes_no(variable):
        return item | {"type": "boolean"}
    options = [{"valueCoding": _state_coding(model, variable, state)} for state in variable.states]
    return item | {"type": "choice", "answerOption": options}


def _state_coding(model: Model, variable: Variable, state: str) -> Json:
    """Return a state as a code of the model's own."""
    labels = model.compiled.kb.labels
    return {
        "system": own_system(model.name),
        "code": state,
        "display": begun(state_name(variable.id, state, labels)),
    }
