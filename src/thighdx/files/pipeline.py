"""A pipeline that reads, scores and writes at the same time, in order, with few batches in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from thighdx.processors import n_processors

__all__ = ["map_ordered", "share_processors"]

MAX_BATCHES = 4  # scored at once

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def map_ordered(
    work: Callable[[ItemT], ResultT], items: Iterator[ItemT], *, n_workers: int
) -> Generator[ResultT]:
    """Yield `work(item)` for every item in order, `n_workers` at a time, while another thread takes the next item.

    At most `n_workers` + 3 results and items are held. Stopping early starts nothing more and waits for nothing.

    Examples
    --------
    >>> list(map_ordered(abs, iter([-3, 2, -1]), n_workers=2))
    [3, 2, 1]
    """
    pending: deque[Future[ResultT]] = deque()
    reader, workers = ThreadPoolExecutor(1, "thighdx-reader"), ThreadPoolExecutor(n_workers, "thighdx-scorer")
    try:
        ahead = reader.submit(next, items, None)
        while (item := ahead.result()) is not None:
            ahead = reader.submit(next, items, None)
            pending.append(workers.submit(work, item))
            if len(pending) >= n_workers + 2:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for pool in (reader, workers):
            pool.shutdown(wait=False, cancel_futures=True)


def share_processors() -> tuple[int, int]:
    """Return how many batches are scored at once, and with how many threads each.

    A batch takes some 35 MB while it is scored, so their number is bounded and more processors share them.
    """
    n_batches = min(n_processors(), MAX_BATCHES)
    return n_batches, -(-n_processors() // n_batches)
