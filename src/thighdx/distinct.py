"""One column of any table as its distinct values: a word is read once, not once per row."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from thighdx.inference.vocabulary import MISSING_TYPES, is_missing
from thighdx.network.spec import Floats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NOT_A_STATE", "Column", "Distinct", "Numbers", "as_number", "distinct_values", "read_numbers"]

Column: TypeAlias = "nw.Series[Any]"

# Stands for every value of a kind that names no state: the number 2, a date, a list.
NOT_A_STATE = object()
# Kinds of object columns (pandas.api.types.infer_dtype) in which equal values are the same value.
# In the others True == 1 == 1.0, or a cell may not be hashable at all.
_PLAIN_KINDS = frozenset({"string", "boolean", "integer", "floating", "mixed-integer-float", "empty"})


@dataclass(frozen=True, slots=True)
class Distinct:
    """A column by its distinct values.

    Attributes
    ----------
    codes : (n_rows,) integer
        Position among `values`; -1 for null.
    values : tuple
        Need not all occur, and may hold words that mean unknown.
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


def distinct_values(column: Column) -> Distinct:
    """Return the distinct values of a column, whatever kind of table it is from.

    Numbers come back as 0, 1 or `NOT_A_STATE`, as no other number names a state.

    Notes
    -----
    Works on whole columns; the cost per distinct value is some microseconds more.

    Examples
    --------
    >>> import narwhals.stable.v2 as nw, pandas as pd
    >>> column = nw.from_native(pd.Series(["yes", None, "no", "yes"]), series_only=True)
    >>> found = distinct_values(column)
    >>> found.codes.tolist(), found.values
    ([0, -1, 1, 0], ('yes', 'no'))
    """
    kind = column.dtype
    if kind == nw.Boolean:
        return _of_numbers(_floats(column), (False, True))
    if kind.is_numeric():
        return _of_numbers(_floats(column), (0, 1, NOT_A_STATE))
    if column.implementation.is_pandas():
        return _of_pandas(column.to_native())
    if kind == nw.Object:
        return _of_objects(column.to_numpy())
    if isinstance(kind, nw.String | nw.Categorical | nw.Enum):
        return _of_arrow(column)
    return Distinct(np.where(column.is_null().to_numpy(), -1, 0), (NOT_A_STATE,))


def read_numbers(column: Column, *, allow_text: bool = False) -> Numbers:
    """Read a column of numbers; booleans are none, and text only where allowed.

    Examples
    --------
    >>> import narwhals.stable.v2 as nw, polars as pl
    >>> column = nw.from_native(pl.Series(["34", "?", None]), series_only=True)
    >>> read_numbers(column, allow_text=True)
    Numbers(values=array([34., nan, nan]), is_wrong=array([False,  True, False]))
    """
    if column.dtype.is_numeric():
        values = _floats(column)
        return Numbers(values, np.zeros(len(values), dtype=bool))
    found = distinct_values(column)
    read = [as_number(value, allow_text=allow_text) for value in found.values]
    values = np.array([np.nan if number is None else number for number in read] + [np.nan])
    is_wrong = np.array([number is None for number in read] + [False])
    return Numbers(values[found.codes], is_wrong[found.codes])


def as_number(value: object, *, allow_text: bool = False) -> float | None:
    """Return one value as a number, NaN for unknown, None where it is no number.

    Examples
    --------
    >>> as_number("34", allow_text=True), as_number("34"), as_number(None), as_number(True)
    (34.0, None, nan, None)
    """
    readable = (numbers.Real, Decimal, str) if allow_text else (numbers.Real, Decimal)
    if is_missing(value):
        return np.nan
    if isinstance(value, bool | np.bool_) or not isinstance(value, readable):
        return None
    if isinstance(value, str) and "_" in value:  # only Python takes 1_0 for 10
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:  # a whole number beyond the range of doubles
        return np.inf


def _floats(column: Column) -> Floats:
    """Return a numeric or boolean column as (n_rows,) float64, NaN for null."""
    native = column.to_native()
    if column.implementation.is_pandas():
        return np.asarray(native.to_numpy(dtype=np.float64, na_value=np.nan))
    if column.implementation.is_pyarrow():  # a safe cast refuses whole numbers above 2^53
        return np.asarray(native.cast("float64", safe=False).to_numpy())
    return np.asarray(column.cast(nw.Float64).to_numpy())


def _of_numbers(values: Floats, named: tuple[object, ...]) -> Distinct:
    """Give 0 and 1 their places and everything else the last."""
    codes = np.full(len(values), len(named) - 1, dtype=np.int8)
    codes[values == 0] = 0
    codes[values == 1] = 1
    codes[np.isnan(values)] = -1
    return Distinct(codes, named)


def _of_pandas(native: pd.Series[Any]) -> Distinct:
    """Use the codes pandas has, or makes."""
    import pandas as pd

    if isinstance(native.dtype, pd.CategoricalDtype):
        return Distinct(native.cat.codes.to_numpy(), tuple(native.cat.categories.tolist()))
    if native.dtype == object:
        return _of_objects(native.to_numpy())
    codes, values = pd.factorize(native)
    return Distinct(codes, tuple(values.tolist()))


def _of_objects(cells: npt.NDArray[np.object_]) -> Distinct:
    """Tell values of different types apart where they mix: True == 1 == 1.0, but not here."""
    import pandas as pd

    if pd.api.types.infer_dtype(cells, skipna=True) in _PLAIN_KINDS:
        codes, values = pd.factorize(cells)
        return Distinct(codes, tuple(values.tolist()))
    types: npt.NDArray[np.object_] = np.asarray(np.frompyfunc(type, 1, 1)(cells), dtype=object)
    type_codes, found_types = pd.factorize(types)
    is_odd = np.array([not _may_be_a_state(kind) for kind in found_types], dtype=bool)[type_codes]
    cells = cells.copy()
    cells[is_odd] = NOT_A_STATE
    value_codes, _ = pd.factorize(cells)
    pair_codes, pairs = pd.factorize(value_codes * len(found_types) + type_codes)
    first = np.zeros(len(pairs), dtype=np.intp)
    first[pair_codes[::-1]] = np.arange(len(cells))[::-1]  # where a pair is seen for the first time
    return Distinct(np.where(value_codes < 0, -1, pair_codes), tuple(cells[first].tolist()))


def _may_be_a_state(kind: type) -> bool:
    """Whether values of a type can be read or mean unknown; others may not even be hashable."""
    readable = (str, numbers.Real, np.generic, Decimal, type(None))
    return issubclass(kind, readable) or kind.__name__ in MISSING_TYPES


def _of_arrow(column: Column) -> Distinct:
    """Use the dictionary arrow has, or makes; polars hands its columns over without copying."""
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    native = column.to_native()
    if column.implementation.is_polars():
        native = pa.chunked_array([native.to_arrow()])
    if not pa.types.is_dictionary(native.type):
        native = native.cast(pa.large_string()).dictionary_encode()
    joined = native.unify_dictionaries().combine_chunks()
    codes = joined.indices.cast(pa.int64()).fill_null(-1)  # indices may be unsigned
    return Distinct(codes.to_numpy(zero_copy_only=False), tuple(joined.dictionary.to_pylist()))
