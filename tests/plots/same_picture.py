"""Whether a picture looks as it did: compared with a small PNG, whatever the version of the font engine."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "BASELINE",
    "LARGEST",
    "TOLERANCE",
    "assert_same_picture",
    "compare_with_baseline",
    "difference",
    "write_picture",
]

BASELINE = Path(__file__).parent / "baseline"
UPDATE = os.environ.get("THIGHDX_UPDATE_GOLDEN") == "1"
DPI = 60
N_COLORS = 48
BLOCK = 6  # pixels: means over blocks are hardly touched by the hinting of letters
TOLERANCE = 0.035  # of the root mean square difference between blocks; 1 is black on white
MOST_PIXELS = 6  # by which sizes may differ, for heights follow from measured words
LARGEST = 60_000  # bytes


def assert_same_picture(figure: Any, name: str, folder: Path) -> None:
    """Compare with ``baseline/<name>.png``; THIGHDX_UPDATE_GOLDEN=1 writes it anew."""
    if UPDATE:
        write_picture(figure, BASELINE / f"{name}.png")
    compare_with_baseline(figure, name, folder)


def compare_with_baseline(figure: Any, name: str, folder: Path) -> None:
    """Fail with how much a picture differs from its baseline."""
    path = BASELINE / f"{name}.png"
    if not path.exists():
        raise AssertionError(
            f"{path.name}: no baseline; make it with THIGHDX_UPDATE_GOLDEN=1, and look at it"
        )
    drawn = folder / f"{name}.png"
    write_picture(figure, drawn)
    found = difference(drawn, path)
    if found >= TOLERANCE:
        raise AssertionError(f"{name}: differs by {found:.3f} from {path}; look at {drawn}")


def difference(one: Path, other: Path) -> float:
    """Root mean square difference between blocks of two pictures, 1.0 where their sizes differ."""
    from matplotlib.image import imread

    a, b = (np.asarray(imread(path), dtype=np.float64)[..., :3] for path in (one, other))
    if max(abs(m - n) for m, n in zip(a.shape, b.shape, strict=True)) > MOST_PIXELS:
        return 1.0
    rows, columns = (min(m, n) // BLOCK * BLOCK for m, n in zip(a.shape[:2], b.shape[:2], strict=True))
    means = [
        item[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK, 3).mean(axis=(1, 3))
        for item in (a, b)
    ]
    return float(np.sqrt(np.mean((means[0] - means[1]) ** 2)))


def write_picture(figure: Any, path: Path) -> None:
    """Write a small PNG, with a palette: some 15 kB."""
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, facecolor=figure.get_facecolor(), format="png")
    with Image.open(buffer) as drawn:
        drawn.convert("RGB").quantize(N_COLORS).save(path, optimize=True)
