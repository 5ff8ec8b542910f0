"""`compiled.bin`: every fit and every solved parameter of a model's folder, as plain arrays.

It carries the digests of the tables and of the code it was made by, and is believed only while both are what they
were: then loading a model parses, fits and solves nothing.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from thighdx.compiled.compiled_model import CompiledModel, judged_by
from thighdx.errors import CompiledFileWarning, KnowledgeBaseError, Problem
from thighdx.kb.opened import manifest_from_plain, open_knowledge_base
from thighdx.kb.tables import COMPILED_FILE, digest_of, read_files
from thighdx.network.arrays import find_fault, network_from_arrays
from thighdx.packed import unpack

__all__ = ["COMPILED_FORMAT", "code_digest", "load_compiled", "open_compiled"]

COMPILED_FORMAT = 2
MAX_COMPILED_BYTES = 50_000_000

# What makes the numbers of a compiled file, from cells to solved parameters.
_MADE_BY = (
    "arrays.py",
    "compiled/compilation.py",
    "compiled/stored.py",
    *(
        f"elicitation/{name}.py"
        for name in (
            "compiled",
            "distribution",
            "fit",
            "judgements",
            "panel",
            "pool",
            "rows",
            "scales",
            "statements",
        )
    ),
    *(f"kb/{name}.py" for name in ("folder", "load", "manifest", "tables")),
    *(
        f"network/{name}.py"
        for name in ("arrays", "assemble", "blocks", "build", "explanations", "rebase", "solve")
    ),
)
# Of what `pack` was given, what `thighdx.elicitation.compiled` made.
_BELIEFS = ("point", "corrected_by", "n_beliefs", "expert", "family", "params", "is_filled")


@cache
def code_digest() -> str:
    """Return the SHA-256 of the source that fits and solves; empty where the source was not installed."""
    digest = hashlib.sha256()
    try:
        for name in _MADE_BY:
            text = (Path(__file__).parents[1] / name).read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{name}\n{len(text)}\n".encode() + text)
    except OSError:
        return ""
    return digest.hexdigest()


def load_compiled(path: str | Path) -> CompiledModel | None:
    """Load what was compiled from exactly these tables by exactly this code.

    Returns
    -------
    CompiledModel or None
        None where there is no compiled file, where it belongs to other tables or other code (which is warned
        about), and where the tables cannot be read, about which `thighdx.compiled.compilation.compile_model` says
        everything.

    Raises
    ------
    KnowledgeBaseError
        If the file is damaged, or holds what no knowledge base can have made.
    """
    folder, problems = Path(path), list[Problem]()
    file = folder / COMPILED_FILE
    if not file.is_file():
        return None
    files = read_files(folder, problems)
    if problems:
        return None
    plain, arrays = _read(folder, file)
    if plain.get("format") != COMPILED_FORMAT or code_digest() not in ("", plain.get("code")):
        _warn(folder, file, "was made by another version of thighdx")
        return None
    digest = digest_of(files)
    if plain.get("tables") != digest:
        _warn(folder, file, "was made from other tables")
        return None
    try:
        return open_compiled(plain, arrays, files)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        _refuse(folder, str(error))


def _read(folder: Path, file: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what is in the file, or refuse it."""
    try:
        size = file.stat().st_size
        if size > MAX_COMPILED_BYTES:
            _refuse(folder, f"got {size:,} bytes, expected at most {MAX_COMPILED_BYTES:,}")
        return unpack(file.read_bytes())
    except KnowledgeBaseError:
        raise
    except (OSError, ValueError) as error:
        _refuse(folder, str(error))


def _refuse(folder: Path, message: str) -> NoReturn:
    """Say that a file cannot be used, and what to do."""
    hint = f"run thighdx model build {folder}, or install thighdx again if the model came with it"
    raise KnowledgeBaseError(str(folder), [Problem(COMPILED_FILE, None, None, f"damaged: {message}", hint)])


def _warn(folder: Path, file: Path, what: str) -> None:
    """Say why loading takes long."""
    message = f"{file} {what}: fitted again in memory, at every start; run thighdx model build {folder}"
    warnings.warn(message, CompiledFileWarning, stacklevel=4)


def open_compiled(
    plain: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], files: Mapping[str, bytes]
) -> CompiledModel:
    """Return the model that a compiled file describes.

    Raises
    ------
    ValueError, KeyError, TypeError, IndexError, AttributeError
        If it describes none.
    """
    manifest = manifest_from_plain(plain["manifest"])
    spec, solved = network_from_arrays(plain["network"], arrays)
    shares = spec.shares.copy()
    for setting, named in manifest.rebased.items():
        for cause, share in named.items():
            shares[spec.settings.index(setting), spec.causes.index(cause)] = share
    rebased = replace(spec, shares=shares)
    if fault := find_fault(rebased, solved):
        raise ValueError(fault)
    if not np.isfinite(arrays["point"]).all():
        raise ValueError("a point value is not finite")
    kb = open_knowledge_base(manifest, plain["tables"], files)
    judged = judged_by({name: arrays[name] for name in _BELIEFS}, kb)
    return CompiledModel(kb, judged, rebased, solved, spec.shares, manifest.rebased)
