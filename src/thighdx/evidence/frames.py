"""Tables of patients (pandas, polars, pyarrow): what is one, its parts, and its columns beside scored ones.

Columns of a table
------------------
- A variable id: the same values as for a single case (``True``, ``"yes"``, 1, the name of a state);
  null, NaN and an empty cell mean unknown.
- ``age``: years, as numbers or as text that is a number, turned into ``age_band``; below the first
  band counts as the first.
- ``setting``: where the patient was seen; unknown means the argument.
- ``<variable>:<state>``, one column per state: virtual evidence, numbers >= 0. A row in which all
  are unknown says nothing.
- ``given_<cause>``: conditions on a cause.
- Everything else is passed through and never read, ``true_<cause>`` of simulated tables included.

In these names capitals do not count, nor do spaces, hyphens, underscores and dots.

A row that cannot be read has a status that says why (see `thighdx.evidence.table_rows`) and never sinks the
others.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError
from thighdx.evidence.columns import ColumnPlan, plan_columns
from thighdx.evidence.table_rows import EncodedRows, encode_rows
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.network.spec import Floats

__all__ = ["Frame", "ScoredColumns", "encode_table", "open_table"]

LAZY = "; call score(table.collect()), or write it to a file and call thighdx.score_files, which takes any length"
Kind = Literal["pandas", "polars", "pyarrow"]
FILES = "; for files there is thighdx.score_files"
KINDS: tuple[tuple[Kind, str], ...] = (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))
Words = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class ScoredColumns:
    """What scoring adds to a table, column by column: the status, then numbers, then other words.

    Attributes
    ----------
    status : (n_rows,) str
    names : sequence of str
        Of the numbers.
    numbers : (len(names), n_rows) float64
    words : mapping of str to (n_rows,) str or None
        What comes last; numbers too.
    """

    status: Words
    names: Sequence[str]
    numbers: Floats
    words: Mapping[str, Words | Floats]

    def items(self) -> list[tuple[str, Words | Floats]]:
        """Return every column by name, in order."""
        return [("status", self.status), *zip(self.names, self.numbers, strict=True), *self.words.items()]


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of any kind behind one interface; it is never changed."""

    native: Any
    kind: Kind
    names: list[Hashable]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.native)

    @property
    def kinds(self) -> dict[Hashable, str]:
        """Every column, in order, to its type in words."""
        kinds = self.native.schema.types if self.kind == "pyarrow" else self.native.dtypes
        return {name: str(kind) for name, kind in zip(self.names, kinds, strict=True)}

    def part(self, start: int, stop: int) -> Any:
        """Return some rows, as the table has them; `[name]` of it is a column."""
        if self.kind == "pandas":
            return self.native.iloc[start:stop]
        return self.native.slice(start, stop - start)

    def with_columns(self, kept: Sequence[Hashable], added: ScoredColumns) -> Any:
        """Return a table of the same kind, with the same rows and pandas index."""
        write = {"pandas": _in_pandas, "polars": _in_polars, "pyarrow": _in_arrow}[self.kind]
        return write(self.native, list(kept), added)


def _in_pandas(native: Any, kept: list[Any], added: ScoredColumns) -> Any:
    """Put columns side by side; numbers stay where they are in memory."""
    index = native.index
    status, *last = (
        pd.Series(values, index=index, name=name, dtype="str" if values.dtype == object else None)
        for name, values in (("status", added.status), *added.words.items())
    )
    numbers = pd.DataFrame(added.numbers.T, index=index, columns=list(added.names), copy=False)
    result = pd.concat([native[kept], status, numbers, *last], axis=1)
    result.attrs = dict(native.attrs)
    return result


def _in_polars(native: Any, kept: list[Any], added: ScoredColumns) -> Any:
    import polars as pl

    columns = [native[name] for name in kept]
    for name, values in added.items():
        columns.append(pl.Series(name, values, dtype=pl.String if values.dtype == object else pl.Float64))
    return pl.DataFrame(columns)


def _in_arrow(native: Any, kept: list[Any], added: ScoredColumns) -> Any:
    items = added.items()
    arrays = [pa.array(v, pa.string() if v.dtype == object else pa.float64()) for _, v in items]
    fields = [native.schema.field(name) for name in kept]
    fields += [pa.field(name, array.type) for (name, _), array in zip(items, arrays, strict=True)]
    schema = pa.schema(fields, metadata=native.schema.metadata)
    return pa.Table.from_arrays([*(native[name] for name in kept), *arrays], schema=schema)


def open_table(table: Any) -> Frame:
    """Put a pandas, polars or pyarrow table behind one interface.

    What else gives a stream of Arrow batches (a DuckDB relation, a reader, a record batch) becomes a pyarrow table.

    Raises
    ------
    TableError
        If it is anything else, a LazyFrame included, or has two columns of one name.
    """
    kinds = (kind for kind, name in KINDS if isinstance(table, getattr(sys.modules.get(kind), name, ())))
    kind = next(kinds, None)
    if kind is None:
        table, kind = _from_stream(table), "pyarrow"
    names = list(table.column_names if kind == "pyarrow" else table.columns)
    if any(isinstance(name, tuple) for name in names):
        raise TableError("table: got columns with several levels, expected one name per column")
    if len(set(names)) < len(names):
        ((name, count),) = Counter(names).most_common(1)
        raise TableError(f"table: column names must differ: {name!r} {count} times")
    return Frame(table, kind, names)


def _from_stream(stream: Any) -> Any:
    """Collect a stream of Arrow batches, or say that it is no table."""
    got = f"{type(stream).__module__.partition('.')[0]} {type(stream).__name__}"
    hint = LAZY if hasattr(stream, "collect") else FILES if isinstance(stream, str | Path) else ""
    if (hasattr(stream, "__arrow_c_stream__") or hasattr(stream, "__arrow_c_array__")) and not hint:
        try:
            return pa.table(stream)
        except (TypeError, ValueError, pa.ArrowException):  # a column alone
            pass
    raise TableError(f"table: got {got}, expected a pandas or polars DataFrame or a pyarrow Table{hint}")


def encode_table(
    vocabulary: Vocabulary,
    table: object,
    *,
    setting: str,
    columns: Mapping[Hashable, str] | None = None,
    reserved: Sequence[str] = (),
) -> tuple[EncodedRows, ColumnPlan]:
    """Read a table of patients at once.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        One row per patient; see the module for what columns mean.
    setting : str
        Setting of the rows that do not name their own.
    columns : mapping of str to str, optional
        Column of the table to what it is read as; see `plan_columns`.
    reserved : sequence of str
        Names that no column passed through may have.

    Raises
    ------
    TableError
        If the table as a whole cannot be read; a bad row only gets a status.
    EvidenceError
        If there is no such setting.

    Examples
    --------
    >>> import pandas as pd
    >>> from thighdx.evidence.table_rows import STATUSES
    >>> from thighdx.evidence.vocabulary import make_vocabulary
    >>> from thighdx.kb.records import Variable
    >>> bruising = Variable("bruising", "finding", "Bruising", ("absent", "present"))
    >>> vocabulary = make_vocabulary((bruising,), ("primary_care",))
    >>> table = pd.DataFrame({"patient": [7, 8, 9], "bruising": ["yes", None, "blue"]})
    >>> encoded, plan = encode_table(vocabulary, table, setting="primary_care")
    >>> encoded.batch.codes.tolist()
    [[1], [-1], [-1]]
    >>> [STATUSES[code] for code in encoded.status], plan.passthrough
    (['ok', 'ok', 'no_such_state'], ('patient',))
    """
    frame = open_table(table)
    setting_idx = vocabulary.setting_code(setting)
    plan = plan_columns(vocabulary, frame.names, columns=columns, reserved=reserved, setting_idx=setting_idx)
    return encode_rows(plan, frame.native, len(frame)), plan
