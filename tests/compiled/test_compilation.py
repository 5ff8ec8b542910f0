"""The compiled file, and that the solved network gives back what was elicited."""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import floats
import kb_builder
import thighdx
from thighdx import packed
from thighdx.compiled import stored as compiled_file
from thighdx.compiled.compilation import (
    check_compiled,
    compare_compiled,
    compile_model,
    recompile_for,
    save_model,
)
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.stored import load_compiled, write_compiled
from thighdx.errors import CompiledFileWarning, KnowledgeBaseError
from thighdx.kb.resources import model_path, shipped_models
from thighdx.model import Model
from thighdx.network.tables import setting_tables

TESTS = Path(__file__).parents[1]
FOLDERS = sorted(
    {*(file.parent for file in (TESTS / "models").glob("*/model.yaml")), *map(model_path, shipped_models())}
)


@pytest.fixture(scope="module")
def fresh() -> CompiledModel:
    """The shipped tables, read, fitted and solved here and now."""
    return compile_model(model_path("posterior_thigh"))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- the shipped file -------------------------------------------------------------------------------


def test_the_shipped_compiled_file_belongs_to_the_shipped_tables(fresh: CompiledModel) -> None:
    plain, _ = packed.unpack((model_path("posterior_thigh") / "compiled.bin").read_bytes())
    found = plain["tables"], plain["code"]
    assert found == (fresh.kb.digest, compiled_file.code_digest()), (
        "run: thighdx model build models/posterior_thigh"
    )


def test_the_shipped_compiled_file_holds_what_a_fresh_build_gives(fresh: CompiledModel) -> None:
    shipped = load_compiled(model_path("posterior_thigh"))
    assert shipped is not None, "run: thighdx model build models/posterior_thigh"
    assert set(shipped.pooled) == set(fresh.pooled)
    for key, item in fresh.pooled.items():
        stored = shipped.pooled[key]
        assert stored.point == pytest.approx(item.point, rel=floats.FITTED_TWICE, abs=0), key
        assert stored.rows == item.rows
        assert stored.corrected_by == item.corrected_by
        assert len(stored.experts) == len(item.experts)
        for old, new in zip(stored.experts, item.experts, strict=True):
            assert (old.expert, old.is_filled) == (new.expert, new.is_filled)
            assert old.distribution.family == new.distribution.family
            assert old.distribution.params == pytest.approx(
                new.distribution.params, rel=floats.FITTED_TWICE, abs=floats.FITTED_TWICE
            )
    logs = [(shipped.solved.theta, fresh.solved.theta)]
    for old_setting, new_setting in zip(shipped.solved.factors, fresh.solved.factors, strict=True):
        logs += zip(old_setting, new_setting, strict=True)
    for old, new in logs:
        assert old == pytest.approx(new, rel=floats.FITTED_TWICE, abs=floats.FITTED_TWICE)


def test_every_fitted_parameter_is_a_finite_number(fresh: CompiledModel) -> None:
    assert np.isfinite(fresh.solved.theta).all()
    for item in fresh.pooled.values():
        assert math.isfinite(item.point)
        assert all(math.isfinite(value) for belief in item.experts for value in belief.distribution.params)


# ---- prior marginals equal the elicited medians ------------------------------------------------------


def test_shares_of_the_network_are_the_elicited_medians_in_every_setting(model: Model) -> None:
    points = {key: item.point for (table, key), item in model.compiled.pooled.items() if table == "shares"}
    assert len(points) == 49 * 5
    for row, setting in enumerate(model.settings):
        prior = np.exp(model.network.log_prior(row))
        assert prior.sum() == pytest.approx(1, abs=floats.SUMS_TO_ONE)
        shares = dict(zip(model.causes, prior @ model.network.membership, strict=True))
        assert shares == pytest.approx(
            {cause: points[cause, setting] for cause in model.causes}, rel=0, abs=1e-9
        )


def test_frequencies_of_every_context_and_pathology_are_the_elicited_medians_in_every_setting(
    model: Model,
) -> None:
    points = {k: item.point for (table, k), item in model.compiled.pooled.items() if table == "frequencies"}
    seen = set()
    for row, setting in enumerate(model.settings):
        tables = setting_tables(model.network, row)
        prior = np.exp(tables.log_prior)
        margins: dict[tuple[str, str], float] = {}
        for v, context in enumerate(model.network.spec.contexts):
            first = tables.row_offset[v]
            if first >= 0:
                found = np.exp(tables.rows[first : first + len(context.states)]) @ prior
                margins |= {(context.id, s): float(p) for s, p in zip(context.states, found, strict=True)}
        for joint in tables.joints:
            cell = joint.probability @ prior
            for member, v in enumerate(joint.variable_idx):
                context = model.network.spec.contexts[v]
                for s, state in enumerate(context.states):
                    margins[context.id, state] = float(cell[joint.cells[:, member] == s].sum())
        assert len({name for name, _ in margins}) == 49
        for (name, state), value in margins.items():
            if (name, state, setting) in points:
                assert value == pytest.approx(points[name, state, setting], rel=0, abs=1e-9), (
                    name,
                    state,
                    setting,
                )
                seen.add((name, state, setting))
    assert seen == set(points)


def test_the_demographic_block_leaves_out_exactly_the_impossible(model: Model) -> None:
    (joint,) = setting_tables(model.network, 1).joints
    names = [model.network.variable_ids[v] for v in joint.variable_idx]
    assert set(names) == {"age_band", "sex", "pregnancy", "postpartum", "estrogen_therapy"}
    members = [model.variables[name] for name in names]
    kept = {tuple(v.states[s] for v, s in zip(members, cell, strict=True)) for cell in joint.cells.tolist()}

    def is_possible(cell: dict[str, str]) -> bool:
        pregnant, after_birth = cell["pregnancy"] != "none", cell["postpartum"] == "present"
        old, male = cell["age_band"] in ("65-79", "80+"), cell["sex"] == "male"
        return not ((pregnant or after_birth) and (old or male)) and not (pregnant and after_birth)

    every = itertools.product(*(v.states for v in members))
    assert kept == {cell for cell in every if is_possible(dict(zip(names, cell, strict=True)))}


def test_one_cause_alone_reproduces_its_elicited_row_also_below_the_background(model: Model) -> None:
    points = model.compiled.pooled
    below = 0
    for (table, key), item in points.items():
        if table != "links":
            continue
        cause, name, state = key
        finding = model.variables[name]
        position = list(model.causes).index(cause)  # single causes come first among the explanations
        v = model.network.variable_ids.index(name)
        start = model.network.state_offset[v] + finding.states.index(state)
        rows = np.exp(
            model.network.finding_rows[start : model.network.state_offset[v] + len(finding.states), position]
        )
        assert rows.sum() == pytest.approx(item.point, rel=1e-9, abs=1e-15), key
        below += item.point < points["backgrounds", (name, state)].point
    assert below > 100


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_model_that_comes_along_loads_checks_and_compiles(folder: Path, fresh: CompiledModel) -> None:
    compiled = fresh if folder == model_path("posterior_thigh") else compile_model(folder)
    assert check_compiled(compiled) == []
    result = Model(compiled).diagnose({})
    assert result.posterior.between(0, 1).all()


# ---- loading, and what makes a compiled file useless ---------------------------------------------------


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
    kb_builder.edit(
        folder,
        "links.csv",
        "strain,bruising,present,panel,0.3,0.4,0.5",
        "strain,bruising,present,panel,0.7,0.8,0.9",
    )
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


# ---- what the numbers add up to ----------------------------------------------------------------------


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(KnowledgeBaseError, match="problem") as caught:
        compile_model(folder)
    return [str(problem) for problem in caught.value.problems]


def test_what_cannot_be_read_is_reported_before_what_follows_from_it(folder: Path) -> None:
    kb_builder.edit(folder, "shares.csv", "cause,setting,expert", "cause,seting,expert")
    found = problems_of(folder)
    assert found[0] == "shares.csv row 1, seting: unknown column; did you mean 'setting'?"
    assert "shares.csv, setting: strain has no share in clinic" in found[2:]


def test_names_and_statements_are_checked_in_the_same_pass(folder: Path) -> None:
    row = kb_builder.append(folder, "links.csv", "strain,tingling,present,review,,,,often,2026-01-31,desk,")
    kb_builder.append(folder, "groups.csv", "serious,Serious,colt,")
    found = problems_of(folder)
    assert found[0].startswith("groups.csv row 4, cause: got 'colt'")
    assert found[1].startswith(f"links.csv row {row}, statement: got statement 'often', expected a form like")


def test_shares_that_sum_to_one_or_less_cannot_be_reproduced(folder: Path) -> None:
    kb_builder.edit(
        folder, "shares.csv", "strain,clinic,panel,0.4,0.5,0.6", "strain,clinic,panel,0.1,0.2,0.3"
    )
    (line,) = problems_of(folder)
    assert line.startswith("shares.csv, q50: shares in clinic sum to 0.8")
    assert line.endswith(
        "expected more than 1 and less than max_causes = 2; every patient has at least one cause, listed or not"
    )


def test_shares_that_sum_to_more_than_max_causes_cannot_be_reproduced(folder: Path) -> None:
    for cause, old in (("strain", "0.2,0.3,0.4"), ("nerve", "0.3,0.4,0.5"), ("other_cause", "0.2,0.3,0.4")):
        kb_builder.edit(
            folder, "shares.csv", f"{cause},hospital,panel,{old}", f"{cause},hospital,panel,0.7,0.8,0.9"
        )
    (line,) = problems_of(folder)
    assert line.startswith("shares.csv, q50: shares in hospital sum to 2.5")


def test_a_share_of_never_is_refused(folder: Path) -> None:
    kb_builder.append(folder, "shares.csv", "clot,clinic,review,,,,never,2026-01-31,desk,not here")
    assert problems_of(folder) == [
        (
            "shares.csv, statement: clot never occurs in clinic, expected a frequency above 0; give a "
            "very small one"
        )
    ]


def test_frequencies_that_leave_nothing_for_the_last_state_are_refused(folder: Path) -> None:
    kb_builder.edit(
        folder,
        "frequencies.csv",
        "age_band,65+,clinic,panel,0.2,0.25,0.3",
        "age_band,65+,clinic,panel,0.7,0.8,0.9",
    )
    (line,) = problems_of(folder)
    assert line.startswith("frequencies.csv, q50: age_band in clinic: frequencies sum to 1.1")
    assert line.endswith("expected at most 1")


def test_a_frequency_that_gates_make_impossible_is_refused(folder: Path) -> None:
    kb_builder.append(
        folder, "effects.csv", "pregnancy,no,clot,review,,,,never,2026-01-31,desk,only when pregnant"
    )
    (line,) = problems_of(folder)  # clots in hospital (15 %) would all be pregnant, but only 2 % are
    assert line.startswith(
        "frequencies.csv, setting: no parameters reproduce age_band, pregnancy in hospital"
    )
    assert line.endswith("compare them with odds ratios of `never` or far from 1 and with the dependencies")


def test_gates_that_close_every_state_are_refused(folder: Path) -> None:
    for state in ("no", "yes"):
        kb_builder.append(
            folder, "effects.csv", f"pregnancy,{state},nerve,review,,,,never,2026-01-31,desk,closed"
        )
    found = problems_of(folder)
    assert [line.split(" (")[0] for line in found] == [
        "frequencies.csv, setting: no parameters reproduce age_band, pregnancy in clinic",
        "frequencies.csv, setting: no parameters reproduce age_band, pregnancy in hospital",
    ]


def test_dependencies_that_exclude_everything_are_refused(folder: Path) -> None:
    for age, pregnancy in itertools.product(["18-39", "40-64", "65+"], ["no", "yes"]):
        if (age, pregnancy) != ("65+", "yes"):
            line = f"age_band,{age},pregnancy,{pregnancy},panel,,,,never,2026-01-31,desk,closed"
            kb_builder.append(folder, "dependencies.csv", line)
    assert problems_of(folder) == [
        (
            "dependencies.csv: block of age_band, pregnancy: no joint state is possible; tie fewer "
            "contexts to one another"
        )
    ]


def test_a_background_of_never_is_refused(folder: Path) -> None:
    kb_builder.append(
        folder, "backgrounds.csv", "tingling,present,review,,,,never,2026-01-31,desk,never alone"
    )
    (line,) = problems_of(folder)
    assert line.startswith(
        "backgrounds.csv, statement: tingling: got a background of 0, expected a frequency above 0"
    )


def test_backgrounds_that_rise_with_the_state_are_refused(folder: Path) -> None:
    kb_builder.edit(
        folder, "backgrounds.csv", "pain,severe,panel,0.02,0.05,0.09", "pain,severe,panel,0.5,0.6,0.7"
    )
    (line,) = problems_of(folder)
    assert line.startswith("backgrounds.csv, q50: pain: backgrounds [0.29")
    assert line.endswith("rise with the state; a row says 'in this state or a higher one'")


def test_a_row_whose_higher_state_is_likelier_is_named_with_its_cause(folder: Path) -> None:
    kb_builder.edit(
        folder, "links.csv", "nerve,pain,severe,panel,0.1,0.2,0.3", "nerve,pain,severe,panel,0.85,0.9,0.95"
    )
    found = problems_of(folder)
    assert found[0].startswith("links.csv, q50: pain: with nerve")
    assert "severe or higher is 0." in found[0]
    assert found[0].endswith("bring the cumulative rows into order")


def test_rows_that_only_cross_when_two_causes_meet_are_found(folder: Path) -> None:
    # Each row alone falls with the state. Together: mild is kept down by both (rows below its background of
    # 0.3: 0.3 x 0.2/0.3 x 0.2/0.3 = 0.133), severe is pushed up by both (1 - 0.95 (0.81/0.95)^2 = 0.31).
    for cause, mild, severe in (
        ("strain", "0.85,0.9,0.95", "0.2,0.3,0.4"),
        ("nerve", "0.75,0.8,0.85", "0.1,0.2,0.3"),
    ):
        kb_builder.edit(
            folder, "links.csv", f"{cause},pain,mild,panel,{mild}", f"{cause},pain,mild,panel,0.19,0.2,0.21"
        )
        kb_builder.edit(
            folder,
            "links.csv",
            f"{cause},pain,severe,panel,{severe}",
            f"{cause},pain,severe,panel,0.18,0.19,0.2",
        )
    (line,) = problems_of(folder)
    assert line.startswith("links.csv, q50: pain: with strain, nerve, severe or higher is 0.1")


def test_too_many_explanations_are_a_problem_of_the_manifest(folder: Path) -> None:
    rows = {"variables": [], "shares": [], "links": []}  # type: dict[str, list[str]]
    for k in range(60):
        rows["variables"].append(f"extra_{k},cause,Extra,absent|present,,,,,")
        for setting in ("clinic", "hospital"):
            rows["shares"].append(f"extra_{k},{setting},panel,0.0001,0.0002,0.0003,,2026-01-31,desk,")
        rows["links"].append(f"extra_{k},bruising,present,panel,0.1,0.2,0.3,,2026-01-31,desk,")
    for table, lines in rows.items():
        kb_builder.append(folder, f"{table}.csv", "\n".join(lines))
    kb_builder.edit(folder, "model.yaml", "max_causes: 2", "max_causes: 4")
    (line,) = problems_of(folder)
    assert line.startswith(
        "model.yaml, max_causes: 4 of 64 causes make 679,120 explanations, expected at most 200,000"
    )


def test_causes_that_never_meet_never_meet(folder: Path) -> None:
    kb_builder.append(
        folder, "effects.csv", "strain,present,nerve,review,,,,never,2026-01-31,desk,by definition"
    )
    model = thighdx.read_model(folder)
    assert model.diagnose({"strain": True}).posterior["nerve"] == 0
    prior = model.diagnose({}).prior.to_dict()
    assert prior == pytest.approx(
        thighdx.read_model(kb_builder.write_model(folder)).diagnose({}).prior.to_dict(), abs=1e-9
    )


# ---- saving -------------------------------------------------------------------------------------------


def test_a_saved_model_is_the_same_model(small_model: Model, tmp_path: Path) -> None:
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
