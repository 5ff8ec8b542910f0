"""Whether a picture looks as it did: compared with a small PNG, whatever the version of the font engine."""

from __future__ import annotations

import io
import os
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

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
BLUR = 1.5  # pixels
COARSE = 2  # pixels: one in so many is compared, for speed
REACH = 2  # of these: within which the like of a pixel is looked for
TOLERANCE = 0.01
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
    """Root mean square difference between two blurred pictures, each pixel against the nearest like it.

    1.0 where their sizes differ. The same picture drawn again differs by 0.0005, by matplotlib 3.8 in place of 3.11 by
    up to 0.017; a bar of a waterfall that is gone by 0.018, one moved by 2 decibans by 0.05.
    """
    from matplotlib.image import imread

    a, b = (np.asarray(imread(path), dtype=np.float32)[..., :3] for path in (one, other))
    if max(abs(m - n) for m, n in zip(a.shape, b.shape, strict=True)) > MOST_PIXELS:
        return 1.0
    rows, columns = (min(m, n) for m, n in zip(a.shape[:2], b.shape[:2], strict=True))
    a, b = (gaussian_filter(item[:rows, :columns], (BLUR, BLUR, 0))[::COARSE, ::COARSE] for item in (a, b))
    nearest = np.full(a.shape, np.inf, dtype=np.float32)
    for down, right in product(range(-REACH, REACH + 1), repeat=2):
        np.minimum(nearest, np.abs(a - np.roll(b, (down, right), (0, 1))), out=nearest)
    return float(np.sqrt(np.mean(nearest**2)))


def write_picture(figure: Any, path: Path) -> None:
    """Write a small PNG, with a palette: some 15 kB."""
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, facecolor=figure.get_facecolor(), format="png")
    with Image.open(buffer) as drawn:
        drawn.convert("RGB").quantize(N_COLORS, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
