"""Patients for clusters: every variable, rows that cannot be scored among them; and a step that waits to be killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import thighdx
from quiet import without_warnings

__all__ = ["assert_same_bits", "linger_batches", "linger_part", "make_patients", "scored_here", "wait_for"]

FAULTY = {17: "no_such_state", 31: "impossible_evidence", 53: "out_of_range"}


def make_patients(model: thighdx.Model, n: int) -> pd.DataFrame:
    """Simulated patients as text, some with a setting of their own, three bad rows in every hundred."""
    table = model.simulate(n, seed=11).astype("str").astype(object)
    table = table.loc[:, ~table.columns.str.startswith("true_")].replace("nan", None)
    place = np.arange(n)
    added = pd.DataFrame(
        {
            "id": place,
            "setting": np.where(place % 3 == 0, "emergency_department", None),
            "age": np.where(place % 100 == 53, 130.0, np.nan),
        }
    )
    table.loc[place % 100 == 17, "onset"] = "suden"
    table.loc[place % 100 == 31, ["sex", "pregnancy"]] = ["male", "first_trimester"]
    return pd.concat([added, table], axis=1)


def scored_here(patients: pd.DataFrame, **options: Any) -> pa.Table:
    """What one process gives, in one batch."""
    batch = pa.RecordBatch.from_pandas(patients, preserve_index=False)
    scored = pa.Table.from_batches([without_warnings(thighdx.Scorer(**options), batch)])
    statuses = scored["status"].to_pylist()
    assert [statuses[place] for place in FAULTY] == list(FAULTY.values())
    return scored


def assert_same_bits(found: pa.Table, expected: pa.Table) -> None:
    """Compare tables, sorted by id, to the last bit of every number; null and NaN are the same."""
    assert found.column_names == expected.column_names
    assert found.num_rows == expected.num_rows
    found, expected = found.sort_by("id"), expected.sort_by("id")
    for name in expected.column_names:
        ours, theirs = found[name], expected[name]
        if pa.types.is_floating(theirs.type):
            assert bits(ours) == bits(theirs), name
        else:
            assert ours.to_pylist() == theirs.to_pylist(), name


def bits(column: pa.ChunkedArray) -> bytes:
    """The bytes of a column of numbers."""
    values = column.to_numpy()
    return np.where(np.isnan(values), np.nan, values).tobytes()


def linger(folder: Path) -> None:
    """Leave a note of this process while it works on something; the first process that comes waits to be killed."""
    try:
        (folder / "first").mkdir()
    except FileExistsError:
        return
    note = folder / "pid.part"
    note.write_text(str(os.getpid()))
    note.rename(folder / "pid")
    time.sleep(60)


def linger_part(part: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """A step of Dask that may be killed."""
    linger(folder)
    return part


def linger_batches(folder: Path, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A step of Spark that may be killed."""
    for batch in batches:
        linger(folder)
        yield batch


def wait_for(is_there: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_there():
        assert time.monotonic() < end, what
        time.sleep(0.05)
