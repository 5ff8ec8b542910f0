"""Solve base parameters so that the model reproduces the elicited margins: one problem, or many side by side.

Shares, context frequencies and the demographic block are the same problem: an exponential family (or a
mixture of them with known weights) whose expectations must meet given margins. The negative log likelihood

    L(theta) = sum_h w_h log sum_k factor[h, k] exp(features[k] . theta) - margins . theta

is convex, its gradient is "expected minus wanted", and damped Newton steps [1]_ reach the solution to
rounding error in a few iterations. A model is built with it; a changed judgement and drawn judgements are
solved with it again, from the old solution.

.. [1] Boyd S, Vandenberghe L. Convex Optimization. Cambridge, 2004, section 9.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thighdx.network.spec import Floats

__all__ = ["MARGIN_TOLERANCE", "Solution", "solve_many", "solve_margins"]

# Largest absolute difference between a solved and an elicited margin (design: prior marginals to 1e-9).
MARGIN_TOLERANCE = 1e-9
# Newton goes on to here if it can: then a compiled file and a fresh build agree to nearly all digits.
TARGET = 1e-14
MAX_ITERATIONS = 200
# Eigenvalues of the scaled Hessian below this are rounding error, not curvature.
SINGULAR = 1e-13
# Largest change of a log factor in one step.
LONGEST_STEP = 3.0
SHORTEST_STEP = 1e-10
# Rows of a product at once: few enough that no library splits it among threads.
ROWS_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Solution:
    """Solved parameters and how far the worst margin is off."""

    theta: Floats
    error: float

    @property
    def is_solved(self) -> bool:
        """Whether every margin is met within `MARGIN_TOLERANCE`."""
        return self.error <= MARGIN_TOLERANCE


def solve_margins(
    offset: Floats, features: Floats, weights: Floats, margins: Floats, *, start: Floats | None = None
) -> Solution:
    """Find theta whose expected features are `margins`.

    Parameters
    ----------
    offset : (n_groups, n_cells) float64
        Known log factor of every cell in every group; -inf where a cell is impossible.
    features : (n_cells, n_parameters) float64
        Linearly independent given the possible cells.
    weights : (n_groups,) float64
        Probability of each group; sums to 1.
    margins : (n_parameters,) float64
        Wanted expectations.
    start : (n_parameters,) float64, optional
        Where to begin; 0 by default.

    Returns
    -------
    Solution
        `error` is the largest absolute difference reached; larger than `MARGIN_TOLERANCE` (or NaN-free
        infinity) where no solution exists.
    """
    peak = offset.max(axis=1, keepdims=True, initial=-np.inf)
    factor = np.exp(offset - np.where(np.isfinite(peak), peak, 0.0))
    theta = np.zeros(features.shape[1]) if start is None else start
    theta, error = solve_many(
        factor[None], features, weights[None], margins[None], theta[None], target=TARGET
    )
    return Solution(theta[0], float(error[0]))


def solve_many(
    factor: Floats, features: Floats, weights: Floats, margins: Floats, start: Floats, *, target: float
) -> tuple[Floats, Floats]:
    """Solve many problems with the same features side by side.

    Parameters
    ----------
    factor : (n, n_groups, n_cells) float64
        Known factor of every cell, any scale per group; 0 where a cell is impossible.
    weights : (n, n_groups) float64
    margins, start : (n, n_parameters) float64
    target : float
        Margins are met to this if that can be.

    Returns
    -------
    (n, n_parameters) float64, (n,) float64
        theta, and the largest absolute difference of a margin; infinite where there is nothing to compare.
    """
    problems = _Problems(factor, features, weights, margins)
    theta = start.astype(np.float64)
    now = problems.at(theta)
    active = np.arange(len(theta))
    for _ in range(MAX_ITERATIONS):
        active = active[(now.error[active] > target) & np.isfinite(now.value[active])]
        if len(active) == 0:
            break
        step = _newton_steps(problems.take(active).hessians(theta[active]), now.gradient[active])
        moved = _search(problems, theta, now, active, step)
        active = active[moved]
    return theta, np.where(np.isfinite(now.error), now.error, np.inf)


@dataclass(frozen=True, slots=True)
class _Point:
    """Value, gradient and largest error of every problem."""

    value: Floats
    gradient: Floats
    error: Floats


@dataclass(frozen=True, slots=True)
class _Problems:
    factor: Floats
    features: Floats
    weights: Floats
    margins: Floats

    def take(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> _Problems:
        """Return some of the problems."""
        if len(rows) == len(self.factor):
            return self
        return _Problems(self.factor[rows], self.features, self.weights[rows], self.margins[rows])

    def _cells(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return exp(features . theta) and its peak, the total of every group, and P(cell)."""
        scores = np.einsum("cp,np->nc", self.features, theta)
        peak = scores.max(axis=1, keepdims=True)
        tilt = np.exp(scores - peak)
        total = np.matmul(self.factor, tilt[:, :, None])[:, :, 0]  # (n, n_groups)
        per_group = np.divide(self.weights, total, out=np.zeros_like(total), where=total > 0)
        return tilt, peak, total, tilt * np.matmul(per_group[:, None, :], self.factor)[:, 0]

    def at(self, theta: Floats) -> _Point:
        """Evaluate the convex objective."""
        _, peak, total, overall = self._cells(theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = (self.weights * (np.log(total) + peak)).sum(axis=1) - (self.margins * theta).sum(axis=1)
        value = np.where((total > 0).all(axis=1), value, np.inf)
        gradient = np.einsum("nc,cp->np", overall, self.features) - self.margins
        error = np.abs(gradient).max(axis=1, initial=0.0)
        return _Point(value, gradient, np.where(np.isfinite(value), error, np.inf))

    def hessians(self, theta: Floats) -> Floats:
        """Return the mean covariance of the features, (n, n_parameters, n_parameters)."""
        tilt, _, total, overall = self._cells(theta)
        hessian = _gram(self.features, overall)
        if self.factor.shape[1] == 1:
            mean = np.einsum("nc,cp->np", overall, self.features)
            return np.asarray(hessian - mean[:, :, None] * mean[:, None, :])
        expected = np.matmul(self.factor, tilt[:, :, None] * self.features) / total[:, :, None]
        weighted = expected * self.weights[:, :, None]
        for start in range(0, expected.shape[1], ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            hessian -= np.matmul(weighted[:, rows].transpose(0, 2, 1), expected[:, rows])
        return hessian


def _gram(rows: Floats, weights: Floats) -> Floats:
    """Return sums of outer products of rows by several sets of weights, (n, n_columns, n_columns)."""
    total = np.zeros((len(weights), rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        piece = rows[start : start + ROWS_AT_ONCE]
        total += np.matmul(weights[:, None, start : start + ROWS_AT_ONCE] * piece.T, piece)
    return total


def _newton_steps(hessian: Floats, gradient: Floats) -> Floats:
    """Solve hessian . step = -gradient, (n, n_parameters).

    Impossible cells can tie factors together, so that only their product is identified: then the Hessian is
    singular and the shortest step is taken along what is identified. Scaled, so that rare states keep digits.
    """
    scale = np.sqrt(np.maximum(np.diagonal(hessian, axis1=1, axis2=2), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = hessian / (scale[:, :, None] * scale[:, None, :])
    step = -np.einsum("npq,nq->np", np.linalg.pinv(scaled, rcond=SINGULAR, hermitian=True), gradient / scale)
    step /= scale
    # A rare state curves the objective only where it matters: a full step there can land so far out that
    # nothing curves any more, and the way back is lost.
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * (LONGEST_STEP / np.maximum(longest, LONGEST_STEP)))


def _search(
    problems: _Problems,
    theta: Floats,
    now: _Point,
    active: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    step: Floats,
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Move `theta` and `now` along the steps as far as that helps; say which moved."""
    slope = (now.gradient[active] * step).sum(axis=1)
    moved = np.zeros(len(active), dtype=bool)
    size = 1.0
    while size > SHORTEST_STEP and not moved.all():
        open_ = np.flatnonzero(~moved)
        rows = active[open_]
        trial = theta[rows] + size * step[open_]
        found = problems.take(rows).at(trial)
        value = now.value[rows]
        # Near the optimum the value no longer falls by more than rounding: accept a smaller gradient.
        improves = (found.error < now.error[rows]) & (found.value <= value + 1e-12 * np.abs(value))
        good = (found.value <= value + 1e-4 * size * slope[open_]) | improves
        # Where no solution exists the steps die away far out, and taking them for ever would lead nowhere.
        good &= (found.value < value) | (found.error < now.error[rows])
        chosen = rows[good]
        theta[chosen] = trial[good]
        now.value[chosen], now.gradient[chosen], now.error[chosen] = (
            part[good] for part in (found.value, found.gradient, found.error)
        )
        moved[open_[good]] = True
        size *= 0.5
    return moved
