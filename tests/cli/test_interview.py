"""The interview on a terminal, driven from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

import thighdx
from thighdx.cli.interview import run_interview


def run(
    model: thighdx.Model, lines: str, *, width: int = 160, **options: object
) -> tuple[thighdx.Result, str]:
    out = Console(file=io.StringIO(), width=width, color_system=None, markup=False, highlight=False)
    result = run_interview(model, io.StringIO(lines), out, **options)  # type: ignore[arg-type]  # by keyword
    return result, out.file.getvalue()  # type: ignore[attr-defined]  # a StringIO, made above


def test_answers_come_as_words_numbers_and_commands(model: thighdx.Model, tmp_path: Path) -> None:
    file = tmp_path / "answers.txt"
    file.write_text(
        "# the complaint\nnone\nback\n1 4\n\n# safety\nwhy\nperhaps\n9\n?\nseven\n1\nstop\n", encoding="utf-8"
    )
    result, text = run(model, file.read_text(encoding="utf-8"))
    assert result.evidence["posterior_thigh_pain"] == "present"
    assert result.evidence["muscle_cramp"] == "absent"
    assert "saddle_anesthesia" not in result.evidence
    assert result.evidence["muscle_weakness"] == "none"
    assert "It could be part of a warning sign" in text
    assert "bladder_bowel_saddle: got 'perhaps', expected some of saddle_anesthesia, " in text
    assert "got 9, expected numbers from 1 to 5, or none" in text
    assert "got 'seven', expected 1 to 3, none, mild, marked, or ? for don't know" in text
    assert "   1 none   2 mild   3 marked   ? don't know" in text
    assert "   none of these   ? don't know" in text
    assert "Finished: stopped by the person." in text
    assert text.count("1. What brings you?") == 2
    assert text.count(model.disclaimer[:40]) >= 1
    assert "Known: " in text
    assert "never ranked" in text
    assert "What to do" in text
    assert "When to come back" in text


def test_an_answer_that_makes_it_an_emergency_is_announced_at_once_and_ends_it(model: thighdx.Model) -> None:
    known = {"posterior_thigh_pain": True, "muscle_cramp": False, "low_back_pain": True}
    result, text = run(model, "back\n1\n2\n", known=known)
    assert result.evidence["saddle_anesthesia"] == "present"
    assert result.evidence["bladder_dysfunction"] == "absent"
    assert "muscle_weakness" not in result.evidence
    assert "This is the first question." in text
    alarm, finish = text.index("Emergency: call an ambulance"), text.index("Finished: it is an emergency")
    assert alarm < finish
    assert "Newly lost feeling around genitals" in text[alarm:finish]


def test_answers_at_odds_and_a_complaint_outside_are_said(model: thighdx.Model) -> None:
    result, text = run(model, "6\nstop\n")
    assert [warning.code for warning in result.warnings] == ["outside_population", "outside_scope"]
    assert "Note: The pain is in the front of the thigh alone." in text


def test_running_out_of_answers_ends_the_interview(model: thighdx.Model) -> None:
    result, text = run(model, "")
    assert result.evidence == {}
    assert "Too little is known of the complaint itself" in text


def test_what_is_misspelled_is_answered_with_what_is_near(model: thighdx.Model) -> None:
    _, text = run(model, "posterior_thigh_pian\n1 4\nnone\nmidl\nstop\n")
    assert "expected some of posterior_thigh_pain, muscle_cramp" in text
    assert "did you mean 'posterior_thigh_pain'?" in text
    assert (
        "got 'midl', expected 1 to 3, none, mild, marked, or ? for don't know; did you mean 'mild'?" in text
    )
    assert "True/False" not in text


def test_a_narrow_window_keeps_lists_under_their_first_word(model: thighdx.Model) -> None:
    _, text = run(model, "1\nnone\nstop\n", width=60)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 60
    advice = lines[lines.index("What to do") + 1 : -1]
    items = advice[: advice.index("")]
    assert any(line.startswith("  ") for line in items)
    assert all(line.startswith(("- ", "  ")) for line in items)


def test_the_terminal_shows_an_interview_in_plain_type(
    model: thighdx.Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers and words in quotes were colored wherever they stood."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    run_interview(model, ["9", "stop"])
    text = capsys.readouterr().out
    assert "none of these   ? don't know" in text
    assert "got 9, expected numbers from 1 to 6" in text
