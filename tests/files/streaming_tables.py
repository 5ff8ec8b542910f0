"""Tables, and the command line in a process of its own, for the tests of streaming."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import thighdx
from places import SMALL
from quiet import without_warnings

__all__ = [
    "assert_scored",
    "command",
    "patients",
    "read_any",
    "run_score",
    "scored_in_python",
    "write_any",
]

CAUSES = ["strain", "nerve", "clot", "other_cause"]

# pandas 2 rounds a bit off by default; from 3 on it does not, and wants nothing said about it
EXACT: dict[str, Any] = {} if int(pd.__version__.partition(".")[0]) > 2 else {"float_precision": "round_trip"}
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


def patients(n: int, seed: int = 1) -> pa.Table:
    """Patients of the small model, some of whom cannot be read."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "id": [f"{row:06}" for row in range(n)],
            "big": pa.array(rng.integers(2**60, 2**62, n)),
            "bruising": rng.choice(["yes", "no", "blue", None], n, p=[0.4, 0.4, 0.05, 0.15]),
            "onset": rng.choice(["sudden", "gradual", None], n),
            "pain": pa.array(rng.choice(["none", "mild", "severe", None], n)).dictionary_encode(),
            "age": pa.array(rng.integers(18, 125, n), pa.int16()),
            "ward": pa.array(rng.choice(["north", "south", 'the "west"'], n)).dictionary_encode(),
        }
    )


def write_any(table: pa.Table, path: Path) -> Path:
    """Write a table by the ending of its name."""
    name = path.name
    if name.endswith(".parquet"):
        pq.write_table(table, path, row_group_size=400)
    elif name.endswith(".arrow"):
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=300)
    elif name.endswith(".arrows"):
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=300)
    else:
        with pa.output_stream(path, compression=PACKED.get(path.suffix)) as stream:
            if ".jsonl" in name:
                stream.write("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()).encode())
                return path
            plain = [column.cast(pa.string()) for column in table.columns]
            options = pa_csv.WriteOptions(delimiter="\t" if ".tsv" in name else ",")
            pa_csv.write_csv(pa.table(plain, names=table.column_names), stream, options)
    return path


def read_any(path: Path) -> pd.DataFrame:
    """Read a table by the ending of its name."""
    if path.name.endswith(".parquet"):
        return pq.read_table(path).to_pandas()
    if path.name.endswith((".arrow", ".arrows")):
        opener = pa.ipc.open_file if path.name.endswith(".arrow") else pa.ipc.open_stream
        with pa.OSFile(str(path)) as file:
            return opener(file).read_all().to_pandas()
    with pa.input_stream(path, compression=PACKED.get(path.suffix)) as stream:
        content = stream.read()
    if ".jsonl" in path.name:
        return pd.DataFrame([json.loads(line) for line in content.splitlines()])
    tabs = "\t" if ".tsv" in path.name else ","
    return pd.read_csv(io.BytesIO(content), dtype={"id": str}, sep=tabs, **EXACT)


def command(*words: str | Path) -> list[str]:
    """The command line that scores with the small model."""
    code = "from thighdx.cli import main; main()"
    return [sys.executable, "-c", code, "score", *map(str, words), "--model", str(SMALL)]


def run_score(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Score in a process of its own."""
    return subprocess.run(command(*words), cwd=cwd, capture_output=True, text=True, check=False)


def scored_in_python(table: pa.Table) -> pd.DataFrame:
    """What the small model says about a table."""
    return without_warnings(thighdx.read_model(SMALL).score, table).to_pandas()


def assert_scored(found: pd.DataFrame, wanted: pd.DataFrame, *, atol: float = 0.0) -> None:
    """Compare ids, statuses and probabilities, row by row."""
    assert found["id"].tolist() == wanted["id"].tolist()
    assert found["status"].tolist() == wanted["status"].tolist()
    np.testing.assert_allclose(found[CAUSES].to_numpy(), wanted[CAUSES].to_numpy(), rtol=0, atol=atol)
