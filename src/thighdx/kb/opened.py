"""A knowledge base that was checked before: its tables are read when somebody asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from threading import RLock
from typing import Any

from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.load import PARTS, Reader
from thighdx.kb.records import Expert, KnowledgeBase, Manifest, Setting
from thighdx.kb.tables import read_table

__all__ = ["manifest_from_plain", "open_knowledge_base"]


def manifest_from_plain(plain: Mapping[str, Any]) -> Manifest:
    """Return a manifest from its fields, also after a trip through JSON, which knows no tuples."""
    said = _with_tuples(plain)
    said["settings"] = tuple(Setting(**item) for item in plain["settings"])
    said["experts"] = tuple(Expert(**_with_tuples(item)) for item in plain["experts"])
    return Manifest(**said)


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

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the files; records are read again where somebody asks for them."""
        if (
            "lock" not in self.__dict__
        ):  # a changed copy, made by `dataclasses.replace`: it holds every record
            return KnowledgeBase, tuple(getattr(self, item.name) for item in fields(self))
        return open_knowledge_base, (self.manifest, self.digest, self.files)


class _Part:
    """A field of an opened knowledge base that is not there yet; once read, the record itself is found first."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, kb: KnowledgeBase | None, _: type) -> object:
        """Read what the field holds."""
        if kb is None:  # asked of the class, as dataclasses does
            return self
        known = kb.__dict__
        with known["lock"]:
            if self.name not in known:
                problems: list[Problem] = []
                value = PARTS[self.name](
                    Reader(problems), lambda table: read_table(table, kb.files, problems)
                )
                if problems:
                    raise KnowledgeBaseError(kb.manifest.name, problems)
                known[self.name] = value
        return known[self.name]


for _name in PARTS:
    setattr(_OpenedKnowledgeBase, _name, _Part(_name))
