"""The reference itself: networks solved by hand, and random networks against what they promise."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
import reference
import strategies
from plain_cases import make_spec
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

A, B, AB = frozenset("a"), frozenset("b"), frozenset("ab")
quick = settings(deadline=None, max_examples=60, derandomize=True)


def two_causes(**parts: tuple) -> NetworkSpec:
    """P(a) = 0.7 and P(b) = 0.5.

    At least one is present, so P(only a) = 1 - P(b) = 0.5, P(only b) = 1 - P(a) = 0.3, and
    P(both) = 0.7 + 0.5 - 1 = 0.2.
    """
    return make_spec({"a": 0.7, "b": 0.5}, **parts)


def finding(name: str, background: list[float], a: list[float], b: list[float]) -> FindingSpec:
    states = ("absent", "present") if len(background) == 1 else ("none", "mild", "severe")
    return FindingSpec(name, "finding", states, np.array(background), np.array([a, b]))


def context(name: str, states: str, frequency: list[float], a: list[float], b: list[float]) -> ContextSpec:
    return ContextSpec(name, "context", tuple(states.split()), np.array([frequency]), np.array([a, b]))


def close(expected: object) -> object:
    return pytest.approx(expected, rel=floats.BY_HAND, abs=0)


# ---- by hand -------------------------------------------------------------------------------------


def test_two_causes_that_fill_the_population_have_the_prior_of_inclusion_and_exclusion() -> None:
    spec = two_causes()
    answer = reference.posterior(spec, {}, "here")
    assert answer.explanations == close({A: 0.5, B: 0.3, AB: 0.2})
    assert answer.posterior == close({"a": 0.7, "b": 0.5})
    assert answer.log_evidence == pytest.approx(0, abs=floats.BY_HAND)


def test_a_pair_odds_ratio_multiplies_the_weight_of_explanations_with_both() -> None:
    # Weights exp(theta) of 1 for a, b and c, and OR_ab = 4. Explanations of at most two causes
    # weigh a 1, b 1, c 1, ab 4, ac 1, bc 1, together 9. So P(a) = P(b) = (1 + 4 + 1)/9 = 6/9 and
    # P(c) = 3/9. Given these shares, and the pair in the other order, the weights must come back.
    spec = make_spec({"a": 6 / 9, "b": 6 / 9, "c": 3 / 9}, pairs={("b", "a"): 4.0})
    answer = reference.posterior(spec, {}, "here")
    ninths = {"a": 1, "b": 1, "c": 1, "ab": 4, "ac": 1, "bc": 1}
    assert answer.explanations == close({frozenset(h): n / 9 for h, n in ninths.items()})
    # Knowing that c is absent leaves a, b, ab with weights 1, 1, 4.
    without = reference.posterior(spec, {"c": "absent"}, "here")
    assert without.posterior == close({"a": 5 / 6, "b": 5 / 6, "c": 0.0})
    assert without.log_evidence == close(math.log(6 / 9))


def test_a_row_below_the_background_suppresses_it() -> None:
    # b = 0.2, p_a = 0.6, p_b = 0.05.
    # lambda_a = 1 - 0.4/0.8 = 0.5; lambda_b = max(0, 1 - 0.95/0.8) = 0.
    # b_H is 0.2 with a alone, 0.2 * 0.05/0.2 = 0.05 with b alone and with both.
    # P(f | a) = 1 - 0.8 * 0.5 = 0.6; P(f | b) = 0.05; P(f | ab) = 1 - 0.95 * 0.5 = 0.525.
    spec = two_causes(findings=(finding("f", [0.2], a=[0.6], b=[0.05]),))
    tables = {h: reference.finding_given(spec, spec.findings[0], h) for h in (A, B, AB)}
    assert [tables[h][1] for h in (A, B, AB)] == close([0.6, 0.05, 0.525])
    # With f present: a 0.5 * 0.6 = 0.3, b 0.3 * 0.05 = 0.015, ab 0.2 * 0.525 = 0.105; sum 0.42.
    # P(a | f) = 0.405/0.42 = 27/28, P(b | f) = 0.12/0.42 = 2/7.
    answer = reference.posterior(spec, {"f": "present"}, "here")
    assert answer.posterior == close({"a": 27 / 28, "b": 2 / 7})
    assert answer.log_evidence == close(math.log(0.42))
    assert answer.explanations == close({A: 20 / 28, B: 1 / 28, AB: 7 / 28})
    # A likelihood of 0.9 present, 0.3 absent: 0.9 * 0.42 + 0.3 * 0.58 = 0.552; the state itself
    # then has 0.378/0.552; a: 0.9 * 0.405 + 0.3 * (0.7 - 0.405) = 0.453.
    doubtful = reference.posterior(spec, {"f": {"present": 0.9, "absent": 0.3}}, "here")
    assert doubtful.log_evidence == close(math.log(0.552))
    assert doubtful.states["f"]["present"] == close(0.378 / 0.552)
    assert doubtful.posterior["a"] == close(0.453 / 0.552)


def test_no_row_is_the_same_as_a_row_equal_to_the_background() -> None:
    spec = two_causes(findings=(finding("f", [0.2], a=[0.6], b=[math.nan]),))
    # P(f | a) = P(f | ab) = 0.6, P(f | b) = 0.2: 0.7 * 0.6 + 0.3 * 0.2 = 0.48.
    answer = reference.posterior(spec, {"f": "present"}, "here")
    assert answer.log_evidence == close(math.log(0.48))
    assert answer.posterior["a"] == close(0.42 / 0.48)


def test_an_ordered_finding_uses_the_same_formula_on_every_cumulative_probability() -> None:
    # P(X >= mild), P(X >= severe): background 0.4, 0.1; a 0.7, 0.4; b 0.2, 0.02.
    # 1 - lambda_a = 0.3/0.6 = 1/2 and 0.6/0.9 = 2/3; lambda_b = 0 twice; b_b = 0.2, 0.02.
    # a alone: 0.3, 0.3, 0.4. b alone: 0.8, 0.18, 0.02.
    # both: P(X < mild) = 0.8 * 1/2 = 0.4, P(X < severe) = 0.98 * 2/3 = 49/75,
    # so 0.4, 49/75 - 30/75 = 19/75, 26/75.
    spec = two_causes(findings=(finding("x", [0.4, 0.1], a=[0.7, 0.4], b=[0.2, 0.02]),))
    x = spec.findings[0]
    assert reference.finding_given(spec, x, A) == close([0.3, 0.3, 0.4])
    assert reference.finding_given(spec, x, B) == close([0.8, 0.18, 0.02])
    assert reference.finding_given(spec, x, AB) == close([0.4, 19 / 75, 26 / 75])
    # Severe: a 0.5 * 0.4 = 0.2, b 0.3 * 0.02 = 0.006, ab 0.2 * 26/75 = 5.2/75.
    answer = reference.posterior(spec, {"x": "severe"}, "here")
    total = 0.206 + 5.2 / 75
    assert answer.log_evidence == close(math.log(total))
    assert answer.posterior == close({"a": (0.2 + 5.2 / 75) / total, "b": (0.006 + 5.2 / 75) / total})


def test_rows_that_cross_are_refused() -> None:
    # b reaches severe more often than mild is suppressed: with both, P(X < severe) < P(X < mild).
    # a: 0.5, 0.5 over 0.9, 0.1: suppressed to 5/9 at mild, 1 - lambda = 5/9 at severe.
    spec = two_causes(findings=(finding("x", [0.9, 0.1], a=[0.5, 0.5], b=[0.5, 0.5]),))
    # Both: b_H = 0.9 * (5/9)^2 at mild, P(X < mild) = 0.722; P(X < severe) = 0.9 * (5/9)^2 = 0.278.
    with pytest.raises(ValueError, match="cross"):
        reference.posterior(spec, {"x": "mild"}, "here")


def test_a_context_is_solved_through_its_odds_ratios() -> None:
    # pi = 1/2, 1/2 and OR 3 for a: P(x | a) = P(x | ab) = 3/4, P(x | b) = 1/2, so
    # P(x) = 0.7 * 0.75 + 0.3 * 0.5 = 0.675. From that frequency pi must come back.
    spec = two_causes(contexts=(context("x", "absent present", [0.325, 0.675], a=[1, 3], b=[1, 1]),))
    base = reference.solve_base(spec, "here")
    assert base.state["x"][0] == close(base.state["x"][1])
    assert reference.context_given(spec, base, "x", B) == close([0.5, 0.5])
    answer = reference.posterior(spec, {"x": "present"}, "here")
    assert answer.posterior["a"] == close(0.525 / 0.675)
    assert answer.log_evidence == close(math.log(0.675))


def test_an_odds_ratio_of_zero_makes_a_state_impossible() -> None:
    # With b the state y never occurs. pi = 1/2, 1/2: P(y | a) = 1/2, so P(y) = 0.5 * 0.5 = 0.25.
    spec = two_causes(contexts=(context("x", "n y", [0.75, 0.25], a=[1, 1], b=[1, 0]),))
    answer = reference.posterior(spec, {"x": "y"}, "here")
    assert answer.explanations == close({A: 1.0, B: 0.0, AB: 0.0})
    assert answer.log_evidence == close(math.log(0.25))
    impossible = reference.posterior(spec, {"x": "y", "b": "present"}, "here")
    assert impossible.log_evidence == -math.inf
    assert math.isnan(impossible.posterior["a"])


def test_a_block_has_a_joint_base_with_impossible_cells() -> None:
    # sex female, male with factors 1, 1; pregnancy absent, present with factors 1, 1/4; male with
    # present impossible; OR_male,a = 2.
    # Without a: female/absent 1, female/present 1/4, male/absent 1, together 9/4.
    # With a (P = 0.7):    1,                1/4,               2, together 13/4.
    # P(male) = 0.7 * 8/13 + 0.3 * 4/9; P(present) = 0.7 * 1/13 + 0.3 * 1/9.
    male, pregnant = 0.7 * 8 / 13 + 0.3 * 4 / 9, 0.7 / 13 + 0.3 / 9
    spec = two_causes(
        contexts=(
            context("sex", "female male", [1 - male, male], a=[1, 2], b=[1, 1]),
            context("pregnancy", "absent present", [1 - pregnant, pregnant], a=[1, 1], b=[1, 1]),
        ),
        dependencies={(("pregnancy", "present"), ("sex", "male")): 0.0},
    )
    answer = reference.posterior(spec, {"pregnancy": "present"}, "here")
    assert answer.posterior["a"] == close((0.7 / 13) / pregnant)
    assert answer.states["sex"] == close({"female": 1.0, "male": 0.0})
    unknown = reference.posterior(spec, {"sex": "female", "a": "present"}, "here")
    assert unknown.states["pregnancy"]["present"] == close(1 / 5)  # 1/4 against 1
    both = reference.posterior(spec, {"sex": "male", "pregnancy": "present"}, "here")
    assert both.log_evidence == -math.inf


def test_a_likelihood_on_a_cause_weighs_present_against_absent() -> None:
    # 0.5 for a, 0.1 for not a: 0.7 * 0.5 + 0.3 * 0.1 = 0.38.
    answer = reference.posterior(two_causes(), {"a": {"present": 0.5, "absent": 0.1}}, "here")
    assert answer.log_evidence == close(math.log(0.38))
    assert answer.posterior["a"] == close(0.35 / 0.38)


def test_shares_that_cannot_be_met_are_refused() -> None:
    # The shares of two causes, one of which is always present, sum to at least 1.
    with pytest.raises(ArithmeticError, match="cannot be met"):
        reference.solve_base(make_spec({"a": 0.4, "b": 0.5}), "here")


@pytest.mark.parametrize("wrong", ["maybe", {"present": 1.0}, {"present": 0.0, "absent": 0.0}])
def test_evidence_that_cannot_be_read_is_refused(wrong: str | dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a: cannot read"):
        reference.posterior(two_causes(), {"a": wrong}, "here")
    with pytest.raises(KeyError, match="zzz"):
        reference.posterior(two_causes(), {"zzz": "present"}, "here")


# ---- random networks -----------------------------------------------------------------------------


@quick
@given(strategies.specs())
def test_random_networks_are_valid_and_their_margins_come_back(spec: NetworkSpec) -> None:
    assert (spec.shares > 0).all()
    assert (spec.shares < 1).all()
    assert (spec.shares.sum(axis=1) > 1).all()
    assert (spec.shares.sum(axis=1) < spec.max_causes).all()
    for row, setting in enumerate(spec.settings):
        answer = reference.posterior(spec, {}, setting)
        expected = dict(zip(spec.causes, spec.shares[row], strict=True))
        assert answer.posterior == pytest.approx(expected, rel=floats.MARGIN, abs=0)
        assert answer.log_evidence == pytest.approx(0, abs=floats.SUMS_TO_ONE)
        for context_spec in spec.contexts:
            expected = dict(zip(context_spec.states, context_spec.frequency[row], strict=True))
            assert answer.states[context_spec.id] == pytest.approx(expected, rel=floats.MARGIN, abs=0)


@quick
@given(strategies.specs())
def test_random_findings_are_distributions_and_one_cause_alone_gives_its_row(
    spec: NetworkSpec,
) -> None:
    for finding_spec in spec.findings:
        background = np.array([1.0, *finding_spec.background, 0.0])
        assert (np.diff(background) < 0).all()
        for found in reference.explanations(spec):
            table = reference.finding_given(spec, finding_spec, found)
            assert sum(table) == pytest.approx(1, abs=floats.SUMS_TO_ONE)
        for c, cause in enumerate(spec.causes):
            row = finding_spec.cumulative[c]
            row = np.where(np.isnan(row), finding_spec.background, row)
            table = reference.finding_given(spec, finding_spec, frozenset([cause]))
            assert table == pytest.approx(-np.diff([1, *row, 0]), abs=floats.SUMS_TO_ONE)


@quick
@given(strategies.cases())
def test_posteriors_are_probabilities_and_evidence_drawn_as_possible_is(
    case: strategies.Cases,
) -> None:
    spec, setting, rows = case
    base = reference.solve_base(spec, setting)
    for evidence in rows:
        answer = reference.posterior(spec, evidence, setting, base=base)
        assert -math.inf < answer.log_evidence <= floats.SUMS_TO_ONE
        assert sum(answer.explanations.values()) == pytest.approx(1, abs=floats.SUMS_TO_ONE)
        for distribution in answer.states.values():
            assert sum(distribution.values()) == pytest.approx(1, abs=floats.SUMS_TO_ONE)
        for name, state in evidence.items():
            if isinstance(state, str) and name in answer.states:
                assert answer.states[name][state] == pytest.approx(1, abs=floats.SUMS_TO_ONE)


@quick
@given(strategies.cases(is_possible=False))
def test_impossible_evidence_has_no_posterior(case: strategies.Cases) -> None:
    spec, setting, rows = case
    base = reference.solve_base(spec, setting)
    for evidence in rows:
        answer = reference.posterior(spec, evidence, setting, base=base)
        is_impossible = answer.log_evidence == -math.inf
        assert all(math.isnan(p) == is_impossible for p in answer.posterior.values())


@quick
@given(
    strategies.cases(networks=strategies.specs(max_n_causes=3, max_n_contexts=3, max_n_findings=2), n_max=2)
)
def test_summing_the_whole_joint_gives_the_same_answer(case: strategies.Cases) -> None:
    """Every complete world, one by one: no factor is ever summed apart from the others."""
    spec, setting, rows = case
    base = reference.solve_base(spec, setting)
    worlds = list(reference.joint(spec, base))
    assert math.fsum(p for _, _, p in worlds) == pytest.approx(1, abs=floats.SUMS_TO_ONE)
    for evidence in rows:
        weighted = [
            (found, world, p * weight_of_world(spec, evidence, found, world)) for found, world, p in worlds
        ]
        total = math.fsum(p for _, _, p in weighted)
        answer = reference.posterior(spec, evidence, setting, base=base)
        assert answer.log_evidence == pytest.approx(math.log(total), abs=floats.MARGIN)
        for cause in spec.causes:
            expected = math.fsum(p for found, _, p in weighted if cause in found) / total
            assert answer.posterior[cause] == pytest.approx(expected, rel=floats.MARGIN, abs=0)
        for name, distribution in answer.states.items():
            for state, probability in distribution.items():
                expected = math.fsum(p for _, world, p in weighted if world[name] == state) / total
                assert probability == pytest.approx(expected, rel=floats.MARGIN, abs=0)


def weight_of_world(
    spec: NetworkSpec, evidence: strategies.Evidence, found: frozenset[str], world: dict[str, str]
) -> float:
    """The likelihood of the evidence in one complete world."""
    full = world | {cause: reference.PRESENCE[cause in found] for cause in spec.causes}
    weight = 1.0
    for name, said in evidence.items():
        weight *= float(said == full[name]) if isinstance(said, str) else said[full[name]]
    return weight


@quick
@given(strategies.cases(n_max=2))
def test_doubles_and_fifty_digits_agree_down_to_the_smallest_posterior(
    case: strategies.Cases,
) -> None:
    spec, setting, rows = case
    base = reference.solve_base(spec, setting)
    for evidence in rows:
        exact = reference.digits(spec, base, evidence)
        answer = reference.posterior(spec, evidence, setting, base=base)
        assert isinstance(exact.log_evidence, mpmath.mpf)
        assert answer.log_evidence == pytest.approx(float(exact.log_evidence), abs=floats.MARGIN)
        for cause in spec.causes:
            expected = float(exact.posterior[cause])
            assert answer.posterior[cause] == pytest.approx(expected, rel=floats.MARGIN, abs=0)


def test_the_strategies_reach_every_feature_of_a_network() -> None:
    """A generator that quietly stops making blocks, gates or suppression would test nothing."""
    seen: set[str] = set()

    @settings(deadline=None, max_examples=150, derandomize=True)
    @given(strategies.specs(), st.data())
    def look(spec: NetworkSpec, data: st.DataObject) -> None:
        seen.update(features(spec))
        rows = data.draw(strategies.evidence(spec, spec.settings[0], is_possible=False))
        if reference.posterior(spec, rows, spec.settings[0]).log_evidence == -math.inf:
            seen.add("impossible evidence")
        seen.update("virtual" for said in rows.values() if not isinstance(said, str))

    look()
    expected = {"block of 2", "block of 3", "impossible pair", "odds ratio 0", "frequency 0"}
    expected |= {"no row", "suppression", "row of 0", "row of 1", "pair", "two settings", "virtual"}
    expected |= {"impossible evidence", "four states", "three causes", "only one state"}
    assert expected <= seen


def features(spec: NetworkSpec) -> set[str]:
    """Names of what this network has."""
    rows = [(f.cumulative, f.background) for f in spec.findings]
    has = {
        "impossible pair": 0.0 in spec.dependencies.values(),
        "odds ratio 0": any((c.odds_ratio[:, 1:] == 0).any() for c in spec.contexts),
        "only one state": any((c.odds_ratio[:, 0] == 0).any() for c in spec.contexts),
        "frequency 0": any((c.frequency == 0).any() for c in spec.contexts),
        "no row": any(np.isnan(p).any() for p, _ in rows),
        "suppression": any(((p < b) & (p > 0)).any() for p, b in rows),
        "row of 0": any((p == 0).any() for p, _ in rows),
        "row of 1": any((p == 1).any() for p, _ in rows),
        "pair": bool(spec.pair_odds_ratio),
        "two settings": len(spec.settings) == 2,
        "four states": any(len(v.states) == 4 for v in (*spec.contexts, *spec.findings)),
        "three causes": spec.max_causes == 3,
    }
    sizes = {f"block of {len(block)}" for block in reference.blocks(spec)}
    return sizes | {name for name, is_there in has.items() if is_there}
