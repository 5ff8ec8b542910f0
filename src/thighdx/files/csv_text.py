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

__all__ = [
    "BLOCK_BYTES",
    "CsvDialect",
    "check_names",
    "looks_like_data",
    "not_encoded",
    "read_csv",
    "read_header",
]

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
        return pa.transcoding_input_stream(stream, self.encoding, "utf-8")


def looks_like_data(name: str) -> bool:
    """Whether the name of a column is rather a cell: a number, a date or a yes or no."""
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
    """Return the names of the columns, without space around them, and whether any row follows."""
    text = start.decode("utf-8-sig" if dialect.is_utf8 else dialect.encoding, errors="replace")
    lines = io.StringIO(text, newline="")
    try:
        header = [
            column.strip() for column in next(csv.reader(lines, delimiter=dialect.delimiter or ","), [])
        ]
    except csv.Error as error:
        raise TableError(f"{name}: the header cannot be read ({error})") from None
    if any("\ufffd" in column for column in header):
        raise not_encoded(f"{name}: line 1", dialect.encoding)
    for separator, what, option in ((";", "semicolons", "';'"), ("\t", "tabs", "'\\t'")):
        if len(header) == 1 and separator in header[0]:
            raise TableError(
                f"{name}: columns are separated by {what}, expected commas; name the delimiter, {option}"
            )
    return header, bool(lines.read(1))


def read_csv(
    name: str, stream: Any, columns: Sequence[str], dialect: CsvDialect, evidence: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of UTF-8 block by block: as text, and what is evidence as dictionaries of few words."""
    words = pa.dictionary(pa.int32(), pa.string())
    bad_rows: list[Any] = []

    def note(row: Any) -> str:
        bad_rows.append(row)
        return "error"

    read = pa_csv.ReadOptions(  # one thread, so that rows are counted for messages
        block_size=BLOCK_BYTES, column_names=columns, skip_rows_after_names=1, use_threads=False
    )
    parse = pa_csv.ParseOptions(
        delimiter=dialect.delimiter,
        newlines_in_values=True,
        # a blank line is a row where there is one column, and nothing where there are more
        ignore_empty_lines=len(columns) > 1,
        invalid_row_handler=note,
    )
    convert = pa_csv.ConvertOptions(
        column_types={name: words if name in evidence else pa.string() for name in columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    try:
        with pa_csv.open_csv(stream, read, parse, convert) as reader:
            for batch in reader:
                yield _with_points(batch, evidence) if dialect.decimal == "," else batch
    except (pa.ArrowException, OSError) as error:
        raise _fault(name, error, bad_rows) from None


def _fault(name: str, error: Exception, bad_rows: Sequence[Any]) -> Exception:
    """Say in a user's words what the reader of rows says; an error that is none of its own stays as it is."""
    message = " ".join(str(error).split())
    for row in bad_rows:
        got = "1 cell" if row.actual_columns == 1 else f"{row.actual_columns} cells"
        return TableError(
            f"{name}: row {row.number - 1} ({row.text[:40]!r}): got {got}, expected {row.expected_columns} as in "
            f'the header; a comma inside a cell needs "quotes"'
        )
    if found := re.search(r"Row #(\d+): .*invalid UTF8", message):
        return not_encoded(f"{name}: row {int(found[1]) - 1}", "utf-8")
    if "straddling object" in message or "block boundaries" in message:
        return TableError(
            f"{name}: a row is longer than {BLOCK_BYTES // 1_000_000} MB, expected rows of patients; "
            f'look for a quote (") that is never closed'
        )
    return error


def not_encoded(where: str, encoding: str) -> TableError:
    """Return the error for text in another encoding."""
    return TableError(
        f"{where}: is not {encoding.upper()} text; save it as 'CSV UTF-8', or name its encoding"
    )


def _with_points(batch: pa.RecordBatch, evidence: Collection[str]) -> pa.RecordBatch:
    """Write 34,5 as 34.5 in dictionaries of text that are evidence; other columns stay as they are."""
    arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
    for name in arrays.keys() & evidence:
        words = pc.replace_substring_regex(arrays[name].dictionary, r"^(\s*[-+]?[0-9]*),([0-9])", r"\1.\2")
        arrays[name] = pa.DictionaryArray.from_arrays(arrays[name].indices, words)
    return pa.RecordBatch.from_arrays([*arrays.values()], schema=batch.schema)
