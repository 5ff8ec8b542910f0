"""The compiled file: what was written is loaded, and what makes it useless is noticed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kb_builder
import thighdx
from thighdx import packed
from thighdx.compiled import stored as compiled_file
from thighdx.compiled.compilation import compare_compiled, compile_model, write_compiled
from thighdx.compiled.stored import load_compiled
from thighdx.errors import CompiledFileWarning, KnowledgeBaseError
from thighdx.model import Model


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_loaded_to_the_last_digit(folder: Path) -> None:
    compiled = compile_model(folder)
    assert write_compiled(compiled, folder) == folder / "compiled.bin"
    loaded = load_compiled(folder)
    assert loaded is not None
    assert loaded.solved.theta.tolist() == compiled.solved.theta.tolist()
    for old, new in zip(loaded.solved.factors, compiled.solved.factors, strict=True):
        assert [factor.tolist() for factor in old] == [factor.tolist() for factor in new]
    assert {k: i.point for k, i in loaded.pooled.items()} == {k: i.point for k, i in compiled.pooled.items()}
    case = {"bruising": True, "age": 70, "pain": "severe"}
    assert Model(loaded).diagnose(case).to_dict() == Model(compiled).diagnose(case).to_dict()


def test_two_builds_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_compiled(compile_model(folder), folder)
    first = (folder / "compiled.bin").read_bytes()
    again = kb_builder.write_model(tmp_path / "again")
    write_compiled(compile_model(again), again)
    assert (again / "compiled.bin").read_bytes() == first


def test_an_impossible_state_survives_the_round_trip(folder: Path) -> None:
    kb_builder.append(
        folder, "frequencies.csv", "pregnancy,yes,clinic,review,,,,never,2026-01-31,desk,none here"
    )
    write_compiled(compile_model(folder), folder)
    model = thighdx.read_model(folder)
    assert model.diagnose({}, setting="clinic").probabilities("pregnancy")["yes"] == 0
    assert model.diagnose({}, setting="hospital").probabilities("pregnancy")["yes"] > 0


def test_edited_tables_make_the_compiled_file_stale_and_are_compiled_in_memory(folder: Path) -> None:
    write_compiled(compile_model(folder), folder)
    written = (folder / "compiled.bin").read_bytes()
    before = thighdx.read_model(folder).diagnose({"bruising": True})
    kb_builder.judge(folder, "links", "strain,bruising,present", "0.7,0.8,0.9")
    with pytest.warns(
        CompiledFileWarning, match="was made from other tables: fitted again in memory, at every"
    ) as said:
        after = thighdx.read_model(folder).diagnose({"bruising": True})
    assert str(said[0].message).endswith(f"run thighdx model build {folder}")
    assert after.posterior["strain"] > before.posterior["strain"]
    assert (folder / "compiled.bin").read_bytes() == written


def test_a_file_made_by_other_code_is_made_again_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_compiled(compile_model(folder), folder)
    monkeypatch.setattr(compiled_file, "code_digest", lambda: "another")
    with pytest.warns(CompiledFileWarning, match="was made by another version of thighdx: fitted again"):
        assert load_compiled(folder) is None


def test_a_file_is_believed_where_the_source_of_thighdx_is_not_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_compiled(compile_model(folder), folder)
    monkeypatch.setattr(compiled_file, "code_digest", lambda: "")
    assert load_compiled(folder) is not None


def test_the_digest_of_the_code_covers_everything_that_fits_and_solves() -> None:
    package = Path(thighdx.__file__).parent
    made_by = set(compiled_file._MADE_BY)
    assert all((package / name).is_file() for name in made_by)
    for folder, others in (
        ("elicitation", {"__init__", "report"}),
        # what findings are given the causes is worked out at loading, as is what is read off a network
        ("network", {"__init__", "gates", "groups", "interchange", "profile", "spec", "tables"}),
    ):
        files = {
            f"{folder}/{file.name}" for file in (package / folder).glob("*.py") if file.stem not in others
        }
        assert files <= made_by


def test_the_line_endings_of_a_table_make_no_compiled_file_stale(folder: Path) -> None:
    write_compiled(compile_model(folder), folder)
    links = folder / "links.csv"
    links.write_bytes(links.read_bytes().replace(b"\n", b"\r\n"))
    assert load_compiled(folder) is not None


def swap(content: bytes, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> bytes:
    """The same file with something changed and a checksum that fits."""
    plain, arrays = packed.unpack(content)
    change(plain, arrays)
    return packed.pack(plain, arrays)


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "in the first line"),
    "cut short": (lambda content: content[: len(content) // 2], "checksum does not fit"),
    "a bit turned": (
        lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        "checksum does not fit",
    ),
    "a letter turned": (lambda content: content.replace(b"strain", b"strian", 1), "checksum does not fit"),
    "the old format": (lambda _: b'{"format": 1}\n', "in the first line"),
    "something else": (lambda _: b"\xff\xfe\x00", "in the first line"),
    "a number that is infinite": (
        lambda content: swap(content, lambda _, arrays: arrays["theta"].__setitem__((0, 0), np.inf)),
        "theta is not finite",
    ),
    "three added to one number": (
        lambda content: swap(
            content, lambda _, arrays: arrays["theta"].__setitem__((0, 0), arrays["theta"][0, 0] + 3)
        ),
        "the solved prior misses the share of ",
    ),
    "another share": (
        lambda content: swap(content, lambda _, arrays: arrays["shares"].__setitem__((1, 0), 0.25)),
        "the solved prior misses the share of ",
    ),
    "a share of 1": (
        lambda content: swap(content, lambda _, arrays: arrays["shares"].__setitem__((1, 0), 1.0)),
        "a share is outside",
    ),
    "frequencies that do not add up": (
        lambda content: swap(content, lambda _, arrays: arrays["frequency"].__setitem__((0, 0), 0.9)),
        "frequencies of age_band are not those of exclusive states",
    ),
    "a factor that is not a number": (
        lambda content: swap(content, lambda _, arrays: arrays["factor"].__setitem__((0, 0), np.nan)),
        "a factor of age_band is not a number",
    ),
    "an odds ratio below 0": (
        lambda content: swap(content, lambda _, arrays: arrays["odds_ratio"].__setitem__((0, 0), -1.0)),
        "an odds ratio of age_band is below 0",
    ),
    "a background of 0": (
        lambda content: swap(content, lambda _, arrays: arrays["background"].__setitem__(0, 0.0)),
        "a background of bruising is outside",
    ),
    "a frequency of a finding above 1": (
        lambda content: swap(content, lambda _, arrays: arrays["cumulative"].__setitem__((0, 0), 1.5)),
        "a frequency of bruising is outside",
    ),
    "a point value that is not a number": (
        lambda content: swap(content, lambda _, arrays: arrays["point"].__setitem__(0, np.nan)),
        "a point value is not finite",
    ),
    "a pair below 0": (
        lambda content: swap(content, lambda plain, _: plain["network"]["pairs"].append(["strain", "nerve"])),
        "zip",
    ),
    "an array missing": (lambda content: swap(content, lambda _, arrays: arrays.pop("theta")), "theta"),
    "a cause missing": (
        lambda content: swap(content, lambda plain, _: plain["network"]["causes"].pop()),
        r"numbers of shape \(2, 4\), expected float64 of \(2, 3\)",
    ),
    "no manifest": (lambda content: swap(content, lambda plain, _: plain.pop("manifest")), "manifest"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_compiled_file_is_refused_with_what_to_do(folder: Path, damage: str) -> None:
    file = write_compiled(compile_model(folder), folder)
    change, message = DAMAGES[damage]
    content = change(file.read_bytes())
    assert content != file.read_bytes()
    file.write_bytes(content)
    with pytest.raises(KnowledgeBaseError, match=message) as caught:
        thighdx.read_model(folder)
    (problem,) = caught.value.problems
    assert (problem.file, problem.message[:9]) == ("compiled.bin", "damaged: ")
    assert problem.hint.startswith(f"run thighdx model build {folder}")


def test_a_compiled_file_that_is_far_too_large_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_compiled(compile_model(folder), folder)
    monkeypatch.setattr(compiled_file, "MAX_COMPILED_BYTES", 1_000)
    with pytest.raises(KnowledgeBaseError, match=r"got \d+,\d+ bytes, expected at most 1,000"):
        load_compiled(folder)


def test_building_again_mends_a_damaged_file(folder: Path) -> None:
    compiled = compile_model(folder)
    good = write_compiled(compiled, folder).read_bytes()
    (folder / "compiled.bin").write_bytes(b"")
    assert write_compiled(compile_model(folder), folder).read_bytes() == good


def test_the_comparison_with_a_rebuild_finds_any_number(folder: Path) -> None:
    """Also where a file was made with care: a checksum that fits, priors that are right."""
    fresh = compile_model(folder)
    assert compare_compiled(fresh, compile_model(folder)) == []
    finding = fresh.spec.findings[0]
    changed = dataclasses.replace(finding, background=finding.background * 1.01)
    spec = dataclasses.replace(fresh.spec, findings=(changed, *fresh.spec.findings[1:]))
    (problem,) = compare_compiled(dataclasses.replace(fresh, spec=spec), fresh)
    assert str(problem) == "compiled.bin, background: is not what the tables make; run thighdx model build"
    spec = dataclasses.replace(fresh.spec, max_causes=3)
    assert [p.column for p in compare_compiled(dataclasses.replace(fresh, spec=spec), fresh)] == ["network"]


def test_writing_leaves_the_old_file_alone_when_it_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compile_model(folder)
    write_compiled(compiled, folder)
    before = (folder / "compiled.bin").read_bytes()
    files = names_in(folder)

    def fail(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        write_compiled(compiled, folder)
    assert (folder / "compiled.bin").read_bytes() == before
    assert names_in(folder) == files
