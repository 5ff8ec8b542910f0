"""A table of patients with what is known of their causes, as one batch of codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from thighdx.errors import TableError, nearest_hint
from thighdx.evaluation.labels import TRUE_CAUSE
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.evidence.columns import TRUTH_PREFIX, ColumnPlan
from thighdx.evidence.distinct import distinct_values
from thighdx.evidence.frames import encode_table, open_table
from thighdx.evidence.table_rows import STATUSES, encode_rows
from thighdx.evidence.vocabulary import GIVEN_PREFIX, Vocabulary, is_missing

__all__ = ["AND_MORE", "Records", "read_records"]

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

AND_MORE = "+"  # as a cause of its own: these causes, and perhaps more


@dataclass(frozen=True, slots=True)
class Records:
    """Rows that can be learned from.

    Attributes
    ----------
    batch : EvidenceBatch
        Its `given` holds what is known of the truth.
    group : (n_rows,) uint64
        Rows of one patient have the same; without a column of patients every row its own.
    left_out : mapping of str to int
        Rows that cannot be used, by reason: the statuses of `Model.score`, ``unknown_cause`` and ``no_cause``
        (every cause is absent).
    """

    batch: EvidenceBatch
    group: npt.NDArray[np.uint64]
    left_out: Mapping[str, int]

    def take(self, rows: npt.NDArray[np.intp]) -> Records:
        """Return chosen rows (ascending); what was left out stays behind."""
        return Records(take_cases(self.batch, rows), self.group[rows], {})

    @property
    def is_complete(self) -> Bools:
        """Where the truth is known of every cause, (n_rows,)."""
        return np.asarray((self.batch.given != UNKNOWN).all(axis=1))

    @property
    def is_labelled(self) -> Bools:
        """Where anything is known of the truth, (n_rows,)."""
        return np.asarray((self.batch.given != UNKNOWN).any(axis=1))


def read_records(
    vocabulary: Vocabulary,
    table: object,
    *,
    truth: Any,
    setting: str,
    patient: str | None = None,
    first_row: int = 0,
) -> Records:
    """Read a table of patients and their causes.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Findings as for `Model.score`. The truth is in boolean columns ``true_<cause>``, null where it is not
        known, or in a text column ``true_cause`` of ids joined by ``;``: ``a;b`` are all the causes there are,
        ``a;+`` is at least these, an empty cell is not known. Of a cause without a column of its own it is known
        to be absent in every row that has a truth at all.
    truth : str, frame or sequence of str, optional
        The name of the text column if it is another, or the labels if they are not in the table.
    setting : str
        Of rows that do not name their own.
    patient : str, optional
        A column that says which rows are of one patient.
    first_row : int
        Rows of the whole table before this part.

    Raises
    ------
    TableError
        If there is no truth, or a column cannot be read at all.
    """
    encoded, _ = encode_table(vocabulary, table, setting=setting)
    if (encoded.batch.given != UNKNOWN).any():
        raise TableError(
            f"records: call what is known of the truth {TRUTH_PREFIX}<cause>, not {GIVEN_PREFIX}<cause>"
        )
    n_rows = encoded.batch.n_cases
    labels = table if truth is None or isinstance(truth, str) else truth
    given, status = _read_truth(vocabulary, labels, truth if isinstance(truth, str) else None, n_rows)
    status = np.where(encoded.status != 0, encoded.status, status)
    has_none = (given == 0).all(axis=1) & (status == 0)
    reasons = [*STATUSES, "unknown_cause", "no_cause"]
    status = np.where(has_none, reasons.index("no_cause"), status)
    counts = np.bincount(status, minlength=len(reasons)).tolist()
    kept = np.flatnonzero(status == 0)
    batch = take_cases(encoded.batch, kept)
    batch = EvidenceBatch(batch.codes, given[kept], batch.setting_idx, batch.likelihoods)
    left_out = {reason: n for reason, n in zip(reasons, counts, strict=True) if n and reason != "ok"}
    group = np.arange(first_row, first_row + n_rows, dtype=np.uint64)
    if patient is not None:
        group = _patients(table, patient)
    return Records(batch, group[kept], left_out)


def _patients(table: object, name: str) -> npt.NDArray[np.uint64]:
    """Return a number per patient that is the same in every part of a table."""
    frame = open_table(table)
    if name not in frame.names:
        hint = nearest_hint(name, [column for column in frame.names if isinstance(column, str)])
        raise TableError(f"patient: the table has no column {name!r}; {hint}".removesuffix("; "))
    found = distinct_values(frame.native[name], keep_numbers=True)
    digests = [sha256(str(value).encode()).digest() for value in (*found.values, None)]
    numbers = np.array([int.from_bytes(digest[:8], "little") for digest in digests], dtype=np.uint64)
    return np.asarray(numbers[found.codes])


def _read_truth(
    vocabulary: Vocabulary, labels: Any, name: str | None, n_rows: int
) -> tuple[Codes, npt.NDArray[np.integer]]:
    """Return what is known of every cause in every row, (n_rows, n_causes), and a status per row."""
    if isinstance(labels, Sequence):
        labels = pd.DataFrame({TRUE_CAUSE: list(labels)}, dtype=object)
    frame = open_table(labels)
    if len(frame) != n_rows:
        raise TableError(f"truth: got {len(frame)} labels, expected {n_rows}, one per row")
    columns = [column for column in frame.names if isinstance(column, str)]
    listed = [c for c in columns if c.startswith(TRUTH_PREFIX) and c != TRUE_CAUSE]
    text = name or TRUE_CAUSE
    if text in columns and not (listed and name is None):
        return _from_text(vocabulary, frame.native[text])
    if name is not None:
        raise TableError(
            f"truth: the table has no column {name!r}; {nearest_hint(name, columns)}".removesuffix("; ")
        )
    if text in columns:
        raise TableError(f"records: got {TRUE_CAUSE} and {listed[0]}, expected one kind of truth; see truth=")
    for column in listed:
        cause = column.removeprefix(TRUTH_PREFIX)
        if cause not in vocabulary.cause_index:
            hint = nearest_hint(cause, vocabulary.cause_index) or "see model.causes"
            raise TableError(f"column {column!r}: {cause!r} is no cause of this model; {hint}")
    if not listed:
        raise TableError(
            f"records: nothing says what the causes were; give columns {TRUTH_PREFIX}<cause>, a column "
            f"{TRUE_CAUSE} of ids joined by ';', or truth="
        )
    given = {vocabulary.cause_index[column.removeprefix(TRUTH_PREFIX)]: column for column in listed}
    read = encode_rows(ColumnPlan(vocabulary, given=given), frame.native, n_rows)
    known = read.batch.given.copy()
    others = np.setdiff1d(np.arange(len(vocabulary.causes)), list(given))
    known[:, others] = np.where((known != UNKNOWN).any(axis=1), 0, UNKNOWN)[:, None]
    return known, read.status


def _from_text(vocabulary: Vocabulary, column: Any) -> tuple[Codes, npt.NDArray[np.integer]]:
    """Read ids joined by ``;``."""
    found = distinct_values(column)
    read = [_read_label(vocabulary, value) for value in found.values]
    nothing = np.full(len(vocabulary.causes), UNKNOWN, dtype=np.int8)
    table = np.array([nothing if row is None else row for row in read] + [nothing])
    is_wrong = np.array([row is None for row in read] + [False])
    return table[found.codes], np.where(is_wrong[found.codes], len(STATUSES), 0)


def _read_label(vocabulary: Vocabulary, value: object) -> Codes | None:
    """Return what one label says of every cause; None where it names something else."""
    given = np.full(len(vocabulary.causes), UNKNOWN, dtype=np.int8)
    if is_missing(value):
        return given
    names = [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else [""]
    if AND_MORE not in names:
        given[:] = 0
    for name in names:
        if name != AND_MORE:
            if name not in vocabulary.cause_index:
                return None
            given[vocabulary.cause_index[name]] = 1
    return given
