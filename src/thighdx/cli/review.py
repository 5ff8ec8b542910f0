"""`thighdx model review`: pages and a workbook for experts, and a model with what they said."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from thighdx.cli.options import ModelOption, complete_causes, open_model, read_day
from thighdx.cli.output import console, say, write
from thighdx.errors import KnowledgeBaseError, Problem, TableError

__all__ = ["review"]

WORKBOOK = "review.xlsx"


def review(
    causes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CAUSE]...",
            help="Causes to review; all of them by default.",
            show_default=False,
            autocompletion=complete_causes,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="New folder to write.", show_default=False),
    ] = ...,  # type: ignore[assignment]  # required, after an optional argument
    read: Annotated[
        list[Path] | None,
        typer.Option(
            "--read",
            metavar="XLSX",
            help="A workbook that came back; may be given twice.",
            show_default=False,
        ),
    ] = None,
    expert: Annotated[
        list[str] | None,
        typer.Option(
            "--expert", metavar="INITIALS", help="Who filled it in, one per workbook.", show_default=False
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="WORDS", help="What they are, one per workbook.", show_default=False),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="Day of the review.", show_default="today")
    ] = None,
    model: ModelOption = None,
) -> None:
    """Write a review kit: a page per cause, and a workbook to confirm, change or strike what the model says.

    With --read, read workbooks that came back, and write a model that follows them: every problem of every cell
    at once, or a summary of what moved. Two experts are pooled, and what they disagree on is shown.
    """
    if read:
        _read_back(read, expert or [], role or [], date, output, model)
    else:
        _write_kit(causes or [], output, model)


def _write_kit(causes: list[str], output: Path, name: str | None) -> None:
    """Write pages and workbook."""
    from thighdx.review import write_pages, write_workbook

    model = open_model(name)
    residual = model.compiled.kb.manifest.residual_cause
    asked = list(dict.fromkeys(causes)) or [cause for cause in model.causes if cause != residual]
    for cause in asked:
        model.vocabulary.cause_idx(cause)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise TableError(f"{output}: exists and is not an empty folder; choose another")
    output.mkdir(parents=True, exist_ok=True)
    write_workbook(model, asked, output / WORKBOOK)
    write_pages(model, asked, output)
    say(f"thighdx: {output / WORKBOOK} to fill in, and a page for each of {len(asked)} causes to read")


def _read_back(
    workbooks: list[Path],
    experts: list[str],
    roles: list[str],
    date: str | None,
    output: Path,
    name: str | None,
) -> None:
    """Read workbooks, write the model and say what moved."""
    from thighdx.cli.cases import read_cases
    from thighdx.review import Reviewer, apply_reviews, read_review
    from thighdx.review.apply import REVIEWS_FILE
    from thighdx.review.pages import outcome_page

    if len(experts) != len(workbooks) or (roles and len(roles) != len(workbooks)):
        raise TableError(
            f"--read: got {len(workbooks)} workbooks, expected as many --expert (and --role, if given)"
        )
    day = (read_day(date, "--date") or datetime.date.today()).isoformat()
    model = open_model(name)
    problems: list[Problem] = []
    reviewers = []
    for number, (workbook, initials) in enumerate(zip(workbooks, experts, strict=True)):
        try:
            verdicts = read_review(model, workbook)
            reviewers.append(Reviewer(initials, roles[number] if roles else "", day, verdicts))
        except KnowledgeBaseError as error:
            problems += error.problems
    if problems:
        raise KnowledgeBaseError(", ".join(map(str, workbooks)), problems)
    log = Path(name) / REVIEWS_FILE if name is not None else None
    earlier = log.read_text(encoding="utf-8") if log is not None and log.is_file() else ""
    outcome = apply_reviews(model, reviewers, output, cases=read_cases(None, model), earlier=earlier)
    (output / "review.html").write_text(outcome_page(model, outcome), encoding="utf-8")
    out = console()
    for line in repr(outcome).splitlines():
        write(out, line)
