"""Evidence about many cases as small integers: what the engines read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.network.spec import Floats

__all__ = ["UNKNOWN", "EvidenceBatch", "Likelihood", "take_cases"]

UNKNOWN = -1


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
