"""`thighdx score --explain-columns`: how each column will be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thighdx.cli.output import add_numbers, console, plain_table, write, write_wrapped
from thighdx.files.table import explain_columns
from thighdx.scoring.column_readings import SHOWN_VALUES, ColumnReading

if TYPE_CHECKING:
    from rich.console import Console

    from thighdx.files.table import Table
    from thighdx.scoring.scorer import Scorer

__all__ = ["print_columns"]

SHOWN_COLUMNS = 500
LOOK = {"hanging": "    ", "style": "yellow"}  # of what deserves one


def print_columns(table: Table, scorer: Scorer) -> None:
    """Print one line per column, those with something to look at after that again."""
    out = console()
    found = explain_columns(table, scorer)
    readings, n_rows = list(found.columns.values()), found.n_rows
    shown = plain_table("column", "is", "read as", "type")
    add_numbers(shown, "read", "empty", "bad")
    for reading in readings[:SHOWN_COLUMNS]:
        is_read = bool(reading.read_as)
        counts = [f"{n:,}" if is_read else "" for n in (reading.known, reading.unknown, reading.bad)]
        read_as = "" if reading.read_as in (reading.name, reading.role) else reading.read_as
        shown.add_row(str(reading.name), reading.role, read_as, _type(reading.kind), *counts)
    out.print(shown)
    if len(readings) > SHOWN_COLUMNS:
        write(out, f"... and {len(readings) - SHOWN_COLUMNS:,} columns more")
    _print_bad(out, readings)
    out.print()
    n_read = sum(bool(reading.read_as) for reading in readings)
    files = "1 file" if len(table.sources) == 1 else f"{len(table.sources)} files"
    line = (
        f"{n_read} of {len(readings)} columns are read, in {files}; looked at the first {n_rows:,} rows; "
        f"setting {scorer.setting}{' where the row names none' if _has_setting(readings) else ''}"
    )
    write_wrapped(out, line)


def _print_bad(out: Console, readings: list[ColumnReading]) -> None:
    """Print what cannot be read, with what it may mean."""
    for reading in readings:
        if reading.remark:
            write_wrapped(out, f"{reading.name}: not read as evidence; {reading.remark}", **LOOK)
        if not reading.bad:
            continue
        shown = [
            f"{value!r} ({count:,}){'; ' + reading.hints[value] if value in reading.hints else ''}"
            for value, count in reading.values.most_common(SHOWN_VALUES)
        ]
        more = len(reading.values) - SHOWN_VALUES
        tail = f", and {more:,} more" if more > 0 else ""
        write_wrapped(out, f"{reading.name}: cannot be read: {', '.join(shown)}{tail}", **LOOK)


def _has_setting(readings: list[ColumnReading]) -> bool:
    """Whether rows name settings of their own."""
    return any(reading.role == "setting" for reading in readings)


def _type(kind: str) -> str:
    """Shorten the name of a type."""
    return "categories" if kind.startswith("dictionary") else kind
