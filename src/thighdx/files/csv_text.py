"""CSV as text, every column of it: what is passed through comes out as it went in, an id 007 as 007."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.evidence.vocabulary import PRESENCE_WORDS, as_day, as_number, is_unknown

__all__ = ["CsvDialect", "CsvText", "check_names", "looks_like_data", "read_csv", "read_header"]

BLOCK_BYTES = 16_000_000  # of text read at once; no row is longer


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How a text file writes a table.

    Attributes
    ----------
    delimiter : str, optional
        One character between cells; default a tab in files called ``.tsv``, otherwise a comma.
    decimal : str
        ``"."`` or ``","``; counts for columns that are read, and never changes what is passed through.
    encoding : str
        Such as ``"latin-1"`` or ``"cp1252"``.
    """

    delimiter: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        """Refuse what no file is written like, with a `TableError`."""
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise TableError(
                f"delimiter: got {self.delimiter!r}, expected one character, such as ';' or a tab"
            )
        if self.decimal not in (".", ","):
            raise TableError(f"decimal: got {self.decimal!r}, expected '.' or ','")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise TableError(
                f"encoding: got {self.encoding!r}, expected the name of one, such as utf-8, latin-1 or cp1252"
            ) from None

    @property
    def is_utf8(self) -> bool:
        """Whether text is read as it stands in the file."""
        return codecs.lookup(self.encoding).name == "utf-8"

    def for_file(self, name: str) -> CsvDialect:
        """Return the same with the delimiter of a file by its name."""
        by_name = "\t" if name.lower().endswith(".tsv") else ","
        return self if self.delimiter is not None else replace(self, delimiter=by_name)

    def decode(self, stream: pa.NativeFile) -> pa.NativeFile:
        """Return a stream of bytes as UTF-8."""
        return stream if self.is_utf8 else pa.transcoding_input_stream(stream, self.encoding, "utf-8")


@dataclass(frozen=True, slots=True)
class CsvText:
    """A CSV before it is read: what to call it, how it begins, and how to open it.

    Attributes
    ----------
    open : callable
        Each call gives the whole from its beginning, as UTF-8; a pipe can only be opened once.
    is_pipe : bool
    dialect : CsvDialect
        With its delimiter.
    """

    name: str
    start: bytes
    open: Callable[[], pa.NativeFile]
    is_pipe: bool = False
    dialect: CsvDialect = CsvDialect(delimiter=",")


def looks_like_data(name: str) -> bool:
    """Whether the name of a column is rather a cell: a number, a date or a yes or no.

    Examples
    --------
    >>> [looks_like_data(name) for name in ("34", "1990-02-28", "yes", "bruising", "")]
    [True, True, True, False, False]
    """
    return not is_unknown(name) and (
        as_number(name) is not None or as_day(name) is not None or name.lower() in PRESENCE_WORDS
    )


def check_names(name: str, columns: Sequence[str]) -> None:
    """Refuse a column given twice."""
    for column, count in Counter(columns).items():
        if count > 1:
            what = f"column {column!r}" if column else "a column without a name"
            remedy = "is there no header?" if looks_like_data(column) else "rename or remove one"
            raise TableError(f"{name}: {what} is given {count} times, expected each once; {remedy}")


def read_header(text: CsvText) -> tuple[list[str], bool]:
    """Return the names of the columns, without space around them, and whether any row follows.

    Raises
    ------
    TableError
        If the header cannot be read.
    """
    dialect = text.dialect
    start = text.start.decode("utf-8-sig" if dialect.is_utf8 else dialect.encoding, errors="replace")
    lines = csv.reader(io.StringIO(start, newline=""), delimiter=dialect.delimiter or ",")
    try:
        header = [name.strip() for name in next(lines, [])]
    except csv.Error as error:
        raise TableError(f"{text.name}: the header cannot be read ({error})") from None
    try:
        has_rows = next(lines, None) is not None
    except csv.Error:  # a cell of over 131,072 characters, which the reader of rows may well take
        has_rows = True
    if any("\ufffd" in column for column in header):
        raise TableError(
            f"{text.name}: line 1: is not {dialect.encoding.upper()} text; save it as 'CSV UTF-8', or name its encoding"
        )
    for separator, what, option in ((";", "semicolons", "';'"), ("\t", "tabs", "'\\t'")):
        if len(header) == 1 and separator in header[0]:
            raise TableError(
                f"{text.name}: columns are separated by {what}, expected commas; name the delimiter, {option}"
            )
    check_names(text.name, header)
    return header, has_rows


def read_csv(text: CsvText, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV, block by block.

    Parameters
    ----------
    schema : pyarrow.Schema
        Every column of the header as text, or as a dictionary of text.

    Raises
    ------
    TableError
        With the line at fault.
    """
    try:
        with text.open() as stream:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(
                    block_size=BLOCK_BYTES, column_names=schema.names, skip_rows_after_names=1
                ),
                # a blank line is a row where there is one column, and nothing where there are more
                parse_options=pa_csv.ParseOptions(
                    delimiter=text.dialect.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(schema.names) > 1,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=schema,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            with contextlib.closing(reader):
                yield from reader
    except (pa.ArrowException, OSError) as error:
        raise _fault(text, schema.names, error) from None


def _fault(text: CsvText, header: Sequence[str], error: Exception) -> TableError:
    """Look for the first line that explains why a CSV cannot be read."""
    message = " ".join(str(error).split())[:200]
    if "straddling object" in message or "block boundaries" in message:
        return TableError(
            f"{text.name}: a row is longer than {BLOCK_BYTES // 1_000_000} MB, expected rows of patients; "
            f'look for a quote (") that is never closed'
        )
    if "compressed stream" in message:
        return TableError(f"{text.name}: damaged compressed file ({message.lower()})")
    found = None
    if not text.is_pipe:
        with contextlib.suppress(csv.Error, OSError, pa.ArrowException), text.open() as stream:
            found = _not_utf8(text, stream) if "UTF8" in message else _bad_row(text, stream, len(header))
    return found or TableError(f"{text.name}: cannot be read as CSV ({message})")


def _not_utf8(text: CsvText, stream: pa.NativeFile) -> TableError | None:
    """Return the error for the first line that is not UTF-8."""
    for number, line in enumerate(io.BufferedReader(stream), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return TableError(f"{text.name}: line {number}: is not UTF-8 text; save it as 'CSV UTF-8'")
    return None


def _bad_row(text: CsvText, stream: pa.NativeFile, n_columns: int) -> TableError | None:
    """Return the error for the first row that has too few cells or too many."""
    rows = csv.reader(
        io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline=""),
        delimiter=text.dialect.delimiter or ",",
    )
    for row in rows:
        if row and len(row) != n_columns:
            got = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            return TableError(
                f"{text.name}: line {rows.line_num}: got {got}, expected {n_columns} as in "
                f'the header; a comma inside a cell needs "quotes"'
            )
    return None
