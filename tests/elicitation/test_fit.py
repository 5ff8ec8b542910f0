"""Fits against scipy's optimizer, and against what was stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, special, stats

import floats
from thighdx.elicitation.distribution import Floats
from thighdx.elicitation.fit import fit_quantiles
from thighdx.errors import OptionError

TOLERANCE = 0.05
P = np.array([0.05, 0.5, 0.95])

logits = st.tuples(st.floats(-11, 7), st.floats(0.02, 3), st.floats(0.02, 3))


def as_quantiles(logit: tuple[float, float, float]) -> list[float]:
    middle, below, above = logit
    return special.expit([middle - below, middle, middle + above]).tolist()  # type: ignore[no-any-return]


def test_the_rare_cause_of_the_design_keeps_its_tail() -> None:
    stated = [0.001, 0.01, 0.10]
    (fit,) = fit_quantiles([stated], scale="probability")
    assert fit.is_two_piece
    np.testing.assert_allclose(fit.fitted, stated, rtol=floats.EXACT_FIT)


def test_least_squares_on_the_cumulative_probabilities_would_lose_that_tail() -> None:
    # the figure design.md quotes, 0.039 at 95 %, so that nobody changes the scale of the fit back
    def miss(log_ab: Floats) -> Floats:
        cdf = stats.beta.cdf([0.001, 0.01, 0.10], *np.exp(log_ab))
        return np.asarray(cdf - P, dtype=np.float64)

    found = optimize.least_squares(miss, np.log([0.5, 30.0]))
    assert stats.beta.ppf(0.95, *np.exp(found.x)) == pytest.approx(0.039, abs=0.001)


@pytest.mark.parametrize(
    "stated",
    [(0.1, 0.2, 0.35), (0.86, 0.93, 0.975), (0.002, 0.01, 0.03), (0.4, 0.5, 0.6), (0.01, 0.3, 0.9)],
)
def test_a_beta_is_the_least_squares_one_on_the_logit_scale(
    stated: tuple[float, float, float],
) -> None:
    def miss(log_ab: Floats) -> Floats:
        gap = special.logit(stats.beta.ppf(P, *np.exp(log_ab))) - special.logit(stated)
        return np.asarray(gap, dtype=np.float64)

    best = optimize.least_squares(miss, [0.0, 0.0], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    (fit,) = fit_quantiles([stated], scale="probability", tolerance=np.inf)
    np.testing.assert_allclose(fit.distribution.params, np.exp(best.x), rtol=floats.LEAST_SQUARES)


def test_quantiles_of_a_beta_give_that_beta_back() -> None:
    truth = [(3.5, 17.5), (0.8, 60.0), (40.0, 2.0), (1.0, 1.0), (300.0, 500.0)]
    stated = np.array([stats.beta.ppf(P, a, b) for a, b in truth])
    fits = fit_quantiles(stated, scale="probability")
    found = [fit.distribution.params for fit in fits]
    np.testing.assert_allclose(found, truth, rtol=floats.LEAST_SQUARES)


def test_quantiles_of_a_lognormal_give_that_lognormal_back() -> None:
    stated = stats.lognorm.ppf(P, 0.4, scale=np.exp(1.1))
    (fit,) = fit_quantiles([stated], scale="odds_ratio")
    assert fit.distribution.family == "lognormal"
    np.testing.assert_allclose(fit.distribution.params, (1.1, 0.4), rtol=floats.EXACT_FIT)


def test_a_lognormal_is_a_straight_line_through_the_logarithms() -> None:
    stated = np.array([1.0, 2.1, 4.0])
    slope, intercept = np.polyfit(stats.norm.ppf(P), np.log(stated), 1)
    (fit,) = fit_quantiles([stated], scale="odds_ratio")
    np.testing.assert_allclose(fit.distribution.params, (intercept, slope), rtol=floats.EXACT_FIT)


@given(st.lists(logits, min_size=1, max_size=8))
def test_no_fit_misses_by_more_than_the_tolerance(
    rows: list[tuple[float, float, float]],
) -> None:
    stated = np.array([as_quantiles(row) for row in rows])
    for fit, wanted in zip(fit_quantiles(stated, scale="probability"), stated, strict=True):
        fitted = fit.distribution.quantile(P)
        np.testing.assert_allclose(fitted, fit.fitted, rtol=floats.ROUND_TRIP)
        assert (np.abs(fitted - wanted) <= wanted * (TOLERANCE + floats.EXACT_FIT)).all()
        assert (np.abs(fitted - wanted) <= (1 - wanted) * (TOLERANCE + floats.ROUND_TRIP)).all()


@given(logits, st.sampled_from(["probability", "odds_ratio"]))
def test_two_pieces_match_all_three_quantiles(logit: tuple[float, float, float], scale: str) -> None:
    stated = as_quantiles(logit)
    # a negative tolerance refuses every one-piece fit
    (fit,) = fit_quantiles([stated], scale=scale, tolerance=-1.0)  # type: ignore[arg-type]
    assert fit.is_two_piece
    np.testing.assert_allclose(fit.distribution.quantile(P), stated, rtol=floats.EXACT_FIT)
    assert fit.miss <= floats.ROUND_TRIP


@given(logits)
def test_a_frequency_and_its_complement_are_the_same_judgement(
    logit: tuple[float, float, float],
) -> None:
    stated = np.array(as_quantiles(logit))
    here, there = fit_quantiles([stated, (1 - stated)[::-1]], scale="probability")
    assume(abs(here.miss - TOLERANCE) > 1e-6)  # at the very tolerance rounding may decide
    assert here.distribution.family == there.distribution.family
    mirrored = 1 - np.array(there.fitted)[::-1]
    np.testing.assert_allclose(here.fitted, mirrored, rtol=1e-4, atol=1e-12)


@given(st.lists(logits, min_size=2, max_size=6))
def test_a_batch_equals_its_rows_fitted_alone(rows: list[tuple[float, float, float]]) -> None:
    stated = [as_quantiles(row) for row in rows]
    alone = tuple(fit_quantiles([row], scale="probability")[0] for row in stated)
    assert fit_quantiles(stated, scale="probability") == alone


def test_other_levels_are_matched_at_those_levels() -> None:
    levels = [[0.1, 0.5, 0.9], [0.25, 0.5, 0.75]]
    stated = [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]]
    for fit, p in zip(fit_quantiles(stated, scale="probability", levels=levels), levels, strict=True):
        np.testing.assert_allclose(fit.distribution.quantile(p), stated[0], rtol=TOLERANCE)
        assert fit.levels == tuple(p)


@pytest.mark.parametrize(
    "stated",
    [(1e-5, 2e-5, 9e-5), (1e-9, 1e-5, 0.9), (0.5, 0.99, 0.9995), (0.3, 0.3000001, 0.3000002)],
)
def test_extreme_quantiles_are_fitted(stated: tuple[float, float, float]) -> None:
    (fit,) = fit_quantiles([stated], scale="probability")
    np.testing.assert_allclose(fit.fitted, stated, rtol=TOLERANCE)


def test_what_no_beta_can_say_two_pieces_can() -> None:
    stated = (1e-12, 0.5, 1 - 1e-9)
    (fit,) = fit_quantiles([stated], scale="probability")
    assert fit.is_two_piece
    np.testing.assert_allclose(fit.fitted, stated, rtol=floats.ROUND_TRIP)


def test_no_rows_give_no_fits() -> None:
    assert fit_quantiles(np.empty((0, 3)), scale="probability") == ()


@pytest.mark.parametrize(
    ("stated", "scale", "message"),
    [
        ((0.2, 0.1, 0.3), "probability", r"row 1: got quantiles \(0.2, 0.1, 0.3\), expected three"),
        ((0.1, 0.2, 1.0), "probability", r"expected three rising values in \(0, 1\)"),
        ((0.0, 1.0, 2.0), "odds_ratio", "expected three rising values above 0"),
        ((0.1, 0.2, np.nan), "probability", "expected three rising values"),
        ((0.1, 0.2, np.inf), "odds_ratio", "expected three rising values"),
    ],
)
def test_quantiles_out_of_order_or_range_are_refused(
    stated: tuple[float, float, float], scale: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        fit_quantiles([(0.1, 0.2, 0.3), stated], scale=scale)  # type: ignore[arg-type]


def test_levels_without_the_median_are_refused() -> None:
    with pytest.raises(OptionError, match=r"got levels \(0.1, 0.4, 0.9\), expected one below 0.5"):
        fit_quantiles([[0.1, 0.2, 0.3]], scale="probability", levels=(0.1, 0.4, 0.9))
