"""The report of a run, kept up to date while it goes on: closing lines for a person, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import thighdx
from thighdx.atomic_files import write_text
from thighdx.display import Shown
from thighdx.files.pipeline import share_processors
from thighdx.files.summary import Summary
from thighdx.files.table import Place, Table
from thighdx.files.work import OnEarlier
from thighdx.kb.records import LEVELS
from thighdx.scoring.options import Engine
from thighdx.scoring.score import choose_engine
from thighdx.scoring.scorer import Scorer

__all__ = ["PART_ROWS", "Problem", "RunReport"]

REPORT_FORMAT = 1
PART_ROWS = 65_536  # written as one row group, and kept as one part
TOP = 3  # causes among which a true one counts as found, unless the scorer names more or fewer
BUSY = 0.8  # share of the time above which something is what limits the speed


class Problem(NamedTuple):
    """One row kept without probabilities, and why."""

    file: str
    row: int  # of the file, from 1
    status: str
    column: str
    value: str
    message: str


@dataclass(slots=True, repr=False)
class RunReport(Shown):
    """What is asked of a run, and how it went, or how far it is."""

    table: Table
    scorer: Scorer
    output: str
    escape_formulas: bool = False  # in CSV, put ' before text that a spreadsheet would take for a formula
    part_rows: int = PART_ROWS
    on_earlier: OnEarlier = "ask"
    summary: Summary = field(init=False)
    engine: Engine = field(init=False)  # decided before the first row, by the size of the table
    n_rows: int = 0
    n_underage: int = 0
    n_resumed: int = 0  # rows scored before the run was interrupted
    place: Place = field(default=Place(0, 0))  # of the next row
    triage: Counter[str | None] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)  # cells that could not be read, by column
    remarks: list[str] = field(default_factory=list)  # what the user may not expect of columns and cells
    notice: str = ""  # what became of an earlier run
    start_up: float = 0.0  # seconds before the first row: the model is loaded, the files are looked at
    seconds: float = 0.0  # since the first row was asked for
    waited: float = 0.0  # of these, waiting for scored rows; the rest went into writing and counting
    worked: float = 0.0  # seconds of all workers together

    def __post_init__(self) -> None:
        """Choose the engine, and have something to count in."""
        model, columns = self.scorer.model, self.scorer.plan(self.table.schema).columns
        self.summary = Summary(model.vocabulary, model.residual_cause, self.scorer.options.top or TOP)
        self.summary.has_settings = columns.setting is not None
        most = [source.most_rows for source in self.table.sources]
        self.engine = choose_engine("auto", None if None in most else sum(filter(None, most)), model.network)

    def __repr__(self) -> str:
        """Return how many rows there were and what became of them."""
        kept = "".join(f", {n:,} {status}" for status, n in self.kept.items())
        return f"<RunReport {self.n_rows:,} rows read, {self.n_scored:,} scored{kept}>"

    @property
    def n_scored(self) -> int:
        """Rows with a posterior."""
        return self.summary.statuses["ok"]

    @property
    def kept(self) -> dict[str, int]:
        """Rows without one, by kind, most frequent first."""
        return {status: n for status, n in self.summary.statuses.most_common() if status != "ok"}

    @property
    def unread_columns(self) -> str:
        """Columns with cells that could not be read and how many, most frequent first; empty if there are none."""
        return ", ".join(f"{name!r} ({count:,})" for name, count in self.unread.most_common())

    @property
    def urgency(self) -> dict[str, int]:
        """Rows of every level that there is, most urgent first."""
        return {level: self.triage[level] for level in reversed(LEVELS) if self.triage[level]}

    @property
    def rows_per_second(self) -> float:
        """End to end, start-up apart; of rows scored in this run."""
        return (self.n_rows - self.n_resumed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def limited_by(self) -> str:
        """What took the time."""
        if self.seconds <= 0 or self.n_rows == self.n_resumed:
            return "nothing"
        if self.worked / (self.seconds * share_processors()[0]) > BUSY:
            return "inference"
        return "reading" if self.waited / self.seconds > BUSY else "writing"

    @property
    def state(self) -> dict[str, Any]:
        """What a resumed run has to know beside the scored rows, as plain data."""
        return {
            "n_rows": self.n_rows,
            "n_underage": self.n_underage,
            "place": list(self.place),
            "unread": dict(self.unread),
            "problems": [problem._asdict() for problem in self.problems],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from where another run was."""
        self.n_rows = self.n_resumed = state["n_rows"]
        self.n_underage, self.place = state["n_underage"], Place(*state["place"])
        self.unread = Counter(state["unread"])
        self.problems = [Problem(**problem) for problem in state["problems"]]

    def as_plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        model = self.scorer.model
        return {
            "format": REPORT_FORMAT,
            "thighdx": thighdx.__version__,
            "model": {"name": model.name, "version": model.version, "digest": model.digest},
            "rebased": {name: dict(shares) for name, shares in model.rebased.items()},
            "setting": self.scorer.setting,
            "options": self.scorer.options.to_dict(),
            "engine": self.engine,
            "inputs": [source.name for source in self.table.sources],
            "output": self.output,
            "rows": {
                "read": self.n_rows,
                "scored": self.n_scored,
                "kept": self.kept,
                "resumed": self.n_resumed,
            },
            "problems": [problem._asdict() for problem in self.problems],
            "unread_cells": dict(self.unread),
            "warnings": self.remarks,
            "triage": {level or "none": count for level, count in self.triage.items()},
            "seconds": {"start_up": round(self.start_up, 3), "scoring": round(self.seconds, 3)},
            "rows_per_second": round(self.rows_per_second, 1),
            "worker_seconds": round(self.worked, 3),
            "limited_by": self.limited_by,
            "disclaimer": model.disclaimer,
        }

    def write(self, name: str) -> None:
        """Write the report as JSON."""
        write_text(json.dumps(self.as_plain(), indent=2, ensure_ascii=False) + "\n", name)
