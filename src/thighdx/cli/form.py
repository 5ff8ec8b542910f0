"""`thighdx model form`: the questions of a model as a REDCap dictionary or a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thighdx.cli.options import MaxCostOption, ModelOption, open_model
from thighdx.cli.output import say
from thighdx.errors import TableError

__all__ = ["form"]


def form(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="File to write: .csv for REDCap, .xlsx.")
    ],
    redcap: Annotated[
        bool, typer.Option("--redcap", help="A REDCap data dictionary, and FILE.map.yaml to read exports.")
    ] = False,
    xlsx: Annotated[
        bool, typer.Option("--xlsx", help="A workbook with one row per patient and lists of answers.")
    ] = False,
    max_cost: MaxCostOption = "ask",
    model: ModelOption = None,
) -> None:
    """Write the questions of a model as a form to fill in, the safety questions first."""
    from thighdx.atomic_files import write_text
    from thighdx.forms import redcap_form, write_template

    if redcap == xlsx:
        raise TableError("form: expected one of --redcap and --xlsx")
    loaded = open_model(model)
    if xlsx:
        write_template(loaded, output, max_cost=max_cost)
        say(
            f"thighdx: {output}: fill in the first sheet and save it as 'CSV UTF-8'; an empty cell is unknown"
        )
        return
    if output.suffix.lower() != ".csv":
        raise TableError(f"{output}: got the ending {output.suffix!r}, expected .csv, as REDCap takes it")
    made = redcap_form(loaded, max_cost)
    mapped = output.with_suffix(".map.yaml")
    write_text(made.dictionary, output)
    write_text(made.map_text(), mapped)
    say(
        f"thighdx: import {output} into REDCap; read an export of raw values with thighdx score --map {mapped}"
    )
