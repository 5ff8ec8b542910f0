"""The front door: loading a model, what is refused, tracing and checking it, sharing it."""

from __future__ import annotations

import dataclasses
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import floats
import kb_builder
import thighdx
from thighdx.errors import KnowledgeBaseError, UnknownNameError
from thighdx.model import Model

CASE = {"onset": "sudden", "bruising": True, "numbness": False, "age": 34}


# ---- loading ----------------------------------------------------------------------------------------


def test_the_shipped_model_says_what_it_is(model: Model) -> None:
    assert model.name == "posterior_thigh"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", model.version)
    assert re.fullmatch(r"[0-9a-f]{64}", model.digest)
    assert model.max_causes == 2
    assert model.default_setting == "primary_care"
    assert model.settings == (
        "self_report",
        "primary_care",
        "physiotherapy",
        "sports_clinic",
        "emergency_department",
    )
    assert "Not a medical device" in model.disclaimer
    assert "not reviewed by clinicians" in model.disclaimer
    assert len(model.causes) == 49
    assert len(model.variables) == 208
    assert not set(model.causes) & set(model.variables)
    assert model.rebased == {}


def test_the_repr_fits_on_two_lines_and_carries_the_caveat(model: Model) -> None:
    assert re.fullmatch(
        r"<thighdx\.Model posterior_thigh \S+ \([0-9a-f]{12}\): 49 causes, 208 variables, "
        r"1,225 explanations of up to 2 causes; not reviewed by clinicians>",
        repr(model),
    )


def test_an_unknown_model_is_named_with_the_shipped_ones() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no shipped model 'posterior_thig'; did you mean 'posterior_thigh'\?"
    ):
        thighdx.load_model("posterior_thig")
    with pytest.raises(UnknownNameError, match=r"no shipped model '\.\./data'; shipped: posterior_thigh"):
        thighdx.load_model("../data")


def test_a_folder_of_ones_own_is_read(tmp_path: Path) -> None:
    folder = kb_builder.write_model(tmp_path / "mine")
    model = thighdx.read_model(str(folder))
    assert model.name == "small"
    assert list(model.causes) == ["strain", "nerve", "clot", "other_cause"]
    assert not (folder / "compiled.bin").exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="no such folder"):
        thighdx.read_model(tmp_path / "nowhere")


def test_a_broken_folder_reports_unreadable_cells_and_wrong_names_at_once(folder: Path) -> None:
    row = kb_builder.append(folder, "links.csv", "strain,tinglng,present,review,a,0.2,0.3,,2026-01-31,desk,")
    with pytest.raises(KnowledgeBaseError, match="2 problems") as caught:
        thighdx.read_model(folder)
    assert [str(problem) for problem in caught.value.problems] == [
        f"links.csv row {row}, q05: got 'a', expected a number",
        f"links.csv row {row}, variable: got 'tinglng', expected the id of a finding or test; "
        "did you mean 'tingling'?",
    ]


def test_a_cell_at_fault_is_reported_once(folder: Path) -> None:
    row = kb_builder.edit(folder, "links.csv", "present,panel,0.6,0.7,0.8", "present,panel,0.6,0.7,1.3")
    with pytest.raises(KnowledgeBaseError, match="1 problem") as caught:
        thighdx.read_model(folder)
    expected = "q95: got 1.3, expected a frequency in (0, 1); did you mean 0.013 (per cent)?"
    assert [str(problem) for problem in caught.value.problems] == [f"links.csv row {row}, {expected}"]


def test_another_number_of_causes_at_once_keeps_the_shares(small_model: Model, tmp_path: Path) -> None:
    three = thighdx.read_model(kb_builder.write_model(tmp_path / "m"), max_causes=3)
    assert three.max_causes == 3
    assert three.diagnose({}).prior.to_dict() == pytest.approx(
        small_model.diagnose({}).prior.to_dict(), abs=floats.MARGIN
    )
    assert len(three.diagnose({}).explanations(100)) == 4 + 6 + 4


@pytest.mark.parametrize(
    ("max_causes", "message"),
    [
        (1, r"with max_causes=1: .*\n.*expected more than 1 and less than max_causes = 1"),
        (0, r"model\.yaml, max_causes: got 0, expected 1 to 4 \(the number of causes\)"),
        (5, r"model\.yaml, max_causes: got 5, expected 1 to 4 \(the number of causes\)"),
    ],
)
def test_a_number_of_causes_that_cannot_be_is_refused(folder: Path, max_causes: int, message: str) -> None:
    with pytest.raises(KnowledgeBaseError, match=message):
        thighdx.read_model(folder, max_causes=max_causes)


def test_too_many_explanations_are_refused_before_any_work() -> None:
    with pytest.raises(
        KnowledgeBaseError, match=r"4 of 49 causes make 231,\d+ explanations, expected at most 200,000"
    ):
        thighdx.load_model(max_causes=4)


# ---- tracing, templates, checking -------------------------------------------------------------------


def test_a_trace_leads_from_a_cause_to_every_judgement_and_source(model: Model) -> None:
    frame = model.trace("hamstring_strain")
    assert list(frame.columns) == [
        "table",
        "key",
        "point",
        "q05",
        "q95",
        "experts",
        "corrected_by",
        "file_rows",
        "sources",
        "citations",
        "notes",
    ]
    assert set(frame["table"]) == {"shares", "effects", "links"}
    share = frame[frame["key"] == "hamstring_strain|primary_care"].iloc[0]
    assert share["point"] == pytest.approx(model.diagnose({}).prior["hamstring_strain"], abs=1e-9)
    assert (frame["q05"] <= frame["point"]).all()
    assert (frame["point"] <= frame["q95"]).all()
    assert (frame["sources"] != "").all()
    assert (frame["citations"] != "").all()
    assert (frame["experts"] >= 1).all()
    named = model.compiled.kb.judgements
    for table, key, rows in frame[["table", "key", "file_rows"]].itertuples(index=False):
        expected = [str(j.row) for j in named if j.table == table and "|".join(j.key) == key]
        assert sorted(rows.split(";")) == sorted(expected)


def test_rare_and_common_causes_can_be_traced(model: Model) -> None:
    for cause in list(model.causes)[::5]:  # a fifth of a second each
        assert len(model.trace(cause)) > len(model.settings)


def test_an_unknown_cause_cannot_be_traced(model: Model) -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown cause 'hamstring_strane'; did you mean 'hamstring_strain'\?"
    ):
        model.trace("hamstring_strane")


def test_the_evidence_template_is_one_unknown_patient_ready_to_be_scored(model: Model) -> None:
    template = model.template()
    assert list(template.columns) == list(model.variables)
    assert len(template) == 1
    assert template.isna().all(axis=None)
    assert list(template["onset"].cat.categories) == ["gradual", "subacute", "sudden"]
    scored = model.score(template)
    assert scored["status"].tolist() == ["ok"]
    assert scored[list(model.causes)].iloc[0].to_dict() == pytest.approx(
        model.diagnose({}).posterior.to_dict(), abs=1e-12
    )


@pytest.mark.parametrize(
    "table", ["shares", "frequencies", "effects", "links", "backgrounds", "dependencies"]
)
def test_a_judgement_template_has_the_keys_and_the_columns_of_the_table(model: Model, table: str) -> None:
    template = model.template(table)
    header = (Path(thighdx.model.model_path("posterior_thigh")) / f"{table}.csv").read_text(encoding="utf-8")
    assert list(template.columns) == header.splitlines()[0].split(",")
    keys = template.iloc[:, : list(template.columns).index("expert")]
    expected = {j.key for j in model.compiled.kb.judgements if j.table == table}
    assert {tuple(row) for row in keys.itertuples(index=False)} >= expected
    assert not keys.duplicated().any()
    assert (template[["expert", "q05", "q50", "q95", "date", "sources"]] == "").all(axis=None)


def test_an_unknown_template_is_refused(model: Model) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown table 'link'; did you mean 'links'\?"):
        model.template("link")
    with pytest.raises(
        UnknownNameError, match="expected one of evidence, shares, frequencies, effects, links"
    ):
        model.template("zzz")


def test_checking_a_sound_model_finds_nothing(small_model: Model) -> None:
    assert small_model.check() == ()


def test_checking_finds_what_was_not_there_when_the_model_was_made(small_model: Model) -> None:
    compiled = small_model.compiled
    spec = compiled.spec
    damaged = dataclasses.replace(
        compiled, kb=dataclasses.replace(compiled.kb, judgements=compiled.kb.judgements[1:])
    )
    assert spec is damaged.spec
    assert [str(problem) for problem in Model(damaged).check()] == [
        "shares.csv, setting: strain has no share in clinic"
    ]


# ---- sharing ----------------------------------------------------------------------------------------


def test_a_model_cannot_be_changed(model: Model) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'network'"):
        model.network = None  # type: ignore[misc,assignment]  # on purpose
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.causes["x"] = None  # type: ignore[index]  # on purpose
    with pytest.raises(TypeError, match="does not support item assignment"):
        model.groups["x"] = ()  # type: ignore[index]  # on purpose


def test_a_pickled_model_gives_the_same_answers(model: Model) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again.digest == model.digest
    assert again.diagnose(CASE).to_dict() == model.diagnose(CASE).to_dict()


def test_eight_threads_that_share_a_model_get_the_answers_of_one() -> None:
    cases = [
        ({"onset": onset, "bruising": bruising, "age": age}, setting)
        for onset in ("sudden", "gradual")
        for bruising in (True, False)
        for age in (25, 45, 70)
        for setting in ("self_report", "emergency_department")
    ]
    fresh = thighdx.load_model()  # its tables are made by whichever thread comes first

    def answer(case: tuple[dict, str]) -> tuple[object, ...]:
        result = fresh.diagnose(case[0], setting=case[1])
        unknown = result.probabilities("leg_swelling").to_dict()
        return result.posterior.to_dict(), result.log_evidence, result.explanations(5), unknown

    with ThreadPoolExecutor(8) as pool:
        shared = list(pool.map(answer, cases * 4))
    assert shared == [answer(case) for case in cases] * 4
