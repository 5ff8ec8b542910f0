"""One table file, or a pipe, read from any row on in the batches in which it is stored."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.fhir.table import resource_batches, resource_schema
from thighdx.files.csv_text import BLOCK_BYTES, CsvDialect, check_names, not_encoded, read_csv, read_header
from thighdx.files.formats import (
    ARROW_STREAM,
    STANDARD_INPUT,
    STANDARD_STREAM,
    TableFormat,
    check_beginning,
    check_packing,
    input_format,
)
from thighdx.files.json_lines import json_schema, read_json
from thighdx.scoring.plan import schema_difference

__all__ = ["Source", "inspect_file", "unify"]

# A batch, and about how many bytes of the file it ends after.
_Located: TypeAlias = tuple[pa.RecordBatch, int]

SNIFFED_BYTES = BLOCK_BYTES  # a header must be in there
COLUMN_BUFFER = 1 << 16  # of every column of a Parquet file
MAX_CELL_BYTES = 16_000_000  # on average, in one column of one row group


@dataclass(slots=True)
class Source:
    """One file of a table, or a pipe."""

    name: str
    form: TableFormat
    dialect: CsvDialect  # of text, with its delimiter
    model: Any = None  # says what FHIR resources mean
    schema: pa.Schema = None  # as it is stored; text, in CSV
    most_rows: int | None = None  # at most; None where that only shows at the end
    n_bytes: int = 0  # of a file
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

    def look(self) -> None:
        """Look at how it begins (and ends, where its schema is there), and read none of its rows."""
        start = self._start()
        if self.dialect.is_utf8 and self.form.kind != "fhir":
            check_beginning(self.title, start, self.form)
        is_whole = len(start) < SNIFFED_BYTES
        if self.form.is_text and is_whole:  # a row ends with a line
            self.most_rows = max(start.count(b"\n"), start.count(b"\r")) + 1
        if self.form.kind == "fhir":
            self.schema = resource_schema(self.model)
        elif self.form.kind == "json":
            self.schema = json_schema(self.title, start, is_whole=is_whole)
        elif self.form.is_text:
            header, has_rows = read_header(self.title, start, self.dialect)
            self.schema = pa.schema([(column, pa.string()) for column in header])
            self.most_rows = self.most_rows if has_rows else 0
        elif self.form.kind == "parquet":
            self.schema, self.most_rows = _look_at_parquet(self.name)
        elif self.pipe is not None:
            self.pipe = pa.ipc.open_stream(self.pipe)
            self.schema = self.pipe.schema
        else:
            with pa.memory_map(self.name) as file:
                self.schema = _arrow_reader(file).schema
            if self.n_bytes < SNIFFED_BYTES:
                with contextlib.suppress(pa.ArrowException, OSError):  # told where it is read
                    self.most_rows = sum(batch.num_rows for batch, _ in self._arrow())
        check_names(self.title, self.schema.names)

    def _start(self) -> bytes:
        """Return how it begins, unpacked; a pipe is what it begins like."""
        if self.name == STANDARD_STREAM:
            start = sys.stdin.buffer.read(SNIFFED_BYTES)
            self.pipe = pa.PythonFile(_Rejoined(start), mode="r")
            self.form = TableFormat("arrows") if start.startswith(ARROW_STREAM) else self.form
            return start
        self.n_bytes = Path(self.name).stat().st_size
        with Path(self.name).open("rb") as file:
            start = file.read(8)
        check_packing(self.name, start, self.form)
        if self.form.is_text and start:
            with self._open()[1] as stream:
                return bytes(stream.read(SNIFFED_BYTES))
        return start

    def read(self, *, skip: int, evidence: Collection[str], n_rows: int) -> Iterator[_Located]:
        """Yield batches from row `skip` on, as they are stored, and where in the file they end.

        Text of columns that are `evidence`, not passed through, comes as a dictionary if that is cheap. `n_rows` are
        wanted in a batch; Arrow and text may have more. A file is found damaged where it is, a `TableError`.
        """
        if self.most_rows == 0:
            return
        try:
            if self.form.kind == "parquet":
                yield from self._parquet(skip, evidence, n_rows)
                return
            for batch, n_bytes in self._text(evidence) if self.form.is_text else self._arrow():
                if skip < batch.num_rows:
                    yield batch.slice(skip), n_bytes
                skip = max(0, skip - batch.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(self.title, self.form, error) from None
        except UnicodeError:
            raise not_encoded(self.title, self.dialect.encoding) from None

    def _open(self) -> tuple[Any, Any]:
        """Open text from its beginning: as it lies, to ask how far it was read, and unpacked."""
        if self.pipe is not None:
            return self.pipe, self.pipe
        raw, packed = pa.OSFile(self.name), self.form.compression
        return raw, raw if packed is None else pa.CompressedInputStream(raw, packed)

    def _text(self, evidence: Collection[str]) -> Iterator[_Located]:
        """Read text, block by block."""
        raw, stream = self._open()
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

    def _parquet(self, skip: int, evidence: Collection[str], n_rows: int) -> Iterator[_Located]:
        """Read row groups page by page, from that on in which row `skip` is.

        `pyarrow.dataset` would hold a row group at a time, 570 MB more for a million rows of 120 columns.
        """
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

        packed = [name for name in self.schema.names if name in evidence]
        with pq.ParquetFile(
            self.name, read_dictionary=packed, pre_buffer=False, buffer_size=COLUMN_BUFFER
        ) as file:
            n_read, groups = 0, [*range(file.num_row_groups)]
            while groups and n_read + (size := file.metadata.row_group(groups[0]).num_rows) <= skip:
                n_read += size
                groups.pop(0)
            for batch in file.iter_batches(batch_size=n_rows, row_groups=groups) if groups else ():
                skipped = max(0, skip - n_read)
                n_read += batch.num_rows
                if skipped < batch.num_rows:
                    yield batch.slice(skipped), self.n_bytes * n_read // file.metadata.num_rows

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
    """Look at a file, or at CSV or an Arrow stream in a pipe, and read none of its rows.

    What is empty, damaged, not what its ending says, in another encoding, or has a column twice is a `TableError`.
    Only FHIR needs the `model`.
    """
    form = input_format(name)
    source = Source(name, form, (dialect or CsvDialect()).of(form), model)
    try:
        source.look()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(source.title, form, error) from None
    return source


def _damaged(name: str, form: TableFormat, error: Exception) -> TableError:
    """Return the error for a file that another library cannot read."""
    gist = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return TableError(f"{name}: damaged {form.compression or form.title} file ({gist})")


class _Rejoined(io.BytesIO):
    """A pipe whose beginning has been read already."""

    def read(self, size: int | None = -1) -> bytes:
        """Return what was read before, then what comes."""
        return super().read(size) or sys.stdin.buffer.read(-1 if size is None else size)


def _look_at_parquet(name: str) -> tuple[pa.Schema, int]:
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
        return file.schema_arrow, file.metadata.num_rows


def _arrow_reader(file: pa.NativeFile) -> Any:
    """Open what an Arrow file is, whatever its ending."""
    start = file.read(6)
    file.seek(0)
    return pa.ipc.open_file(file) if start == b"ARROW1" else pa.ipc.open_stream(file)


def unify(sources: Sequence[Source]) -> pa.Schema:
    """Return the one schema of several files, or name the first that differs, and how, in a `TableError`.

    Columns may come in another order, and one that is empty throughout a file (the type null) fits any other.
    """
    schema, *others = (pa.schema([(item.name, item.type) for item in source.schema]) for source in sources)
    for source, other in zip(sources[1:], others, strict=True):
        try:
            if set(other.names) != set(schema.names):
                raise pa.ArrowInvalid
            schema = pa.unify_schemas([schema, other])  # in the order of the first
        except pa.ArrowException:
            difference = schema_difference(schema, other).replace("the first part", sources[0].name)
            raise TableError(f"{source.name}: {difference}") from None
    return schema
