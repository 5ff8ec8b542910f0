"""Two versions of a model side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

import floats
import kb_builder
import thighdx
from thighdx.compiled.case_difference import ComparedCase
from thighdx.compiled.difference import ModelDifference, diff_models

CASES = (
    ComparedCase("bruise", {"bruising": True, "pain": "severe"}),
    ComparedCase("tingling", {"tingling": True}, setting="hospital"),
    ComparedCase("nothing", {}),
)


def compare(
    old: thighdx.Model, folder: Path, cases: tuple[ComparedCase, ...] = CASES
) -> tuple[ModelDifference, thighdx.Model]:
    new = thighdx.read_model(folder)
    return diff_models(old.compiled, new.compiled, cases), new


def test_a_model_does_not_differ_from_itself(small_model: thighdx.Model, folder: Path) -> None:
    found, _ = compare(small_model, folder)
    assert found.is_empty
    assert (found.changed, found.added, found.removed, found.reworded, found.files) == ((),) * 5
    assert [case.largest for case in found.cases] == [0.0, 0.0, 0.0]
    assert "no judgement differs" in repr(found)
    assert found.to_frame().empty


def test_a_changed_judgement_is_shown_with_old_and_new_quantiles(
    small_model: thighdx.Model, folder: Path
) -> None:
    kb_builder.judge(folder, "links", "strain,bruising,present", "0.7,0.8,0.9")
    found, new = compare(small_model, folder)
    assert [(item.table, item.key) for item in found.changed] == [
        ("links", ("strain", "bruising", "present"))
    ]
    change = found.changed[0]
    assert change.old is not None
    assert change.new is not None
    key = ("links", ("strain", "bruising", "present"))
    assert change.old.point == small_model.compiled.pooled[key].point
    assert change.new.point == new.compiled.pooled[key].point
    assert change.old.quantiles == pytest.approx((0.3, 0.4, 0.5), rel=0.05)
    assert change.new.quantiles == pytest.approx((0.7, 0.8, 0.9), rel=0.05)
    assert found.files == ("links.csv",)
    frame = found.to_frame()
    assert frame.loc[0, "kind"] == "changed"
    assert frame.loc[0, "new_q95"] == change.new.quantiles[2]


def test_cases_move_as_both_models_say_and_the_largest_move_comes_first(
    small_model: thighdx.Model, folder: Path
) -> None:
    kb_builder.judge(folder, "links", "strain,bruising,present", "0.02,0.03,0.05")
    found, new = compare(small_model, folder)
    assert found.cases[0].id == "bruise"
    assert {case.id for case in found.cases[1:]} == {"tingling", "nothing"}  # neither moves: rounding decides
    before = small_model.diagnose(CASES[0].findings).posterior
    after = new.diagnose(CASES[0].findings).posterior
    case = found.cases[0]
    assert case.old_leader == before.drop("other_cause").index[0]
    assert case.new_leader == after.drop("other_cause").index[0]
    assert {move.cause for move in case.moves} == set(before.index)
    changes = [abs(move.new - move.old) for move in case.moves]
    assert changes == sorted(changes, reverse=True)
    ranked = after.drop("other_cause").index.tolist()
    for move in case.moves:
        assert move.old == pytest.approx(before[move.cause], rel=floats.SAME_BASE)
        assert move.new == pytest.approx(after[move.cause], rel=floats.SAME_BASE)
        assert move.new_rank == (ranked.index(move.cause) + 1 if move.cause != "other_cause" else None)
    assert found.cases[1].largest == pytest.approx(0, abs=floats.SUMS_TO_ONE)
    assert repr(found).splitlines()[-2].startswith("case bruise: strain 95.8% -> 63.0%, ")
    assert repr(found).endswith("\n2 of 3 cases do not move by 0.05% or more")


def test_added_and_removed_judgements_are_listed(small_model: thighdx.Model, folder: Path) -> None:
    kb_builder.append(folder, "links.csv", "clot,pain,mild,panel,0.6,0.7,0.8,,2026-01-31,desk,")
    kb_builder.remove(folder, "effects.csv", "disc_lesion,present,nerve")
    found, _ = compare(small_model, folder, ())
    assert [item.key for item in found.added] == [("clot", "pain", "mild")]
    assert found.added[0].old is None
    assert [item.key for item in found.removed] == [("disc_lesion", "present", "nerve")]
    assert found.removed[0].new is None
    assert found.cases == ()
    kinds = found.to_frame()["kind"].tolist()
    assert kinds == ["added", "removed"]


def test_other_words_with_the_same_numbers_are_no_change(small_model: thighdx.Model, folder: Path) -> None:
    kb_builder.edit(
        folder,
        "links.csv",
        "clot,d_dimer,positive,panel,0.9,0.95,0.98,,2026-01-31,desk,",
        "clot,d_dimer,positive,panel,0.9,0.95,0.98,,2026-01-31,desk;K1,read again",
    )
    found, _ = compare(small_model, folder)
    assert found.is_empty
    assert found.reworded == (("links", ("clot", "d_dimer", "positive")),)
    assert "1 judgement with the same numbers" in repr(found)


def test_a_case_that_one_model_cannot_score_says_why(small_model: thighdx.Model, folder: Path) -> None:
    for file in ("variables.csv", "backgrounds.csv"):
        kb_builder.remove(folder, file, "bruising,")
    kb_builder.remove(folder, "links.csv", "strain,bruising")
    kb_builder.remove(folder, "question_lists.csv", "seen,What is to be seen?,bruising")
    kb_builder.edit(folder, "notices.csv", "bruising=present", "tingling=present")
    kb_builder.edit(folder, "management.csv", "bruising=present", "tingling=absent")
    cases = (*CASES, ComparedCase("never", {"age_band": "65+", "pregnancy": "yes"}))
    found, _ = compare(small_model, folder, cases)
    by_id = {case.id: case for case in found.cases}
    assert "new model: unknown finding 'bruising'" in by_id["bruise"].problem
    assert by_id["bruise"].old_leader == "strain"
    assert by_id["bruise"].new_leader == ""
    assert "old model: the evidence is impossible" in by_id["never"].problem
    assert by_id["tingling"].problem == ""
    assert [bool(case.problem) for case in found.cases] == [False, False, True, True]
    assert found.notes == ("variables gone: bruising (absent|present)",)


def test_a_replaced_share_is_a_difference_though_no_judgement_changed(small_model: thighdx.Model) -> None:
    other = small_model.rebase({"clot": 0.2}, setting="clinic")
    found = diff_models(small_model.compiled, other.compiled, CASES)
    assert not found.is_empty
    assert found.changed == ()
    assert found.notes == ("replaced share of clot in clinic: elicited -> 0.2",)
    assert {case.id: case.largest > floats.SUMS_TO_ONE for case in found.cases} == {
        "bruise": True,
        "tingling": False,
        "nothing": True,
    }
    assert found.to_dict()["notes"] == list(found.notes)
