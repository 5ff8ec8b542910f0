"""The shipped cases: two files that say the same, every row of which can be read."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import thighdx
from thighdx.kb.records import LEVELS

LEADING = [
    "id",
    "source",
    "source_kind",
    "setting",
    "age",
    "true_cause",
    "acceptable",
    "urgency",
    "difficulty",
    "not_expressible",
    "note",
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with thighdx.data_path("published_cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def parquet() -> pa.Table:
    return pq.ParquetFile(thighdx.data_path("published_cases.parquet")).read()


def test_both_files_hold_the_same_cells(rows: list[dict[str, str]], parquet: pa.Table) -> None:
    assert list(rows[0]) == parquet.column_names
    as_text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in parquet.to_pylist()]
    assert as_text == rows


def test_the_parquet_file_has_whole_years_and_text(parquet: pa.Table) -> None:
    kinds = {field.name: field.type for field in parquet.schema}
    assert kinds.pop("age") == pa.int16()
    assert set(kinds.values()) == {pa.string()}


def test_the_recipe_of_the_readme_makes_the_parquet_file(tmp_path: Path, parquet: pa.Table) -> None:
    original = thighdx.data_path("published_cases.csv")
    (tmp_path / original.name).write_bytes(original.read_bytes())
    readme = (original.parent / "README.md").read_text(encoding="utf-8")
    recipe = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert recipe is not None
    subprocess.run([sys.executable, "-c", recipe[1]], cwd=tmp_path, check=True)
    assert pq.ParquetFile(tmp_path / "published_cases.parquet").read().equals(parquet)


def test_the_csv_is_utf8_with_lf_line_ends() -> None:
    content = thighdx.data_path("published_cases.csv").read_bytes()
    assert b"\r" not in content
    assert content.decode("utf-8").endswith("\n")


def test_columns_are_the_leading_ones_and_then_variables_in_their_order(
    model: thighdx.Model, rows: list[dict[str, str]]
) -> None:
    columns = list(rows[0])
    assert columns[: len(LEADING)] == LEADING
    known = {name for row in rows for name in columns[len(LEADING) :] if row[name]}
    assert columns[len(LEADING) :] == [name for name in model.variables if name in known]


def test_every_column_is_in_the_readme() -> None:
    readme = (thighdx.data_path("README.md")).read_text(encoding="utf-8")
    assert all(f"| `{name}`" in readme for name in LEADING)


def test_names_of_cases_are_unique_and_every_case_cites_its_source(rows: list[dict[str, str]]) -> None:
    assert len({row["id"] for row in rows}) == len(rows) == 58
    assert all(row["source"] for row in rows)
    assert {row["source_kind"] for row in rows} == {
        "case_report",
        "exam_vignette",
        "own",
        "patient_story",
        "physio_case",
        "radiology_case",
    }
    assert {row["difficulty"] for row in rows} == {"typical", "hard"}


def test_true_causes_settings_and_urgencies_are_those_of_the_model(
    model: thighdx.Model, rows: list[dict[str, str]]
) -> None:
    for row in rows:
        assert set(row["true_cause"].split(";")) <= set(model.causes), row["id"]
        assert set(filter(None, row["acceptable"].split(";"))) <= set(model.causes), row["id"]
        assert row["setting"] in model.settings, row["id"]
        assert row["urgency"] in LEVELS, row["id"]


def test_age_and_age_band_are_known_together_and_agree(
    model: thighdx.Model, rows: list[dict[str, str]]
) -> None:
    bands = model.variables["age_band"].states
    for row in rows:
        assert bool(row["age"]) == bool(row["age_band"]), row["id"]
        if row["age"]:
            assert row["age_band"] == bands[model.vocabulary.age_code(int(row["age"]))], row["id"]


def test_every_row_can_be_asked_as_a_single_case(model: thighdx.Model, rows: list[dict[str, str]]) -> None:
    for row in rows:
        findings = {name: row[name] for name in row if name == "age" or name in model.variables}
        result = model.diagnose(findings, setting=row["setting"])
        assert not result.warnings, row["id"]


def test_every_row_is_scored_without_a_problem_or_a_warning(model: thighdx.Model, parquet: pa.Table) -> None:
    scored = model.score(parquet)  # a warning is an error under pytest
    assert set(scored.column("status").to_pylist()) == {"ok"}
    assert scored.column("id").to_pylist() == parquet.column("id").to_pylist()


# ---- vignettes -----------------------------------------------------------------------------------

ABOUT_A_VIGNETTE = [
    "id",
    "kind",
    "setting",
    "age",
    "expected_cause",
    "both",
    "urgency",
    "acceptable_urgency",
    "note",
]


@pytest.fixture(scope="module")
def vignettes() -> list[dict[str, str]]:
    with thighdx.data_path("vignettes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_vignette_names_causes_and_levels_of_the_model(
    model: thighdx.Model, vignettes: list[dict[str, str]]
) -> None:
    assert len({row["id"] for row in vignettes}) == len(vignettes) == 61
    for row in vignettes:
        assert list(row)[: len(ABOUT_A_VIGNETTE)] == ABOUT_A_VIGNETTE
        assert set(row["expected_cause"].split(";")) <= set(model.causes), row["id"]
        assert set(filter(None, row["both"].split(";"))) <= set(model.causes), row["id"]
        assert row["urgency"] in row["acceptable_urgency"].split(";"), row["id"]
        assert set(row["acceptable_urgency"].split(";")) <= set(LEVELS), row["id"]


def test_every_vignette_can_be_asked_as_a_single_case(
    model: thighdx.Model, vignettes: list[dict[str, str]]
) -> None:
    for row in vignettes:
        said = {name: row[name] for name in row if name == "age" or name in model.variables}
        assert model.diagnose(said, setting=row["setting"]).posterior.notna().all(), row["id"]
