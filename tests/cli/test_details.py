"""What `thighdx diagnose` prints on request, and what it says to names it does not know."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

import thighdx
from places import TINY
from thighdx.cli import app
from thighdx.cli.report import print_cases
from thighdx.errors import EvidenceError
from thighdx.files.summary import ScoredCase, Summary

KNOWN = ("bruising=yes", "onset=sudden", "age=30")


@pytest.fixture
def diagnose(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `thighdx diagnose` on the tiny model, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, ["diagnose", *words, "--model", str(TINY)], prog_name="thighdx")

    return invoke


def test_intervals_reasons_and_advice_are_printed_on_request(diagnose: Callable[..., Result]) -> None:
    plain = diagnose(*KNOWN)
    result = diagnose(*KNOWN, "--interval", "0.8", "--explain", "strain", "--advice")
    assert (plain.exit_code, result.exit_code) == (0, 0), result.output
    for words in ("80% credible intervals", "decibans", "What to do"):
        assert words in result.stdout
        assert words not in plain.stdout
    model = thighdx.read_model(TINY)
    found = model.diagnose({"bruising": True, "onset": "sudden", "age": 30}).interval(0.8)["strain"]
    assert f"{found.lower:.1%}" in result.stdout
    assert max(len(line) for line in plain.stdout.splitlines()) <= 80


def test_details_are_in_the_json(diagnose: Callable[..., Result]) -> None:
    found = json.loads(diagnose(*KNOWN, "--json", "--interval", "0.9", "--explain", "strain").stdout)
    assert found["interval"]["level"] == 0.9
    assert {row["cause"] for row in found["interval"]["causes"]} >= {"strain", "root"}
    assert list(found["explain"]) == ["strain"]
    assert "management" in found
    assert "interval" not in json.loads(diagnose(*KNOWN, "--json").stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--explain", "strian"), "unknown cause 'strian'; did you mean 'strain'?"),
    ],
)
def test_bad_options_are_refused(
    diagnose: Callable[..., Result], words: tuple[str, ...], message: str
) -> None:
    result = diagnose(*KNOWN, *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_open_safety_questions_are_listed(model: thighdx.Model) -> None:
    known = ["posterior_thigh_pain=yes", "bruising=yes", "age=50"]
    result = CliRunner().invoke(
        app, ["diagnose", "--all", *known], prog_name="thighdx", env={"COLUMNS": "80"}
    )
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
    summary = Summary(small_model.vocabulary, "other", 3)
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
