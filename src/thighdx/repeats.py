"""Rows that say the same are inferred once: most rows of a short questionnaire have been seen before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import EvidenceBatch

__all__ = ["DistinctRows", "find_distinct"]

FEWEST_ROWS = 64  # below, looking costs more than it can save
SAMPLE = 512  # rows looked at before all are
MOST_DISTINCT = 0.8  # share of distinct rows above which repeats are not worth their bookkeeping


class DistinctRows(NamedTuple):
    """Where each kind of row is first, ascending, and which of these every row is."""

    first: npt.NDArray[np.intp]
    inverse: npt.NDArray[np.intp]


def find_distinct(batch: EvidenceBatch) -> DistinctRows | None:
    """Return the distinct rows of a batch, where they are few enough to pay; None where they are not.

    Rows are the same if all their states, given causes and settings are; a batch with virtual evidence is left as
    it is.
    """
    if batch.n_cases < FEWEST_ROWS or batch.likelihoods or batch.cause_likelihoods:
        return None
    if len(np.unique(_rows(batch, SAMPLE))) > MOST_DISTINCT * min(SAMPLE, batch.n_cases):
        return None
    _, first, inverse = np.unique(_rows(batch, batch.n_cases), return_index=True, return_inverse=True)
    if len(first) > MOST_DISTINCT * batch.n_cases:
        return None
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return DistinctRows(first[order], place[inverse])


def _rows(batch: EvidenceBatch, n_rows: int) -> npt.NDArray[np.void]:
    """Return what the first rows say, each as one string of bytes."""
    parts = [batch.codes[:n_rows], batch.given[:n_rows], batch.setting_idx[:n_rows, None].astype(np.int8)]
    together = np.concatenate(parts, axis=1)
    return together.view(np.dtype((np.void, together.shape[1])))[:, 0]
