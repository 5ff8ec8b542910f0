"""Where figures come from: processor, system, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["PACKAGES", "commit", "describe_machine", "versions"]

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "scikit-learn",
    "pgmpy",
    "pyagrum",
    "pomegranate",
    "torch",
)


def describe_machine() -> dict[str, str]:
    """Return what a figure must be read with, by name."""
    return {
        "machine": f"{processor()}, {n_processors()} processors, {platform.platform()}",
        "versions": ", ".join(f"{name} {number}" for name, number in versions().items()),
        "commit": commit(),
    }


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def n_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the version of Python and of every package that was timed or does the work."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def commit() -> str:
    """Return the commit of this checkout, with `-dirty` behind it if anything was changed."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
