"""Distributions against scipy.stats, and what every family must satisfy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

import floats
from thighdx.elicitation.distribution import Distribution, Stack, from_working, to_working
from thighdx.errors import OptionError

LEVELS = np.array([1e-6, 0.001, 0.05, 0.3, 0.5, 0.9, 0.95, 0.9999])
NEVER = Distribution("point", (0.0,))

betas = st.builds(lambda a, b: Distribution("beta", (a, b)), st.floats(0.05, 500), st.floats(0.05, 500))
two_pieces = st.builds(
    lambda m, s, u: Distribution("two_piece_logit_normal", (m, s, u)),
    st.floats(-8, 8),
    st.floats(0.05, 2),
    st.floats(0.05, 2),
)
odds_ratios = st.builds(
    lambda m, s, u: Distribution("two_piece_lognormal", (m, s, u)),
    st.floats(-5, 8),
    st.floats(0.05, 2),
    st.floats(0.05, 2),
)
lognormals = st.builds(lambda m, s: Distribution("lognormal", (m, s)), st.floats(-5, 8), st.floats(0.05, 2))
distributions = betas | two_pieces | odds_ratios | lognormals


@pytest.mark.parametrize(("a", "b"), [(3.5, 17.5), (0.5, 20.5), (0.3, 40), (900, 4), (0.7, 0.7)])
def test_a_beta_is_that_of_scipy(a: float, b: float) -> None:
    ours, theirs = Distribution("beta", (a, b)), stats.beta(a, b)
    np.testing.assert_allclose(ours.quantile(LEVELS), theirs.ppf(LEVELS), rtol=floats.DISTRIBUTION)
    x = np.array([1e-9, 0.001, 0.2, 0.5, 0.7, 0.999])
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=floats.DISTRIBUTION)


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 0.3), (2.5, 1.2), (-3.0, 0.6)])
def test_a_lognormal_is_that_of_scipy(mu: float, sigma: float) -> None:
    ours, theirs = Distribution("lognormal", (mu, sigma)), stats.lognorm(sigma, scale=np.exp(mu))
    np.testing.assert_allclose(ours.quantile(LEVELS), theirs.ppf(LEVELS), rtol=floats.DISTRIBUTION)
    x = np.array([0.01, 0.5, 1.0, 7.0, 400.0])
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=floats.DISTRIBUTION)


def test_a_two_piece_distribution_is_half_of_either_normal() -> None:
    ours = Distribution("two_piece_logit_normal", (-2.0, 0.5, 1.5))
    below, above = stats.norm(-2, 0.5), stats.norm(-2, 1.5)
    t = np.array([-3.0, -2.0, 0.5])
    expected = [below.cdf(-3), 0.5, above.cdf(0.5)]
    np.testing.assert_allclose(ours.cdf(1 / (1 + np.exp(-t))), expected, rtol=floats.DISTRIBUTION)


def test_tiny_and_huge_beta_quantiles_keep_their_digits() -> None:
    # Beta(a, 1) has the quantile function p ** (1 / a), also where that underflows
    a = 0.002
    (t,) = Stack.of([Distribution("beta", (a, 1.0))]).quantiles(np.array([[0.05, 0.5]]))
    np.testing.assert_allclose(t, np.log([0.05, 0.5]) / a, rtol=floats.DISTRIBUTION)
    (t,) = Stack.of([Distribution("beta", (1.0, a))]).quantiles(np.array([[0.5, 0.95]]))
    np.testing.assert_allclose(t, -np.log([0.5, 0.05]) / a, rtol=floats.DISTRIBUTION)


@given(distributions, st.floats(0.001, 0.999))
def test_cdf_undoes_quantile(distribution: Distribution, p: float) -> None:
    # compared as tails on the working scale: near 1 a float has too few digits for the way back
    t = Stack.of([distribution]).quantiles(np.array([[p]]))
    cdf, sf = Stack.of([distribution]).tails(t)
    assert cdf[0, 0] == pytest.approx(p, rel=floats.ROUND_TRIP)
    assert sf[0, 0] == pytest.approx(1 - p, rel=floats.ROUND_TRIP)


@given(distributions, st.floats(0.02, 0.98))
def test_quantile_undoes_cdf(distribution: Distribution, p: float) -> None:
    x = distribution.quantile(p)
    assume(1e-12 < x < (1 - 1e-6 if distribution.scale == "probability" else np.inf))
    assert distribution.quantile(distribution.cdf(x)) == pytest.approx(x, rel=floats.ROUND_TRIP)


@given(distributions)
def test_quantiles_rise_and_the_tails_sum_to_one(distribution: Distribution) -> None:
    stack = Stack.of([distribution])
    t = stack.quantiles(LEVELS[None, :])
    assert (np.diff(t) > 0).all()
    cdf, sf = stack.tails(t)
    np.testing.assert_allclose(cdf + sf, 1, rtol=floats.SUMS_TO_ONE)


@given(distributions, st.integers(0, 2**32 - 1))
def test_samples_follow_from_the_seed(distribution: Distribution, seed: int) -> None:
    first = distribution.sample(np.random.default_rng(seed), 5)
    np.testing.assert_array_equal(first, distribution.sample(np.random.default_rng(seed), 5))
    assert first.shape == (5,)


@pytest.mark.parametrize(
    "distribution",
    [
        Distribution("beta", (0.5, 20.0)),
        Distribution("two_piece_logit_normal", (-4.0, 1.5, 0.2)),
        Distribution("lognormal", (0.7, 0.5)),
        Distribution("two_piece_lognormal", (0.7, 0.1, 1.0)),
    ],
)
def test_samples_have_the_quantiles(distribution: Distribution) -> None:
    draws = distribution.sample(np.random.default_rng(1), 200_000)
    for p in (0.05, 0.5, 0.95):
        share = np.mean(draws <= distribution.quantile(p))
        assert share == pytest.approx(p, abs=floats.SAMPLED_SHARE)


def test_shapes_are_kept() -> None:
    beta = Distribution("beta", (2.0, 3.0))
    grid = np.full((2, 3, 4), 0.3)
    assert beta.cdf(grid).shape == beta.quantile(grid).shape == (2, 3, 4)
    assert beta.cdf(0.3).shape == beta.quantile(0.3).shape == ()
    assert NEVER.cdf(grid).shape == NEVER.quantile(grid).shape == (2, 3, 4)


def test_outside_its_range_a_probability_is_certainly_not() -> None:
    for distribution in (Distribution("beta", (2.0, 3.0)), NEVER):
        np.testing.assert_array_equal(distribution.cdf([-1.0, 1.0, 2.0]), [0, 1, 1])
    np.testing.assert_array_equal(Distribution("lognormal", (0.0, 1.0)).cdf([-1.0, 0.0]), [0, 0])


def test_the_ends_of_a_distribution_are_the_ends_of_its_scale() -> None:
    np.testing.assert_array_equal(Distribution("beta", (2.0, 3.0)).quantile([0, 1]), [0, 1])
    np.testing.assert_array_equal(Distribution("lognormal", (0.0, 1.0)).quantile([0, 1]), [0, np.inf])


def test_never_is_zero_for_certain() -> None:
    assert NEVER.is_never
    np.testing.assert_array_equal(NEVER.quantile([0.05, 0.95]), [0, 0])
    np.testing.assert_array_equal(NEVER.sample(np.random.default_rng(0), 3), [0, 0, 0])
    np.testing.assert_array_equal(NEVER.cdf([0.0, 0.5]), [1, 1])


def test_the_working_scale_is_undone() -> None:
    p = np.array([1e-5, 0.3, 0.9995])
    np.testing.assert_allclose(from_working(to_working(p, "probability"), "probability"), p)
    x = np.array([1e-3, 1.0, 5000.0])
    np.testing.assert_allclose(from_working(to_working(x, "odds_ratio"), "odds_ratio"), x)


@pytest.mark.parametrize(
    ("family", "params", "message"),
    [
        ("gamma", (1.0,), "got family 'gamma', expected one of"),
        ("beta", (1.0,), r"beta: got parameters \(1.0,\), expected 2 finite numbers"),
        ("beta", (1.0, np.inf), "expected 2 finite numbers"),
        ("beta", (0.0, 1.0), "expected spreads above 0"),
        ("lognormal", (-1.0, 0.0), "expected spreads above 0"),
        ("point", (0.5,), r"point: got \(0.5,\), expected \(0.0,\)"),
    ],
)
def test_parameters_that_are_no_distribution_are_refused(
    family: str, params: tuple[float, ...], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        Distribution(family, params)  # type: ignore[arg-type]  # wrong on purpose


def test_a_level_outside_zero_to_one_is_refused() -> None:
    with pytest.raises(OptionError, match=r"got p from 0.5 to 1.5, expected it in \[0, 1\]"):
        Distribution("beta", (1.0, 1.0)).quantile([0.5, 1.5])


def test_a_point_cannot_be_stacked() -> None:
    with pytest.raises(OptionError, match="got a point, expected distributions with a spread"):
        Stack.of([NEVER])
