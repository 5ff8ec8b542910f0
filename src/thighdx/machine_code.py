"""Machine code of the compiled loops, kept on disk for the next process; a bad or missing disk never stops a run.

numba's own cache goes by the time and size of one file, fails for good on a damaged file or a folder that cannot be
written, and cannot use what another user left. Here a file is named after the content of everything it was made
from, carries its own checksum, is looked for in every folder it may be in, and is written to the first that takes it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import platform
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import compiler, config, serialize
from numba.core.caching import NullCache
from numba.misc import appdirs

__all__ = ["MachineCode", "cached", "folders", "kept_files"]

SUFFIX = ".machine-code"
CHECKSUM_BYTES = 32
# numba has no types; what is used of it here, by names of our own.
_SETTINGS: Any = config
_revive: Any = compiler.CompileResult._rebuild
_pickled: Any = serialize.dumps
_system_folders: Any = appdirs.AppDirs
_USED: set[Path] = set()


def cached(dispatcher: Any) -> Any:
    """Keep the machine code of a compiled function; put it outermost. Does nothing under NUMBA_DISABLE_JIT."""
    if not _SETTINGS.DISABLE_JIT:
        dispatcher._cache = MachineCode(dispatcher.py_func)
    return dispatcher


def folders() -> Iterator[Path]:
    """Yield where machine code may be kept: NUMBA_CACHE_DIR, beside the source, the user's cache folder."""
    if _SETTINGS.CACHE_DIR:
        yield Path(_SETTINGS.CACHE_DIR) / "thighdx"
    yield Path(__file__).parent / "__pycache__"
    own = Path(_system_folders(appname="thighdx", appauthor=False).user_cache_dir)
    if own.is_absolute():  # not so for a user without a home
        yield own


def kept_files() -> list[Path]:
    """Return the files of machine code that this process has found or written."""
    return sorted(_USED)


class MachineCode(NullCache):
    """What numba asks for machine code before it compiles a function, and hands it to afterwards."""

    def __init__(self, function: Any) -> None:
        self._name = function.__qualname__
        self._sources = tuple(sorted(Path(function.__code__.co_filename).parent.glob("*.py")))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code for a signature on this processor; None where it must be compiled."""
        target_context.refresh()
        name = self._file_name(sig, target_context)
        for folder in folders():
            payload = _read(folder / name)
            if payload is not None:
                _USED.add(folder / name)
                return _revive(target_context, *payload)
        if sys.stderr.isatty():
            sys.stderr.write("thighdx: compiling the fast engine, some seconds, once per installation ...\n")
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write machine code to the first folder that takes it; one warning where none does."""
        name = self._file_name(sig, data.target_context)
        content: bytes = _pickled(data._reduce())
        fault: OSError | None = None
        for folder in folders():
            try:
                _write(folder / name, content)
            except OSError as error:
                fault = error
            else:
                _USED.add(folder / name)
                return
        warnings.warn(
            f"the machine code of the compiled engine cannot be kept ({fault}), so that every process compiles it "
            f"for some seconds; set NUMBA_CACHE_DIR to a folder that can be written, or run `thighdx warm` as a "
            f"user who may write beside the package",
            UserWarning,
            stacklevel=2,
        )

    def _file_name(self, sig: Any, target_context: Any) -> str:
        """Name a file after everything its content depends on."""
        processor = target_context.codegen().magic_tuple()
        made_from = (
            numba.__version__,
            platform.python_version(),
            _digest(Path(__file__), *self._sources),
            str(sig),
            processor,
        )
        return f"{self._name}-{hashlib.sha256(repr(made_from).encode()).hexdigest()[:32]}{SUFFIX}"


@functools.cache
def _digest(*sources: Path) -> str:
    """Return a digest of the names and contents of source files."""
    digest = hashlib.sha256()
    for file in sources:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _read(file: Path) -> Any:
    """Return what a file holds; None where there is no such file, or it is not what was written."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    checksum, content = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
    return pickle.loads(content) if hashlib.sha256(content).digest() == checksum else None


def _write(file: Path, content: bytes) -> None:
    """Write a file; it appears complete or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(hashlib.sha256(content).digest() + content)
        Path(temporary).chmod(0o644)  # readable for whoever runs the image it is baked into
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
