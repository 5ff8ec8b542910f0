"""Columns read as something else: one by one, or by a map from a hospital's names and codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import Result

from files.streaming_tables import assert_scored, read_any, scored_in_python


def test_a_column_can_be_read_as_something_else(score: Callable[..., Result]) -> None:
    Path("in.csv").write_text("id,q=7\n1,yes\n2,no\n")
    assert score("in.csv", "-o", "out.csv", "--columns", "q=7=bruising").exit_code == 0
    found = read_any(Path("out.csv"))
    assert "q=7" not in found.columns
    assert found.strain[0] > found.strain[1]
    result = score("in.csv", "-o", "out.csv", "--columns", "q7")
    assert (result.exit_code, "expected NAME=FINDING" in result.stderr) == (2, True)


def test_a_map_reads_a_hospitals_names_and_codes(score: Callable[..., Result]) -> None:
    Path("map.yaml").write_text(
        "format: 1\nunknown: ['-9']\ncolumns:\n  BRUISE_YN: bruising\n  MONTHS: {read_as: age, divide: 12}\n"
        "  ONSET_CD:\n    read_as: onset\n    values: {1: gradual, 2: sudden, 9: null}\n  ssn: {drop: true}\n"
    )
    Path("in.csv").write_text(
        "id,BRUISE_YN,MONTHS,ONSET_CD,ssn\n1,yes,300,2,x\n2,-9,-9,9,y\n3,no,600,1,z\n4,no,600,7,z\n"
    )
    result = score("in.csv", "-o", "out.csv", "--map", "map.yaml")
    assert result.exit_code == 0, result.stderr
    found = read_any(Path("out.csv"))
    assert list(found.columns[:2]) == ["id", "status"]
    assert found.status.tolist() == ["ok", "ok", "ok", "no_such_state"]
    plain = pa.table(
        {
            "id": ["1", "2", "3"],
            "bruising": ["yes", None, "no"],
            "age": [25, None, 50],
            "onset": ["sudden", None, "gradual"],
        }
    )
    assert_scored(found[:3], scored_in_python(plain))


def test_codes_of_a_map_are_the_same_however_they_are_written(score: Callable[..., Result]) -> None:
    Path("map.yaml").write_text(
        "format: 1\nunknown: [-9]\ncolumns:\n  ONSET: {read_as: onset, values: {1: gradual, 2: sudden}}\n"
        "  MOBILE: {read_as: bruising, values: {true: absent, false: present}}\n"
    )
    Path("in.csv").write_text("id,ONSET,MOBILE\n1,1,True\n2,2.0,FALSE\n3,-9.0,-9\n")
    assert score("in.csv", "-o", "out.csv", "--map", "map.yaml").exit_code == 0
    plain = pa.table(
        {
            "id": ["1", "2", "3"],
            "onset": ["gradual", "sudden", None],
            "bruising": ["absent", "present", None],
        }
    )
    assert_scored(read_any(Path("out.csv")), scored_in_python(plain))


def test_a_column_of_a_map_that_says_nothing_else_is_read_as_its_name_says(
    score: Callable[..., Result],
) -> None:
    Path("map.yaml").write_text("format: 1\ncolumns: {onset: {values: {langsam: gradual, jetzt: sudden}}}\n")
    Path("in.csv").write_text("id,onset\n1,langsam\n2,jetzt\n3,sudden\n")
    assert score("in.csv", "-o", "out.csv", "--map", "map.yaml").exit_code == 0
    plain = pa.table({"id": ["1", "2", "3"], "onset": ["gradual", "sudden", "sudden"]})
    assert_scored(read_any(Path("out.csv")), scored_in_python(plain))
    Path("map.yaml").write_text("format: 1\ncolumns: {ONSETS: {values: {1: gradual}}}\n")
    refused = " ".join(score("in.csv", "-o", "b.csv", "--map", "map.yaml").stderr.split())
    assert "columns.ONSETS.read_as: got 'ONSETS', expected a variable" in refused
    assert "did you mean 'onset'?" in refused


def test_columns_are_explained_before_anything_runs(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    Path("in.csv").write_text(
        "id,brusing,onset,age,given_strain,onset2,true_strain,setting\n"
        "1,yes,suden,130,yes,1,1,clinic\n2,no,sudden,40,,2,0,clinik\n"
    )
    Path("map.yaml").write_text("format: 1\ncolumns: {onset2: {drop: true}}\n")
    result = score("in.csv", "--explain-columns", "--map", "map.yaml")
    assert result.exit_code == 0, result.stderr
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line}
    assert lines["id"][:2] == ["passed", "through"]
    assert lines["age"][:1] + lines["age"][-3:] == ["age", "1", "0", "1"]
    assert lines["given_strain"][:1] == ["given"]
    assert lines["onset2"][:1] == ["dropped"]
    assert lines["true_strain"][:1] == ["truth"]
    flat = " ".join(result.stdout.split())
    assert "onset: cannot be read: 'suden' (1); did you mean 'sudden'?" in flat
    assert "setting: cannot be read: 'clinik' (1); did you mean 'clinic'?" in flat
    assert "brusing: not read as evidence; did you mean 'bruising'?" in flat
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert [path.name for path in Path().iterdir() if path.name not in ("in.csv", "map.yaml")] == []
    assert "no output: expected -o OUT" in score("in.csv").stderr


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty, expected 'format: 1', and 'columns:'"]),
        ("- a\n", ["is no mapping, expected 'format: 1'"]),
        ("columns: {A: onset}\n", ["format: is missing; begin with 'format: 1'"]),
        ("format: 1\ncolumns: {7: onset}\n", ["columns.7: got a number, expected the name", "quotes: '7'"]),
        ("format: 1\ncolumns: {A: {read_as: age, divde: 12}}\n", ["no such key", "did you mean 'divide'?"]),
        ("format: 1\ncolumns: {A: strain}\n", ["a cause cannot be read", "read it as 'given_strain'"]),
        (
            'format: 1\ncolumns: {A: {read_as: bruising, values: {1: present, "1.0": absent}}}\n',
            ["columns.A.values: the code '1' is given 2 times"],
        ),
        (
            "format: 1\ncolumns:\n  A: brusing\n  B: {read_as: onset, values: {1: suden}}\n"
            "  C: {read_as: bruising, divide: 12}\n",
            [
                "did you mean 'bruising'?",
                "did you mean 'sudden'?",
                "C.divide: only age has a unit",
                "3 problems",
            ],
        ),
        ("format: 1\ncolums: {}\n", ["did you mean 'columns'?"]),
        ("format: [", ["not valid YAML"]),
        (None, ["map.yaml: no such file"]),
    ],
)
def test_a_map_that_makes_no_sense_says_what_to_do(
    score: Callable[..., Result], text: str | None, parts: list[str]
) -> None:
    if text is not None:
        Path("map.yaml").write_text(text)
    Path("in.csv").write_text("A,B,C\n1,2,3\n")
    result = score("in.csv", "-o", "out.csv", "--map", "map.yaml")
    assert result.exit_code == 2
    assert "map.yaml" in result.stderr
    for part in parts:
        assert part in result.stderr
