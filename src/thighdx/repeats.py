"""Rows that say the same are inferred once: most rows of a short questionnaire have been seen before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from thighdx.frames import EncodedTable
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, take_cases

__all__ = ["DistinctRows", "find_distinct"]

FEWEST_ROWS = 64  # below, looking costs more than it can save
SAMPLE = 1_024  # rows looked at before all are
MOST_DISTINCT = 0.8  # share of distinct rows above which repeats are not worth their bookkeeping
_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class DistinctRows:
    """The distinct rows of a table and where each row is among them.

    Attributes
    ----------
    encoded : EncodedTable
        Every kind of row once, or all rows as they were.
    inverse : (n_rows,) intp, optional
        Position of every row in `encoded`; None where that is all rows in order.
    """

    encoded: EncodedTable
    inverse: npt.NDArray[np.intp] | None = None


def find_distinct(encoded: EncodedTable) -> DistinctRows:
    """Return the distinct rows of a table, where they are few enough to pay.

    Rows are the same if all their states, given causes, settings and statuses are; tables with virtual
    evidence are left as they are.

    Notes
    -----
    Rows are matched by a hash of the columns that know anything, and then compared cell by cell: a
    collision of hashes costs the saving and nothing else.
    """
    batch = encoded.batch
    if batch.n_cases < FEWEST_ROWS or batch.likelihoods or batch.cause_likelihoods:
        return DistinctRows(encoded)
    n_sampled = min(SAMPLE, batch.n_cases)
    sampled = np.unique(_hashes(encoded, slice(0, n_sampled)))
    if len(sampled) > MOST_DISTINCT * n_sampled:
        return DistinctRows(encoded)
    _, first, inverse = np.unique(
        _hashes(encoded, slice(None)), return_index=True, return_inverse=True
    )  # (n_distinct,), (n_rows,)
    if len(first) > MOST_DISTINCT * batch.n_cases or not _are_same(encoded, first[inverse]):
        return DistinctRows(encoded)
    return DistinctRows(
        replace(encoded, batch=take_cases(batch, first), status=encoded.status[first]), inverse
    )


def _parts(batch: EvidenceBatch) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return what a row says, case by case."""
    return batch.codes, batch.given


def _hashes(encoded: EncodedTable, rows: slice) -> npt.NDArray[np.uint64]:
    """Return a number per row that is the same for rows that are the same, as (n_rows,)."""
    rng = np.random.default_rng(_SEED)
    batch = encoded.batch
    total = np.zeros(len(batch.codes[rows]), dtype=np.uint64)
    factors = _factors(rng, 2)
    total += batch.setting_idx[rows].astype(np.uint64) * factors[0]
    total += encoded.status[rows].astype(np.uint64) * factors[1]
    for part in _parts(batch):
        weights = _factors(rng, part.shape[1])
        for position in np.flatnonzero((part[rows] != UNKNOWN).any(axis=0)):
            # unknown is -1: one more makes it 0, so that it adds nothing
            total += (part[rows, position] + np.int8(1)).astype(np.uint64) * weights[position]
    return total


def _factors(rng: np.random.Generator, n: int) -> npt.NDArray[np.uint64]:
    """Draw what columns are multiplied by."""
    return rng.integers(1, 2**63, size=(n,)).astype(np.uint64)


def _are_same(encoded: EncodedTable, others: npt.NDArray[np.intp]) -> bool:
    """Whether every row says what its representative says."""
    batch = encoded.batch
    return (
        np.array_equal(batch.setting_idx, batch.setting_idx[others])
        and np.array_equal(encoded.status, encoded.status[others])
        and all(np.array_equal(part, part[others]) for part in _parts(batch))
    )
