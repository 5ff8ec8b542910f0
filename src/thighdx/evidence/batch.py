"""Evidence about many cases as small integers: what the engines read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.network.spec import Floats

__all__ = ["UNKNOWN", "DistinctRows", "EvidenceBatch", "Likelihood", "find_distinct", "take_cases"]

UNKNOWN = -1
FEWEST_ROWS = 64  # below, looking costs more than it can save
SAMPLE = 512  # rows looked at before all are
MOST_DISTINCT = 0.8  # share of distinct rows above which repeats are not worth their bookkeeping


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Virtual evidence on one variable in some cases.

    Attributes
    ----------
    variable_idx : int
        Position among `Network.variable_ids`.
    case_idx : (n_rows,) intp
        Ascending; the variable is unknown in `codes` there.
    weights : (n_rows, n_states) float64
        P(observation | state) up to a factor; finite, >= 0, not all 0 in a row.
    """

    variable_idx: int
    case_idx: npt.NDArray[np.intp]
    weights: Floats


@dataclass(frozen=True, slots=True)
class EvidenceBatch:
    """What is known about `n_cases` cases; one case is a batch of one.

    Attributes
    ----------
    codes : (n_cases, n_variables) int8
        State index, `UNKNOWN` (-1) where not known.
    given : (n_cases, n_causes) int8
        1 present, 0 absent, `UNKNOWN` where the cause is not given as evidence.
    setting_idx : (n_cases,) intp
    likelihoods : tuple of Likelihood
        At most one per variable.
    cause_likelihoods : tuple of Likelihood
        The same on causes: `variable_idx` is the position of the cause, the states are absent and present.
    """

    codes: npt.NDArray[np.int8]
    given: npt.NDArray[np.int8]
    setting_idx: npt.NDArray[np.intp]
    likelihoods: tuple[Likelihood, ...] = ()
    cause_likelihoods: tuple[Likelihood, ...] = ()

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.codes)

    def is_empty(self) -> npt.NDArray[np.bool_]:
        """Say which cases nothing is known about, as (n_cases,) bool: their log evidence is exactly 0."""
        is_empty = (self.codes == UNKNOWN).all(axis=1) & (self.given == UNKNOWN).all(axis=1)
        for item in (*self.likelihoods, *self.cause_likelihoods):
            is_empty[item.case_idx] = False
        return np.asarray(is_empty)


def take_cases(batch: EvidenceBatch, case_idx: npt.NDArray[np.intp]) -> EvidenceBatch:
    """Return the chosen cases, in the order given (ascending, each at most once)."""
    return EvidenceBatch(
        batch.codes[case_idx],
        batch.given[case_idx],
        batch.setting_idx[case_idx],
        _take(batch.likelihoods, case_idx),
        _take(batch.cause_likelihoods, case_idx),
    )


def _take(likelihoods: tuple[Likelihood, ...], case_idx: npt.NDArray[np.intp]) -> tuple[Likelihood, ...]:
    """Keep and renumber the rows of the chosen cases."""
    taken = []
    for item in likelihoods:
        if len(item.case_idx) == 0:
            continue
        # a search per chosen case: taking all cases chunk by chunk stays linear in their number
        place = np.minimum(np.searchsorted(item.case_idx, case_idx), len(item.case_idx) - 1)
        is_kept = item.case_idx[place] == case_idx
        if is_kept.any():
            weights = item.weights[place[is_kept]]
            taken.append(Likelihood(item.variable_idx, np.flatnonzero(is_kept), weights))
    return tuple(taken)


class DistinctRows(NamedTuple):
    """Where each kind of row is first, ascending, and which of these every row is."""

    first: npt.NDArray[np.intp]
    inverse: npt.NDArray[np.intp]


def find_distinct(batch: EvidenceBatch) -> DistinctRows | None:
    """Return the distinct rows of a batch, where they are few enough to pay; None where they are not.

    Rows are the same if all their states, given causes and settings are; a batch with virtual evidence is left as
    it is.
    """
    n_cases = len(batch.codes)
    if n_cases < FEWEST_ROWS or batch.likelihoods or batch.cause_likelihoods:
        return None
    if len(np.unique(_rows(batch, SAMPLE))) > MOST_DISTINCT * min(SAMPLE, n_cases):
        return None
    _, first, inverse = np.unique(_rows(batch, n_cases), return_index=True, return_inverse=True)
    if len(first) > MOST_DISTINCT * n_cases:
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
