"""Write tables of patients, by ending and in parts; a file appears complete or not at all."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, Protocol

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.cli.csv_files import append_csv
from thighdx.cli.files import STANDARD_STREAM, TableFormat, table_format
from thighdx.whole_files import create_file

if TYPE_CHECKING:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

__all__ = ["TableSink", "create_file", "create_table_file"]


class TableSink(Protocol):
    """Takes the parts of a table in order, all with the same columns."""

    def write(self, table: pa.Table) -> None:
        """Write one part."""

    def close(self) -> None:
        """Finish what the format needs."""


class _CsvSink:
    """Writes CSV into an open stream."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self.stream = stream
        self.is_first = True

    def write(self, table: pa.Table) -> None:
        append_csv(table, self.stream, is_first=self.is_first)
        self.is_first = False

    def close(self) -> None:
        self.stream.flush()


class _ParquetSink:
    """Writes Parquet; the notes become metadata of the file."""

    def __init__(self, stream: BinaryIO, notes: Mapping[str, str]) -> None:
        self.stream = stream
        self.notes = dict(notes)
        self.writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        noted = table.replace_schema_metadata(self.notes or None)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.stream, noted.schema)
        self.writer.write_table(noted)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


@contextlib.contextmanager
def create_table_file(name: str, *, notes: Mapping[str, str] | None = None) -> Iterator[TableSink]:
    """Create a CSV or Parquet file, or write CSV to standard output.

    Parameters
    ----------
    notes : mapping of str to str, optional
        Said about the table in the file, where the format has a place for it: Parquet does.

    Raises
    ------
    TableError
        If the ending is not known.
    OSError
        If it cannot be written there.
    """
    form = table_format(name)
    if name == STANDARD_STREAM:
        sink: TableSink = _CsvSink(sys.stdout.buffer)
        yield sink
        sink.close()
        return
    with create_file(name) as stream:
        if form.kind == "parquet":
            sink = _ParquetSink(stream, notes or {})
            try:
                yield sink
            finally:  # also of what failed, while there is still a stream to close it on
                sink.close()
        else:
            with _maybe_packed(stream, form) as packed:
                sink = _CsvSink(packed)
                yield sink
                sink.close()


@contextlib.contextmanager
def _maybe_packed(stream: BinaryIO, form: TableFormat) -> Iterator[BinaryIO | gzip.GzipFile]:
    """Pack what is written if the ending asks for it."""
    if not form.is_gzip:
        yield stream
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
        yield packed
