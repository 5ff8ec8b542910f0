"""CSV as text, every column of it: what is passed through comes out as it went in, an id 007 as 007."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError

__all__ = ["CsvText", "TableSource", "append_csv", "check_names", "in_chunks", "open_csv"]

BLOCK_BYTES = 16_000_000  # of text read at once; no cell is longer


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table to be read once, in parts.

    Attributes
    ----------
    n_rows : int, optional
        None where it only shows at the end.
    chunks : iterator of pyarrow.Table
        At least one, all with the same columns; the only one of an empty table has no rows.
    """

    n_rows: int | None
    chunks: Iterator[pa.Table]


@dataclass(frozen=True, slots=True)
class CsvText:
    """A CSV before it is read: what to call it, how it begins, and how to open it."""

    name: str
    start: bytes
    open: Callable[[], pa.NativeFile]


def check_names(name: str, columns: Sequence[str]) -> None:
    """Refuse a column given twice."""
    for column, count in Counter(columns).items():
        if count > 1:
            what = f"column {column!r}" if column else "a column without a name"
            raise TableError(
                f"{name}: {what} is given {count} times, expected each once; rename or remove one"
            )


def in_chunks(tables: Iterable[pa.Table], empty: pa.Table, n_rows: int) -> Iterator[pa.Table]:
    """Cut tables into parts of at most `n_rows`; yield `empty` if there is no row at all."""
    is_empty = True
    for table in tables:
        for start in range(0, table.num_rows, n_rows):
            is_empty = False
            yield table.slice(start, n_rows)
    if is_empty:
        yield empty


@contextlib.contextmanager
def open_csv(text: CsvText, chunk_rows: int) -> Iterator[TableSource]:
    """Read the header of a CSV now and its rows when they are asked for.

    Raises
    ------
    TableError
        With the line at fault.
    """
    header, has_rows = _header(text)
    schema = pa.schema([(column, pa.string()) for column in header])
    if not has_rows:
        yield TableSource(0, iter([schema.empty_table()]))
        return
    with contextlib.ExitStack() as stack:
        try:
            reader = pa_csv.open_csv(
                stack.enter_context(text.open()),
                read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES),
                # a blank line is a row where there is one column, and nothing where there are more
                parse_options=pa_csv.ParseOptions(
                    newlines_in_values=True, ignore_empty_lines=len(header) > 1
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=schema,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except (pa.ArrowException, OSError) as error:
            raise _fault(text, header, error) from None
        stack.callback(reader.close)
        yield TableSource(None, in_chunks(_tables(text, header, reader), schema.empty_table(), chunk_rows))


def _tables(text: CsvText, header: list[str], reader: pa_csv.CSVStreamingReader) -> Iterator[pa.Table]:
    """Read on, and say where a row is at fault."""
    try:
        for batch in reader:
            yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        raise _fault(text, header, error) from None


def _header(text: CsvText) -> tuple[list[str], bool]:
    """Return the names of the columns and whether any row follows."""
    lines = csv.reader(io.StringIO(text.start.decode("utf-8-sig", errors="replace"), newline=""))
    try:
        header = next(lines, [])
        has_rows = next(lines, None) is not None
    except csv.Error as error:
        raise TableError(f"{text.name}: the header cannot be read ({error})") from None
    if any("\ufffd" in column for column in header):
        raise TableError(f"{text.name}: line 1: is not UTF-8 text; save it as 'CSV UTF-8'")
    for separator, what in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            raise TableError(
                f"{text.name}: columns are separated by {what}, expected commas; save it with commas"
            )
    check_names(text.name, header)
    return header, has_rows


def _fault(text: CsvText, header: list[str], error: Exception) -> TableError:
    """Look for the first line that explains why a CSV cannot be read."""
    message = " ".join(str(error).split())[:200]
    with contextlib.suppress(csv.Error, OSError, pa.ArrowException), text.open() as stream:
        if "UTF8" in message:
            for number, line in enumerate(io.BufferedReader(stream), start=1):
                with contextlib.suppress(UnicodeDecodeError):
                    line.decode("utf-8")
                    continue
                return TableError(f"{text.name}: line {number}: is not UTF-8 text; save it as 'CSV UTF-8'")
        rows = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline=""))
        for row in rows:
            if row and len(row) != len(header):
                got = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                return TableError(
                    f"{text.name}: line {rows.line_num}: got {got}, expected {len(header)} as in "
                    f'the header; a comma inside a cell needs "quotes"'
                )
    return TableError(f"{text.name}: cannot be read as CSV ({message})")


def append_csv(table: pa.Table, stream: BinaryIO | gzip.GzipFile, *, is_first: bool) -> None:
    """Write rows to an open CSV, after the header if they are the first; what is unknown is an empty cell.

    Text is quoted where it must be: where no cell of the table needs quotes, none has them.
    """
    if is_first:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(table.column_names)
        stream.write(line.getvalue().encode())
    plain = pa.table({str(i): _cells(column) for i, column in enumerate(table.columns)})
    style = "needed" if any(_needs_quotes(column) for column in plain.columns) else "none"
    options = pa_csv.WriteOptions(include_header=False, quoting_style=style)
    try:
        pa_csv.write_csv(plain, stream, options)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        message = " ".join(str(error).split())[:200]
        raise TableError(f"a column cannot be written as CSV ({message}); write .parquet") from None


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as CSV can hold it: NaN is unknown, categories are text."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    """Whether a text column holds anything that CSV has a meaning for."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    return bool(pc.any(pc.match_substring_regex(column, r'[",\r\n]')).as_py())
