"""Numbers with a decimal comma in text that is read."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

__all__ = ["with_decimal_points"]


def with_decimal_points(batch: pa.RecordBatch, evidence: Collection[str]) -> pa.RecordBatch:
    """Write 34,5 as 34.5 in dictionaries of text that are evidence; other columns stay as they are.

    Examples
    --------
    >>> ages = pa.array(["34,5", "old, very", None]).dictionary_encode()
    >>> found = with_decimal_points(pa.record_batch({"age": ages}), {"age"})
    >>> found.column("age").to_pylist()
    ['34.5', 'old, very', None]
    """
    arrays = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name in evidence:
            words = pc.replace_substring_regex(array.dictionary, r"^(\s*[-+]?[0-9]*),([0-9])", r"\1.\2")
            array = pa.DictionaryArray.from_arrays(array.indices, words)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
