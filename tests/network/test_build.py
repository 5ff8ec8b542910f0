"""Explanations, the prior over them, and the frozen network."""

from __future__ import annotations

import dataclasses
import itertools
import math
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings

import floats
import strategies
from thighdx.network import build, rebase
from thighdx.network.build import build_network, pair_log_odds, solve_parameters, solve_shares
from thighdx.network.explanations import MAX_EXPLANATIONS, enumerate_explanations
from thighdx.network.rebase import rebase_parameters
from thighdx.network.solve import MARGIN_TOLERANCE, Solution
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec
from thighdx.network.tables import setting_tables


def spec_of(
    shares: list[list[float]], *, max_causes: int = 2, pairs: dict[tuple[str, str], float] | None = None
) -> NetworkSpec:
    """Causes a, b, ..., one context and one finding."""
    causes = tuple("abcdef"[: len(shares[0])])
    settings = tuple(f"setting_{k}" for k in range(len(shares)))
    frequency = np.array([[0.7, 0.3]] * len(shares))
    odds = np.array([[1.0, 2.0]] * len(causes))
    rows = np.array([[0.6]] + [[np.nan]] * (len(causes) - 1))
    return NetworkSpec(
        causes=causes,
        max_causes=max_causes,
        settings=settings,
        shares=np.array(shares),
        pair_odds_ratio=pairs or {},
        contexts=(ContextSpec("x", "context", ("no", "yes"), frequency, odds),),
        findings=(FindingSpec("f", "finding", ("absent", "present"), np.array([0.1]), rows),),
        dependencies={},
    )


# ---- explanations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_causes", "max_causes"), [(1, 1), (4, 2), (6, 3), (5, 5)])
def test_every_set_of_causes_is_listed_once_smaller_ones_first(n_causes: int, max_causes: int) -> None:
    explanations = enumerate_explanations(n_causes, max_causes)
    found = [tuple(c for c in row if c < n_causes) for row in explanations.members.tolist()]
    assert found == [
        chosen
        for size in range(1, max_causes + 1)
        for chosen in itertools.combinations(range(n_causes), size)
    ]
    assert explanations.sizes.tolist() == [len(chosen) for chosen in found]
    matrix = explanations.membership()
    assert [tuple(np.flatnonzero(row)) for row in matrix] == found


def test_the_shipped_size_has_9177_explanations() -> None:
    assert enumerate_explanations(38, 3).n_explanations == 38 + 703 + 8436 == 9_177


def test_sums_run_over_members_and_over_pairs() -> None:
    explanations = enumerate_explanations(3, 3)
    assert explanations.sum_over_members(np.array([1.0, 10, 100])).tolist() == [1, 10, 100, 11, 101, 110, 111]
    assert explanations.sum_over_members(np.array([-np.inf, 1, 2]))[-1] == -np.inf
    pairs = np.array([[0.0, 1, 10], [1, 0, 100], [10, 100, 0]])
    assert explanations.sum_over_pairs(pairs).tolist() == [0, 0, 0, 1, 10, 100, 111]


@pytest.mark.parametrize(("n_causes", "max_causes"), [(3, 0), (3, 4), (0, 1), (3, -1)])
def test_a_number_of_causes_that_cannot_be_is_refused(n_causes: int, max_causes: int) -> None:
    with pytest.raises(ValueError, match=f"max_causes: got {max_causes}, expected 1 to {n_causes}"):
        enumerate_explanations(n_causes, max_causes)


def test_more_explanations_than_fit_in_memory_are_refused_before_they_are_listed() -> None:
    with pytest.raises(
        ValueError, match=r"10 of 200 causes make [\d,]+ explanations, expected at most 200,000"
    ):
        enumerate_explanations(200, 10)
    assert MAX_EXPLANATIONS == 200_000


def test_explanations_are_read_only() -> None:
    explanations = enumerate_explanations(3, 2)
    for array in (explanations.members, explanations.sizes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


# ---- the prior --------------------------------------------------------------------------------------


def test_two_causes_that_fill_the_population_follow_by_inclusion_and_exclusion() -> None:
    # P(a) = 0.7, P(b) = 0.5, nobody without: only a 0.5, only b 0.3, both 0.2.
    network = build_network(spec_of([[0.7, 0.5]]))
    assert np.exp(network.log_prior(0)) == pytest.approx([0.5, 0.3, 0.2], abs=1e-12)


def test_three_equal_causes_solved_by_hand() -> None:
    # Shares 0.5 each, at most two: the share is (w + 2 w^2) / (3 w + 3 w^2) = 0.5,
    # so w + 2 w^2 = 1.5 w + 1.5 w^2 and w = 1: six equally likely explanations.
    network = build_network(spec_of([[0.5, 0.5, 0.5]]))
    assert np.exp(network.log_prior(0)) == pytest.approx(np.full(6, 1 / 6), abs=1e-12)
    assert network.solved.theta[0] == pytest.approx(np.zeros(3), abs=1e-9)


def test_an_odds_ratio_between_causes_is_the_one_that_was_given() -> None:
    plain = np.exp(build_network(spec_of([[0.5, 0.4, 0.3]], max_causes=3)).log_prior(0))
    tied = np.exp(
        build_network(spec_of([[0.5, 0.4, 0.3]], max_causes=3, pairs={("b", "a"): 5.0})).log_prior(0)
    )

    def ratio(p: np.ndarray) -> float:  # of a and b among those with c: {a,b,c} {c} / {a,c} {b,c}
        return p[6] * p[2] / (p[4] * p[5])

    assert ratio(plain) == pytest.approx(1, rel=1e-9)
    assert ratio(tied) == pytest.approx(5, rel=1e-9)


def test_pairs_may_be_given_in_either_order_and_zero_means_never_together() -> None:
    first, second = (spec_of([[0.6, 0.5]], pairs=p) for p in ({("a", "b"): 3.0}, {("b", "a"): 3.0}))
    assert (
        pair_log_odds(first).tolist()
        == pair_log_odds(second).tolist()
        == [[0, math.log(3)], [math.log(3), 0]]
    )
    never = build_network(spec_of([[0.5, 0.4, 0.3]], pairs={("a", "b"): 0.0}))
    assert never.log_prior(0)[3] == -np.inf
    assert np.exp(never.log_prior(0)) @ never.membership == pytest.approx([0.5, 0.4, 0.3], abs=1e-9)


@pytest.mark.parametrize("shares", [[0.6, 0.3], [0.9, 0.9, 0.9]])
def test_shares_that_cannot_be_reproduced_are_not_hidden(shares: list[float]) -> None:
    spec = spec_of([shares])
    solved = solve_parameters(spec)
    (problem,) = solved.unsolved
    assert (problem.setting, problem.variables) == ("setting_0", ())
    assert problem.error > 1e-9
    with pytest.raises(ValueError, match="setting_0: no parameters reproduce the shares of the causes"):
        build_network(spec)


def test_a_frequency_that_cannot_be_reproduced_is_not_hidden() -> None:
    odds = np.array([[0.0, 1.0], [1.0, 1.0]])  # a requires x = yes, but only 30 % have it
    spec = dataclasses.replace(
        spec_of([[0.7, 0.5]]),
        contexts=(ContextSpec("x", "context", ("no", "yes"), np.array([[0.7, 0.3]]), odds),),
    )
    (problem,) = solve_parameters(spec).unsolved
    assert problem.variables == ("x",)
    with pytest.raises(ValueError, match="setting_0: no parameters reproduce x"):
        build_network(spec)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(strategies.specs())
def test_every_margin_is_met_in_every_setting(spec: NetworkSpec) -> None:
    network = build_network(spec)
    for row in range(len(spec.settings)):
        prior = np.exp(network.log_prior(row))
        assert prior @ network.membership == pytest.approx(spec.shares[row], abs=1e-9)
        for block, log_cells in zip(network.blocks, network.cells(row), strict=True):
            cell = np.exp(log_cells) @ prior
            for member, index in enumerate(block.context_idx):
                n_states = len(spec.contexts[index].states)
                found = np.bincount(block.cells[:, member], weights=cell, minlength=n_states)
                assert found == pytest.approx(spec.contexts[index].frequency[row], abs=1e-9)


# ---- the frozen network -----------------------------------------------------------------------------


def arrays_in(value: object, seen: set[int] | None = None) -> Iterator[np.ndarray]:
    """Every array reachable from a network through its fields and containers."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_in(getattr(value, field.name), seen)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays_in(item, seen)
    elif isinstance(value, dict):
        for item in value.values():  # not a list of them: the next one could get the id of one that is gone
            yield from arrays_in(item, seen)


def test_every_array_of_a_network_is_read_only() -> None:
    network = build_network(spec_of([[0.7, 0.5], [0.6, 0.6]]))
    found = list(arrays_in((network, setting_tables(network, 0), setting_tables(network, 1))))
    assert len(found) > 20
    assert [array.shape for array in found if array.flags.writeable] == []
    with pytest.raises(ValueError, match="read-only"):
        network.membership[0, 0] = 5


def test_fields_of_a_network_cannot_be_set() -> None:
    network = build_network(spec_of([[0.7, 0.5]]))
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'spec'"):
        network.spec = None  # type: ignore[misc,assignment]  # on purpose


def test_a_pickled_network_has_the_same_tables_to_the_last_bit() -> None:
    network = build_network(spec_of([[0.7, 0.5], [0.6, 0.6]], pairs={("a", "b"): 2.0}))
    setting_tables(network, 0)
    again = pickle.loads(pickle.dumps(network))
    assert again.variable_ids == network.variable_ids
    assert again.finding_rows.tobytes() == network.finding_rows.tobytes()
    for row in range(2):
        assert again.log_prior(row).tobytes() == network.log_prior(row).tobytes()
        for old, new in zip(network.cells(row), again.cells(row), strict=True):
            assert new.tobytes() == old.tobytes()
    assert len(pickle.dumps(network)) < 10_000


def test_tables_are_made_once_per_setting() -> None:
    network = build_network(spec_of([[0.7, 0.5], [0.6, 0.6]]))
    first = setting_tables(network, 0)
    assert setting_tables(network, 0) is first
    assert setting_tables(network, 1) is not first


def test_eight_threads_that_ask_at_once_wait_for_one_that_makes() -> None:
    network = build_network(spec_of([[0.7, 0.5]]))
    made: list[str] = []
    start = threading.Barrier(8)

    def make() -> list[str]:
        time.sleep(0.02)
        made.append("table")
        return list(made)

    def ask(_: int) -> list[str]:
        start.wait()
        return network.once("a table", make)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert made == ["table"]
    assert len({id(item) for item in found}) == 1


def test_what_is_made_may_ask_for_something_else_from_another_thread() -> None:
    network = build_network(spec_of([[0.7, 0.5]]))

    def make() -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(network.once, "inner", lambda: 1).result(timeout=10) + 1

    assert network.once("outer", make) == 2


def test_variables_come_contexts_first_with_their_states() -> None:
    network = build_network(spec_of([[0.7, 0.5]]))
    assert network.variable_ids == ("x", "f")
    assert network.states == (("no", "yes"), ("absent", "present"))
    assert (network.n_contexts, network.n_variables) == (1, 2)
    assert network.n_states.tolist() == [2, 2]


# ---- other shares -----------------------------------------------------------------------------------


def test_rebasing_replaces_shares_and_leaves_what_was_solved_for_contexts() -> None:
    spec = spec_of([[0.7, 0.5], [0.6, 0.6]])
    solved = solve_parameters(spec)
    new_spec, new_solved = rebase_parameters(spec, solved, {"setting_1": {"a": 0.9}})
    assert new_spec.shares.tolist() == [[0.7, 0.5], [0.9, 0.6]]
    assert spec.shares.tolist() == [[0.7, 0.5], [0.6, 0.6]]
    assert new_solved.theta[0].tolist() == solved.theta[0].tolist()
    assert new_solved.factors is solved.factors
    network = build_network(new_spec, new_solved)
    assert np.exp(network.log_prior(1)) == pytest.approx([0.4, 0.1, 0.5], abs=1e-12)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        (
            {"a": 0.4},
            r"shares in setting_0 sum to 0\.9000 with those not named, expected more than 1 and less than",
        ),
        ({"a": 0.99999, "b": 1.0}, r"share of b in setting_0 comes to 1\.0000, expected less than 1"),
    ],
)
def test_shares_that_cannot_hold_together_are_refused(shares: dict[str, float], message: str) -> None:
    spec = spec_of([[0.7, 0.5]])
    with pytest.raises(ValueError, match=message):
        rebase_parameters(spec, solve_parameters(spec), {"setting_0": shares})


@pytest.mark.parametrize(
    ("error", "is_refused"), [(MARGIN_TOLERANCE, False), (1.01 * MARGIN_TOLERANCE, True)]
)
def test_shares_may_be_missed_by_the_tolerance_and_no_more(
    monkeypatch: pytest.MonkeyPatch, error: float, is_refused: bool
) -> None:
    spec = spec_of([[0.7, 0.5]])
    solved = solve_parameters(spec)
    monkeypatch.setattr(rebase, "solve_shares", lambda *_: (solved.theta[0], error))
    refused = pytest.raises(ValueError, match=r"cannot hold together \(closest is off by 1e-09\)")
    with refused if is_refused else nullcontext():
        rebase_parameters(spec, solved, {"setting_0": {"a": 0.8}})


def test_the_solver_starts_where_independent_causes_would_end(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, solve = [], build.solve_margins

    def noted(*problem: np.ndarray, start: np.ndarray) -> Solution:
        starts.append(start)
        return solve(*problem, start=start)

    monkeypatch.setattr(build, "solve_margins", noted)
    solve_shares(spec_of([[0.75, 0.5]]), enumerate_explanations(2, 2), np.array([0.75, 0.5]))
    assert starts[0] == pytest.approx([math.log(3), 0.0], abs=floats.BY_HAND)


def test_shares_are_solved_to_rounding() -> None:
    explanations = enumerate_explanations(6, 3)
    shares = np.array([0.5, 0.3, 0.2, 0.05, 0.01, 1e-6])
    spec = spec_of([shares.tolist()], max_causes=3)
    theta, error = solve_shares(spec, explanations, shares)
    assert error < 1e-13
    weights = np.exp(explanations.sum_over_members(theta))
    found = weights @ explanations.membership() / weights.sum()
    assert found == pytest.approx(shares, rel=1e-8, abs=0)
    assert found == pytest.approx(shares, abs=floats.MARGIN)
