"""What `thighdx diagnose` prints on request: credible intervals, why, what to do, open safety questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thighdx.cli.output import paragraph, percent, plain_table, write
from thighdx.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.model import Model
    from thighdx.result import Result

__all__ = ["detail_data", "print_advice", "print_intervals", "print_open_questions", "print_why"]

N_OPEN = 3


def print_open_questions(out: Console, result: Result) -> None:
    """Print the safety questions that could still raise the urgency and that can be answered here."""
    left = [q for q in result.triage.unanswered if q.raises]
    if not left:
        return
    out.print()
    write(out, f"Not yet known, and it could make the case more urgent ({len(left)})", style="bold")
    for question in left[:N_OPEN]:
        write(out, paragraph(f"- {question.question} ({question.variable})", out.width, hanging="  "))
    if len(left) > N_OPEN:
        more = ", ".join(question.variable for question in left[N_OPEN : N_OPEN + 8])
        dots = ", ..." if len(left) > N_OPEN + 8 else ""
        write(out, paragraph(f"- and {more}{dots}", out.width, hanging="  "))


def print_intervals(out: Console, model: Model, result: Result, level: float, top: int) -> None:
    """Print credible intervals of the leading causes."""
    found = result.interval(level)
    table = plain_table()
    table.add_column("cause", overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("to", justify="right", no_wrap=True)
    table.add_column("by", no_wrap=True)
    for cause in result.top(top).index:
        item = found[str(cause)]
        ends = [percent(value) for value in (item.posterior, item.lower, item.upper)]
        table.add_row(model.causes[item.name].label, *ends, item.method)
    out.print()
    write(out, f"{level:.0%} credible intervals, from the uncertainty of the judgements", style="bold")
    out.print(table)


def print_why(out: Console, result: Result, causes: Sequence[str]) -> None:
    """Print what spoke for and against some causes."""
    for cause in causes:
        out.print()
        write(out, repr(result.explain(cause)))


def print_advice(out: Console, result: Result) -> None:
    """Print what to do."""
    found = result.management
    out.print()
    write(out, "What to do", style="bold")
    write(out, paragraph(f"- {found.seek_care}", out.width, hanging="  "))
    for line in found.advice:
        write(out, paragraph(f"- {line.words}", out.width, hanging="  "))
        if line.caution:
            write(out, paragraph(line.caution, out.width, indent="  "), style="dim")
    for title, lines in found.apart.items():
        write(out, title, style="bold")
        for line in lines:
            about = f"{found.labels[line.cause]}:" if line.kind == "course" else ""
            text = " ".join(filter(None, [about, line.words, line.caution]))
            write(out, paragraph(f"- {text}", out.width, hanging="  "))
    if found.withheld:
        write(
            out,
            f"({counted(len(found.withheld), 'piece')} of advice withheld; --json says which and why)",
            style="dim",
        )


def detail_data(result: Result, interval: float | None, causes: Sequence[str]) -> dict[str, Any]:
    """Return what was asked for on top of `Result.to_dict`, as plain data."""
    found: dict[str, Any] = {}
    if interval is not None:
        table = result.interval(interval).to_frame().reset_index()
        found["interval"] = {"level": interval, "causes": table.to_dict(orient="records")}
    if causes:
        found["explain"] = {cause: result.explain(cause).to_dict() for cause in causes}
    return found
