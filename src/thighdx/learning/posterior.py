"""From the likelihood of a unit and the elicited beliefs about its numbers to a posterior for each number.

The likelihood is replaced by a quadratic with its gradient and information at the mode (Laplace's method [1]_);
every prior keeps its shape and enters the joint approximation through a Gaussian of the same moments, matched in
the light of everything else (expectation propagation [2]_). A mode of the plain product would not do: two-piece
beliefs have a step at their median, and mixtures of panels several humps. What comes out for each number is its
prior times a Gaussian, normalized by quadrature.

.. [1] Tierney L, Kadane JB. Accurate approximations for posterior moments and marginal densities.
   J Am Stat Assoc 1986;81:82-6.
.. [2] Minka TP. Expectation propagation for approximate Bayesian inference. UAI 2001:362-9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh

from thighdx.learning.beliefs import Beliefs, Tilted
from thighdx.learning.unit import Evaluation, Unit
from thighdx.network.spec import Floats

__all__ = ["Marginals", "State", "improve", "marginals", "start"]

LONGEST_STEP = 1.5  # of a log odds: farther away the information at the start says little
HALVINGS = 12
NEWTON_STEPS = 4
CLOSE = 1e-3  # standard deviations that a step may still move a number
MATCHINGS = 30
LEAST_PRECISION = (
    1e-3  # of a stand-in, relative to the prior's own: where data part two humps it could be negative
)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where the numbers of a unit are, and the Gaussians that stand for their priors.

    Attributes
    ----------
    x : (k,) float64
    beliefs : Beliefs
    own_precision : (k,) float64
        1 / variance of the priors.
    precision, mean : (k,) float64
        Of the Gaussians.
    """

    x: Floats
    beliefs: Beliefs
    own_precision: Floats
    precision: Floats
    mean: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """The posterior of each number of a unit.

    Attributes
    ----------
    tilted : Tilted
    data : (k, 2) float64
        What everything but its own prior says of a number: mean and standard deviation of a Gaussian.
    log_bayes_factor : (k,) float64
        Log of how much better the stated prior foretold the data than one three times as wide.
    """

    tilted: Tilted
    data: Floats
    log_bayes_factor: Floats


def start(x: Floats, beliefs: Beliefs) -> State:
    """Begin at some values with Gaussians that have the moments of the priors."""
    zero = np.zeros(beliefs.n)
    prior = beliefs.tilt(zero, zero)
    return State(x, beliefs, 1 / prior.variance, 1 / prior.variance, prior.mean)


def improve(unit: Unit, state: State) -> tuple[State, float]:
    """Move the numbers to the mode and match the Gaussians once; return how far they moved, in deviations."""
    x, found = _mode(unit, state)
    linear = found.gradient + found.information @ x
    moved = np.abs(x - state.x) * np.sqrt(np.diag(found.information) + state.precision)
    matched, _ = _match(state, linear, found.information)
    # The mode and not the mean under the quadratic: where a row crosses its background the gate has a kink, and
    # the quadratic of one side leads to the other and back.
    return replace(matched, x=x), float(np.max(moved, initial=0.0))


def marginals(unit: Unit, state: State, lost: Floats) -> tuple[State, Marginals]:
    """Return the posteriors, `lost` (k, k) being the information that unknown causes take away (Louis 1982)."""
    found = unit.evaluate(state.x)
    information = _semidefinite(found.information - lost)
    linear = found.gradient + information @ state.x
    for _ in range(MATCHINGS):
        state, change = _match(state, linear, information)
        if change < CLOSE:
            break
    cavity = _cavity(state, linear, information)
    tilted = state.beliefs.tilt(*cavity)
    wide = state.beliefs.wide_log_evidence(*cavity)
    precision = np.maximum(cavity[1], np.finfo(np.float64).tiny)
    data = np.stack([cavity[0] / precision, precision**-0.5], axis=1)
    return state, Marginals(tilted, data, tilted.log_evidence - wide)


def _mode(unit: Unit, state: State) -> tuple[Floats, Evaluation]:
    """Climb to the mode of likelihood and Gaussians: Fisher scoring with halved steps."""
    x = state.x
    found = unit.evaluate(x)
    for _ in range(NEWTON_STEPS):
        hessian = found.information + np.diag(state.precision)
        step = cho_solve(cho_factor(hessian), found.gradient - state.precision * (x - state.mean))
        if np.max(np.abs(step) * np.sqrt(np.diag(hessian))) < CLOSE:
            break
        step *= min(1.0, LONGEST_STEP / np.abs(step).max())
        before = _objective(found, x, state)
        for _ in range(HALVINGS):
            trial = unit.evaluate(x + step)
            if _objective(trial, x + step, state) > before:
                x, found = x + step, trial
                break
            step = 0.5 * step
        else:
            break
    return x, found


def _objective(found: Evaluation, x: Floats, state: State) -> float:
    """Return the log of what is climbed."""
    return found.value - 0.5 * float((state.precision * (x - state.mean) ** 2).sum())


def _cavity(state: State, linear: Floats, information: Floats) -> tuple[Floats, Floats]:
    """Return what everything but its own prior says of each number: linear and quadratic coefficient."""
    covariance = np.linalg.inv(information + np.diag(state.precision))
    own = 1 / np.diag(covariance)
    mean = covariance @ (linear + state.precision * state.mean)
    return own * mean - state.precision * state.mean, np.maximum(own - state.precision, 0.0)


def _match(state: State, linear: Floats, information: Floats) -> tuple[State, float]:
    """Give every Gaussian the moments that its prior has in the light of the rest."""
    cavity_linear, cavity_precision = _cavity(state, linear, information)
    tilted = state.beliefs.tilt(cavity_linear, cavity_precision)
    least = LEAST_PRECISION * state.own_precision
    precision = np.maximum(1 / tilted.variance - cavity_precision, least)
    mean = (tilted.mean * (cavity_precision + precision) - cavity_linear) / precision
    matched = replace(state, precision=precision, mean=mean)
    covariance = np.linalg.inv(information + np.diag(precision))
    x = covariance @ (linear + precision * mean)
    change = np.max(np.abs(x - state.x) / np.sqrt(np.diag(covariance)), initial=0.0)
    return replace(matched, x=x), float(change)


def _semidefinite(matrix: Floats) -> Floats:
    """Cut off what rounding and approximation have made negative."""
    value, vector = eigh(0.5 * (matrix + matrix.T))
    return np.asarray((vector * np.maximum(value, 0.0)) @ vector.T)
