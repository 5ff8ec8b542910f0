"""Read tables of patients from files and pipes, by ending and in parts.

What is wrong with a file is said before it is read as far as its beginning shows it, and while it is read
otherwise.
"""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.cli.csv_files import CsvText, TableSource, check_names, in_chunks, open_csv
from thighdx.errors import TableError, nearest_hint

if TYPE_CHECKING:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

__all__ = ["STANDARD_STREAM", "TableFormat", "open_table_file", "table_format"]

STANDARD_STREAM = "-"
SNIFFED_BYTES = 1_000_000  # a header must be in there
CHUNK_ROWS = 50_000  # read, scored and written at once; progress is shown after each

# How files begin that are something else than they are called.
_BEGINNINGS = (
    (b"PAR1", "a Parquet file", "call it .parquet"),
    (b"\x1f\x8b", "a gzip file", "call it .csv.gz if that is what is inside"),
    (b"PK\x03\x04", "an Excel workbook or another zip file", "save the sheet as 'CSV UTF-8'"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as 'CSV UTF-8'"),
    (b"\xff\xfe", "UTF-16 text", "save it as 'CSV UTF-8'"),
    (b"\xfe\xff", "UTF-16 text", "save it as 'CSV UTF-8'"),
    (b"<!doctype html", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
)


@dataclass(frozen=True, slots=True)
class TableFormat:
    """What the ending of a name says about a file."""

    kind: Literal["csv", "parquet"]
    is_gzip: bool = False


def table_format(name: str) -> TableFormat:
    """Return what a file is by its ending; a standard stream is CSV.

    Examples
    --------
    >>> table_format("cases.csv.gz")
    TableFormat(kind='csv', is_gzip=True)
    """
    lowered = name.lower()
    if name == STANDARD_STREAM or lowered.endswith(".csv"):
        return TableFormat("csv")
    if lowered.endswith(".csv.gz"):
        return TableFormat("csv", is_gzip=True)
    if lowered.endswith(".parquet"):
        return TableFormat("parquet")
    got = f"the ending {Path(name).suffix!r}" if Path(name).suffix else "no ending"
    raise TableError(f"{name}: got {got}, expected .csv, .csv.gz or .parquet, or - for CSV in a pipe")


@contextlib.contextmanager
def open_table_file(name: str) -> Iterator[TableSource]:
    """Open a CSV or Parquet file, or CSV on standard input.

    Raises
    ------
    TableError
        If it is missing, empty, not what its ending says, not UTF-8, or has a column twice. What is wrong
        further down is raised while its chunks are read.
    """
    form = table_format(name)
    if name == STANDARD_STREAM:
        content = sys.stdin.buffer.read()
        _check_beginning("standard input", content, "CSV")
        text = CsvText("standard input", content[:SNIFFED_BYTES], lambda: pa.BufferReader(content))
        with open_csv(text, CHUNK_ROWS) as source:
            yield source
        return
    _check_is_file(name)
    with Path(name).open("rb") as file:
        start = file.read(SNIFFED_BYTES)
    if form.kind == "parquet":
        if not start.startswith(b"PAR1"):
            _check_beginning(name, start, "Parquet")
            raise TableError(f"{name}: is not a Parquet file, as its ending says; call it .csv if it is CSV")
        with _open_parquet(name) as source:
            yield source
        return
    if form.is_gzip:
        start = _unpacked(name, start)
    _check_beginning(name, start, "CSV")
    compression = "gzip" if form.is_gzip else None
    text = CsvText(name, start, lambda: pa.input_stream(name, compression=compression))
    with open_csv(text, CHUNK_ROWS) as source:
        yield source


def _check_is_file(name: str) -> None:
    """Refuse what is missing or a folder, with the nearest name beside it."""
    path = Path(name)
    if path.is_dir():
        raise TableError(f"{name}: is a folder, expected a table (.csv, .csv.gz or .parquet)")
    if not path.exists():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = nearest_hint(path.name, siblings)
        raise TableError(f"{name}: no such file" + (f"; {hint}" if hint else ""))


def _check_beginning(name: str, start: bytes, expected: str) -> None:
    """Refuse what is empty or visibly something else."""
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        hint = (
            "expected a header row and one row per patient"
            if expected == "CSV"
            else "expected a Parquet file"
        )
        raise TableError(f"{name}: is empty, {hint}")
    lowered = start[:100].lstrip().lower()
    for beginning, what, remedy in _BEGINNINGS:
        if start.startswith(beginning) or lowered.startswith(beginning):
            raise TableError(f"{name}: is {what}, expected {expected}; {remedy}")
    if expected == "CSV" and b"\0" in start:
        raise TableError(f"{name}: holds binary data, expected CSV; save it as 'CSV UTF-8'")


def _unpacked(name: str, start: bytes) -> bytes:
    """Return the beginning of what is in a gzip file."""
    if start and not start.startswith(b"\x1f\x8b"):
        raise TableError(f"{name}: is not a gzip file, as its ending says; call it .csv if it is plain text")
    with gzip.open(name) as file:
        try:
            return file.read(SNIFFED_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{name}: damaged gzip file ({str(error).lower()})") from None


@contextlib.contextmanager
def _open_parquet(name: str) -> Iterator[TableSource]:
    """Open a Parquet file; the path itself is never read as a partition."""
    import pyarrow.parquet as pq

    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(pq.ParquetFile(name))
            schema = file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{name}: damaged Parquet file ({_first_line(error)})") from None
        check_names(name, schema.names)
        yield TableSource(file.metadata.num_rows, _parquet_chunks(name, file, schema))


def _parquet_chunks(name: str, file: pq.ParquetFile, schema: pa.Schema) -> Iterator[pa.Table]:
    """Read a Parquet file in parts; at least one."""
    try:
        batches = file.iter_batches(batch_size=CHUNK_ROWS)
        tables = (pa.Table.from_batches([batch]) for batch in batches)
        yield from in_chunks(tables, schema.empty_table(), CHUNK_ROWS)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{name}: damaged Parquet file ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    """Return the gist of a message of another library."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
