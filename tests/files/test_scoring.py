"""Files scored from Python, and how a notebook shows what became of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import thighdx
from files.streaming_tables import patients, read_any, run_score, write_any
from pages import HOSTILE, read_page
from places import SMALL
from quiet import without_warnings


@pytest.fixture
def scorer() -> thighdx.Scorer:
    """Of a model small enough to be quick."""
    return thighdx.Scorer(SMALL, triage=True)


def test_python_writes_the_bytes_that_the_command_writes(tmp_path: Path, scorer: thighdx.Scorer) -> None:
    source = write_any(patients(300), tmp_path / "in.parquet")
    with pytest.warns(UserWarning, match="rows have no probabilities"):
        report = thighdx.score_files(source, tmp_path / "python.parquet", scorer=scorer)
    done = run_score("in.parquet", "-o", "command.parquet", "--model", SMALL, "--triage", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "python.parquet").read_bytes() == (tmp_path / "command.parquet").read_bytes()
    assert report.as_plain()["rows"]["read"] == 300


def test_a_notebook_shows_what_became_of_the_rows(tmp_path: Path, scorer: thighdx.Scorer) -> None:
    table = pd.DataFrame({"id": [1, 2, 3], "bruising": ["yes", HOSTILE, None]})
    table.to_csv(tmp_path / "in.csv", index=False)
    with pytest.warns(
        UserWarning, match=r"1 rows have no probabilities \(1 no_such_state\); .*'bruising' \(1\)"
    ):
        report = thighdx.score_files(tmp_path / "in.csv", tmp_path / "out.csv", scorer=scorer)
    assert repr(report) == "<RunReport 3 rows read, 2 scored, 1 no_such_state>"
    page = read_page(report._repr_html_())
    said = page.text
    assert "2 of 3 rows scored" in said
    assert "Urgency" in [table.caption.strip() for table in page.tables]
    assert HOSTILE[:20] in said


def test_several_files_are_one_table(tmp_path: Path, scorer: thighdx.Scorer) -> None:
    parts = [write_any(patients(20, seed=seed), tmp_path / f"{seed}.csv") for seed in (1, 2)]
    without_warnings(thighdx.score_files, parts, tmp_path / "out.csv", scorer=scorer)
    assert len(read_any(tmp_path / "out.csv")) == 40


def test_remarks_are_warnings(tmp_path: Path, scorer: thighdx.Scorer) -> None:
    pd.DataFrame({"bruising": ["yes"], "age": [7]}).to_csv(tmp_path / "in.csv", index=False)
    with pytest.warns(UserWarning, match="outside_population"):
        thighdx.score_files(tmp_path / "in.csv", tmp_path / "out.csv", scorer=scorer)


def test_the_output_may_not_be_the_input(tmp_path: Path, scorer: thighdx.Scorer) -> None:
    source = write_any(patients(5), tmp_path / "in.csv")
    with pytest.raises(thighdx.TableError, match="is the input too"):
        thighdx.score_files(source, source, scorer=scorer)


def test_a_short_table_never_waits_for_a_compiler_and_the_report_says_so(tmp_path: Path) -> None:
    source = write_any(patients(50), tmp_path / "in.csv")
    report = without_warnings(thighdx.score_files, source, tmp_path / "out.csv", scorer=thighdx.Scorer(SMALL))
    assert report.as_plain()["engine"] == "numpy"


def test_cells_that_count_as_unknown_are_counted(tmp_path: Path) -> None:
    table = pd.DataFrame({"bruising": ["yes", "blue", "red"], "age": ["30", "old", "40"]})
    table.to_csv(tmp_path / "in.csv", index=False)
    scorer = thighdx.Scorer(SMALL, on_error="unknown")
    with pytest.warns(UserWarning, match=r"3 cells cannot be read .*unknown: 'bruising' \(2\), 'age' \(1\)"):
        report = thighdx.score_files(tmp_path / "in.csv", tmp_path / "out.csv", scorer=scorer)
    assert report.as_plain()["unread_cells"] == {"bruising": 2, "age": 1}
    assert report.n_scored == 3
