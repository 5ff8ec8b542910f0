"""The shipped knowledge as a whole: nothing of the vocabulary missing, everything accounted for."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from thighdx.kb.expressions import atoms, parse_expression
from thighdx.kb.records import COST_TIERS, KnowledgeBase
from thighdx.model import Model

# Kinds of seed statements that are either used in the model or left out with a reason.
ACCOUNTED_KINDS = frozenset(
    [
        "cause",
        "subtype",
        "risk_factor",
        "symptom",
        "sign",
        "discriminator",
        "timing",
        "red_flag",
        "history_item",
        "exam",
        "test",
        "treatment",
        "self_care",
        "exercise",
        "prevention",
        "caution",
    ]
)

SPLIT = {
    "muscle_overexertion": ("delayed_onset_muscle_soreness",),
    "peripheral_artery_disease": ("iliac_artery_endofibrosis", "chronic_limb_threatening_ischemia"),
    "acute_limb_ischemia": ("chronic_limb_threatening_ischemia",),
    "venous_or_skin_leg_disorder": ("baker_cyst",),
    "soft_tissue_or_bone_tumor": ("nerve_sheath_tumor", "spinal_metastasis"),
    "deep_infection": ("spinal_infection",),
    "femoral_fracture": ("bone_stress_injury",),
    "stroke": ("late_spasticity",),
}
NEVER_TOGETHER = (
    ("peripheral_artery_disease", "chronic_limb_threatening_ischemia"),
    ("peripheral_artery_disease", "iliac_artery_endofibrosis"),
    ("bone_stress_injury", "femoral_fracture"),
    ("nerve_sheath_tumor", "soft_tissue_or_bone_tumor"),
)


@pytest.fixture(scope="module")
def kb(model: Model) -> KnowledgeBase:
    return model.compiled.kb


@pytest.fixture(scope="module")
def judged(kb: KnowledgeBase) -> set[tuple[str, str]]:
    """Table and key of every number somebody judged."""
    return {(judgement.table, "|".join(judgement.key)) for judgement in kb.judgements}


# ---- vocabulary -------------------------------------------------------------------------------------


def test_the_vocabulary_is_complete(kb: KnowledgeBase) -> None:
    assert Counter(v.layer for v in kb.variables) == {
        "context": 44,
        "pathology": 5,
        "cause": 49,
        "finding": 142,
        "test": 17,
    }


def test_every_variable_has_a_label_a_question_and_a_cost_tier(kb: KnowledgeBase) -> None:
    for v in kb.variables:
        assert v.label, v.id
        assert v.label != v.id
        assert len(v.question) >= 10, v.id
        if v.layer != "cause":
            assert v.cost in COST_TIERS, v.id


def test_what_a_patient_can_be_asked_is_put_as_a_question(kb: KnowledgeBase) -> None:
    assert [v.id for v in kb.variables if v.cost == "ask" and not v.question.rstrip().endswith("?")] == []


def test_conditions_for_asking_name_variables_that_can_be_known_first(kb: KnowledgeBase) -> None:
    """Following the conditions back never leads in a circle."""
    needs = {
        v.id: {a.variable for a in atoms(parse_expression(v.asked_if))} for v in kb.variables if v.asked_if
    }
    for start in needs:
        seen, front = set(), needs[start]
        while front:
            seen |= front
            front = set().union(*(needs.get(name, set()) for name in front)) - seen
        assert start not in seen, start


def test_every_state_of_every_context_can_occur_somewhere(model: Model) -> None:
    for setting in model.settings:
        nothing = model.diagnose({}, setting=setting)
        for name in ("age_band", "sex", "pregnancy", "activity_level", "postpartum", "estrogen_therapy"):
            assert (nothing.probabilities(name) > 0).all(), (setting, name)


# ---- causes -----------------------------------------------------------------------------------------


def test_every_cause_has_an_icd_10_code(model: Model, kb: KnowledgeBase) -> None:
    coded = {code.cause for code in kb.codes if code.system == "ICD-10"}
    assert coded == set(model.causes)
    assert {code.system for code in kb.codes} <= {"ICD-10", "SNOMED-CT"}
    for code in kb.codes:
        pattern = r"[A-Z]\d\d(\.\d{1,2})?" if code.system == "ICD-10" else r"\d{6,18}"
        assert re.fullmatch(pattern, code.code), code
        assert code.title


def test_every_cause_but_the_residual_one_has_advice_and_every_cause_a_harm(
    model: Model, kb: KnowledgeBase
) -> None:
    advised = {advice.cause for advice in kb.advice}
    assert advised >= set(model.causes) - {"other_cause"}
    assert {advice.kind for advice in kb.advice} == {
        "self_care",
        "exercise",
        "treatment",
        "prevention",
        "caution",
        "how_to",
        "course",
        "visit",
        "safety_net",
    }
    assert Counter(harm.cause for harm in kb.harms) == dict.fromkeys(model.causes, 1)
    assert all(harm.harm_of_missing > 0 and harm.reason for harm in kb.harms)


def test_people_are_told_words_of_their_own_and_no_note_of_maintainers(kb: KnowledgeBase) -> None:
    for row in (*kb.red_flags, *kb.harms):
        assert row.words.endswith("."), row
        assert row.words[0].isupper(), row
        assert row.words != row.reason, row
        assert not re.search(r"\b[EUSKM]\d\d|rule|threshold", row.words), row


def test_the_groups_are_those_of_the_design(model: Model) -> None:
    assert set(model.groups) == {
        "sciatica",
        "nerve_compression",
        "soft_tissue_injury",
        "neurological",
        "vascular",
        "metabolic",
        "must_not_miss",
        *(f"{cause}_any" for cause in SPLIT),
    }
    assert set(model.groups["sciatica"]) == {
        "lumbar_radiculopathy",
        "piriformis_syndrome",
        "peripheral_nerve_entrapment",
    }
    assert set(model.groups["must_not_miss"]) == {
        "acute_limb_ischemia",
        "deep_vein_thrombosis",
        "cauda_equina_syndrome",
        "compartment_syndrome",
        "rhabdomyolysis",
        "soft_tissue_or_bone_tumor",
        "deep_infection",
        "femoral_fracture",
        "stroke",
        "proximal_hamstring_avulsion",
        # forms of these with a name of their own, as dangerous as before
        "chronic_limb_threatening_ischemia",
        "nerve_sheath_tumor",
        "spinal_metastasis",
        "spinal_infection",
        "bone_stress_injury",
    }


def test_a_cause_that_was_split_has_a_group_of_all_its_forms(model: Model) -> None:
    for cause, forms in SPLIT.items():
        assert set(model.groups[f"{cause}_any"]) == {cause, *forms}


@pytest.mark.parametrize("setting", ["primary_care", "emergency_department"])
def test_two_forms_of_one_disease_are_never_present_together(model: Model, setting: str) -> None:
    prior = model.network.log_prior(list(model.settings).index(setting))
    causes, members = list(model.causes), model.network.membership
    for first, second in NEVER_TOGETHER:
        both = (members[:, causes.index(first)] * members[:, causes.index(second)]).astype(bool)
        assert both.any()
        assert np.isneginf(prior[both]).all()
    assert np.isfinite(prior).sum() == len(prior) - len(NEVER_TOGETHER)


def test_every_must_not_miss_cause_has_a_rule_and_a_threshold(model: Model, kb: KnowledgeBase) -> None:
    suspected = {rule.suspect for rule in kb.red_flags}
    harms = {harm.cause: harm for harm in kb.harms}
    for cause in model.groups["must_not_miss"]:
        assert cause in suspected, cause
        harm = harms[cause]
        assert harm.level_if_likely != "self_care", cause
        assert harm.harm_of_missing >= 40, cause
        limits = (harm.threshold_emergency, harm.threshold_urgent, harm.threshold_soon)
        assert any(limit is not None and limit <= 0.2 for limit in limits), cause


def test_shares_of_every_setting_sum_to_between_1_08_and_1_16(model: Model) -> None:
    for setting in model.settings:
        assert 1.08 <= model.diagnose({}, setting=setting).prior.sum() <= 1.16, setting


# A finding whose absence alone makes a dangerous cause twenty times less likely tells people not to worry.
# Nothing may do that but what belongs to the definition of the cause, or the lowest state of a finding in
# which the cause practically never is. Row: P(this state or higher | the cause alone) against the background.
NEARLY_EXCLUDING = {
    ("rhabdomyolysis", "creatine_kinase_raised", "positive"): "defined by it",
    ("proximal_hamstring_avulsion", "mri_or_ultrasound_muscle_tear", "positive"): "defined by it",
    ("soft_tissue_or_bone_tumor", "imaging_mass", "positive"): "defined by it",
    (
        "proximal_hamstring_avulsion",
        "posterior_thigh_pain",
        "present",
    ): "where the tendon is; the complaint itself",
    (
        "proximal_hamstring_avulsion",
        "onset",
        "subacute",
    ): "an avulsion is one moment; gradual is another disease",
    ("proximal_hamstring_avulsion", "onset", "sudden"): "an avulsion is one moment",
    ("proximal_hamstring_avulsion", "pain_severity", "mild"): "painless avulsion is unheard of",
    ("compartment_syndrome", "pain_severity", "mild"): "pain out of proportion is its first sign",
    ("compartment_syndrome", "pain_severity", "moderate"): "pain out of proportion is its first sign",
    ("femoral_fracture", "pain_severity", "mild"): "no pain at all with a broken femur is unheard of",
    ("acute_limb_ischemia", "pain_severity", "mild"): "no pain at all is next to unheard of",
    ("deep_infection", "pain_severity", "mild"): "no pain at all is next to unheard of",
    (
        "cauda_equina_syndrome",
        "pain_severity",
        "mild",
    ): "no pain at all is rare; saddle signs count without it",
    ("rhabdomyolysis", "pain_severity", "mild"): "no pain at all, in someone who complains of the thigh",
    ("deep_infection", "course", "stable"): "improving without treatment",
    ("soft_tissue_or_bone_tumor", "course", "stable"): "improving without treatment",
    ("cauda_equina_syndrome", "course", "stable"): "improving without treatment",
    ("soft_tissue_or_bone_tumor", "symptom_duration", "days"): "a tumor is not hours old",
    ("soft_tissue_or_bone_tumor", "symptom_duration", "weeks"): "a tumor is seldom days old",
    ("deep_infection", "symptom_duration", "days"): "an abscess is not hours old",
    ("spinal_infection", "symptom_duration", "days"): "an abscess is not hours old",
    ("spinal_infection", "pain_severity", "mild"): "no pain at all is next to unheard of",
    ("spinal_infection", "course", "stable"): "improving without treatment",
    ("spinal_metastasis", "pain_severity", "mild"): "no pain at all, in someone who complains of the thigh",
    ("spinal_metastasis", "course", "stable"): "improving without treatment",
    ("nerve_sheath_tumor", "symptom_duration", "days"): "a tumor is not hours old",
    ("nerve_sheath_tumor", "symptom_duration", "weeks"): "a tumor is seldom days old",
    ("chronic_limb_threatening_ischemia", "symptom_duration", "days"): "chronic: two weeks by definition",
    ("chronic_limb_threatening_ischemia", "symptom_duration", "weeks"): "chronic: two weeks by definition",
    ("chronic_limb_threatening_ischemia", "course", "stable"): "improving without treatment",
    ("bone_stress_injury", "pain_severity", "mild"): "no pain at all, in someone who complains of the thigh",
    ("stroke", "onset", "subacute"): "a stroke is sudden, stepwise in few",
}


def test_no_absent_finding_all_but_excludes_a_dangerous_cause_unless_by_definition(model: Model) -> None:
    points = {key: item.point for key, item in model.compiled.pooled.items()}
    found = {}
    for (table, key), point in points.items():
        if table == "links" and key[0] in model.groups["must_not_miss"]:
            ratio = (1 - point) / (1 - points["backgrounds", key[1:]])
            if ratio < 0.05:
                found[key] = round(ratio, 3)
    assert {key: ratio for key, ratio in found.items() if key not in NEARLY_EXCLUDING} == {}


# ---- sources and accounts ---------------------------------------------------------------------------


def test_every_seed_statement_that_matters_is_used_or_left_out_with_a_reason(kb: KnowledgeBase) -> None:
    accounted = {row["seed"] for row in kb.coverage_rows}
    wanted = {row["id"] for row in kb.seed_rows if row["kind"] in ACCOUNTED_KINDS}
    assert len(wanted) > 450
    assert wanted - accounted == set()
    left_out = [row for row in kb.coverage_rows if row["used_in"] == "not_used"]
    assert [row["seed"] for row in left_out if len(row["reason"]) < 10] == []
    used = {row["seed"] for row in kb.coverage_rows if row["used_in"] != "not_used"}
    assert used & {row["seed"] for row in left_out} == set()


def test_every_place_the_coverage_table_names_exists(kb: KnowledgeBase, judged: set[tuple[str, str]]) -> None:
    places = {
        *judged,
        *(("shares", key.split("|")[0]) for table, key in judged if table == "shares"),
        *(("variables", v.id) for v in kb.variables),
        *(("management", advice.id) for advice in kb.advice),
        *(("red_flags", rule.id) for rule in kb.red_flags),
        *(("conflicts", row["topic"]) for row in kb.conflict_rows),
        ("not_used", ""),
    }
    assert [row for row in kb.coverage_rows if (row["used_in"], row["target"]) not in places] == []


def test_every_conflict_takes_a_side_and_cites_the_seeds(kb: KnowledgeBase) -> None:
    seeds = {row["id"] for row in kb.seed_rows}
    topics = {row["topic"] for row in kb.conflict_rows}
    assert topics >= {"heat_and_ice", "how_common_nerve_causes_are"}
    for row in kb.conflict_rows:
        assert row["side_taken"], row["topic"]
        assert row["reason"], row["topic"]
        assert set(row["seeds"].split(";")) <= seeds, row["topic"]
        assert {source for source in row["sources"].split(";") if source} <= set(kb.sources), row["topic"]


def test_every_published_figure_is_compared_with_the_model(kb: KnowledgeBase) -> None:
    figures = [row["evidence_id"] for row in kb.evidence_rows]
    compared = Counter(row["evidence_id"] for row in kb.agreement_rows)
    assert set(compared) == set(figures)
    assert {row["verdict"] for row in kb.agreement_rows} == {"agrees", "differs", "not_comparable"}
    assert [
        r["evidence_id"] for r in kb.agreement_rows if r["verdict"] != "agrees" and len(r["reason"]) < 10
    ] == []


def test_every_number_compared_with_a_figure_exists(kb: KnowledgeBase, judged: set[tuple[str, str]]) -> None:
    missing = [
        (row["evidence_id"], key)
        for row in kb.agreement_rows
        for key in row["key"].split(";")
        if row["table"] and (row["table"], key) not in judged and "no row" not in row["reason"]
    ]
    assert missing == []
    assert [
        r["evidence_id"] for r in kb.agreement_rows if not r["table"] and r["verdict"] != "not_comparable"
    ] == []


def test_what_is_judged_at_the_desk_is_never_shown_as_published(kb: KnowledgeBase) -> None:
    desk = kb.sources["desk_elicitation"]
    assert not desk.verified
    assert desk.kind == "elicitation"
    published = [source for source in kb.sources.values() if source.kind == "published_figure"]
    assert len(published) > 100
    assert all("elicit" not in source.citation.lower().split("(")[0] for source in published)
    assert not any(source.verified for source in kb.sources.values() if source.kind == "seed_statement")


def test_every_correction_says_why(kb: KnowledgeBase) -> None:
    corrections = {expert.id for expert in kb.manifest.experts if expert.role == "correction"}
    rows = [judgement for judgement in kb.judgements if judgement.expert in corrections]
    assert len(rows) > 50
    assert [(j.table, j.key, j.expert) for j in rows if not j.note] == []


def test_what_is_impossible_is_written_never_with_its_reason(kb: KnowledgeBase) -> None:
    never = [judgement for judgement in kb.judgements if judgement.statement == "never"]
    assert len(never) >= 11
    assert [j.key for j in never if not j.note] == []


def test_the_disclaimer_says_what_the_model_is_not(model: Model) -> None:
    for part in (
        "Not a medical device",
        "not reviewed by clinicians",
        "never tells anyone to ignore a warning sign",
    ):
        assert part in model.disclaimer
