"""What an explorer shows, as plain data."""

from __future__ import annotations

import json

import numpy as np

from thighdx.explorer.state import Session
from thighdx.explorer.view import catalog, detail, view
from thighdx.model import Model


def test_everything_that_can_be_known_is_in_the_catalog_once(model: Model) -> None:
    listed = [item["id"] for item in catalog(model)["variables"]]
    assert sorted(listed) == sorted({*model.variables, *model.causes} - {"age_band"})
    assert len(set(listed)) == len(listed)


def test_topics_follow_a_consultation(model: Model) -> None:
    found = catalog(model)
    assert found["topics"] == [
        "History and circumstances",
        "Complaint and symptoms",
        "Examination",
        "Simple tests",
        "Imaging and invasive tests",
        "Silent lesions already known",
        "Causes already settled",
    ]
    assert {item["topic"] for item in found["variables"]} == set(found["topics"])


def test_a_search_finds_aliases_and_questions(small_model: Model) -> None:
    (bruising,) = (item for item in catalog(small_model)["variables"] if item["id"] == "bruising")
    assert "blue spot" in bruising["search"]
    assert "is there a bruise?" in bruising["search"]


def test_all_of_it_is_plain_json_without_nan(model: Model) -> None:
    session = Session.start(
        model, {"hamstring_strain": True, "age": 34, "fever": {"absent": 1, "present": 3}}
    )
    for shown in (catalog(model), view(session), detail(session)):
        assert json.loads(json.dumps(shown, allow_nan=False)) == shown


def test_posteriors_and_intervals_are_those_of_the_result(model: Model) -> None:
    session = Session.start(model, {"onset": "sudden", "bruising": True}, "sports_clinic")
    shown, more = view(session), detail(session)
    result = session.result
    top = shown["causes"][0]
    assert (top["id"], top["posterior"]) == (result.posterior.index[0], float(result.posterior.iloc[0]))
    interval = result.interval(0.9, method="delta")[top["id"]]
    assert more["intervals"][top["id"]]["lower"] == interval.lower
    assert more["intervals"][top["id"]]["upper"] == interval.upper
    assert shown["urgency"]["level"] == result.triage.level
    reasons = [reason["words"] for reason in shown["urgency"]["reasons"]]
    assert reasons == [reason.words for reason in result.triage.deciding]


def test_a_warning_sign_is_urgent_in_the_first_answer_after_the_click(model: Model) -> None:
    session = Session.start(model, {"bruising": True, "onset": "sudden", "numbness": False})
    assert view(session)["urgency"]["level"] != "emergency"
    session.act({"do": "set", "variable": "saddle_anesthesia", "value": "present"})
    shown = view(session)
    assert (shown["revision"], shown["urgency"]["level"]) == (session.revision, "emergency")
    assert "urgency" not in detail(session)  # nothing that comes later can be older


def test_in_an_emergency_it_says_what_to_do_and_asks_nothing(model: Model) -> None:
    session = Session.start(model, {"saddle_anesthesia": True})
    assert view(session)["urgency"]["do"][0]["words"] == session.result.management.advice[0].words
    found = detail(session)
    assert found["safety"] == found["questions"] == []
    assert found["note"] == "It is an emergency, and nothing more is asked before help comes."


def test_causes_that_must_not_be_missed_are_marked(model: Model) -> None:
    shown = view(Session.start(model))
    marked = {row["id"] for row in shown["causes"] if row["is_dangerous"]}
    assert marked == set(Session.start(model).result.model.must_not_miss)


def test_the_residual_cause_stands_apart(model: Model) -> None:
    shown = view(Session.start(model))
    assert shown["residual"]["id"] == "other_cause"
    assert "other_cause" not in [row["id"] for row in shown["causes"]]
    values = [row["posterior"] for row in shown["causes"]]
    assert values == sorted(values, reverse=True)
    assert np.isclose(sum(values) + shown["residual"]["posterior"], Session.start(model).result.prior.sum())


def test_a_settled_cause_has_no_interval(model: Model) -> None:
    session = Session.start(model, {"hamstring_strain": True})
    assert view(session)["causes"][0]["words"] == "100%"
    assert "hamstring_strain" not in detail(session)["intervals"]


def test_what_is_known_is_said_in_words(model: Model) -> None:
    session = Session.start(
        model, {"age": 34, "pregnancy": "second_or_third_trimester", "fever": {"absent": 1, "present": 3}}
    )
    assert view(session)["known"] == [
        {"variable": "age", "label": "Age", "words": "34 years"},
        {"variable": "pregnancy", "label": "Pregnancy", "words": "second or third trimester"},
        {"variable": "fever", "label": "Fever", "words": "unsure (absent 25%, present 75%)"},
    ]


def test_questions_that_do_not_apply_are_marked(small_model: Model) -> None:
    assert view(Session.start(small_model))["not_applicable"] == []
    assert view(Session.start(small_model, {"tingling": False}))["not_applicable"] == ["tingling_spreads"]


def test_an_answered_or_skipped_question_is_not_proposed_again(model: Model) -> None:
    session = Session.start(model, {"onset": "sudden"})
    first = detail(session)
    asked = [item["variable"] for item in (*first["safety"], *first["questions"])]
    assert len(set(asked)) == len(asked)
    session.act({"do": "skip", "variable": first["safety"][0]["variable"]})
    session.act({"do": "skip", "variable": first["questions"][0]["variable"]})
    session.act({"do": "set", "variable": first["questions"][1]["variable"], "value": "absent"})
    later = detail(session)
    proposed = {item["variable"] for item in (*later["safety"], *later["questions"])}
    gone = {first["safety"][0]["variable"], *(item["variable"] for item in first["questions"][:2])}
    assert not proposed & gone


def test_questions_are_no_dearer_than_wanted(model: Model) -> None:
    session = Session.start(model, {"onset": "sudden", "bruising": True})
    costs = {model.variables[item["variable"]].cost for item in _proposed(session)}
    assert costs == {"ask"}
    session.act({"do": "max_cost", "value": "imaging_or_invasive"})
    costs = {model.variables[item["variable"]].cost for item in _proposed(session)}
    assert "imaging_or_invasive" in costs
    assert view(session)["max_cost"] == "imaging_or_invasive"


def _proposed(session: Session) -> list[dict[str, str]]:
    found = detail(session)
    return [*found["safety"], *found["questions"]]


def test_strange_evidence_is_pointed_out(model: Model) -> None:
    plain = Session.start(model, {"onset": "sudden", "bruising": True, "sprint_or_overstretch": True})
    assert detail(plain)["fit"] == ""
    odd = ("stocking_sensory_loss", "tense_compartment", "femoral_bruit", "noble_or_ober_test")
    strange = Session.start(model, dict.fromkeys(odd, True))
    said = detail(strange)["fit"]
    assert "fits no listed cause" in said
    assert "Acute limb ischemia comes closest" in said


def test_the_summary_names_urgency_and_the_leading_causes(model: Model) -> None:
    session = Session.start(model, {"onset": "sudden", "bruising": True})
    summary = view(session)["summary"]
    assert summary.startswith(session.result.triage.words)
    assert model.causes[str(session.result.top(1).index[0])].label in summary
