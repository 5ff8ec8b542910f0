"""Why: contributions along the tempering path, which add up, against quadrature and worked by hand."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad_vec

import floats
import reference
import strategies
import thighdx
from plain_cases import Said, base_of, finding, make_spec, open_plain
from thighdx.errors import OptionError
from thighdx.network.build import Network, build_network
from thighdx.network.spec import ContextSpec, NetworkSpec
from thighdx.reasoning.explain.contributions import contrast_causes, explain_cause
from thighdx.reasoning.explain.explanation import Explanation
from thighdx.reasoning.explain.tempering import tempered_contributions

many = settings(deadline=None, max_examples=60, derandomize=True)
few = settings(deadline=None, max_examples=25, derandomize=True)
PER_NAT = 10 / math.log(10)


def explain(network: Network, said: Said, cause: str, setting: str | None = None) -> Explanation:
    """Explain a cause of a network that has no knowledge base."""
    return explain_cause(open_plain(network, said, setting), cause)


def contrast(network: Network, said: Said, a: str, b: str, setting: str | None = None) -> Explanation:
    return contrast_causes(open_plain(network, said, setting), a, b)


def total(found: Explanation) -> float:
    """Everything that is said to add up to the posterior."""
    given_first = found.conditioning.decibans if found.conditioning else 0.0
    assert given_first is not None
    return found.prior_decibans + given_first + sum(line.decibans for line in found.lines)


def by_variable(found: Explanation) -> dict[str, float]:
    return {line.variable: line.decibans for line in found.lines}


def near(expected: object) -> object:
    return pytest.approx(expected, rel=0, abs=floats.REORDERED)


# ---- it adds up ----------------------------------------------------------------------------------


@many
@given(strategies.cases(n_max=1))
def test_prior_and_contributions_add_up_to_the_posterior(case: strategies.Cases) -> None:
    spec, setting, (said,) = case
    network = build_network(spec)
    answer = reference.posterior(spec, said, setting)
    for cause in spec.causes:
        found = explain(network, said, cause, setting)
        assert found.posterior == pytest.approx(answer.posterior[cause], rel=floats.SOLVED_TWICE)
        assert (found.verdict == "impossible") == (answer.posterior[cause] == 0)
        assert (found.verdict == "open") == (found.posterior_decibans is not None)
        if found.posterior_decibans is not None:
            assert abs(total(found) - found.posterior_decibans) < floats.CLOSES
            assert {line.variable for line in found.lines} == {
                name for name, value in said.items() if not (name in spec.causes and isinstance(value, str))
            }
        json.dumps(found.to_dict(), allow_nan=False)


@many
@given(strategies.cases(n_max=1))
def test_a_contrast_adds_up_and_changes_sign_with_its_order(case: strategies.Cases) -> None:
    spec, setting, (said,) = case
    network = build_network(spec)
    answer = reference.posterior(spec, said, setting)
    for a, b in itertools.combinations(spec.causes[:4], 2):
        there, back = contrast(network, said, a, b, setting), contrast(network, said, b, a, setting)
        if there.posterior_decibans is None:
            assert min(answer.posterior[a], answer.posterior[b]) == 0
            continue
        expected = 10 * math.log10(answer.posterior[a] / answer.posterior[b])
        assert there.posterior_decibans == pytest.approx(expected, abs=1e-6)
        assert abs(total(there) - there.posterior_decibans) < floats.CLOSES
        assert {v: -x for v, x in by_variable(back).items()} == near(by_variable(there))


def path_by_quadrature(network: Network, said: Said, cause: str, setting: str) -> dict[str, float]:
    """Every contribution as an integral of its own, from tables of the reference."""
    spec = network.spec
    base = base_of(network, setting)
    prior, member = reference.prior(spec, base), {}
    rows: dict[str, dict[frozenset[str], float]] = {}
    for h in prior:
        member[h] = cause in h
        for f in spec.findings:
            seen = reference.likelihood(said, f.id, f.states, float)
            if f.id in said:
                table = zip(reference.finding_given(spec, f, h), seen, strict=True)
                rows.setdefault(f.id, {})[h] = log(sum(p * w for p, w in table))
        for block in reference.blocks(spec):
            for name, value in shapley_by_orders(spec, base, block, h, said).items():
                rows.setdefault(name, {})[h] = value
        for c in spec.causes:
            if c in said:
                rows.setdefault(c, {})[h] = log(
                    reference.likelihood(said, c, reference.PRESENCE, float)[c in h]
                )
    possible = [h for h in prior if prior[h] > 0 and all(np.isfinite(row[h]) for row in rows.values())]
    table = np.array([[rows[name][h] for h in possible] for name in rows])
    start = np.log([prior[h] for h in possible])
    inside = np.array([member[h] for h in possible])

    def slope(t: float) -> np.ndarray:
        score = start + t * table.sum(axis=0)
        w = np.exp(score - score.max())
        a, b = w * inside, w * ~inside
        return table @ (a / a.sum() - b / b.sum())

    values = quad_vec(slope, 0, 1, epsabs=1e-10, epsrel=1e-12)[0] * PER_NAT
    soft = [name for name in rows if not (name in spec.causes and isinstance(said[name], str))]
    return {name: value for name, value in zip(rows, values.tolist(), strict=True) if name in soft}


def log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def shapley_by_orders(
    spec: NetworkSpec, base: reference.Base, block: list[ContextSpec], h: frozenset[str], said: Said
) -> dict[str, float]:
    """Mean of what each known member adds to log P(known | H), over every order of becoming known."""
    known = [context.id for context in block if context.id in said]

    @cache
    def worth(names: frozenset[str]) -> float:
        evidence = {name: said[name] for name in names}
        return log(sum(reference.seen_cells(spec, base, block, evidence, h, float).values()))

    if not known or worth(frozenset(known)) == -math.inf:
        return dict.fromkeys(known, -math.inf)
    orders = list(itertools.permutations(known))
    gains = dict.fromkeys(known, 0.0)
    for order in orders:
        for place, name in enumerate(order):
            before = frozenset(order[:place])
            gains[name] += (worth(before | {name}) - worth(before)) / len(orders)
    return gains


@few
@given(strategies.cases(n_max=1, networks=strategies.specs(max_n_causes=4, max_n_findings=4)))
def test_every_contribution_is_the_integral_of_its_own_part(case: strategies.Cases) -> None:
    spec, setting, (said,) = case
    network = build_network(spec)
    cause = spec.causes[0]
    found = explain(network, said, cause, setting)
    assume(found.verdict == "open" and found.lines)
    expected = path_by_quadrature(network, said, cause, setting)
    assert by_variable(found) == pytest.approx(expected, rel=0, abs=floats.PATH_INTEGRAL)


@few
@given(strategies.cases(n_max=1), st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_makes_no_difference(case: strategies.Cases, random: st.DataObject) -> None:
    spec, setting, (said,) = case
    network = build_network(spec)
    names = list(said)
    random.shuffle(names)
    cause = spec.causes[-1]
    first = explain(network, said, cause, setting)
    assert explain(network, {name: said[name] for name in names}, cause, setting) == first


def test_evidence_as_strong_as_doubles_allow_still_adds_up() -> None:
    rng = np.random.default_rng(7)
    start = (np.log(rng.dirichlet(np.ones(40)))[:20], np.log(rng.dirichlet(np.ones(40)))[:20])
    for scale in (1, 30, 1e3, 1e4):
        terms = (rng.normal(0, scale, (6, 20)), rng.normal(0, scale, (6, 20)))
        path = tempered_contributions(start, terms)
        ends = []
        for log_prior, rows in zip(start, terms, strict=True):
            scores = log_prior + rows.sum(axis=0)
            ends.append(np.logaddexp.reduce(scores) - np.logaddexp.reduce(log_prior))
        assert path.contributions.sum() == pytest.approx(ends[0] - ends[1], rel=1e-13, abs=1e-10)
        assert path.inside.sum() == pytest.approx(1, abs=floats.SUMS_TO_ONE)


# ---- worked by hand ------------------------------------------------------------------------------


def test_two_pieces_of_evidence_that_favor_one_explanation_each_share_equally() -> None:
    """A holds two explanations with equal priors, B one; each piece multiplies one of A by 8.

    At any t both of A weigh the same, so each piece has mean (t-free) ln(8)/2 in A and 0 in B: the
    odds rise from 2 to 16, by 8, and each piece gets half of ln 8.
    """
    x = math.log(8)
    path = tempered_contributions(
        (np.log([1.0, 1.0]), np.log([1.0])), (np.array([[x, 0], [0, x]]), np.zeros((2, 1)))
    )
    assert path.contributions.tolist() == pytest.approx([x / 2, x / 2], abs=floats.BY_HAND)
    assert path.n_nodes == 8


def test_with_one_explanation_on_each_side_contributions_are_likelihood_ratios() -> None:
    """b given a: {a, b} against {a}. With background 0.1, row 0.28 of a (lambda 0.2), 0.55 of b (0.5):

    P(f | a) = 0.28 and P(f | a, b) = 1 - 0.9 0.8 0.5 = 0.64; likewise without a row of b 0.28 on both
    sides, and for a likelihood of 3 : 1 for presence (2 x 0.64 + 1) / (2 x 0.28 + 1).
    """
    causes = ("a", "b")
    spec = make_spec(
        {"a": 0.7, "b": 0.5},
        (
            finding("f", 0.1, causes, a=0.28, b=0.55),
            finding("g", 0.1, causes, a=0.28),
            finding("h", 0.1, causes, a=0.28, b=0.55),
        ),
    )
    network = build_network(spec)
    said: Said = {"a": "present", "f": "present", "g": "present", "h": {"absent": 1.0, "present": 3.0}}
    found = explain(network, said, "b")
    expected = {
        "f": 10 * math.log10(0.64 / 0.28),
        "g": 0.0,
        "h": 10 * math.log10((1 + 2 * 0.64) / (1 + 2 * 0.28)),
    }
    assert by_variable(found) == pytest.approx(expected, abs=floats.BY_HAND * 100)
    # P(a) = 0.7 and P(b) = 0.5 leave 0.5 for a alone, 0.3 for b alone and 0.2 for both
    assert found.prior_decibans == pytest.approx(0, abs=1e-7)
    assert found.conditioning is not None
    assert found.conditioning.given == (("a", "present"),)
    assert found.conditioning.decibans == pytest.approx(10 * math.log10(0.2 / 0.5), abs=1e-7)


def test_what_makes_no_difference_counts_exactly_nothing() -> None:
    causes = ("a", "b")
    spec = make_spec(
        {"a": 0.7, "b": 0.5},
        (finding("nobody", 0.1, causes), finding("both", 0.3, causes, a=0.6, b=0.2)),
    )
    network = build_network(spec)
    said: Said = {"nobody": "present", "both": {"absent": 0.4, "present": 0.4}}
    found = explain(network, said, "a")
    # both states of `both` are equally likely to have given the observation
    assert by_variable(found)["nobody"] == 0.0
    assert by_variable(found)["both"] == near(0.0)
    assert {line.direction for line in found.lines} == {"neither"}
    assert found.posterior_decibans == near(found.prior_decibans)


# ---- kinds of evidence ---------------------------------------------------------------------------


def test_certain_virtual_evidence_counts_like_the_state(small_model: thighdx.Model) -> None:
    network = small_model.network
    plain = {"bruising": "present", "pain": "severe", "pregnancy": "no", "age_band": "65+"}
    soft = {
        "bruising": {"absent": 0.0, "present": 0.2},
        "pain": {"none": 0.0, "mild": 0.0, "severe": 5.0},
        "pregnancy": {"no": 3.0, "yes": 0.0},
        "age_band": "65+",
    }
    by_state, by_likelihood = (explain(network, said, "strain", "clinic") for said in (plain, soft))
    assert by_variable(by_likelihood) == near(by_variable(by_state))
    shown = {line.variable: line.shown for line in by_likelihood.lines}
    assert shown["bruising"] == "bruising = absent x0 | present x0.2"


def test_given_causes_and_impossible_evidence_settle_a_cause(small_model: thighdx.Model) -> None:
    network = small_model.network
    said = {"clot": "present", "strain": "absent", "bruising": "present"}
    assert explain(network, said, "clot", "clinic").verdict == "certain"
    none = explain(network, said, "strain", "clinic")
    assert (none.verdict, none.posterior, none.lines, none.posterior_decibans) == (
        "impossible",
        0.0,
        (),
        None,
    )
    assert none.settled_by == (("strain", "absent"),)
    assert none.statement == "strain is impossible under this model, given strain = absent"
    assert repr(none) == none.statement
    open_one = explain(network, said, "nerve", "clinic")
    assert open_one.conditioning is not None
    assert open_one.conditioning.given == (("strain", "absent"), ("clot", "present"))
    assert {line.variable for line in open_one.lines} == {"bruising"}
    assert contrast(network, said, "strain", "clot", "clinic").verdict == "impossible"
    assert contrast(network, said, "clot", "strain", "clinic").verdict == "other_impossible"
    both = {"clot": "absent", "strain": "absent"}
    assert contrast(network, both, "clot", "strain", "clinic").verdict == "both_impossible"


def test_impossible_explanations_are_struck_out_first() -> None:
    """Row 0 of b on f: with f present, b alone is impossible, and b with a suppresses the background."""
    causes = ("a", "b", "c")
    spec = make_spec(
        {"a": 0.5, "b": 0.4, "c": 0.3},
        (finding("f", 0.1, causes, a=0.28, b=0.0), finding("g", 0.1, causes, c=0.5)),
    )
    network = build_network(spec)
    found = explain(network, {"f": "present", "g": "present"}, "b")
    assert found.conditioning is not None
    assert found.conditioning.excluding == (("f", "present"),)
    assert found.conditioning.decibans is not None
    assert found.conditioning.decibans < 0
    assert abs(total(found) - (found.posterior_decibans or 0)) < floats.CLOSES
    everywhere = explain(network, {"f": "present", "a": "absent"}, "b")
    assert everywhere.verdict == "impossible"
    assert everywhere.settled_by == (("f", "present"), ("a", "absent"))


def test_nothing_known_leaves_the_prior(small_model: thighdx.Model) -> None:
    found = explain(small_model.network, {}, "clot", "clinic")
    assert (found.lines, found.conditioning) == ((), None)
    assert found.posterior_decibans == pytest.approx(found.prior_decibans, abs=floats.CLOSES)


# ---- joint blocks --------------------------------------------------------------------------------


def two_contexts(dependencies: Mapping[tuple[tuple[str, str], tuple[str, str]], float]) -> Network:
    odds = np.array([[1.0, 4.0], [1.0, 1.0]])
    contexts = tuple(
        ContextSpec(name, "context", ("no", "yes"), np.array([[0.7, 0.3]]), odds) for name in ("x", "y")
    )
    causes = ("a", "b")
    spec = make_spec(
        {"a": 0.7, "b": 0.5},
        (finding("f", 0.1, causes, a=0.6),),
        contexts,
        dependencies=dependencies,
    )
    return build_network(spec)


def test_a_block_without_dependence_counts_like_separate_contexts() -> None:
    apart, joined = two_contexts({}), two_contexts({(("x", "yes"), ("y", "yes")): 1.0})
    said = {"x": "yes", "y": "no", "f": "present"}
    assert len(joined.blocks) == 1
    assert by_variable(explain(joined, said, "a")) == pytest.approx(
        by_variable(explain(apart, said, "a")), abs=1e-7
    )


def test_equal_members_of_a_block_share_equally() -> None:
    found = by_variable(
        explain(two_contexts({(("x", "yes"), ("y", "yes")): 5.0}), {"x": "yes", "y": "yes"}, "a")
    )
    assert found["x"] == near(found["y"])
    assert found["x"] > 0


# ---- by way of other causes ----------------------------------------------------------------------


def test_a_finding_that_only_rules_out_a_competitor_is_marked() -> None:
    causes = ("a", "b", "c")
    spec = make_spec(
        {"a": 0.4, "b": 0.5, "c": 0.2},
        (finding("of_b", 0.05, causes, b=0.9), finding("of_a", 0.05, causes, a=0.9)),
    )
    network = build_network(spec)
    absent = explain(network, {"of_b": "absent", "of_a": "present"}, "a")
    lines = {line.variable: line for line in absent.lines}
    assert (lines["of_b"].direction, lines["of_b"].via, lines["of_b"].other) == (
        "for",
        "rules_out_other",
        "b",
    )
    assert lines["of_b"].explaining_away
    assert lines["of_b"].direct_decibans == near(0.0)
    assert (lines["of_a"].direction, lines["of_a"].via, lines["of_a"].other) == ("for", "", "")
    assert lines["of_a"].direct_decibans == pytest.approx(10 * math.log10(0.9 / 0.05), abs=1e-9)
    present = explain(network, {"of_b": "present"}, "a").lines[0]
    assert (present.direction, present.via, present.other) == ("against", "points_to_other", "b")
    assert "by ruling out b" in repr(absent)


def test_evidence_for_a_companion_is_not_called_explaining_away() -> None:
    causes = ("a", "b", "c")
    spec = make_spec(
        {"a": 0.3, "b": 0.3, "c": 0.7}, (finding("of_b", 0.05, causes, b=0.9),), pairs={("a", "b"): 200.0}
    )
    line = explain(build_network(spec), {"of_b": "present"}, "a").lines[0]
    assert (line.direction, line.via, line.other) == ("for", "companion", "b")
    assert not line.explaining_away


def test_a_contrast_needs_two_causes(small_model: thighdx.Model) -> None:
    with pytest.raises(OptionError, match="got strain twice, expected two different causes"):
        contrast(small_model.network, {}, "strain", "strain", "clinic")
