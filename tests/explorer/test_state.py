"""The case behind an explorer: changes, undo and redo, faults, and the case as Python."""

from __future__ import annotations

import ast

import pytest

import thighdx
from thighdx.explorer.state import AGE, Case, History, Session
from thighdx.model import Model


def test_a_step_can_be_undone_and_redone() -> None:
    first, second = Case({}, "clinic"), Case({"fever": "present"}, "clinic")
    history = History(first).put(second)
    assert history.undo().present == first
    assert history.undo().redo() == History(second, (first,))
    assert History(first).undo() == History(first) == History(first).redo()


def test_a_new_step_forgets_what_was_undone() -> None:
    one, two, three = (Case({"pain": state}, "clinic") for state in ("none", "mild", "severe"))
    history = History(one).put(two).undo().put(three)
    assert history.future == ()
    assert history.past == (one,)


def test_a_step_that_changes_nothing_is_no_step() -> None:
    history = History(Case({}, "clinic"))
    assert history.put(Case({}, "clinic")) is history


def test_the_drag_of_a_slider_is_one_step() -> None:
    start = History(Case({}, "clinic"))
    dragged = start
    for weight in (0.6, 0.7, 0.8):
        dragged = dragged.put(Case({"bruising": {"present": weight}}, "clinic"), gesture="bruising")
    other = dragged.put(Case({"tingling": {"present": 0.5}}, "clinic"), gesture="tingling")
    assert dragged.undo().present == start.present
    assert other.undo().present == dragged.present


def test_a_drag_after_an_undo_is_a_step_of_its_own() -> None:
    weights = [Case({"bruising": {"present": weight}}, "clinic") for weight in (0.6, 0.7)]
    history = History(Case({}, "clinic")).put(weights[0], gesture="bruising")
    again = history.put(Case({}, "clinic")).undo().put(weights[1], gesture="bruising")
    assert again.undo().present == weights[0]


def test_clicks_give_what_diagnose_gives(small_model: Model) -> None:
    session = Session.start(small_model)
    session.act({"do": "set", "variable": "bruising", "value": "present"})
    session.act({"do": "set", "variable": "pain", "value": {"none": 0.1, "mild": 0.3, "severe": 0.6}})
    session.act({"do": "set", "variable": AGE, "value": 70})
    session.act({"do": "setting", "value": "hospital"})
    expected = small_model.diagnose(
        {"bruising": True, "pain": {"none": 0.1, "mild": 0.3, "severe": 0.6}, "age": 70}, setting="hospital"
    )
    assert session.fault is None
    assert session.result.posterior.equals(expected.posterior)
    assert session.case.findings == {
        "bruising": "present",
        "pain": {"none": 0.1, "mild": 0.3, "severe": 0.6},
        "age": 70,
    }


@pytest.mark.parametrize("value", [None, ""])
def test_unknown_takes_a_finding_out(small_model: Model, value: object) -> None:
    session = Session.start(small_model, {"bruising": True})
    session.act({"do": "set", "variable": "bruising", "value": value})
    assert session.case.findings == {}
    assert session.result.log_evidence == 0.0


def test_age_in_years_and_its_band_take_each_others_place(small_model: Model) -> None:
    session = Session.start(small_model, {"age": 70})
    session.act({"do": "set", "variable": "age_band", "value": "18-39"})
    assert session.case.findings == {"age_band": "18-39"}
    session.act({"do": "set", "variable": "age", "value": 50.5})
    assert session.case.findings == {"age": 50.5}


def test_impossible_evidence_is_a_fault_in_labels_and_changes_nothing(model: Model) -> None:
    session = Session.start(model, {"sex": "male"})
    before = session.history
    session.act({"do": "set", "variable": "pregnancy", "value": "first_trimester"})
    assert session.fault is not None
    assert session.fault.variable == "pregnancy"
    assert "Sex recorded at birth: male and Pregnancy: first trimester" in session.fault.message
    assert session.history is before
    assert session.result.evidence == {"sex": "male"}


def test_the_next_good_step_clears_the_fault(small_model: Model) -> None:
    session = Session.start(small_model)
    session.act({"do": "set", "variable": "age", "value": 130})
    assert session.fault is not None
    assert session.fault.message == "age: got 130, expected 0 to 120 years. Nothing was changed."
    session.act({"do": "set", "variable": "bruising", "value": "present"})
    assert session.fault is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "set", "variable": "brusing", "value": "present"}, "did you mean 'bruising'"),
        ({"do": "set", "variable": "bruising", "value": "purple"}, "got 'purple'"),
        ({"do": "set", "variable": "bruising", "value": {"absent": 0, "present": 0}}, "not all 0"),
        ({"do": "set", "variable": "bruising", "value": ["present"]}, "got ['present']"),
        ({"do": "set"}, "unknown finding 'None'"),
        ({"do": "setting", "value": "moon"}, "setting: got 'moon'"),
        ({"do": "max_cost", "value": "free"}, "cost: got 'free'"),
        ({"do": "skip", "variable": "nothing"}, "unknown finding 'nothing'"),
        ({"do": "explode"}, "unknown action 'explode'"),
        ({}, "unknown action None"),
        ({"do": ["set"]}, "unknown action ['set']"),
        ("set", "unknown action None"),
    ],
)
def test_a_message_that_makes_no_sense_is_a_fault_and_changes_nothing(
    small_model: Model, message: object, words: str
) -> None:
    session = Session.start(small_model, {"tingling": True})
    session.act(message)
    assert session.fault is not None
    assert words in session.fault.message
    assert session.case == Case({"tingling": "present"}, "clinic")
    assert session.revision == 1


def test_undo_and_redo_go_through_a_session(small_model: Model) -> None:
    session = Session.start(small_model)
    session.act({"do": "set", "variable": "bruising", "value": "present"})
    with_bruising = session.result.posterior
    session.act({"do": "setting", "value": "hospital"})
    session.act({"do": "undo"})
    assert session.case.setting == "clinic"
    assert session.result.posterior.equals(with_bruising)
    session.act({"do": "undo"})
    session.act({"do": "undo"})  # one more than there are
    assert session.case.findings == {}
    session.act({"do": "redo"})
    assert session.result.posterior.equals(with_bruising)


def test_a_question_put_off_comes_back_with_undo_and_with_clear(small_model: Model) -> None:
    session = Session.start(small_model)
    session.act({"do": "skip", "variable": "bruising"})
    assert session.case.skipped == ("bruising",)
    session.act({"do": "undo"})
    assert session.case.skipped == ()
    session.act({"do": "redo"})
    session.act({"do": "clear"})
    assert session.case == Case({}, "clinic")


def test_bad_evidence_from_python_is_an_error_and_changes_nothing(small_model: Model) -> None:
    with pytest.raises(thighdx.EvidenceError, match="unknown finding 'brusing'"):
        Session.start(small_model, {"brusing": True})
    session = Session.start(small_model, {"bruising": True})
    with pytest.raises(thighdx.EvidenceError, match="bruising: got 'purple'"):
        session.change({"bruising": "purple"}, "clinic")
    assert session.case.findings == {"bruising": "present"}
    assert session.revision == 0


def test_the_case_as_python_gives_the_same_answer(model: Model) -> None:
    session = Session.start(
        model,
        {"age": 34, "onset": {"gradual": 0.1, "subacute": 0.2, "sudden": 0.7}, "bruising": True, "fever": 0},
        "sports_clinic",
    )
    code = session.code()
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    findings, setting = ast.literal_eval(call.args[0]), ast.literal_eval(call.keywords[0].value)
    assert max(map(len, code.splitlines())) <= 88
    assert code.startswith("model.diagnose(\n    {\n")
    assert model.diagnose(findings, setting=setting).posterior.equals(session.result.posterior)
    assert Session.start(model).code() == 'model.diagnose({}, setting="primary_care")'


def test_likelihoods_lose_nothing_on_their_way_to_python(small_model: Model) -> None:
    weights = {"absent": 0.12345678901234567, "present": 1e-12}
    code = Session.start(small_model, {"bruising": weights}).code()
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert ast.literal_eval(call.args[0]) == {"bruising": weights}
