"""Network tables and the numpy engine against brute force, on networks drawn at random."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
import reference
import strategies
from plain_cases import base_of, batch_of, make_spec
from thighdx.arrays import softmax
from thighdx.inference.engine import infer, log_weights
from thighdx.inference.marginals import marginals
from thighdx.network.build import Network, build_network
from thighdx.network.spec import ContextSpec, NetworkSpec

many = settings(deadline=None, max_examples=150, derandomize=True)


def explanations_of(network: Network) -> list[frozenset[str]]:
    """The explanations by name, in the order of the network."""
    causes = network.spec.causes
    return [
        frozenset(causes[c] for c in members if c < len(causes)) for members in network.explanations.members
    ]


def twice(expected: object) -> object:
    return pytest.approx(expected, rel=floats.SOLVED_TWICE, abs=0)


def same(expected: object) -> object:
    return pytest.approx(expected, rel=floats.SAME_BASE, abs=0)


# ---- tables --------------------------------------------------------------------------------------


@many
@given(strategies.specs())
def test_the_prior_over_explanations_agrees(spec: NetworkSpec) -> None:
    network = build_network(spec)
    for row, setting in enumerate(spec.settings):
        expected = reference.prior(spec, reference.solve_base(spec, setting))
        found = np.exp(network.log_prior(row)).tolist()
        assert dict(zip(explanations_of(network), found, strict=True)) == twice(expected)


@many
@given(strategies.specs())
def test_joint_tables_of_contexts_agree_cell_by_cell(spec: NetworkSpec) -> None:
    network = build_network(spec)
    for row, setting in enumerate(spec.settings):
        base = reference.solve_base(spec, setting)
        for block, log_cells in zip(network.blocks, network.cells(row), strict=True):
            members = [spec.contexts[i] for i in block.context_idx]
            for h, found in enumerate(explanations_of(network)):
                expected = reference.block_given(spec, base, members, found)
                cells = [tuple(cell) for cell in block.cells.tolist()]
                table = dict(zip(cells, np.exp(log_cells[:, h]).tolist(), strict=True))
                assert {cell: table.get(cell, 0.0) for cell in expected} == twice(expected)


@many
@given(strategies.specs())
def test_findings_agree_down_to_the_rarest_state(spec: NetworkSpec) -> None:
    network = build_network(spec)
    for k, finding in enumerate(spec.findings):
        start = network.state_offset[network.n_contexts + k]
        rows = np.exp(network.finding_rows[start : start + len(finding.states)])
        for h, found in enumerate(explanations_of(network)):
            assert rows[:, h].tolist() == same(reference.finding_given(spec, finding, found))


@pytest.mark.parametrize(
    ("odds", "x_with_a", "y_with_b"),
    [(0.5, 1.0, 1.0), (1.0, 3.0, 1.0), (1.0, 3.0, 2.0), (1.0, 0.0, 1.0)],
)
def test_two_contexts_tied_state_by_state_are_solved(odds: float, x_with_a: float, y_with_b: float) -> None:
    # x = y always, as one impossible pair in each direction says. Margins then fix only the product
    # of the factors of x and y, not each of them, but P(x, y | H) is unique: the odds of yes are
    # `odds` times the odds ratios of x and y. P(only a) = 0.5, P(only b) = 0.3, P(both) = 0.2.
    yes_odds = odds * np.array([x_with_a, y_with_b, x_with_a * y_with_b])
    yes = np.array([0.5, 0.3, 0.2]) * yes_odds / (1 + yes_odds)
    frequency = np.array([[1 - yes.sum(), yes.sum()]])

    def tied(name: str, odds_ratio: list[list[float]]) -> ContextSpec:
        return ContextSpec(name, "context", ("no", "yes"), frequency, np.array(odds_ratio))

    spec = make_spec(
        {"a": 0.7, "b": 0.5},
        contexts=(tied("x", [[1, x_with_a], [1, 1]]), tied("y", [[1, 1], [1, y_with_b]])),
        dependencies={(("x", "no"), ("y", "yes")): 0.0, (("y", "no"), ("x", "yes")): 0.0},
    )
    network = build_network(spec)
    answer = infer(network, batch_of(network, [{"y": "yes"}], ["here"]))
    assert answer.posterior[0, 0] == twice((yes[0] + yes[2]) / yes.sum())


# ---- inference -----------------------------------------------------------------------------------


@many
@given(strategies.cases(with_certain_causes=True))
def test_posteriors_and_log_evidence_agree(case: strategies.Cases) -> None:
    spec, setting, rows = case
    network, base = build_network(spec), reference.solve_base(spec, setting)
    answer = infer(network, batch_of(network, rows, [setting] * len(rows)))
    for i, row in enumerate(rows):
        expected = reference.posterior(spec, row, setting, base=base)
        found = dict(zip(spec.causes, answer.posterior[i].tolist(), strict=True))
        assert found == twice(expected.posterior)
        assert answer.log_evidence[i] == pytest.approx(expected.log_evidence, abs=floats.SOLVED_TWICE)


@many
@given(strategies.cases(n_max=2, with_certain_causes=True))
def test_tiny_posteriors_keep_their_digits(case: strategies.Cases) -> None:
    """Against 50 digits from the network's own base factors, so that only inference is compared."""
    spec, setting, rows = case
    network = build_network(spec)
    answer = infer(network, batch_of(network, rows, [setting] * len(rows)))
    for i, row in enumerate(rows):
        exact = reference.digits(spec, base_of(network, setting), row)
        expected = {cause: float(p) for cause, p in exact.posterior.items()}
        assert dict(zip(spec.causes, answer.posterior[i].tolist(), strict=True)) == same(expected)
        assert answer.log_evidence[i] == pytest.approx(float(exact.log_evidence), abs=floats.SAME_BASE)


@many
@given(strategies.specs(), st.data())
def test_a_batch_may_mix_settings_and_impossible_cases(spec: NetworkSpec, data: st.DataObject) -> None:
    network = build_network(spec)
    names = data.draw(st.lists(st.sampled_from(spec.settings), min_size=1, max_size=6))
    drawn = [strategies.evidence(spec, name, is_possible=False, with_certain_causes=True) for name in names]
    rows = [data.draw(row) for row in drawn]
    bases = {name: reference.solve_base(spec, name) for name in spec.settings}
    answer = infer(network, batch_of(network, rows, names))
    for i, (row, name) in enumerate(zip(rows, names, strict=True)):
        expected = reference.posterior(spec, row, name, base=bases[name])
        if expected.log_evidence == -math.inf:
            assert answer.log_evidence[i] == -math.inf
            assert np.isnan(answer.posterior[i]).all()
        else:
            found = dict(zip(spec.causes, answer.posterior[i].tolist(), strict=True))
            assert found == twice(expected.posterior)


@many
@given(strategies.cases(n_max=1, with_certain_causes=True))
def test_explanations_and_unknown_variables_agree(case: strategies.Cases) -> None:
    spec, setting, rows = case
    network = build_network(spec)
    batch = batch_of(network, rows, [setting])
    expected = reference.posterior(spec, rows[0], setting)
    weights = softmax(log_weights(network, batch)[0])
    listed = explanations_of(network)
    assert dict(zip(listed, weights.tolist(), strict=True)) == twice(expected.explanations)
    tables = marginals(network, batch, weights)
    for name, states, table in zip(network.variable_ids, network.states, tables, strict=True):
        assert dict(zip(states, table.tolist(), strict=True)) == twice(expected.states[name])


@many
@given(strategies.cases(n_max=2, with_certain_causes=True), st.data())
def test_a_group_is_the_probability_of_any_member(case: strategies.Cases, data: st.DataObject) -> None:
    spec, setting, rows = case
    network, base = build_network(spec), reference.solve_base(spec, setting)
    groups = data.draw(st.lists(st.sets(st.sampled_from(spec.causes)), min_size=1, max_size=3))
    listed = explanations_of(network)
    sets = np.array([[float(bool(found & group)) for group in groups] for found in listed])
    batch = batch_of(network, rows, [setting] * len(rows))
    answer = infer(network, batch, sets=sets)
    for i, row in enumerate(rows):
        after = reference.posterior(spec, row, setting, base=base).explanations
        expected = [sum(p for found, p in after.items() if found & group) for group in groups]
        assert answer.posterior[i].tolist() == twice(expected)
