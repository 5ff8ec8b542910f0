"""A compiled model from its folder: as it was compiled, or compiled here and now."""

from __future__ import annotations

from pathlib import Path

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.stored import load_compiled
from thighdx.errors import OptionError
from thighdx.notice import notice_if_slow

__all__ = ["read_compiled"]


def read_compiled(path: str | Path, *, max_causes: int | None = None) -> CompiledModel:
    """Return the model of a folder; see `thighdx.read_model`."""
    if max_causes is not None and (not isinstance(max_causes, int) or isinstance(max_causes, bool)):
        raise OptionError(f"max_causes: got {max_causes!r}, expected a whole number from 1 on")
    compiled = load_compiled(path)
    if compiled is None or max_causes not in (None, compiled.spec.max_causes):
        with notice_if_slow(f"thighdx: fitting and solving {path} ..."):
            return _compile(path, compiled, max_causes)
    return compiled


def _compile(path: str | Path, compiled: CompiledModel | None, max_causes: int | None) -> CompiledModel:
    """Work out what no compiled file holds."""
    from thighdx.compiled.compilation import (  # late: brings scipy; most have a file
        compile_model,
        recompile_for,
    )

    compiled = compiled or compile_model(path)
    return compiled if max_causes is None else recompile_for(compiled, max_causes)
