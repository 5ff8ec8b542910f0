"""What `thighdx diagnose` prints on request, and what it says to names it does not know."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

import thighdx
from cli.terminal import refused
from places import SMALL
from thighdx.cli.report import print_cases
from thighdx.errors import EvidenceError
from thighdx.files.summary import ScoredCase, Summary

KNOWN = ("bruising=yes", "onset=sudden", "age=30")


@pytest.fixture
def diagnose(run: Callable[..., Result]) -> Callable[..., Result]:
    """`thighdx diagnose` with the small model."""
    return lambda *words: run("diagnose", *words, "--model", str(SMALL))


def test_intervals_reasons_and_advice_are_printed_on_request(diagnose: Callable[..., Result]) -> None:
    plain = diagnose(*KNOWN)
    result = diagnose(*KNOWN, "--interval", "0.8", "--explain", "strain", "--advice")
    assert (plain.exit_code, result.exit_code) == (0, 0), result.output
    for words in ("80% credible intervals", "decibans", "What to do"):
        assert words in result.stdout
        assert words not in plain.stdout
    model = thighdx.read_model(SMALL)
    found = model.diagnose({"bruising": True, "onset": "sudden", "age": 30}).interval(0.8)["strain"]
    assert f"{found.lower:.1%}" in result.stdout
    assert max(len(line) for line in plain.stdout.splitlines()) <= 80


def test_details_are_in_the_json(diagnose: Callable[..., Result]) -> None:
    found = json.loads(diagnose(*KNOWN, "--json", "--interval", "0.9", "--explain", "strain").stdout)
    assert found["interval"]["level"] == 0.9
    assert {row["cause"] for row in found["interval"]["causes"]} >= {"strain", "nerve"}
    assert list(found["explain"]) == ["strain"]
    assert "management" in found
    assert "interval" not in json.loads(diagnose(*KNOWN, "--json").stdout)


def test_a_cause_that_is_not_there_cannot_be_explained(diagnose: Callable[..., Result]) -> None:
    refused(diagnose(*KNOWN, "--explain", "strian"), "unknown cause 'strian'; did you mean 'strain'?")


def test_open_safety_questions_are_listed(model: thighdx.Model, run: Callable[..., Result]) -> None:
    result = run("diagnose", "--all", "posterior_thigh_pain=yes", "bruising=yes", "age=50")
    assert "Not yet known, and it could make the case more urgent" in result.stdout
    open_now = model.diagnose({"posterior_thigh_pain": True, "bruising": True, "age": 50}).triage.unanswered
    first = next(question for question in open_now if question.raises and question.cost == "ask")
    assert f"({first.variable})" in result.stdout


def test_an_alias_leads_to_the_name(model: thighdx.Model) -> None:
    alias, name = next(
        (alias, v.id) for v in model.variables.values() for alias in v.aliases if alias not in model.variables
    )
    with pytest.raises(EvidenceError, match=f"did you mean '{name}'"):
        model.diagnose({alias: True})


@pytest.mark.parametrize("name", ["setting", "seting"])
def test_a_setting_among_the_findings_is_sent_where_it_belongs(model: thighdx.Model, name: str) -> None:
    with pytest.raises(EvidenceError, match=r"goes by the argument setting=, one of .*primary_care"):
        model.diagnose({name: "primary_care"})


def test_ids_of_causes_are_never_cut_however_narrow_the_window(
    small_model: thighdx.Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (("proximal_hamstring_avulsion", 0.6), ("hamstring_strain", 0.4))
    case = ScoredCase("007", "ok", (first, second), (), None, float("nan"))
    summary = Summary(small_model.vocabulary, "other_cause", 3)
    summary.cases.append(case)
    summary.n_rows = summary.statuses["ok"] = 1
    monkeypatch.setenv("COLUMNS", "80")
    print_cases(summary, small_model, output="out.csv")
    assert "60% proximal_hamstring_avulsion   40% hamstring_strain" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "50")
    print_cases(summary, small_model, output="out.csv")
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "007   ok   60% proximal_hamstring_avulsion",
        "           40% hamstring_strain",
    ]
