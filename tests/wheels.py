"""Building the wheel and running what it holds, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from places import ROOT

__all__ = ["build_wheel", "run_away", "unpack"]


def run_away(*command: str, cwd: Path) -> str:
    """Run a command away from the checkout's `src`; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build_wheel(out: Path) -> Path:
    """Build the wheel with the backend that pyproject.toml names, which needs no network."""
    code = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    run_away(sys.executable, "-c", code, str(out), cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


def unpack(wheel: Path, target: Path) -> Path:
    """Unpack a wheel into a folder to be put on the path; one of pure Python needs no more."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target
