"""Every form of statement, and every way to get one wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import floats
from thighdx.elicitation.distribution import Distribution, Scale
from thighdx.elicitation.scales import VERBAL_SCALES
from thighdx.elicitation.statements import StatementError, fit_statement, parse_statement
from thighdx.errors import ThighdxError


def test_counts_are_a_jeffreys_posterior() -> None:
    fit = fit_statement("k=3 n=20", scale="probability")
    assert fit.distribution == Distribution("beta", (3.5, 17.5))
    np.testing.assert_allclose(
        fit.fitted, stats.beta.ppf([0.05, 0.5, 0.95], 3.5, 17.5), rtol=floats.DISTRIBUTION
    )
    assert fit.stated == fit.fitted
    assert fit.miss == 0


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_any_count_is_a_belief(counts: tuple[int, int]) -> None:
    k, n = counts
    fit = fit_statement(f"k={k} n={n}", scale="probability")
    assert fit.distribution.params == (k + 0.5, n - k + 0.5)


def test_a_mean_with_its_sample_size() -> None:
    fit = fit_statement("mean=0.2 ess=30", scale="probability")
    np.testing.assert_allclose(fit.distribution.params, (6.0, 24.0))


@pytest.mark.parametrize("scale", ["probability", "odds_ratio"])
def test_a_range_is_fitted_at_its_own_levels(scale: Scale) -> None:
    fit = fit_statement("low=0.1 best=0.2 high=0.3 confidence=0.8", scale=scale)
    np.testing.assert_allclose(fit.levels, (0.1, 0.5, 0.9))
    assert fit.stated == (0.1, 0.2, 0.3)
    np.testing.assert_allclose(fit.distribution.quantile([0.1, 0.5, 0.9]), fit.stated, rtol=0.05)
    assert fit.distribution.scale == scale


def test_a_range_at_ninety_percent_is_three_quantiles() -> None:
    fit = fit_statement("low=0.1 best=0.2 high=0.3 confidence=0.9", scale="probability")
    np.testing.assert_allclose(fit.levels, (0.05, 0.5, 0.95))


@pytest.mark.parametrize(
    ("scale_id", "word"), [(s.id, word) for s in VERBAL_SCALES.values() for word in s.words]
)
def test_every_word_becomes_its_range(scale_id: str, word: str) -> None:
    low, high = VERBAL_SCALES[scale_id].words[word]
    fit = fit_statement(f"scale={scale_id} word={word}", scale="probability")
    assert fit.stated[::2] == (low, high)
    odds = fit.stated[1] / (1 - fit.stated[1])
    assert odds**2 == pytest.approx(low / (1 - low) * high / (1 - high))
    np.testing.assert_allclose(fit.fitted, fit.stated, rtol=0.05)


def test_the_best_value_of_a_rare_word_is_the_geometric_mean() -> None:
    fit = fit_statement("scale=eu-smpc-2009 word=rare", scale="probability")
    assert fit.stated[1] == pytest.approx(np.sqrt(0.0001 * 0.001), rel=0.001)


@pytest.mark.parametrize(
    "text", ["word=very_common scale=EU-SmPC-2009", "scale=eu-smpc-2009 word=Very common"]
)
def test_spelling_of_words_is_forgiving(text: str) -> None:
    expected = parse_statement("scale=eu-smpc-2009 word=very common", scale="probability")
    assert parse_statement(text, scale="probability") == expected


@pytest.mark.parametrize("text", ["never", " Never "])
@pytest.mark.parametrize("scale", ["probability", "odds_ratio"])
def test_never_is_zero_on_either_scale(text: str, scale: Scale) -> None:
    fit = fit_statement(text, scale=scale)
    assert fit.distribution.is_never
    assert fit.fitted == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nevr", r"got statement 'nevr', expected a form like 'k=3 n=20'.*did you mean 'never'\?"),
        ("", "got statement '', expected a form like"),
        ("about a third", "got statement 'about a third', expected a form like"),
        ("k=3 n=20 or so", "got n=20 or so, expected a number"),
        ("roughly k=3 n=20", "got statement 'roughly k=3 n=20', expected a form like"),
        ("k=3", "next to 'k=3 n=20': n= is missing"),
        ("k=3 m=20", "expected a form like"),
        ("mean=0.2", "next to 'mean=0.2 ess=30': ess= is missing"),
        ("mean=0.2 es=30", r"did you mean 'ess'\?"),
        ("low=0.1 best=0.2 high=0.3", "confidence= is missing"),
        ("low=0.1 best=0.2 high=0.3 confidence=0.9 n=3", "n= does not belong"),
        ("word=common", "next to 'scale=eu-smpc-2009 word=common': scale= is missing"),
        ("k=3 n=20 n=30", "got n= more than once in .*, expected it once"),
        ("k=x n=20", "got k=x, expected a number"),
        ("k=1.5 n=20", "got k=1.5 n=20, expected whole numbers with 0 <= k <= n"),
        ("k=20 n=3", r"expected whole numbers .*; did you mean k=3 n=20\?"),
        ("k=0 n=0", "expected whole numbers with 0 <= k <= n, n >= 1"),
        (
            "mean=20 ess=30",
            r"got mean=20, expected a frequency in \(0, 1\); did you mean mean=0.2\?",
        ),
        ("mean=0 ess=30", r"got mean=0, expected a frequency in \(0, 1\)$"),
        ("mean=0.2 ess=0", "got ess=0, expected an effective sample size above 0"),
        ("mean=0.2 ess=inf", "got ess=inf, expected a number"),
        ("low=0.3 best=0.2 high=0.1 confidence=0.9", "expected low < best < high, all in"),
        ("low=0.3 best=0.5 high=1 confidence=0.9", r"all in \(0, 1\)"),
        ("low=0.1 best=0.2 high=0.3 confidence=90", r"did you mean confidence=0.9\?"),
        ("low=0.1 best=0.2 high=0.3 confidence=1", r"got confidence=1, expected a number in"),
        ("scale=eu-smpc word=common", r"got scale 'eu-smpc', .*; did you mean 'eu-smpc-2009'\?"),
        ("scale=zzz word=common", "got scale 'zzz', expected one of eu-smpc-2009, efsa-2018$"),
        ("scale=efsa-2018 word=likley", r"got word 'likley', .*; did you mean 'likely'\?"),
        ("scale=efsa-2018 word=zzz", r"expected a word of efsa-2018 \(almost certain, .*\)$"),
    ],
)
def test_a_malformed_statement_says_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(StatementError, match=message):
        parse_statement(text, scale="probability")


@pytest.mark.parametrize("text", ["k=3 n=20", "mean=0.2 ess=30", "scale=efsa-2018 word=likely"])
def test_a_frequency_is_no_odds_ratio(text: str) -> None:
    with pytest.raises(StatementError, match=r"this form is about a frequency; expected low=, best="):
        parse_statement(text, scale="odds_ratio")


def test_an_odds_ratio_range_must_be_above_zero() -> None:
    with pytest.raises(StatementError, match="expected low < best < high, all above 0"):
        parse_statement("low=0 best=2 high=3 confidence=0.9", scale="odds_ratio")


def test_a_statement_error_is_one_of_ours_and_a_value_error() -> None:
    assert issubclass(StatementError, ThighdxError)
    assert issubclass(StatementError, ValueError)
