"""What would change the answer: against networks built anew from changed numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
import reference
import strategies
import thighdx
from thighdx.compiled.case import open_case
from thighdx.elicitation.judgements import PooledKey
from thighdx.errors import OptionError
from thighdx.evidence.one_case import encode_case
from thighdx.inference.engine import infer
from thighdx.kb.records import LEVELS
from thighdx.network.assemble import assemble_spec
from thighdx.network.build import build_network
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.gates import find_crossings, log_state_probabilities
from thighdx.network.spec import FindingSpec
from thighdx.reasoning.sensitivity.change_one_judgement import ChangedCase
from thighdx.reasoning.sensitivity.link_function import link_function
from thighdx.reasoning.sensitivity.one_way import sensitivity
from thighdx.reasoning.sensitivity.sensitivity_lines import Sensitivities, Sensitivity

CASES: Mapping[str, Mapping[str, object]] = {
    "findings": {"bruising": True, "tingling": False, "pain": "mild"},
    "contexts": {"age_band": "40-64", "disc_lesion": True, "tingling": True},
    "in doubt": {
        "pain": {"none": 0.1, "mild": 0.5, "severe": 0.9},
        "pregnancy": {"no": 0.9, "yes": 0.3},
        "d_dimer": "positive",
    },
    "a given cause": {"clot": True, "age_band": "65+", "pain": "severe"},
}


def touching(model: thighdx.Model, findings: Mapping[str, object]) -> ChangedCase:
    return ChangedCase(open_case(model.compiled, findings, setting="clinic"))


def rebuilt(
    model: thighdx.Model, changes: Mapping[PooledKey, float], findings: Mapping[str, object]
) -> dict[str, float]:
    """Posteriors of a model assembled and solved from scratch with some points changed."""
    points = {key: item.point for key, item in model.compiled.pooled.items()} | dict(changes)
    spec = assemble_spec(model.compiled.kb, points)
    network = build_network(spec)
    case = encode_case(model.vocabulary, findings, setting="clinic")
    found = infer(network, case.batch).posterior[0]
    return dict(zip(spec.causes, found.tolist(), strict=True))


def follow(
    model: thighdx.Model, findings: Mapping[str, object], cause: str, *, n: int = 99, urgency: object = None
) -> Sensitivities:
    case = open_case(model.compiled, findings, setting="clinic")
    return sensitivity(case, model.vocabulary.cause_idx(cause), n=n, urgency=urgency)  # type: ignore[arg-type]


def share_of(model: thighdx.Model, cause: str) -> float:
    return model.compiled.pooled["shares", (cause, "clinic")].point


def leader(posterior: Mapping[str, float]) -> str:
    return max((c for c in posterior if c != "other_cause"), key=lambda c: posterior[c])


def place(line: Sensitivity) -> PooledKey:
    return line.influence.table, line.influence.key


# ---- one judgement changed -------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_recomputing_agrees_with_a_model_built_from_the_changed_numbers(
    small_model: thighdx.Model, name: str
) -> None:
    work = touching(small_model, CASES[name])
    for key in work.touching:
        point = small_model.compiled.pooled[key].point
        value = point * 1.3 if key[0] in ("effects", "dependencies") else point + 0.15 * point * (1 - point)
        found = work.posterior(key, value)
        assert found is not None
        expected = rebuilt(small_model, {key: value}, CASES[name])
        assert found.tolist() == pytest.approx(list(expected.values()), rel=floats.SOLVED_TWICE, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_judgements_that_do_not_touch_the_case_change_nothing(small_model: thighdx.Model, name: str) -> None:
    pooled = small_model.compiled.pooled
    touched = set(touching(small_model, CASES[name]).touching)
    now = small_model.diagnose(CASES[name], setting="clinic").posterior.to_dict()
    others = {key: item.point * 0.9 for key, item in pooled.items() if key not in touched and item.point > 0}
    assert others
    for key, value in others.items():
        found = rebuilt(small_model, {key: value}, CASES[name])
        assert found == pytest.approx(now, rel=floats.SOLVED_TWICE)


def test_a_replaced_share_stays_and_contexts_keep_their_tables(small_model: thighdx.Model) -> None:
    findings = {"age_band": "65+", "disc_lesion": True, "pain": "severe"}
    model = small_model.rebase({"clot": 0.3})
    work = touching(model, findings)
    assert ("shares", ("clot", "clinic")) not in work.touching
    assert ("shares", ("nerve", "clinic")) in work.touching
    order = model.network.spec.causes
    expected = model.diagnose(findings, setting="clinic").posterior[list(order)]
    for found in (work.now, work.posterior(("shares", ("nerve", "clinic")), share_of(model, "nerve"))):
        assert found is not None
        assert found.tolist() == pytest.approx(expected.tolist(), rel=floats.SAME_BASE)
    # the prior keeps 0.3 when another share moves
    moved = touching(model, {}).posterior(("shares", ("nerve", "clinic")), 0.35)
    assert moved is not None
    marginals = dict(zip(order, moved, strict=True))
    assert marginals["clot"] == pytest.approx(0.3, abs=floats.MARGIN)
    assert marginals["nerve"] == pytest.approx(0.35, abs=floats.MARGIN)


def test_shares_that_leave_no_room_have_no_base_rates(small_model: thighdx.Model) -> None:
    work = touching(small_model, {"bruising": True})
    assert work.posterior(("shares", ("strain", "clinic")), 0.3) is None


def test_a_background_that_crosses_ordered_rows_is_not_possible(small_model: thighdx.Model) -> None:
    work = touching(small_model, {"pain": "mild"})
    assert work.posterior(("backgrounds", ("pain", "severe")), 0.5) is None


# ---- links -----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40, derandomize=True)
@given(spec=strategies.specs(max_n_contexts=0), seed=st.integers(0, 2**32 - 1))
def test_the_exact_function_of_a_link_agrees_with_the_gate(spec: object, seed: int) -> None:
    assert isinstance(spec, reference.NetworkSpec)
    rng = np.random.default_rng(seed)
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    membership = explanations.membership()
    log_rest = rng.normal(0, 2, explanations.n_explanations)
    for finding in spec.findings:
        n_states = len(finding.states)
        likelihood = np.eye(n_states)[rng.integers(n_states)] if rng.random() < 0.6 else rng.random(n_states)
        cause, state = int(rng.integers(len(spec.causes))), int(rng.integers(1, n_states))
        if np.isnan(finding.cumulative[cause, state - 1]):
            continue
        function = link_function(
            finding,
            explanations,
            membership,
            likelihood=likelihood,
            log_rest=log_rest,
            cause_idx=cause,
            state_idx=state,
        )
        low, high = function.possible
        for value in (low, *rng.uniform(low, high, 4), high):
            rows = np.exp(log_state_probabilities(with_link(finding, cause, state, value), explanations))
            weights = np.exp(log_rest) * (likelihood @ rows)
            if weights.sum() > 0:
                expected = weights @ membership / weights.sum()
                found = function.posteriors(np.array([value]))[0]
                assert found == pytest.approx(expected, abs=floats.LINK_FUNCTION)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(spec=strategies.specs(max_n_contexts=0, with_gates=False), seed=st.integers(0, 2**32 - 1))
def test_beyond_the_possible_values_of_a_link_rows_cross(spec: object, seed: int) -> None:
    assert isinstance(spec, reference.NetworkSpec)
    rng = np.random.default_rng(seed)
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    for finding in spec.findings:
        cause, state = int(rng.integers(len(spec.causes))), int(rng.integers(1, len(finding.states)))
        if np.isnan(finding.cumulative[cause, state - 1]):
            continue
        low, high = link_function(
            finding,
            explanations,
            explanations.membership(),
            likelihood=np.eye(len(finding.states))[0],
            log_rest=np.zeros(explanations.n_explanations),
            cause_idx=cause,
            state_idx=state,
        ).possible
        for inside, outside in ((low + 1e-6, low - 1e-3), (high - 1e-6, high + 1e-3)):
            assert not find_crossings(with_link(finding, cause, state, inside), explanations)
            if 0 < outside < 1:
                assert find_crossings(with_link(finding, cause, state, outside), explanations)


def with_link(finding: FindingSpec, cause: int, state: int, value: float) -> FindingSpec:
    rows = finding.cumulative.copy()
    rows[cause, state - 1] = value
    return dataclasses.replace(finding, cumulative=rows)


# ---- lines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["findings", "contexts", "in doubt"])
def test_every_line_says_what_changed_models_say(small_model: thighdx.Model, name: str) -> None:
    findings = CASES[name]
    found = follow(small_model, findings, "nerve")
    now = small_model.diagnose(findings, setting="clinic").posterior
    assert found.posterior == pytest.approx(now["nerve"], rel=floats.SAME_BASE)
    assert found.leader == leader(now.to_dict())
    for line in found:
        key = place(line)
        assert line.method == ("exact" if key[0] == "links" else "recomputed")
        for value, posterior in ((line.low, line.at_low), (line.high, line.at_high)):
            if line.searched[0] <= value <= line.searched[1]:
                expected = rebuilt(small_model, {key: value}, findings)["nerve"]
                assert posterior == pytest.approx(expected, rel=floats.SOLVED_TWICE)
        assert line.smallest <= min(line.at_low, line.at_high) + 1e-15
        assert line.largest >= max(line.at_low, line.at_high) - 1e-15
        small = 1e-5
        step = small * (1 if key[0] in ("effects", "dependencies") else 1 - line.influence.point)
        up = rebuilt(small_model, {key: line.influence.point * (1 + step)}, findings)["nerve"]
        down = rebuilt(small_model, {key: line.influence.point * (1 - step)}, findings)["nerve"]
        slope = (np.log(up / (1 - up)) - np.log(down / (1 - down))) / (2 * small)
        assert line.influence.gradient == pytest.approx(slope, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["findings", "contexts", "in doubt"])
def test_just_inside_a_turn_the_leader_leads_and_just_outside_it_does_not(
    small_model: thighdx.Model, name: str
) -> None:
    findings = CASES[name]
    found = follow(small_model, findings, "strain")
    n_turns = 0
    for line in found:
        for turn, sign in ((line.turn_below, -1), (line.turn_above, 1)):
            if turn is None:
                continue
            n_turns += 1
            assert turn.kind == "leader"
            inside, outside = (moved(line, turn.value, -sign), moved(line, turn.value, sign))
            assert leader(rebuilt(small_model, {place(line): inside}, findings)) == found.leader
            if line.searched[0] < outside < line.searched[1] or line.method == "recomputed":
                assert leader(rebuilt(small_model, {place(line): outside}, findings)) == turn.becomes
    assert n_turns > 0


def moved(line: Sensitivity, value: float, sign: int) -> float:
    """A value a ten-thousandth of log odds (log odds ratio) further on."""
    odds = value if line.influence.table in ("effects", "dependencies") else value / (1 - value)
    odds *= float(np.exp(sign * 1e-4))
    return odds if line.influence.table in ("effects", "dependencies") else odds / (1 + odds)


def test_where_no_turn_is_given_the_leader_leads_to_the_end(small_model: thighdx.Model) -> None:
    findings = CASES["findings"]
    found = follow(small_model, findings, "strain")
    ends = [
        (line, end)
        for line in found
        for turn, end in zip((line.turn_below, line.turn_above), line.searched, strict=True)
        if turn is None and 0 < end < 1
    ]
    assert len(ends) > 5
    for line, end in ends:
        assert leader(rebuilt(small_model, {place(line): end}, findings)) == found.leader


def test_a_change_of_urgency_is_a_turn_too(small_model: thighdx.Model) -> None:
    findings, nerve = CASES["findings"], small_model.vocabulary.cause_idx("nerve")
    now = float(small_model.diagnose(findings, setting="clinic").posterior["nerve"])
    threshold = 1.2 * now

    def urgency(posteriors: np.ndarray, extra: list[object]) -> np.ndarray:
        assert extra == [None] * len(posteriors)
        return float(LEVELS.index("urgent")) * (posteriors[:, nerve] > threshold)

    found = follow(small_model, findings, "nerve", urgency=urgency)
    turns = [
        (line, turn)
        for line in found
        for turn in (line.turn_below, line.turn_above)
        if turn is not None and turn.kind == "urgency"
    ]
    assert {line.method for line, _ in turns} == {"exact", "recomputed"}
    for line, turn in turns:
        assert turn.becomes == "urgent"
        at = rebuilt(small_model, {place(line): turn.value}, findings)["nerve"]
        assert at == pytest.approx(threshold, rel=floats.URGENCY_TURN)


def test_lines_are_ranked_by_swing_and_the_rest_is_only_ranked(small_model: thighdx.Model) -> None:
    found = follow(small_model, CASES["contexts"], "nerve", n=3)
    assert len(found) == 3
    swings = [item.swing for item in found.ranking]
    assert swings == sorted(swings, reverse=True)
    assert [line.influence for line in found] == list(found.ranking[:3])
    assert len(found.ranking) > 10


def test_a_judgement_of_never_is_not_moved(small_model: thighdx.Model) -> None:
    found = follow(small_model, {"pregnancy": "no", "age_band": "65+"}, "clot", n=3)
    assert "dependencies" not in [item.table for item in found.ranking]


def test_a_cause_that_is_certain_has_no_sensitivities(small_model: thighdx.Model) -> None:
    found = follow(small_model, CASES["a given cause"], "clot")
    assert found.posterior == 1
    assert len(found) == 0
    assert len(found.ranking) == 0


def test_the_shipped_model_is_followed_and_says_how(model: thighdx.Model) -> None:
    known = {"onset": "sudden", "bruising": True, "sex": "male"}
    case = open_case(model.compiled, known, setting="sports_clinic")
    found = sensitivity(case, model.vocabulary.cause_idx("hamstring_strain"), n=4)
    assert found.leader == "hamstring_strain"
    frame = found.to_frame()
    assert set(frame["method"]) <= {"exact", "recomputed"}
    assert (frame["smallest"] <= found.posterior).all()
    assert (frame["largest"] >= found.posterior).all()
    for line in found:
        assert line.admissible[0] <= line.influence.point <= line.admissible[1]
    assert found.to_dict()["lines"][0]["swing"] == found.ranking[0].swing
    assert "[exact]" in repr(found)


def test_less_than_one_line_is_refused(small_model: thighdx.Model) -> None:
    with pytest.raises(OptionError, match="n: got 0"):
        follow(small_model, {}, "nerve", n=0)
