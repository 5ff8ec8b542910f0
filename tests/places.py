"""Where things lie in the checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ROOT", "SMALL"]

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    ROOT / "tests" / "models" / "small"
)  # a model of four causes that nothing changes; `kb_builder` copies it
