"""Where things lie in the checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ROOT", "TINY"]

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests" / "models" / "tiny"  # a model of three causes that nothing changes; copy it to break it
