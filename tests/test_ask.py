"""The interview on a terminal, driven from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

import thighdx
from thighdx.cli.interview import run_interview
from thighdx.reasoning.interview import Interview


def run(
    model: thighdx.Model, lines: str, *, width: int = 160, **options: object
) -> tuple[thighdx.Result, str]:
    out = Console(file=io.StringIO(), width=width, color_system=None, markup=False, highlight=False)
    result = run_interview(model, io.StringIO(lines), out, **options)  # type: ignore[arg-type]  # by keyword
    return result, out.file.getvalue()  # type: ignore[attr-defined]  # a StringIO, made above


def test_answers_come_as_words_numbers_and_commands(model: thighdx.Model, tmp_path: Path) -> None:
    file = tmp_path / "answers.txt"
    file.write_text(
        "# the complaint\nyes\nback\n2\n\nabsent\n# safety\nwhy\nperhaps\n7\n?\n1\nstop\n", encoding="utf-8"
    )
    result, text = run(model, file.read_text(encoding="utf-8"))
    assert result.evidence["posterior_thigh_pain"] == "present"
    assert result.evidence["muscle_cramp"] == "absent"
    assert len(result.evidence) == 3
    assert "It could be part of a warning sign" in text
    assert "got 'perhaps', expected 1 to 2, no, yes, or ? for don't know" in text
    assert "got 7, expected 1 to 2, no, yes, or ? for don't know" in text
    assert "   1 no   2 yes   ? don't know" in text
    assert "Finished: stopped by the person." in text
    assert text.count("1. Do you have pain in the back of the thigh") == 2
    assert text.count(model.disclaimer[:40]) >= 1
    assert "Most probable causes" in text
    assert "What to do" in text


def test_an_answer_that_makes_it_an_emergency_is_announced_at_once(model: thighdx.Model) -> None:
    known = {"posterior_thigh_pain": True, "muscle_cramp": False, "chest_pain_or_dyspnea": False}
    interview = Interview(model, known)
    answers = ["back"]
    while interview.question is not None and interview.question.variable != "saddle_anesthesia":
        answers.append("1")
        interview.answer(interview.question.states[0])
    assert interview.question is not None
    result, text = run(model, "\n".join([*answers, "yes", "stop"]), known=known)
    assert result.evidence["saddle_anesthesia"] == "present"
    assert "This is the first question." in text
    alarm, finish = text.index("Emergency: call an ambulance"), text.index("Finished")
    assert alarm < finish
    assert "Newly lost feeling around genitals" in text[alarm:finish]


def test_running_out_of_answers_ends_the_interview(model: thighdx.Model) -> None:
    result, text = run(model, "")
    assert result.evidence == {}
    assert "Too little is known of the complaint itself" in text


def test_what_is_misspelled_is_answered_with_what_is_near(model: thighdx.Model) -> None:
    _, text = run(model, "yess\nstop\n")
    assert "got 'yess', expected 1 to 2, no, yes, or ? for don't know; did you mean 'yes'?" in text
    assert "True/False" not in text


def test_a_narrow_window_keeps_lists_under_their_first_word(model: thighdx.Model) -> None:
    _, text = run(model, "yes\nno\nstop\n", width=60)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 60
    advice = lines[lines.index("What to do") + 1 : -1]
    items = advice[: advice.index("")]
    assert any(line.startswith("    ") for line in items)
    assert all(line.startswith(("  - ", "    ")) for line in items)


def test_the_terminal_shows_an_interview_in_plain_type(
    model: thighdx.Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers and words in quotes were colored wherever they stood."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    run_interview(model, ["9", "stop"])
    text = capsys.readouterr().out
    assert "1 no   2 yes   ? don't know" in text
    assert "got 9, expected 1 to 2" in text
