"""What counts of one finding say about its links and backgrounds.

With B_t = P(X < t | H) of the noisy-OR or noisy-MAX (`thighdx.network.gates`) a state has probability
B_{s+1} - B_s. The likelihood of counts is differentiated exactly: a finding seen with several causes present is
credited to each of them and to the background by its probability, as in the EM algorithm for noisy-OR [1]_, but
in one step and also for causes that suppress the background.

.. [1] Vomlel J. Noisy-or classifier. Int J Intell Syst 2006;21:381-98.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from thighdx.learning.unit import Evaluation
from thighdx.network.spec import Floats

__all__ = ["FindingUnit", "finding_unit"]


@dataclass(frozen=True, slots=True, eq=False)
class FindingUnit:
    """Links and backgrounds of one finding, and the counts that bear on them.

    Sets of causes that the finding cannot tell apart are one class.

    Attributes
    ----------
    judgement_idx : (k,) intp
        Of the links and backgrounds that can move.
    place : (k, 2) intp
        Row and column of each in the rows of causes, the background below them: (n_linked + 1, n_states - 1).
    rows : (n_linked + 1, n_states - 1) float64
        Log odds of all rows, those that cannot move included; NaN where there is none.
    members : (n_classes, n_linked) float64
        0/1.
    class_idx : (n_sets,) intp
    counts : (n_states, n_classes) float64
    """

    judgement_idx: npt.NDArray[np.intp]
    place: npt.NDArray[np.intp]
    rows: Floats
    members: Floats
    class_idx: npt.NDArray[np.intp]
    counts: Floats

    def with_counts(self, counts: Floats) -> FindingUnit:
        """Return the unit for other counts, (n_states, n_sets)."""
        by_class = np.zeros((len(self.members), len(counts)))
        np.add.at(by_class, self.class_idx, counts.T)
        return replace(self, counts=np.ascontiguousarray(by_class.T))

    def evaluate(self, x: Floats) -> Evaluation:
        """Return log likelihood, gradient and expected information at log odds `x`, (k,)."""
        probability, slope = self._states(x)
        met = self.counts > 0
        if (probability[met] <= 0).any():
            return Evaluation.impossible(len(x))
        ratio = np.divide(self.counts, probability, out=np.zeros_like(probability), where=met)
        value = float((self.counts[met] * np.log(probability[met])).sum())
        gradient = np.einsum("sh,shk->k", ratio, slope)
        possible = probability > 0
        weight = np.divide(
            self.counts.sum(axis=0), probability, out=np.zeros_like(probability), where=possible
        )
        flat = slope.reshape(-1, len(x))
        return Evaluation(value, gradient, (flat * weight.reshape(-1, 1)).T @ flat)

    def scores(self, x: Floats, outcome: int) -> Floats:
        """Return d log P(state | H) / d x of one state, (n_sets, k)."""
        probability, slope = self._states(x)
        own = np.divide(
            slope[outcome],
            probability[outcome][:, None],
            out=np.zeros_like(slope[outcome]),
            where=probability[outcome][:, None] > 0,
        )
        return np.asarray(own[self.class_idx])

    def credits(self, x: Floats) -> tuple[Floats, Floats]:
        """Return how many records bear on each number, and how many findings are credited to it, (k,) each.

        A finding is credited to a cause by the probability that its link was at work, to the background by
        the probability that the leak was.
        """
        rows, background, members = self._filled(x)
        inside = np.concatenate([members, np.ones((len(members), 1))], axis=1)  # (n_classes, n_linked + 1)
        bearing = inside.T @ self.counts.sum(axis=0)
        credited = np.zeros((inside.shape[1], rows.shape[1]))
        for step in range(rows.shape[1]):
            below = np.exp(self._log_below(rows[:, step], background[step], members)[0])
            fired = np.maximum(0.0, 1 - (1 - rows[:, step]) / (1 - background[step]))
            leak = background[step] * np.exp(
                members @ np.minimum(0.0, np.log(np.maximum(rows[:, step], 1e-300) / background[step]))
            )
            seen = self.counts[step + 1 :].sum(axis=0)
            share = np.concatenate([members * fired, leak[:, None]], axis=1)
            credited[:, step] = (seen / np.maximum(1 - below, 1e-300)) @ share
        return bearing[self.place[:, 0]], credited[self.place[:, 0], self.place[:, 1]]

    def _filled(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the rows of the causes, a missing one as background, the background, and the members."""
        rows = self.rows.copy()
        rows[self.place[:, 0], self.place[:, 1]] = x
        chance = expit(rows)
        return np.where(np.isnan(chance[:-1]), chance[-1], chance[:-1]), chance[-1], self.members

    @staticmethod
    def _log_below(p: Floats, b: float, members: Floats) -> tuple[Floats, Floats]:
        """Return log P(X < t | H) and the odds of the leak, (n_classes,) each."""
        with np.errstate(divide="ignore"):
            kept = np.minimum(0.0, np.log(p) - np.log(b))
        blocked = np.where(p > b, np.log1p(-p) - np.log1p(-b), 0.0)
        certain = np.isneginf(kept)
        leak = b * np.exp(members @ np.where(certain, 0.0, kept)) * (members @ certain == 0)
        return np.log1p(-leak) + members @ blocked, leak / (1 - leak)

    def _states(self, x: Floats) -> tuple[Floats, Floats]:
        """Return P(state | class), (n_states, n_classes), and its derivative, (n_states, n_classes, k)."""
        rows, background, members = self._filled(x)
        n_steps = rows.shape[1]
        below = np.zeros((n_steps + 2, len(members)))  # P(X < t), from 0 to 1
        below[-1] = 1.0
        slope = np.zeros((n_steps + 2, len(members), len(x)))
        for step in range(n_steps):
            p, b = rows[:, step], background[step]
            log_below, odds = self._log_below(p, b, members)
            below[step + 1] = np.exp(log_below)
            is_row = ~np.isnan(self.rows[:-1, step])
            above, under = (p >= b) & is_row, (p < b) & is_row
            by_row = -members * np.where(above, p, 0.0) - odds[:, None] * members * np.where(
                under, 1 - p, 0.0
            )
            by_leak = b * (members @ above) - (1 - b) * odds * (1 - members @ under)
            every = np.concatenate([by_row, by_leak[:, None]], axis=1) * below[step + 1][:, None]
            own = np.flatnonzero(self.place[:, 1] == step)
            slope[step + 1][:, own] = every[:, self.place[own, 0]]
        return np.diff(below, axis=0), np.diff(slope, axis=0)


def finding_unit(
    links: npt.NDArray[np.intp],
    *,
    backgrounds: npt.NDArray[np.intp],
    point: Floats,
    membership: Floats,
) -> FindingUnit:
    """Arrange one finding, nothing counted yet.

    Parameters
    ----------
    links : (n_causes, n_states - 1) intp
        Positions of judgements; -1: no row.
    backgrounds : (n_states - 1,) intp
    point : (n_judgements,) float64
        Log odds; -inf for never.
    membership : (n_sets, n_causes) float64
    """
    linked = np.flatnonzero((links >= 0).any(axis=1))
    index = np.concatenate([links[linked], backgrounds[None, :]])  # (n_linked + 1, n_states - 1)
    rows = np.where(index >= 0, point[index], np.nan)
    place = np.argwhere((index >= 0) & np.isfinite(rows))
    members, class_idx = np.unique(membership[:, linked], axis=0, return_inverse=True)
    nothing = np.zeros((links.shape[1] + 1, len(members)))
    return FindingUnit(index[place[:, 0], place[:, 1]], place, rows, members, class_idx.reshape(-1), nothing)
