"""The notebooks as pages, with what is stored in them; `docs/run_notebooks.py` stores it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

__all__ = ["notebook_pages"]

STYLED = re.compile(r"(<div>\s*)?<style scoped>.*?</style>", re.DOTALL)  # of pandas; the site has its own


def notebook_pages(folder: Path) -> Iterator[tuple[str, str | bytes]]:
    """Yield every page, and every picture on it, with its name."""
    for path in sorted(folder.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        name = path.stem[3:]
        body, made = MarkdownExporter().from_notebook_node(
            book, {"unique_key": name, "output_files_dir": name}
        )
        yield from made["outputs"].items()
        yield f"{name}.md", _page(body, path.name)


def _page(body: str, name: str) -> str:
    """Let tables scroll, and say where the notebook is."""
    title, rest = body.split("\n", 1)
    rest = re.sub(r"\n{4,}", "\n\n", rest)  # between outputs of one cell
    rest = STYLED.sub('<div class="notebook-output">', rest)
    return f"{title}\n\n*This page is the notebook `notebooks/{name}` of the repository.*\n{rest}"
