"""A result as lines for a terminal: the answer in one screen, or everything; on request intervals, why, advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thighdx.cli.output import add_numbers, bar, percent, plain_table, write, write_wrapped
from thighdx.text import exact_percent, printable, set_name
from thighdx.words import say

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.model import Model
    from thighdx.reasoning.urgency.open_questions import OpenQuestion
    from thighdx.result import Result

__all__ = [
    "open_on_safety",
    "print_advice",
    "print_end",
    "print_everything",
    "print_intervals",
    "print_next_question",
    "print_result",
    "print_why",
]

# Smaller groups and sets of causes say little about the case and would only fill the screen.
SHOWN_GROUP = 0.02
SHOWN_EXPLANATION = 0.01
N_EXPLANATIONS = 5
N_QUESTIONS = 3
N_OPEN = 3
N_REASONS = 2
# Narrower windows leave no room for a name beside a bar and what was thought before.
WIDE_ENOUGH = 60
BAR_WIDTHS = (8, 20)  # up to 100 columns, beyond


def print_result(out: Console, model: Model, result: Result, *, top: int, n_reasons: int = N_REASONS) -> None:
    """Print what is known, how urgent that is and what decided it, and the leading causes."""
    labels = model.compiled.kb.labels
    setting = say("result.setting", labels, setting=result.setting)
    head = f"{model.name} {model.version} ({model.digest[:12]}), {setting}"
    write_wrapped(out, head, style="dim")
    known = [
        f"{name}={value if isinstance(value, str) else _weights(value)}"
        for name, value in result.evidence.items()
    ]
    _say(out, say("result.known", labels), ", ".join(known) or say("result.nothing", labels))
    out.print()
    write_wrapped(out, result.triage.words, style="bold")
    first = result.management.advice[:1] if result.triage.level == "emergency" else ()
    for line in first:
        words = say("advice.first", labels, advice=line.words)
        write_wrapped(out, words, hanging="  ", style="bold")
    for reason in result.triage.deciding[: n_reasons - len(first)]:
        write_wrapped(out, f"- {reason.words}", hanging="  ")
    _print_causes(out, model, result, top)


def print_next_question(out: Console, result: Result) -> None:
    """Print the best question, and what else there is to see."""
    questions, labels = result.next_questions(1), result.triage.labels
    for item in questions.best:
        out.print()
        line = say("result.ask_next", labels, question=item.text, finding=item.variable)
        write_wrapped(out, line, hanging="  ")
    n_open = len(open_on_safety(result))
    what = say("result.open" if n_open else "result.sets_and_groups", labels, n=n_open)
    write_wrapped(out, say("result.more", labels, what=what), style="dim")


def print_everything(out: Console, model: Model, result: Result) -> None:
    """Print what one screen has no room for: sets of causes, groups, questions, and what is open on safety."""
    _print_explanations(out, model, result)
    _print_groups(out, model, result)
    _print_questions(out, result)
    _print_open_questions(out, result)


def print_end(out: Console, result: Result) -> None:
    """Print warnings and the disclaimer."""
    for warning in result.warnings:
        out.print()
        _say(out, say("result.note", result.triage.labels), warning.message, style="yellow")
    out.print()
    write_wrapped(out, result.model.disclaimer, style="dim")


def print_intervals(out: Console, model: Model, result: Result, level: float, top: int) -> None:
    """Print credible intervals of the leading causes."""
    found, labels = result.interval(level), model.compiled.labels
    table = plain_table(say("result.cause", labels))
    add_numbers(table, *(say(f"result.{name}", labels) for name in ("probability", "from", "to")))
    table.add_column(say("result.by", labels), no_wrap=True)
    for cause in result.top(top).index:
        item = found[str(cause)]
        ends = [percent(value) for value in (item.posterior, item.lower, item.upper)]
        table.add_row(labels[item.name], *ends, say(f"method.{item.method}", labels))
    title = say("result.intervals", labels, level=exact_percent(level))
    out.print()
    write_wrapped(out, title, style="bold")
    out.print(table)


def print_why(out: Console, result: Result, causes: Sequence[str]) -> None:
    """Print what spoke for and against some causes."""
    for cause in causes:
        out.print()
        write(out, repr(result.explain(cause)))


def print_advice(out: Console, result: Result) -> None:
    """Print what to do, and what stands apart from it."""
    found = result.management
    out.print()
    write(out, say("advice.title", found.labels), style="bold")
    write_wrapped(out, f"- {found.seek_care}", hanging="  ")
    for line in found.advice:
        write_wrapped(out, f"- {line.words}", hanging="  ")
        if line.caution:
            write_wrapped(out, line.caution, indent="  ", style="dim")
    for title, lines in found.apart.items():
        out.print()
        write(out, title, style="bold")
        for line in lines:
            about = f"{found.labels[line.cause]}:" if line.kind == "course" else ""
            text = " ".join(filter(None, [about, line.words, line.caution]))
            write_wrapped(out, f"- {text}", hanging="  ")
    if found.withheld:
        note = say("advice.withheld", found.labels, n=len(found.withheld))
        write_wrapped(out, note, style="dim")


def _weights(value: dict[str, float]) -> str:
    """Write virtual evidence."""
    return "{" + ", ".join(f"{state}: {weight:g}" for state, weight in value.items()) + "}"


def _say(out: Console, lead: str, text: str, *, style: str | None = None) -> None:
    """Print a text behind a word; lines after the first begin where it does."""
    write_wrapped(out, f"{lead} {text}", hanging=" " * (len(lead) + 1), style=style)


def _print_causes(out: Console, model: Model, result: Result, top: int) -> None:
    """Print the leading causes and those that decide the urgency; what is not listed stands apart, without a rank."""
    prior, posterior = result.prior, result.posterior
    rest, must_not_miss = result.model.residual_cause, result.model.must_not_miss
    urgent = [reason.cause for reason in result.triage.deciding if reason.cause not in ("", rest)]
    shown = list(dict.fromkeys([*map(str, result.top(top).index), *urgent]))
    marked = {cause for cause in shown if cause in must_not_miss}
    mark, labels = printable("◆", "!"), model.compiled.labels
    is_wide = out.width >= WIDE_ENOUGH
    width = BAR_WIDTHS[out.width >= 100]
    heading = say("result.marked", labels, mark=mark) if marked else say("result.cause", labels)
    table = plain_table(heading)
    add_numbers(table, say("result.probability", labels))
    if is_wide:
        table.add_column("", no_wrap=True, width=width, style="cyan")
        table.add_column(say("result.before", labels), justify="right", no_wrap=True)
    for cause in shown:
        value = float(posterior[cause])
        label = f"{mark} {labels[cause]}" if cause in marked else labels[cause]
        beside = [bar(value, width), percent(float(prior[cause]))] if is_wide else []
        table.add_row(label, percent(value), *beside, style="bold")
    if rest in model.causes:
        beside = ["", percent(float(prior[rest]))] if is_wide else []
        label = say("result.unranked", labels, cause=labels[rest])
        table.add_row(label, percent(float(posterior[rest])), *beside, style="dim")
    out.print()
    out.print(table)


def _print_explanations(out: Console, model: Model, result: Result) -> None:
    """Print the most probable sets of causes."""
    labels = model.compiled.labels
    table = plain_table(header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for item in result.explanations(N_EXPLANATIONS):
        if item.probability >= SHOWN_EXPLANATION:
            table.add_row(percent(item.probability), set_name(item.causes, labels))
    if table.row_count:
        out.print()
        write(out, say("result.sets", labels), style="bold")
        out.print(table)


def _print_groups(out: Console, model: Model, result: Result) -> None:
    """Print the probability that any member of a group is present."""
    labels = model.compiled.kb.labels
    table = plain_table(header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for group, value in result.groups.sort_values(ascending=False, kind="stable").items():
        if value >= SHOWN_GROUP or group == result.model.must_not_miss_group:
            table.add_row(percent(float(value)), labels[str(group)])
    if table.row_count:
        out.print()
        write(out, say("result.groups", labels), style="bold")
        out.print(table)


def _print_questions(out: Console, result: Result) -> None:
    """Print what to ask next."""
    questions = result.next_questions(N_QUESTIONS)
    if questions.best:
        out.print()
        write(out, say("result.questions", questions.labels), style="bold")
    for item in questions.best:
        gain = say("number.bits", questions.labels, bits=f"{item.gain_bits:.2f}")
        write_wrapped(out, f"{gain}  {item.text} ({item.variable})", hanging="           ")


def open_on_safety(result: Result) -> list[OpenQuestion]:
    """Return the safety questions that could still raise the urgency and that can be answered here."""
    return [question for question in result.triage.unanswered if question.raises]


def _print_open_questions(out: Console, result: Result) -> None:
    """Print the safety questions that could still raise the urgency, the most pressing in full."""
    left = open_on_safety(result)
    if not left:
        return
    out.print()
    labels = result.triage.labels
    write_wrapped(out, f"{say('result.open_safety', labels)} ({len(left)})", style="bold")
    for question in left[:N_OPEN]:
        write_wrapped(out, f"- {question.question} ({question.variable})", hanging="  ")
    if len(left) > N_OPEN:
        more = ", ".join(question.variable for question in left[N_OPEN:])
        write_wrapped(out, f"- {say('result.and', labels, more=more)}", hanging="  ")
