"""The interview on a terminal, driven from a file."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

import thighdx
from thighdx.ask import run_interview
from thighdx.reasoning.interview import Interview


def run(model: thighdx.Model, lines: str, **options: object) -> tuple[thighdx.Result, str]:
    out = Console(file=io.StringIO(), width=160, color_system=None)
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
    assert "got 'perhaps', expected absent, present" in text
    assert "got 7, expected 1 to 2" in text
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
    assert "numb saddle area" in text[alarm:finish]


def test_running_out_of_answers_ends_the_interview(model: thighdx.Model) -> None:
    result, text = run(model, "")
    assert result.evidence == {}
    assert "Too little is known of the complaint itself" in text
