"""The run that scores one table from beginning to end: read, scored, written and counted, whatever its length."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

import thighdx
from thighdx.errors import TableError
from thighdx.evidence.table_rows import STATUSES
from thighdx.files.formats import STANDARD_STREAM, output_format
from thighdx.files.pipeline import map_ordered, share_processors
from thighdx.files.report import Problem, RunReport
from thighdx.files.sinks import TableSink, check_columns, open_sink
from thighdx.files.table import Portion
from thighdx.files.work import OnEarlier, Work, clear_when_full, open_work
from thighdx.scoring.scorer import ScoredBatch

__all__ = ["PART_ROWS", "RunOptions", "score_table_to"]

PART_ROWS = 65_536  # written as one row group, and kept as one part
SHOWN_PROBLEMS = 5  # per kind

Advance = Callable[[int, int], object]


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


def _key(run: RunReport, options: RunOptions) -> dict[str, Any]:
    """Return what decides about every byte of the output."""
    scorer, form = run.scorer, output_format(run.output)
    return {
        "thighdx": thighdx.__version__,
        "model": scorer.model.digest,
        "max_causes": scorer.model.max_causes,
        "rebased": {name: dict(shares) for name, shares in scorer.model.rebased.items()},
        **scorer.options.to_dict(),
        "engine": run.engine,
        "escape_formulas": options.escape_formulas,
        "part_rows": options.part_rows,
        "format": [form.kind, form.compression],
        "inputs": [source.identity for source in run.table.sources],
    }


def score_table_to(run: RunReport, options: RunOptions, advance: Advance) -> None:
    """Score a table into a file, or to standard output.

    Parameters
    ----------
    run : RunReport
        Is kept up to date.
    advance : callable
        Is told after every batch: the rows scored and the bytes of input read so far.

    Raises
    ------
    TableError
        If the input is damaged, the output cannot be written, or a row cannot be scored and that is an error.
    """
    started = time.perf_counter()
    schema = run.scorer.output_schema(run.table.schema)
    notes = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    is_pipe = run.output == STANDARD_STREAM
    with ExitStack() as stack:
        stack.enter_context(clear_when_full("standard output" if is_pipe else run.output))
        check_columns(run.output, schema)
        if is_pipe:
            work, stream = None, sys.stdout.buffer
        else:
            key = _key(run, options)
            work = stack.enter_context(open_work(run.output, key, on_earlier=options.on_earlier))
            run.notice = work.notice
            stream = stack.enter_context(pa.OSFile(str(work.output), "wb"))
        form, escape = output_format(run.output), options.escape_formulas
        sink = stack.enter_context(open_sink(form, stream, notes=notes, escape_formulas=escape))
        try:
            _score(run, options, advance, sink=sink, work=work)
        finally:
            run.seconds += time.perf_counter() - started


def _score(
    run: RunReport, options: RunOptions, advance: Advance, *, sink: TableSink, work: Work | None
) -> None:
    """Write earlier parts, then score the rest part by part."""
    if work is not None and work.state is not None:
        run.take_up(work.state)
        for part in work.parts():
            _write(part, sink, run)
        advance(run.n_rows, 0)
    waiting: list[pa.RecordBatch] = []
    schema = run.scorer.output_schema(run.table.schema)
    with closing(_scored(run, options)) as found:
        for portion, scored in found:
            _note_problems(portion, scored, run)
            waiting.append(scored.batch)
            run.n_rows += scored.batch.num_rows
            run.place = portion.end
            if run.n_rows % options.part_rows == 0:
                part = _joined(waiting, schema)
                waiting.clear()
                _write(part, sink, run)
                if work is not None:
                    work.keep(part, run.state)
            advance(run.n_rows, portion.n_bytes)
    if waiting or run.n_rows == 0:
        _write(_joined(waiting, schema), sink, run)


def _scored(run: RunReport, options: RunOptions) -> Generator[tuple[Portion, ScoredBatch]]:
    """Yield portions of the input and what came out for them, in order, and note how long it took."""

    def work(portion: Portion) -> tuple[Portion, ScoredBatch, float]:
        started = time.perf_counter()
        scored = run.scorer.score_batch(portion.batch, engine=run.engine)
        return portion, scored, time.perf_counter() - started

    portions = run.table.read(run.place, run.n_rows, options.part_rows)
    with closing(map_ordered(work, portions, n_workers=share_processors()[0])) as found:
        waits_since = time.perf_counter()
        for portion, scored, seconds in found:
            run.waited += time.perf_counter() - waits_since
            run.worked += seconds
            yield portion, scored
            waits_since = time.perf_counter()


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Return one table in one piece, so that what is written does not depend on how it was read."""
    return pa.Table.from_batches(batches, schema).replace_schema_metadata(None).combine_chunks()


def _write(part: pa.Table, sink: TableSink, run: RunReport) -> None:
    """Write a part, and count what became of its rows."""
    sink.write(part)
    run.summary.add(part)
    if run.scorer.options.triage:
        run.triage.update(part.column("triage").to_pylist())


def _note_problems(portion: Portion, scored: ScoredBatch, run: RunReport) -> None:
    """Note what could not be read in a batch: the first rows of every kind in words, and counts of all."""
    scorer, encoded = run.scorer, scored.found.encoded
    run.n_underage += encoded.n_underage
    for bad in encoded.bad_cells:
        run.unread[str(bad.column)] += len(bad.rows)
    seen = Counter(problem.status for problem in run.problems)
    rows = []
    for row in np.flatnonzero(scored.found.status).tolist():
        status = STATUSES[scored.found.status[row]]
        seen[status] += 1
        if seen[status] <= SHOWN_PROBLEMS:
            rows.append(row)
    name = run.table.sources[portion.end.file].title
    first = portion.end.row - portion.batch.num_rows + 1
    for fault in scorer.explain(portion.batch, scored.found, rows):
        found = Problem(name, first + fault.row, fault.status, fault.column, fault.value, fault.message)
        if scorer.options.on_error == "raise":
            raise TableError(
                f"{found.file}: row {found.row}: {found.status}: {found.message}; on_error is 'raise'"
            )
        run.problems.append(found)
