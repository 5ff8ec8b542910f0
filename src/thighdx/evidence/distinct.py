"""One column of any table: its type, and its distinct values, as a word is read once and not once per row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

from thighdx.evidence.vocabulary import DATE_OF_BIRTH, REFERENCE_DATE, as_day, as_number
from thighdx.network.spec import Floats

__all__ = [
    "NOT_A_STATE",
    "Distinct",
    "Numbers",
    "cell",
    "check_readable",
    "distinct_values",
    "is_text",
    "read_numbers",
]

ARROW = (pa.Array, pa.ChunkedArray)

# Stands for every value of a kind that names no state: the number 2, a date, a list.
NOT_A_STATE = object()
# So many distinct objects are read one by one; more are compared by value first.
FEW_OBJECTS = 32
REAL_KINDS = "iuf"  # of numpy and pandas types


@dataclass(frozen=True, slots=True)
class Distinct:
    """A column by its distinct values.

    Attributes
    ----------
    codes : (n_rows,) integer
        Position among `values`; -1 for null.
    values : tuple
        Need not all occur nor differ, and may hold words that mean unknown.
    """

    codes: npt.NDArray[np.integer]
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column as numbers.

    Attributes
    ----------
    values : (n_rows,) float64
        NaN where unknown or not a number.
    is_wrong : (n_rows,) bool
        Where something stands that is not a number.
    """

    values: Floats
    is_wrong: npt.NDArray[np.bool_]


def distinct_values(column: Any, *, keep_numbers: bool = False) -> Distinct:
    """Return the distinct values of a column of pandas, polars or arrow.

    Numbers come back as 0, 1 or `NOT_A_STATE`, as no other number names a state, unless `keep_numbers`.

    Notes
    -----
    Works on whole columns; the cost per distinct value is some microseconds more.

    Examples
    --------
    >>> import pandas as pd
    >>> found = distinct_values(pd.Series(["yes", None, "no", "yes"]))
    >>> found.codes.tolist(), found.values
    ([0, -1, 1, 0], ('yes', 'no'))
    """
    if isinstance(column, ARROW):
        return _of_arrow(column, keep_numbers)
    dtype = column.dtype
    if not isinstance(column, pd.Series):  # of polars
        is_mixed = str(dtype) == "Object"
        return _of_objects(column.to_numpy()) if is_mixed else _of_arrow(column.to_arrow(), keep_numbers)
    if isinstance(dtype, pd.CategoricalDtype):
        return Distinct(column.array.codes, tuple(dtype.categories.tolist()))  # type: ignore[attr-defined]  # it is categorical
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _of_objects(column.to_numpy())
    if isinstance(dtype, pd.StringDtype | pd.ArrowDtype):
        return _of_arrow(pa.Array.from_pandas(column), keep_numbers)
    if dtype.kind in REAL_KINDS and not keep_numbers:
        return _of_numbers(np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan)))
    codes, values = pd.factorize(column)
    return Distinct(codes, tuple(values.tolist()))


def read_numbers(
    column: Any,
    translate: Callable[[object], object] | None = None,
    *,
    read: Callable[[object], float | None] = as_number,
) -> Numbers:
    """Read a column of numbers, or of text that is numbers; booleans are none.

    Parameters
    ----------
    translate : callable, optional
        Is given every distinct value first.
    read : callable
        Value to number, NaN for unknown, None where it is no number.

    Examples
    --------
    >>> import polars as pl
    >>> read_numbers(pl.Series(["34", "old", None]))
    Numbers(values=array([34., nan, nan]), is_wrong=array([False,  True, False]))
    """
    if translate is None and read is not as_day and (plain := _plain_numbers(column)) is not None:
        return Numbers(plain, np.zeros(len(plain), dtype=bool))
    found = distinct_values(column, keep_numbers=True)
    words = found.values if translate is None else map(translate, found.values)
    numbers = [read(value) for value in words]
    values = np.array([np.nan if number is None else number for number in numbers] + [np.nan])
    is_wrong = np.array([number is None for number in numbers] + [False])
    return Numbers(values[found.codes], is_wrong[found.codes])


def cell(column: Any, row: int) -> object:
    """Return one value of a column as plain Python has it."""
    value = column.iloc[row] if isinstance(column, pd.Series) else column[row]
    value = value.as_py() if isinstance(column, ARROW) else value
    return value.item() if isinstance(value, np.generic) else value


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


def _plain_numbers(column: Any) -> Floats | None:
    """Return a column of numbers as (n_rows,) float64, NaN for null; None if it has another type."""
    if isinstance(column, pd.Series):
        if column.dtype.kind not in REAL_KINDS:
            return None
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if not isinstance(column, ARROW):
        if not column.dtype.is_numeric():
            return None
        column = column.to_arrow()
    kind = column.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    # a safe cast refuses whole numbers above 2^53
    return _to_numpy(column.cast("float64", safe=False)) if is_number else None


def _to_numpy(column: Any) -> Floats:
    """Return an arrow column in numpy; arrays copy only where asked, chunks always can."""
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _of_numbers(values: Floats) -> Distinct:
    """Give 0 and 1 their places and everything else the last."""
    codes = np.full(len(values), 2, dtype=np.int8)
    codes[values == 0] = 0
    codes[values == 1] = 1
    codes[np.isnan(values)] = -1
    return Distinct(codes, (0, 1, NOT_A_STATE))


def _of_objects(cells: npt.NDArray[np.object_]) -> Distinct:
    """Compare objects by identity first: words of a table are mostly the same few objects."""
    cells = np.ascontiguousarray(cells)
    codes, addresses = pd.factorize(_addresses(cells))
    first = np.zeros(len(addresses), dtype=np.intp)
    first[codes[::-1]] = np.arange(len(cells))[::-1]  # where an object is seen for the first time
    values = cells[first]
    if len(values) <= FEW_OBJECTS:
        return Distinct(codes, tuple(values))
    same, distinct = _same_values(values)
    return Distinct(same[codes], distinct)


def _addresses(cells: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
    """Return what tells objects apart, which is what an array of objects holds; valid as long as `cells` is."""

    class Memory:
        __array_interface__: ClassVar[dict[str, Any]] = {
            "version": 3,
            "shape": cells.shape,
            "typestr": np.dtype(np.intp).str,
            "data": cells.__array_interface__["data"],
        }

    return np.asarray(Memory())


def _same_values(values: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.intp], tuple[object, ...]]:
    """Return which objects are equal and of one type, as codes of the distinct ones; -1 for null."""
    try:
        codes, distinct = pd.factorize(values)
        if all(isinstance(value, str) for value in distinct):
            return codes, tuple(distinct)
    except TypeError:  # what cannot be hashed names no state
        pass
    places: dict[tuple[type, object], int] = {}
    codes = np.empty(len(values), dtype=np.intp)
    for position, value in enumerate(values):
        try:
            key = type(value), value  # True == 1 == 1.0, but not here
            codes[position] = places.setdefault(key, len(places))
        except TypeError:
            codes[position] = places.setdefault((object, NOT_A_STATE), len(places))
    return codes, tuple(key[1] for key in places)


def _of_arrow(column: Any, keep_numbers: bool) -> Distinct:
    """Use the dictionary arrow has, or makes."""
    if isinstance(column, pa.ChunkedArray) or pa.types.is_run_end_encoded(column.type):
        column = _one_array(column)
    kind = column.type
    if pa.types.is_dictionary(kind) and not is_text(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if not pa.types.is_dictionary(kind):
        is_words = is_text(kind)
        if not keep_numbers and not is_words and (plain := _plain_numbers(column)) is not None:
            return _of_numbers(plain)
        if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
            column = column.cast("float64", safe=False)
        elif pa.types.is_string_view(kind):
            column = column.cast(pa.large_string())
        elif pa.types.is_null(kind):
            return Distinct(np.full(len(column), -1), ())
        elif not (is_words or pa.types.is_boolean(kind) or pa.types.is_primitive(kind)):
            return Distinct(np.where(_to_numpy(column.is_null()), -1, 0), (NOT_A_STATE,))
        column = column.dictionary_encode()
    codes = column.indices.cast(pa.int32())  # indices may be unsigned
    return Distinct(np.asarray(codes.fill_null(-1)), tuple(column.dictionary.to_pylist()))


def _one_array(column: Any) -> Any:
    """Return an arrow column in one piece, with one dictionary at most."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    if pa.types.is_run_end_encoded(column.type):
        chunks = [pc.run_end_decode(chunk) for chunk in chunks]
    if len(chunks) == 1:
        return chunks[0]
    kind = chunks[0].type if chunks else column.type
    joined = pa.chunked_array(chunks, kind)
    return (joined.unify_dictionaries() if pa.types.is_dictionary(kind) else joined).combine_chunks()
