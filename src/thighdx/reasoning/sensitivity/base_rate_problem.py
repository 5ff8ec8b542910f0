"""Base rates solved again after a small change, starting from the old ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit

from thighdx.arrays import below_peak
from thighdx.network.solve import solve_many
from thighdx.network.spec import Floats

__all__ = ["BaseRateProblem", "base_rate_problem"]

CLOSE = 1e-12  # largest difference of a margin at which a solution counts as reached


@dataclass(frozen=True, slots=True, eq=False)
class BaseRateProblem:
    """Margins to be met, and the solution of a neighboring problem; see `thighdx.network.solve`.

    P(cell | group) is proportional to factor times exp(features . theta).

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
    """

    factor: Floats
    features: Floats
    weights: Floats
    wanted: Floats
    theta: Floats

    def solve(self) -> BaseRateProblem | None:
        """Return the same problem with its own solution as start; None where none is found."""
        theta, error = solve_many(
            self.factor[None],
            self.features,
            self.weights[None],
            self.wanted[None],
            self.theta[None],
            target=CLOSE,
        )
        return replace(self, theta=theta[0]) if error[0] <= CLOSE else None

    def with_wanted(self, wanted: Floats) -> BaseRateProblem:
        """Return the problem for other margins, its start moved to where each of them would be alone.

        A margin p of a 0/1 feature behaves like 1 / (1 + exp(-theta)).
        """
        possible = (wanted > 0) & (wanted < 1)
        new = np.where(possible, wanted, self.wanted)
        return replace(self, wanted=wanted, theta=self.theta + logit(new) - logit(self.wanted))

    def log_cells(self) -> Floats:
        """Return log P(cell | group) at `theta`, (n_groups, n_cells)."""
        tilted = self.factor * self._tilt()
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(tilted / tilted.sum(axis=1, keepdims=True)))

    def log_mean(self, values: Floats) -> Floats:
        """Return log E[value of the cell | group] at `theta` for values per cell, (n_groups,)."""
        tilt = self._tilt()
        with np.errstate(divide="ignore"):
            of_values = np.log(np.einsum("gc,c->g", self.factor, tilt * values))
            return np.asarray(of_values - np.log(np.einsum("gc,c->g", self.factor, tilt)))

    def _tilt(self) -> Floats:
        """Return exp(features . theta), up to a constant, (n_cells,)."""
        scores = np.einsum("cp,p->c", self.features, self.theta)
        return np.asarray(below_peak(scores) if len(scores) else scores)


def base_rate_problem(
    log_factor: Floats, features: Floats, weights: Floats, wanted: Floats, theta: Floats
) -> BaseRateProblem:
    """Set a problem up around its solution `theta`; shapes as in `BaseRateProblem`."""
    factor = below_peak(log_factor)
    return BaseRateProblem(factor, features, weights, wanted, theta)
