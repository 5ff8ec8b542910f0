"""The lines that `thighdx score` prints: cases or leading causes, how often these are true, how fast it was."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thighdx.cli.output import add_numbers, console, percent, plain_table, write, write_wrapped
from thighdx.files.formats import STANDARD_STREAM
from thighdx.files.report import Problem, RunReport
from thighdx.files.summary import Summary

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.compiled.compiled_model import CompiledModel

__all__ = ["print_cases", "print_closing"]

LABEL_WIDTH = 20
PERCENT_WIDTH = 4
N_LEADERS = 10
SHOWN_PROBLEMS = 5


def print_cases(summary: Summary, model: CompiledModel, *, output: str) -> None:
    """Print the result on standard output, or on standard error if the table went to standard output."""
    out = console(to_stderr=output == STANDARD_STREAM)
    if not summary.statuses["ok"]:
        why = ", ".join(f"{n:,} {status}" for status, n in summary.statuses.most_common())
        write_wrapped(out, f"No row was scored: {why or 'the table has none'}.", style="yellow")
    if summary.is_listed:
        _print_cases(out, summary)
    elif summary.statuses["ok"]:
        _print_leaders(out, summary, model)
    out.print()
    _print_truth(out, summary)
    write_wrapped(out, model.disclaimer, style="dim")


def print_closing(closing: RunReport) -> None:
    """Print on standard error what became of the rows, how fast, and by which model."""
    sys.stdout.flush()
    out = console(to_stderr=True)
    model = closing.scorer.model
    _print_rows(out, closing)
    if closing.unread and closing.kept:
        line = f"cells that cannot be read: {closing.unread_columns}"
        write_wrapped(out, line, indent="  ", hanging="    ", style="yellow")
    for problem in _shown_problems(closing.problems):
        line = f"{problem.file}, row {problem.row}: {problem.status}: {problem.message}"
        write_wrapped(out, line, indent="  ", hanging="    ", style="yellow")
    if closing.urgency:
        write(out, "Urgency: " + ", ".join(f"{n:,} {level}" for level, n in closing.urgency.items()))
    where = f"setting {closing.scorer.setting}"
    where += " where the row names none" if closing.summary.has_settings else ""
    write(out, f"Model: {model.name} {model.version} ({model.digest[:12]}), {where}")
    if closing.output != STANDARD_STREAM:
        write(out, f"Written: {closing.output}")


def _shown_problems(problems: Sequence[Problem]) -> list[Problem]:
    """Return the first problems, and the first of every kind that is not among them, in the order of rows."""
    kinds = {problem.status: position for position, problem in reversed([*enumerate(problems)])}
    shown = sorted({*kinds.values(), *range(min(len(problems), SHOWN_PROBLEMS))})
    spare = [position for position in shown if position not in kinds.values()]
    n_kept = max(0, SHOWN_PROBLEMS - len(kinds))
    return [problems[position] for position in shown if position not in spare[n_kept:]]


def _print_cases(out: Console, summary: Summary) -> None:
    """Print one line per case, or more where its leading causes need them: ids are never cut."""
    cases = summary.cases
    if not cases:
        return
    label = min(LABEL_WIDTH, max(4, *(len(case.label) for case in cases)))
    head = f"{'case':<{label}}  ok" + ("  true" if summary.has_truth else "")
    longest = max((len(cause) for case in cases for cause, _ in case.leading), default=0)
    fits = len(head) + summary.top * (2 + PERCENT_WIDTH + 1 + longest) <= out.width
    write(out, f"{head}  leading causes", style="dim")
    for case in cases:
        start = f"{_cut(case.label, label):<{label}}  {'ok' if case.status == 'ok' else '! '}"
        start += f"  {_ordinal(case.rank) if case.true_causes else '':>4}" if summary.has_truth else ""
        if case.status != "ok":
            write(out, f"{start}  {case.status}", style="yellow")
            continue
        parts = [f"{percent(p, 0):>{PERCENT_WIDTH}} {cause}" for cause, p in case.leading]
        if fits:
            parts = [f"{part:<{PERCENT_WIDTH + 1 + longest}}" for part in parts]
        write(out, _flowed(start, parts, out.width))
    _print_missed(out, summary)


def _flowed(start: str, parts: Sequence[str], width: int) -> str:
    """Put as many parts on a line as fit, whole; lines after the first begin under the first part."""
    lines, indent = [start], " " * len(start)
    for place, part in enumerate(parts):
        if place and len(lines[-1]) + 2 + len(part) > width:
            lines.append(indent)
        lines[-1] += f"  {part}"
    return "\n".join(line.rstrip() for line in lines)


def _print_missed(out: Console, summary: Summary) -> None:
    """Name the true causes that are not among those shown."""
    missed = [case for case in summary.cases if case.rank is not None and case.rank > summary.top]
    if not missed:
        return
    label = min(LABEL_WIDTH, max(len(case.label) for case in missed))
    out.print()
    write(out, f"True cause not among the first {summary.top}:", style="bold")
    for case in missed:
        write(
            out,
            f"{_cut(case.label, label):<{label}}  {_ordinal(case.rank):>4}  "
            f"{percent(case.true_probability):>5} {', '.join(case.true_causes)}",
        )


def _print_leaders(out: Console, summary: Summary, model: CompiledModel) -> None:
    """Print which causes lead how often."""
    n_ok = max(1, summary.statuses["ok"])
    table = plain_table("leading cause")
    add_numbers(table, "rows", "share")
    table.add_column("mean probability", justify="right")
    leaders = summary.leading()
    for cause, count, mean in leaders[:N_LEADERS]:
        table.add_row(model.causes[cause].label, f"{count:,}", percent(count / n_ok), percent(mean))
    if rest := sum(count for _, count, _ in leaders[N_LEADERS:]):
        table.add_row(
            f"({len(leaders) - N_LEADERS} more)", f"{rest:,}", percent(rest / n_ok), "", style="dim"
        )
    out.print(table)


def _print_truth(out: Console, summary: Summary) -> None:
    """Print how often a true cause is first and among the first."""
    if not summary.has_truth:
        return
    n = summary.n_truth
    if n:
        first = f"{summary.n_first:,} ({percent(summary.n_first / n, 0)})"
        among = f"{summary.n_among:,} ({percent(summary.n_among / n, 0)})"
        line = f"A true cause is first in {first} of {n:,} cases"
        line += f" and among the first {summary.top} in {among}." if summary.top > 1 else "."
        write_wrapped(out, line, style="bold")
    notes = [
        (summary.n_truth_unscored, "with a true cause could not be scored and do not count"),
        (
            summary.n_truth_residual,
            f"whose only true cause is {summary.residual_cause}, which is never ranked, do not count",
        ),
        (
            sum(summary.unknown_truth.values()),
            f"times a true cause that is not in the model: {', '.join(summary.unknown_truth)}",
        ),
    ]
    for count, note in notes:
        if count:
            write_wrapped(out, f"{count:,} {note}", indent="  ")


def _print_rows(out: Console, closing: RunReport) -> None:
    """Print what became of the rows, and how fast."""
    kept = closing.kept
    line = f"{closing.n_rows:,} row{'' if closing.n_rows == 1 else 's'} read: {closing.n_scored:,} scored"
    if kept:
        listed = ", ".join(f"{n:,} {status}" for status, n in kept.items())
        line += f", {sum(kept.values()):,} kept without probabilities ({listed})"
    if closing.n_resumed:
        line += f"; {closing.n_resumed:,} of them before the interruption"
    speed = (
        f"{closing.seconds:.1f} s, {closing.rows_per_second:,.0f} rows/s (start-up {closing.start_up:.1f} s)"
    )
    write_wrapped(out, f"{line}; {speed}")


def _cut(text: str, width: int) -> str:
    """Shorten to a width."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else f"{flat[: width - 1]}~"


def _ordinal(rank: int | None) -> str:
    """Write a rank as 1st, 2nd, ..."""
    if rank is None:
        return "-"
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"
