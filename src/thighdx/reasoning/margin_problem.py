"""Base rates solved again after a small change, starting from the old ones.

The same problem as in `thighdx.network.solve`: find theta for which the expectation of the features meets the
margins. A small change moves theta little, so steps with the Hessian of the old solution (the parallel-chord
method [1]_) get there with a few cheap evaluations; where they are slow, the Hessian is renewed.

.. [1] Ortega JM, Rheinboldt WC. Iterative Solution of Nonlinear Equations in Several Variables. SIAM, 2000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import pinvh
from scipy.special import logit

from thighdx.network.solve import SINGULAR
from thighdx.network.spec import Floats

__all__ = ["MarginProblem", "margin_problem"]

CLOSE = 1e-12  # largest difference of a margin at which a solution counts as reached
MAX_STEPS = 25
SLOW = 0.3  # a step that leaves more than this of the error calls for a new Hessian
ROWS_AT_ONCE = 512
LONGEST_STEP = 2.0  # of a parameter: far from the solution a full step overshoots


@dataclass(frozen=True, slots=True, eq=False)
class MarginProblem:
    """Margins to be met, and the solution of a neighboring problem.

    P(cell | group) is proportional to factor times exp(features . theta): with both factors kept linear, a
    step is two products of a matrix with a vector (by einsum: a library that splits products this small
    among threads spends more time on waiting for them, and on a busy machine far more).

    Attributes
    ----------
    factor : (n_groups, n_cells) float64
        Known factor of every cell in every group, any scale per group; 0 where impossible.
    features : (n_cells, n_parameters) float64
        0/1.
    weights : (n_groups,) float64
        Probability of each group.
    wanted : (n_parameters,) float64
    theta : (n_parameters,) float64
        Start; after `solve` the solution.
    inverse_hessian : (n_parameters, n_parameters) float64
        At the start.
    """

    factor: Floats
    features: Floats
    weights: Floats
    wanted: Floats
    theta: Floats
    inverse_hessian: Floats

    def solve(self) -> MarginProblem | None:
        """Return the same problem with its own solution as start; None where none is found."""
        theta, inverse, before = self.theta, self.inverse_hessian, np.inf
        for _ in range(MAX_STEPS):
            tilt = _tilt(self.features, theta)
            per_group = self.weights / np.einsum("gc,c->g", self.factor, tilt)
            overall = tilt * np.einsum("g,gc->c", per_group, self.factor)  # (n_cells,): P(cell)
            miss = np.einsum("c,cp->p", overall, self.features) - self.wanted
            error = float(np.max(np.abs(miss), initial=0.0))
            if error <= CLOSE:
                return replace(self, theta=theta, inverse_hessian=inverse)
            if not np.isfinite(error):
                return None
            if error > SLOW * before:
                inverse = _inverse_hessian(self.factor, self.features, self.weights, theta)
            step = inverse @ miss
            theta, before = theta - step * min(1.0, LONGEST_STEP / np.abs(step).max()), error
        return None

    def with_wanted(self, wanted: Floats) -> MarginProblem:
        """Return the problem for other margins, its start moved to where each of them would be alone.

        A margin p of a 0/1 feature behaves like 1 / (1 + exp(-theta)) with variance p (1 - p): theta is moved
        by the change of its log odds, and the Hessian scaled to the new variance.
        """
        possible = (wanted > 0) & (wanted < 1)
        new = np.where(possible, wanted, self.wanted)
        scale = np.sqrt(self.wanted * (1 - self.wanted) / (new * (1 - new)))
        return replace(
            self,
            wanted=wanted,
            theta=self.theta + logit(new) - logit(self.wanted),
            inverse_hessian=self.inverse_hessian * np.outer(scale, scale),
        )

    def log_cells(self) -> Floats:
        """Return log P(cell | group) at `theta`, (n_groups, n_cells)."""
        tilted = self.factor * _tilt(self.features, self.theta)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(tilted / tilted.sum(axis=1, keepdims=True)))

    def log_mean(self, values: Floats) -> Floats:
        """Return log E[value of the cell | group] at `theta` for values per cell, (n_groups,)."""
        tilt = _tilt(self.features, self.theta)
        with np.errstate(divide="ignore"):
            of_values = np.log(np.einsum("gc,c->g", self.factor, tilt * values))
            return np.asarray(of_values - np.log(np.einsum("gc,c->g", self.factor, tilt)))


def margin_problem(
    log_factor: Floats, features: Floats, weights: Floats, wanted: Floats, theta: Floats
) -> MarginProblem:
    """Set a problem up around its solution `theta`; shapes as in `MarginProblem`."""
    factor = np.exp(log_factor - log_factor.max(axis=1, keepdims=True))
    inverse = _inverse_hessian(factor, features, weights, theta)
    return MarginProblem(factor, features, weights, wanted, theta, inverse)


def _tilt(features: Floats, theta: Floats) -> Floats:
    """Return exp(features . theta), up to a constant, (n_cells,)."""
    scores = np.einsum("cp,p->c", features, theta)
    return np.asarray(np.exp(scores - scores.max(initial=-np.inf)))


def _inverse_hessian(factor: Floats, features: Floats, weights: Floats, theta: Floats) -> Floats:
    """Return the generalized inverse of the mean covariance of the features, (n_parameters, n_parameters)."""
    if not features.shape[1]:
        return np.zeros((0, 0))
    cells = factor * _tilt(features, theta)
    cells /= cells.sum(axis=1, keepdims=True)
    expected = np.einsum("gc,cp->gp", cells, features)
    hessian = _weighted_gram(features, np.einsum("g,gc->c", weights, cells))
    hessian -= _weighted_gram(expected, weights)
    return np.asarray(pinvh(hessian, rtol=SINGULAR))


def _weighted_gram(rows: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of outer products of rows, in pieces too small for threads."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        piece = rows[start : start + ROWS_AT_ONCE]
        total += (piece * weights[start : start + ROWS_AT_ONCE, None]).T @ piece
    return total
