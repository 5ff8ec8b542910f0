"""Scores on labelled tables: by hand, against formulas written again, on patients the model drew."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, norm

import floats
import thighdx
from thighdx.errors import TableError
from thighdx.evaluation.evaluation import evaluate
from thighdx.evaluation.scoring_rules import (
    brier_parts,
    calibration_curve,
    log_of_truth,
    scores_of_cause,
    top_share,
)


class Fixed:
    """A model that says what it was told to say."""

    causes: Mapping[str, Any] = dict.fromkeys(["strain", "nerve", "other_cause"])
    groups: Mapping[str, tuple[str, ...]] = {"strain_any": ("strain", "nerve")}
    residual_cause = "other_cause"

    def __init__(self, posterior: list[list[float]], triage: list[str] | None = None) -> None:
        self.posterior, self.triage = posterior, triage

    def score(self, table: pd.DataFrame, **_: object) -> pd.DataFrame:
        scored = pd.DataFrame(self.posterior, columns=list(self.causes), index=table.index)
        return scored if self.triage is None else scored.assign(triage=self.triage)


def test_rows_left_out_are_counted_by_why(model: thighdx.Model) -> None:
    table = pd.DataFrame(
        {"bruising": ["yes", "blue", "blue", 3], "true_cause": "hamstring_strain"}, dtype=object
    )
    with pytest.warns(UserWarning, match="3 of 4 rows have no probabilities"):
        found = evaluate(model, table)
    assert (found.n_rows, found.n_left_out) == (1, 3)
    assert found.left_out == {"no_such_state": 2, "wrong_type": 1}
    assert repr(found).startswith("1 patients (3 left out: 2 no_such_state, 1 wrong_type)")
    assert found.to_dict()["left_out"] == found.left_out
    with (
        pytest.warns(UserWarning, match="2 of 2 rows"),
        pytest.raises(TableError, match=r"no row could be scored \(2 no_such_state\)"),
    ):
        evaluate(model, table.iloc[1:3])


# ---- by hand -------------------------------------------------------------------------------------


def test_two_patients_worked_out_by_hand() -> None:
    """One strain at 0.8, one nerve at 0.4 beside a strain at 0.6; other_cause at 0.5 is right once."""
    model = Fixed([[0.8, 0.1, 0.5], [0.6, 0.4, 0.5]])
    found = evaluate(model, pd.DataFrame({"true_cause": ["strain", "nerve; other_cause"]}))
    first = np.log(0.8) + np.log(0.9) + np.log(0.5)
    second = np.log(0.4) + np.log(0.4) + np.log(0.5)
    assert found.log_score == pytest.approx((first + second) / 2, rel=floats.BY_HAND)
    # every cause was present in one of the two: six times ln 1/2 over two patients
    assert found.log_score_prior == pytest.approx(3 * np.log(0.5), rel=floats.BY_HAND)
    squares = [0.04, 0.01, 0.25, 0.36, 0.36, 0.25]
    assert found.brier.score == pytest.approx(sum(squares) / 6, rel=floats.BY_HAND)
    assert (found.top_1, found.top_3) == (0.5, 1.0)  # the strain leads twice; other_cause is not ranked
    assert (found.n_rows, found.n_left_out) == (2, 0)
    strain, nerve, other = found.causes
    assert (strain.auc, nerve.auc, other.auc) == (1.0, 1.0, 0.5)


def test_a_label_in_text_that_names_a_split_cause_is_met_by_its_likeliest_form() -> None:
    model = Fixed([[0.1, 0.8, 0.5], [0.6, 0.3, 0.5], [0.2, 0.7, 0.5]])
    found = evaluate(model, pd.DataFrame({"true_cause": ["strain", "strain", "strain;nerve"]}))
    assert [item.n_present for item in found.causes] == [2, 2, 0]  # both named: both are meant
    assert found.top_1 == 1.0


def test_a_boolean_label_means_the_form_it_names() -> None:
    truth = pd.DataFrame({"true_strain": [True], "true_nerve": [False], "true_other_cause": [False]})
    found = evaluate(Fixed([[0.1, 0.8, 0.5]]), pd.DataFrame({"x": [1]}), truth=truth)
    assert (found.top_1, [item.n_present for item in found.causes]) == (0.0, [1, 0, 0])


def test_the_interval_of_a_calibration_bin_is_that_of_jeffreys() -> None:
    """Values for 3 of 10 and 0 of 5 from the quantiles of Beta(3.5, 7.5) and Beta(0.5, 5.5)."""
    present = np.array([True] * 3 + [False] * 7 + [False] * 5)
    (low, high) = calibration_curve(np.array([0.05] * 5 + [0.35] * 10)[::-1], present, 10)
    assert (low.n, low.observed, low.lower) == (5, 0.0, 0.0)
    assert low.upper == pytest.approx(beta.ppf(0.975, 0.5, 5.5), rel=floats.DISTRIBUTION)
    assert (high.n, high.observed) == (10, 0.3)
    assert high.lower == pytest.approx(beta.ppf(0.025, 3.5, 7.5), rel=floats.DISTRIBUTION)
    assert high.upper == pytest.approx(beta.ppf(0.975, 3.5, 7.5), rel=floats.DISTRIBUTION)


def test_urgency_judged_is_compared_with_urgency_given() -> None:
    table = pd.DataFrame(
        {
            "true_cause": ["strain"] * 5,
            "urgency": ["emergency", "urgent", "soon", "self_care", None],
            "note": list("abcde"),
        }
    )
    given_levels = ["soon", "urgent", "urgent", "self_care", "soon"]
    found = evaluate(Fixed([[0.5, 0.2, 0.1]] * 5, given_levels), table).triage
    assert found is not None
    assert (found.n, found.exact, found.too_low, found.too_low_by_more, found.too_high) == (
        4,
        0.5,
        0.25,
        0.25,
        0.25,
    )
    with pytest.raises(TableError, match="urgency: got 'whenever', expected one of self_care, routine"):
        evaluate(Fixed([[0.5, 0.2, 0.1]] * 5, given_levels), table.assign(urgency="whenever"))


# ---- formulas written again ----------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_the_parts_of_the_brier_score_add_up(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    posterior = rng.choice([0.0, 1.0, *rng.random(5)], n)
    present = rng.random(n) < rng.random()
    parts = brier_parts(posterior, present)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert parts.score == pytest.approx(np.mean((posterior - present) ** 2), abs=floats.SUMS_TO_ONE)
    assert parts.score == pytest.approx(total, abs=floats.SUMS_TO_ONE)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


@pytest.mark.parametrize("seed", range(5))
def test_without_spread_inside_bins_nothing_is_left_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    posterior = rng.choice([0.05, 0.25, 0.75], 300)
    parts = brier_parts(posterior, rng.random(300) < posterior)
    assert parts.within == pytest.approx(0, abs=floats.SUMS_TO_ONE)


@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_the_area_under_the_curve_counts_pairs(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    posterior, present = rng.integers(0, 6, n) / 7, rng.random(n) < 0.4
    found = scores_of_cause("strain", posterior, present, log_of_truth(posterior, present))
    with_cause, without = posterior[present][:, None], posterior[~present]
    if with_cause.size == 0 or without.size == 0:
        assert np.isnan(found.auc)
        return
    pairs = (with_cause > without) + 0.5 * (with_cause == without)
    assert found.auc == pytest.approx(pairs.mean(), rel=floats.BY_HAND)
    assert found.auc_lower <= found.auc <= found.auc_upper


def test_a_present_cause_given_probability_zero_costs_much_but_not_everything() -> None:
    logs = log_of_truth(np.array([[0.0, 1.0]]), np.array([[True, True]]))
    assert logs.tolist() == [[-745.0, 0.0]]


def test_patients_without_a_true_cause_do_not_count_for_the_first_places() -> None:
    posterior, present = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([[False, True], [False, False]])
    assert top_share(posterior, present, 1) == 0.0
    assert np.isnan(top_share(posterior, np.zeros((2, 2), dtype=bool), 1))


# ---- labels --------------------------------------------------------------------------------------


def test_labels_may_stand_in_the_table_or_beside_it() -> None:
    model = Fixed([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1]])
    texts = ["strain", "strain;nerve"]
    plain = pd.DataFrame({"age": [30, 40]})
    booleans = pd.DataFrame({"true_strain": [True, True], "true_nerve": [False, True]})
    bare = booleans.rename(columns=lambda name: name.removeprefix("true_"))
    found = [
        evaluate(model, plain.assign(true_cause=texts)),
        evaluate(model, plain, truth=texts),
        evaluate(model, plain.join(booleans)),
        evaluate(model, plain, truth=booleans),
        evaluate(model, plain, truth=bare),
    ]
    assert len({json.dumps(item.to_dict()) for item in found}) == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"age": [30, 40]}, "no labels; give true_<cause> columns or a column true_cause"),
        ({"true_cause": ["strain", "sprain"]}, "row 1: got 'sprain', expected ids of causes"),
        ({"true_cause": ["strain", None]}, "row 1: got (None|nan), expected ids of causes"),
        ({"true_strain": [True, None]}, "column 'true_strain': expected True or False"),
        ({"true_strain": ["yes", "no"]}, "column 'true_strain': expected True or False"),
    ],
)
def test_labels_that_cannot_be_read_are_an_error(table: dict[str, list[object]], message: str) -> None:
    with pytest.raises(TableError, match=message):
        evaluate(Fixed([[0.8, 0.1, 0.1]] * 2), pd.DataFrame(table))
    with pytest.raises(TableError, match="truth: got 1 labels, expected 2"):
        evaluate(Fixed([[0.8, 0.1, 0.1]] * 2), pd.DataFrame({"age": [1, 2]}), truth=["strain"])


def test_rows_that_cannot_be_scored_are_left_out_and_counted() -> None:
    nan = float("nan")
    found = evaluate(Fixed([[0.8, 0.1, 0.1], [nan] * 3]), pd.DataFrame({"true_cause": ["strain", "nerve"]}))
    assert (found.n_rows, found.n_left_out, found.causes[1].n_present) == (1, 1, 0)
    with pytest.raises(TableError, match="no row could be scored"):
        evaluate(Fixed([[nan] * 3]), pd.DataFrame({"true_cause": ["strain"]}))


# ---- a whole model -------------------------------------------------------------------------------


def test_the_model_is_honest_about_patients_it_drew_itself(small_model: thighdx.Model) -> None:
    """Reliability of ten bins on n cells, by luck alone, is about 10 p (1 - p) / n."""
    n = 4000
    found = evaluate(small_model, small_model.simulate(n, seed=3))
    assert found.brier.reliability < 5 * 10 * found.brier.uncertainty / n
    assert found.log_score > found.log_score_prior
    assert all(item.auc > 0.5 for item in found.causes)
    # one interval in twenty misses; more than two of at most ten would be worth a look
    missed = [item for item in found.calibration if not item.lower <= item.mean_posterior <= item.upper]
    assert len(missed) <= 2
    bins = found.calibration_of("strain", n_bins=5)
    assert sum(item.n for item in bins) == n


def test_an_evaluation_is_plain_data(small_model: thighdx.Model) -> None:
    found = evaluate(small_model, small_model.simulate(50, seed=3))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [item["cause"] for item in plain["causes"]] == list(small_model.causes)
    assert found.to_frame().loc["strain", "n_present"] == found.causes[0].n_present
    assert repr(found).startswith("50 patients (0 left out)")


def test_what_is_undefined_is_no_number_in_plain_data(small_model: thighdx.Model) -> None:
    patients = small_model.simulate(50, seed=3).query("true_strain")
    found = evaluate(small_model, patients)
    assert np.isnan(found.causes[0].auc)  # all have it
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["causes"][0]["auc"] is None
    assert plain["causes"][0]["n_present"] == len(patients)


# ---- calibration on simulated patients -----------------------------------------------------------


def with_gaps(table: pd.DataFrame, share: float) -> pd.DataFrame:
    """The same patients with a share of everything unknown, at random."""
    rng = np.random.default_rng(18)
    evidence = [column for column in table.columns if not column.startswith("true_")]
    gaps = {column: table[column].mask(rng.random(len(table)) < share) for column in evidence}
    return table.assign(**gaps)


def perturbed(model: thighdx.Model, cause: str, finding: str, frequency: float) -> thighdx.Model:
    """The model with one link of a two-state finding changed."""
    spec = model.compiled.spec
    row = spec.causes.index(cause)
    findings = []
    for item in spec.findings:
        if item.id == finding:
            cumulative = item.cumulative.copy()
            cumulative[row, 0] = frequency
            item = dataclasses.replace(item, cumulative=cumulative)
        findings.append(item)
    changed = dataclasses.replace(spec, findings=tuple(findings))
    return thighdx.Model(dataclasses.replace(model.compiled, spec=changed))


def least_p_value(model: thighdx.Model, patients: pd.DataFrame) -> float:
    """The smallest p-value of "among patients with this answer, as many have this cause as expected".

    Given honest posteriors p the number of patients with a cause among those with some known answer has mean
    sum p and variance sum p (1 - p), whatever else is known. A wrong link between a cause and a finding shows
    where it acts: among those with the finding. Sums too small to be near a normal variable are left out.
    The result is multiplied by the number of sums looked at (Bonferroni).
    """
    posterior = model.score(patients)[list(model.causes)].to_numpy()
    present = patients[[f"true_{cause}" for cause in model.causes]].to_numpy(dtype=float)
    answers = [patients[v.id] == state for v in model.variables.values() for state in v.states]
    inside = np.array([answer.to_numpy(dtype=float) for answer in answers])  # (n_answers, n_patients)
    variance = inside @ (posterior * (1 - posterior))
    usable = variance > 10
    score = (inside @ (present - posterior))[usable] / np.sqrt(variance[usable])
    return float(2 * norm.sf(np.abs(score).max()) * score.size)


def test_posteriors_are_calibrated_on_simulated_patients_and_not_once_a_link_is_wrong(
    model: thighdx.Model,
) -> None:
    patients = with_gaps(model.simulate(8000, seed=17), 0.85)
    wrong = perturbed(model, "lumbar_radiculopathy", "pain_radiates_below_knee", 0.25)  # elicited: 0.81
    assert least_p_value(model, patients) > 1e-3
    assert least_p_value(wrong, patients) < 1e-6


def test_one_wrong_link_of_a_small_model_is_noticed(small_model: thighdx.Model) -> None:
    patients = with_gaps(small_model.simulate(10_000, seed=17), 0.5)
    assert least_p_value(small_model, patients) > 1e-3
    assert least_p_value(perturbed(small_model, "nerve", "tingling", 0.5), patients) < 1e-6  # elicited: 0.7
