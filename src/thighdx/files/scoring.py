"""Scored files: files in, one file out, from Python as from the command line."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from thighdx.errors import TableError
from thighdx.files.csv_text import CsvDialect
from thighdx.files.formats import STANDARD_STREAM
from thighdx.files.pipeline import share_processors
from thighdx.files.report import RunReport
from thighdx.files.run import PART_ROWS, RunOptions, score_table_to
from thighdx.files.summary import Summary
from thighdx.files.table import Table, open_table
from thighdx.files.work import OnEarlier
from thighdx.scoring.faults import underage
from thighdx.scoring.score import choose_engine, prepare_engine
from thighdx.scoring.scorer import Scorer

__all__ = ["check_output", "score_files", "score_opened", "show_progress"]

PROGRESS_AFTER_SECONDS = 2.0
TOP = 3  # causes among which a true one counts as found, unless the scorer names more or fewer


def score_files(
    tables: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    scorer: Scorer | None = None,
    escape_formulas: bool = False,
    part_rows: int = PART_ROWS,
    on_earlier: OnEarlier = "ask",
    dialect: CsvDialect | None = None,
    allow_no_evidence: bool = False,
    quiet: bool = False,
) -> RunReport:
    """Score files of any length in flat memory; what ``thighdx score`` does, for programs and notebooks.

    Parameters
    ----------
    tables : path, or sequence of paths
        Files, folders or patterns: CSV (plain, gz, bz2, zst), TSV, JSON lines, Parquet or Arrow, together one table.
    output : path
        File to write, its format by its ending; it appears only when it is complete.
    scorer : Scorer, optional
        What is asked for; default the shipped model in its default setting.
    escape_formulas : bool
        In CSV, put ``'`` before text that a spreadsheet would take for a formula.
    part_rows : int
        Rows written, and kept should the run be interrupted, at once.
    on_earlier : {"ask", "resume", "restart"}
        What to do with parts that an interrupted run of the same request has left: raise, go on from them, or
        discard them.
    dialect : CsvDialect, optional
        Delimiter, decimal sign and encoding of text, as ``thighdx.files.csv_text.CsvDialect(delimiter=";")``.
    allow_no_evidence : bool
        Score a table of which no column is read; every row gets the prior.
    quiet : bool
        Show no progress; there is none anyway unless standard error is a terminal.

    Returns
    -------
    RunReport
        Rows read, scored and kept with a problem; a notebook shows it as a picture, `as_plain` is the JSON report.

    Raises
    ------
    TableError
        If the input cannot be read or scored, the output cannot be written, or a row is bad and `on_error` of the
        scorer is ``raise``.

    Warns
    -----
    UserWarning
        If rows could not be scored, a column looks like misspelled evidence, or patients are younger than the model's
        population.

    Examples
    --------
    >>> import tempfile, thighdx
    >>> cases = thighdx.data_path("published_cases.csv")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     thighdx.score_files(cases, f"{folder}/posteriors.parquet")
    <RunReport 58 rows read, 58 scored>
    """
    started = time.perf_counter()
    scorer = Scorer(n_threads=share_processors()[1]) if scorer is None else scorer
    names = [tables] if isinstance(tables, str | Path) else tables
    table = open_table(
        [str(name) for name in names], scorer, dialect=dialect, allow_no_evidence=allow_no_evidence
    )
    check_output(table, str(output))
    options = RunOptions(escape_formulas, part_rows, on_earlier)
    report = score_opened(table, scorer, str(output), options, started=started, quiet=quiet)
    lost = ", ".join(f"{count:,} {status}" for status, count in report.kept.items())
    where = f"; cells that cannot be read: {report.unread_columns}" if report.unread else ""
    more = [f"{report.n_rows - report.n_scored:,} rows have no probabilities ({lost}){where}"] if lost else []
    for message in [*report.remarks, *more]:
        warnings.warn(message, UserWarning, stacklevel=2)
    return report


def score_opened(
    table: Table, scorer: Scorer, output: str, options: RunOptions, *, started: float, quiet: bool
) -> RunReport:
    """Score a table that has been looked at, with progress on a terminal; return how it went.

    Parameters
    ----------
    started : float
        When the program began to get ready, by `time.perf_counter`.
    """
    model, plan = scorer.model, scorer.plan(table.schema)
    summary = Summary(model.vocabulary, model.residual_cause, scorer.options.top or TOP)
    summary.has_settings = plan.columns.setting is not None
    run = RunReport(table, scorer, output, summary, choose_engine("auto", table.most_rows, model.network))
    if run.engine == "compiled":
        prepare_engine(model.network)
    run.start_up = time.perf_counter() - started
    with show_progress(table, quiet=quiet) as advance:
        score_table_to(run, options, advance)
    run.remarks = [*plan.remarks, *underage(model.vocabulary, run.n_underage)]
    if run.unread and scorer.options.on_error == "unknown":
        run.remarks.append(
            f"{run.unread.total():,} cells cannot be read and count as unknown: {run.unread_columns}"
        )
    return run


def check_output(table: Table, output: str) -> None:
    """Refuse an output that is an input: its evidence would be lost."""
    if output == STANDARD_STREAM or not Path(output).exists() or table.is_pipe:
        return
    if any(Path(output).samefile(source.name) for source in table.sources):
        raise TableError(f"{output}: is the input too; its findings would be lost; choose another output")


@contextmanager
def show_progress(table: Table, *, quiet: bool) -> Iterator[Callable[[int, int], object]]:
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
