"""A saved model is the same model, and saving overwrites nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import thighdx
from thighdx.compiled.compilation import recompile_for, save_model
from thighdx.compiled.stored import load_compiled
from thighdx.model import Model


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_saved_model_is_the_same_model(small_model: Model, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    folder = small_model.save(tmp_path / "new" / "saved")
    assert folder == tmp_path / "new" / "saved"
    assert load_compiled(folder) is not None
    again = thighdx.read_model(folder)
    assert again.digest == small_model.digest
    case = {"bruising": True, "age": 70}
    assert again.diagnose(case).to_dict() == small_model.diagnose(case).to_dict()
    assert names_in(folder.parent) == ["saved"]


def test_a_saved_rebased_model_keeps_its_shares(small_model: Model, tmp_path: Path) -> None:
    rebased = small_model.rebase({"strain": 0.6, "clot": 1e-5}, setting="clinic")
    folder = rebased.save(tmp_path / "saved")
    assert load_compiled(folder) is not None
    again = thighdx.read_model(folder)
    assert again.rebased == {"clinic": {"strain": 0.6, "clot": 1e-5}}
    assert again.digest != small_model.digest
    case = {"bruising": True}
    assert again.diagnose(case).posterior.equals(rebased.diagnose(case).posterior)
    assert again.diagnose({}).prior["strain"] == pytest.approx(0.6, abs=1e-9)
    (folder / "compiled.bin").unlink()
    solved_again = thighdx.read_model(folder)
    assert solved_again.diagnose(case).posterior.to_dict() == pytest.approx(
        rebased.diagnose(case).posterior.to_dict(), abs=1e-9
    )
    assert solved_again.check() == ()


def test_a_saved_model_keeps_its_number_of_causes_at_once(folder: Path, tmp_path: Path) -> None:
    three = thighdx.read_model(folder, max_causes=3)
    again = thighdx.read_model(three.save(tmp_path / "saved"))
    assert again.max_causes == 3
    case = {"bruising": True, "tingling": True}
    assert again.diagnose(case).posterior.equals(three.diagnose(case).posterior)
    assert again.diagnose({}).prior.to_dict() == pytest.approx(three.diagnose({}).prior.to_dict(), abs=1e-12)


def test_a_rebased_model_can_be_solved_for_another_number_of_causes(small_model: Model) -> None:
    rebased = small_model.rebase({"strain": 0.6}, setting="clinic")
    three = Model(recompile_for(rebased.compiled, 3))
    assert three.diagnose({}).prior["strain"] == pytest.approx(0.6, abs=1e-9)
    assert recompile_for(rebased.compiled, 2) is rebased.compiled


def test_nothing_is_overwritten_by_saving(small_model: Model, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(
        FileExistsError, match="taken: exists and is not an empty folder; choose another path"
    ):
        small_model.save(tmp_path / "taken")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="file: exists and is not an empty folder"):
        small_model.save(tmp_path / "file")
    assert (tmp_path / "taken" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_no_folder_is_made_for_the_folder_of_a_model(small_model: Model, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"b: no such folder .*a; create it first"):
        small_model.save(tmp_path / "a" / "b")
    assert names_in(tmp_path) == []


def test_saving_into_an_empty_folder_is_fine(small_model: Model, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert load_compiled(small_model.save(tmp_path / "empty")) is not None


def test_a_save_that_fails_leaves_nothing_behind(
    small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        save_model(small_model.compiled, tmp_path / "saved")
    assert names_in(tmp_path) == []
