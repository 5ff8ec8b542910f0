"""Tables for the command line, and what is asked of its answers."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import Result

__all__ = ["CASES", "FAULTY", "read_csv", "read_table", "refused", "same_as_golden", "write_table"]

GOLDEN = Path(__file__).parent / "golden"

CASES = """\
id,place,bruising,onset,pain,d_dimer,age,true_cause
007,north,yes,sudden,,,25,strain
008,"south, east",no,,mild,positive,60,nerve
009,,,gradual,,,,nerve;other_cause
010,west,no,gradual,none,negative,,other_cause
011,,no,sudden,none,negative,30,nerve
"""
FAULTY = """\
id,bruising,age
a,yes,30
b,blue,30
c,yes,-3
d,yes,old
e,,
"""


def refused(result: Result, *parts: str) -> None:
    """Check for one message on standard error, exit code 2, no traceback and nothing on standard output."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same_as_golden(text: str, name: str) -> None:
    """Compare with a stored text; THIGHDX_UPDATE_GOLDEN=1 stores what is there now."""
    seconds = re.sub(r"\d+\.\d s", "S s", re.sub(r"[\d,]+ rows/s", "N rows/s", text))
    clean = "".join(f"{line.rstrip()}\n" for line in seconds.splitlines())
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("THIGHDX_UPDATE_GOLDEN"):
        file.write_text(clean, encoding="utf-8")
    assert clean == file.read_text(encoding="utf-8")


def write_table(text: str, path: Path) -> None:
    """Write a CSV text in the format a name asks for, everything as text."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".csv":
        path.write_text(text)
    else:
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
        pq.write_table(pa.Table.from_pylist(rows), path)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table as text, whatever its format."""
    if path.suffix == ".parquet":
        rows = pq.ParquetFile(path).read().to_pylist()
        return [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode())))
