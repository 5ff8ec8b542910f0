"""Base rates solved again after a small change, starting from the old ones.

The same problem as in `thighdx.network.solve`, whose solver is the reference and the way out: find theta for
which the expectation of the features meets the margins. A small change moves theta little, so steps with the
Hessian of the old solution (the parallel-chord method [1]_) get there with a few cheap evaluations.

.. [1] Ortega JM, Rheinboldt WC. Iterative Solution of Nonlinear Equations in Several Variables. SIAM, 2000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import pinvh

from thighdx.network.solve import MARGIN_TOLERANCE, SINGULAR, solve_margins
from thighdx.network.spec import Floats

__all__ = ["MarginProblem", "margin_problem"]

CLOSE = 1e-12  # largest difference of a margin at which a chord solution counts as reached
MAX_CHORD_STEPS = 40


@dataclass(frozen=True, slots=True, eq=False)
class MarginProblem:
    """Margins to be met, and the solution of a neighboring problem.

    Attributes
    ----------
    offset : (n_groups, n_cells) float64
        Known log factor of every cell in every group; -inf where impossible.
    features : (n_cells, n_parameters) float64
    weights : (n_groups,) float64
        Probability of each group.
    wanted : (n_parameters,) float64
    theta : (n_parameters,) float64
        Start; after `solve` the solution.
    inverse_hessian : (n_parameters, n_parameters) float64
        At the start.
    """

    offset: Floats
    features: Floats
    weights: Floats
    wanted: Floats
    theta: Floats
    inverse_hessian: Floats

    def solve(self) -> MarginProblem | None:
        """Return the same problem with its own solution as start; None where there is none."""
        theta, before = self.theta, np.inf
        for _ in range(MAX_CHORD_STEPS):
            miss = (self.weights @ _cells(self.offset, self.features, theta)) @ self.features - self.wanted
            error = float(np.max(np.abs(miss), initial=0.0))
            if error <= CLOSE:
                return replace(self, theta=theta)
            if not error < 0.9 * before:  # too far from the start, or NaN: leave it to the damped solver
                break
            theta, before = theta - self.inverse_hessian @ miss, error
        shifted = self.offset + self.features @ self.theta
        solution = solve_margins(shifted, self.features, self.weights, self.wanted)
        if not solution.error <= MARGIN_TOLERANCE:
            return None
        return replace(self, theta=self.theta + solution.theta)

    @property
    def log_cells(self) -> Floats:
        """Return log P(cell | group) at `theta`, (n_groups, n_cells)."""
        scores = self.offset + self.features @ self.theta
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores


def _cells(offset: Floats, features: Floats, theta: Floats) -> Floats:
    """Return P(cell | group), (n_groups, n_cells)."""
    cells = offset + features @ theta
    cells -= cells.max(axis=1, keepdims=True)
    np.exp(cells, out=cells)
    cells /= cells.sum(axis=1, keepdims=True)
    return cells


def margin_problem(
    offset: Floats, features: Floats, weights: Floats, wanted: Floats, theta: Floats
) -> MarginProblem:
    """Set a problem up around its solution `theta`; shapes as in `MarginProblem`."""
    cells = _cells(offset, features, theta)
    expected = cells @ features  # (n_groups, n_parameters)
    hessian = (features * (weights @ cells)[:, None]).T @ features
    hessian -= (expected * weights[:, None]).T @ expected
    inverse = np.asarray(pinvh(hessian, rtol=SINGULAR)) if len(theta) else np.zeros((0, 0))
    return MarginProblem(offset, features, weights, wanted, theta, inverse)
