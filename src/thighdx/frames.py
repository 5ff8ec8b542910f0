"""From a frame of patients (pandas, polars, pyarrow) to an `EvidenceBatch`, with no loop over rows.

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

A row that cannot be read has a status that says why (see `thighdx.draft`) and never sinks the
others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
from narwhals.exceptions import DuplicateError

from thighdx.columns import plan_columns
from thighdx.distinct import Column
from thighdx.draft import Draft
from thighdx.errors import TableError
from thighdx.inference.batch import EvidenceBatch
from thighdx.inference.vocabulary import Vocabulary

__all__ = ["EncodedTable", "Frame", "encode_table", "open_table"]

Frame: TypeAlias = "nw.DataFrame[Any]"


@dataclass(frozen=True, slots=True)
class EncodedTable:
    """A table of patients as an inference engine reads it.

    Attributes
    ----------
    batch : EvidenceBatch
        One case per row, in the order of the table; faulty cells are unknown.
    status : (n_rows,) int8
        Position in `STATUSES`; 0 where the row can be scored.
    passthrough : tuple of columns
        Columns that are not evidence, in the order of the table.
    n_underage : int
        Rows with an age below the first age band.
    near_misses : tuple of str
        Warnings about columns passed through whose names look like evidence.
    """

    batch: EvidenceBatch
    status: npt.NDArray[np.int8]
    passthrough: tuple[Hashable, ...]
    n_underage: int
    near_misses: tuple[str, ...]


def open_table(table: object) -> Frame:
    """Put a pandas, polars or pyarrow table behind one interface; it is never changed.

    Raises
    ------
    TableError
        If it is anything else, a LazyFrame included, or has two columns of one name.
    """
    expected = "expected a pandas or polars DataFrame or a pyarrow Table"
    got = f"{type(table).__module__.partition('.')[0]} {type(table).__name__}"
    try:
        frame: Frame = nw.from_native(table, eager_only=True)
        names = list(frame.columns)
    except DuplicateError as error:
        raise TableError(f"table: column names must differ: {' '.join(str(error).split())}") from None
    except TypeError:
        hint = "; collect it first" if hasattr(table, "collect") else ""
        raise TableError(f"table: got {got}, {expected}{hint}") from None
    backend = frame.implementation
    if not (backend.is_pandas() or backend.is_polars() or backend.is_pyarrow()):
        raise TableError(f"table: got {got}, {expected}")
    if any(isinstance(name, tuple) for name in names):
        raise TableError("table: got columns with several levels, expected one name per column")
    return frame


def encode_table(
    vocabulary: Vocabulary,
    table: object,
    *,
    setting: str,
    columns: Mapping[str, str] | None = None,
    reserved: Sequence[str] = (),
) -> EncodedTable:
    """Read a table of patients.

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
    >>> from thighdx.draft import STATUSES
    >>> from thighdx.inference.vocabulary import make_vocabulary
    >>> from thighdx.kb.records import Variable
    >>> bruising = Variable("bruising", "finding", "Bruising", ("absent", "present"))
    >>> vocabulary = make_vocabulary((bruising,), ("primary_care",))
    >>> table = pd.DataFrame({"patient": [7, 8, 9], "bruising": ["yes", None, "blue"]})
    >>> encoded = encode_table(vocabulary, table, setting="primary_care")
    >>> encoded.batch.codes.tolist()
    [[1], [-1], [-1]]
    >>> [STATUSES[code] for code in encoded.status], encoded.passthrough
    (['ok', 'ok', 'unknown_state'], ('patient',))
    """
    frame = open_table(table)
    plan = plan_columns(vocabulary, frame.columns, columns=columns, reserved=reserved)
    draft = Draft.empty(vocabulary, len(frame), vocabulary.setting_code(setting))
    for index, name in plan.variables.items():
        draft.codes[index] = draft.read_states(_column(frame, name), vocabulary.variables[index])
    for index, name in plan.given.items():
        draft.given[index] = draft.read_states(_column(frame, name), vocabulary.causes[index])
    if plan.setting is not None:
        draft.read_settings(_column(frame, plan.setting), vocabulary)
    for index, names in plan.virtual.items():
        draft.read_likelihoods(index, [_column(frame, name) for name in names])
    n_underage = draft.read_age(_column(frame, plan.age), vocabulary) if plan.age is not None else 0
    return EncodedTable(draft.batch(), draft.status, plan.passthrough, n_underage, plan.near_misses)


def _column(frame: Frame, name: Hashable) -> Column:
    """Return one column; narwhals types names as text, but pandas has others too."""
    return frame.get_column(name)  # type: ignore[arg-type]  # see above
