"""Run the notebooks and store what they show in them: the site and whoever browses the repository see it."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

__all__ = ["run_notebook"]

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SECONDS = 600
WIDGET = "application/vnd.jupyter.widget-view+json"


def run_notebook(book: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook with its outputs, run from top to bottom in a folder; what needs a live kernel is left out."""
    # matrices are small: more threads only wait for one another
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    done = NotebookClient(book, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in done.cells:
        cell.metadata.pop("execution", None)  # when it ran
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
    done.metadata.pop("widgets", None)
    done.metadata["language_info"] = {"name": "python"}  # without the version at hand
    return done


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(run_notebook(nbformat.read(path, as_version=4), Path(folder)), path)
