"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "check_target",
    "check_writable",
    "create_file",
    "keep_mode",
    "sync_path",
    "unwritable",
    "write_text",
]


@contextlib.contextmanager
def create_file(name: str | Path) -> Iterator[BinaryIO]:
    """Write into a temporary file beside the target, which takes its place once all went well.

    Raises
    ------
    OSError
        If the target is a folder, or its folder is missing or cannot be written to. The message says it all.
    """
    target = check_target(name)
    temporary = target.with_name(f".{target.name}-{os.urandom(8).hex()}.part")
    try:
        stream = temporary.open("xb")  # with the permissions of any new file
    except OSError as error:
        raise unwritable(name, target, error) from None
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        keep_mode(target, temporary)
        temporary.replace(target)
        sync_path(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def unwritable(name: str | Path, target: Path, error: OSError) -> OSError:
    """Return the error for a file whose folder refuses it, in full."""
    reason = (error.strerror or str(error)).lower()
    return type(error)(f"{name}: cannot be written to {target.parent} ({reason}); choose another folder")


def check_target(name: str | Path) -> Path:
    """Return where a file is to be written; a link stays a link.

    Raises
    ------
    OSError
        If it is a folder, or its folder is missing. The message says it all.
    """
    target = Path(name).resolve()
    if target.is_dir():
        raise IsADirectoryError(f"{name}: is a folder, expected the name of a file to write")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{name}: no such folder {target.parent}; create it first")
    return target


def check_writable(name: str | Path) -> Path:
    """Return where a file is to be written, once it is sure that one can be; leaves nothing behind.

    Raises
    ------
    OSError
        As `create_file` does.
    """
    target = check_target(name)
    with contextlib.suppress(_OnlyTriedError), create_file(name):
        raise _OnlyTriedError
    return target


class _OnlyTriedError(Exception):
    """Makes `create_file` clear up."""


def sync_path(path: Path) -> None:
    """Make sure that a file or folder is on disk; not every system can do that for a folder."""
    with contextlib.suppress(OSError) if path.is_dir() else contextlib.nullcontext():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def keep_mode(target: Path, made: Path) -> None:
    """Give a file the permissions of the one it is to replace; where there is none it keeps its own."""
    if target.exists():
        made.chmod(target.stat().st_mode & 0o777)


def write_text(text: str, path: str | Path) -> Path:
    """Write a text; the file appears complete or not at all, and replaces an older one.

    Raises
    ------
    OSError
        If it cannot be written there.
    """
    with create_file(path) as stream:
        stream.write(text.encode())
    return Path(path)
