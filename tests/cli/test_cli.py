"""The command line: results on standard output, messages on standard error, exit codes, whole files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import thighdx
from thighdx import packed
from thighdx.cli import app

HERE = Path(__file__).parents[1]
TINY = HERE / "models" / "tiny"
GOLDEN = HERE / "cli" / "golden"

CASES = """\
id,place,bruising,onset,weakness,leg_raise,age,true_cause
007,north,yes,sudden,,,25,strain
008,"south, east",no,,mild,positive,60,root
009,,,gradual,,,,root;other
010,west,no,gradual,none,negative,,other
011,,no,sudden,none,negative,30,root
"""
FAULTY = """\
id,bruising,age
a,yes,30
b,blue,30
c,yes,-3
d,yes,old
e,,
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in an empty folder, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    runner = CliRunner()

    def invoke(*words: str, stdin: str | bytes | None = None) -> Result:
        return runner.invoke(app, list(words), input=stdin, prog_name="thighdx")

    return invoke


@pytest.fixture
def score(run: Callable[..., Result]) -> Callable[..., Result]:
    """Score a table with the tiny model."""

    def invoke(*words: str, stdin: str | bytes | None = None) -> Result:
        return run("score", *words, "--model", str(TINY), stdin=stdin)

    return invoke


def refused(result: Result, *parts: str) -> None:
    """Check for one message on standard error, exit code 2, no traceback and nothing on standard output."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same_as_golden(text: str, name: str) -> None:
    """Compare with a stored text; THIGHDX_UPDATE_GOLDEN=1 stores what is there now."""
    seconds = re.sub(r"\d+\.\d s", "S s", re.sub(r"[\d,]+ rows/s", "N rows/s", text))
    clean = "".join(f"{line.rstrip()}\n" for line in seconds.splitlines())
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("THIGHDX_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(clean, encoding="utf-8")
    assert clean == file.read_text(encoding="utf-8")


class TestFrontDoor:
    def test_version(self, run: Callable[..., Result]) -> None:
        result = run("--version")
        assert (result.exit_code, result.stdout) == (0, f"thighdx {thighdx.__version__}\n")

    def test_version_imports_nothing_heavy(self) -> None:
        code = (
            "import sys, contextlib, thighdx.cli\n"
            "with contextlib.suppress(SystemExit): thighdx.cli.app(['--version'])\n"
            "print(sorted({'numpy', 'pandas', 'pyarrow', 'scipy', 'pgmpy'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"

    def test_help_names_every_command_and_exit_code(self, run: Callable[..., Result]) -> None:
        result = run("--help")
        assert result.exit_code == 0
        for word in ("diagnose", "score", "simulate", "model", "Exit codes: 0", "130", "141"):
            assert word in result.stdout

    @pytest.mark.parametrize(
        "words", [["score"], ["diagnose"], ["simulate"], ["model"], ["model", "show"], ["model", "trace"]]
    )
    def test_every_command_has_help_that_fits_80_columns(
        self, run: Callable[..., Result], words: list[str]
    ) -> None:
        result = run(*words, "--help")
        assert result.exit_code == 0
        assert max(map(len, result.stdout.splitlines())) <= 80

    def test_an_unknown_command_is_bad_input(self, run: Callable[..., Result]) -> None:
        refused(run("diagnos"), "diagnos")

    def test_an_interruption_is_quiet(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(_: str | None) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("thighdx.cli.diagnose.open_model", interrupt)
        result = run("diagnose", "bruising=yes")
        assert (result.exit_code, result.stdout, result.stderr) == (130, "", "")

    def test_a_reader_that_goes_away_is_no_error(self) -> None:
        code = "from thighdx.cli import main; main()"
        command = [sys.executable, "-c", code, "model", "trace", "strain", "--model", str(TINY)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


class TestDiagnose:
    def ask(self, run: Callable[..., Result], *words: str) -> Result:
        return run("diagnose", *words, "--model", str(TINY))

    def test_it_prints_causes_explanations_groups_and_the_disclaimer(
        self, run: Callable[..., Result]
    ) -> None:
        result = self.ask(run, "bruising=present", "onset:gradual=0.2", "onset:sudden=0.7", "age=12")
        assert result.exit_code == 0
        assert result.stderr == ""
        same_as_golden(result.stdout, "diagnose")

    def test_it_fits_any_width(self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
        for width in (40, 60, 80, 120):
            monkeypatch.setenv("COLUMNS", str(width))
            result = self.ask(run, "bruising=present", "--all")
            assert max(map(len, result.stdout.splitlines())) <= width

    def test_names_break_at_words_in_a_narrow_window(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, model: thighdx.Model
    ) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        lines = run("diagnose", "onset=sudden", "--top", "20").stdout.splitlines()
        known = set(" ".join(variable.label for variable in model.causes.values()).split())
        after = lines[lines.index(next(line for line in lines if line.endswith("probability"))) + 1 :]
        names = [line[:28].split() for line in after[: after.index("")]]
        assert len(names) > 20
        assert {word for name in names for word in name} - known <= {
            "◆",
            "!",
            "(A",
            "list;",
            "never",
            "ranked)",
        }

    @pytest.mark.parametrize(
        "words",
        [
            ["onset=sudden", "sprint_or_overstretch=yes", "bruising=yes", "age=34"],
            ["bladder_dysfunction=yes", "saddle_anesthesia=yes", "age=50"],
            ["low_back_pain=yes", "saddle_anesthesia=no", "age=47"],
        ],
    )
    def test_an_answer_fits_a_terminal_of_24_lines(
        self, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, words: list[str]
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        short = run("diagnose", *words).stdout
        assert short.count("\n") < 24
        assert run("diagnose", "--all", *words).stdout.count("\n") > 30

    def test_causes_that_must_not_be_missed_are_marked(self, run: Callable[..., Result]) -> None:
        result = run("diagnose", "bladder_dysfunction=yes", "saddle_anesthesia=yes")
        lines = result.stdout.splitlines()
        assert any(line.startswith(("◆ Cauda", "! Cauda")) for line in lines)
        assert any("must not be missed" in line for line in lines)
        assert any(line.startswith("Lumbar or sacral radiculopathy ") for line in lines)

    def test_parts_of_the_json_alone(self, run: Callable[..., Result]) -> None:
        found = json.loads(
            self.ask(run, "bruising=present", "--json", "--include", "posterior,triage").stdout
        )
        assert {"posterior", "triage"} <= set(found)
        assert "management" not in found

    def test_names_the_model_does_not_know_can_be_left_out(self, run: Callable[..., Result]) -> None:
        result = self.ask(run, "bruising=present", "haircut=short", "--ignore-unknown")
        assert result.exit_code == 0
        assert "Note: unknown finding 'haircut'" in result.stdout
        assert "Known: bruising=present" in result.stdout

    def test_the_residual_cause_is_never_ranked(self, run: Callable[..., Result]) -> None:
        lines = self.ask(run, "bruising=no", "--top", "3").stdout.splitlines()
        assert any(line.startswith("(Something else; never ranked)") for line in lines)
        assert not any(line.startswith("Something else  ") for line in lines)

    def test_json_is_the_result_and_nothing_else(self, run: Callable[..., Result]) -> None:
        result = self.ask(run, "bruising=present", "age=30", "--json")
        found = json.loads(result.stdout)
        model = thighdx.read_model(TINY)
        assert found == model.diagnose({"bruising": "present", "age": 30}).to_dict()
        assert result.stderr == ""

    def test_nothing_known_gives_the_shares(self, run: Callable[..., Result]) -> None:
        found = json.loads(self.ask(run, "--json").stdout)
        assert found["posterior"] == pytest.approx(found["prior"])

    @pytest.mark.parametrize(
        ("words", "parts"),
        [
            (["brusing=yes"], ["unknown finding 'brusing'", "did you mean 'bruising'?"]),
            (["bruising=blue"], ["bruising: got 'blue'", "absent, present"]),
            (["age=-3"], ["age: got -3", "0 to 120 years"]),
            (["age=old"], ["age: got 'old'"]),
            (["bruising"], ["'bruising': expected NAME=VALUE"]),
            (["=yes"], ["expected NAME=VALUE"]),
            (["bruising=yes", "bruising=no"], ["'bruising=no': bruising is given twice"]),
            (["onset=sudden", "onset:sudden=1"], ["onset is given twice"]),
            (["onset:sudden=1", "onset=sudden"], ["onset is given twice"]),
            (["onset:sudden=a"], ["got 'a', expected a likelihood"]),
            (["onset:sudden=1"], ["onset: likelihood of 'gradual'"]),
            (["onset:suden=1"], ["got the state 'suden'", "did you mean 'sudden'?"]),
            (["onset:gradual=0", "onset:sudden=0"], ["not all 0"]),
            (["setting=clinic"], ["write --setting clinic"]),
            (["--setting", "clinik"], ["setting: got 'clinik'", "did you mean 'clinic'?"]),
            (["root=present", "strain=absent", "other=absent", "bruising=yes"], ["impossible evidence"]),
        ],
    )
    def test_bad_input_is_refused(
        self, run: Callable[..., Result], words: list[str], parts: list[str]
    ) -> None:
        refused(self.ask(run, *words), "thighdx: error: ", *parts)

    def test_a_model_that_does_not_exist_is_refused(self, run: Callable[..., Result]) -> None:
        refused(run("diagnose", "--model", "nowhere"), "nowhere", "no such folder")


class TestScore:
    def test_it_prints_every_case_of_a_small_table(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        result = score("cases.csv", "-o", "out.csv")
        assert result.exit_code == 0
        same_as_golden(result.stdout + result.stderr, "score")

    def test_the_file_holds_what_the_library_says(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        score("cases.csv", "-o", "out.csv", "--groups")
        model = thighdx.read_model(TINY)
        for before, after in zip(read_csv(Path("cases.csv")), read_csv(Path("out.csv")), strict=True):
            known = {name: before[name] for name in before if name in model.variables or name == "age"}
            expected = model.diagnose(known)
            assert after["status"] == "ok"
            assert float(after["log_evidence"]) == pytest.approx(expected.log_evidence)
            for cause, value in expected.posterior.items():
                assert float(after[str(cause)]) == pytest.approx(value)
            assert float(after["group_treatable"]) == pytest.approx(expected.groups["treatable"])

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
            "root",
            "other",
        ]
        assert [row["id"] for row in rows] == ["007", "008", "009", "010", "011"]
        assert [row["place"] for row in rows] == ["north", "south, east", "", "west", ""]

    @pytest.mark.parametrize("before", ["csv", "csv.gz", "parquet"])
    @pytest.mark.parametrize("after", ["csv", "csv.gz", "parquet"])
    def test_every_format_gives_the_same_result(
        self, score: Callable[..., Result], before: str, after: str
    ) -> None:
        write_table(CASES, Path(f"cases.{before}"))
        assert score(f"cases.{before}", "-o", f"out.{after}").exit_code == 0
        rows = read_table(Path(f"out.{after}"))
        assert [row["id"] for row in rows] == ["007", "008", "009", "010", "011"]
        assert [row["status"] for row in rows] == ["ok"] * 5
        model = thighdx.read_model(TINY)
        expected = model.diagnose({"bruising": True, "onset": "sudden", "age": 25}).posterior["strain"]
        assert float(rows[0]["strain"]) == pytest.approx(expected)

    def test_a_parquet_file_says_where_its_numbers_are_from(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        score("cases.csv", "-o", "out.parquet")
        notes = pq.read_schema("out.parquet").metadata
        assert notes[b"thighdx.model"] == b"tiny 1.0.0"
        assert notes[b"thighdx.digest"].decode() == thighdx.read_model(TINY).digest
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

    def test_likelihoods_are_read_as_numbers_and_bad_ones_only_spoil_their_row(
        self, score: Callable[..., Result]
    ) -> None:
        table = "id,onset:gradual,onset:sudden\na,0.2,0.7\nb,x,0.7\nc,x,\nd,,\ne,-1,1\n"
        assert score("-", "-o", "out.csv", stdin=table).exit_code == 0
        rows = read_csv(Path("out.csv"))
        assert [row["status"] for row in rows] == ["ok", "wrong_type", "wrong_type", "ok", "out_of_range"]
        expected = thighdx.read_model(TINY).diagnose({"onset": {"gradual": 0.2, "sudden": 0.7}})
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
        monkeypatch.setattr("thighdx.files.reading.BATCH_ROWS", 2)
        result = score("-", "-o", "-", stdin="id,age\n" + "1,12\n" * 5)
        assert result.stderr.count("outside_population") == 1
        assert "5 rows with an age below" in result.stderr

    @pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
    def test_parts_give_what_the_whole_gives(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        write_table(CASES, Path(f"cases.{kind}"))
        score(f"cases.{kind}", "-o", f"whole.{kind}")
        monkeypatch.setattr("thighdx.files.reading.BATCH_ROWS", 2)
        report = score(f"cases.{kind}", "-o", f"parts.{kind}")
        whole, parts = read_table(Path(f"whole.{kind}")), read_table(Path(f"parts.{kind}"))
        assert [row["id"] for row in parts] == [row["id"] for row in whole]
        for cause in ("strain", "root", "other"):
            wanted = [float(row[cause]) for row in whole]
            assert [float(row[cause]) for row in parts] == pytest.approx(wanted)
        assert "of 4 cases" in report.stdout

    def test_any_true_cause_counts_and_the_residual_one_does_not(self, score: Callable[..., Result]) -> None:
        table = "id,bruising,leg_raise,true_cause\na,yes,negative,root;strain\nb,yes,,other\nc,yes,,hamster\n"
        result = score("-", "-o", "out.csv", "--top", "1", stdin=table)
        assert "A true cause is first in 1 (100%) of 1 cases." in result.stdout
        assert "1 whose only true cause is other" in result.stdout
        assert "1 times a true cause that is not in the model: hamster" in result.stdout

    def test_rows_with_a_problem_do_not_count_as_misses(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", stdin="bruising,true_cause\nyes,strain\nblue,strain\n")
        assert "of 1 cases" in result.stdout
        assert "1 with a true cause could not be scored" in result.stdout

    def test_a_true_cause_beyond_the_first_is_named(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", "--top", "1", stdin=CASES)
        assert "True cause not among the first 1:" in result.stdout
        assert re.search(r"^011 +2nd +\d+\.\d% root$", result.stdout, re.MULTILINE)

    def test_rows_without_a_name_go_by_their_number(self, score: Callable[..., Result]) -> None:
        result = score("-", "-o", "out.csv", stdin="bruising\nyes\n\nno\n")
        assert result.stdout.splitlines()[0].split() == ["case", "ok", "leading", "causes"]
        assert [line.split()[0] for line in result.stdout.splitlines()[1:4]] == ["1", "2", "3"]
        assert [row["status"] for row in read_csv(Path("out.csv"))] == ["ok"] * 3

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_simulated_patients_are_scored_against_their_truth(
        self, run: Callable[..., Result], score: Callable[..., Result], kind: str
    ) -> None:
        done = run("simulate", "200", "-o", f"patients.{kind}", "--seed", "7", "--model", str(TINY))
        assert (done.exit_code, done.stdout) == (0, "")
        result = score(f"patients.{kind}", "-o", f"out.{kind}")
        assert result.exit_code == 0
        first = re.search(r"first in (\d+) \(\d+%\) of (\d+) cases", result.stdout)
        assert first is not None
        patients = thighdx.read_model(TINY).simulate(200, seed=7)
        assert int(first[2]) == int((patients["true_strain"] | patients["true_root"]).sum())
        assert int(first[1]) > 0.6 * int(first[2])
        assert "leading cause" in result.stdout.splitlines()[0]  # too many rows to list

    @pytest.mark.parametrize("table", ["id,bruising", "id,bruising\n", "\ufeffid,bruising\n"])
    def test_a_header_alone_is_a_table_without_rows(self, score: Callable[..., Result], table: str) -> None:
        result = score("-", "-o", "out.csv", stdin=table)
        assert result.exit_code == 0
        assert "0 rows read: 0 scored" in result.stderr
        assert Path("out.csv").read_text().startswith("id,status,log_evidence,strain")

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


class TestRefusedTables:
    @pytest.mark.parametrize(
        ("name", "content", "parts"),
        [
            ("t.csv", b"", ["t.csv: is empty", "header row"]),
            ("t.csv", b"\xef\xbb\xbf \n", ["t.csv: is empty"]),
            ("t.csv.gz", b"", ["t.csv.gz: is empty"]),
            ("t.parquet", b"", ["t.parquet: is empty"]),
            ("t.csv", b"a,a\n1,2\n", ["t.csv: column 'a' is given 2 times"]),
            ("t.csv", b"a,,\n1,2,3\n", ["a column without a name is given 2 times"]),
            ("t.csv", b"PAR1xxxx", ["t.csv: is a Parquet file, expected CSV", "call it .parquet"]),
            ("t.csv", b"PK\x03\x04xx", ["is an Excel workbook", "CSV UTF-8"]),
            ("t.csv", gzip.compress(b"a\n1\n", mtime=0), ["t.csv: is a gzip file", ".csv.gz"]),
            ("t.csv", b"<!DOCTYPE html><html>", ["t.csv: is a web page"]),
            ("t.csv", "a,b\n1,2\n".encode("utf-16"), ["is UTF-16 text", "CSV UTF-8"]),
            ("t.csv", b"a,b\n1,\0\n", ["holds binary data"]),
            ("t.csv", b"id,age\n1,2\n\xff,3\n", ["t.csv: line 3: is not UTF-8 text"]),
            ("t.csv", b"\xff,b\n1,2\n", ["t.csv: line 1: is not UTF-8 text"]),
            ("t.csv", b"a;b\n1;2\n", ["separated by semicolons, expected commas"]),
            ("t.csv", b"a\tb\n1\t2\n", ["separated by tabs, expected commas"]),
            ("t.csv", b"id,age\n1,2\n3\n", ["t.csv: line 3: got 1 cell, expected 2"]),
            ("t.csv", b"id,age\n1,2,3\n", ["t.csv: line 2: got 3 cells, expected 2", '"quotes"']),
            ("t.csv.gz", b"a,b\n1,2\n", ["t.csv.gz: is not a gzip file"]),
            ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:30], ["t.csv.gz: damaged gzip file"]),
            ("t.parquet", b"a,b\n1,2\n", ["t.parquet: is not a Parquet file", "call it .csv"]),
            ("t.parquet", b"PAR1 and then nothing of use", ["t.parquet: damaged Parquet file"]),
            (
                "t.xlsx",
                b"PK\x03\x04xx",
                ["t.xlsx: got the ending '.xlsx', expected .csv, .csv.gz, .csv.bz2"],
            ),
            ("table", b"a\n1\n", ["table: got no ending"]),
            ("t.csv", b"strain,bruising\n1,yes\n", ["t.csv: column 'strain'", "given_strain"]),
            ("t.csv", b"status,bruising\n1,yes\n", ["t.csv: column 'status'", "output column"]),
            ("t.csv", b"onset:sudden\n1\n", ["virtual evidence on 'onset'", "onset:gradual"]),
        ],
    )
    def test_a_table_that_cannot_be_read(
        self, score: Callable[..., Result], name: str, content: bytes, parts: list[str]
    ) -> None:
        Path(name).write_bytes(content)
        refused(score(name, "-o", "out.csv"), "thighdx: error: ", *parts)
        assert sorted(path.name for path in Path().iterdir()) == [name]

    def test_a_parquet_file_with_a_column_twice(self, score: Callable[..., Result]) -> None:
        column = pa.array(["yes"])
        pq.write_table(pa.table([column, column], names=["bruising", "bruising"]), "t.parquet")
        refused(score("t.parquet", "-o", "out.csv"), "t.parquet: column 'bruising' is given 2 times")

    def test_standard_input_is_named(self, score: Callable[..., Result]) -> None:
        refused(score("-", "-o", "-", stdin=""), "standard input: is empty")
        refused(score("-", "-o", "-", stdin="strain\nyes\n"), "standard input: column 'strain'")

    def test_a_missing_file_names_its_nearest_neighbor(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        refused(score("case.csv", "-o", "out.csv"), "case.csv: no such file; did you mean 'cases.csv'?")

    def test_a_folder_is_no_table(self, score: Callable[..., Result]) -> None:
        Path("folder.csv").mkdir()
        refused(score("folder.csv", "-o", "out.csv"), "folder.csv: is a folder")

    def test_a_setting_that_does_not_exist(self, score: Callable[..., Result]) -> None:
        refused(score("-", "-o", "-", "--setting", "clinik", stdin=CASES), "did you mean 'clinic'?")


class TestOutput:
    @pytest.mark.parametrize(
        ("output", "part"),
        [
            ("out.xlsx", "out.xlsx: got the ending '.xlsx'"),
            ("nowhere/out.csv", "nowhere/out.csv: no such folder"),
            ("cases.csv/out.csv", "cases.csv/out.csv: no such folder"),
            ("folder.csv", "folder.csv: is a folder"),
            ("cases.csv", "cases.csv: is the input too"),
            ("./cases.csv", "is the input too"),
        ],
    )
    def test_an_output_that_cannot_be_written(
        self, score: Callable[..., Result], output: str, part: str
    ) -> None:
        Path("cases.csv").write_text(CASES)
        Path("folder.csv").mkdir()
        refused(score("cases.csv", "-o", output), part)
        assert Path("cases.csv").read_text() == CASES

    def test_a_folder_that_refuses_is_named(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: Path, **_: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("pathlib.Path.mkdir", refuse)
        refused(
            score("-", "-o", "out.csv", stdin=CASES), "out.csv: cannot be written to", "permission denied"
        )

    @pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
    def test_an_existing_output_stays_when_scoring_fails(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr("thighdx.files.reading.BATCH_ROWS", 2)
        monkeypatch.setattr("thighdx.files.csv_text.BLOCK_BYTES", 200)  # the fault is far behind the start
        Path("cases.csv").write_text(CASES + "012,west,no,,,,,root\n" * 100 + "too,few\n")
        target = Path(f"out.{kind}")
        target.write_bytes(b"what was there before")
        refused(score("cases.csv", "-o", target.name), "cases.csv: line 107: got 2 cells, expected 8")
        assert target.read_bytes() == b"what was there before"
        assert sorted(path.name for path in Path().iterdir()) == ["cases.csv", target.name]

    def test_an_interrupted_run_leaves_nothing(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", interrupt)
        result = score("-", "-o", "out.csv", stdin=CASES)
        assert (result.exit_code, result.stdout, result.stderr) == (130, "", "")
        assert list(Path().iterdir()) == []

    def test_a_link_stays_a_link_and_permissions_stay(self, score: Callable[..., Result]) -> None:
        Path("real.csv").write_text("old")
        Path("real.csv").chmod(0o600)
        Path("out.csv").symlink_to("real.csv")
        assert score("-", "-o", "out.csv", stdin=CASES).exit_code == 0
        assert Path("out.csv").is_symlink()
        assert len(read_csv(Path("real.csv"))) == 5
        assert Path("real.csv").stat().st_mode & 0o777 == 0o600

    def test_what_csv_cannot_hold_is_refused(self, score: Callable[..., Result]) -> None:
        pq.write_table(pa.table({"lists": [[1], [2]], "bruising": ["yes", "no"]}), "t.parquet")
        refused(score("t.parquet", "-o", "out.csv"), "CSV cannot hold 'lists' (list<", "write .parquet")
        assert not Path("out.csv").exists()
        assert score("t.parquet", "-o", "out.parquet").exit_code == 0


class TestModel:
    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        """A copy of the tiny model, to be changed."""
        return Path(shutil.copytree(TINY, tmp_path / "copy"))

    def test_build_writes_the_compiled_file_and_reports(self, run: Callable[..., Result], copy: Path) -> None:
        result = run("model", "build", str(copy))
        assert (result.exit_code, result.stderr) == (0, "")
        assert (copy / "compiled.bin").is_file()
        assert thighdx.read_model(copy).digest in result.stdout
        assert "tiny 1.0.0: 2 contexts, 3 causes, 3 findings, 1 test, 1 setting" in result.stdout
        assert "Fits: 30" in result.stdout
        assert "links strain|onset|sudden: medians panel_a 0.85, panel_b 0.4" in result.stdout

    def test_check_says_ok(self, run: Callable[..., Result], copy: Path) -> None:
        result = run("model", "check", str(copy))
        assert result.exit_code == 0
        assert result.stdout.startswith("OK: tiny 1.0.0: 2 contexts")
        assert "run thighdx model build" in result.stderr
        run("model", "build", str(copy))
        assert run("model", "check", str(copy)).stderr == ""

    def test_check_refuses_a_damaged_compiled_file(self, run: Callable[..., Result], copy: Path) -> None:
        run("model", "build", str(copy))
        file = copy / "compiled.bin"
        file.write_bytes(file.read_bytes()[:-1])
        result = run("model", "check", str(copy))
        assert result.exit_code == 1
        assert result.stdout.startswith("compiled.bin: damaged: its checksum does not fit its content")
        refused(run("diagnose", "--model", str(copy)), "compiled.bin: damaged", f"thighdx model build {copy}")
        assert run("model", "build", str(copy)).exit_code == 0
        assert run("model", "check", str(copy)).exit_code == 0

    def test_check_finds_a_number_that_the_tables_do_not_make(
        self, run: Callable[..., Result], copy: Path
    ) -> None:
        """A file made with care: its checksum fits, and its priors reproduce the shares."""
        run("model", "build", str(copy))
        file = copy / "compiled.bin"
        plain, arrays = packed.unpack(file.read_bytes())
        arrays["background"][0] *= 1.5
        file.write_bytes(packed.pack(plain, arrays))
        result = run("model", "check", str(copy))
        assert result.exit_code == 1
        assert result.stdout.startswith(
            "compiled.bin, background: is not what the tables make; run thighdx model"
        )

    def test_check_prints_every_problem_on_its_line(self, run: Callable[..., Result], copy: Path) -> None:
        links = copy / "links.csv"
        text = links.read_text().replace("strain,onset,sudden", "strain,onset,suden")
        links.write_text(text.replace("0.40,0.55,0.70", "0.40,0.55,7.0"))
        result = run("model", "check", str(copy))
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert len([line for line in lines if "got 'suden'" in line]) == 3
        assert all(line.startswith("links.csv row ") for line in lines)
        assert "did you mean 'sudden'?" in lines[-1]

    def test_build_refuses_a_broken_model_with_every_problem(
        self, run: Callable[..., Result], copy: Path
    ) -> None:
        links = copy / "links.csv"
        links.write_text(links.read_text().replace("strain,onset,sudden", "strain,onset,suden"))
        result = run("model", "build", str(copy))
        refused(result, "3 problems", "links.csv row 4", "links.csv row 5", "links.csv row 6")
        assert not (copy / "compiled.bin").exists()

    @pytest.mark.parametrize("command", ["build", "check"])
    def test_a_missing_folder_is_bad_input(self, run: Callable[..., Result], command: str) -> None:
        refused(run("model", command, "nowhere"), "nowhere: ", "no such folder")

    def test_show_gives_an_overview(self, run: Callable[..., Result]) -> None:
        result = run("model", "show", "--model", str(TINY))
        assert (result.exit_code, result.stderr) == (0, "")
        same_as_golden(result.stdout, "show")

    def test_show_gives_a_page_for_a_cause(self, run: Callable[..., Result]) -> None:
        result = run("model", "show", "strain", "--model", str(TINY))
        assert (result.exit_code, result.stderr) == (0, "")
        same_as_golden(result.stdout, "show_cause")

    def test_show_lists_everything_that_can_be_known(self, run: Callable[..., Result]) -> None:
        result = run("model", "show", "--findings", "--model", str(TINY))
        assert result.exit_code == 0
        for variable in thighdx.read_model(TINY).variables:
            assert re.search(rf"^{variable}\b", result.stdout, re.MULTILINE)

    def test_trace_names_experts_and_sources(self, run: Callable[..., Result]) -> None:
        result = run("model", "trace", "strain", "--model", str(TINY))
        assert (result.exit_code, result.stderr) == (0, "")
        same_as_golden(result.stdout, "trace")

    def test_trace_writes_a_table(self, run: Callable[..., Result]) -> None:
        result = run("model", "trace", "strain", "--model", str(TINY), "--csv", "trace.csv")
        assert (result.exit_code, result.stdout) == (0, "")
        rows = read_csv(Path("trace.csv"))
        assert [row["key"] for row in rows] == thighdx.read_model(TINY).trace("strain")["key"].tolist()
        piped = run("model", "trace", "strain", "--model", str(TINY), "--csv", "-")
        assert piped.stdout == Path("trace.csv").read_text()

    @pytest.mark.parametrize("command", ["show", "trace"])
    def test_an_unknown_cause_names_the_nearest(self, run: Callable[..., Result], command: str) -> None:
        result = run("model", command, "strein", "--model", str(TINY))
        refused(result, "unknown cause 'strein'; did you mean 'strain'?")

    def test_trace_refuses_other_endings(self, run: Callable[..., Result]) -> None:
        result = run("model", "trace", "strain", "--model", str(TINY), "--csv", "trace.json")
        refused(result, "trace.json: expected a name that ends in .csv")

    @pytest.mark.parametrize("words", [["show"], ["show", "hamstring_strain"], ["trace", "stroke"]])
    def test_the_shipped_model_fits_80_columns(self, run: Callable[..., Result], words: list[str]) -> None:
        result = run("model", *words)
        assert result.exit_code == 0
        too_long = [line for line in result.stdout.splitlines() if len(line) > 80 and "://" not in line]
        assert too_long == []


class TestShippedModel:
    def test_the_published_cases_are_scored(self, run: Callable[..., Result]) -> None:
        result = run("score", str(thighdx.data_path("published_cases.csv")), "-o", "posteriors.csv")
        assert result.exit_code == 0
        assert "58 rows read: 58 scored" in result.stderr
        assert re.search(r"A true cause is first in \d+ \(\d+%\) of 58 cases and among", result.stdout)
        rows = read_csv(Path("posteriors.csv"))
        causes = thighdx.load_model().causes
        assert all(0 <= float(row[cause]) <= 1 for row in rows for cause in causes)

    def test_one_case_is_answered(self, run: Callable[..., Result]) -> None:
        result = run("diagnose", "onset=sudden", "bruising=present", "age=34", "--setting", "sports_clinic")
        assert result.exit_code == 0
        assert "Hamstring strain" in result.stdout
        assert "Not a medical device" in result.stdout


class TestSimulate:
    def test_the_same_seed_gives_the_same_patients(self, run: Callable[..., Result]) -> None:
        words = ["simulate", "5", "-o", "-", "--model", str(TINY), "--seed"]
        first, again, other = (run(*words, seed) for seed in ("1", "1", "2"))
        assert first.stdout == again.stdout != other.stdout
        assert "5 patients of tiny 1.0.0 in clinic, seed 1" in first.stderr

    @pytest.mark.parametrize(
        "words", [["-1", "--seed", "1"], ["x", "--seed", "1"], ["5", "--seed", "-1"], ["5"]]
    )
    def test_counts_and_seeds_are_whole_numbers(self, run: Callable[..., Result], words: list[str]) -> None:
        assert run("simulate", *words, "-o", "out.csv").exit_code == 2


def write_table(text: str, path: Path) -> None:
    """Write a CSV text in the format a name asks for, everything as text."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".csv":
        path.write_text(text)
    else:
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
        pq.write_table(pa.Table.from_pylist(rows), path)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table as text, whatever its format."""
    if path.suffix == ".parquet":
        rows = pq.ParquetFile(path).read().to_pylist()
        return [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode())))
