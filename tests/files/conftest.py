"""The command that scores, in an empty folder with the small model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from places import SMALL
from thighdx.cli import app


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Score in lines so wide that no message is broken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()

    def invoke(*words: str, stdin: str | bytes | None = None) -> Result:
        return runner.invoke(app, ["score", *words, "--model", str(SMALL)], input=stdin, prog_name="thighdx")

    return invoke
