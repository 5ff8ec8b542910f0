"""A table as JSON, one row per line, in blocks of bounded size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.json as pa_json  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError

__all__ = ["json_batches", "json_schema"]

BLOCK_BYTES = 16_000_000


def json_schema(name: str, start: bytes, *, is_whole: bool) -> pa.Schema:
    """Return the columns and types of the rows at the beginning of a file.

    Raises
    ------
    TableError
        If they cannot be read, or no row ends there.
    """
    whole = start if is_whole else start[: start.rfind(b"\n") + 1]
    return _read(name, whole, pa_json.ParseOptions()).schema


def json_batches(name: str, schema: pa.Schema) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield the rows of a file, and after how many bytes each batch ends.

    Raises
    ------
    TableError
        If a row cannot be read, or has a column or a type that those at the beginning have not.
    """
    options = pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    with Path(name).open("rb") as file:
        while lines := file.readlines(BLOCK_BYTES):
            for batch in _read(name, b"".join(lines), options).to_batches():
                yield batch, file.tell()


def _read(name: str, text: bytes, options: Any) -> pa.Table:
    """Parse whole lines."""
    try:
        read = pa_json.ReadOptions(block_size=max(1, len(text) + 1), use_threads=False)
        return pa_json.read_json(io.BytesIO(text), read_options=read, parse_options=options)
    except pa.ArrowException as error:
        gist = " ".join(str(error).split())[:200]
        raise TableError(
            f"{name}: cannot be read as JSON, one row per line, each with columns and types of the first ({gist})"
        ) from None
