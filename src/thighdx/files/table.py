"""The table that a user scores: one file or many, as one stream of record batches, from any place on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.evidence.distinct import is_text
from thighdx.files.csv_text import CsvDialect, looks_like_data
from thighdx.files.sources import Source, inspect_file, unify
from thighdx.files.which_files import find_files
from thighdx.model import Model
from thighdx.scoring.column_readings import ColumnReadings
from thighdx.scoring.scorer import Scorer

__all__ = ["Place", "Table", "explain_columns", "open_table"]

BATCH_ROWS = 8_192  # read, scored and handed on at once; some 35 MB while they are scored
DEAR_BATCH_ROWS = 1_024  # where intervals make a row cost a hundred times more
BATCH_BYTES = 32_000_000  # long rows come fewer at a time
LOOKED_AT = 10_000  # rows, to explain columns


class Place(NamedTuple):
    """Where a row is: the position of its file, and how many rows of that file come before it."""

    file: int
    row: int


class Portion(NamedTuple):
    """A batch, the place after it, and about how many bytes of the files come before that."""

    batch: pa.RecordBatch
    end: Place
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table in one or more files, looked at and not read yet."""

    sources: Sequence[Source]
    schema: pa.Schema  # of the batches
    evidence: frozenset[str]  # columns that are read
    batch_rows: int

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(source.n_bytes for source in self.sources)

    def read(self, start: Place, n_before: int, part_rows: int) -> Iterator[Portion]:
        """Yield every batch from a place on, `n_before` rows into the whole table.

        None reaches across the end of a part of `part_rows`. A file is found damaged where it is, a `TableError`.
        """
        row = start.row
        for position in range(start.file, len(self.sources)):
            earlier, before = sum(source.n_bytes for source in self.sources[:position]), 0
            stored = self.sources[position].read(skip=row, evidence=self.evidence, n_rows=self.batch_rows)
            for batch, n_bytes in stored:
                size = max(1, min(self.batch_rows, batch.num_rows * BATCH_BYTES // max(1, batch.nbytes)))
                done = 0
                while done < batch.num_rows:
                    part = batch.slice(done, min(size, part_rows - n_before % part_rows))
                    done, row, n_before = (n + part.num_rows for n in (done, row, n_before))
                    n_read = before + (n_bytes - before) * done // batch.num_rows
                    yield Portion(self._conform(part), Place(position, row), earlier + n_read)
                before = n_bytes
            row = 0

    def _conform(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Bring the columns of a file into the order and types of the first; dictionaries may stay."""
        arrays = []
        for name, kind in zip(self.schema.names, self.schema.types, strict=True):
            array = batch.column(name)
            is_packed = pa.types.is_dictionary(array.type) and is_text(array.type) and is_text(kind)
            may_stay = array.type == kind or (name in self.evidence and is_packed)
            arrays.append(array if may_stay else array.cast(kind))
        return pa.RecordBatch.from_arrays(arrays, names=self.schema.names)


def open_table(
    names: Sequence[str],
    scorer: Scorer,
    *,
    dialect: CsvDialect | None = None,
    allow_no_evidence: bool = False,
) -> Table:
    """Find the files of a table and make sure, without reading a row, that they can be scored together.

    Raises
    ------
    TableError
        If a file is missing, empty or damaged, has other columns than the first, or cannot be scored; if no
        column is evidence and that is not allowed, as every row would get the prior.
    """
    sources = [inspect_file(name, Model(scorer.model), dialect) for name in find_files(names)]
    schema = unify(sources)
    try:
        plan = scorer.plan(schema)
    except TableError as error:
        raise TableError(f"{sources[0].title}: {str(error).removeprefix('table: ')}") from None
    if not plan.evidence and not allow_no_evidence:
        raise TableError(_without_evidence(sources[0].title, schema, plan.remarks))
    is_dear = scorer.options.interval is not None
    return Table(sources, schema, frozenset(plan.evidence), DEAR_BATCH_ROWS if is_dear else BATCH_ROWS)


def _without_evidence(name: str, schema: pa.Schema, remarks: Sequence[str]) -> str:
    """Say that no column is read, and what may be the reason."""
    said = f"{name}: no column is read as evidence, so every row would get the prior"
    if any(looks_like_data(column) for column in schema.names):
        shown = ", ".join(repr(column) for column in schema.names[:5])
        return f"{said}; the first line ({shown}) looks like a row: is there no header?"
    misses = [remark for remark in remarks if remark.startswith("column ")]
    return "; ".join([said, *misses[:3]]) + "; see --columns, --map and model.variables"


def explain_columns(table: Table, scorer: Scorer) -> ColumnReadings:
    """Look at the first rows of a table, to say how its columns will be read."""
    kinds = {item.name: str(item.type) for item in table.schema}
    readings = ColumnReadings(scorer.plan(table.schema).columns, kinds)
    for portion in table.read(Place(0, 0), 0, LOOKED_AT):
        readings.add(portion.batch, portion.batch.num_rows)
        if readings.n_rows >= LOOKED_AT:
            break
    return readings
