"""Lines of Python in an interpreter that has imported nothing yet."""

from __future__ import annotations

import subprocess
import sys

__all__ = ["printed_by"]


def printed_by(code: str) -> str:
    """What a program prints; an error of its own fails the test."""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
