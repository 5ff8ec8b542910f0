"""A knowledge base from its folder: the manifest and every table, with all that cannot be understood."""

from __future__ import annotations

from pathlib import Path

from thighdx.errors import Problem
from thighdx.kb.load import PARTS, Reader
from thighdx.kb.manifest import parse_manifest
from thighdx.kb.records import KnowledgeBase
from thighdx.kb.tables import COLUMNS, MANIFEST_FILE, digest_of, read_files, read_table, read_text

__all__ = ["read_knowledge_base"]


def read_knowledge_base(path: str | Path) -> tuple[KnowledgeBase | None, list[Problem]]:
    """Read a folder; return what could be understood (None without a manifest) and what could not."""
    folder, problems = Path(path), list[Problem]()
    if not folder.is_dir():
        return None, [
            Problem(str(folder), None, None, "no such folder", "give the folder that holds model.yaml")
        ]
    files = read_files(folder, problems)
    tables = {name: read_table(name, files, problems) for name in COLUMNS}
    manifest = parse_manifest(read_text(MANIFEST_FILE, files, problems) or "", problems)
    if manifest is None:
        return None, problems
    reader = Reader(problems)
    parts = {name: part(reader, tables.__getitem__) for name, part in PARTS.items()}
    return KnowledgeBase(manifest=manifest, digest=digest_of(files), files=files, **parts), problems
