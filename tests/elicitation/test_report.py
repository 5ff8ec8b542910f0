"""Stated beside fitted, and how far the experts are apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import floats
from elicitation.tiny import make_kb, make_row
from thighdx.elicitation.distribution import Distribution
from thighdx.elicitation.judgements import pool_judgements
from thighdx.elicitation.report import elicitation_report, overlaps
from thighdx.kb.records import Judgement

SHARE = "shares strain|clinic"
LINK = "links strain|bruising|present"
BACKGROUND = "backgrounds bruising|present"


def report(*rows: Judgement) -> pd.DataFrame:
    kb = make_kb(*rows)
    return elicitation_report(kb, pool_judgements(kb))


def test_one_line_per_number_and_expert() -> None:
    table = report(
        make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)),
        make_row(SHARE, "panel_b", "k=3 n=20"),
        make_row(SHARE, "review", (0.001, 0.01, 0.10)),
        make_row(BACKGROUND, "panel_a", "low=0.01 best=0.02 high=0.03 confidence=0.5"),
        make_row(LINK, "panel_a", (0.3, 0.5, 0.8)),
    )
    assert list(table.expert) == ["panel_a", "panel_b", "review", "panel_a", "panel_b", "panel_a"]
    assert list(table.key.unique()) == [
        "strain|clinic",
        "strain|bruising|present",
        "bruising|present",
    ]
    assert list(table.used) == [False, False, True, True, True, True]
    assert list(table.filled) == [False, False, False, False, True, False]
    a, b, review, link, filled, background = (line for _, line in table.iterrows())
    assert list(a[["stated_q05", "stated_q50", "stated_q95"]]) == [0.1, 0.2, 0.35]
    assert 0 < a.miss < 0.05
    assert b.miss == 0
    assert b.stated_q50 == b.fitted_q50 == pytest.approx(stats.beta.ppf(0.5, 3.5, 17.5))
    assert review.family == "two_piece_logit_normal"
    assert review.pooled_q95 == pytest.approx(0.10)
    assert a.pooled_q50 == review.pooled_q50 == pytest.approx(0.01)
    assert np.isnan(filled.stated_q50)
    assert np.isnan(filled.miss)
    assert filled.fitted_q50 == pytest.approx(background.fitted_q50, rel=0.05)
    assert background.stated_q05 == background.fitted_q05 < 0.01
    assert np.isnan(link.disagreement)
    assert np.isnan(background.median_gap)


def test_disagreement_is_between_the_panels_not_with_their_correction() -> None:
    rows = [
        make_row(SHARE, "panel_a", (0.1, 0.2, 0.35)),
        make_row(SHARE, "panel_b", (0.4, 0.5, 0.6)),
    ]
    plain = report(*rows)
    corrected = report(*rows, make_row(SHARE, "review", (0.7, 0.8, 0.9)))
    assert plain.median_gap[0] == corrected.median_gap[0]
    assert plain.disagreement[0] == corrected.disagreement[0]
    assert plain.median_gap[0] == pytest.approx(np.log(4), abs=0.05)  # log odds of 0.2 against 0.5
    assert plain.disagreement[0] > 0.9


def test_never_agrees_with_never_and_with_nothing_else() -> None:
    never = [make_row(SHARE, name, "never") for name in ("panel_a", "panel_b")]
    both = report(*never)
    assert list(both.disagreement) == list(both.median_gap) == [0, 0]
    mixed = report(never[0], make_row(SHARE, "panel_b", (0.1, 0.2, 0.3)), make_row(SHARE, "review", "never"))
    assert mixed.disagreement[0] == 1
    assert mixed.median_gap[0] == np.inf


@pytest.mark.parametrize(
    ("one", "other"),
    [((2.0, 8.0), (4.0, 6.0)), ((0.5, 40.0), (0.5, 20.0)), ((90.0, 3.0), (3.0, 9.0))],
)
def test_overlap_is_the_integral_of_the_smaller_density(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    t = np.linspace(-40, 40, 400_001)
    x = 1 / (1 + np.exp(-t))
    densities = [stats.beta.pdf(x, *params) * x * (1 - x) for params in (one, other)]
    expected = np.trapezoid(np.min(densities, axis=0), t)
    (found,) = overlaps([[Distribution("beta", one), Distribution("beta", other)]])
    assert found == pytest.approx(expected, abs=floats.OVERLAP)


def test_equal_normals_overlap_as_published() -> None:
    # Inman and Bradley (1989): 2 Phi(-|difference| / (2 sd)) for two normals of one spread
    pair = [Distribution("lognormal", (0.0, 1.0)), Distribution("lognormal", (1.5, 1.0))]
    (found,) = overlaps([pair])
    assert found == pytest.approx(2 * stats.norm.cdf(-0.75), abs=floats.OVERLAP)


lognormals = st.builds(lambda m, s: Distribution("lognormal", (m, s)), st.floats(-3, 3), st.floats(0.1, 1.5))


@given(st.lists(lognormals, min_size=2, max_size=4))
def test_overlap_is_a_share_and_ignores_the_order(group: list[Distribution]) -> None:
    found = overlaps([group, group[::-1], [group[0]] * 3])
    assert 0 <= found[0] <= 1
    assert found[0] == pytest.approx(found[1], abs=floats.SUMS_TO_ONE)
    assert found[2] == pytest.approx(1, abs=floats.SUMS_TO_ONE)
