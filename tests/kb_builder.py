"""Copies of the small model, and ways to break them one cell at a time.

Three causes and the residual one, two settings, two contexts that exclude one another in one cell, one
pathology, four findings, one test: every table of the format has a row. All numbers are made up.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from places import SMALL
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.check import check_knowledge_base
from thighdx.kb.folder import read_knowledge_base
from thighdx.kb.records import KnowledgeBase

__all__ = [
    "MANIFEST",
    "TABLES",
    "append",
    "edit",
    "judge",
    "lines_of",
    "load_knowledge_base",
    "problems_of",
    "remove",
    "write_model",
]

MANIFEST = (SMALL / "model.yaml").read_text(encoding="utf-8")
TABLES = {file.name: file.read_text(encoding="utf-8") for file in sorted(SMALL.glob("*.csv"))}


def write_model(folder: Path, *, without: Iterable[str] = ()) -> Path:
    """Copy the small model, without some of its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in {"model.yaml", *TABLES} - set(without):
        shutil.copy(SMALL / file, folder)
    return folder


def edit(folder: Path, file: str, old: str, new: str) -> int:
    """Replace the one place where `old` stands in a file; return its row."""
    text = (folder / file).read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{file}: {old!r} found {text.count(old)} times, expected once")
    (folder / file).write_text(text.replace(old, new), encoding="utf-8", newline="")
    return text[: text.index(old)].count("\n") + 1


def judge(folder: Path, table: str, key: str, quantiles: str) -> int:
    """Give the panel's row of a key other quantiles, such as ``0.1,0.2,0.3``; return its row."""
    lines = (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()
    (old,) = (line for line in lines if line.startswith(f"{key},panel,"))
    *_, statement, date, sources, note = old.rsplit(",", 4)
    return edit(folder, f"{table}.csv", old, f"{key},panel,{quantiles},{statement},{date},{sources},{note}")


def append(folder: Path, file: str, line: str) -> int:
    """Add a line to a file; return its row."""
    text = (folder / file).read_text(encoding="utf-8") + line + "\n"
    (folder / file).write_text(text, encoding="utf-8", newline="")
    return text.count("\n")


def remove(folder: Path, file: str, start: str) -> None:
    """Delete every line of a file that starts with `start`."""
    lines = (folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    if kept == lines:
        raise ValueError(f"{file}: no line starts with {start!r}")
    (folder / file).write_text("".join(kept), encoding="utf-8", newline="")


def load_knowledge_base(path: str | Path) -> KnowledgeBase:
    """The records of a folder; an error with everything that cannot be read."""
    kb, problems = read_knowledge_base(path)
    if kb is None or problems:
        raise KnowledgeBaseError(
            str(path), sorted(problems, key=lambda p: (p.file, p.row or 0, p.column or ""))
        )
    return kb


def problems_of(folder: Path) -> list[Problem]:
    """Everything that is checked once a folder could be read."""
    return check_knowledge_base(load_knowledge_base(folder))


def lines_of(folder: Path) -> list[str]:
    """The same in words."""
    return [str(problem) for problem in problems_of(folder)]
