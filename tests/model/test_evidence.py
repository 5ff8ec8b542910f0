"""What evidence means: likelihoods, causes that are given, what is impossible together, and what is irrelevant."""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floats
import kb_builder
import thighdx
from thighdx.errors import EvidenceError, ImpossibleEvidenceError, KnowledgeBaseError
from thighdx.model import Model

CASE = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}


def same(expected: object) -> object:
    return pytest.approx(expected, rel=floats.SAME_BASE, abs=0)


# ---- uncertain evidence -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["bruising", "muscle_weakness", "lumbar_disc_herniation", "sex", "dehydration"]
)
def test_a_likelihood_of_one_state_only_equals_that_state(model: Model, name: str) -> None:
    case = {"onset": "sudden", "muscle_cramp": True, "age": 34}
    states = (model.variables.get(name) or model.causes[name]).states
    for state in states:
        sure = model.diagnose({**case, name: state})
        soft = model.diagnose({**case, name: {other: float(other == state) for other in states}})
        assert soft.posterior.to_dict() == same(sure.posterior.to_dict())
        assert soft.log_evidence == pytest.approx(sure.log_evidence, abs=floats.SAME_BASE)


@pytest.mark.parametrize("name", ["numbness", "pregnancy", "dehydration"])
@pytest.mark.parametrize("factor", [1, 0.25, 40])
def test_a_likelihood_that_is_the_same_for_every_state_only_scales_the_evidence(
    model: Model, name: str, factor: float
) -> None:
    case = {"onset": "sudden", "bruising": True, "sex": "female"}
    states = (model.variables.get(name) or model.causes[name]).states
    soft = model.diagnose({**case, name: dict.fromkeys(states, factor)})
    plain = model.diagnose(case)
    assert soft.posterior.to_dict() == pytest.approx(plain.posterior.to_dict(), rel=1e-11)
    assert soft.log_evidence == pytest.approx(plain.log_evidence + math.log(factor), abs=1e-11)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_only_the_ratio_of_likelihoods_moves_the_posterior(model: Model, scale: float) -> None:
    near = model.diagnose(
        {"numbness": {"absent": 1, "present": 3}, "dehydration": {"absent": 2, "present": 1}}
    )
    far = model.diagnose(
        {
            "numbness": {"absent": scale, "present": 3 * scale},
            "dehydration": {"absent": 2 * scale, "present": scale},
        }
    )
    assert far.posterior.to_dict() == pytest.approx(near.posterior.to_dict(), rel=1e-9)


def test_likelihoods_lie_between_the_states_they_hesitate_between(model: Model) -> None:
    sure, soft, none = (
        model.diagnose({"bruising": value}).posterior["thigh_contusion"]
        for value in (True, {"absent": 0.2, "present": 0.8}, None)
    )
    assert none < soft < sure


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {},
            (
                r"bruising: likelihood of 'absent': got None, expected one number >= 0 for each of "
                r"absent, present, not"
            ),
        ),
        ({"present": 1}, r"bruising: likelihood of 'absent': got None"),
        ({"absent": 0, "present": 0}, r"bruising: got .*, expected .*not all 0"),
        ({"absent": -1, "present": 1}, r"bruising: likelihood of 'absent': got -1"),
        ({"absent": math.nan, "present": 1}, r"bruising: likelihood of 'absent': got nan"),
        ({"absent": math.inf, "present": 1}, r"bruising: likelihood of 'absent': got inf"),
        ({"absent": True, "present": 1}, r"bruising: likelihood of 'absent': got True"),
        ({"absent": "0.5", "present": 1}, r"bruising: likelihood of 'absent': got '0\.5'"),
        ({"absent": 10**400, "present": 1}, r"bruising: likelihood of 'absent': got 1000"),
        ({"absent": 1, "present": 1, "maybe": 1}, "bruising: got 'maybe', expected absent, present"),
    ],
)
def test_a_likelihood_needs_one_number_for_every_state(model: Model, value: dict, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        model.diagnose({"bruising": value})


# ---- causes as evidence -----------------------------------------------------------------------------


def test_a_given_cause_has_probability_one_or_zero(model: Model) -> None:
    for present in (True, False):
        result = model.diagnose({**CASE, "hamstring_strain": present})
        assert result.posterior["hamstring_strain"] == float(present)
        assert result.evidence["hamstring_strain"] == ("present" if present else "absent")


def test_ruling_a_cause_in_leaves_room_for_fewer_others(model: Model) -> None:
    case = {"bruising": True, "muscle_cramp": True}
    before = model.diagnose(case).posterior
    after = model.diagnose({**case, "thigh_contusion": True}).posterior
    assert after["hamstring_strain"] < before["hamstring_strain"]


def test_bayes_rule_holds_between_a_cause_and_a_finding(model: Model) -> None:
    cause = math.exp(model.diagnose({"dehydration": True}).log_evidence)
    finding = math.exp(model.diagnose({"muscle_cramp": True}).log_evidence)
    both = math.exp(model.diagnose({"muscle_cramp": True, "dehydration": True}).log_evidence)
    posterior = model.diagnose({"muscle_cramp": True}).posterior["dehydration"]
    assert posterior == pytest.approx(both / finding, rel=1e-11)
    assert model.diagnose({"dehydration": True}).probabilities("muscle_cramp")["present"] == pytest.approx(
        both / cause, rel=1e-11
    )


# ---- impossible evidence ----------------------------------------------------------------------------


def assert_is_minimal(model: Model, error: ImpossibleEvidenceError) -> None:
    """The conflict alone is impossible, and dropping any one member makes it possible."""
    conflict = dict(error.conflict)
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence"):
        model.diagnose(conflict)
    for name in conflict:
        rest = {key: value for key, value in conflict.items() if key != name}
        assert math.isfinite(model.diagnose(rest).log_evidence)


def test_impossible_evidence_names_a_smallest_conflict_and_nothing_else(model: Model) -> None:
    case = {
        **CASE,
        "muscle_cramp": True,
        "sex": "male",
        "pregnancy": "first_trimester",
        "low_back_pain": False,
    }
    with pytest.raises(
        ImpossibleEvidenceError,
        match="impossible evidence: sex=male, pregnancy=first_trimester cannot be true together",
    ) as caught:
        model.diagnose(case)
    assert set(caught.value.conflict) == {("sex", "male"), ("pregnancy", "first_trimester")}
    assert_is_minimal(model, caught.value)


@pytest.mark.parametrize(
    ("case", "conflict"),
    [
        ({"age": 70, "postpartum": True, "bruising": True}, {"age_band", "postpartum"}),
        (
            {"pregnancy": "first_trimester", "postpartum": True, "onset": "sudden"},
            {"pregnancy", "postpartum"},
        ),
        ({"sex": "male", "postpartum": True}, {"sex", "postpartum"}),
        ({"age": 85, "pregnancy": "second_or_third_trimester"}, {"age_band", "pregnancy"}),
        (
            {"pregnancy_related_cramp": True, "pregnancy": "none", "muscle_cramp": 1},
            {"pregnancy", "pregnancy_related_cramp"},
        ),
        (
            {"pregnancy_related_cramp": True, "sex": "male", "muscle_cramp": 1},
            {"sex", "pregnancy_related_cramp"},
        ),
    ],
)
def test_each_impossible_combination_is_found(model: Model, case: dict, conflict: set[str]) -> None:
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        model.diagnose(case)
    assert {name for name, _ in caught.value.conflict} == conflict
    assert_is_minimal(model, caught.value)


def test_no_cause_at_all_is_impossible(small_model: Model) -> None:
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        small_model.diagnose({"bruising": True, **dict.fromkeys(small_model.causes, False)})
    assert {name for name, _ in caught.value.conflict} == set(small_model.causes)
    assert_is_minimal(small_model, caught.value)


def test_more_causes_than_the_model_allows_are_impossible(model: Model) -> None:
    three = ["hamstring_strain", "lumbar_radiculopathy", "thigh_contusion"]
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        model.diagnose({"bruising": True, **dict.fromkeys(three, True)})
    assert sorted(name for name, _ in caught.value.conflict) == three
    assert math.isfinite(model.diagnose(dict.fromkeys(three[:2], True)).log_evidence)


def test_a_likelihood_can_be_part_of_a_conflict(model: Model) -> None:
    late = {"none": 0, "first_trimester": 1, "second_or_third_trimester": 2}
    with pytest.raises(ImpossibleEvidenceError, match=r"sex=male, pregnancy=\(likelihood\)") as caught:
        model.diagnose({"sex": "male", "bruising": True, "pregnancy": late})
    assert caught.value.conflict == (("sex", "male"), ("pregnancy", "(likelihood)"))


def test_errors_survive_pickling(model: Model, folder: Path) -> None:
    with pytest.raises(ImpossibleEvidenceError, match="impossible evidence") as caught:
        model.diagnose({"sex": "male", "postpartum": True})
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.conflict) == (str(caught.value), caught.value.conflict)
    (folder / "links.csv").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"links\.csv") as broken:
        thighdx.read_model(folder)
    again = pickle.loads(pickle.dumps(broken.value))
    assert (str(again), again.problems) == (str(broken.value), broken.value.problems)


# ---- warnings ---------------------------------------------------------------------------------------


def test_an_answer_to_a_question_that_does_not_apply_is_kept_and_warned_about(model: Model) -> None:
    case = {"onset_during_exercise": False, "sprint_or_overstretch": False, "strenuous_exertion": False}
    result = model.diagnose({**case, "inadequate_warm_up": False})
    (warning,) = result.warnings
    assert warning.code == "not_applicable"
    assert warning.message.startswith(
        "No or poor warm-up: absent; asked only if Began during or just after exercise: present or Injury"
    )
    assert result.evidence["inadequate_warm_up"] == "absent"
    assert model.diagnose({**case, "onset_during_exercise": True, "inadequate_warm_up": False}).warnings == ()
    assert model.diagnose({"inadequate_warm_up": False}).warnings == ()  # unknown is not "no"


# ---- order and irrelevance --------------------------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=25)
@given(data=st.data())
def test_the_order_of_findings_is_irrelevant(model: Model, data: st.DataObject) -> None:
    chosen = data.draw(
        st.lists(st.sampled_from(sorted(model.variables)), unique=True, min_size=2, max_size=8)
    )
    findings = {}
    for name in chosen:
        findings[name] = data.draw(st.sampled_from(model.variables[name].states))
    shuffled = dict(data.draw(st.permutations(list(findings.items()))))
    try:
        first = model.diagnose(findings)
    except ImpossibleEvidenceError as error:
        with pytest.raises(ImpossibleEvidenceError, match=re.escape(str(error))):
            model.diagnose(shuffled)
        return
    second = model.diagnose(shuffled)
    assert second.posterior.equals(first.posterior)
    assert second.log_evidence == first.log_evidence
    assert list(second.evidence) == list(first.evidence)


def test_saying_that_something_is_unknown_changes_nothing(model: Model) -> None:
    plain = model.diagnose(CASE)
    padded = model.diagnose({**dict.fromkeys(model.variables), **dict.fromkeys(model.causes), **CASE})
    assert padded.posterior.equals(plain.posterior)
    assert padded.log_evidence == plain.log_evidence


def test_a_finding_that_no_cause_changes_says_nothing_about_causes(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "m")
    kb_builder.append(folder, "variables.csv", "barren,finding,Barren,absent|present,?,,ask,,")
    kb_builder.append(folder, "backgrounds.csv", "barren,present,panel,0.1,0.2,0.3,,2026-01-31,desk,")
    same_as_background = "strain,barren,present,panel,0.1,0.2,0.3,,2026-01-31,desk,"
    kb_builder.append(folder, "links.csv", same_as_background)
    model = thighdx.read_model(folder)
    case = {"bruising": True, "tingling": False}
    plain, with_barren = model.diagnose(case), model.diagnose({**case, "barren": True})
    assert with_barren.posterior.to_dict() == pytest.approx(plain.posterior.to_dict(), rel=1e-12)
    background = model.diagnose({}).probabilities("barren")["present"]
    assert with_barren.log_evidence == pytest.approx(plain.log_evidence + math.log(background), abs=1e-12)


def test_more_causes_than_the_model_allows_are_refused_with_the_reason(model: Model) -> None:
    three = ("hamstring_strain", "stroke", "fibromyalgia")
    with pytest.raises(
        ImpossibleEvidenceError, match=r"\(it allows up to 2 causes at once; see max_causes\)"
    ) as e:
        model.diagnose(dict.fromkeys(three, True))
    assert {name for name, _ in e.value.conflict} == set(three)
    assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)
    with pytest.raises(ImpossibleEvidenceError, match="under this model; at least one"):
        model.diagnose({"sex": "male", "postpartum": True})
