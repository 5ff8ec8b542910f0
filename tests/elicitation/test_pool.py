"""Mixtures against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

import floats
from thighdx.elicitation.distribution import Distribution, to_working
from thighdx.elicitation.pool import Mixture, pooled_medians, pooled_quantiles, sample_mixtures
from thighdx.errors import OptionError

NEVER = Distribution("point", (0.0,))
P = np.array([0.05, 0.5, 0.95])

betas = st.builds(lambda a, b: Distribution("beta", (a, b)), st.floats(0.3, 100), st.floats(0.3, 100))
two_pieces = st.builds(
    lambda m, s, u: Distribution("two_piece_logit_normal", (m, s, u)),
    st.floats(-5, 5),
    st.floats(0.1, 1.5),
    st.floats(0.1, 1.5),
)
lognormals = st.builds(lambda m, s: Distribution("lognormal", (m, s)), st.floats(-3, 3), st.floats(0.1, 1.5))
panels = st.lists(betas | two_pieces, min_size=1, max_size=4).map(lambda x: Mixture(tuple(x)))


def test_a_mixture_of_scipy_distributions_by_brute_force() -> None:
    ours = Mixture((Distribution("beta", (2.0, 8.0)), Distribution("beta", (30.0, 20.0))))
    theirs = stats.beta(2, 8), stats.beta(30, 20)

    def excess(x: float, p: float) -> float:
        return float(np.mean([item.cdf(x) for item in theirs])) - p

    for p in (0.01, 0.05, 0.3, 0.5, 0.8, 0.99):
        expected = optimize.brentq(excess, 1e-12, 1 - 1e-12, args=(p,), xtol=1e-15)
        assert ours.quantile(p) == pytest.approx(expected, rel=floats.MIXTURE_QUANTILE)
    x = np.linspace(0.01, 0.99, 7)
    expected = np.mean([item.cdf(x) for item in theirs], axis=0)
    np.testing.assert_allclose(ours.cdf(x), expected, rtol=floats.DISTRIBUTION)


@given(panels, st.floats(0.01, 0.99))
def test_cdf_undoes_quantile(mixture: Mixture, p: float) -> None:
    x = mixture.quantile(p)
    assume(1e-12 < x < 1 - 1e-6)
    assert mixture.cdf(x) == pytest.approx(p, rel=floats.ROUND_TRIP)


@given(panels)
def test_a_quantile_lies_between_those_of_the_experts(mixture: Mixture) -> None:
    own = np.array([item.quantile(P) for item in mixture.components])
    pooled = mixture.quantile(P)
    slack = 1 + floats.MIXTURE_QUANTILE
    assert (pooled >= own.min(axis=0) / slack).all()
    assert (pooled <= own.max(axis=0) * slack).all()


@given(st.lists(lognormals, min_size=2, max_size=4))
def test_pooling_makes_no_interval_narrower_than_the_narrowest(
    experts: list[Distribution],
) -> None:
    # for symmetric experts the central interval is the shortest one with its probability, and some
    # expert must have at least that probability inside the pooled interval
    width = np.ptp(np.log(Mixture(tuple(experts)).quantile(P)))
    own = min(np.ptp(np.log(item.quantile(P))) for item in experts)
    assert width >= own * (1 - floats.MIXTURE_QUANTILE)


@given(betas | two_pieces)
def test_pooling_identical_panels_changes_nothing(expert: Distribution) -> None:
    np.testing.assert_allclose(
        to_working(Mixture((expert, expert)).quantile(P), "probability"),
        to_working(expert.quantile(P), "probability"),
        rtol=floats.MIXTURE_QUANTILE,
    )


@given(betas | two_pieces)
def test_a_mixture_of_one_is_exact(expert: Distribution) -> None:
    np.testing.assert_array_equal(Mixture((expert,)).quantile(P), expert.quantile(P))


@given(panels)
def test_quantiles_rise(mixture: Mixture) -> None:
    assert (np.diff(mixture.quantile(np.linspace(0.01, 0.99, 15))) >= 0).all()


@given(st.lists(panels, min_size=1, max_size=5))
def test_a_batch_equals_its_mixtures_alone(mixtures: list[Mixture]) -> None:
    together = pooled_quantiles(mixtures, P)
    alone = np.array([mixture.quantile(P) for mixture in mixtures])
    np.testing.assert_allclose(together, alone, rtol=floats.MIXTURE_QUANTILE)
    np.testing.assert_allclose(pooled_medians(mixtures), alone[:, 1], rtol=floats.MIXTURE_QUANTILE)


@pytest.mark.parametrize("spread", [0.05, 0.2, 1.0])
def test_the_median_of_two_far_apart_experts_is_in_the_middle(spread: float) -> None:
    # between them F is 1/2 to all digits a float has; by symmetry the tails balance half-way
    pair = (
        Distribution("two_piece_logit_normal", (-4.0, spread, spread)),
        Distribution("two_piece_logit_normal", (-1.0, spread, spread)),
    )
    assert to_working(Mixture(pair).median, "probability") == pytest.approx(-2.5, abs=1e-6)


def test_one_never_of_two_takes_half_the_mass() -> None:
    beta = Distribution("beta", (2.0, 8.0))
    mixture = Mixture((NEVER, beta))
    assert mixture.median == 0
    assert mixture.quantile(0.3) == 0
    assert mixture.quantile(0.75) == pytest.approx(float(beta.quantile(0.5)))
    assert mixture.cdf(0.0) == 0.5
    assert not mixture.is_never


def test_never_and_never_is_never() -> None:
    mixture = Mixture((NEVER, NEVER))
    assert mixture.is_never
    np.testing.assert_array_equal(mixture.quantile(P), [0, 0, 0])
    np.testing.assert_array_equal(mixture.sample(np.random.default_rng(0), 3), [0, 0, 0])


def test_a_batch_may_hold_every_kind_of_mixture() -> None:
    mixtures = [
        Mixture((NEVER,)),
        Mixture((Distribution("lognormal", (1.0, 0.5)), Distribution("lognormal", (2.0, 0.5)))),
        Mixture((Distribution("beta", (2.0, 8.0)), NEVER)),
        Mixture((Distribution("two_piece_lognormal", (8.0, 1.0, 0.5)),)),
    ]
    quantiles = pooled_quantiles(mixtures, P)
    for mixture, found in zip(mixtures, quantiles, strict=True):
        np.testing.assert_allclose(found, mixture.quantile(P), rtol=floats.MIXTURE_QUANTILE)
    draws = sample_mixtures(mixtures, np.random.default_rng(3), 200_000)
    assert draws.shape == (200_000, 4)
    for column, mixture in zip(draws.T, mixtures, strict=True):
        for x in mixture.quantile([0.2, 0.7, 0.95]):
            share = np.mean(column <= x)
            assert share == pytest.approx(float(mixture.cdf(x)), abs=floats.SAMPLED_SHARE)


@given(panels, st.integers(0, 2**32 - 1))
def test_samples_follow_from_the_seed(mixture: Mixture, seed: int) -> None:
    first = mixture.sample(np.random.default_rng(seed), 6)
    np.testing.assert_array_equal(first, mixture.sample(np.random.default_rng(seed), 6))


def test_empty_batches_are_empty() -> None:
    assert pooled_quantiles([], P).shape == (0, 3)
    assert pooled_medians([]).shape == (0,)
    assert sample_mixtures([], np.random.default_rng(0), 4).shape == (4, 0)


def test_ends_of_a_mixture_are_the_ends_of_its_scale() -> None:
    mixture = Mixture((Distribution("beta", (2.0, 8.0)), Distribution("beta", (3.0, 3.0))))
    np.testing.assert_array_equal(mixture.quantile([0.0, 1.0]), [0.0, 1.0])


def test_nothing_and_unlike_things_are_not_mixed() -> None:
    with pytest.raises(OptionError, match="got no distribution, expected at least one"):
        Mixture(())
    with pytest.raises(OptionError, match="got probabilities and odds ratios"):
        Mixture((Distribution("beta", (1.0, 1.0)), Distribution("lognormal", (0.0, 1.0))))
    with pytest.raises(ValueError, match=r"got p from -1.0 to 0.5, expected it in \[0, 1\]"):
        pooled_quantiles([Mixture((NEVER,))], [-1.0, 0.5])
