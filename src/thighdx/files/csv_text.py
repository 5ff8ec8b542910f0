"""CSV as text, every column of it: what is passed through comes out as it went in, an id 007 as 007."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.evidence.vocabulary import PRESENCE_WORDS, as_day, as_number, is_unknown
from thighdx.files.formats import TableFormat

__all__ = ["BLOCK_BYTES", "CsvDialect", "check_names", "looks_like_data", "read_csv", "read_header"]

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

    def of(self, form: TableFormat) -> CsvDialect:
        """Return the same with the delimiter of a format, if none was named."""
        return self if self.delimiter is not None else replace(self, delimiter=form.delimiter)

    def decode(self, stream: Any) -> Any:
        """Return a stream of bytes as UTF-8."""
        if self.is_utf8:
            return stream
        native = stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="r")
        return pa.transcoding_input_stream(native, self.encoding, "utf-8")


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


def read_header(name: str, start: bytes, dialect: CsvDialect) -> tuple[list[str], bool]:
    """Return the names of the columns, without space around them, and whether any row follows.

    Raises
    ------
    TableError
        If the header cannot be read.
    """
    text = start.decode("utf-8-sig" if dialect.is_utf8 else dialect.encoding, errors="replace")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter or ",")
    try:
        header = [column.strip() for column in next(lines, [])]
    except csv.Error as error:
        raise TableError(f"{name}: the header cannot be read ({error})") from None
    try:
        has_rows = next(lines, None) is not None
    except csv.Error:  # a cell of over 131,072 characters, which the reader of rows may well take
        has_rows = True
    if any("\ufffd" in column for column in header):
        raise _not_encoded(f"{name}: line 1", dialect.encoding)
    for separator, what, option in ((";", "semicolons", "';'"), ("\t", "tabs", "'\\t'")):
        if len(header) == 1 and separator in header[0]:
            raise TableError(
                f"{name}: columns are separated by {what}, expected commas; name the delimiter, {option}"
            )
    check_names(name, header)
    return header, has_rows


def read_csv(
    name: str, stream: Any, columns: Sequence[str], dialect: CsvDialect, evidence: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV block by block: as text, and what is evidence as dictionaries of few words.

    Parameters
    ----------
    stream : file of UTF-8
        At its beginning.

    Raises
    ------
    TableError
        With the row at fault.
    """
    words = pa.dictionary(pa.int32(), pa.string())
    bad_rows: list[Any] = []

    def note(row: Any) -> str:
        bad_rows.append(row)
        return "error"

    try:
        with pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(
                # one thread, so that rows are counted for messages
                block_size=BLOCK_BYTES,
                column_names=columns,
                skip_rows_after_names=1,
                use_threads=False,
            ),
            # a blank line is a row where there is one column, and nothing where there are more
            parse_options=pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(columns) > 1,
                invalid_row_handler=note,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: words if name in evidence else pa.string() for name in columns},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ) as reader:
            for batch in reader:
                yield _with_points(batch, evidence) if dialect.decimal == "," else batch
    except (pa.ArrowException, OSError) as error:
        raise _fault(name, error, bad_rows) from None


def _fault(name: str, error: Exception, bad_rows: Sequence[Any]) -> TableError:
    """Say in a user's words what the reader of rows says."""
    message = " ".join(str(error).split())[:200]
    if bad_rows:
        row = bad_rows[0]
        got = "1 cell" if row.actual_columns == 1 else f"{row.actual_columns} cells"
        return TableError(
            f"{name}: row {row.number - 1} ({row.text[:40]!r}): got {got}, expected {row.expected_columns} as in "
            f'the header; a comma inside a cell needs "quotes"'
        )
    if found := re.search(r"Row #(\d+): .*invalid UTF8", message):
        return _not_encoded(f"{name}: row {int(found[1]) - 1}", "utf-8")
    if "straddling object" in message or "block boundaries" in message:
        return TableError(
            f"{name}: a row is longer than {BLOCK_BYTES // 1_000_000} MB, expected rows of patients; "
            f'look for a quote (") that is never closed'
        )
    if "compressed stream" in message:
        return TableError(f"{name}: damaged compressed file ({message.lower()})")
    return TableError(f"{name}: cannot be read as CSV ({message})")


def _not_encoded(where: str, encoding: str) -> TableError:
    """Return the error for text in another encoding."""
    return TableError(
        f"{where}: is not {encoding.upper()} text; save it as 'CSV UTF-8', or name its encoding"
    )


def _with_points(batch: pa.RecordBatch, evidence: Collection[str]) -> pa.RecordBatch:
    """Write 34,5 as 34.5 in dictionaries of text that are evidence; other columns stay as they are."""
    arrays = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name in evidence:
            words = pc.replace_substring_regex(array.dictionary, r"^(\s*[-+]?[0-9]*),([0-9])", r"\1.\2")
            array = pa.DictionaryArray.from_arrays(array.indices, words)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
