"""Intervals of many cases against those of every case alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import special

import floats
import thighdx
from thighdx.errors import UnknownNameError
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, Likelihood, take_cases
from thighdx.reasoning.batch_intervals import MUST_NOT_MISS, SMALLEST_POSTERIOR, batch_intervals
from thighdx.reasoning.gradients import case_gradient
from thighdx.reasoning.intervals import cornish_fisher, delta_moments
from thighdx.reasoning.layout import judgement_layout

LEVEL = 0.9


@pytest.fixture(scope="module")
def cohort(model: thighdx.Model) -> EvidenceBatch:
    """Simulated patients of two settings with much unknown, some of them with virtual evidence."""
    rng = np.random.default_rng(8)
    n = 12
    table = model.simulate(n, seed=21)
    codes = np.stack([table[v].cat.codes.to_numpy() for v in model.variables], axis=1).astype(np.int8)
    codes[rng.random(codes.shape) < np.linspace(0.3, 0.95, n)[:, None]] = UNKNOWN
    codes[0] = UNKNOWN
    given = np.full((n, len(model.causes)), UNKNOWN, dtype=np.int8)
    given[3, 4] = 0
    names, rows = list(model.variables), np.array([5, 6])
    virtual = []
    for name, weights in {
        "bruising": [[0.2, 0.9], [1.0, 0.1]],
        "onset": [[0.2, 0.9, 0.1], [0.0, 0.5, 0.5]],
        "sex": [[0.7, 0.3], [0.0, 2.0]],
        "age_band": [[0.1, 0.2, 0.5, 0.2, 0.1, 0.1], [0.0, 0.0, 1.0, 1.0, 0.5, 0.1]],
        "recent_immobility": [[0.9, 0.4], [0.1, 1.0]],
    }.items():
        weights = np.array(weights)[:, : len(model.variables[name].states)]
        codes[rows, names.index(name)] = UNKNOWN
        virtual.append(Likelihood(names.index(name), rows, weights))
    on_cause = Likelihood(7, np.array([6]), np.array([[1.0, 3.0]]))
    return EvidenceBatch(codes, given, np.arange(n) % 2, tuple(virtual), (on_cause,))


def test_a_batch_says_what_every_case_says_alone(model: thighdx.Model, cohort: EvidenceBatch) -> None:
    network, pooled = model.network, model.compiled.pooled
    layout = judgement_layout(network, pooled)
    found = batch_intervals(network, model.compiled.kb, pooled, cohort, LEVEL)
    always = [cause in model.groups[MUST_NOT_MISS] for cause in model.causes]
    gaps = []
    for row in range(cohort.n_cases):
        case = take_cases(cohort, np.array([row]))
        slope = case_gradient(network, layout, case)
        moments = delta_moments(network, layout, case, slope)
        ends = cornish_fisher(slope.log_odds, moments, [0.05, 0.95])
        posterior = special.expit(slope.log_odds)
        asked = ~np.isnan(found.lower[row])
        assert asked.tolist() == (always | (posterior > SMALLEST_POSTERIOR)).tolist()
        asked &= np.isfinite(slope.log_odds)
        sd = np.sqrt(moments[asked, 1])
        np.testing.assert_allclose(found.log_odds_sd[row, asked], sd, rtol=floats.BATCH_SPREAD)
        for end, values in zip(ends, (found.lower, found.upper), strict=True):
            gaps.append(np.abs(special.logit(values[row, asked]) - end[asked]))
    assert np.quantile(np.concatenate(gaps), 0.99) < floats.BATCH_END_POINT
    assert np.concatenate(gaps).max() < floats.BATCH_WORST_END_POINT


def test_rows_do_not_depend_on_one_another(model: thighdx.Model, cohort: EvidenceBatch) -> None:
    parts = model.network, model.compiled.kb, model.compiled.pooled
    whole = batch_intervals(*parts, cohort, LEVEL)
    for row in (1, 5, 6):
        alone = batch_intervals(*parts, take_cases(cohort, np.array([row])), LEVEL)
        np.testing.assert_allclose(alone.lower[0], whole.lower[row], rtol=floats.BATCH_ALONE)
        np.testing.assert_allclose(alone.upper[0], whole.upper[row], rtol=floats.BATCH_ALONE)


def test_only_the_named_and_the_likely_causes_get_an_interval(
    model: thighdx.Model, cohort: EvidenceBatch
) -> None:
    parts = model.network, model.compiled.kb, model.compiled.pooled
    found = batch_intervals(*parts, cohort, LEVEL, causes=["femoral_fracture"])
    fracture = list(model.causes).index("femoral_fracture")
    assert not np.isnan(found.lower[:, fracture]).any()
    assert np.isnan(found.lower).any()
    inside = ~np.isnan(found.lower)
    assert ((found.lower >= 0) & (found.lower <= found.upper) & (found.upper <= 1))[inside].all()
    with pytest.raises(UnknownNameError, match="femoral_fracture"):
        batch_intervals(*parts, cohort, LEVEL, causes=["femoral_fractur"])
    with pytest.raises(ValueError, match=r"level: got 0, expected a probability"):
        batch_intervals(*parts, cohort, 0)


def test_rows_are_the_same_without_compiled_code(
    model: thighdx.Model, cohort: EvidenceBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = model.network, model.compiled.kb, model.compiled.pooled
    few = take_cases(cohort, np.array([2, 9]))
    compiled = batch_intervals(*parts, few, LEVEL)
    monkeypatch.setitem(sys.modules, "thighdx.reasoning.batch_kernel", None)
    plain = batch_intervals(*parts, few, LEVEL)
    np.testing.assert_allclose(plain.log_odds_sd, compiled.log_odds_sd, rtol=floats.BATCH_SPREAD)


def test_impossible_rows_have_no_interval(model: thighdx.Model, cohort: EvidenceBatch) -> None:
    codes = np.full((1, len(model.variables)), UNKNOWN, dtype=np.int8)
    names = list(model.variables)
    for name, state in (("sex", "male"), ("pregnancy", "first_trimester")):
        codes[0, names.index(name)] = model.variables[name].states.index(state)
    batch = EvidenceBatch(codes, cohort.given[:1], cohort.setting_idx[:1])
    found = batch_intervals(model.network, model.compiled.kb, model.compiled.pooled, batch, LEVEL)
    assert np.isnan(found.lower).all()
