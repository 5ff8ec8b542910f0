"""`thighdx model`: build, check, show and trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import kb_builder
import thighdx
from cli.terminal import read_csv, refused, same_as_golden
from places import SMALL
from thighdx import packed


class TestModel:
    def test_build_writes_the_compiled_file_and_reports(
        self, run: Callable[..., Result], folder: Path
    ) -> None:
        result = run("model", "build", str(folder))
        assert (result.exit_code, result.stderr) == (0, "")
        assert (folder / "compiled.bin").is_file()
        assert thighdx.read_model(folder).digest in result.stdout
        assert (
            "small 0.1.0: 2 contexts, 1 pathology, 4 causes, 5 findings, 1 test, 2 settings" in result.stdout
        )
        assert "Fits: 44" in result.stdout
        assert "links strain|onset|sudden: medians onset_a 0.85, onset_b 0.4" in result.stdout

    def test_check_says_ok(self, run: Callable[..., Result], folder: Path) -> None:
        result = run("model", "check", str(folder))
        assert result.exit_code == 0
        assert result.stdout.startswith("OK: small 0.1.0: 2 contexts")
        assert "run thighdx model build" in result.stderr
        run("model", "build", str(folder))
        assert run("model", "check", str(folder)).stderr == ""

    def test_check_refuses_a_damaged_compiled_file(self, run: Callable[..., Result], folder: Path) -> None:
        run("model", "build", str(folder))
        file = folder / "compiled.bin"
        file.write_bytes(file.read_bytes()[:-1])
        result = run("model", "check", str(folder))
        assert result.exit_code == 1
        assert result.stdout.startswith("compiled.bin: damaged: its checksum does not fit its content")
        refused(
            run("diagnose", "--model", str(folder)), "compiled.bin: damaged", f"thighdx model build {folder}"
        )
        assert run("model", "build", str(folder)).exit_code == 0
        assert run("model", "check", str(folder)).exit_code == 0

    def test_check_finds_a_number_that_the_tables_do_not_make(
        self, run: Callable[..., Result], folder: Path
    ) -> None:
        """A file made with care: its checksum fits, and its priors reproduce the shares."""
        run("model", "build", str(folder))
        file = folder / "compiled.bin"
        plain, arrays = packed.unpack(file.read_bytes())
        arrays["background"][0] *= 1.5
        file.write_bytes(packed.pack(plain, arrays))
        result = run("model", "check", str(folder))
        assert result.exit_code == 1
        assert result.stdout.startswith(
            "compiled.bin, background: is not what the tables make; run thighdx model"
        )

    def test_check_prints_every_problem_on_its_line(self, run: Callable[..., Result], folder: Path) -> None:
        links = folder / "links.csv"
        links.write_text(links.read_text().replace("strain,onset,sudden", "strain,onset,suden"))
        kb_builder.edit(folder, "links.csv", "panel,0.6,0.7,0.8", "panel,0.6,0.7,8")
        result = run("model", "check", str(folder))
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert len([line for line in lines if "got 'suden'" in line]) == 3
        assert all(line.startswith("links.csv row ") for line in lines)
        assert "did you mean 'sudden'?" in lines[-1]

    def test_build_refuses_a_broken_model_with_every_problem(
        self, run: Callable[..., Result], folder: Path
    ) -> None:
        links = folder / "links.csv"
        links.write_text(links.read_text().replace("strain,onset,sudden", "strain,onset,suden"))
        result = run("model", "build", str(folder))
        refused(result, "3 problems", *(f"links.csv row {row}" for row in (13, 14, 15)))
        assert not (folder / "compiled.bin").exists()

    @pytest.mark.parametrize("command", ["build", "check"])
    def test_a_missing_folder_is_bad_input(self, run: Callable[..., Result], command: str) -> None:
        refused(run("model", command, "nowhere"), "nowhere: ", "no such folder")

    @pytest.mark.parametrize(
        ("words", "golden"),
        [(["show"], "show"), (["show", "clot"], "show_cause"), (["trace", "strain"], "trace")],
    )
    def test_an_overview_a_page_for_a_cause_and_a_trace_with_experts_and_sources(
        self, run: Callable[..., Result], words: list[str], golden: str
    ) -> None:
        result = run("model", *words, "--model", str(SMALL))
        assert (result.exit_code, result.stderr) == (0, "")
        same_as_golden(result.stdout, golden)

    def test_show_lists_everything_that_can_be_known(self, run: Callable[..., Result]) -> None:
        result = run("model", "show", "--findings", "--model", str(SMALL))
        assert result.exit_code == 0
        for variable in thighdx.read_model(SMALL).variables:
            assert re.search(rf"^{variable}\b", result.stdout, re.MULTILINE)

    def test_trace_writes_a_table(self, run: Callable[..., Result]) -> None:
        result = run("model", "trace", "strain", "--model", str(SMALL), "--csv", "trace.csv")
        assert (result.exit_code, result.stdout) == (0, "")
        rows = read_csv(Path("trace.csv"))
        assert [row["key"] for row in rows] == thighdx.read_model(SMALL).trace("strain")["key"].tolist()
        piped = run("model", "trace", "strain", "--model", str(SMALL), "--csv", "-")
        assert piped.stdout == Path("trace.csv").read_text()

    @pytest.mark.parametrize("command", ["show", "trace"])
    def test_an_unknown_cause_names_the_nearest(self, run: Callable[..., Result], command: str) -> None:
        result = run("model", command, "strein", "--model", str(SMALL))
        refused(result, "unknown cause 'strein'; did you mean 'strain'?")

    def test_trace_refuses_other_endings(self, run: Callable[..., Result]) -> None:
        result = run("model", "trace", "strain", "--model", str(SMALL), "--csv", "trace.json")
        refused(result, "trace.json: expected a name that ends in .csv")

    @pytest.mark.parametrize("words", [["show"], ["show", "hamstring_strain"], ["trace", "stroke"]])
    def test_the_shipped_model_fits_80_columns(self, run: Callable[..., Result], words: list[str]) -> None:
        result = run("model", *words)
        assert result.exit_code == 0
        too_long = [line for line in result.stdout.splitlines() if len(line) > 80 and "://" not in line]
        assert too_long == []
