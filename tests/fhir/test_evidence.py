"""What resources are evidence on, and that the rest is listed with the reason."""

from __future__ import annotations

import copy
import datetime
import random
from pathlib import Path

import pytest

import thighdx
from fhir_resources import answer, bundle, concept, condition, medication, observation, quantity, response
from thighdx.errors import EvidenceError, KnowledgeBaseError
from thighdx.fhir import evidence, read_code_map, validate
from thighdx.fhir.evidence import EvidenceReader


def test_a_simulated_patient_as_a_response_gives_the_evidence_it_came_from(model: thighdx.Model) -> None:
    people = model.simulate(20, seed=3).astype(str)
    for _, person in people.iterrows():
        states = {name: person[name] for name in model.variables}
        sent = response(model, states)
        found = evidence(sent, model)
        assert found.findings == states
        assert found.unused == ()
        assert found.subject == {"reference": "Patient/p"}
    validate(sent)


def test_an_empty_answer_is_unknown_and_a_no_is_absent(model: thighdx.Model) -> None:
    sent = response(model, {"bruising": "absent"})
    sent["item"] += [{"linkId": "numbness"}, {"linkId": "fever", "answer": []}]
    sent["item"] += [{"linkId": "tingling", "answer": [{"valueCoding": {"code": "unknown"}}]}]
    assert evidence(sent, model).findings == {"bruising": "absent"}


def test_answers_inside_answers_are_read(model: thighdx.Model) -> None:
    outer = answer(model, "leg_swelling", "present")
    outer["answer"][0]["item"] = [answer(model, "one_leg_swollen", "present")]
    sent = response(model, {}) | {"item": [outer]}
    assert evidence(sent, model).findings == {"leg_swelling": "present", "one_leg_swollen": "present"}


def test_answers_that_mean_nothing_are_listed(model: thighdx.Model) -> None:
    sent = response(model, {"bruising": "present"})
    sent["item"] += [
        {"linkId": "brusing", "answer": [{"valueBoolean": True}]},
        {"linkId": "onset", "answer": [{"valueString": "quickly"}]},
        {"linkId": "fever", "answer": [{"valueBoolean": True}, {"valueBoolean": False}]},
        {"linkId": "age", "answer": [{"valueInteger": 200}]},
    ]
    found = evidence(sent, model)
    assert found.findings == {"bruising": "present"}
    assert [item.why for item in found.unused] == [
        "the model has no such question",
        "expected one of gradual, subacute, sudden",
        "got 2 answers, expected one",
        "expected 0 to 120 years",
    ]


def test_another_questionnaire_is_not_evidence(model: thighdx.Model) -> None:
    sent = response(model, {"fever": "present"}) | {"questionnaire": "https://example.org/other|1"}
    found = evidence(sent, model)
    assert found.findings == {}
    assert "another questionnaire" in found.unused[0].why


@pytest.mark.parametrize(
    ("sent", "findings"),
    [
        (condition("snomed", "73211009", verified="confirmed"), {"diabetes": "present"}),
        (condition("snomed", "73211009"), {"diabetes": "present"}),
        (condition("snomed", "73211009", verified="refuted"), {"diabetes": "absent"}),
        (condition("icd10", "E11.9"), {"diabetes": "present"}),
        (condition("icd10cm", "E11.9"), {"diabetes": "present"}),
        (condition("icd10", "C50.9", clinical="resolved"), {"cancer_history": "present"}),
        (condition("snomed", "128053003", clinical="resolved"), {"prior_vte": "present"}),
        (condition("snomed", "128053003", verified="refuted"), {"deep_vein_thrombosis": "absent"}),
        (medication("C10AA05"), {"statin_use": "present"}),
        (medication("C10AA", status="not-taken"), {"statin_use": "absent"}),
        (medication("L04AX03"), {"immunosuppression": "present"}),
        (observation("39156-5", valueQuantity=quantity(31, "kg/m2")), {"obesity": "present"}),
        (observation("39156-5", valueQuantity=quantity(29.9, "kg/m2")), {"obesity": "absent"}),
        (observation("8310-5", valueQuantity=quantity(38, "Cel")), {"fever": "present"}),
        (observation("8310-5", valueQuantity=quantity(101, "[degF]")), {"fever": "present"}),
        (observation("8867-4", valueQuantity=quantity(100, "/min")), {"tachycardia": "absent"}),
        (observation("72514-3", valueQuantity=quantity(8, "{score}")), {"pain_severity": "severe"}),
        (observation("72514-3", valueQuantity=quantity(4, "{score}")), {"pain_severity": "moderate"}),
        (observation("72514-3", valueQuantity=quantity(0, "{score}")), {"pain_severity": "none"}),
        (observation("30525-0", valueQuantity=quantity(41, "a")), {"age": 41}),
        (
            observation("82810-3", valueCodeableConcept=concept("snomed", "77386006")),
            {"pregnancy": {"none": 0.0, "first_trimester": 1.0, "second_or_third_trimester": 1.0}},
        ),
        (observation("72166-2", valueCodeableConcept=concept("snomed", "8517006")), {"smoking": "absent"}),
        (observation("3016-3", interpretation=[concept("x", "H")]), {"tsh_raised": "positive"}),
        (observation("3016-3", interpretation=[concept("x", "N")]), {"tsh_raised": "negative"}),
        (
            observation(
                "1988-5", valueQuantity=quantity(12, "mg/L"), referenceRange=[{"high": quantity(5, "mg/L")}]
            ),
            {"crp_or_esr_raised": "positive"},
        ),
        (
            observation(
                "2157-6", valueQuantity=quantity(900, "U/L"), referenceRange=[{"high": quantity(200, "U/L")}]
            ),
            {"creatine_kinase_raised": "negative"},
        ),
        (
            observation("2823-3", interpretation=[concept("x", "LL")]),
            {"serum_electrolytes_abnormal": "positive"},
        ),
    ],
)
def test_codes_are_read_as_the_table_says(model: thighdx.Model, sent: dict, findings: dict) -> None:
    validate(sent)
    found = evidence(sent, model)
    assert found.findings == findings
    assert found.unused == ()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (condition("snomed", "73211009", verified="unconfirmed"), "unconfirmed, so no evidence"),
        (condition("snomed", "73211009", verified="provisional"), "provisional, so no evidence"),
        (condition("snomed", "73211009", verified="differential"), "differential, so no evidence"),
        (condition("snomed", "73211009", verified="entered-in-error"), "entered-in-error, so no evidence"),
        (condition("snomed", "73211009", clinical="resolved"), "clinical status resolved"),
        (condition("icd10", "E11.9", verified="refuted"), "ruled out, but diabetes has other forms"),
        (condition("icd10", "C44.3"), "known to say nothing"),
        (condition("snomed", "128053003"), "names the cause deep_vein_thrombosis: a diagnosis is no finding"),
        (condition("icd10", "M54.3"), "names the cause lumbar_radiculopathy: a diagnosis is no finding"),
        (condition("icd10", "Q99.9"), "not in the table of codes"),
        (condition("snomed", "386661006", recordedDate="2020-01-01"), "2525 days old, expected at most 14"),
        (medication("C10AA05", status="stopped"), "status stopped"),
        (medication("C10AA05", status="not-taken"), "not taken, but others of its class may be"),
        (observation("39156-5", status="preliminary", valueQuantity=quantity(31, "kg/m2")), "preliminary"),
        (observation("39156-5", valueQuantity=quantity(5, "[lb_av]")), "got unit"),
        (observation("8310-5", valueQuantity=quantity(37, "Cel")), "rules nothing out"),
        (observation("2823-3", interpretation=[concept("x", "N")]), "rules nothing out"),
        (observation("3016-3", valueQuantity=quantity(3, "m[IU]/L")), "neither an interpretation nor"),
        (observation("82810-3", valueCodeableConcept=concept("snomed", "1")), "its answer snomed 1"),
        ({"resourceType": "Procedure", "status": "completed"}, "this type is not read"),
        ({"resourceType": "Patient", "gender": "other"}, "the sex recorded at birth"),
        ({"resourceType": "Patient", "birthDate": "2999-01-01"}, "gives an age of"),
        ({"resourceType": "Patient", "birthDate": "1976"}, "too coarse"),
    ],
)
def test_what_is_no_evidence_is_listed_with_the_reason(model: thighdx.Model, sent: dict, why: str) -> None:
    found = evidence(bundle(sent), model)
    assert found.findings == {}
    assert len(found.unused) == 1
    assert why in str(found.unused[0])


def test_age_is_worked_out_on_the_day_of_the_bundle_or_the_day_given(model: thighdx.Model) -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1980-12-01", "gender": "female"}
    assert evidence(bundle(patient), model).findings == {"age": 45, "sex": "female"}
    on = datetime.date(2026, 12, 1)
    assert evidence(bundle(patient), model, on=on).findings["age"] == 46
    assert "no day to work the age out" in evidence(patient, model).unused[0].why


def test_the_newest_observation_counts_and_the_older_is_listed(model: thighdx.Model) -> None:
    old = observation("39156-5", valueQuantity=quantity(31, "kg/m2"), effectiveDateTime="2026-01-01", id="a")
    new = observation("39156-5", valueQuantity=quantity(28, "kg/m2"), effectiveDateTime="2026-11-01", id="b")
    found = evidence(bundle(old, new), model)
    assert found.findings == {"obesity": "absent"}
    assert found.origins == {"obesity": "Observation/b"}
    assert [item.why for item in found.unused] == ["older than Observation/b"]


def test_what_contradicts_itself_counts_for_nothing(model: thighdx.Model) -> None:
    yes, no = (
        condition("snomed", "73211009", id="a"),
        condition("snomed", "73211009", verified="refuted", id="b"),
    )
    found = evidence(bundle(yes, no), model)
    assert found.findings == {}
    assert len(found.unused) == 2
    assert "contradicted" in found.unused[0].why


def test_an_age_and_a_band_that_disagree_count_for_nothing(model: thighdx.Model) -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1950-01-01"}
    found = evidence(bundle(patient, response(model, {"age_band": "18-39", "fever": "absent"})), model)
    assert found.findings == {"fever": "absent"}
    assert len(found.unused) == 2


def test_a_medication_is_found_where_the_statement_refers_to_it(model: thighdx.Model) -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": concept("atc", "C03CA01")}
    taken = {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": "Patient/p"}}
    sent = bundle(drug, taken | {"medicationReference": {"reference": "Medication/m"}})
    assert evidence(sent, model).findings == {"diuretic_use": "present"}


def test_a_reference_to_the_patient_may_be_written_in_several_ways(model: thighdx.Model) -> None:
    sent = bundle(
        {"resourceType": "Patient", "id": "p"}, condition("snomed", "73211009"), medication("C10AA05")
    )
    sent["entry"][0]["fullUrl"] = "urn:uuid:0"
    sent["entry"][1]["resource"]["subject"] = {"reference": "urn:uuid:0"}
    sent["entry"][2]["resource"]["subject"] = {"reference": "https://example.org/fhir/Patient/p"}
    assert evidence(sent, model).subject == {"reference": "Patient/p"}
    sent["entry"][0]["resource"]["id"] = "q"  # the drug is somebody else's now
    with pytest.raises(EvidenceError, match=r"several patients \(Patient/p, Patient/q\), expected one"):
        evidence(sent, model)


def test_answers_to_another_version_are_read_and_it_is_said(model: thighdx.Model) -> None:
    sent = response(model, {"fever": "present"})
    sent["questionnaire"] = sent["questionnaire"].partition("|")[0] + "|0.0.1+000000000000"
    found = evidence(sent, model)
    assert found.findings == {"fever": "present"}
    assert "version 0.0.1+000000000000 of the questionnaire: not that of this model" in str(found.unused[0])


def test_several_patients_are_refused(model: thighdx.Model) -> None:
    other = condition("snomed", "73211009") | {"subject": {"reference": "Patient/q"}}
    with pytest.raises(EvidenceError, match=r"several patients \(Patient/p, Patient/q\), expected one"):
        evidence(bundle(condition("snomed", "73211009"), other), model)


@pytest.mark.parametrize("sent", [{}, {"resourceType": "Encounter"}, [], "x", {"resourceType": ["Bundle"]}])
def test_what_is_no_such_resource_is_refused(model: thighdx.Model, sent: object) -> None:
    with pytest.raises(EvidenceError, match="resourceType: got"):
        evidence(sent, model)  # type: ignore[arg-type]  # what a caller may send


@pytest.mark.parametrize(
    "broken",
    [
        {"resourceType": "Bundle", "entry": "no"},
        {"resourceType": "Bundle", "entry": [1, {"resource": 2}, {"resource": {"resourceType": 3}}]},
        {"resourceType": "Observation", "status": "final", "code": [], "valueQuantity": "x"},
        {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": 1, "code": 2}]}},
        {"resourceType": "Condition", "code": {"coding": {"code": "x"}}, "verificationStatus": 1},
        {"resourceType": "MedicationStatement", "status": "active", "medicationReference": {"reference": []}},
        {"resourceType": "Patient", "birthDate": 1980, "gender": 1, "extension": {}},
        {
            "resourceType": "QuestionnaireResponse",
            "item": [{"linkId": [], "answer": [{"valueCoding": 1}]}, 3],
        },
    ],
)
def test_resources_of_the_wrong_shape_raise_nothing(model: thighdx.Model, broken: dict) -> None:
    assert evidence(broken, model).findings == {}


def test_a_response_nested_without_end_is_refused(model: thighdx.Model) -> None:
    item: dict = {"linkId": "fever"}
    for _ in range(2_000):
        item = {"linkId": "group", "item": [item]}
    with pytest.raises(EvidenceError, match="QuestionnaireResponse: nested too deeply"):
        evidence({"resourceType": "QuestionnaireResponse", "item": [item]}, model)


def test_the_shipped_codes_name_what_the_shipped_model_has(model: thighdx.Model) -> None:
    read_code_map().check(model.vocabulary)
    places = [(row.kind, row.system, row.code, row.variable, row.rule) for row in read_code_map().rows]
    assert len(set(places)) == len(places) > 100


def test_codes_of_ones_own_come_first(model: thighdx.Model, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "kind,system,code,variable,state,rule,refutes,days,note\n"
        "Observation,urn:oid:1.2.3,BRUISE,bruising,present,,yes,,\n"
        "Condition,snomed,73211009,-,,,,,not trusted here\n"
    )
    seen = observation("BRUISE", system="urn:oid:1.2.3", valueBoolean=False)
    found = evidence(bundle(seen, condition("snomed", "73211009"), medication("C10AA05")), model, codes=own)
    assert found.findings == {"statin_use": "present", "bruising": "absent"}
    assert "known to say nothing" in found.unused[0].why


def test_every_problem_of_ones_own_codes_is_found_at_once(model: thighdx.Model, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "kind,system,code,variable,state,rule,refutes,days,note\n"
        "Observations,loincs,,bruising,present,over 3,maybe,soon,\n"
    )
    with pytest.raises(KnowledgeBaseError, match="5 problems") as caught:
        evidence(bundle(), model, codes=own)
    assert "did you mean 'Observation'" in str(caught.value)
    header = own.read_text().partition("\n")[0]
    own.write_text(
        f"{header}\nObservation,loinc,1-8,bruising,present,over 3,,,\nCondition,loinc,1-8,fever,present,high,,,\n"
    )
    with pytest.raises(
        KnowledgeBaseError, match=r"(?s)2 problems.*got 'over 3', expected.*got 'high', expected"
    ):
        evidence(bundle(), model, codes=own)
    own.write_text("kind,system,code\nCondition,snomed,1\n")
    with pytest.raises(KnowledgeBaseError, match="row 2, variable: Field required"):
        evidence(bundle(), model, codes=own)
    own.write_text(
        "kind,system,code,variable,state,rule,refutes,days,note\nCondition,snomed,1,brusing,present,,,,\n"
    )
    with pytest.raises(KnowledgeBaseError, match="did you mean 'bruising'"):
        evidence(bundle(), model, codes=own)


def test_the_models_own_names_are_codes_too(model: thighdx.Model) -> None:
    from thighdx.fhir.names import own_system

    system = own_system(model.name)
    sent = observation("onset", system=system, valueCodeableConcept=concept(system, "sudden"))
    assert evidence(sent, model).findings == {"onset": "sudden"}


JUNK = (None, 1, -1.5, "x", "", [], {}, True, [[]], [None], {"a": 1}, "2026-13-45", float("nan"), 10**400)


def places(value: object, above: tuple = ()) -> list[tuple]:
    """Every place inside a resource."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, item in inner for place in places(item, (*above, key)))]


def test_whatever_is_broken_in_a_bundle_it_is_read_or_refused(model: thighdx.Model) -> None:
    whole = bundle(
        {"resourceType": "Patient", "id": "p", "birthDate": "1980-05", "gender": "female"},
        observation(
            "2157-6", valueQuantity=quantity(900, "U/L"), referenceRange=[{"high": quantity(200, "U/L")}]
        ),
        observation("82810-3", valueCodeableConcept=concept("snomed", "77386006")),
        condition("snomed", "128053003", verified="refuted", recordedDate="2026-11-11"),
        medication("C10AA05", effectivePeriod={"start": "2020-01-01"}),
        response(model, {"fever": "present", "onset": "sudden", "age_band": "18-39"}),
    )
    reader, rng = EvidenceReader(model), random.Random(2)
    everywhere = [place for place in places(whole) if place]
    n_read = 0
    for _ in range(600):
        broken = copy.deepcopy(whole)
        *path, last = rng.choice(everywhere)
        inside = broken
        for key in path:
            inside = inside[key]
        inside[last] = copy.deepcopy(rng.choice(JUNK))
        try:
            n_read += bool(reader.read(broken).findings)
        except EvidenceError:
            continue
    assert n_read > 400
