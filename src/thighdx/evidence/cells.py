"""Types of arrow columns: which hold text, and which could ever be evidence."""

from __future__ import annotations

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.evidence.vocabulary import DATE_OF_BIRTH, REFERENCE_DATE

__all__ = ["check_readable", "is_text"]


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
    is_date = read_as in (DATE_OF_BIRTH, REFERENCE_DATE) and (
        pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    )
    if is_number or is_date or is_text(kind) or pa.types.is_null(kind):
        return None
    name = repr(field.name) if field.name == read_as else f"{field.name!r}, read as {read_as!r}"
    return f"column {name}: got the type {field.type}, expected text, numbers or true/false"
