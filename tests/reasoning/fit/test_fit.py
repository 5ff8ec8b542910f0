"""Whether evidence fits together, and whether it fits a listed cause."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import bdtr

import floats
import reference
import strategies
import thighdx
from plain_cases import finding, make_spec, open_plain
from thighdx.compiled.case import open_case
from thighdx.errors import ImpossibleEvidenceError
from thighdx.network.build import Network, build_network
from thighdx.network.spec import FindingSpec
from thighdx.reasoning.fit.evidence_fit import EvidenceFit, evidence_fit
from thighdx.reasoning.fit.typicality import typicality

many = settings(deadline=None, max_examples=60, derandomize=True)
Said = Mapping[str, str | Mapping[str, float]]


def fit_of(
    network: Network, said: Said, setting: str | None = None, *, residual_cause: str = ""
) -> EvidenceFit:
    return evidence_fit(open_plain(network, said, setting, residual_cause=residual_cause))


# ---- conflict ------------------------------------------------------------------------------------


def test_conflict_of_two_findings_worked_by_hand() -> None:
    """P({a}) = 0.5, P({b}) = 0.3, P({a, b}) = 0.2; f and g are each caused by one of them.

    Background 1/10, row of the own cause 9/10 (lambda 8/9), so with the own cause (alone or not) 9/10:
    P(f) = 0.7 (9/10) + 0.3 (1/10) = 0.66, P(g) = 0.5 (9/10) + 0.5 (1/10) = 0.50,
    P(f, g) = 0.5 (9/10)(1/10) + 0.3 (1/10)(9/10) + 0.2 (9/10)(9/10) = 0.234.
    """
    causes = ("a", "b")
    findings = (finding("f", 0.1, causes, a=0.9), finding("g", 0.1, causes, b=0.9))
    found = fit_of(build_network(make_spec({"a": 0.7, "b": 0.5}, findings)), {"f": "present", "g": "present"})
    expected = math.log2(0.66 * 0.50 / 0.234)
    assert found.conflict_bits == pytest.approx(expected, abs=1e-7)
    assert [item.conflict_bits for item in found.findings] == pytest.approx([expected] * 2, abs=1e-7)
    parts = {item.variable: (item.alone, item.given_rest) for item in found.findings}
    assert parts["f"] == pytest.approx((0.66, 0.234 / 0.50), abs=1e-7)
    assert parts["g"] == pytest.approx((0.50, 0.234 / 0.66), abs=1e-7)


@many
@given(strategies.cases(n_max=1))
def test_conflict_agrees_with_brute_force(case: strategies.Cases) -> None:
    spec, setting, (said,) = case
    network = build_network(spec)
    found = fit_of(network, said, setting)
    base = reference.solve_base(spec, setting)

    def log2_evidence(names: list[str]) -> float:
        evidence = {name: said[name] for name in names}
        return float(reference.infer(spec, base, evidence).log_evidence) / math.log(2)

    whole = log2_evidence(list(said))
    alone = {name: log2_evidence([name]) for name in said}
    assert found.conflict_bits == pytest.approx(sum(alone.values()) - whole, abs=1e-6)
    measured = {item.variable: item.conflict_bits for item in found.findings}
    for name in said:
        rest = log2_evidence([other for other in said if other != name])
        assert measured[name] == pytest.approx(alone[name] + rest - whole, abs=1e-6)
    values = [item.conflict_bits for item in found.findings]
    assert values == sorted(values, reverse=True)
    json.dumps(found.to_dict(), allow_nan=False)


def test_one_piece_of_evidence_cannot_be_in_conflict(small_model: thighdx.Model) -> None:
    found = fit_of(small_model.network, {"bruising": "present"}, "clinic")
    assert found.conflict_bits == pytest.approx(0, abs=floats.BY_HAND)
    assert found.findings[0].alone == pytest.approx(found.findings[0].given_rest)


def test_the_scale_of_a_likelihood_makes_no_difference(small_model: thighdx.Model) -> None:
    small, large = (
        fit_of(
            small_model.network,
            {"bruising": {"absent": 0.1 * scale, "present": scale}, "pain": "severe", "age_band": "65+"},
            "clinic",
        )
        for scale in (0.5, 5e6)
    )
    assert small.conflict_bits == pytest.approx(large.conflict_bits, abs=floats.BY_HAND)
    assert small.tail_probability == large.tail_probability


def rivals(*, share_of_c: float) -> Network:
    """Findings of a, of b, and a rare cause c that gives both; several causes at once are unlikely."""
    causes = ("a", "b", "c")
    findings = tuple(
        finding(f"{owner}{k}", 0.01, causes, **{owner: 0.6, "c": 0.9})
        for owner in ("a", "b")
        for k in range(3)
    )
    return build_network(make_spec({"a": 0.6, "b": 0.4005, "c": share_of_c}, findings))


def test_a_conflict_is_named_and_a_rare_case_explains_it() -> None:
    said = dict.fromkeys(("a0", "a1", "b0", "b1", "b2"), "present")
    network = rivals(share_of_c=1e-5)
    found = fit_of(network, said)
    assert found.conflict_bits > 2
    assert found.rare_case == "c"
    assert found.statement.startswith("The evidence does not fit together well (conflict +")
    assert "; fitting least with the rest: a" in found.statement
    assert found.statement.endswith("It would fit together as a rare case of c.")
    agreeing = fit_of(network, dict.fromkeys(("a0", "a1", "a2"), "present"))
    assert agreeing.conflict_bits < 0
    assert agreeing.rare_case == ""
    assert agreeing.statement.startswith("The evidence fits together (conflict -")
    assert agreeing.fits_listed_cause


# ---- typicality ----------------------------------------------------------------------------------


def many_findings(n: int) -> Network:
    """Findings of which each is present in one in ten patients with a and three in ten with b."""
    causes = ("a", "b")
    findings: tuple[FindingSpec, ...] = tuple(finding(f"f{k}", 0.1, causes, a=0.1, b=0.3) for k in range(n))
    return build_network(make_spec({"a": 0.7, "b": 0.5}, findings))


@pytest.mark.parametrize("n_present", [0, 2, 7, 9, 12, 20])
def test_the_tail_is_close_to_that_of_a_binomial(n_present: int) -> None:
    """With 40 findings of probability 1/10, evidence is the less likely the more of them are present."""
    network = many_findings(40)
    said = {f"f{k}": "present" if k < n_present else "absent" for k in range(40)}
    found = typicality(open_plain(network, said), np.array([0]))
    p = np.array([0.1, 0.9])
    assert found.expected[0] == pytest.approx(40 * (p * np.log(p)).sum())
    assert found.log_likelihood[0] == pytest.approx(
        n_present * math.log(0.1) + (40 - n_present) * math.log(0.9)
    )
    # Phi(r) is about the probability of more findings, with half that of exactly as many
    below = bdtr(n_present - 1, 40, 0.1) if n_present else 0.0
    middle = 1 - 0.5 * (below + bdtr(n_present, 40, 0.1))
    assert found.tail[0] == pytest.approx(middle, rel=0.3)
    assert (found.z_score[0] < 0) == (n_present > 4)


def test_patterns_of_a_block_add_up(small_model: thighdx.Model) -> None:
    """The expected log likelihood of two dependent contexts is that of their joint states."""
    network = small_model.network
    case = open_plain(network, {"age_band": "40-64", "pregnancy": "no"}, "clinic")
    found = typicality(case, np.arange(4))
    block = next(b for b in network.blocks if len(b.context_idx) == 2)
    cells = np.exp(network.cells(0)[network.blocks.index(block)][:, :4])
    assert found.expected == pytest.approx((cells * np.log(cells)).sum(axis=0))


def test_evidence_that_fits_nobody_is_said_to_fit_no_listed_cause() -> None:
    network = many_findings(60)
    # as many as no explanation gives: a has about 6 of 60, b about 18
    said = {f"f{k}": "present" if k < 58 else "absent" for k in range(60)}
    found = fit_of(network, said)
    assert not found.fits_listed_cause
    assert not found.residual_leads
    assert found.tail_probability < 1e-6
    assert found.statement.startswith("The evidence fits no listed cause well: b comes closest")
    assert "fewer than one in a million" in found.statement
    usual = fit_of(network, {f"f{k}": "present" if k % 3 == 0 else "absent" for k in range(60)})
    assert usual.fits_listed_cause
    assert usual.typical_of[0] in ("a", "b")


def test_a_leading_residual_cause_is_said_plainly(small_model: thighdx.Model) -> None:
    said = {"strain": "absent", "nerve": "absent", "pain": "mild"}
    found = fit_of(small_model.network, said, "clinic", residual_cause="other_cause")
    assert found.residual_leads
    assert not found.fits_listed_cause
    assert found.statement.startswith("The evidence fits no listed cause: other_cause leads with ")
    listed = fit_of(small_model.network, {"bruising": "present"}, "clinic", residual_cause="other_cause")
    assert not listed.residual_leads


def test_nothing_known_is_said_so(small_model: thighdx.Model) -> None:
    found = fit_of(small_model.network, {}, "clinic", residual_cause="other_cause")
    assert (found.conflict_bits, found.findings, found.tail_probability) == (0.0, (), 0.5)
    assert found.statement == "Nothing is known yet, so nothing can be in conflict."
    assert found.to_frame().empty


# ---- the shipped model ---------------------------------------------------------------------------


def test_simulated_patients_fit_and_mixtures_of_them_do_not(model: thighdx.Model) -> None:
    """Findings of one patient support each other; findings each of another patient do not."""
    n_patients, n_known = 60, 60
    rng = np.random.default_rng(11)
    table = model.simulate(n_patients, seed=12)
    names = list(model.variables)
    own, mixed = [], []
    for patient in range(n_patients):
        known = [names[i] for i in rng.choice(len(names), n_known, replace=False)]
        for rows, found in ((np.full(n_known, patient), own), (rng.integers(0, n_patients, n_known), mixed)):
            said = {name: table[name].iloc[row] for name, row in zip(known, rows, strict=True)}
            try:
                found.append(evidence_fit(open_case(model.compiled, said)))
            except ImpossibleEvidenceError:  # a man who is pregnant
                continue
    assert np.median([fit.conflict_bits for fit in own]) < 0 < np.median([fit.conflict_bits for fit in mixed])
    assert sum(fit.tail_probability < 0.001 for fit in own) <= 1


def test_it_can_be_read_and_is_data(model: thighdx.Model) -> None:
    known = {"bruising": True, "onset": "sudden", "saddle_anesthesia": True, "bladder_dysfunction": True}
    found = evidence_fit(open_case(model.compiled, known, setting="primary_care"))
    shown = repr(found).splitlines()
    assert shown[0] == found.statement
    assert shown[1].strip().startswith(found.findings[0].variable)
    frame = found.to_frame()
    assert frame["variable"].tolist() == [item.variable for item in found.findings]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["findings"][0]["variable"] in known
