"""The notebooks run from top to bottom on an installed package, away from the checkout, without a warning."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from run_notebooks import run_notebook

from places import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WRITES_A_MODEL = "03_changing_the_knowledge"  # so it is run again in the folder it has filled


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def execute(
    path: Path, folder: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> nbformat.NotebookNode:
    """Run a notebook in a folder of its own with the package of another."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package)]))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    (folder / "work").mkdir(exist_ok=True)
    book = read(path)
    book.cells.append(nbformat.v4.new_code_cell("import thighdx; print(thighdx.__file__)"))
    done = run_notebook(book, folder / "work")
    assert Path(done.cells.pop().outputs[0].text.strip()).is_relative_to(package)
    return done


def rounded(text: str) -> str:
    """Numbers that are printed to their last digit depend on the processor in it."""
    return re.sub(r"\d\.\d{9,}(e-\d+)?", lambda number: f"{float(number[0]):.6g}", text)


def shown(book: nbformat.NotebookNode) -> list[list[str]]:
    """What every cell prints; pictures and the HTML beside the text are not compared."""
    return [
        [
            rounded(out.text if out.output_type == "stream" else out.data["text/plain"])
            for out in cell.outputs
            if "image/png" not in out.get("data", {})
        ]
        for cell in book.cells
        if cell.cell_type == "code"
    ]


def pictures(book: nbformat.NotebookNode) -> int:
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_there_are_seven_stories() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_first_case",
        "02_scoring_a_dataset",
        "03_changing_the_knowledge",
        "04_learning_from_records",
        "05_an_application",
        "06_your_own_setting",
        "07_uncertain_findings",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_an_installed_package_without_a_warning(
    path: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2 if path.stem == WRITES_A_MODEL else 1):
        done = execute(path, tmp_path, installed, monkeypatch)
    warned = [
        output.text
        for cell in done.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert warned == []
    assert pictures(done) >= 3
    assert pictures(read(path)) == pictures(done)
    assert shown(read(path)) == shown(done), "python docs/run_notebooks.py stores what notebooks show now"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_what_it_shows_and_with_stable_ids(path: Path) -> None:
    book = read(path)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert [cell.id for cell in book.cells] == [f"cell-{place:02d}" for place in range(len(book.cells))]
    assert set(book.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_no_place_outside_its_folder(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert not re.search(r"/(tmp|home|work|root|usr)/", json.dumps([cell.outputs for cell in cells]))
    code = "\n".join(cell.source for cell in cells)
    assert re.findall(r"\.\./|[\"']/|~/|[\"'](?:models|data|src)/", code) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_is_not_before_it_gives_figures(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
