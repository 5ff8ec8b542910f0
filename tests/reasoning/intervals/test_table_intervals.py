"""Intervals of the rows of a table are those of every case alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import floats
import strategies
import thighdx
from plain_cases import batch_of
from reasoning.intervals.judged import judgements
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood, take_cases
from thighdx.network.build import build_network
from thighdx.reasoning.intervals.delta import case_gradients, delta_moments
from thighdx.reasoning.intervals.layout import judgement_layout
from thighdx.reasoning.intervals.table_intervals import table_intervals

LEVEL = 0.9


@pytest.fixture(scope="module")
def cohort(model: thighdx.Model) -> EvidenceBatch:
    """Simulated patients of two settings with much unknown, some of them with virtual evidence."""
    rng = np.random.default_rng(8)
    n = 12
    table = model.simulate(n, seed=21)
    codes = np.stack([table[v].cat.codes.to_numpy() for v in model.variables], axis=1).astype(np.int8)
    codes[rng.random(codes.shape) < np.linspace(0.0, 0.95, n)[:, None]] = UNKNOWN
    codes[-1] = UNKNOWN
    given = np.full((n, len(model.causes)), UNKNOWN, dtype=np.int8)
    given[3, 4], given[7, 2] = 0, 1
    names, rows = list(model.variables), np.array([5, 6])
    virtual = []
    for name, weights in {
        "bruising": [[0.2, 0.9], [1.0, 0.1]],
        "onset": [[0.2, 0.9, 0.1], [0.0, 0.5, 0.5]],
        "sex": [[0.7, 0.3], [0.0, 2.0]],
        "age_band": [[0.1, 0.2, 0.5, 0.2, 0.1, 0.1], [0.0, 0.0, 1.0, 1.0, 0.5, 0.1]],
        "recent_immobility": [[0.9, 0.4], [0.1, 1.0]],
    }.items():
        states = np.array(weights)[:, : len(model.variables[name].states)]
        codes[rows, names.index(name)] = UNKNOWN
        virtual.append(Likelihood(names.index(name), rows, states))
    on_cause = Likelihood(7, np.array([6]), np.array([[1.0, 3.0]]))
    return EvidenceBatch(codes, given, np.arange(n) % 2, tuple(virtual), (on_cause,))


def test_a_row_has_the_interval_of_the_case_alone(model: thighdx.Model) -> None:
    """In every setting, with virtual evidence and causes given, for every cause."""
    cases = patients(model)
    table = pd.DataFrame([row_of(case) for case in cases]).assign(setting=[setting for setting, _ in cases])
    scored = model.score(table, interval=LEVEL)
    assert (scored["status"] == "ok").all()
    for i, (setting, known) in enumerate(cases):
        alone = model.diagnose(known, setting=setting).interval(LEVEL, method="delta").to_frame()
        for end in ("lower", "upper"):
            found = scored.loc[i, [f"{cause}_{end}" for cause in alone.index]].to_numpy(dtype=float)
            expected = alone[end].to_numpy()
            is_open = (expected > 0) & (expected < 1)
            gap = special.logit(found[is_open]) - special.logit(expected[is_open])
            np.testing.assert_allclose(gap, 0, atol=floats.SAME_INTERVAL)
            np.testing.assert_array_equal(found[~is_open], expected[~is_open])


def patients(model: thighdx.Model) -> list[tuple[str, dict[str, object]]]:
    """From everything known to nothing; some with likelihoods, some with a cause given."""
    table = model.simulate(10, seed=4)[list(model.variables)].astype(object)
    rng = np.random.default_rng(4)
    table = table.mask(rng.random(table.shape) < np.linspace(0, 1, 10)[:, None])
    cases = [{str(k): v for k, v in row.dropna().items()} for _, row in table.iterrows()]
    states = model.variables["onset"].states
    cases[0]["onset"] = dict(zip(states, np.linspace(0.1, 0.9, len(states)).tolist(), strict=True))
    cases[1]["sex"] = {"male": 0.3, "female": 1.0}
    cases[1].pop("pregnancy", None)
    cases[5]["hamstring_strain"] = True
    cases[6]["hamstring_strain"] = False
    return [(model.settings[i % len(model.settings)], case) for i, case in enumerate(cases)]


def row_of(case: tuple[str, dict[str, object]]) -> dict[str, object]:
    """A case as a row of a table."""
    row: dict[str, object] = {}
    for name, value in case[1].items():
        if isinstance(value, dict):
            row.update({f"{name}:{state}": weight for state, weight in value.items()})
        else:
            row["given_hamstring_strain" if name == "hamstring_strain" else name] = value
    return row


@pytest.mark.parametrize("n_rows", [1, 2, 5, 12])
def test_rows_do_not_depend_on_one_another(model: thighdx.Model, cohort: EvidenceBatch, n_rows: int) -> None:
    parts = model.network, model.compiled.pooled
    whole = table_intervals(*parts, cohort, LEVEL)
    assert not np.isnan(whole.lower).any()
    order = np.random.default_rng(n_rows).permutation(cohort.n_cases)
    for start in range(0, cohort.n_cases, n_rows):
        rows = np.sort(order[start : start + n_rows])
        some = table_intervals(*parts, take_cases(cohort, rows), LEVEL)
        for name in ("lower", "upper", "log_odds_sd"):
            np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[rows])


def test_rows_do_not_depend_on_chunks_or_threads(
    model: thighdx.Model, cohort: EvidenceBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = model.network, model.compiled.pooled, cohort, LEVEL
    whole = table_intervals(*parts, n_threads=1)
    monkeypatch.setattr("thighdx.reasoning.intervals.table_intervals.CHUNK", 5)
    monkeypatch.setattr(
        "thighdx.reasoning.intervals.delta.STACKED_CELLS", 4 * model.network.explanations.n_explanations
    )
    monkeypatch.setattr("thighdx.reasoning.intervals.delta.WORKED_CELLS", 1)
    again = table_intervals(*parts, n_threads=3)
    np.testing.assert_array_equal(again.lower, whole.lower)
    np.testing.assert_array_equal(again.upper, whole.upper)


@settings(max_examples=40, deadline=None)
@given(strategies.cases(n_max=4), st.booleans())
def test_moments_are_sums_over_the_gradients_of_every_judgement(
    drawn: strategies.Cases, is_wide: bool
) -> None:
    """Plain links, features and base rates are summed by cause; one by one they must give the same."""
    spec, setting, evidence = drawn
    network = build_network(spec)
    layout = judgement_layout(network, judgements(spec, spread=0.5 if is_wide else 0.1))
    for known in evidence:
        batch = batch_of(network, [known], [setting])
        log_odds, gradients = case_gradients(network, layout, batch)
        found = delta_moments(network, layout, batch)
        np.testing.assert_array_equal(found.log_odds, log_odds)
        np.testing.assert_allclose(
            found.variance, gradients**2 @ layout.sd**2, rtol=floats.SUMMED_APART, atol=floats.SUMMED_APART
        )
        np.testing.assert_allclose(
            found.third_moment,
            gradients**3 @ layout.third_moment,
            rtol=floats.SUMMED_APART,
            atol=floats.SUMMED_APART,
        )


def test_nearly_certain_causes_keep_their_digits(model: thighdx.Model) -> None:
    """Where all but 1e-9 of the mass holds a cause, what lies outside is summed for itself."""
    network = model.network
    layout = judgement_layout(network, model.compiled.pooled)
    cause = 3
    blank = EvidenceBatch(
        np.full((1, network.n_variables), UNKNOWN, dtype=np.int8),
        np.full((1, len(model.causes)), UNKNOWN, dtype=np.int8),
        np.zeros(1, dtype=np.intp),
    )
    gradients = []
    for weight in (1.0, 1e12):
        soft = Likelihood(cause, np.zeros(1, dtype=np.intp), np.array([[1.0, weight]]))
        batch = EvidenceBatch(blank.codes, blank.given, blank.setting_idx, (), (soft,))
        log_odds, gradient = case_gradients(network, layout, batch)
        gradients.append(gradient[0, cause])
    assert log_odds[0, cause] > np.log(1e8)
    # evidence on the cause itself moves its odds by a factor, whatever the judgements
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=floats.SUMMED_APART, atol=floats.SUMMED_APART)


def test_evidence_that_says_nothing_changes_nothing(model: thighdx.Model) -> None:
    known = {"bruising": True, "age": 44}
    plain = model.diagnose(known).interval(LEVEL, method="delta").to_frame()
    uniform = {
        name: dict.fromkeys(model.variables[name].states, 1.0) for name in ("numbness", "sex", "diabetes")
    }
    soft = model.diagnose(known | uniform).interval(LEVEL, method="delta").to_frame()
    np.testing.assert_allclose(soft["lower"], plain.loc[soft.index, "lower"], rtol=floats.SUMMED_APART)
    np.testing.assert_allclose(soft["upper"], plain.loc[soft.index, "upper"], rtol=floats.SUMMED_APART)


def test_three_causes_at_once_have_intervals_as_well() -> None:
    model = thighdx.load_model(max_causes=3)
    table = model.simulate(3, seed=2)[list(model.variables)]
    scored = model.score(table, interval=LEVEL)
    for i in range(len(table)):
        alone = model.diagnose(table.iloc[i].to_dict()).interval(LEVEL, method="delta").to_frame()
        lower = scored.loc[i, [f"{cause}_lower" for cause in alone.index]].to_numpy(dtype=float)
        np.testing.assert_allclose(
            special.logit(lower), special.logit(alone["lower"]), rtol=0, atol=floats.SAME_INTERVAL
        )


def test_impossible_rows_have_no_interval(model: thighdx.Model) -> None:
    table = pd.DataFrame({"sex": ["male", "female"], "pregnancy": ["first_trimester", "first_trimester"]})
    with pytest.warns(UserWarning, match="1 impossible_evidence"):
        scored = model.score(table, interval=LEVEL)
    ends = scored[[name for name in scored.columns if name.endswith(("_lower", "_upper"))]]
    assert scored["status"].tolist() == ["impossible_evidence", "ok"]
    assert ends.loc[0].isna().all()
    assert ends.loc[1].notna().all()
