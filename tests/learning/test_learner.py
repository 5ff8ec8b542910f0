"""What counts say: gradients against differences, information against curvature, credits that add up."""

from __future__ import annotations

import numpy as np
import pytest

from floats import FINITE_DIFFERENCE
from learning.clinic import layout_of, patients
from thighdx.learning.contexts import ContextUnit
from thighdx.learning.counts import learn_counts
from thighdx.learning.findings import FindingUnit
from thighdx.learning.learner import Learner, Place
from thighdx.learning.shares import SharesUnit
from thighdx.learning.unit import Unit
from thighdx.model import Model

STEP = 1e-5


@pytest.fixture(scope="module")
def units(small_model: Model) -> dict[Place, Unit]:
    layout = layout_of(small_model)
    learner = Learner(small_model.compiled.kb, small_model.network, layout, layout.point.copy())
    return learner.units(learn_counts(small_model, patients(small_model, 400)))


def values_of(model: Model, unit: Unit) -> np.ndarray:
    """Some values beside the medians."""
    return layout_of(model).point[unit.judgement_idx] + 0.05 * np.sin(np.arange(len(unit.judgement_idx)))


def test_every_kind_of_unit_is_there(units: dict[Place, Unit]) -> None:
    assert {type(unit) for unit in units.values()} == {SharesUnit, ContextUnit, FindingUnit}


def test_gradients_are_those_of_the_log_likelihood(small_model: Model, units: dict[Place, Unit]) -> None:
    for place, unit in units.items():
        x = values_of(small_model, unit)
        for i, gradient in enumerate(unit.evaluate(x).gradient):
            step = STEP * np.eye(len(x))[i]
            difference = (unit.evaluate(x + step).value - unit.evaluate(x - step).value) / (2 * STEP)
            assert gradient == pytest.approx(difference, rel=FINITE_DIFFERENCE, abs=10 * FINITE_DIFFERENCE), (
                place,
                i,
            )


def test_information_is_the_expected_square_of_the_score(
    small_model: Model, units: dict[Place, Unit]
) -> None:
    for place, unit in units.items():
        x = values_of(small_model, unit)
        found = unit.evaluate(x).information
        assert np.linalg.eigvalsh(found).min() > -1e-9 * np.abs(found).max()
        if isinstance(unit, FindingUnit):
            probability, _ = unit._states(x)
            total = np.zeros_like(found)
            for state in range(len(unit.counts)):
                score = unit.scores(x, state)
                first = np.array(
                    [np.flatnonzero(unit.class_idx == c)[0] for c in range(unit.counts.shape[1])]
                )
                weight = unit.counts.sum(axis=0) * probability[state]
                total += (score[first] * weight[:, None]).T @ score[first]
            np.testing.assert_allclose(found, total, rtol=1e-9, atol=1e-9, err_msg=str(place))


def test_scores_summed_over_what_was_met_are_the_gradient(
    small_model: Model, units: dict[Place, Unit]
) -> None:
    for place, unit in units.items():
        x = values_of(small_model, unit)
        total = np.zeros(len(x))
        if isinstance(unit, SharesUnit):
            total = unit.counts[0] @ unit.scores(x, 0)
        elif isinstance(unit, ContextUnit):
            for setting, met in unit.met.items():
                for agree, counts in zip(met.agree, met.counts, strict=True):
                    total += counts @ unit.scores(x, setting, agree)
        elif isinstance(unit, FindingUnit):
            continue
        np.testing.assert_allclose(unit.evaluate(x).gradient, total, rtol=1e-9, atol=1e-8, err_msg=str(place))


def test_a_finding_of_one_cause_is_credited_to_its_link_or_to_the_background(small_model: Model) -> None:
    table = patients(small_model, 200, findings=0.0, truths=0.0)
    causes = [name for name in table.columns if name.startswith("true_")]
    alone = table[(table[causes].sum(axis=1) == 1) & table["true_nerve"].astype(bool)]
    layout = layout_of(small_model)
    learner = Learner(small_model.compiled.kb, small_model.network, layout, layout.point.copy())
    units = learner.units(learn_counts(small_model, alone))
    position = [finding.id for finding in small_model.network.spec.findings].index("tingling")
    unit = units["finding", position]
    bearing, credited = unit.credits(layout.point[unit.judgement_idx])
    keys = [layout.keys[i] for i in unit.judgement_idx]
    link, background = (
        keys.index(("links", ("nerve", "tingling", "present"))),
        keys.index(("backgrounds", ("tingling", "present"))),
    )
    n_seen = (alone["tingling"] == "present").sum()
    b, p = small_model.compiled.pooled[keys[background]].point, small_model.compiled.pooled[keys[link]].point
    assert bearing[link] == len(alone)
    assert credited[background] == pytest.approx(n_seen * b / p)
    assert credited[link] == pytest.approx(n_seen * (1 - (1 - p) / (1 - b)) / p)
