"""The interview on a terminal: questions out, one line per answer in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from thighdx.cli.output import console as standard_output
from thighdx.cli.output import write
from thighdx.cli.output import write_wrapped as _say
from thighdx.cli.printed_result import open_on_safety, print_advice, print_end, print_result
from thighdx.errors import EvidenceError, nearest_hint
from thighdx.kb.records import Cost
from thighdx.reasoning.interview.choice import InterviewQuestion
from thighdx.reasoning.interview.interview import DONT_KNOW, NONE_OF_THESE, Interview
from thighdx.text import answer_name

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["HELP", "run_interview"]

HELP = (
    "Answer with a number, a word from the list, or yes/no; where several may apply, with all their numbers "
    "(2 4) or none. Also: ? (don't know), back (one question), why (it is asked), stop (and show the result)."
)

N_SHOWN = 5  # causes in the summary
N_REASONS = 5
_TITLES = {"complaint": "the complaint", "safety": "safety", "causes": "the causes"}


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
    _say(out, model.disclaimer, style="dim")
    _say(out, HELP)
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
    _say(out, f"Finished: {interview.finished_because}.")
    result = model.diagnose(interview.result_evidence, setting=interview.setting)
    _show_result(out, model, result)
    return result


def _announce(out: Console, interview: Interview, before: str) -> str:
    """Say at once when an answer has raised the urgency to today or now; return the level."""
    found = interview.triage
    if found.level != before and found.level in ("urgent", "emergency"):
        out.print()
        _say(out, found.words, style="bold red")
        _say(out, found.deciding[0].words)
    return found.level


def _words(interview: Interview, question: InterviewQuestion) -> list[str]:
    """Return what may be answered, as it is shown."""
    labels = interview.triage.labels
    return [answer_name(question.variable, state, labels) for state in question.states]


def _show_question(out: Console, interview: Interview, question: InterviewQuestion) -> None:
    """Print a question with its possible answers."""
    out.print()
    number = len(interview.asked) + 1
    _say(out, f"{number}. {question.words} ({_TITLES[question.kind]})", style="bold", hanging="   ")
    if question.members:
        for place, member in enumerate(question.members, start=1):
            _say(out, f"{place} {member.words}", indent="   ", hanging="     ")
        write(out, "   none of these   ? don't know")
        return
    options = [f"{place} {word}" for place, word in enumerate(_words(interview, question), start=1)]
    write(out, "   " + "   ".join([*options, "? don't know"]))


def _take(out: Console, interview: Interview, question: InterviewQuestion, line: str) -> None:
    """Act on one line of input."""
    word = line.lower()
    if word in ("why", "why?"):
        _say(out, interview.why(), indent="   ")
    elif word == "back":
        if not interview.back():
            _say(out, "This is the first question.", indent="   ")
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
        expected = f"got {got}, expected 1 to {len(words)}, {', '.join(words)}, or ? for don't know"
        hint = "" if is_number else nearest_hint(line, words)
        _say(out, expected + (f"; {hint}" if hint else ""), indent="   ")


def _answer_list(out: Console, interview: Interview, question: InterviewQuestion, line: str) -> None:
    """Take all that applies of a list, by number or by id, or say what is expected."""
    parts = line.replace(",", " ").split()
    if all(part.isdecimal() for part in parts):
        names = [member.variable for member in question.members]
        places = [int(part) for part in parts if len(part) <= 2]
        if len(places) < len(parts) or not all(1 <= place <= len(names) for place in places):
            _say(out, f"got {line[:60]}, expected numbers from 1 to {len(names)}, or none", indent="   ")
            return
        parts = [names[place - 1] for place in places]
    try:
        interview.answer(line if line.lower() in (*NONE_OF_THESE, *DONT_KNOW) else parts)
    except EvidenceError as error:
        _say(out, str(error), indent="   ")


def _show_result(out: Console, model: Model, result: Result) -> None:
    """Print urgency, leading causes, what is still open and advice."""
    out.print()
    print_result(out, model, result, top=N_SHOWN, n_reasons=N_REASONS)
    left = open_on_safety(result)
    if left and left[0].level == "emergency":
        out.print()
        _say(out, f"Not known, and it would matter: {left[0].question}", hanging="  ")
    print_advice(out, result)
    print_end(out, result)
