"""Read a folder into a knowledge base, noting everything that cannot be understood."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.manifest import parse_manifest
from thighdx.kb.records import KnowledgeBase
from thighdx.kb.rows import PARTS, RowReader
from thighdx.kb.tables import COLUMNS, MANIFEST_FILE, digest_of, read_files, read_table, read_text

__all__ = ["load_knowledge_base", "parse_knowledge_base", "read_knowledge_base"]


def load_knowledge_base(path: str | Path) -> KnowledgeBase:
    """Read a folder into records; the meaning of names and numbers is checked elsewhere.

    Raises
    ------
    KnowledgeBaseError
        With every unreadable file, row and cell at once.
    """
    kb, problems = read_knowledge_base(path)
    if kb is None or problems:
        raise KnowledgeBaseError(str(path), sorted(problems, key=_by_place))
    return kb


def _by_place(problem: Problem) -> tuple[str, int, str]:
    return problem.file, problem.row or 0, problem.column or ""


def read_knowledge_base(path: str | Path) -> tuple[KnowledgeBase | None, list[Problem]]:
    """Read a folder; return what could be understood (None without a manifest) and what could not."""
    folder, problems = Path(path), list[Problem]()
    if not folder.is_dir():
        return None, [
            Problem(str(folder), None, None, "no such folder", "give the folder that holds model.yaml")
        ]
    kb = parse_knowledge_base(read_files(folder, problems), problems)
    return kb, problems


def parse_knowledge_base(files: Mapping[str, bytes], problems: list[Problem]) -> KnowledgeBase | None:
    """Return what the files of a folder say, None without a manifest, appending what is wrong to `problems`."""
    tables = {name: read_table(name, files, problems) for name in COLUMNS}
    manifest = parse_manifest(read_text(MANIFEST_FILE, files, problems) or "", problems)
    if manifest is None:
        return None
    reader = RowReader(problems)
    parts = {name: part(reader, tables.__getitem__) for name, part in PARTS.items()}
    return KnowledgeBase(manifest=manifest, digest=digest_of(files), files=files, **parts)
