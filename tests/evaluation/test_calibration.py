"""Forward simulation: where the shipped model says p, the cause is there in p of its own patients."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from thighdx.model import Model

N_PATIENTS = 12_000
N_KNOWN = 14
EDGES = np.array([0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 1.0000001])
# About 38 x 13 bins are looked at: by chance one of 500 is 3 standard errors off, one of 30,000 is 4.2 off.
# The seed is fixed, so the test gives the same answer every time.
STANDARD_ERRORS = 4.2
SETTING = "emergency_department"  # where the rare causes are least rare


@pytest.fixture(scope="module")
def patients(model: Model) -> pd.DataFrame:
    """Simulated patients of whom some findings are known, others for every one, and the truth."""
    table = model.simulate(N_PATIENTS, seed=20_261_120, setting=SETTING)
    rng = np.random.default_rng(7)
    names = list(model.variables)
    rank = rng.random((N_PATIENTS, len(names))).argsort(axis=1)
    for column, name in enumerate(names):
        table[name] = table[name].where(rank[:, column] < N_KNOWN)
    assert table[names].notna().sum(axis=1).eq(N_KNOWN).all()
    return table


@pytest.fixture(scope="module")
def scored(model: Model, patients: pd.DataFrame) -> pd.DataFrame:
    return model.score(patients, setting=SETTING, groups=True)


def misses(chance: np.ndarray, truth: np.ndarray) -> list[tuple[float, float, float]]:
    """Bins whose share of patients with the cause is too far from the mean posterior."""
    found = []
    for low, high in itertools.pairwise(EDGES):
        inside = (chance >= low) & (chance < high)
        expected, observed = chance[inside].sum(), truth[inside].sum()
        spread = np.sqrt((chance[inside] * (1 - chance[inside])).sum())
        if (
            expected >= 3
            and inside.sum() - expected >= 3
            and abs(observed - expected) > STANDARD_ERRORS * spread
        ):
            found.append((float(low), float(expected), float(observed)))
    return found


def test_every_simulated_patient_is_possible(scored: pd.DataFrame) -> None:
    assert (scored["status"] == "ok").all()
    assert np.isfinite(scored["log_evidence"]).all()


def test_posteriors_of_every_cause_are_calibrated(model: Model, scored: pd.DataFrame) -> None:
    wrong = {}
    n_bins = 0
    for cause in model.causes:
        chance, truth = scored[cause].to_numpy(), scored[f"true_{cause}"].to_numpy()
        wrong[cause] = misses(chance, truth)
        n_bins += len(np.unique(np.digitize(chance, EDGES)))
    assert {cause: found for cause, found in wrong.items() if found} == {}
    assert n_bins > 150


def test_groups_are_calibrated(model: Model, scored: pd.DataFrame) -> None:
    for group, members in model.groups.items():
        truth = scored[[f"true_{member}" for member in members]].any(axis=1).to_numpy()
        assert misses(scored[f"group_{group}"].to_numpy(), truth) == [], group


def test_each_cause_is_as_frequent_as_its_share(model: Model, scored: pd.DataFrame) -> None:
    prior = model.diagnose({}, setting=SETTING).prior
    for cause, share in prior.items():
        spread = np.sqrt(N_PATIENTS * share * (1 - share))
        assert abs(scored[f"true_{cause}"].sum() - N_PATIENTS * share) <= STANDARD_ERRORS * spread + 1, cause


def test_findings_bring_the_posteriors_nearer_to_the_truth(model: Model, scored: pd.DataFrame) -> None:
    """The mean log score of the causes beats that of the prior by far more than chance."""
    truth = scored[[f"true_{cause}" for cause in model.causes]].to_numpy()
    chance = scored[list(model.causes)].to_numpy()
    prior = model.diagnose({}, setting=SETTING).prior[list(model.causes)].to_numpy()
    gain = np.log(np.where(truth, chance / prior, (1 - chance) / (1 - prior))).sum(axis=1)
    assert gain.mean() > 10 * gain.std() / np.sqrt(N_PATIENTS)


def test_wrong_posteriors_would_be_noticed(model: Model, scored: pd.DataFrame) -> None:
    """The same check finds fault with posteriors whose log odds are a third too large."""
    wrong = 0
    for cause in model.causes:
        chance, truth = scored[cause].to_numpy(), scored[f"true_{cause}"].to_numpy()
        odds = (chance / (1 - chance)) ** (4 / 3)
        wrong += bool(misses(odds / (1 + odds), truth))
    assert wrong > 10
