"""`thighdx learn` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from typer.testing import Result

import thighdx
from learning.clinic import patients
from places import SMALL
from thighdx.model import Model


@pytest.fixture
def learn(run: Callable[..., Result]) -> Callable[..., Result]:
    """`thighdx learn` from the small model."""
    return lambda *words: run("learn", *words, "--model", str(SMALL))


@pytest.fixture
def records(small_model: Model, tmp_path: Path) -> pa.Table:
    table = pa.Table.from_pandas(patients(small_model, 120), preserve_index=False)
    pyarrow.parquet.write_table(table, tmp_path / "records.parquet")
    return table


@pytest.mark.usefixtures("records")
def test_a_file_of_records_makes_a_model(learn: Callable[..., Result]) -> None:
    result = learn("records.parquet", "--name", "clinic_2026", "-o", "mine", "--folds", "2")
    assert result.exit_code == 0, result.output
    assert "clinic_2026: 120 records" in result.stdout
    assert "cross-validated, new against old" in result.stdout
    assert "written: mine" in result.stdout
    assert "round 1" in result.stderr
    learned = thighdx.read_model("mine")
    assert {"records:clinic_2026"} < {item.id for item in learned.compiled.kb.manifest.experts}
    assert [path.name for path in Path().iterdir() if path.name.startswith(".mine")] == []


def test_text_says_the_same_as_columns_with_types(learn: Callable[..., Result], records: pa.Table) -> None:
    plain = [column.cast(pa.string()) for column in records.columns]
    pyarrow.csv.write_csv(pa.table(plain, names=records.column_names), "records.csv")
    for file, folder in (("records.parquet", "a"), ("records.csv", "b")):
        assert learn(file, "--name", "x", "-o", folder, "--folds", "0", "-q").output == ""
    assert thighdx.read_model("a").digest == thighdx.read_model("b").digest


def test_the_second_half_of_a_table_may_be_another_file(
    learn: Callable[..., Result], records: pa.Table
) -> None:
    pyarrow.parquet.write_table(records.slice(0, 50), "part1.parquet")
    pyarrow.parquet.write_table(records.slice(50), "part2.parquet")
    learn("records.parquet", "--name", "x", "-o", "a", "--folds", "0")
    learn("part1.parquet", "part2.parquet", "--name", "x", "-o", "b", "--folds", "0")
    assert thighdx.read_model("a").digest == thighdx.read_model("b").digest


@pytest.mark.usefixtures("records")
def test_a_folder_that_is_taken_is_refused_before_any_work(learn: Callable[..., Result]) -> None:
    Path("mine").mkdir()
    (Path("mine") / "notes.txt").write_text("mine")
    result = learn("records.parquet", "--name", "x", "-o", "mine")
    assert result.exit_code == 2
    assert "exists and is not an empty folder" in result.stderr
    assert "counting" not in result.stderr
    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("records")
def test_an_interrupted_run_leaves_nothing(
    learn: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thighdx.compiled.compilation.write_compiled", interrupt)
    result = learn("records.parquet", "--name", "x", "-o", "mine", "--folds", "0")
    assert result.exit_code == 130
    assert sorted(path.name for path in Path().iterdir()) == ["records.parquet"]


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.parquet", "--name", "x"), "nothing.parquet"),
        (("-", "--name", "x"), "a pipe cannot be"),
        (("records.parquet", "--name", "Not a name"), "expected lower-case letters"),
        (("records.parquet", "--name", "x", "--truth", "diagnosis"), "no column 'diagnosis'"),
        (("records.parquet", "--name", "x", "--setting", "clinik"), "did you mean 'clinic'"),
    ],
)
def test_bad_input_is_one_message(learn: Callable[..., Result], words: tuple[str, ...], message: str) -> None:
    result = learn(*words, "-o", "mine")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("mine").exists()
