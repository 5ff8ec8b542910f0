"""One table file, or a pipe, read from any row on in the batches in which it is stored."""

from __future__ import annotations

import bisect
import contextlib
import io
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.fhir.table import resource_batches, resource_schema
from thighdx.files.csv_text import BLOCK_BYTES, CsvDialect, check_names, read_csv, read_header
from thighdx.files.formats import (
    STANDARD_INPUT,
    STANDARD_STREAM,
    TableFormat,
    check_beginning,
    check_packing,
    input_format,
)
from thighdx.files.json_lines import json_schema, read_json
from thighdx.scoring.schema_plan import schema_difference

__all__ = ["Source", "inspect_file", "open_standard_input", "unify"]

# A batch, and about how many bytes of the file it ends after.
_Located: TypeAlias = tuple[pa.RecordBatch, int]

SNIFFED_BYTES = BLOCK_BYTES  # a header must be in there
COLUMN_BUFFER = 1 << 16  # of every column of a Parquet file
MAX_CELL_BYTES = 16_000_000  # on average, in one column of one row group


@dataclass(slots=True)
class Source:
    """One file of a table, or a pipe.

    Attributes
    ----------
    schema : pyarrow.Schema
        As it is stored; text, in CSV.
    n_rows : int, optional
        None where it only shows at the end.
    most_rows : int, optional
        What the number of rows is at most; None where that only shows at the end.
    n_bytes : int
        Size of the file; 0 for a pipe.
    """

    name: str
    form: TableFormat
    schema: pa.Schema
    dialect: CsvDialect
    n_rows: int | None = None
    most_rows: int | None = None
    n_bytes: int = 0
    model: Any = None  # that says what FHIR resources mean
    pipe: Any = None  # what comes through it: text from its beginning, or record batches

    @property
    def title(self) -> str:
        """What to call it."""
        return STANDARD_INPUT if self.name == STANDARD_STREAM else self.name

    @property
    def identity(self) -> dict[str, Any]:
        """What tells whether it is still the same file."""
        if self.name == STANDARD_STREAM:
            return {"name": self.name}
        stat = Path(self.name).stat()
        return {
            "name": str(Path(self.name).resolve()),
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "dialect": asdict(self.dialect),
        }

    def read(self, *, skip: int, evidence: Collection[str], n_rows: int) -> Iterator[_Located]:
        """Yield batches from row `skip` on, as they are stored, and where in the file they end.

        Parameters
        ----------
        evidence : collection of str
            Columns to be read rather than passed through: their text comes as a dictionary, if that is cheap.
        n_rows : int
            Wanted in a batch; Arrow and text may have more.

        Raises
        ------
        TableError
            Where the file is damaged.
        """
        if self.n_rows == 0:
            return
        try:
            if self.form.kind == "parquet":
                batches, skip = self._parquet(skip, evidence, n_rows)
            else:
                batches = self._text(evidence) if self.form.is_text else self._arrow()
            for batch, n_bytes in batches:
                if skip < batch.num_rows:
                    yield batch.slice(skip), n_bytes
                skip = max(0, skip - batch.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.title, self.form, error) from None

    def _text(self, evidence: Collection[str]) -> Iterator[_Located]:
        """Read text, block by block."""
        raw, stream = (self.pipe, self.pipe) if self.pipe is not None else open_packed(self.name, self.form)
        stream = self.dialect.decode(stream)
        if self.form.kind == "fhir":
            lines = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8", errors="replace")
            batches = resource_batches(lines, self.model)
        elif self.form.kind == "json":
            batches = read_json(self.title, stream, self.schema)
        else:
            batches = read_csv(self.title, stream, self.schema.names, self.dialect, evidence)
        for batch in batches:
            yield batch, 0 if self.pipe is not None else raw.tell()

    def _parquet(self, skip: int, evidence: Collection[str], n_rows: int) -> tuple[Iterator[_Located], int]:
        """Read row groups page by page, from that on in which row `skip` is.

        `pyarrow.dataset` would hold a row group at a time, 570 MB more for a million rows of 120 columns.
        """
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

        packed = [name for name in self.schema.names if name in evidence]
        file = pq.ParquetFile(self.name, read_dictionary=packed, pre_buffer=False, buffer_size=COLUMN_BUFFER)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = [0, *accumulate(sizes)]
        first = bisect.bisect_right(starts, skip) - 1

        def batches() -> Iterator[_Located]:
            n_read, groups = starts[first], list(range(first, len(sizes)))
            with file:
                for batch in file.iter_batches(batch_size=n_rows, row_groups=groups) if groups else ():
                    n_read += batch.num_rows
                    yield batch, self.n_bytes * n_read // starts[-1]

        return batches(), skip - starts[first]

    def _arrow(self) -> Iterator[_Located]:
        """Read a file or stream where it lies: batches may be long, and only what is needed is fetched."""
        if self.pipe is not None:
            yield from ((batch, 0) for batch in self.pipe)
            return
        with pa.memory_map(self.name) as file:
            reader = _arrow_reader(file)
            if isinstance(reader, pa.RecordBatchFileReader):
                n_batches = reader.num_record_batches
                for position in range(n_batches):
                    yield reader.get_batch(position), self.n_bytes * (position + 1) // n_batches
            else:
                yield from ((batch, file.tell()) for batch in reader)


def inspect_file(name: str, model: Any = None, dialect: CsvDialect | None = None) -> Source:
    """Look at how a file begins (and ends, where its schema is there), and read none of its rows.

    Parameters
    ----------
    model : Model, optional
        Says what FHIR resources mean.
    dialect : CsvDialect, optional
        Of text; default commas and UTF-8.

    Raises
    ------
    TableError
        If it is empty, damaged, not what its ending says, not UTF-8, or has a column twice.
    """
    form = input_format(name)
    dialect = (dialect or CsvDialect()).of(form)
    n_bytes = Path(name).stat().st_size
    with Path(name).open("rb") as file:
        start = file.read(8)
    try:
        check_packing(name, start, form)
        if form.is_text and start:
            _, stream = open_packed(name, form)
            with stream:
                start = stream.read(SNIFFED_BYTES)
        if dialect.is_utf8 and form.kind != "fhir":
            check_beginning(name, start, form)
        if form.is_text:
            source = _text_source(name, form, start, dialect, model)
        else:
            schema, n_rows, most_rows = (_look_at_parquet if form.kind == "parquet" else _look_at_arrow)(name)
            source = Source(name, form, schema, dialect, n_rows, most_rows)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(name, form, error) from None
    source.n_bytes = n_bytes
    check_names(name, source.schema.names)
    return source


def open_standard_input(dialect: CsvDialect | None = None) -> Source:
    """Look at how CSV or an Arrow stream in a pipe begins.

    Raises
    ------
    TableError
        As `inspect_file` does.
    """
    form = input_format(STANDARD_STREAM)
    dialect = (dialect or CsvDialect()).of(form)
    start = sys.stdin.buffer.read(SNIFFED_BYTES)
    pipe = _Rejoined(start, sys.stdin.buffer)
    if start.startswith(b"\xff\xff\xff\xff"):
        reader = pa.ipc.open_stream(pa.PythonFile(pipe, mode="r"))
        check_names(STANDARD_INPUT, reader.schema.names)
        return Source(STANDARD_STREAM, TableFormat("arrows"), reader.schema, dialect, pipe=reader)
    if dialect.is_utf8:
        check_beginning(STANDARD_INPUT, start, form)
    source = _text_source(STANDARD_STREAM, form, start, dialect, None)
    source.pipe = pipe
    return source


def _text_source(name: str, form: TableFormat, start: bytes, dialect: CsvDialect, model: Any) -> Source:
    """Look at the beginning of text."""
    is_whole, title = len(start) < SNIFFED_BYTES, STANDARD_INPUT if name == STANDARD_STREAM else name
    # a row ends with a line; text that fits is there from beginning to end
    most_rows = max(start.count(b"\n"), start.count(b"\r")) + 1 if is_whole else None
    if form.kind == "fhir":
        return Source(name, form, resource_schema(model), dialect, None, most_rows, model=model)
    if form.kind == "json":
        return Source(name, form, json_schema(title, start, is_whole=is_whole), dialect, None, most_rows)
    header, has_rows = read_header(title, start, dialect)
    schema = pa.schema([(column, pa.string()) for column in header])
    return Source(name, form, schema, dialect, None if has_rows else 0, most_rows)


def open_packed(name: str, form: TableFormat) -> tuple[pa.NativeFile, pa.NativeFile]:
    """Open a file from its beginning: as it lies, to ask how far it was read, and unpacked."""
    raw = pa.OSFile(name)
    return raw, raw if form.compression is None else pa.CompressedInputStream(raw, form.compression)


def _damaged(name: str, form: TableFormat, error: Exception) -> TableError:
    """Return the error for a file that another library cannot read."""
    gist = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return TableError(f"{name}: damaged {form.compression or form.title} file ({gist})")


class _Rejoined(io.RawIOBase):
    """A pipe whose beginning has been read already."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self.start = io.BytesIO(start)
        self.rest = rest

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return what was read before, then what comes."""
        return self.start.read(size) or self.rest.read(size)


def _look_at_parquet(name: str) -> tuple[pa.Schema, int, int]:
    """Return the schema of a Parquet file and its number of rows; the path is never read as a partition."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(name) as file:
        for group in map(file.metadata.row_group, range(file.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                mean = column.total_uncompressed_size / max(1, column.num_values)
                if mean > MAX_CELL_BYTES:
                    raise TableError(
                        f"{name}: column {column.path_in_schema!r}: cells of {mean / 1e6:,.0f} MB, expected "
                        f"at most {MAX_CELL_BYTES // 1_000_000} MB; leave the column out"
                    )
        return file.schema_arrow, file.metadata.num_rows, file.metadata.num_rows


def _look_at_arrow(name: str) -> tuple[pa.Schema, None, int | None]:
    """Return the schema of an Arrow file or stream, and of a small one the number of rows."""
    with pa.memory_map(name) as file:
        reader = _arrow_reader(file)
        most_rows = None
        if file.size() < SNIFFED_BYTES:
            with contextlib.suppress(pa.ArrowException, OSError):  # what is damaged is told where it is read
                is_file = isinstance(reader, pa.RecordBatchFileReader)
                batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
                most_rows = sum(batch.num_rows for batch in batches)
        return reader.schema, None, most_rows


def _arrow_reader(file: pa.NativeFile) -> Any:
    """Open what an Arrow file is, whatever its ending."""
    start = file.read(6)
    file.seek(0)
    return pa.ipc.open_file(file) if start == b"ARROW1" else pa.ipc.open_stream(file)


def unify(sources: Sequence[Source]) -> pa.Schema:
    """Return the one schema of several files.

    Columns may come in another order, and one that is empty throughout a file (the type null) fits any other.

    Raises
    ------
    TableError
        Naming the first file that differs, and how.
    """
    first = sources[0]
    schema = pa.schema([(field.name, field.type) for field in first.schema])
    for source in sources[1:]:
        other = pa.schema([(field.name, field.type) for field in source.schema])
        try:
            if set(other.names) != set(schema.names):
                raise pa.ArrowInvalid
            schema = pa.unify_schemas([schema, other])  # in the order of the first
        except pa.ArrowException:
            difference = schema_difference(schema, other).replace("the first part", first.name)
            raise TableError(f"{source.name}: {difference}") from None
    return schema
