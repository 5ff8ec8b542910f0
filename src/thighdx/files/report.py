"""How a run went, as one record: for the closing lines and, as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import thighdx
from thighdx.atomic_files import create_file
from thighdx.files.reading import Table
from thighdx.files.run import Run, share_processors
from thighdx.html.fragments import summary_fragment
from thighdx.kb.records import LEVELS
from thighdx.scoring.scorer import Scorer

__all__ = ["REPORT_FORMAT", "RunReport"]

REPORT_FORMAT = 1
SHOWN_LEADERS = 10
BUSY = 0.8  # share of the time above which something is what limits the speed


@dataclass(frozen=True, slots=True, repr=False)
class RunReport:
    """How a run went.

    Attributes
    ----------
    start_up : float
        Seconds before the first row: the model is loaded, the files are looked at.
    """

    run: Run
    scorer: Scorer
    table: Table
    output: str
    remarks: Sequence[str]
    start_up: float

    def __repr__(self) -> str:
        """Return how many rows there were and what became of them."""
        kept = "".join(f", {n:,} {status}" for status, n in self.kept.items())
        return f"<RunReport {self.run.n_rows:,} rows read, {self.n_scored:,} scored{kept}>"

    def _repr_html_(self) -> str:
        """Show a notebook what became of the rows, which causes lead and how urgent they are."""
        summary, model = self.run.summary, self.scorer.model
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
                "n_rows": self.run.n_rows,
                "statuses": dict(summary.statuses),
                "leading": leading,
                "triage": {level: self.run.triage[level] for level in LEVELS[::-1] if self.run.triage[level]},
                "truth": truth if summary.n_truth else {},
                "notes": [
                    *([f"{rest} more causes lead in fewer rows."] if rest else []),
                    f"{self.output}: {self.run.seconds:.1f} s, {self.rows_per_second:,.0f} rows/s",
                    *(f"{each.file}: row {each.row}: {each.message}" for each in self.run.problems),
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
        return self.run.summary.statuses["ok"]

    @property
    def kept(self) -> dict[str, int]:
        """Rows without one, by kind, most frequent first."""
        return {status: n for status, n in self.run.summary.statuses.most_common() if status != "ok"}

    @property
    def rows_per_second(self) -> float:
        """End to end, start-up apart; of rows scored in this run."""
        n_rows = self.run.n_rows - self.run.n_resumed
        return n_rows / self.run.seconds if self.run.seconds > 0 else 0.0

    @property
    def limited_by(self) -> str:
        """What took the time."""
        run = self.run
        if run.seconds <= 0 or run.n_rows == run.n_resumed:
            return "nothing"
        if run.worked / (run.seconds * share_processors()[0]) > BUSY:
            return "inference"
        return "reading" if run.waited / run.seconds > BUSY else "writing"

    def as_plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        run, model = self.run, self.scorer.model
        return {
            "format": REPORT_FORMAT,
            "thighdx": thighdx.__version__,
            "model": {"name": model.name, "version": model.version, "digest": model.digest},
            "rebased": {name: dict(shares) for name, shares in model.rebased.items()},
            "setting": self.scorer.setting,
            "options": self.scorer.options.as_plain(),
            "engine": run.engine,
            "inputs": [source.name for source in self.table.sources],
            "output": self.output,
            "rows": {
                "read": run.n_rows,
                "scored": self.n_scored,
                "kept": self.kept,
                "resumed": run.n_resumed,
            },
            "problems": [asdict(problem) for problem in run.problems],
            "unread_cells": dict(run.unread),
            "warnings": list(self.remarks),
            "triage": {level or "none": count for level, count in run.triage.items()},
            "seconds": {"start_up": round(self.start_up, 3), "scoring": round(run.seconds, 3)},
            "rows_per_second": round(self.rows_per_second, 1),
            "worker_seconds": round(run.worked, 3),
            "limited_by": self.limited_by,
            "disclaimer": model.disclaimer,
        }

    def write(self, name: str) -> None:
        """Write the report as JSON."""
        with create_file(name) as stream:
            stream.write((json.dumps(self.as_plain(), indent=2, ensure_ascii=False) + "\n").encode())
