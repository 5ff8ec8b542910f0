"""The files that a user means: by name, folder or pattern, in order, each once."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Sequence
from pathlib import Path

from thighdx.errors import TableError, nearest_hint
from thighdx.files.formats import EXPECTED, STANDARD_STREAM, input_format

__all__ = ["find_files"]


def find_files(names: Sequence[str]) -> list[str]:
    """Return the files that are meant, those of a folder or pattern in the order of their names.

    Files whose names begin with ``.`` or ``_`` are left out of folders and patterns, as every engine does;
    folders are searched to the bottom.

    Raises
    ------
    TableError
        If something is missing, named twice, or there is nothing to read.
    """
    found = [file for name in names for file in _meant(name)]
    if len(found) > 1 and STANDARD_STREAM in found:
        raise TableError("standard input: cannot be read together with files; give it alone")
    seen: dict[Path, str] = {}
    for name in found:
        place = Path(name).resolve()
        if place in seen:
            again = "is given twice" if seen[place] == name else f"is {seen[place]} again"
            raise TableError(f"{name}: {again}; give every file once")
        seen[place] = name
        input_format(name)
    return found


def _meant(name: str) -> list[str]:
    """Return the files that one name stands for."""
    path = Path(name)
    if path.is_dir():
        found, missing = _in_folder(path), f"is a folder without tables ({EXPECTED})"
    elif name == STANDARD_STREAM or path.exists():
        return [name]
    elif glob.has_magic(name):
        found, missing = _matching(name), "no file matches this pattern"
    else:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        found, missing = [], "; ".join(filter(None, ["no such file", nearest_hint(path.name, siblings)]))
    if not found:
        raise TableError(f"{name}: {missing}")
    return found


def _is_hidden(parts: Sequence[str]) -> bool:
    """Whether a file, or a folder on the way to it, is not meant to be read."""
    return any(part.startswith((".", "_")) for part in parts)


def _in_folder(root: Path) -> list[str]:
    """Return the tables in a folder."""
    found = []
    for path in sorted(root.rglob("*")):
        if not _is_hidden(path.relative_to(root).parts) and path.is_file():
            with contextlib.suppress(TableError):  # not the ending of a table
                input_format(path.name)
                found.append(str(path))
    return found


def _matching(name: str) -> list[str]:
    """Return the files that match a pattern, and the tables in the folders that do."""
    n_plain = next(i for i, part in enumerate(Path(name).parts) if glob.has_magic(part))
    found: dict[str, None] = {}  # a folder and a file in it may match both
    for path in sorted(glob.glob(name, recursive=True)):  # noqa: PTH207  # pathlib takes no absolute pattern
        if not _is_hidden(Path(path).parts[n_plain:]):
            found |= dict.fromkeys([str(Path(path))] if Path(path).is_file() else _in_folder(Path(path)))
    return list(found)
