"""`thighdx warm`: compile ahead, for images and first users."""

from __future__ import annotations

import typer

from thighdx.cli.output import say

__all__ = ["warm"]


def warm() -> None:
    """Compile everything that scoring a table needs, and keep it for whoever scores the first one.

    For building images: the machine code lies beside the package if that can be written, else in the user's
    cache folder, and in NUMBA_CACHE_DIR if that is set.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    from thighdx.machine_code import kept_files
    from thighdx.scoring.scorer import Scorer

    row = pa.record_batch({"setting": pa.array([None], type=pa.string())})
    Scorer(interval=0.9, triage=True, groups=True).score_batch(row)
    files = kept_files()
    for file in files:
        say(f"{file} ({file.stat().st_size / 1024:.0f} KiB)")
    if not files:
        say("thighdx: nothing could be kept; set NUMBA_CACHE_DIR to a folder that can be written")
        raise typer.Exit(1)
