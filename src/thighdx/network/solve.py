"""Solve base parameters so that the model reproduces the elicited margins.

Shares, context frequencies and the demographic block are the same problem: an exponential family (or a
mixture of them with known weights) whose expectations must meet given margins. The negative log likelihood

    L(theta) = sum_h w_h log sum_k exp(offset[h, k] + features[k] . theta) - margins . theta

is convex, its gradient is "expected minus wanted", and damped Newton steps [1]_ reach the solution to
rounding error in a few iterations.

.. [1] Boyd S, Vandenberghe L. Convex Optimization. Cambridge, 2004, section 9.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thighdx.network.spec import Floats

__all__ = ["MARGIN_TOLERANCE", "Solution", "solve_margins"]

# Largest absolute difference between a solved and an elicited margin (design: prior marginals to 1e-9).
MARGIN_TOLERANCE = 1e-9
# Newton goes on to here if it can: then a compiled file and a fresh build agree to nearly all digits.
TARGET = 1e-14
MAX_ITERATIONS = 200
# Singular values of the Hessian below this share of the largest are rounding error, not curvature.
SINGULAR = 1e-13
# Largest change of a log factor in one step.
LONGEST_STEP = 3.0


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
    theta = np.zeros(features.shape[1]) if start is None else start
    value, gradient, hessian = _evaluate(theta, offset, features, weights, margins)
    for _ in range(MAX_ITERATIONS):
        error = float(np.max(np.abs(gradient), initial=0.0))
        if error <= TARGET or not np.isfinite(value):
            break
        step = _newton_step(hessian, gradient)
        if step is None:
            break
        slope = float(gradient @ step)
        size = 1.0
        while size > 1e-10:
            trial = _evaluate(theta + size * step, offset, features, weights, margins)
            # Near the optimum the value no longer falls by more than rounding: accept a smaller gradient.
            improves = np.max(np.abs(trial[1])) < error and trial[0] <= value + 1e-12 * abs(value)
            if trial[0] <= value + 1e-4 * size * slope or improves:
                break
            size *= 0.5
        else:
            break
        theta = theta + size * step
        value, gradient, hessian = trial
    error = float(np.max(np.abs(gradient), initial=0.0))
    return Solution(theta, error if np.isfinite(error) else float("inf"))


def _newton_step(hessian: Floats, gradient: Floats) -> Floats | None:
    """Solve hessian . step = -gradient; None where that breaks down.

    Impossible cells can tie factors together, so that only their product is identified: then the Hessian is
    singular and the shortest step is taken along what is identified.
    """
    try:
        step = np.asarray(np.linalg.lstsq(hessian, -gradient, rcond=SINGULAR)[0], dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    if not np.all(np.isfinite(step)):
        return None
    # A rare state curves the objective only where it matters: a full step there can land so far out that
    # nothing curves any more, and the way back is lost.
    step *= min(1.0, LONGEST_STEP / float(np.abs(step).max(initial=LONGEST_STEP)))
    return step


def _evaluate(
    theta: Floats, offset: Floats, features: Floats, weights: Floats, margins: Floats
) -> tuple[float, Floats, Floats]:
    """Return value, gradient and Hessian of the convex objective."""
    scores = offset + features @ theta  # (n_groups, n_cells)
    peak = scores.max(axis=1, keepdims=True)
    cell = np.exp(scores - peak)
    total = cell.sum(axis=1, keepdims=True)
    cell /= total
    expected = cell @ features  # (n_groups, n_parameters)
    overall = weights @ cell  # (n_cells,)
    value = float(weights @ (np.log(total) + peak)[:, 0] - margins @ theta)
    gradient = weights @ expected - margins
    hessian = (features * overall[:, None]).T @ features - (expected * weights[:, None]).T @ expected
    return value, gradient, hessian
