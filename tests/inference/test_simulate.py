"""Simulated patients: reproducible, possible, and as the network says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import thighdx.inference.simulate
from patients import NETWORK, SETTINGS, VOCABULARY, evidence_ids, scored
from thighdx.arrays import softmax
from thighdx.errors import EvidenceError, TableError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import log_weights
from thighdx.inference.marginals import marginals
from thighdx.inference.simulate import simulate_table

CAUSES = [cause.id for cause in VOCABULARY.causes]
TRUTH = [f"true_{cause}" for cause in CAUSES]

# A share of n independent patients misses its probability by more than this many standard errors
# once in 500,000 tests. Some hundred are compared below, at fixed seeds: a failure means an error.
STANDARD_ERRORS = 4.75
N_PATIENTS = 40_000


def simulated(n: int, *, seed: int = 1, setting: str = "primary_care") -> pd.DataFrame:
    return simulate_table(NETWORK, VOCABULARY, n, seed=seed, setting=setting)


def assert_share(found: float, expected: float, n: int) -> None:
    """Compare a share with a probability; one patient is granted to probabilities near 0."""
    error = np.sqrt(expected * (1 - expected) / n)
    assert abs(found - expected) <= STANDARD_ERRORS * error + 1 / n


def test_columns_are_all_variables_and_then_the_truth() -> None:
    table = simulated(7)
    assert list(table.columns) == [*evidence_ids(), *TRUTH]
    assert len(table) == 7
    assert not table.isna().any(axis=None)
    assert {str(kind) for kind in table[TRUTH].dtypes} == {"bool"}


@pytest.mark.parametrize("n", [0, 1, 50])
def test_findings_are_ordered_categories_and_contexts_categories(n: int) -> None:
    table = simulated(n)
    for variable in VOCABULARY.variables:
        kind = table[variable.id].dtype
        assert isinstance(kind, pd.CategoricalDtype)
        assert tuple(kind.categories) == variable.states
        assert kind.ordered == (variable.layer in ("finding", "test"))


def test_the_same_seed_gives_the_same_patients_and_another_seed_others() -> None:
    pd.testing.assert_frame_equal(simulated(200, seed=5), simulated(200, seed=5))
    assert not simulated(200, seed=5).equals(simulated(200, seed=6))


def test_patients_do_not_depend_on_the_size_of_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulated(500)
    monkeypatch.setattr(thighdx.inference.simulate, "CELLS_PER_CHUNK", 70)
    pd.testing.assert_frame_equal(simulated(500), whole)


def test_fewer_patients_are_the_first_of_more() -> None:
    pd.testing.assert_frame_equal(simulated(30), simulated(100).iloc[:30])


def test_one_to_max_causes_are_present() -> None:
    n_present = simulated(2_000)[TRUTH].sum(axis=1)
    assert set(n_present) == set(range(1, NETWORK.spec.max_causes + 1))


def test_an_impossible_outcome_at_the_end_stays_impossible_however_the_sum_was_rounded() -> None:
    for probability in ([0.1] * 10 + [0.0], [0.7, 0.1, 0.2, 0.0]):  # 1 - 1e-16 and 1
        thresholds = thighdx.inference.simulate._thresholds(np.array(probability)[:, None])[:, 0]
        assert thresholds[-1] == 1.0
    half = thighdx.inference.simulate._thresholds(np.array([[2.0], [1.0], [1.0]]))[:, 0]
    assert half.tolist() == [0.5, 0.75]


def test_what_is_impossible_never_occurs() -> None:
    table = simulated(N_PATIENTS)
    assert not ((table.age_band == "65+") & (table.pregnancy == "present")).any()
    assert not (table.true_cramp & ~table.true_strain & (table.bruising == "present")).any()


@pytest.mark.parametrize("setting", SETTINGS)
def test_margins_are_those_of_the_network(setting: str) -> None:
    table = simulated(N_PATIENTS, seed=11, setting=setting)
    setting_idx = SETTINGS.index(setting)
    nothing = EvidenceBatch(
        np.full((1, NETWORK.n_variables), UNKNOWN, dtype=np.int8),
        np.full((1, len(CAUSES)), UNKNOWN, dtype=np.int8),
        np.array([setting_idx]),
    )
    expected = marginals(NETWORK, nothing, softmax(log_weights(NETWORK, nothing)[0]))
    for variable, probability in zip(VOCABULARY.variables, expected, strict=True):
        for state, p in zip(variable.states, probability, strict=True):
            assert_share((table[variable.id] == state).mean(), p, N_PATIENTS)
    for name, share in zip(TRUTH, NETWORK.spec.shares[setting_idx], strict=True):
        assert_share(table[name].mean(), share, N_PATIENTS)


def test_findings_follow_from_the_causes() -> None:
    table = simulated(N_PATIENTS, seed=12)
    alone = table[table.true_clot & ~table.true_strain & ~table.true_cramp]
    assert_share((alone.d_dimer == "positive").mean(), 0.97, len(alone))
    alone = table[table.true_strain & ~table.true_clot & ~table.true_cramp]
    assert_share((alone.onset == "sudden").mean(), 0.7, len(alone))
    assert_share((alone.onset != "gradual").mean(), 0.9, len(alone))


def test_posteriors_of_simulated_patients_are_calibrated() -> None:
    table = simulated(N_PATIENTS, seed=13)
    hidden = np.random.default_rng(14).random((N_PATIENTS, len(evidence_ids()))) < 0.3
    table[evidence_ids()] = table[evidence_ids()].mask(hidden)
    result: Any = scored(table)
    assert (result.status == "ok").all()
    for cause in CAUSES:
        bins = np.minimum((result[cause] * 10).astype(int), 9)
        for _, members in result.groupby(bins):
            p = members[cause]
            # a sum of independent draws, one per patient, each with a variance of p (1 - p)
            error = np.sqrt((p * (1 - p)).sum())
            missed = abs(members[f"true_{cause}"].sum() - p.sum())
            assert missed <= STANDARD_ERRORS * error + 1


@pytest.mark.parametrize("n", [-1, 2.5, None, True, "3"])
def test_a_number_of_patients_that_cannot_be_is_an_error(n: Any) -> None:
    with pytest.raises(TableError, match=r"simulate: n: got .* expected a whole number from 0"):
        simulated(n)


@pytest.mark.parametrize("seed", [-1, 0.5, None, False, "1"])
def test_a_seed_that_cannot_be_is_an_error(seed: Any) -> None:
    with pytest.raises(TableError, match=r"simulate: seed: got .* expected a whole number"):
        simulated(3, seed=seed)


def test_whole_numbers_of_numpy_will_do() -> None:
    table = simulated(np.int64(4), seed=np.int32(1))
    pd.testing.assert_frame_equal(table, simulated(4, seed=1))


def test_a_setting_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="expected one of primary_care, sports_clinic"):
        simulated(3, setting="moon")
