"""What a benchmark hands back: a Markdown table for the README, and the same as plain data."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Table", "number", "save", "say"]


@dataclass(frozen=True)
class Table:
    """One table; cells are text, the first column says what was measured."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: str = ""

    def markdown(self) -> str:
        """Return the table as Markdown, columns aligned so that it reads as text too."""
        cells = [self.columns, *self.rows]
        widths = [max(3, *(len(row[place]) for row in cells)) for place in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [_line(self.columns, widths), _line(rule, widths)]
        lines += [_line(row, widths) for row in self.rows]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", self.notes] if self.notes else [])])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return one line: the first cell to the left, numbers to the right."""
    rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join([cells[0].ljust(widths[0]), *rest]) + " |"


def number(value: float) -> str:
    """Return three digits at least, thousands separated.

    >>> [number(value) for value in (41_234.4, 530.2, 4.127, 0.0321)]
    ['41,234', '530', '4.13', '0.0321']
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def say(message: str) -> None:
    """Say on standard error what is being done; standard output is for the tables."""
    print(f"benchmarks: {message}", file=sys.stderr, flush=True)


def save(path: Path, machine: Mapping[str, str], tables: Sequence[Table]) -> None:
    """Write all tables as JSON, with machine, versions and commit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**machine, "tables": [asdict(table) for table in tables]}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
