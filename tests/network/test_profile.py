"""What a cause looks like, against counting every world of a small network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

import floats
import reference
from patients import CAUSES, NETWORK, SETTINGS, SPEC
from plain_cases import make_spec
from thighdx.network import profile
from thighdx.network.build import build_network
from thighdx.network.profile import Discriminator, context_facts, find_look_alikes, finding_facts
from thighdx.network.spec import FindingSpec

SETTING_IDX = 1
BASE = reference.solve_base(SPEC, SETTINGS[SETTING_IDX])
WORLDS = list(reference.joint(SPEC, BASE))
STATES = {variable.id: variable.states for variable in (*SPEC.contexts, *SPEC.findings)}


def near(expected: object) -> object:
    return pytest.approx(expected, rel=floats.SOLVED_TWICE, abs=0)


def chance_at_least(variable: str, state: str, *, cause: str, is_there: bool) -> float:
    """P(variable >= state) among patients with a cause, or without it."""
    states = STATES[variable]
    of_these = [(world, p) for found, world, p in WORLDS if (cause in found) == is_there]
    above = sum(p for world, p in of_these if states.index(world[variable]) >= states.index(state))
    return above / sum(p for _, p in of_these)


@pytest.mark.parametrize("cause", CAUSES)
def test_findings_of_a_cause_against_patients_without_it(cause: str) -> None:
    facts = finding_facts(NETWORK, cause, setting_idx=SETTING_IDX)
    listed = {
        (finding.id, state): row[step]
        for finding in SPEC.findings
        for row in [finding.cumulative[CAUSES.index(cause)]]
        for step, state in enumerate(finding.states[1:])
        if not math.isnan(row[step])
    }
    assert {(fact.variable, fact.state): fact.probability for fact in facts} == listed
    assert [fact.lr_present for fact in facts] == sorted((fact.lr_present for fact in facts), reverse=True)
    for fact in facts:
        states = STATES[fact.variable]
        finding = next(item for item in SPEC.findings if item.id == fact.variable)
        assert fact.is_last_state == (fact.state == states[-1])
        assert fact.background == finding.background[states.index(fact.state) - 1]
        others = chance_at_least(fact.variable, fact.state, cause=cause, is_there=False)
        assert fact.others == near(others)
        assert fact.lr_present == near(fact.probability / others)
        assert fact.lr_absent == near((1 - fact.probability) / (1 - others))


def test_contexts_of_a_cause_among_all_patients_and_among_its_own() -> None:
    facts = context_facts(NETWORK, "clot", setting_idx=SETTING_IDX)
    assert [(fact.variable, fact.state, fact.odds_ratio, fact.frequency) for fact in facts] == [
        ("age_band", "65+", 4.0, 0.05),
        ("pregnancy", "present", 4.0, 0.01),
        ("smoking", "present", 2.5, 0.1),
        ("age_band", "40-64", 2.0, 0.25),
    ]
    with_clot = [(world, p) for found, world, p in WORLDS if "clot" in found]
    for fact in facts:
        inside = sum(p for world, p in with_clot if world[fact.variable] == fact.state)
        assert fact.frequency_with == near(inside / sum(p for _, p in with_clot))


def test_states_of_every_variable_among_some_patients_are_a_distribution() -> None:
    weights = np.exp(NETWORK.log_prior(SETTING_IDX))
    found = profile._state_probabilities(NETWORK, SETTING_IDX, weights)
    assert [len(states) for states in found] == NETWORK.n_states.tolist()
    assert [states.sum() for states in found] == pytest.approx([1.0] * len(found), abs=floats.SUMS_TO_ONE)


def test_a_ratio_of_nothing_to_nothing_tells_nothing() -> None:
    assert profile.likelihood_ratios(0.0, 0.0) == (1.0, 1.0)
    assert profile.likelihood_ratios(1.0, 1.0) == (1.0, 1.0)
    assert profile.likelihood_ratios(0.5, 0.0) == (math.inf, 0.5)


# ---- look-alikes -------------------------------------------------------------------------------------


def parts(cause: str) -> Iterator[dict[tuple[str, ...], float]]:
    """Distributions that are independent given a cause alone: the joined contexts, then every other variable."""
    alone = [(world, p) for found, world, p in WORLDS if found == {cause}]
    for names in (("age_band", "pregnancy"), *((name,) for name in STATES)):
        if names not in (("age_band",), ("pregnancy",)):
            part: dict[tuple[str, ...], float] = {}
            for world, p in alone:
                key = tuple(world[name] for name in names)
                part[key] = part.get(key, 0.0) + p / sum(p for _, p in alone)
            yield part


def distance(one: str, other: str) -> float:
    """The sum over parts of Bhattacharyya's -log(sum of sqrt(p q))."""
    pairs = zip(parts(one), parts(other), strict=True)
    return sum(-math.log(sum(math.sqrt(p[key] * q[key]) for key in p)) for p, q in pairs)


def test_look_alikes_come_by_their_distance() -> None:
    found = find_look_alikes(NETWORK, "strain", setting_idx=SETTING_IDX)
    expected = sorted((distance("strain", other), other) for other in ("cramp", "clot"))
    assert [item.cause for item in found] == [other for _, other in expected]
    assert [item.distance for item in found] == near([far for far, _ in expected])
    nearest = found[0].cause
    (first,) = find_look_alikes(NETWORK, "strain", setting_idx=SETTING_IDX, n=1)
    assert first.cause == nearest
    (other,) = find_look_alikes(NETWORK, "strain", setting_idx=SETTING_IDX, without=nearest)
    assert other.cause == found[1].cause


def test_what_tells_two_causes_apart_comes_most_telling_first() -> None:
    found = find_look_alikes(NETWORK, "strain", setting_idx=SETTING_IDX)
    (clot,) = [item for item in found if item.cause == "clot"]
    by_name = {item.variable: item for item in clot.discriminators}
    assert set(by_name) == {"smoking", "onset", "bruising", "d_dimer"}  # the joined contexts are left out
    separations = [item.separation for item in clot.discriminators]
    assert separations == sorted(separations, reverse=True)

    def expected(
        variable: str, state: str, p: float, q: float, *, is_last: bool, states: list[tuple[float, float]]
    ) -> None:
        item = by_name[variable]
        separation = -math.log(sum(math.sqrt(a * b) for a, b in states))
        assert item == Discriminator(
            variable,
            state,
            is_last,
            near(p),
            near(q),
            near(p / q),
            near((1 - p) / (1 - q)),
            near(separation),  # type: ignore[arg-type]  # compares like a number
        )

    # strain (onset 0.9, 0.7; bruising 0.4; D-dimer as in anyone) against clot (0.6, 0.2; 0.02; 0.97)
    onset = [(0.1, 0.4), (0.2, 0.4), (0.7, 0.2)]
    expected("onset", "sudden", 0.7, 0.2, is_last=True, states=onset)
    expected("bruising", "present", 0.4, 0.02, is_last=True, states=[(0.6, 0.98), (0.4, 0.02)])
    expected("d_dimer", "positive", 0.2, 0.97, is_last=True, states=[(0.8, 0.03), (0.2, 0.97)])
    smoking = [
        sum(p for found, world, p in WORLDS if found == {cause} and world["smoking"] == "present")
        / sum(p for found, _, p in WORLDS if found == {cause})
        for cause in ("strain", "clot")
    ]
    expected(
        "smoking",
        "present",
        *smoking,
        is_last=True,
        states=[(1 - smoking[0], 1 - smoking[1]), (smoking[0], smoking[1])],
    )


def test_a_finding_is_split_where_that_tells_most() -> None:
    rows = np.array([[0.9, 0.1], [0.2, 0.1]])
    pain = FindingSpec("pain", "finding", ("none", "mild", "severe"), np.array([0.3, 0.1]), rows)
    network = build_network(make_spec({"a": 0.7, "b": 0.5}, (pain,)))
    (alike,) = find_look_alikes(network, "a", setting_idx=0)
    (found,) = alike.discriminators
    assert (found.variable, found.state, found.is_last_state) == ("pain", "mild", False)
    assert (found.probability, found.other_probability) == (near(0.9), near(0.2))
    assert (found.lr_present, found.lr_absent) == (near(0.9 / 0.2), near(0.1 / 0.8))
    overlap = math.sqrt(0.1 * 0.8) + math.sqrt(0.8 * 0.1) + 0.1
    assert found.separation == alike.distance == near(-math.log(overlap))
