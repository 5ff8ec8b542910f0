"""A knowledge base that was checked before: its tables are read when somebody asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import fields as dataclass_fields
from threading import RLock
from typing import Any

from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.records import Expert, KnowledgeBase, Manifest, Setting
from thighdx.kb.rows import PARTS, RowReader
from thighdx.kb.tables import read_table

__all__ = ["manifest_from_plain", "manifest_to_plain", "open_knowledge_base"]


def manifest_to_plain(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as dicts, lists, strings and numbers."""
    return asdict(manifest)


def manifest_from_plain(plain: Mapping[str, Any]) -> Manifest:
    """Undo `manifest_to_plain`, also after a trip through JSON, which knows no tuples."""
    fields = _with_tuples(plain)
    fields["settings"] = tuple(Setting(**item) for item in plain["settings"])
    fields["experts"] = tuple(Expert(**_with_tuples(item)) for item in plain["experts"])
    return Manifest(**fields)


def _with_tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same fields with tuples for lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}


def open_knowledge_base(manifest: Manifest, digest: str, files: Mapping[str, bytes]) -> KnowledgeBase:
    """Return a knowledge base, known to be free of problems, whose tables are read when they are asked for.

    Parameters
    ----------
    manifest : Manifest
        What `files` says, read earlier.
    digest : str
        Of `files`.
    files : mapping of str to bytes
        As `thighdx.kb.tables.read_files` returns them; kept, so that what is read later is what was digested.
    """
    kb = _OpenedKnowledgeBase.__new__(_OpenedKnowledgeBase)
    for name, value in (("manifest", manifest), ("digest", digest), ("files", files), ("lock", RLock())):
        object.__setattr__(kb, name, value)
    return kb


class _OpenedKnowledgeBase(KnowledgeBase):
    """A knowledge base that fills in its records at first use, all threads the same ones."""

    def __getattr__(self, name: str) -> object:
        """Read what is not there yet; comes only to names that hold nothing."""
        if name not in PARTS:
            raise AttributeError(f"a knowledge base has no attribute {name!r}")
        with self.__dict__["lock"]:
            if name not in self.__dict__:
                problems: list[Problem] = []
                value = PARTS[name](
                    RowReader(problems), lambda table: read_table(table, self.files, problems)
                )
                if problems:
                    raise KnowledgeBaseError(self.manifest.name, problems)
                self.__dict__[name] = value
        return self.__dict__[name]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the files; records are read again where somebody asks for them."""
        if (
            "lock" not in self.__dict__
        ):  # a changed copy, made by `dataclasses.replace`: it holds every record
            return KnowledgeBase, tuple(getattr(self, item.name) for item in dataclass_fields(self))
        return open_knowledge_base, (self.manifest, self.digest, self.files)
