"""Noisy-OR and noisy-MAX worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.gates import find_crossings, log_below, log_state_probabilities
from thighdx.network.spec import FindingSpec

NAN = float("nan")
PAIRS = enumerate_explanations(3, 2)  # {a} {b} {c} {a,b} {a,c} {b,c}


def finding(background: list[float], rows: list[list[float]]) -> FindingSpec:
    states = ("absent", "present") if len(background) == 1 else ("none", "mild", "severe")
    return FindingSpec("f", "finding", states, np.array(background), np.array(rows))


def present(spec: FindingSpec) -> list[float]:
    return np.exp(log_state_probabilities(spec, PAIRS))[1].tolist()


def test_causes_above_the_background_combine_as_a_noisy_or() -> None:
    # b = 0.1; a: 0.55, so 1 - lambda = 0.45/0.9 = 0.5; b: 0.28, so 0.8; c: no row, so 1.
    # {a, b}: 1 - 0.9 x 0.5 x 0.8 = 0.64; with c nothing changes.
    spec = finding([0.1], [[0.55], [0.28], [NAN]])
    assert present(spec) == pytest.approx([0.55, 0.28, 0.1, 0.64, 0.55, 0.28], abs=floats.BY_HAND)


def test_a_cause_below_the_background_keeps_the_background_down() -> None:
    # b = 0.2; a: 0.05, so b_H = 0.05; b: 0.6, so 1 - lambda = 0.4/0.8 = 0.5; c: 0.1, so b_H = 0.1.
    # {a, b}: 1 - 0.95 x 0.5 = 0.525; {a, c}: b_H = 0.2 x 0.25 x 0.5 = 0.025; {b, c}: 1 - 0.9 x 0.5 = 0.55.
    spec = finding([0.2], [[0.05], [0.6], [0.1]])
    assert present(spec) == pytest.approx([0.05, 0.6, 0.1, 0.525, 0.025, 0.55], abs=floats.BY_HAND)


def test_rows_of_never_and_always_are_kept() -> None:
    # a: never, so the background is gone: {a, c} has only c: 1 - 1 x (0.5/0.75) = 1/3. b: always.
    spec = finding([0.25], [[0.0], [1.0], [0.5]])
    assert present(spec) == pytest.approx([0, 1, 0.5, 1, 1 / 3, 1], abs=floats.BY_HAND)


def test_ordered_findings_apply_the_gate_to_in_this_state_or_a_higher_one() -> None:
    # P(>= mild): b 0.2, a 0.6 (escape 0.5), b 0.36 (0.8): {a, b} 1 - 0.8 x 0.4 = 0.68
    # P(severe):  b 0.1, a 0.28 (0.8), b 0.19 (0.9):       {a, b} 1 - 0.9 x 0.72 = 0.352
    spec = finding([0.2, 0.1], [[0.6, 0.28], [0.36, 0.19], [NAN, NAN]])
    table = np.exp(log_state_probabilities(spec, PAIRS))
    assert table[:, 3] == pytest.approx([0.32, 0.328, 0.352], abs=floats.BY_HAND)
    assert table[:, 2] == pytest.approx([0.8, 0.1, 0.1], abs=floats.BY_HAND)
    assert table.sum(axis=0) == pytest.approx(np.ones(6), abs=floats.SUMS_TO_ONE)


def test_a_finding_that_no_cause_touches_is_its_background_for_every_explanation() -> None:
    spec = finding([0.3, 0.07], [[NAN, NAN]] * 3)
    assert np.exp(log_below(spec, PAIRS)) == pytest.approx(
        np.full((2, 6), [[0.7], [0.93]]), abs=floats.BY_HAND
    )
    assert find_crossings(spec, PAIRS) == []


def test_a_tiny_probability_keeps_its_digits() -> None:
    spec = finding([1e-12], [[3e-12], [NAN], [1e-13]])
    expected = [3e-12, 1e-12, 1e-13, 3e-12, 2.1e-12, 1e-13]  # {a, c}: 2e-12 caused on top of 1e-13 left over
    assert present(spec) == pytest.approx(expected, rel=1e-9)


def test_a_state_that_equals_the_next_is_impossible_and_not_negative() -> None:
    spec = finding([0.3, 0.2], [[0.6, 0.6], [NAN, NAN], [0.5, 0.4]])
    with np.errstate(all="raise"):
        table = log_state_probabilities(spec, PAIRS)
    assert np.exp(table[1, 0]) == pytest.approx(0, abs=1e-15)
    assert not np.isnan(table).any()


def test_rows_that_cross_are_found_at_their_worst() -> None:
    # a and b: at least mild 0.2 below a background of 0.3, severe 0.19 above one of 0.05.
    # {a, b}: mild 0.3 x (2/3)^2 = 0.1333; severe 1 - 0.95 x (0.81/0.95)^2 = 0.30937; gap 0.17604.
    spec = finding([0.3, 0.05], [[0.2, 0.19], [0.2, 0.19], [NAN, NAN]])
    (crossing,) = find_crossings(spec, PAIRS)
    assert (crossing.variable, crossing.state, crossing.causes) == ("f", "severe", (0, 1))
    assert crossing.gap == pytest.approx(1 - 0.81**2 / 0.95 - 0.4 / 3, abs=floats.BY_HAND)


def test_rounding_is_not_taken_for_a_crossing() -> None:
    rows = [[0.1 + 0.2, 0.3], [0.7, 0.7], [1 / 3, 1 / 3]]
    assert find_crossings(finding([0.1, 0.1], rows), PAIRS) == []


probability = st.floats(0.001, 0.999)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(background=probability, rows=st.lists(st.one_of(probability, st.just(NAN)), min_size=3, max_size=3))
def test_one_cause_alone_gives_its_row_and_more_never_leave_the_unit_interval(
    background: float, rows: list[float]
) -> None:
    found = np.array(present(finding([background], [[row] for row in rows])))
    alone = [background if np.isnan(row) else row for row in rows]
    assert found[:3] == pytest.approx(alone, rel=1e-9)
    assert ((found >= 0) & (found <= 1)).all()


@settings(deadline=None, derandomize=True, max_examples=200)
@given(background=probability, rows=st.lists(probability, min_size=3, max_size=3))
def test_adding_a_cause_that_speaks_for_a_finding_never_makes_it_rarer(
    background: float, rows: list[float]
) -> None:
    raised = [max(row, background) for row in rows]
    found = present(finding([background], [[row] for row in raised]))
    for pair, (i, j) in zip(found[3:], [(0, 1), (0, 2), (1, 2)], strict=True):
        assert pair >= max(found[i], found[j]) - 1e-12
