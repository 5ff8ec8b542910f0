"""Scored files: files in, one file out, from Python as from the command line."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from thighdx.files.csv_text import CsvDialect
from thighdx.files.pipeline import share_processors
from thighdx.files.report import PART_ROWS, RunReport
from thighdx.files.run import score_opened
from thighdx.files.table import open_table
from thighdx.files.work import OnEarlier
from thighdx.scoring.scorer import Scorer

__all__ = ["score_files"]


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
    report = RunReport(table, scorer, str(output), escape_formulas, part_rows, on_earlier)
    score_opened(report, started=started, quiet=quiet)
    lost = ", ".join(f"{count:,} {status}" for status, count in report.kept.items())
    where = f"; cells that cannot be read: {report.unread_columns}" if report.unread else ""
    more = [f"{report.n_rows - report.n_scored:,} rows have no probabilities ({lost}){where}"] if lost else []
    for message in [*report.remarks, *more]:
        warnings.warn(message, UserWarning, stacklevel=2)
    return report
