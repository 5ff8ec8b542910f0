"""JSON lines, one row per line, read and written in blocks of bounded size."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types
import pyarrow.json as pa_json  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError

__all__ = ["json_schema", "read_json", "write_json"]

BLOCK_BYTES = 16_000_000
WRITTEN_ROWS = 1_024  # as one piece of text


def json_schema(name: str, start: bytes, *, is_whole: bool) -> pa.Schema:
    """Return the columns and types of the rows at the beginning of a file.

    Dates stay the text that they are, and what is unknown at the beginning may be text later.
    """
    whole = start if is_whole else start[: start.rfind(b"\n") + 1]
    found = _parse(name, whole, pa_json.ParseOptions()).schema
    is_open = [pa.types.is_timestamp(kind) or (kind == pa.null() and not is_whole) for kind in found.types]
    kinds = [pa.string() if text else kind for text, kind in zip(is_open, found.types, strict=True)]
    return pa.schema(zip(found.names, kinds, strict=True))


def read_json(name: str, stream: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a stream of text; a column or type that those at the beginning have not is an error."""
    options = pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    n_rows = 0
    with io.BufferedReader(stream) as lines:
        while block := lines.readlines(BLOCK_BYTES):
            rows = _parse(name, b"".join(block), options, n_before=n_rows)
            n_rows += len(rows)
            yield from rows.to_batches()


def _parse(name: str, text: bytes, options: Any, *, n_before: int = 0) -> pa.Table:
    """Parse whole lines; there are `n_before` rows before them."""
    try:
        read = pa_json.ReadOptions(block_size=len(text) + 1, use_threads=False)
        return pa_json.read_json(io.BytesIO(text), read_options=read, parse_options=options)
    except pa.ArrowException as error:
        said = " ".join(str(error).split())  # counts from 0, from the beginning of the text
        gist = re.sub(r"\bin row (\d+)$", lambda row: f"in row {n_before + int(row[1]) + 1}", said)[:200]
        raise TableError(
            f"{name}: cannot be read as JSON, one row per line, each with columns and types of the first ({gist})"
        ) from None


def write_json(table: pa.Table, stream: Any) -> None:
    """Write rows; what is unknown is null, and numbers have the digits that they have in a CSV."""
    for batch in table.to_batches(max_chunksize=WRITTEN_ROWS):
        pieces = [pa.scalar("{")]
        for position, (name, column) in enumerate(zip(table.column_names, batch.columns, strict=True)):
            pieces += [pa.scalar(f"{', ' if position else ''}{json.dumps(name)}: "), _cells(column)]
        lines = pc.binary_join_element_wise(*pieces, pa.scalar("}\n"), "")
        stream.write(lines.buffers()[2])


def _cells(column: pa.Array) -> pa.Array:
    """Return cells as JSON."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.fill_null(column.cast(pa.string()), "null")
    return pa.array([json.dumps(cell, ensure_ascii=False, default=str) for cell in column.to_pylist()])
