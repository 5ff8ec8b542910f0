"""Every door through which a table comes to the small model, each asked for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa

import thighdx
from files.streaming_tables import read_any, write_any
from patients import FRAMES
from places import SMALL
from thighdx.cluster.dask import score_dask

__all__ = ["DOORS", "FILES"]

Cells = Mapping[str, list[str | None]]


def as_frame(kind: str, cells: Cells, _: Path, **options: Any) -> pd.DataFrame:
    """Through the method of a model."""
    scored = thighdx.read_model(SMALL).score(FRAMES[kind](pd.DataFrame(cells, dtype=object)), **options)
    return plain(scored.to_arrow() if kind == "polars" else scored)


def as_batch(cells: Cells, _: Path, **options: Any) -> pd.DataFrame:
    """Through a scorer of record batches."""
    return plain(thighdx.Scorer(SMALL, **options)(pa.record_batch(cells)))


def as_stream(cells: Cells, _: Path, **options: Any) -> pd.DataFrame:
    """Through the method of a model for streams, two rows at a time."""
    batches = pa.table(cells).to_batches(max_chunksize=2)
    return plain(pa.Table.from_batches(thighdx.read_model(SMALL).score_batches(batches, **options)))


def as_partitions(cells: Cells, _: Path, **options: Any) -> pd.DataFrame:
    """Through Dask, in two partitions."""
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dd.from_pandas(pd.DataFrame(cells, dtype=object), npartitions=2)
    return score_dask(frame, SMALL, **options).compute(scheduler="sync")


def as_file(kind: str, cells: Cells, folder: Path, **options: Any) -> pd.DataFrame:
    """Through a file to another of its kind."""
    typed = pa.table({name: pa.array(values, pa.string()) for name, values in cells.items()})
    source, output = write_any(typed, folder / f"in.{kind}"), folder / f"out.{kind}"
    thighdx.score_files(source, output, scorer=thighdx.Scorer(SMALL, **options))
    return read_any(output)


def plain(scored: Any) -> pd.DataFrame:
    """As a pandas table; a number that is not there is NaN, never null."""
    if isinstance(scored, pd.DataFrame):
        return scored
    for field, column in zip(scored.schema, scored.columns, strict=True):
        assert not pa.types.is_floating(field.type) or column.null_count == 0, field.name
    return scored.to_pandas()


FILES: dict[str, Callable[..., pd.DataFrame]] = {
    kind: partial(as_file, kind) for kind in ("csv", "tsv.gz", "jsonl", "parquet", "arrow", "arrows")
}
DOORS: dict[str, Callable[..., pd.DataFrame]] = {
    **{kind: partial(as_frame, kind) for kind in FRAMES},
    "record batch": as_batch,
    "stream": as_stream,
    "dask": as_partitions,
    **FILES,
}
