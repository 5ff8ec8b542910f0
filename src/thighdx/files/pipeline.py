"""Reading, scoring and writing at the same time, in order, with a bounded number of batches in memory."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

__all__ = ["in_background", "map_ordered"]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

READ_AHEAD = 2  # batches read and not yet handed to a worker
LOOK_SECONDS = 0.1  # how long a thread waits before it looks whether it is still wanted


class _End:
    """Comes after the last item, with the error that made it the last."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def in_background(items: Iterator[ItemT], *, ahead: int = READ_AHEAD) -> Generator[ItemT]:
    """Yield what an iterator yields, taken from it in another thread, at most `ahead` items early.

    Examples
    --------
    >>> list(in_background(iter(range(5))))
    [0, 1, 2, 3, 4]
    """
    found: queue.Queue[ItemT | _End] = queue.Queue(maxsize=ahead)
    is_over = threading.Event()

    def put(item: ItemT | _End) -> bool:
        while not is_over.is_set():
            try:
                found.put(item, timeout=LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    break
        except BaseException as caught:  # raised again where the items are wanted
            error = caught
        if hasattr(items, "close"):
            items.close()
        put(_End(error))

    thread = threading.Thread(target=run, name="thighdx-reader", daemon=True)
    thread.start()
    try:
        while True:
            item = found.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        is_over.set()


def map_ordered(
    work: Callable[[ItemT], ResultT], items: Iterator[ItemT], *, n_workers: int
) -> Generator[ResultT]:
    """Yield `work(item)` for every item in order, `n_workers` at a time.

    At most `n_workers` + 2 results and items are held, so memory does not grow with their number. Stopping
    early starts nothing more and waits for nothing.

    Examples
    --------
    >>> list(map_ordered(abs, iter([-3, 2, -1]), n_workers=2))
    [3, 2, 1]
    """
    pending: deque[Future[ResultT]] = deque()
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="thighdx-scorer")
    try:
        with closing(in_background(items)) as ready:
            for item in ready:
                pending.append(pool.submit(work, item))
                if len(pending) >= n_workers + 2:
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
