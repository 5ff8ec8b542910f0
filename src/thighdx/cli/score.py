"""`thighdx score`: a table of patients in, the posterior of every cause out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from thighdx.cli.options import ModelOption, QuietOption, SettingOption, open_model
from thighdx.cli.output import say
from thighdx.errors import TableError
from thighdx.files.formats import STANDARD_STREAM, input_format, output_format
from thighdx.reasoning.intervals.level import check_level

if TYPE_CHECKING:
    from thighdx.files.report import RunReport
    from thighdx.files.table import Table

__all__ = ["score"]

TAB = {"tab": "\t", "\\t": "\t"}  # as it can be typed
PART_ROWS = 65_536


def score(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="IN...",
            help="Files, folders or patterns (CSV, also .gz .bz2 .zst; TSV; JSONL; Parquet; Arrow; FHIR ndjson), or -.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write, its format by its ending like IN; or -.",
            show_default=False,
        ),
    ] = None,
    setting: SettingOption = None,
    model: ModelOption = None,
    groups: Annotated[bool, typer.Option("--groups", help="Add a column for every group of causes.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            help="Add credible intervals of this level, such as 0.9: CAUSE_lower and CAUSE_upper.",
            show_default=False,
        ),
    ] = None,
    triage: Annotated[bool, typer.Option("--triage", help="Add the level of urgency.")] = False,
    status_detail: Annotated[
        bool,
        typer.Option("--status-detail", help="Add a column that says what could not be read in a row."),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Add the leading causes as columns: top_1, top_1_probability, top_2, ...",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="NAME=FINDING",
            help="Read a column as something else than it is called; may be given often.",
            show_default=False,
        ),
    ] = None,
    column_map: Annotated[
        str | None,
        typer.Option(
            "--map",
            metavar="YAML",
            help="A map from your names and codes of columns to the model's.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain-columns", help="Show how each column will be read, and score nothing."),
    ] = False,
    on_error: Annotated[
        Literal["keep", "unknown", "raise"],
        typer.Option(
            "--on-error",
            help="A row with a cell that cannot be read: keep it without probabilities, take the cell for "
            "unknown, or stop.",
        ),
    ] = "keep",
    reference_date: Annotated[
        str | None,
        typer.Option(
            "--reference-date",
            metavar="DATE",
            help="The day patients were seen, such as 2026-03-31: reads a column date_of_birth as ages.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Short for --on-error raise: stop, with exit code 2.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from what an interrupted run has left, if any.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard what an interrupted run has left.")
    ] = False,
    escape_formulas: Annotated[
        bool,
        typer.Option(
            "--escape-formulas",
            help="In CSV, put ' before text that a spreadsheet would take for a formula.",
        ),
    ] = False,
    report: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Also write the closing report to a file.", show_default=False),
    ] = None,
    part_rows: Annotated[
        int, typer.Option(min=1, help="Rows written, and kept for --resume, at once.")
    ] = PART_ROWS,
    delimiter: Annotated[
        str | None,
        typer.Option(
            "--delimiter",
            help="What parts cells in text, such as ';' or tab; by default a comma.",
            show_default=False,
        ),
    ] = None,
    decimal: Annotated[str, typer.Option("--decimal", help="The decimal sign in text: . or ,")] = ".",
    encoding: Annotated[
        str, typer.Option("--encoding", help="Of text, such as latin-1 or cp1252.")
    ] = "utf-8",
    allow_no_evidence: Annotated[
        bool, typer.Option("--allow-no-evidence", help="Score a table of which no column is read.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Score every row of a table: the posterior of every cause.

    Columns named like findings are read, and so are age, setting, given_CAUSE and FINDING:STATE
    (likelihoods). An empty cell is unknown, which is not the same as absent. All other columns pass through.
    A row that cannot be read keeps its place, has its problem in the column 'status' and no probabilities.

    With the truth in a column true_cause (ids joined by ;) or in columns true_CAUSE, which are never read as
    evidence, it counts how often a true cause is first and among the first.

    Exit codes: 0 done, and rows that could not be scored are counted; 2 bad input, an unwritable output, a
    full disk, or --strict and a row that cannot be scored; 130 interrupted; 141 the reader of the output
    went away. OUT appears only when it is complete; what an interrupted run has scored is kept beside it for
    --resume.
    """
    from thighdx.files.csv_text import CsvDialect
    from thighdx.files.pipeline import share_processors
    from thighdx.files.report import RunReport
    from thighdx.files.table import open_table
    from thighdx.scoring.scorer import Scorer

    started = time.perf_counter()
    if interval is not None:
        check_level(interval, "--interval")
    _check_choices(tables, output, explain=explain, resume=resume, restart=restart)
    scorer = Scorer(
        open_model(model),
        setting=setting,
        interval=interval,
        triage=triage,
        groups=groups,
        status_detail=status_detail,
        columns=_renamed(columns or []),
        top=top,
        column_map=column_map,
        on_error="raise" if strict else on_error,
        reference_date=reference_date,
        n_threads=share_processors()[1],
    )
    if resume and STANDARD_STREAM in (*tables, output):
        raise TableError("--resume: expected files to read and to write; a pipe cannot be resumed")
    dialect = CsvDialect(TAB.get(delimiter or "", delimiter), decimal, encoding)
    table = open_table(tables, scorer, dialect=dialect, allow_no_evidence=allow_no_evidence or explain)
    if explain:
        from thighdx.cli.column_table import print_columns

        print_columns(table, scorer)
        return
    assert output is not None
    if report is not None:
        _check_report(table, output, report)
    on_earlier = "resume" if resume else "restart" if restart else "ask"
    run = RunReport(table, scorer, output, escape_formulas, part_rows, on_earlier)  # type: ignore[arg-type]  # one of three words
    _run(run, started=started, report=report, quiet=quiet)


def _run(run: RunReport, *, started: float, report: str | None, quiet: bool) -> None:
    """Score, and say how it went."""
    from thighdx.cli.report import print_cases, print_closing
    from thighdx.files.run import score_opened

    try:
        score_opened(run, started=started, quiet=quiet)
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):  # what is kept of the run
            say(f"thighdx: {note}")
        raise
    for message in run.remarks:
        say(f"thighdx: warning: {message}")
    if run.notice and not quiet:
        say(f"thighdx: {run.notice}")
    if report is not None:
        run.write(report)
    if not quiet:
        print_cases(run.summary, run.scorer.model, output=run.output)
        print_closing(run)


def _check_choices(
    tables: Sequence[str], output: str | None, *, explain: bool, resume: bool, restart: bool
) -> None:
    """Refuse options that do not go together, before anything is opened."""
    if resume and restart:
        raise TableError("--resume and --restart: expected one of them")
    if explain:
        return
    if output is None:
        raise TableError("no output: expected -o OUT, or --explain-columns")
    if len(tables) == 1 and not Path(tables[0]).exists() and not any(mark in tables[0] for mark in "*?["):
        input_format(tables[0])
    output_format(output)


def _check_report(table: Table, output: str, report: str) -> None:
    """Refuse a report that would take the place of a table, or that has no place, before any work."""
    from thighdx.atomic_files import check_writable

    target = check_writable(report)
    if output != STANDARD_STREAM and target == Path(output).resolve():
        raise TableError(f"--report {report}: is the output too; choose another file")
    for source in table.sources:
        if source.name != STANDARD_STREAM and target == Path(source.name).resolve():
            raise TableError(
                f"--report {report}: is the input too; its findings would be lost; choose another file"
            )


def _renamed(columns: Sequence[str]) -> dict[str, str]:
    """Read NAME=FINDING; the name may have an = in it."""
    found = {}
    for item in columns:
        name, separator, read_as = item.rpartition("=")
        if not separator or not name or not read_as:
            raise TableError(f"--columns: got {item!r}, expected NAME=FINDING, such as q7=onset")
        if name in found:
            raise TableError(f"--columns: {name!r} is given twice, expected each once")
        found[name] = read_as
    return found
