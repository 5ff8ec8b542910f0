"""One table scored from beginning to end: read, scored, written and counted, whatever its length."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

import thighdx
from thighdx.errors import TableError
from thighdx.evidence.draft import STATUSES
from thighdx.files.formats import STANDARD_STREAM, output_format
from thighdx.files.pipeline import map_ordered
from thighdx.files.sinks import TableSink, check_columns, open_sink
from thighdx.files.summary import Summary
from thighdx.files.table import Place, Portion, Table
from thighdx.files.work import OnEarlier, Work, open_work
from thighdx.processors import n_processors
from thighdx.scoring.options import Engine
from thighdx.scoring.score import ScoredRows
from thighdx.scoring.scorer import Scorer

__all__ = [
    "PART_ROWS",
    "Problem",
    "Run",
    "RunOptions",
    "run_key",
    "score_table_to",
    "share_processors",
]

PART_ROWS = 65_536  # written as one row group, and kept as one part
SHOWN_PROBLEMS = 5  # per kind
MAX_BATCHES = 4  # scored at once

Advance = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Problem:
    """One row kept without probabilities, and why."""

    file: str
    row: int  # of the file, from 1
    status: str
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a table is written, beside what the scorer is asked for.

    Attributes
    ----------
    part_rows : int
        Rows written at once, and kept at once should the run be interrupted.
    """

    escape_formulas: bool = False
    part_rows: int = PART_ROWS
    on_earlier: OnEarlier = "ask"


@dataclass(slots=True)
class Run:
    """What is known about a run so far.

    Attributes
    ----------
    unread : Counter of str
        Cells that could not be read, by column.
    engine : {"compiled", "numpy"}
        Decided before the first row, by the size of the table.
    seconds : float
        Since the first row was asked for.
    waited : float
        Of these, waiting for scored rows; the rest went into writing and counting.
    worked : float
        Seconds of all workers together.
    """

    summary: Summary
    engine: Engine = "compiled"
    n_rows: int = 0
    n_underage: int = 0
    n_resumed: int = 0
    place: Place = field(default=Place(0, 0))
    triage: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    notice: str = ""
    seconds: float = 0.0
    waited: float = 0.0
    worked: float = 0.0

    def as_plain(self) -> dict[str, Any]:
        """Return what a resumed run has to know, as plain data."""
        return {
            "n_rows": self.n_rows,
            "n_underage": self.n_underage,
            "place": list(self.place),
            "triage": dict(self.triage),
            "unread": dict(self.unread),
            "problems": [
                {name: getattr(problem, name) for name in Problem.__slots__} for problem in self.problems
            ],
            "summary": self.summary.as_plain(),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from where another run was."""
        self.n_rows = self.n_resumed = state["n_rows"]
        self.n_underage = state["n_underage"]
        self.place = Place(*state["place"])
        self.triage, self.unread = Counter(state["triage"]), Counter(state["unread"])
        self.problems = [Problem(**item) for item in state["problems"]]
        self.summary.take_up(state["summary"])


class _Scored(NamedTuple):
    """A portion of the input and what came out for it."""

    portion: Portion
    batch: pa.RecordBatch
    found: ScoredRows
    seconds: float


def run_key(table: Table, scorer: Scorer, engine: Engine, output: str, options: RunOptions) -> dict[str, Any]:
    """Return what decides about every byte of the output."""
    form = output_format(output)
    return {
        "thighdx": thighdx.__version__,
        "model": scorer.model.digest,
        "max_causes": scorer.model.max_causes,
        "rebased": {name: dict(shares) for name, shares in scorer.model.rebased.items()},
        **scorer.options.as_plain(),
        "engine": engine,
        "escape_formulas": options.escape_formulas,
        "part_rows": options.part_rows,
        "format": [form.kind, form.compression],
        "inputs": [source.identity for source in table.sources],
    }


def score_table_to(
    output: str, table: Table, scorer: Scorer, run: Run, options: RunOptions, advance: Advance
) -> None:
    """Score a table into a file, or to standard output.

    Parameters
    ----------
    run : Run
        Is kept up to date.
    advance : callable
        Is told of every batch: its rows, and the bytes of input read so far.

    Raises
    ------
    TableError
        If the input is damaged, the output cannot be written, or a row cannot be scored and that is an error.
    """
    started = time.perf_counter()
    form = output_format(output)
    schema = scorer.output_schema(table.schema)
    check_columns(output, schema)
    notes = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    sink_options: dict[str, Any] = {"notes": notes, "escape_formulas": options.escape_formulas}
    try:
        if output == STANDARD_STREAM:
            with open_sink(form, sys.stdout.buffer, **sink_options) as sink:
                _score(table, scorer, run, options, advance, sink, None)
            return
        with open_work(
            output, run_key(table, scorer, run.engine, output, options), on_earlier=options.on_earlier
        ) as work:
            run.notice = work.notice
            with pa.OSFile(str(work.output), "wb") as stream, open_sink(form, stream, **sink_options) as sink:
                _score(table, scorer, run, options, advance, sink, work)
    finally:
        run.seconds += time.perf_counter() - started


def _score(
    table: Table,
    scorer: Scorer,
    run: Run,
    options: RunOptions,
    advance: Advance,
    sink: TableSink,
    work: Work | None,
) -> None:
    """Write earlier parts, then score the rest part by part."""
    if work is not None and work.state is not None:
        run.take_up(work.state)
        for part in work.parts():
            sink.write(part)
        advance(run.n_rows, 0)
    waiting: list[pa.RecordBatch] = []
    schema = scorer.output_schema(table.schema)
    with closing(_portions(table, scorer, run, options)) as portions:
        for scored in portions:
            _count(scored, table, scorer, run)
            waiting.append(scored.batch)
            run.n_rows += scored.batch.num_rows
            run.place = scored.portion.end
            if run.n_rows % options.part_rows == 0:
                _finish_part(waiting, schema, sink, work, run)
            advance(scored.batch.num_rows, scored.portion.n_bytes)
    if waiting or run.n_rows == 0:
        sink.write(_joined(waiting, schema))


def _portions(table: Table, scorer: Scorer, run: Run, options: RunOptions) -> Generator[_Scored]:
    """Yield scored portions in order, and note how long they were waited for."""

    def work(portion: Portion) -> _Scored:
        started = time.perf_counter()
        scored = scorer.score_batch(portion.batch, engine=run.engine)
        return _Scored(portion, scored.batch, scored.found, time.perf_counter() - started)

    portions = table.read(run.place, run.n_rows, options.part_rows)
    with closing(map_ordered(work, portions, n_workers=share_processors()[0])) as scored:
        while True:
            started = time.perf_counter()
            item = next(scored, None)
            run.waited += time.perf_counter() - started
            if item is None:
                return
            run.worked += item.seconds
            yield item


def share_processors() -> tuple[int, int]:
    """Return how many batches are scored at once, and with how many threads each.

    A batch takes some 35 MB while it is scored, so their number is bounded and more processors share them.
    """
    n_batches = min(n_processors(), MAX_BATCHES)
    return n_batches, -(-n_processors() // n_batches)


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Return one table in one piece, so that what is written does not depend on how it was read."""
    return pa.Table.from_batches(batches, schema).replace_schema_metadata(None).combine_chunks()


def _finish_part(
    waiting: list[pa.RecordBatch], schema: pa.Schema, sink: TableSink, work: Work | None, run: Run
) -> None:
    """Write a part, and keep it in case the rest never comes."""
    part = _joined(waiting, schema)
    waiting.clear()
    sink.write(part)
    if work is not None:
        work.keep(part, run.as_plain())


def _count(scored: _Scored, table: Table, scorer: Scorer, run: Run) -> None:
    """Count what became of the rows of a batch."""
    run.n_underage += scored.found.encoded.n_underage
    for bad in scored.found.encoded.bad_cells:
        run.unread[str(bad.column)] += len(bad.rows)
    run.summary.add(pa.Table.from_batches([scored.batch]))
    if scored.found.levels is not None:
        run.triage.update(scored.found.levels.tolist())
    seen = Counter(problem.status for problem in run.problems)
    rows = []
    for row in np.flatnonzero(scored.found.status).tolist():
        status = STATUSES[scored.found.status[row]]
        seen[status] += 1
        if seen[status] <= SHOWN_PROBLEMS:
            rows.append(row)
    name = table.sources[scored.portion.end.file].title
    first = scored.portion.end.row - scored.batch.num_rows + 1
    for fault in scorer.explain(scored.portion.batch, scored.found, rows):
        found = Problem(name, first + fault.row, fault.status, fault.column, fault.value, fault.message)
        if scorer.options.on_error == "raise":
            raise TableError(
                f"{found.file}: row {found.row}: {found.status}: {found.message}; --strict is on"
            )
        run.problems.append(found)
