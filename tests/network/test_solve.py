"""The convex solver behind shares, frequencies and joint tables, on cases solved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
from thighdx.network import solve
from thighdx.network.solve import MARGIN_TOLERANCE, solve_margins


def test_one_parameter_is_the_log_odds() -> None:
    # Two cells, one feature: P = exp(t) / (1 + exp(t)) = 0.2, so t = log(0.25).
    solution = solve_margins(np.zeros((1, 2)), np.array([[0.0], [1.0]]), np.ones(1), np.array([0.2]))
    assert solution.is_solved
    assert solution.theta[0] == pytest.approx(np.log(0.25), abs=floats.BY_HAND)


def test_a_mixture_of_two_groups_meets_the_margin_on_average() -> None:
    # Half the groups have odds 3 t, half have odds t; 3t/(1+3t) + t/(1+t) = 1 where t = 3**-0.5.
    offset = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    solution = solve_margins(offset, np.array([[0.0], [1.0]]), np.array([0.5, 0.5]), np.array([0.5]))
    assert solution.theta[0] == pytest.approx(-0.5 * np.log(3), abs=floats.BY_HAND)


def test_a_closed_cell_stays_closed() -> None:
    # The first group can only be in cell 0: all of the margin 0.3 comes from the second, P = 0.6, odds 1.5.
    offset = np.array([[0.0, -np.inf], [0.0, 0.0]])
    solution = solve_margins(offset, np.array([[0.0], [1.0]]), np.array([0.5, 0.5]), np.array([0.3]))
    assert solution.theta[0] == pytest.approx(np.log(1.5), abs=floats.BY_HAND)


def test_two_features_that_always_come_together_share_what_is_identified() -> None:
    # Only the sum of the two parameters counts, log(0.3 / 0.7); the shortest step splits it.
    solution = solve_margins(
        np.zeros((1, 2)), np.array([[0.0, 0.0], [1.0, 1.0]]), np.ones(1), np.array([0.3, 0.3])
    )
    assert solution.is_solved
    assert solution.theta.sum() == pytest.approx(np.log(0.3 / 0.7), abs=floats.BY_HAND)
    assert solution.theta[0] == pytest.approx(solution.theta[1], abs=floats.BY_HAND)


def test_margins_that_contradict_one_another_are_not_called_solved() -> None:
    both = np.array([[0.0, 0.0], [1.0, 1.0]])
    solution = solve_margins(np.zeros((1, 2)), both, np.ones(1), np.array([0.3, 0.4]))
    assert not solution.is_solved
    assert solution.error == pytest.approx(0.05, abs=1e-6)  # the closest there is: 0.35


def test_a_margin_beyond_what_the_open_cells_allow_is_not_called_solved() -> None:
    offset = np.array([[0.0, -np.inf], [0.0, 0.0]])
    solution = solve_margins(offset, np.array([[0.0], [1.0]]), np.array([0.5, 0.5]), np.array([0.7]))
    assert not solution.is_solved
    assert solution.error == pytest.approx(0.2, abs=1e-6)


def test_the_way_to_a_margin_that_nothing_reaches_ends_where_no_step_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps died away far out, and went on for all of two hundred iterations."""
    evaluated, plain = [], solve._Problems.at

    def counted(problems: solve._Problems, theta: np.ndarray) -> object:
        evaluated.append(len(theta))
        return plain(problems, theta)

    monkeypatch.setattr(solve._Problems, "at", counted)
    offset = np.array([[0.0, -np.inf], [0.0, 0.0]])
    assert not solve_margins(
        offset, np.array([[0.0], [1.0]]), np.array([0.5, 0.5]), np.array([0.7])
    ).is_solved
    assert len(evaluated) < 100


def test_a_group_without_any_open_cell_is_not_called_solved() -> None:
    with np.errstate(invalid="ignore"):
        solution = solve_margins(
            np.full((1, 2), -np.inf), np.array([[0.0], [1.0]]), np.ones(1), np.array([0.5])
        )
    assert not solution.is_solved
    assert solution.error == np.inf


def test_nothing_to_solve_is_solved() -> None:
    solution = solve_margins(np.zeros((1, 1)), np.zeros((1, 0)), np.ones(1), np.zeros(0))
    assert solution.is_solved
    assert solution.error == 0
    assert solution.theta.shape == (0,)


def test_margins_of_one_in_a_million_are_met_in_relative_terms() -> None:
    features = np.eye(4)[:, 1:]
    margins = np.array([1e-6, 1e-4, 0.3])
    solution = solve_margins(np.zeros((1, 4)), features, np.ones(1), margins)
    expected = np.log(margins / (1 - margins.sum()))
    assert solution.theta == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("start", [None, np.array([5.0, -5.0]), np.array([-3.0, 6.0])])
def test_any_start_leads_to_the_one_solution(start: np.ndarray | None) -> None:
    features = np.eye(3)[:, 1:]
    solution = solve_margins(np.zeros((1, 3)), features, np.ones(1), np.array([0.2, 0.5]), start=start)
    assert solution.theta == pytest.approx([np.log(2 / 3), np.log(5 / 3)], abs=1e-11)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), n_cells=st.integers(2, 8), n_groups=st.integers(1, 6))
def test_margins_that_some_parameters_give_are_always_met(seed: int, n_cells: int, n_groups: int) -> None:
    rng = np.random.default_rng(seed)
    offset = rng.normal(0, 2, (n_groups, n_cells))
    features = np.eye(n_cells)[:, 1:]
    weights = rng.dirichlet(np.ones(n_groups))
    truth = rng.normal(0, 3, n_cells - 1)
    cell = np.exp(offset + features @ truth)
    margins = weights @ (cell / cell.sum(axis=1, keepdims=True)) @ features
    solution = solve_margins(offset, features, weights, margins)
    assert solution.error <= MARGIN_TOLERANCE
    found = np.exp(offset + features @ solution.theta)
    met = weights @ (found / found.sum(axis=1, keepdims=True)) @ features
    assert met == pytest.approx(margins, abs=1e-9)


def test_a_rare_state_that_few_explanations_allow_is_reached() -> None:
    """From far away a full Newton step overshoots to where nothing curves any more."""
    offset = np.array([[0.0, -np.inf], [0.0, 0.0]])
    features = np.array([[0.0], [1.0]])
    weights = np.array([0.994, 0.006])
    solution = solve_margins(offset, features, weights, np.array([0.0013]), start=np.array([-6.0]))
    assert solution.is_solved
    assert solution.theta[0] == pytest.approx(np.log(0.0013 / (0.006 - 0.0013)), abs=1e-9)


def test_a_step_keeps_the_digits_of_what_hardly_curves() -> None:
    """Unscaled, 1e-14 beside 1 would be taken for a direction that is not identified."""
    step = solve._newton_steps(np.diag([1.0, 1e-14])[None], np.array([[-0.5, -1e-14]]))
    assert step[0] == pytest.approx([0.5, 1.0], rel=floats.BY_HAND)


def test_a_step_is_shortened_to_what_is_near() -> None:
    step = solve._newton_steps(np.eye(2)[None], np.array([[-10 * solve.LONGEST_STEP, 0.5]]))
    assert step[0] == pytest.approx([solve.LONGEST_STEP, -0.05], rel=floats.BY_HAND)
