"""The output table, in the format that its name asks for, written part by part."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

from thighdx.atomic_files import create_file
from thighdx.errors import TableError
from thighdx.evidence.distinct import is_text
from thighdx.files.formats import STANDARD_STREAM, TableFormat, output_format
from thighdx.files.json_lines import write_json

__all__ = ["TableSink", "check_columns", "create_table_file", "open_sink"]

SHOWN_COLUMNS = 5
GZIP_LEVEL = 4  # 9, the default, would take longer than inference


@dataclass(slots=True)
class TableSink:
    """Takes the parts of a table in order, all with the same columns, and writes them into an open stream."""

    form: TableFormat
    stream: Any
    notes: Mapping[str, str] | None = None  # said about the table, where the format has a place for it
    escape_formulas: bool = False  # in text, an apostrophe before what a spreadsheet would take for a formula
    writer: Any = None  # of Parquet or Arrow, once the columns are known
    is_first: bool = True

    def write(self, table: pa.Table) -> None:
        """Write one part."""
        if self.form.kind == "json":
            write_json(table, self.stream)
        elif self.form.is_text:
            self._write_csv(table)
        else:
            self._write_arrow(table)
        self.is_first = False

    def close(self) -> None:
        """Finish what the format needs."""
        if self.form.is_text:
            self.stream.flush()
        elif self.writer is not None:
            self.writer.close()

    def _write_csv(self, table: pa.Table) -> None:
        """Write text; what is unknown is an empty cell, and text is quoted where it must be."""
        import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # ships no types

        delimiter = self.form.delimiter
        if self.is_first:  # the writer of rows would put every name in quotes
            line = io.StringIO()
            csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(table.column_names)
            self.stream.write(line.getvalue().encode())
        cells = [_csv_cells(column, self.escape_formulas) for column in table.columns]
        needs_quotes = any(
            pc.any(pc.match_substring_regex(each, f'["{delimiter}\r\n]')).as_py()
            for each in cells
            if is_text(each.type)
        )
        style = "needed" if needs_quotes else "none"
        options = pa_csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=style)
        pa_csv.write_csv(pa.table(cells, [str(place) for place in range(len(cells))]), self.stream, options)

    def _write_arrow(self, table: pa.Table) -> None:
        """Write Parquet, one row group per part, or an Arrow file or stream."""
        kind = self.form.kind
        if kind != "arrows":
            columns = [_in_words(column, kind) for column in table.columns]
            table = pa.table(columns, table.column_names)
        table = table.replace_schema_metadata(self.notes)
        if kind != "parquet":
            make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
            self.writer = self.writer or make(self.stream, table.schema)
            self.writer.write_table(table)
            return
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

        # no two posteriors are the same: looking for repeats takes ten times as long as writing
        packed = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
        self.writer = self.writer or pq.ParquetWriter(
            self.stream, table.schema, use_dictionary=packed or False
        )
        self.writer.write_table(table, row_group_size=max(1, table.num_rows))


@contextlib.contextmanager
def open_sink(form: TableFormat, stream: Any, **options: Any) -> Iterator[TableSink]:
    """Write a table into an open stream, packed if the format is; options are those of a `TableSink`."""
    with contextlib.ExitStack() as stack:
        if form.compression is not None:
            stream = stack.enter_context(_packed(stream, form.compression))
        sink = TableSink(form, stream, **options)
        try:
            yield sink
        except BaseException:
            with contextlib.suppress(Exception):  # what went wrong first is what counts
                sink.close()
            raise
        sink.close()


def _packed(stream: pa.NativeFile, compression: str) -> Any:
    """Return a stream that packs what is written to it."""
    if compression == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=stream, mtime=0)
    return pa.CompressedOutputStream(stream, compression)


def check_columns(where: str, form: TableFormat, schema: pa.Schema) -> None:
    """Refuse columns that the format of an output has no place for, before there is anything to write."""
    fits = {kind: _fits(form, kind) for kind in set(schema.types)}
    bad = [f"{field.name!r} ({field.type})"[:100] for field in schema if not fits[field.type]]
    if bad:
        more = f" and {len(bad) - SHOWN_COLUMNS} more" if len(bad) > SHOWN_COLUMNS else ""
        other = ".parquet or .jsonl" if form.is_text else ".arrows"
        raise TableError(
            f"{where}: {form.title} cannot hold {', '.join(bad[:SHOWN_COLUMNS])}{more}; leave them out "
            f"(drop: true in --map), or write {other}"
        )


def _fits(form: TableFormat, kind: pa.DataType) -> bool:
    """Whether a format can hold a type: by writing no rows of it."""
    try:
        with open_sink(form, pa.BufferOutputStream()) as sink:
            sink.write(pa.table({"": pa.chunked_array([], kind)}))
    except pa.ArrowException:
        return False
    return True


@contextlib.contextmanager
def create_table_file(name: str) -> Iterator[TableSink]:
    """Create a file by its ending, complete or not at all, or write CSV to standard output."""
    form = output_format(name)
    with contextlib.ExitStack() as stack:
        if name == STANDARD_STREAM:
            stream = sys.stdout.buffer
        else:  # the file that is made, as Arrow can write and pack into it
            stream = stack.enter_context(pa.OSFile(stack.enter_context(create_file(name)).name, "wb"))
        yield stack.enter_context(open_sink(form, stream))


def _csv_cells(column: pa.ChunkedArray, escape_formulas: bool) -> pa.ChunkedArray:
    """Return a column as CSV can hold it: NaN is unknown, categories are text."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_run_end_encoded(column.type):
        column = pa.chunked_array(map(pc.run_end_decode, column.chunks), column.type.value_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    if escape_formulas and is_text(column.type):
        escaped = pc.replace_substring_regex(column, r"^([=+@\t\r-])", r"'\1")
        is_number = pc.match_substring_regex(column, r"^[+-]?[0-9]+([.][0-9]+)?$")
        return pc.if_else(is_number, column, escaped)
    return column


def _in_words(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Write categories out where a file has no place for them."""
    if not pa.types.is_dictionary(column.type):
        return column
    if kind == "arrow":  # which takes one dictionary per column
        return column.cast(column.type.value_type)
    # Parquet takes null in cells only
    if any(chunk.dictionary.null_count for chunk in column.chunks):
        return column.cast(column.type.value_type).dictionary_encode().cast(column.type)
    return column
