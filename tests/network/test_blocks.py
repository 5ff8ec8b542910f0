"""Contexts given the causes, worked by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import floats
from plain_cases import make_spec
from thighdx.network import blocks
from thighdx.network.blocks import block_log_cells, make_blocks, solve_block
from thighdx.network.build import build_network
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.spec import ContextSpec, NetworkSpec

# P(only a) = 0.5, P(only b) = 0.3, P(both) = 0.2, as P(a) = 0.7 and P(b) = 0.5 and nobody has neither.
PRIOR = np.array([0.5, 0.3, 0.2])


def context(name: str, frequency: list[float], a: list[float], b: list[float]) -> ContextSpec:
    states = ("no", "yes") if len(frequency) == 2 else ("none", "early", "late")
    return ContextSpec(name, "context", states, np.array([frequency]), np.array([a, b]))


def two_causes(*contexts: ContextSpec, dependencies: dict | None = None) -> NetworkSpec:
    return make_spec({"a": 0.7, "b": 0.5}, contexts=contexts, dependencies=dependencies)


def cells_of(spec: NetworkSpec) -> tuple[np.ndarray, float]:
    """P(cell | H) of the first block, and the error of its solution."""
    explanations = enumerate_explanations(2, 2)
    block = make_blocks(spec)[0]
    factors, error = solve_block(block, spec, explanations, PRIOR, 0)
    return np.exp(block_log_cells(block, spec, explanations, factors)), error


def test_a_context_without_odds_ratios_has_its_frequency_under_every_explanation() -> None:
    table, error = cells_of(two_causes(context("x", [0.8, 0.2], [1, 1], [1, 1])))
    assert table == pytest.approx(np.array([[0.8] * 3, [0.2] * 3]), abs=floats.BY_HAND)
    assert error <= 1e-14


def test_the_odds_ratio_between_causes_is_the_one_that_was_given() -> None:
    table, _ = cells_of(two_causes(context("x", [0.8, 0.2], [1, 6], [1, 2])))
    odds = table[1] / table[0]
    assert odds[0] / odds[1] == pytest.approx(3, rel=floats.BY_HAND)  # only a against only b: 6 / 2
    assert odds[2] / odds[1] == pytest.approx(6, rel=floats.BY_HAND)  # both against only b: a's own
    assert table[1] @ PRIOR == pytest.approx(0.2, abs=1e-12)


def test_odds_ratios_and_frequency_solved_by_hand() -> None:
    # Base odds 1/4: only a 1/4 x 6 = 1.5 (0.6), only b 1/4 x 4 = 1 (0.5), both 1/4 x 24 = 6 (6/7).
    yes = 0.5 * 0.6 + 0.3 * 0.5 + 0.2 * 6 / 7
    table, _ = cells_of(two_causes(context("x", [1 - yes, yes], [1, 6], [1, 4])))
    assert table[1] == pytest.approx([0.6, 0.5, 6 / 7], abs=1e-12)


def test_a_state_that_never_occurs_has_no_chance() -> None:
    table, error = cells_of(two_causes(context("x", [1.0, 0.0], [1, 6], [1, 2])))
    assert table.tolist() == [[1.0] * 3, [0.0] * 3]
    assert error == 0


def test_a_cause_can_require_a_state() -> None:
    # With a only "yes" is possible: 0.5 + 0.2 of the patients; the rest of 0.85 is 0.15 of 0.3 with only b.
    table, _ = cells_of(two_causes(context("x", [0.15, 0.85], [0, 1], [1, 1])))
    assert table[:, 0].tolist() == [0, 1]
    assert table[:, 1] == pytest.approx([0.5, 0.5], abs=1e-12)


def test_a_cause_that_requires_a_state_rarer_than_itself_is_not_solved() -> None:
    _, error = cells_of(two_causes(context("x", [0.6, 0.4], [0, 1], [1, 1])))  # a alone is 0.7
    assert error > 0.1


def test_a_cause_without_a_possible_state_is_not_solved() -> None:
    spec = two_causes(context("x", [0.6, 0.4], [0, 0], [1, 1]))
    _, error = solve_block(make_blocks(spec)[0], spec, enumerate_explanations(2, 2), PRIOR, 0)
    assert error == np.inf


def test_contexts_connected_in_a_chain_are_one_block() -> None:
    contexts = [context(name, [0.5, 0.5], [1, 1], [1, 1]) for name in ("x", "alone", "y", "z")]
    ties = {(("z", "yes"), ("y", "no")): 2.0, (("y", "yes"), ("x", "yes")): 0.0}
    found = make_blocks(two_causes(*contexts, dependencies=ties))
    assert [block.context_idx for block in found] == [(0, 2, 3), (1,)]
    assert len(found[0].cells) == 8 - 2  # x = yes with y = yes is impossible, whatever z
    assert all(not array.flags.writeable for block in found for array in (block.cells, block.log_dependency))


def test_an_impossible_pair_is_exactly_zero_and_the_margins_still_hold() -> None:
    x = context("x", [0.7, 0.3], [1, 2], [1, 1])
    y = context("y", [0.6, 0.25, 0.15], [1, 1, 3], [1, 0.5, 1])
    ties = {(("x", "yes"), ("y", "late")): 0.0, (("x", "yes"), ("y", "early")): 4.0}
    spec = two_causes(x, y, dependencies=ties)
    table, error = cells_of(spec)
    assert error <= 1e-12
    named = [tuple(cell) for cell in make_blocks(spec)[0].cells.tolist()]
    assert (1, 2) not in named
    overall = dict(zip(named, table @ PRIOR, strict=True))
    assert sum(p for (first, _), p in overall.items() if first == 1) == pytest.approx(0.3, abs=1e-9)
    assert sum(p for (_, second), p in overall.items() if second == 1) == pytest.approx(0.25, abs=1e-9)
    assert sum(p for (_, second), p in overall.items() if second == 2) == pytest.approx(0.15, abs=1e-9)
    for h in range(3):  # the odds ratio of x and y inside every explanation is the factor
        given = dict(zip(named, table[:, h], strict=True))
        ratio = given[1, 1] * given[0, 0] / (given[1, 0] * given[0, 1])
        assert ratio == pytest.approx(4, rel=1e-12)


def test_contexts_that_are_not_tied_are_independent_given_the_causes_and_not_overall() -> None:
    x = context("x", [0.7, 0.3], [1, 5], [1, 1])
    y = context("y", [0.6, 0.4], [1, 5], [1, 1])
    network = build_network(two_causes(x, y))
    first, second = (np.exp(cells) for cells in network.cells(0))
    assert len(network.blocks) == 2
    together = (first[1] * second[1]) @ np.exp(network.log_prior(0))
    assert together > 0.3 * 0.4 * 1.05


def test_a_block_too_large_for_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = [context(name, [0.5, 0.5], [1, 1], [1, 1]) for name in ("x", "y", "z")]
    ties = {(("x", "yes"), ("y", "yes")): 2.0, (("y", "yes"), ("z", "yes")): 2.0}
    monkeypatch.setattr(blocks, "MAX_CELLS", 7)
    with pytest.raises(ValueError, match="block of x, y, z: more than 7 cells"):
        make_blocks(two_causes(*contexts, dependencies=ties))


def test_far_too_many_joint_states_are_refused_before_they_are_listed() -> None:
    names = [f"x{k}" for k in range(40)]
    contexts = [context(name, [0.5, 0.5], [1, 1], [1, 1]) for name in names]
    ties = {((first, "yes"), (second, "yes")): 2.0 for first, second in itertools.pairwise(names)}
    with pytest.raises(ValueError, match=r"block of x0, x1, .*: too many joint states"):
        make_blocks(two_causes(*contexts, dependencies=ties))


def test_a_block_without_a_possible_cell_is_refused() -> None:
    x, y = (context(name, [0.5, 0.5], [1, 1], [1, 1]) for name in ("x", "y"))
    ties = {(("x", s), ("y", t)): 0.0 for s in ("no", "yes") for t in ("no", "yes")}
    with pytest.raises(ValueError, match="block of x, y: no joint state is possible"):
        make_blocks(two_causes(x, y, dependencies=ties))
