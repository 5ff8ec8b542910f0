"""Priors times data: against conjugate answers, and mixtures that choose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from floats import QUADRATURE
from thighdx.elicitation import Distribution, Mixture
from thighdx.learning.beliefs import WIDER, stack_beliefs


def test_without_data_a_belief_stays_what_it_is() -> None:
    pool = Mixture(
        (Distribution("beta", (2.0, 8.0)), Distribution("two_piece_logit_normal", (0.5, 0.3, 0.9)))
    )
    found = stack_beliefs([pool]).tilt(np.zeros(1), np.zeros(1))
    assert expit(found.quantiles([0.05, 0.5, 0.95])[0]) == pytest.approx(
        pool.quantile([0.05, 0.5, 0.95]), abs=QUADRATURE
    )
    assert found.weights == pytest.approx([0.5, 0.5], abs=QUADRATURE)
    assert found.log_evidence == pytest.approx(0.0, abs=QUADRATURE)


def test_a_normal_belief_and_normal_data_make_a_normal() -> None:
    belief = stack_beliefs([Mixture((Distribution("lognormal", (0.5, 0.4)),))])
    found = belief.tilt(np.array([4.0]), np.array([8.0]))  # data: mean 0.5, variance 1/8
    precision = 1 / 0.4**2 + 8.0
    assert found.mean == pytest.approx([(0.5 / 0.4**2 + 4.0) / precision], abs=QUADRATURE)
    assert found.variance == pytest.approx([1 / precision], rel=QUADRATURE)


def test_of_two_panels_the_one_that_foretold_the_data_gets_the_weight() -> None:
    low, high = Distribution("beta", (2.0, 38.0)), Distribution("beta", (24.0, 16.0))
    center, precision = logit(0.55), 20.0
    found = stack_beliefs([Mixture((low, high))]).tilt(np.array([center * precision]), np.array([precision]))
    assert found.weights[1] > 0.999
    assert 0.5 < expit(found.quantiles([0.5])[0, 0]) < 0.6


def test_far_data_are_found_between_prior_and_data() -> None:
    belief = stack_beliefs([Mixture((Distribution("lognormal", (0.0, 0.1)),))])
    found = belief.tilt(np.array([300.0]), np.array([100.0]))  # data: 3.0, as narrow as the prior
    assert found.mean == pytest.approx([1.5], abs=0.01)
    assert np.sqrt(found.variance) == pytest.approx([0.1 / np.sqrt(2)], rel=0.01)


@pytest.mark.parametrize("center", [0.0, 0.3, 1.5])
def test_the_bayes_factor_compares_with_a_prior_three_times_as_wide(center: float) -> None:
    belief = stack_beliefs([Mixture((Distribution("lognormal", (0.0, 0.4)),))])
    linear, precision = np.array([center * 25.0]), np.array([25.0])
    found = belief.tilt(linear, precision).log_evidence - belief.wide_log_evidence(linear, precision)
    stated = stats.norm.logpdf(center, 0.0, np.hypot(0.4, 0.2))
    wide = stats.norm.logpdf(center, 0.0, np.hypot(WIDER * 0.4, 0.2))
    assert found == pytest.approx([stated - wide], abs=5 * QUADRATURE)
