"""A table read once from the beginning, or from any row on, in record batches of bounded size."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.fhir.table import resource_batches, resource_schema
from thighdx.files.csv_text import CsvDialect, CsvText, check_names, read_csv, read_header
from thighdx.files.decimals import with_decimal_points
from thighdx.files.formats import (
    SNIFFED_BYTES,
    STANDARD_STREAM,
    TableFormat,
    check_beginning,
    first_line,
    input_format,
    read_beginning,
)
from thighdx.files.json_lines import json_batches, json_schema
from thighdx.scoring.plan import schema_difference

__all__ = ["Source", "inspect_file", "open_standard_input", "unify"]

_Located: TypeAlias = tuple[
    pa.RecordBatch, int
]  # a batch, and about how many bytes of the file it ends after

MAX_BATCH_BYTES = 512_000_000  # of one batch as it is stored; more is no table of patients
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
    n_bytes : int
        Size of the file; 0 for a pipe.
    n_bytes_read : int
        How far reading is.
    """

    name: str
    form: TableFormat
    schema: pa.Schema
    n_rows: int | None
    n_bytes: int
    text: CsvText | None = None
    pipe: Any = None  # an Arrow stream of which the schema has been read
    raw: Any = None  # the file beneath the text
    model: Any = None  # that says what FHIR resources mean
    n_bytes_read: int = 0

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
            "schema": self.schema.remove_metadata().to_string(truncate_metadata=False),
            **({} if self.text is None else {"dialect": asdict(self.text.dialect)}),
        }

    @property
    def most_rows(self) -> int | None:
        """What the number of rows is at most; None where that only shows at the end."""
        if self.n_rows is not None:
            return self.n_rows
        if self.text is not None:  # a row ends with a line; text that fits is there from beginning to end
            start = self.text.start
            return max(start.count(b"\n"), start.count(b"\r")) if len(start) < SNIFFED_BYTES else None
        if self.pipe is not None or self.n_bytes > SNIFFED_BYTES or self.form.kind == "json":
            return None
        with contextlib.suppress(pa.ArrowException, OSError):  # what is damaged is told where it is read
            return sum(int(batch.num_rows) for batch, _ in _arrow(self.name))
        return None

    def read(self, *, skip: int, evidence: frozenset[str], n_rows: int) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most `n_rows` rows from row `skip` on.

        Parameters
        ----------
        evidence : frozenset of str
            Columns to be read rather than passed through: their text comes as a dictionary, if that is cheap.

        Raises
        ------
        TableError
            Where the file is damaged.
        """
        try:
            yield from self._batches(skip, evidence, n_rows)
        except (pa.ArrowException, OSError) as error:
            message = f"damaged {self.form.title} file ({first_line(error)})"
            raise TableError(f"{self.name}: {message}") from None

    def _batches(self, skip: int, evidence: frozenset[str], n_rows: int) -> Iterator[pa.RecordBatch]:
        """Read what the format of the file is."""
        if self.n_rows == 0:
            return
        if self.form.kind == "csv":
            batches = self._csv(evidence)
        elif self.form.kind == "parquet":
            batches, skip = self._parquet(skip, evidence, n_rows)
        elif self.form.kind == "json":
            batches = json_batches(self.name, self.schema)
        elif self.form.kind == "fhir":
            batches = ((batch, 0) for batch in resource_batches(self.name, self.model))
        else:
            batches = _arrow(self.name) if self.pipe is None else ((batch, 0) for batch in self.pipe)
        for batch, n_bytes in batches:
            if skip < batch.num_rows:
                _check_size(self.name, batch)
            before = self.n_bytes_read
            for start in range(skip, batch.num_rows, n_rows):
                cut = batch.slice(start, n_rows)
                share = (start + cut.num_rows) / batch.num_rows
                self.n_bytes_read = before + int(share * (n_bytes - before))
                yield cut
            skip = max(0, skip - batch.num_rows)
            self.n_bytes_read = n_bytes

    def _csv(self, evidence: frozenset[str]) -> Iterator[_Located]:
        """Read text; words of evidence are few and come as dictionaries."""
        assert self.text is not None
        packed = pa.dictionary(pa.int32(), pa.string())
        kinds = [(name, packed if name in evidence else pa.string()) for name in self.schema.names]
        for batch in read_csv(self.text, pa.schema(kinds)):
            if self.text.dialect.decimal == ",":
                batch = with_decimal_points(batch, evidence)
            yield batch, 0 if self.raw is None else self.raw.tell()

    def open_text(self) -> pa.NativeFile:
        """Open a file of text from its beginning, unpacked."""
        self.raw = pa.OSFile(self.name)
        packed = self.form.compression
        plain = self.raw if packed is None else pa.CompressedInputStream(self.raw, packed)
        return plain if self.text is None else self.text.dialect.decode(plain)

    def _parquet(self, skip: int, evidence: frozenset[str], n_rows: int) -> tuple[Iterator[_Located], int]:
        """Read row groups page by page, from that on in which row `skip` is."""
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

        packed = [name for name in self.schema.names if name in evidence]
        file = pq.ParquetFile(self.name, read_dictionary=packed, pre_buffer=False, buffer_size=COLUMN_BUFFER)
        group = 0
        while group < file.num_row_groups and file.metadata.row_group(group).num_rows <= skip:
            skip -= file.metadata.row_group(group).num_rows
            group += 1
        groups = list(range(group, file.num_row_groups))

        def batches() -> Iterator[_Located]:
            n_read = sum(file.metadata.row_group(before).num_rows for before in range(group))
            with file:
                for batch in file.iter_batches(batch_size=n_rows, row_groups=groups) if groups else ():
                    n_read += batch.num_rows
                    yield batch, self.n_bytes * n_read // max(1, self.n_rows or 0)

        return batches(), skip


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
    n_bytes = Path(name).stat().st_size
    if form.kind == "fhir":
        return Source(name, form, resource_schema(model), None, n_bytes, model=model)
    dialect = (dialect or CsvDialect()).for_file(name)
    start = read_beginning(name, form, is_utf8=form.kind != "csv" or dialect.is_utf8)
    if form.kind == "json":
        return Source(name, form, json_schema(name, start, is_whole=n_bytes == len(start)), None, n_bytes)
    if form.kind == "csv":
        source = Source(name, form, pa.schema([]), None, n_bytes)
        source.text = CsvText(name, start, source.open_text, dialect=dialect)
        header, has_rows = read_header(source.text)
        source.schema = pa.schema([(column, pa.string()) for column in header])
        source.n_rows = None if has_rows else 0
        return source
    try:
        schema, n_rows = _parquet_schema(name) if form.kind == "parquet" else (_arrow_schema(name), None)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{name}: damaged {form.title} file ({first_line(error)})") from None
    check_names(name, schema.names)
    return Source(name, form, schema, n_rows, n_bytes)


def open_standard_input(dialect: CsvDialect | None = None) -> Source:
    """Look at how CSV or an Arrow stream in a pipe begins.

    Raises
    ------
    TableError
        As `inspect_file` does.
    """
    stream = sys.stdin.buffer
    start = _read_fully(stream, SNIFFED_BYTES)
    if start.startswith(b"\xff\xff\xff\xff"):
        reader = pa.ipc.open_stream(pa.PythonFile(_Rejoined(start, stream), mode="r"))
        check_names("standard input", reader.schema.names)
        return Source(STANDARD_STREAM, TableFormat("arrows"), reader.schema, None, 0, pipe=reader)
    dialect = (dialect or CsvDialect()).for_file(STANDARD_STREAM)
    if dialect.is_utf8:
        check_beginning("standard input", start, TableFormat("csv"))
    text = CsvText(
        "standard input",
        start,
        lambda: dialect.decode(pa.PythonFile(_Rejoined(start, stream), mode="r")),
        is_pipe=True,
        dialect=dialect,
    )
    header, has_rows = read_header(text)
    schema = pa.schema([(column, pa.string()) for column in header])
    return Source(STANDARD_STREAM, TableFormat("csv"), schema, None if has_rows else 0, 0, text)


def _read_fully(stream: BinaryIO, n_bytes: int) -> bytes:
    """Read until there is enough or no more; a pipe gives what it has."""
    parts, n_read = [], 0
    while n_read < n_bytes and (part := stream.read(n_bytes - n_read)):
        parts.append(part)
        n_read += len(part)
    return b"".join(parts)


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


def _parquet_schema(name: str) -> tuple[pa.Schema, int]:
    """Return the schema of a Parquet file and its number of rows; the path is never read as a partition."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(name) as file:
        for group in range(file.num_row_groups):
            found = file.metadata.row_group(group)
            for position in range(found.num_columns):
                column = found.column(position)
                mean = column.total_uncompressed_size / max(1, column.num_values)
                if mean > MAX_CELL_BYTES:
                    raise TableError(
                        f"{name}: column {column.path_in_schema!r}: cells of {mean / 1e6:,.0f} MB, expected "
                        f"at most {MAX_CELL_BYTES // 1_000_000} MB; leave the column out"
                    )
        return file.schema_arrow, file.metadata.num_rows


def _arrow_schema(name: str) -> pa.Schema:
    """Return the schema of an Arrow file or stream."""
    with pa.OSFile(name) as file:
        return _arrow_reader(name, file).schema


def _arrow_reader(name: str, file: pa.NativeFile) -> Any:
    """Open what an Arrow file is, whatever its ending."""
    with Path(name).open("rb") as start:
        is_file = start.read(6) == b"ARROW1"
    return pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)


def _arrow(name: str) -> Iterator[_Located]:
    """Read an Arrow file or stream where it lies: batches may be long, and only what is needed is fetched."""
    with pa.memory_map(name) as file:
        reader = _arrow_reader(name, file)
        if hasattr(reader, "num_record_batches"):
            n_batches = reader.num_record_batches
            for position in range(n_batches):
                yield reader.get_batch(position), file.size() * (position + 1) // n_batches
        else:
            for batch in reader:
                yield batch, file.tell()


def _check_size(name: str, batch: pa.RecordBatch) -> None:
    """Refuse rows that are too long to be kept in memory."""
    per_row = batch.nbytes / max(1, batch.num_rows)
    if batch.nbytes > MAX_BATCH_BYTES and per_row > MAX_CELL_BYTES:
        raise TableError(
            f"{name}: rows of {per_row / 1e6:,.0f} MB, expected at most {MAX_CELL_BYTES // 1_000_000} MB; "
            f"leave out the columns with long cells"
        )


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
        if set(other.names) == set(schema.names):
            try:
                schema = pa.unify_schemas([schema, other])  # in the order of the first
                continue
            except pa.ArrowException:
                pass
        raise TableError(
            f"{source.name}: {schema_difference(schema, other).replace('the first part', first.name)}"
        )
    return schema
