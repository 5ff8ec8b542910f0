"""The command line: results on standard output, messages on standard error, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import thighdx
from cli.terminal import read_csv, refused
from places import SMALL


class TestFrontDoor:
    def test_version(self, run: Callable[..., Result]) -> None:
        result = run("--version")
        assert (result.exit_code, result.stdout) == (0, f"thighdx {thighdx.__version__}\n")

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
        command = [sys.executable, "-c", code, "model", "trace", "strain", "--model", str(SMALL)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


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
        words = ["simulate", "5", "-o", "-", "--model", str(SMALL), "--seed"]
        first, again, other = (run(*words, seed) for seed in ("1", "1", "2"))
        assert first.stdout == again.stdout != other.stdout
        assert "5 patients of small 0.1.0 in clinic, seed 1" in first.stderr

    @pytest.mark.parametrize(
        "words", [["-1", "--seed", "1"], ["x", "--seed", "1"], ["5", "--seed", "-1"], ["5"]]
    )
    def test_counts_and_seeds_are_whole_numbers(self, run: Callable[..., Result], words: list[str]) -> None:
        assert run("simulate", *words, "-o", "out.csv").exit_code == 2
