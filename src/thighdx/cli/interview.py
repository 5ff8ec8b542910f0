"""The interview on a terminal: questions out, one line per answer in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from thighdx.cli.output import console as standard_output
from thighdx.cli.output import write, write_wrapped
from thighdx.cli.printed_result import open_on_safety, print_advice, print_end, print_result
from thighdx.errors import EvidenceError, nearest_hint
from thighdx.kb.records import Cost
from thighdx.reasoning.interview.choice import InterviewQuestion
from thighdx.reasoning.interview.interview import DONT_KNOW, NONE_OF_THESE, Interview
from thighdx.text import answer_name
from thighdx.words import say

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["run_interview"]

N_SHOWN = 5  # causes in the summary
N_REASONS = 5


def run_interview(
    model: Model,
    answers: Iterable[str],
    console: Console | None = None,
    *,
    known: Mapping[str, object] | None = None,
    setting: str | None = None,
    max_cost: Cost = "ask",
) -> Result:
    """Ask until the decision is stable, the person stops or the answers run out; print and return the result.

    Parameters
    ----------
    answers : iterable of str
        Lines, one per answer: ``sys.stdin``, an open file, a list. Empty lines and lines that start with
        ``#`` are skipped, so that a file of answers can be commented.
    console : rich.console.Console, optional
        Where to print; default standard output.
    known : mapping of str to object, optional
        What is known beforehand and is not asked.
    setting, max_cost
        As for `Interview`.
    """
    out = standard_output() if console is None else console
    interview = Interview(model, known, setting=setting, max_cost=max_cost)
    write_wrapped(out, model.disclaimer, style="dim")
    write_wrapped(out, say("interview.help", model.compiled.labels))
    lines = (line.strip() for line in answers)
    given = (line for line in lines if line and not line.startswith("#"))
    level = ""
    while (question := interview.question) is not None:
        level = _announce(out, interview, level)
        _show_question(out, interview, question)
        line = next(given, None)
        if line is None:
            interview.stop()
        else:
            _take(out, interview, question, line)
    _announce(out, interview, level)
    out.print()
    write_wrapped(out, say("interview.finished", model.compiled.labels, why=interview.finished_because))
    result = model.diagnose(interview.result_evidence, setting=interview.setting)
    _show_result(out, model, result)
    return result


def _announce(out: Console, interview: Interview, before: str) -> str:
    """Say at once when an answer has raised the urgency to today or now; return the level."""
    found = interview.triage
    if found.level != before and found.level in ("urgent", "emergency"):
        out.print()
        write_wrapped(out, found.words, style="bold red")
        write_wrapped(out, found.deciding[0].words)
    return found.level


def _words(interview: Interview, question: InterviewQuestion) -> list[str]:
    """Return what may be answered, as it is shown."""
    labels = interview.triage.labels
    return [answer_name(question.variable, state, labels) for state in question.states]


def _show_question(out: Console, interview: Interview, question: InterviewQuestion) -> None:
    """Print a question with its possible answers."""
    out.print()
    number, labels = len(interview.asked) + 1, interview.triage.labels
    kind, dont_know = say(f"interview.{question.kind}", labels), f"? {say('answer.dont_know', labels)}"
    write_wrapped(out, f"{number}. {question.words} ({kind})", style="bold", hanging="   ")
    if question.members:
        for place, member in enumerate(question.members, start=1):
            write_wrapped(out, f"{place} {member.words}", indent="   ", hanging="     ")
        write(out, f"   {say('interview.none_of_these', labels)}   {dont_know}")
        return
    options = [f"{place} {word}" for place, word in enumerate(_words(interview, question), start=1)]
    write(out, "   " + "   ".join([*options, dont_know]))


def _take(out: Console, interview: Interview, question: InterviewQuestion, line: str) -> None:
    """Act on one line of input."""
    word = line.lower()
    if word in ("why", "why?"):
        write_wrapped(out, interview.why(), indent="   ")
    elif word == "back":
        if not interview.back():
            write_wrapped(out, say("interview.is_first", interview.triage.labels), indent="   ")
    elif word in ("stop", "quit", "exit"):
        interview.stop()
    else:
        _answer(out, interview, question, line)


def _answer(out: Console, interview: Interview, question: InterviewQuestion, line: str) -> None:
    """Take an answer, or say what is expected.

    0 and 1 mean no and yes elsewhere; here the numbers are those printed beside the answers.
    """
    if question.members:
        _answer_list(out, interview, question, line)
        return
    is_number = line.isdecimal() and len(line) <= 2
    words = _words(interview, question)
    try:
        if is_number and not 1 <= int(line) <= len(words):
            raise EvidenceError(f"got {line}")
        interview.answer(question.states[int(line) - 1] if is_number else line)
    except EvidenceError:
        got = line if is_number else repr(line[:60])
        labels, answers = interview.triage.labels, ", ".join(words)
        expected = say("interview.expected", labels, got=got, n=len(words), answers=answers)
        hint = "" if is_number else nearest_hint(line, words)
        write_wrapped(out, expected + (f"; {hint}" if hint else ""), indent="   ")


def _answer_list(out: Console, interview: Interview, question: InterviewQuestion, line: str) -> None:
    """Take all that applies of a list, by number or by id, or say what is expected."""
    parts = line.replace(",", " ").split()
    if all(part.isdecimal() for part in parts):
        names = [member.variable for member in question.members]
        places = [int(part) for part in parts if len(part) <= 2]
        if len(places) < len(parts) or not all(1 <= place <= len(names) for place in places):
            labels = interview.triage.labels
            words = say("interview.expected_numbers", labels, got=line[:60], n=len(names))
            write_wrapped(out, words, indent="   ")
            return
        parts = [names[place - 1] for place in places]
    try:
        interview.answer(line if line.lower() in (*NONE_OF_THESE, *DONT_KNOW) else parts)
    except EvidenceError as error:
        write_wrapped(out, str(error), indent="   ")


def _show_result(out: Console, model: Model, result: Result) -> None:
    """Print urgency, leading causes, what is still open and advice."""
    out.print()
    print_result(out, model, result, top=N_SHOWN, n_reasons=N_REASONS)
    left = open_on_safety(result)
    if left and left[0].level == "emergency":
        out.print()
        words = say("interview.open", result.triage.labels, question=left[0].question)
        write_wrapped(out, words, hanging="  ")
    print_advice(out, result)
    print_end(out, result)
