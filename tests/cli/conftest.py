"""The command line in an empty folder, with any model and with the tiny one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from places import TINY
from thighdx.cli import app


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in an empty folder, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("LC_ALL", raising=False)
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
