"""Gradients of posteriors with respect to judgements, against solving everything again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import floats
import strategies
import thighdx
from plain_cases import batch_of
from reasoning.intervals.judged import judgements, points_of, with_points
from thighdx.elicitation.distribution import from_working, to_working
from thighdx.evidence.batch import EvidenceBatch
from thighdx.evidence.one_case import encode_case
from thighdx.inference.engine import log_weights
from thighdx.network.assemble import assemble_spec
from thighdx.network.build import Network, build_network
from thighdx.network.gates import log_state_probabilities
from thighdx.network.groups import group_sets
from thighdx.network.spec import NetworkSpec
from thighdx.reasoning.intervals.delta import case_gradients, delta_moments
from thighdx.reasoning.intervals.layout import JudgementLayout, judgement_layout

STEP = 1e-5
SECOND_STEP = 4e-4


def log_odds(network: Network, batch: EvidenceBatch, sets: np.ndarray) -> np.ndarray:
    logs = log_weights(network, batch)[0]
    weights = np.exp(logs - logs.max())
    with np.errstate(divide="ignore"):
        return np.log(weights @ sets) - np.log(weights @ (1 - sets))


def is_smooth(spec: NetworkSpec) -> bool:
    """No state so rare, and no row so close to its background, that a step crosses over."""
    network = build_network(spec)
    for finding in spec.findings:
        if log_state_probabilities(finding, network.explanations).min() < np.log(1e-3):
            return False
        if (np.abs(finding.cumulative / finding.background - 1) < 100 * STEP).any():
            return False
    return True


@settings(max_examples=25, deadline=None)
@given(strategies.cases(n_max=1, networks=strategies.specs(with_gates=False)), st.integers(0, 2**32 - 1))
def test_gradients_are_those_of_finite_differences_with_everything_solved_again(
    drawn: strategies.Cases, seed: int
) -> None:
    spec, setting, (evidence,) = drawn
    assume(is_smooth(spec))
    network = build_network(spec)
    batch = batch_of(network, [evidence], [setting])
    layout = judgement_layout(network, judgements(spec))
    groups = [[0, 1], [1, network.explanations.n_causes - 1]]
    sets = np.concatenate([network.membership, group_sets(network.membership, groups)], axis=1)
    (found,), (gradient,) = case_gradients(network, layout, batch, groups=groups)
    is_open = np.isfinite(found)
    assert (gradient[~is_open] == 0).all()
    assume(is_open.any())
    points = points_of(spec)
    rng = np.random.default_rng(seed)
    for _ in range(2):  # one judgement, then all at once
        direction = rng.normal(size=layout.n_judgements)
        if _ == 0:
            direction *= np.arange(layout.n_judgements) == rng.integers(layout.n_judgements)
        moved = []
        for step in (STEP, -STEP):
            other = build_network(with_points(spec, shifted(layout, points, step * direction)))
            moved.append(log_odds(other, batch, sets)[is_open])
        slope = (moved[0] - moved[1]) / (2 * STEP)
        expected = gradient[is_open] @ direction
        size = np.abs(gradient[is_open]) @ np.abs(direction)
        np.testing.assert_allclose(slope - expected, 0, atol=floats.FINITE_DIFFERENCE * (1 + size.max()))


@settings(max_examples=10, deadline=None)
@given(strategies.cases(n_max=1, networks=strategies.specs(with_gates=False, max_n_contexts=0)))
def test_the_mean_moves_by_half_the_spread_times_the_second_derivative(drawn: strategies.Cases) -> None:
    """Of shares, links and backgrounds; pairs of causes and contexts have no second-order part of theirs."""
    spec, setting, (evidence,) = drawn
    assume(is_smooth(spec))
    network = build_network(spec)
    batch = batch_of(network, [evidence], [setting])
    pooled = {key: item for key, item in judgements(spec).items() if key[0] != "effects"}
    layout = judgement_layout(network, pooled)
    found = delta_moments(network, layout, batch)
    is_open = np.isfinite(found.log_odds[0])
    points, expected = points_of(spec), np.zeros(is_open.sum())
    for direction in np.eye(layout.n_judgements):
        ends = [
            log_odds(
                build_network(with_points(spec, shifted(layout, points, step * direction))),
                batch,
                network.membership,
            )[is_open]
            for step in (SECOND_STEP, -SECOND_STEP)
        ]
        second_derivative = (ends[0] + ends[1] - 2 * found.log_odds[0, is_open]) / SECOND_STEP**2
        expected += second_derivative * (layout.spread @ direction) / 2
    np.testing.assert_allclose(found.mean[0, is_open], expected, atol=floats.SECOND_DIFFERENCE)


def shifted(
    layout: JudgementLayout, points: Mapping[tuple[str, tuple[str, ...]], float], steps: np.ndarray
) -> dict[tuple[str, tuple[str, ...]], float]:
    """The point values after a step of every judgement on its working scale."""
    moved = dict(points)
    for i in np.flatnonzero(steps):
        scale = "odds_ratio" if layout.is_odds_ratio[i] else "probability"
        value = to_working(points[layout.keys[i]], scale) + steps[i]
        moved[layout.keys[i]] = float(from_working(value, scale))
    return moved


CASE = {
    "sex": "female",
    "age_band": "40-49",
    "low_back_pain": True,
    "onset": "sudden",
    "muscle_weakness": "mild",
    "pain_severity": {"none": 0.1, "mild": 0.1, "moderate": 0.5, "severe": 1.0},
    "bruising": False,
    "diabetes": True,
}


def known(model: thighdx.Model) -> dict[str, object]:
    return {
        name: value for name, value in CASE.items() if name in model.variables and fits(model, name, value)
    }


def fits(model: thighdx.Model, name: str, value: object) -> bool:
    states = model.variables[name].states
    return not isinstance(value, dict) or set(value) == set(states)


def one_setting(spec: NetworkSpec, row: int) -> NetworkSpec:
    return dataclasses.replace(
        spec,
        settings=(spec.settings[row],),
        shares=spec.shares[[row]],
        contexts=tuple(dataclasses.replace(x, frequency=x.frequency[[row]]) for x in spec.contexts),
    )


def test_the_shipped_model_moves_as_its_gradient_says(model: thighdx.Model) -> None:
    """All judgements at once, in a direction of chance: two solved models say it all."""
    network, pooled = model.network, model.compiled.pooled
    case = encode_case(model.vocabulary, known(model), setting="primary_care")
    layout = judgement_layout(network, pooled)
    gradient = case_gradients(network, layout, case.batch)[1][0]
    direction = np.random.default_rng(7).normal(size=layout.n_judgements)
    direction[~np.isfinite(layout.point) | has_kink(layout, network.spec)] = 0
    points = {key: item.point for key, item in pooled.items()}
    alone = dataclasses.replace(case.batch, setting_idx=np.zeros(1, dtype=np.intp))
    row = network.spec.settings.index("primary_care")
    moved = []
    for step in (STEP, -STEP):
        spec = assemble_spec(model.compiled.kb, shifted(layout, points, step * direction))
        moved.append(log_odds(build_network(one_setting(spec, row)), alone, network.membership))
    slope = (moved[0] - moved[1]) / (2 * STEP)
    size = np.abs(gradient) @ np.abs(direction)
    for table in ("shares", "frequencies", "effects", "links", "backgrounds", "dependencies"):
        own = np.array([key[0] == table for key in layout.keys])
        assert (gradient[:, own] != 0).any(), table
    np.testing.assert_allclose(
        gradient @ direction, slope, atol=floats.FINITE_DIFFERENCE * size.max(), rtol=0
    )


def has_kink(layout: JudgementLayout, spec: NetworkSpec) -> np.ndarray:
    """Rows at their background: one cause more or less lifts it, and the two sides have their own slopes."""
    found = np.zeros(layout.n_judgements, dtype=bool)
    for finding, links in zip(spec.findings, layout.links, strict=True):
        near = np.abs(finding.cumulative / finding.background - 1) < 1000 * STEP
        found[links[near & (links >= 0)]] = True
    return found


def test_judgements_about_what_is_unknown_do_not_matter(model: thighdx.Model) -> None:
    case = encode_case(model.vocabulary, {"bruising": True}, setting="primary_care")
    layout = judgement_layout(model.network, model.compiled.pooled)
    gradient = case_gradients(model.network, layout, case.batch)[1][0]
    for i, (table, key) in enumerate(layout.keys):
        is_known = (
            (table == "links" and key[1] == "bruising")
            or (table == "backgrounds" and key[0] == "bruising")
            or (table == "shares" and key[1] == "primary_care")
            or (table == "effects" and key[0] in model.causes)
        )
        if not is_known:
            assert (gradient[:, i] == 0).all(), (table, key)


def test_a_share_of_the_users_own_is_certain(model: thighdx.Model) -> None:
    rebased = model.rebase({"lumbar_radiculopathy": 0.3})
    layout = judgement_layout(rebased.network, rebased.compiled.pooled)
    case = encode_case(rebased.vocabulary, {"bruising": True}, setting="primary_care")
    gradient = case_gradients(rebased.network, layout, case.batch)[1][0]
    own = layout.keys.index(("shares", ("lumbar_radiculopathy", "primary_care")))
    other = layout.keys.index(("shares", ("hamstring_strain", "primary_care")))
    assert (gradient[:, own] == 0).all()
    assert (gradient[:, other] != 0).any()
