"""The command line: results on standard output, messages on standard error, exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import thighdx
from cli.terminal import read_csv, refused, same_as_golden
from places import TINY


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
        for width in (60, 80, 120):
            monkeypatch.setenv("COLUMNS", str(width))
            result = self.ask(run, "bruising=present")
            assert max(map(len, result.stdout.splitlines())) <= width

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
