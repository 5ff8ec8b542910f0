"""A notice for a person at a terminal who waits; a file or a pipe gets none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["notice_if_slow"]

PATIENCE_SECONDS = 2.0


@contextmanager
def notice_if_slow(message: str) -> Iterator[None]:
    """Write `message` to standard error if the block takes over two seconds and a person is watching."""
    if not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(PATIENCE_SECONDS, sys.stderr.write, [f"{message}\n"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
