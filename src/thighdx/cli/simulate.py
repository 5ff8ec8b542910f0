"""`thighdx simulate`: patients drawn from the model."""

from __future__ import annotations

from typing import Annotated

import typer

from thighdx.cli.options import ModelOption, SettingOption, open_model
from thighdx.cli.output import say

__all__ = ["simulate"]


def simulate(
    n: Annotated[int, typer.Argument(metavar="N", min=0, help="How many patients.")],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File to write, its format by its ending (.csv, .parquet, ...); or -.",
        ),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same patients.")],
    setting: SettingOption = None,
    model: ModelOption = None,
) -> None:
    """Draw patients from the model, with the truth in true_<cause> columns.

    'thighdx score' passes these columns through, never reads them as evidence, and counts how often it
    was right.
    """
    from thighdx.files.formats import output_format
    from thighdx.files.sinks import create_table_file

    output_format(output)  # a wrong ending is found before any work
    loaded = open_model(model)
    name = loaded.default_setting if setting is None else setting
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    frame = loaded.simulate(n, seed=seed, setting=name)
    with create_table_file(output) as sink:
        sink.write(pa.Table.from_pandas(frame, preserve_index=False))
    where = "standard output" if output == "-" else output
    say(f"{n:,} patients of {loaded.name} {loaded.version} in {name}, seed {seed}: {where}")
