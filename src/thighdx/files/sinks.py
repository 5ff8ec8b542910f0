"""Write tables of patients, by ending and in parts; a file appears complete or not at all."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

from thighdx.atomic_files import create_file
from thighdx.errors import TableError
from thighdx.evidence.distinct import is_text
from thighdx.files.formats import STANDARD_STREAM, TableFormat, table_format

__all__ = ["TableSink", "check_columns", "create_table_file", "open_sink"]

SHOWN_COLUMNS = 5

GZIP_LEVEL = 4  # 9, the default, would take longer than inference
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class TableSink(Protocol):
    """Takes the parts of a table in order, all with the same columns."""

    def write(self, table: pa.Table) -> None:
        """Write one part."""

    def close(self) -> None:
        """Finish what the format needs."""


class _CsvSink:
    """Writes CSV; what is unknown is an empty cell, and text is quoted where it must be."""

    def __init__(self, stream: Any, escape_formulas: bool) -> None:
        self.stream = stream
        self.escape_formulas = escape_formulas
        self.is_first = True

    def write(self, table: pa.Table) -> None:
        import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # ships no types

        if self.is_first:
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(table.column_names)
            self.stream.write(line.getvalue().encode())
        self.is_first = False
        cells = [_cells(column, self.escape_formulas) for column in table.columns]
        plain = pa.table({str(position): column for position, column in enumerate(cells)})
        style = "needed" if any(_needs_quotes(column) for column in cells) else "none"
        options = pa_csv.WriteOptions(include_header=False, quoting_style=style)
        try:
            pa_csv.write_csv(plain, self.stream, options)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            message = " ".join(str(error).split())[:200]
            raise TableError(f"a column cannot be written as CSV ({message}); write .parquet") from None

    def close(self) -> None:
        self.stream.flush()


class _ParquetSink:
    """Writes Parquet, one row group per part; the notes become metadata of the file."""

    def __init__(self, stream: Any, notes: Mapping[str, str]) -> None:
        self.stream = stream
        self.notes = dict(notes)
        self.writer: Any = None

    def write(self, table: pa.Table) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

        table = pa.table([_named(column) for column in table.columns], table.column_names)
        noted = table.replace_schema_metadata(self.notes or None)
        if self.writer is None:
            # no two posteriors are the same: looking for repeats takes ten times as long as writing
            packed = [field.name for field in noted.schema if not pa.types.is_floating(field.type)]
            self.writer = pq.ParquetWriter(self.stream, noted.schema, use_dictionary=packed or False)
        self.writer.write_table(noted, row_group_size=max(1, noted.num_rows))

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


class _ArrowSink:
    """Writes an Arrow file or stream; a file takes one dictionary per column, so there they are written out."""

    def __init__(self, stream: Any, notes: Mapping[str, str], *, is_stream: bool) -> None:
        self.stream = stream
        self.notes = dict(notes)
        self.is_stream = is_stream
        self.writer: Any = None

    def write(self, table: pa.Table) -> None:
        noted = table.replace_schema_metadata(self.notes or None)
        if not self.is_stream:
            for position, field in enumerate(noted.schema):
                if pa.types.is_dictionary(field.type):
                    plain = noted.column(position).cast(field.type.value_type)
                    noted = noted.set_column(position, field.name, plain)
        if self.writer is None:
            make = pa.ipc.new_stream if self.is_stream else pa.ipc.new_file
            self.writer = make(self.stream, noted.schema)
        self.writer.write_table(noted)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


@contextlib.contextmanager
def open_sink(
    form: TableFormat, stream: Any, *, notes: Mapping[str, str] | None = None, escape_formulas: bool = False
) -> Iterator[TableSink]:
    """Write a table into an open stream.

    Parameters
    ----------
    notes : mapping of str to str, optional
        Said about the table in the file, where the format has a place for it: CSV has none.
    escape_formulas : bool
        In CSV, put an apostrophe before text that a spreadsheet would take for a formula.
    """
    with contextlib.ExitStack() as stack:
        if form.compression is not None:
            stream = stack.enter_context(_packed(stream, form.compression))
        if form.kind == "csv":
            sink: TableSink = _CsvSink(stream, escape_formulas)
        elif form.kind == "parquet":
            sink = _ParquetSink(stream, notes or {})
        else:
            sink = _ArrowSink(stream, notes or {}, is_stream=form.kind == "arrows")
        try:
            yield sink
        except BaseException:
            with contextlib.suppress(Exception):  # what went wrong first is what counts
                sink.close()
            raise
        sink.close()


def _packed(stream: Any, compression: str) -> Any:
    """Return a stream that packs what is written to it."""
    if compression == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=stream, mtime=0)
    target = stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="w")
    return pa.CompressedOutputStream(target, compression)


def check_columns(name: str, schema: pa.Schema) -> None:
    """Refuse columns that the format of an output has no place for, before there is anything to write.

    Raises
    ------
    TableError
        Naming them, with their types.
    """
    form = TableFormat(table_format(name).kind)
    fits = {kind: _fits(form, kind) for kind in set(schema.types)}
    bad = [f"{field.name!r} ({field.type})"[:100] for field in schema if not fits[field.type]]
    if bad:
        more = f" and {len(bad) - SHOWN_COLUMNS} more" if len(bad) > SHOWN_COLUMNS else ""
        remedy = "leave them out (drop: true in --map)" + (
            "" if form.kind == "arrows" else ", or write .arrows"
        )
        remedy = f"write .parquet, or {remedy.partition(',')[0]}" if form.kind == "csv" else remedy
        title = "standard output" if name == STANDARD_STREAM else name
        raise TableError(
            f"{title}: {form.title} cannot hold {', '.join(bad[:SHOWN_COLUMNS])}{more}; {remedy}"
        )


def _fits(form: TableFormat, kind: pa.DataType) -> bool:
    """Whether a format can hold a type: by writing no rows of it."""
    try:
        with open_sink(form, pa.BufferOutputStream()) as sink:
            sink.write(pa.table({"": pa.chunked_array([], kind)}))
    except (TableError, pa.ArrowException):
        return False
    return True


@contextlib.contextmanager
def create_table_file(name: str, *, notes: Mapping[str, str] | None = None) -> Iterator[TableSink]:
    """Create a file by its ending, or write CSV to standard output.

    Raises
    ------
    TableError
        If the ending is not known.
    OSError
        If it cannot be written there.
    """
    form = table_format(name)
    if name == STANDARD_STREAM:
        with open_sink(form, sys.stdout.buffer) as sink:
            yield sink
        return
    with create_file(name) as stream, open_sink(form, stream, notes=notes) as sink:
        yield sink


def _cells(column: pa.ChunkedArray, escape_formulas: bool) -> pa.ChunkedArray:
    """Return a column as CSV can hold it: NaN is unknown, categories are text."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    elif pa.types.is_run_end_encoded(column.type):
        column = pa.chunked_array(
            [pc.run_end_decode(chunk) for chunk in column.chunks], column.type.value_type
        )
    elif pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    if escape_formulas and is_text(column.type):
        pattern = "^([" + "".join(rf"\x{ord(start):02x}" for start in FORMULA_STARTS) + "])"
        escaped = pc.replace_substring_regex(column, pattern, r"'\1")
        is_number = pc.match_substring_regex(column, r"^[+-]?[0-9]+([.][0-9]+)?$")
        return pc.if_else(is_number, column, escaped)
    return column


def _named(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column whose dictionary, if it has one, has no null: Parquet takes these only in cells."""
    kind = column.type
    if not pa.types.is_dictionary(kind) or not any(chunk.dictionary.null_count for chunk in column.chunks):
        return column
    return column.cast(kind.value_type).dictionary_encode().cast(kind)


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    """Whether a text column holds anything that CSV has a meaning for."""
    return is_text(column.type) and bool(pc.any(pc.match_substring_regex(column, r'[",\r\n]')).as_py())
