"""The number of processors that this process may use."""

from __future__ import annotations

import os

__all__ = ["n_processors"]


def n_processors() -> int:
    """Return how many processors this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
