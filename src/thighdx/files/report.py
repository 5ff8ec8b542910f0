"""The report of a run, kept up to date while it goes on: closing lines for a person, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import thighdx
from thighdx.atomic_files import create_file
from thighdx.files.pipeline import share_processors
from thighdx.files.summary import Summary
from thighdx.files.table import Place, Table
from thighdx.html.fragments import summary_fragment
from thighdx.kb.records import LEVELS
from thighdx.scoring.options import Engine
from thighdx.scoring.scorer import Scorer

__all__ = ["REPORT_FORMAT", "Problem", "RunReport"]

REPORT_FORMAT = 1
SHOWN_LEADERS = 10
BUSY = 0.8  # share of the time above which something is what limits the speed


@dataclass(frozen=True, slots=True)
class Problem:
    """One row kept without probabilities, and why."""

    file: str
    row: int  # of the file, from 1
    status: str
    column: str
    value: str
    message: str


@dataclass(slots=True, repr=False)
class RunReport:
    """How a run went, or how far it is.

    Attributes
    ----------
    engine : {"compiled", "numpy"}
        Decided before the first row, by the size of the table.
    n_resumed : int
        Rows scored before the run was interrupted.
    place : Place
        Where the next row is.
    unread : Counter of str
        Cells that could not be read, by column.
    remarks : list of str
        What the user may not expect of the columns and the cells.
    notice : str
        What became of an earlier run.
    start_up : float
        Seconds before the first row: the model is loaded, the files are looked at.
    seconds : float
        Since the first row was asked for.
    waited : float
        Of these, waiting for scored rows; the rest went into writing and counting.
    worked : float
        Seconds of all workers together.
    """

    table: Table
    scorer: Scorer
    output: str
    summary: Summary
    engine: Engine
    n_rows: int = 0
    n_underage: int = 0
    n_resumed: int = 0
    place: Place = field(default=Place(0, 0))
    triage: Counter[str | None] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    notice: str = ""
    start_up: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0
    worked: float = 0.0

    def __repr__(self) -> str:
        """Return how many rows there were and what became of them."""
        kept = "".join(f", {n:,} {status}" for status, n in self.kept.items())
        return f"<RunReport {self.n_rows:,} rows read, {self.n_scored:,} scored{kept}>"

    def _repr_html_(self) -> str:
        """Show a notebook what became of the rows, which causes lead and how urgent they are."""
        summary, model = self.summary, self.scorer.model
        labels = model.kb.labels
        leaders = summary.leading()
        leading = [
            {"label": labels[cause], "n_rows": n_rows, "mean_probability": mean}
            for cause, n_rows, mean in leaders[:SHOWN_LEADERS]
        ]
        rest = len(leaders) - len(leading)
        truth = {"n": summary.n_truth, "first": summary.n_first, "among": summary.n_among, "top": summary.top}
        return summary_fragment(
            {
                "n_rows": self.n_rows,
                "statuses": dict(summary.statuses),
                "leading": leading,
                "triage": {level: self.triage[level] for level in LEVELS[::-1] if self.triage[level]},
                "truth": truth if summary.n_truth else {},
                "notes": [
                    *([f"{rest} more causes lead in fewer rows."] if rest else []),
                    f"{self.output}: {self.seconds:.1f} s, {self.rows_per_second:,.0f} rows/s",
                    *(f"{each.file}: row {each.row}: {each.message}" for each in self.problems),
                    *self.remarks,
                ],
                "model": f"{model.name} {model.version} ({model.digest[:12]})",
                "setting": self.scorer.setting,
                "disclaimer": model.disclaimer,
            }
        )

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
            "problems": [asdict(problem) for problem in self.problems],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from where another run was."""
        self.n_rows = self.n_resumed = state["n_rows"]
        self.n_underage, self.place = state["n_underage"], Place(*state["place"])
        self.unread = Counter(state["unread"])
        self.problems = [Problem(**item) for item in state["problems"]]

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
            "problems": [asdict(problem) for problem in self.problems],
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
        with create_file(name) as stream:
            stream.write((json.dumps(self.as_plain(), indent=2, ensure_ascii=False) + "\n").encode())
