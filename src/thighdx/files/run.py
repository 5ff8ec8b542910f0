"""The run that scores one table from beginning to end: read, scored, written and counted, whatever its length."""

from __future__ import annotations

import errno
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

import thighdx
from thighdx.errors import TableError
from thighdx.evidence.table_rows import STATUSES
from thighdx.files.formats import STANDARD_STREAM, output_format
from thighdx.files.pipeline import map_ordered, share_processors
from thighdx.files.report import Problem, RunReport
from thighdx.files.sinks import TableSink, check_columns, open_sink
from thighdx.files.table import Portion, Table
from thighdx.files.work import Work, open_work
from thighdx.scoring.faults import underage
from thighdx.scoring.score import prepare_engine
from thighdx.scoring.scorer import ScoredBatch

__all__ = ["score_opened", "show_progress"]

PROGRESS_AFTER_SECONDS = 2.0
SHOWN_PROBLEMS = 5  # per kind
FULL = {
    errno.ENOSPC: "no space left",
    errno.EFBIG: "the file grows too large",
    getattr(errno, "EDQUOT", errno.ENOSPC): "no space left",
}

Advance: TypeAlias = Callable[[int, int], object]  # is told of rows scored and bytes of input read so far


def _key(run: RunReport) -> dict[str, Any]:
    """Return what decides about every byte of the output."""
    model, form = run.scorer.model, output_format(run.output)
    return {
        "thighdx": thighdx.__version__,
        "model": model.digest,
        "max_causes": model.max_causes,
        "rebased": {name: dict(shares) for name, shares in model.rebased.items()},
        **run.scorer.options.to_dict(),
        "engine": run.engine,
        "escape_formulas": run.escape_formulas,
        "part_rows": run.part_rows,
        "format": [form.kind, form.compression],
        "inputs": [source.identity for source in run.table.sources],
    }


def score_opened(run: RunReport, *, started: float, quiet: bool) -> None:
    """Score a table that has been looked at, with progress on a terminal; `run` says in the end how it went.

    The program began to get ready when `started`, by `time.perf_counter`. It is a `TableError` if the input is
    damaged, the output cannot be written, or a row cannot be scored and that is an error.
    """
    _check_output(run.table, run.output)
    model = run.scorer.model
    if run.engine == "compiled":
        prepare_engine(model.network)
    run.start_up = time.perf_counter() - started
    with show_progress(run.table, quiet=quiet) as advance:
        _score_to_end(run, advance)
    remarks = run.scorer.plan(run.table.schema).remarks
    run.remarks = [*remarks, *underage(model.vocabulary, run.n_underage)]
    if run.unread and run.scorer.options.on_error == "unknown":
        run.remarks.append(
            f"{run.unread.total():,} cells cannot be read and count as unknown: {run.unread_columns}"
        )


def _check_output(table: Table, output: str) -> None:
    """Refuse an output that is an input: its evidence would be lost."""
    names = {source.name for source in table.sources} - {STANDARD_STREAM}
    if output != STANDARD_STREAM and Path(output).exists() and any(map(Path(output).samefile, names)):
        raise TableError(f"{output}: is the input too; its findings would be lost; choose another output")


@contextmanager
def show_progress(table: Table, *, quiet: bool) -> Iterator[Advance]:
    """Show how far it is and how long it will take, on a terminal and only if it takes a while."""
    from tqdm import tqdm

    with tqdm(
        total=table.n_bytes or None,
        unit="B",
        unit_scale=True,
        delay=PROGRESS_AFTER_SECONDS,
        disable=quiet or not sys.stderr.isatty(),
        leave=False,
        file=sys.stderr,
    ) as shown:

        def advance(n_rows: int, n_bytes: int) -> None:
            shown.set_postfix_str(f"{n_rows:,} rows", refresh=False)
            shown.update(max(0, n_bytes - shown.n))

        yield advance


def _score_to_end(run: RunReport, advance: Advance) -> None:
    """Score a table into a file, or to standard output; a full disk is an error in words."""
    started = time.perf_counter()
    schema = run.scorer.output_schema(run.table.schema)
    form, work = output_format(run.output), None
    where = "standard output" if run.output == STANDARD_STREAM else run.output
    notes = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    try:
        check_columns(where, form, schema)
        with ExitStack() as stack:
            if run.output == STANDARD_STREAM:
                stream = sys.stdout.buffer
            else:
                work = stack.enter_context(open_work(run.output, _key(run), on_earlier=run.on_earlier))
                run.notice = work.notice
                stream = stack.enter_context(pa.OSFile(str(work.output), "wb"))
            sink = open_sink(form, stream, notes=notes, escape_formulas=run.escape_formulas)
            _score(run, stack.enter_context(sink), work, advance)
            run.seconds = time.perf_counter() - started
    except OSError as error:
        if error.errno not in FULL:
            raise
        clear = TableError(f"{where}: cannot be written: {FULL[error.errno]}")
        for note in getattr(error, "__notes__", ()):
            clear.add_note(note)
        raise clear from None


def _score(run: RunReport, sink: TableSink, work: Work | None, advance: Advance) -> None:
    """Write earlier parts, then score the rest part by part."""
    if work is not None and work.state is not None:
        run.take_up(work.state)
        for part in work.parts():
            _write(part, sink, run)
        advance(run.n_rows, 0)

    def score(portion: Portion) -> tuple[Portion, ScoredBatch, float]:
        started = time.perf_counter()
        scored = run.scorer.score_batch(portion.batch, engine=run.engine)
        return portion, scored, time.perf_counter() - started

    waiting: list[pa.RecordBatch] = []
    schema = run.scorer.output_schema(run.table.schema)
    portions = run.table.read(run.place, run.n_rows, run.part_rows)
    with closing(map_ordered(score, portions, n_workers=share_processors()[0])) as found:
        waits_since = time.perf_counter()
        for portion, scored, seconds in found:
            run.waited += time.perf_counter() - waits_since
            run.worked += seconds
            _note_problems(portion, scored, run)
            waiting.append(scored.batch)
            run.n_rows += scored.batch.num_rows
            run.place = portion.end
            if run.n_rows % run.part_rows == 0:
                part = _joined(waiting, schema)
                waiting.clear()
                _write(part, sink, run)
                if work is not None:
                    work.keep(part, run.state)
            advance(run.n_rows, portion.n_bytes)
            waits_since = time.perf_counter()
    if waiting or run.n_rows == 0:
        _write(_joined(waiting, schema), sink, run)


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
    encoded = scored.found.encoded
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
    for fault in run.scorer.explain(portion.batch, scored.found, rows):
        if run.scorer.options.on_error == "raise":
            said = f"{name}: row {first + fault.row}: {fault.status}: {fault.message}"
            raise TableError(f"{said}; on_error is 'raise'")
        run.problems.append(
            Problem(name, first + fault.row, fault.status, fault.column, fault.value, fault.message)
        )
