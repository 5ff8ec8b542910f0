"""The notebooks as pages: run from top to bottom, with everything they show."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

__all__ = ["notebook_pages"]

SECONDS = 600
STYLED = re.compile(r"(<div>\s*)?<style scoped>.*?</style>", re.DOTALL)  # of pandas; the site has its own


def notebook_pages(folder: Path, *, run: bool = True) -> Iterator[tuple[str, str | bytes]]:
    """Yield every page, and every picture on it, with its name.

    Parameters
    ----------
    run : bool
        Whether to run the notebooks, which takes a minute; otherwise pages show what is stored.
    """
    for path in sorted(folder.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        if run:
            _run(book)
        _without_widgets(book)
        name = path.stem[3:]
        body, made = MarkdownExporter().from_notebook_node(
            book, {"unique_key": name, "output_files_dir": name}
        )
        yield from made["outputs"].items()
        yield f"{name}.md", _page(body, path.name)


def _run(book: nbformat.NotebookNode) -> None:
    """Fill in the outputs, in a folder of its own."""
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # matrices are small: more threads only wait for one another
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(book, timeout=SECONDS, resources={"metadata": {"path": folder}}).execute()


def _without_widgets(book: nbformat.NotebookNode) -> None:
    """Leave out what needs a running notebook."""
    for cell in book.cells:
        kept = [
            out
            for out in cell.get("outputs", [])
            if "application/vnd.jupyter.widget-view+json" not in out.get("data", {})
        ]
        if cell.cell_type == "code":
            cell.outputs = kept


def _page(body: str, name: str) -> str:
    """Let tables scroll, and say where the notebook is."""
    title, rest = body.split("\n", 1)
    rest = re.sub(r"\n{4,}", "\n\n", rest)  # between outputs of one cell
    rest = STYLED.sub('<div class="notebook-output">', rest)
    return f"{title}\n\n*This page is the notebook `notebooks/{name}` of the repository.*\n{rest}"
