"""The how-tos on FHIR, REDCap and the review kit do what they say: every block is run, in order, in one folder."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import thighdx
from places import ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.fixture
def shell(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which ``thighdx`` and ``python`` are those of this test run."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = f"#!{sys.executable}\nfrom thighdx.cli import main\nmain()\n"
    (bin_folder / "thighdx").write_text(program)
    (bin_folder / "thighdx").chmod(0o755)
    (bin_folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (bin_folder / "python").chmod(0o755)
    source = str(Path(thighdx.__file__).parents[1])
    return os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": source}


def run_page(
    page: str,
    folder: Path,
    shell: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    server: bool = False,
) -> None:
    """Run the blocks of a page; those that start a server only if asked."""
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    kinds = []
    for kind, text in BLOCK.findall((DOCS / "pages" / "howto" / page).read_text(encoding="utf-8")):
        kinds.append(kind)
        if kind == "python":
            examples = doctest.DocTestParser().get_doctest(text, names, page, page, 0)
            told: list[str] = []
            failed = runner.run(examples, out=told.append, clear_globs=False)
            names = examples.globs
            assert not failed.failed, "".join(told)
        elif server or "uvicorn" not in text:
            command = ["bash", "-euo", "pipefail", "-c", text]
            done = subprocess.run(command, cwd=folder, env=shell, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    assert {"bash", "python"} <= set(kinds)


@pytest.mark.parametrize("page", ["fhir.md", "redcap.md", "review.md"])
def test_the_blocks_of_a_page_do_what_it_says(
    page: str, tmp_path: Path, shell: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_page(page, tmp_path, shell, monkeypatch)


@pytest.mark.tools
def test_the_example_app_answers_curl(
    tmp_path: Path, shell: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").symlink_to(DOCS)
    run_page("fhir.md", tmp_path, shell, monkeypatch, server=True)
    form, risk, refusal = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("form", "risk", "refusal")
    )
    assert form["resourceType"] == "Questionnaire"
    assert risk["resourceType"] == "RiskAssessment"
    assert "probabilityDecimal" in risk["prediction"][0]
    assert risk["subject"] == {"reference": "Patient/p1"}
    assert refusal["resourceType"] == "OperationOutcome"
    assert "got 'Encounter'" in refusal["issue"][0]["diagnostics"]
