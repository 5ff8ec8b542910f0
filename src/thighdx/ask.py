"""The interview on a terminal: questions out, one line per answer in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from thighdx.errors import EvidenceError
from thighdx.kb.records import Cost
from thighdx.reasoning.interview import Interview
from thighdx.reasoning.interview_questions import InterviewQuestion
from thighdx.reasoning.management import Management
from thighdx.reasoning.triage import Triage

if TYPE_CHECKING:
    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["HELP", "run_interview"]

HELP = (
    "Answer with a number, a word from the list, or yes/no. [bold]?[/] don't know, [bold]back[/] one "
    "question, [bold]why[/] it is asked, [bold]stop[/] and show the result."
)

N_SHOWN = 5  # causes in the summary
N_ADVICE = 8  # pieces of advice in the summary
_PLAIN = {"absent": "no", "present": "yes"}
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
        Where to print; default the terminal.
    known : mapping of str to object, optional
        What is known beforehand and is not asked.
    setting, max_cost
        As for `Interview`.
    """
    out = Console() if console is None else console
    interview = Interview(model, known, setting=setting, max_cost=max_cost)
    out.print(escape(model.disclaimer), style="dim")
    out.print(HELP)
    lines = (line.strip() for line in answers)
    given = (line for line in lines if line and not line.startswith("#"))
    level = ""
    while (question := interview.question) is not None:
        level = _announce(out, interview, level)
        _show_question(out, question, len(interview.asked) + 1)
        line = next(given, None)
        if line is None:
            interview.stop()
        else:
            _take(out, interview, question, line)
    _announce(out, interview, level)
    out.print(f"\nFinished: {escape(interview.finished_because)}.")
    result = model.diagnose(interview.result_evidence, setting=interview.setting)
    _show_result(out, model, result)
    return result


def _announce(out: Console, interview: Interview, before: str) -> str:
    """Say at once when an answer has raised the urgency to today or now; return the level."""
    found = interview.triage
    if found.level != before and found.level in ("urgent", "emergency"):
        out.print(f"\n[bold red]{escape(found.words)}[/]")
        out.print(escape(found.deciding[0].words))
    return found.level


def _show_question(out: Console, question: InterviewQuestion, number: int) -> None:
    """Print a question with its possible answers."""
    out.print(f"\n[bold]{number}. {escape(question.words)}[/] [dim]({_TITLES[question.kind]})[/]")
    words = [_PLAIN.get(state, state.replace("_", " ")) for state in question.states]
    options = [f"{place} {word}" for place, word in enumerate(words, start=1)]
    out.print(escape("   " + "   ".join([*options, "? don't know"])))


def _take(out: Console, interview: Interview, question: InterviewQuestion, line: str) -> None:
    """Act on one line of input."""
    word = line.lower()
    if word in ("why", "why?"):
        out.print(f"   {escape(interview.why())}")
    elif word == "back":
        if not interview.back():
            out.print("   This is the first question.")
    elif word in ("stop", "quit", "exit"):
        interview.stop()
    else:
        # 0 and 1 mean no and yes elsewhere; here the numbers are those printed beside the answers
        is_number = word.isdecimal() and len(word) <= 2
        if is_number and not 1 <= int(word) <= len(question.states):
            out.print(f"   got {escape(line)}, expected 1 to {len(question.states)}")
            return
        try:
            interview.answer(question.states[int(word) - 1] if is_number else line)
        except EvidenceError as error:
            out.print(f"   {escape(str(error))}")


def _show_result(out: Console, model: Model, result: Result) -> None:
    """Print urgency, leading causes, what is still open and advice."""
    out.print(f"\n[bold]{escape(result.triage.words)}[/]")
    _show_reasons(out, result.triage)
    out.print("\n[bold]Most probable causes[/]")
    for cause, value in result.top(N_SHOWN).items():
        out.print(f"  {value:6.1%}  {escape(model.causes[str(cause)].label)}")
    _show_advice(out, result.management)
    out.print(f"\n{escape(result.management.disclaimer)}", style="dim")


def _show_reasons(out: Console, found: Triage) -> None:
    """Print why it is this urgent and what has not been asked."""
    for reason in found.reasons:
        out.print(f"  - {escape(reason.words)}")
    left = [question for question in found.unanswered if question.raises and question.cost == "ask"]
    if left and left[0].level == "emergency":
        out.print(f"  Not known, and it would matter: {escape(left[0].question)}")


def _show_advice(out: Console, advice: Management) -> None:
    """Print the first pieces of advice with their cautions."""
    out.print("\n[bold]What to do[/]")
    for line in advice.advice[:N_ADVICE]:
        out.print(f"  - {escape(line.words)}")
        if line.caution:
            out.print(f"    {escape(line.caution)}", style="dim")
