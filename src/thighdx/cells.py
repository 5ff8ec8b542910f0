"""Cells of arrow columns made ready to be read: codes translated, text likelihoods turned into numbers."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.column_map import as_word
from thighdx.distinct import read_numbers
from thighdx.errors import TableError
from thighdx.network.spec import Floats

__all__ = ["check_readable", "is_text", "plain_column", "read_likelihoods", "translate"]


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text, plain or as a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def check_readable(field: pa.Field, read_as: str) -> str | None:
    """Say why no cell of a column could ever be read as evidence; None if some can."""
    kind = field.type
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
    is_number = (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    )
    if is_number or is_text(kind) or pa.types.is_null(kind):
        return None
    name = repr(field.name) if field.name == read_as else f"{field.name!r}, read as {read_as!r}"
    return f"column {name}: got the type {field.type}, expected text, numbers or true/false"


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in one of the layouts that everything here can read."""
    kind = column.type
    if pa.types.is_run_end_encoded(kind):
        column = pa.chunked_array([_decoded(chunk) for chunk in column.chunks], kind.value_type)
        kind = column.type
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_dictionary(kind) and not is_text(kind):
        return column.cast(kind.value_type)
    return column


def _decoded(chunk: pa.Array) -> pa.Array:
    """Write out repeated values."""
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

    return pc.run_end_decode(chunk)


def translate(
    column: pa.ChunkedArray, words: Mapping[str, str | None], *, factor: float = 1.0
) -> pa.DictionaryArray:
    """Return a column of codes as the words they stand for; codes that are not listed stay as they are.

    Parameters
    ----------
    words : mapping of str to str or None
        Code, as `as_word` writes it, to what it stands for; None for unknown.
    factor : float
        What numbers are multiplied by.
    """
    packed = column.combine_chunks()
    if isinstance(packed, pa.ChunkedArray):
        packed = packed.chunk(0) if packed.num_chunks else pa.array([], column.type)
    if not pa.types.is_dictionary(packed.type):
        packed = packed.dictionary_encode()
    read = [_translated(value, words, factor) for value in packed.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(packed.indices.cast(pa.int32()), pa.array(read, pa.string()))


def _translated(value: object, words: Mapping[str, str | None], factor: float) -> str | None:
    """Return what one code stands for."""
    if value is None:
        return None
    word = as_word(value)
    if word in words:
        return words[word]
    if factor != 1.0:
        try:
            return repr(float(word) * factor)
        except ValueError:
            return word
    return word


def read_likelihoods(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, pa.ChunkedArray]:
    """Turn the likelihoods of one variable, one column per state, into numbers where they are text.

    A cell that is no number makes its row ``wrong_type``: the cell becomes unknown beside known ones, which
    is what a likelihood for some states only is.
    """
    text = [name for name, column in columns.items() if is_text(column.type)]
    read = {name: _numbers(columns[name]) for name in text}
    is_wrong = np.any([wrong for _, wrong in read.values()], axis=0) if read else np.zeros(0, dtype=bool)
    found = dict(columns)
    for position, name in enumerate(columns):
        if name in read:
            values = read[name][0]
        elif is_wrong.any():
            values = columns[name].cast(pa.float64(), safe=False).to_numpy()
        else:
            continue
        if is_wrong.any():
            values = np.where(is_wrong, np.nan if position == 0 else 1.0, values)
        found[name] = pa.chunked_array([pa.array(values, from_pandas=True)])
    return found


def _numbers(column: pa.ChunkedArray) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return text as numbers, NaN where it is unknown or none, and where it is none."""
    read = read_numbers(nw.from_native(column, series_only=True), allow_text=True)
    return read.values, read.is_wrong


def check_record_batch(batch: object) -> None:
    """Refuse anything but an arrow record batch."""
    if not isinstance(batch, pa.RecordBatch):
        kind = f"{type(batch).__module__.partition('.')[0]} {type(batch).__name__}"
        hint = "; table.to_batches() gives them" if isinstance(batch, pa.Table) else ""
        raise TableError(f"batch: got {kind}, expected a pyarrow RecordBatch{hint}")
