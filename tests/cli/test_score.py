"""`thighdx score`: what it prints and writes about a table, and about rows that cannot be scored."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import Result

import thighdx
from cli.terminal import CASES, FAULTY, read_csv, read_table, same_as_golden, write_table
from places import SMALL


class TestScore:
    def test_it_prints_every_case_of_a_small_table(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        result = score("cases.csv", "-o", "out.csv")
        assert result.exit_code == 0
        same_as_golden(result.stdout + result.stderr, "score")

    def test_the_file_holds_what_the_library_says(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        score("cases.csv", "-o", "out.csv", "--groups")
        model = thighdx.read_model(SMALL)
        for before, after in zip(read_csv(Path("cases.csv")), read_csv(Path("out.csv")), strict=True):
            known = {name: before[name] for name in before if name in model.variables or name == "age"}
            expected = model.diagnose(known)
            assert after["status"] == "ok"
            assert float(after["log_evidence"]) == pytest.approx(expected.log_evidence)
            for cause, value in expected.posterior.items():
                assert float(after[str(cause)]) == pytest.approx(value)
            assert float(after["group_serious"]) == pytest.approx(expected.groups["serious"])

    def test_columns_passed_through_keep_their_text(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        score("cases.csv", "-o", "out.csv")
        rows = read_csv(Path("out.csv"))
        assert list(rows[0]) == [
            "id",
            "place",
            "true_cause",
            "status",
            "log_evidence",
            "strain",
            "nerve",
            "clot",
            "other_cause",
        ]
        assert [row["id"] for row in rows] == ["007", "008", "009", "010", "011"]
        assert [row["place"] for row in rows] == ["north", "south, east", "", "west", ""]

    def test_a_parquet_file_says_where_its_numbers_are_from(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        score("cases.csv", "-o", "out.parquet")
        notes = pq.read_schema("out.parquet").metadata
        assert notes[b"thighdx.model"] == b"small 0.1.0"
        assert notes[b"thighdx.digest"].decode() == thighdx.read_model(SMALL).digest
        assert b"not a medical device" in notes[b"thighdx.disclaimer"]

    def test_a_dash_reads_standard_input_and_writes_standard_output(
        self, score: Callable[..., Result]
    ) -> None:
        result = score("-", "-o", "-", stdin=CASES)
        assert result.exit_code == 0
        rows = list(csv.DictReader(io.StringIO(result.stdout)))
        assert [row["id"] for row in rows] == ["007", "008", "009", "010", "011"]
        assert "5 rows read: 5 scored" in result.stderr
        assert "not a medical device" in result.stderr

    def test_quiet_prints_nothing(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", "--quiet", stdin=CASES)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
        assert len(read_csv(Path("out.csv"))) == 5

    def test_bad_rows_keep_their_place_and_have_a_status(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", stdin=FAULTY)
        assert result.exit_code == 0
        rows = read_csv(Path("out.csv"))
        assert [row["id"] for row in rows] == list("abcde")
        assert [row["status"] for row in rows] == ["ok", "no_such_state", "out_of_range", "wrong_type", "ok"]
        assert [bool(row["strain"]) for row in rows] == [True, False, False, False, True]
        assert "5 rows read: 2 scored, 3 kept without probabilities" in result.stderr

    def test_columns_with_cells_that_cannot_be_read_are_counted_however_few_rows_are_named(
        self, score: Callable[..., Result]
    ) -> None:
        lines = ["old,yes"] * 6 + ["30,blau"] * 2
        result = score("-", "-o", "out.csv", stdin="\n".join(["age,bruising", *lines]))
        assert "  cells that cannot be read: 'age' (6), 'bruising' (2)\n" in result.stderr
        assert "cells that cannot be read" not in score("-", "-o", "b.csv", stdin=CASES).stderr

    def test_a_decimal_comma_in_a_number_is_named_with_its_option(self, score: Callable[..., Result]) -> None:
        table = "age;bruising\n77,5;yes\n"
        refused = score("-", "-o", "out.csv", "--delimiter", ";", stdin=table)
        assert "(--decimal ,)" in " ".join(refused.stderr.split())
        taken = score("-", "-o", "out.csv", "--delimiter", ";", "--decimal", ",", stdin=table)
        assert "1 row read: 1 scored" in taken.stderr

    def test_a_row_that_stops_the_run_names_the_option_that_asked_for_it(
        self, score: Callable[..., Result]
    ) -> None:
        result = score("-", "-o", "out.csv", "--on-error", "raise", stdin=FAULTY)
        assert result.exit_code == 2
        assert "row 2: no_such_state" in result.stderr
        assert "on_error is 'raise'" in " ".join(result.stderr.split())

    def test_likelihoods_are_read_as_numbers_and_bad_ones_only_spoil_their_row(
        self, score: Callable[..., Result]
    ) -> None:
        table = "id,onset:gradual,onset:sudden\na,0.2,0.7\nb,x,0.7\nc,x,\nd,,\ne,-1,1\n"
        assert score("-", "-o", "out.csv", stdin=table).exit_code == 0
        rows = read_csv(Path("out.csv"))
        assert [row["status"] for row in rows] == ["ok", "wrong_type", "wrong_type", "ok", "out_of_range"]
        expected = thighdx.read_model(SMALL).diagnose({"onset": {"gradual": 0.2, "sudden": 0.7}})
        assert float(rows[0]["strain"]) == pytest.approx(expected.posterior["strain"])

    def test_warnings_go_to_standard_error(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "-", stdin="id,brusing,age\n1,yes,12\n")
        assert result.exit_code == 0
        assert "thighdx: warning: column 'brusing'" in result.stderr
        assert "did you mean 'bruising'?" in result.stderr
        assert "outside_population" in result.stderr
        assert "warning" not in result.stdout

    def test_warnings_of_parts_add_up(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("thighdx.files.table.BATCH_ROWS", 2)
        result = score("-", "-o", "-", stdin="id,age\n" + "1,12\n" * 5)
        assert result.stderr.count("outside_population") == 1
        assert "5 rows with an age below" in result.stderr

    @pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
    def test_parts_give_what_the_whole_gives(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        write_table(CASES, Path(f"cases.{kind}"))
        score(f"cases.{kind}", "-o", f"whole.{kind}")
        monkeypatch.setattr("thighdx.files.table.BATCH_ROWS", 2)
        report = score(f"cases.{kind}", "-o", f"parts.{kind}")
        whole, parts = read_table(Path(f"whole.{kind}")), read_table(Path(f"parts.{kind}"))
        assert [row["id"] for row in parts] == [row["id"] for row in whole]
        for cause in ("strain", "nerve", "clot", "other_cause"):
            wanted = [float(row[cause]) for row in whole]
            assert [float(row[cause]) for row in parts] == pytest.approx(wanted)
        assert "of 4 cases" in report.stdout

    def test_any_true_cause_counts_and_the_residual_one_does_not(self, score: Callable[..., Result]) -> None:
        table = "id,bruising,d_dimer,true_cause\na,yes,negative,nerve;strain\nb,yes,,other_cause\nc,yes,,hamster\n"
        result = score("-", "-o", "out.csv", "--top", "1", stdin=table)
        assert "A true cause is first in 1 (100%) of 1 cases." in result.stdout
        assert "1 whose only true cause is other_cause" in result.stdout
        assert "1 times a true cause that is not in the model: hamster" in result.stdout

    def test_rows_with_a_problem_do_not_count_as_misses(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", stdin="bruising,true_cause\nyes,strain\nblue,strain\n")
        assert "of 1 cases" in result.stdout
        assert "1 with a true cause could not be scored" in result.stdout

    def test_a_true_cause_beyond_the_first_is_named(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", "--top", "1", stdin=CASES)
        assert "True cause not among the first 1:" in result.stdout
        assert re.search(r"^011 +2nd +\d+\.\d% nerve$", result.stdout, re.MULTILINE)

    def test_rows_without_a_name_go_by_their_number(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", stdin="bruising\nyes\n\nno\n")
        assert result.stdout.splitlines()[0].split() == ["case", "ok", "leading", "causes"]
        assert [line.split()[0] for line in result.stdout.splitlines()[1:4]] == ["1", "2", "3"]
        assert [row["status"] for row in read_csv(Path("out.csv"))] == ["ok"] * 3

    @pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl.zst", "csv.bz2"])
    def test_simulated_patients_are_scored_against_their_truth(
        self, run: Callable[..., Result], score: Callable[..., Result], kind: str
    ) -> None:
        done = run("simulate", "200", "-o", f"patients.{kind}", "--seed", "7", "--model", str(SMALL))
        assert (done.exit_code, done.stdout) == (0, "")
        result = score(f"patients.{kind}", "-o", f"out.{kind}")
        assert result.exit_code == 0
        first = re.search(r"first in (\d+) \(\d+%\) of (\d+) cases", result.stdout)
        assert first is not None
        patients = thighdx.read_model(SMALL).simulate(200, seed=7)
        assert int(first[2]) == int(
            (patients["true_strain"] | patients["true_nerve"] | patients["true_clot"]).sum()
        )
        assert int(first[1]) > 0.6 * int(first[2])
        assert "leading cause" in result.stdout.splitlines()[0]  # too many rows to list

    @pytest.mark.parametrize("table", ["id,bruising", "id,bruising\n", "\ufeffid,bruising\n"])
    def test_a_header_alone_is_a_table_without_rows(self, score: Callable[..., Result], table: str) -> None:
        result = score("-", "-o", "out.csv", stdin=table)
        assert result.exit_code == 0
        assert "0 rows read: 0 scored" in result.stderr
        assert Path("out.csv").read_text().startswith("id,status,log_evidence,strain")

    @pytest.mark.parametrize(
        ("rows", "why"),
        [
            (["blue,30"] * 60 + ["yes,-3"] * 2, "60 no_such_state, 2 out_of_range"),
            (["blue,30"], "1 no_such_state"),
            ([], "the table has none"),
        ],
    )
    def test_where_no_row_could_be_scored_it_says_why(
        self, score: Callable[..., Result], rows: list[str], why: str
    ) -> None:
        Path("in.csv").write_text("\n".join(["bruising,age", *rows, ""]))
        result = score("in.csv", "-o", "out.csv")
        assert result.exit_code == 0
        assert result.stdout.splitlines()[0] == f"No row was scored: {why}."
        assert "leading cause " not in result.stdout

    def test_cells_over_several_lines_survive(self, score: Callable[..., Result]) -> None:
        table = 'id,remark,bruising\n1,"two\nlines, ""quoted""",yes\n2,,no\n'
        score("-", "-o", "out.csv", stdin=table)
        assert [row["remark"] for row in read_csv(Path("out.csv"))] == ['two\nlines, "quoted"', ""]

    def test_narrow_and_wide_lines_fit(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for width in (40, 60, 80, 120):
            monkeypatch.setenv("COLUMNS", str(width))
            lines = score("-", "-o", "out.csv", stdin=CASES).stdout.splitlines()
            assert max(map(len, lines[:6])) <= width
