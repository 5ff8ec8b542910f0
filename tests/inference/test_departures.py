"""How the tables of the compiled engine are laid out, by hand."""

from __future__ import annotations

import numpy as np
import pytest

import floats
from plain_cases import batch_of, finding, make_spec
from thighdx.inference.departures import NO_ROW, departures, runs
from thighdx.inference.kernel import infer_compiled
from thighdx.network.build import build_network
from thighdx.network.spec import ContextSpec


def test_runs_of_explanations_that_differ_in_their_last_cause() -> None:
    found = runs(build_network(make_spec({"a": 0.6, "b": 0.4, "c": 0.3})))
    # a, b, c | ab, ac | bc: what they share is nothing (3), a, b
    assert found.start.tolist() == [0, 3, 5, 6]
    assert found.last.tolist() == [0, 1, 2]
    assert found.shared.tolist() == [[3], [0], [1]]


def test_every_state_but_the_one_in_the_base_has_a_row() -> None:
    frequency, odds = np.array([[0.6, 0.3, 0.1]]), np.array([[1.0, 2.0, 1.0], [1.0, 1.0, 3.0]])
    context = ContextSpec("x", "context", ("none", "early", "late"), frequency, odds)
    spec = make_spec({"a": 0.7, "b": 0.5}, (finding("f", 0.1, ("a", "b"), a=0.6),), (context,))
    plan = departures(build_network(spec), 0)
    # columns: unknown, then the states; the commonest state of a context is in the base, of a finding nothing
    assert plan.row_of.tolist() == [[0, NO_ROW, 1, 2], [NO_ROW, 3, 4, NO_ROW]]
    assert len(plan.constant) == len(plan.single) == len(plan.rest_of) == 5


def test_what_is_in_the_base_is_the_commonest_state_of_patients() -> None:
    # Rare explanations count little, though most of them come with `yes`: P(only a) = 0.85.
    context = ContextSpec(
        "x", "context", ("no", "yes"), np.array([[0.8, 0.2]]), np.array([[1.0, 1.0], [1.0, 60.0]])
    )
    plan = departures(build_network(make_spec({"a": 0.9, "b": 0.15}, (), (context,))), 0)
    assert plan.row_of.tolist() == [[0, NO_ROW, 1]]


def test_a_row_of_which_little_is_left_is_a_list_and_others_stay_whole() -> None:
    causes = dict.fromkeys("abcdefgh", 0.2)
    few = finding("few", 0.1, tuple(causes), a=0.6, b=0.5)  # of 36 sets only a and b together is no product
    many = finding("many", 0.1, tuple(causes), **dict(zip(causes, np.arange(0.2, 1.0, 0.1), strict=True)))
    plan = departures(build_network(make_spec(causes, (few, many))), 0)
    assert len(plan.few_start) == len(plan.rest_of) + 1
    counts = np.diff(plan.few_start)
    assert len(plan.few_of) == counts.sum()
    of_few, of_many = plan.row_of[0, 1:], plan.row_of[1, 1:]
    assert (plan.rest_of[of_few] == NO_ROW).all()
    assert counts[of_few].tolist() == [0, 1]
    assert (plan.rest_of[of_many] != NO_ROW).tolist() == [False, True]
    assert counts[of_many].tolist() == [0, 0]


def test_a_network_without_variables_has_no_rows_and_gives_the_prior() -> None:
    network = build_network(make_spec({"a": 0.7, "b": 0.5}))
    assert departures(network, 0).row_of.shape == (0, 2)
    found = infer_compiled(network, batch_of(network, [{}, {"a": "present"}], ["here", "here"]))
    assert found.posterior[0] == pytest.approx([0.7, 0.5], abs=floats.MARGIN)
    assert found.posterior[1] == pytest.approx([1.0, 0.2 / 0.7], abs=floats.MARGIN)
