"""`thighdx model trace`: from a cause back to every judgement about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from thighdx.cli.output import write, write_output, write_wrapped
from thighdx.errors import TableError
from thighdx.text import in_words

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.elicitation.judgements import PooledJudgement
    from thighdx.kb.records import Judgement
    from thighdx.model import Model

__all__ = ["print_judgements", "write_judgements"]


def print_judgements(out: Console, model: Model, cause: str) -> None:
    """Print every number about a cause with who said what, and the sources below."""
    trace = model.trace(cause)
    keys = zip(trace["table"], trace["key"], strict=True)
    items = [model.compiled.pooled[table, tuple(key.split("|"))] for table, key in keys]
    write(out, f"{model.causes[cause].label}: {len(items):,} numbers", style="bold")
    text = (
        "Each line holds the value used and, in brackets, its 5 and 95% quantiles; below it what every "
        "expert said (5, 50 and 95% quantiles, or in words), with sources. Odds ratios in effects, "
        "frequencies elsewhere."
    )
    write_wrapped(out, text, style="dim")
    heading = ""
    for item in items:
        if item.table != heading:
            heading = item.table
            out.print()
            write(out, heading, style="bold")
        _print_number(out, item, cause)
    _print_sources(out, model, items)


def _print_number(out: Console, item: PooledJudgement, cause: str) -> None:
    """Print one number and the rows behind it."""
    name = " ".join(part for part in item.key if part != cause)
    low, high = item.distribution.quantile([0.05, 0.95]) if item.point else (0.0, 0.0)
    used = (
        f"{_figure(item.point)} ({_figure(float(low))} to {_figure(float(high))})" if item.point else "never"
    )
    settled = f", settled by {item.corrected_by}" if item.corrected_by else ""
    write_wrapped(out, f"{name}: {used}{settled}", indent="  ", hanging="    ")
    for row in item.rows:
        text = f"{row.expert}: {_said(row)} [{', '.join(row.sources)}]" + (f" {row.note}" if row.note else "")
        write_wrapped(out, text, indent="      ", hanging="        ", style="dim")
    silent = [belief.expert for belief in item.experts if belief.is_filled]
    if silent:
        rule = "odds ratio 1" if item.table == "effects" else "the background"
        text = f"{', '.join(silent)}: no row, counts as {rule}"
        write_wrapped(out, text, indent="      ", hanging="        ", style="dim")


def _said(row: Judgement) -> str:
    """Return what an expert said."""
    return row.statement if row.quantiles is None else " ".join(_figure(value) for value in row.quantiles)


def _figure(value: float) -> str:
    """Write a number with three significant digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _print_sources(out: Console, model: Model, items: Iterable[PooledJudgement]) -> None:
    """Print what the source ids stand for."""
    cited = dict.fromkeys(source for item in items for source in item.sources)
    out.print()
    write(out, "Sources", style="bold")
    for name in cited:
        source = model.compiled.kb.sources[name]
        checked = "" if source.verified else " (not verified)"
        text = f"{name}: {in_words(source.kind)}{checked}: {source.citation}"
        write_wrapped(out, text, indent="  ", hanging="      ")


def write_judgements(model: Model, cause: str, file: str) -> None:
    """Write the table of `Model.trace` as CSV; to standard output for ``-``."""
    if file != "-" and not file.lower().endswith(".csv"):
        raise TableError(f"{file}: expected a name that ends in .csv, or - for a pipe")
    write_output(model.trace(cause).to_csv(index=False, lineterminator="\n"), file)
