"""`thighdx learn`: records of patients in, a model of one's own out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thighdx.cli.options import ModelOption, QuietOption, SettingOption, open_model
from thighdx.cli.output import say
from thighdx.errors import TableError
from thighdx.files.formats import STANDARD_STREAM

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["learn"]

BATCH_ROWS = 8_192


def learn(
    records: Annotated[
        list[str],
        typer.Argument(metavar="IN...", help="Files, folders or patterns (CSV, Parquet, Arrow) of records."),
    ],
    name: Annotated[str, typer.Option("--name", help="What the records are called in the new model.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="New folder of the model.")
    ],
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of causes joined by ; (a;+ for at least a).",
            show_default="true_cause or true_CAUSE",
        ),
    ] = None,
    setting: SettingOption = None,
    model: ModelOption = None,
    weight: Annotated[float, typer.Option(help="How much one record counts.")] = 1.0,
    labelled_only: Annotated[
        bool, typer.Option("--labelled-only", help="Leave out records whose causes are not known.")
    ] = False,
    patient: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Which records are of one patient.", show_default=False),
    ] = None,
    folds: Annotated[int, typer.Option(min=0, help="Folds of the cross-validation; 0: none.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the folds.")] = 0,
    min_count: Annotated[float, typer.Option(min=0, help="Smaller counts are not written by value.")] = 5,
    quiet: QuietOption = False,
) -> None:
    """Learn from records whose causes are known, and write a model of your own.

    Every judgement is moved as far as the records justify: prior, counts and posterior stand side by side in
    the new tables, which hold counts and no record. Records without causes help too, through their posterior.
    Cross-validation says whether the new model is better here, or that the records are too few to tell.

    Exit codes: 0 done; 2 bad input or an unwritable output; 130 interrupted. FOLDER appears only when it is
    complete.
    """
    from thighdx.compiled.compilation import check_new_folder

    check_new_folder(output)
    loaded = open_model(model)
    learned = loaded.learn(
        _reader(records),
        name=name,
        truth=truth,
        setting=setting,
        weight=weight,
        use_unlabelled=not labelled_only,
        seed=seed,
        patient=patient,
        folds=folds,
        min_count=min_count,
        progress=None if quiet else say,
    )
    learned.save(output)
    if not quiet:
        typer.echo(learned.summary())
        typer.echo(f"written: {output}; compare with: thighdx model diff {loaded.name} {output}")


def _reader(names: list[str]) -> Callable[[], Iterator[Any]]:
    """Return a function that reads all files from the beginning, batch by batch."""
    from thighdx.files.sources import inspect_file
    from thighdx.files.which_files import find_files

    files = find_files(names)
    if files == [STANDARD_STREAM]:
        raise TableError("-: records are read several times, which a pipe cannot be; give a file")
    for file in files:
        inspect_file(file)  # what is missing or damaged is found before any work

    def batches() -> Iterator[Any]:
        for file in files:
            for batch, _ in inspect_file(file).read(skip=0, evidence=(), n_rows=BATCH_ROWS):
                yield from (batch.slice(row, BATCH_ROWS) for row in range(0, batch.num_rows, BATCH_ROWS))

    return batches
