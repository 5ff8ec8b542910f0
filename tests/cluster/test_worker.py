"""What workers share: a machine compiles once, and nothing depends on the lock."""

from __future__ import annotations

import fcntl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

import thighdx
from thighdx.worker import alone_on_this_machine, score_quietly

TINY = Path(__file__).parents[1] / "models" / "tiny"


def test_whoever_comes_second_waits_for_the_first() -> None:
    is_inside, may_leave = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with alone_on_this_machine():
            is_inside.set()
            assert may_leave.wait(60)
            order.append("first")

    def second() -> None:
        with alone_on_this_machine():
            order.append("second")

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(first)]
        assert is_inside.wait(60)
        running.append(pool.submit(second))
        assert not running[1].done()
        may_leave.set()
        for each in running:
            each.result()
    assert order == ["first", "second"]


def test_a_file_system_without_locks_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr("thighdx.worker._PREPARED", set())
    batch = pa.record_batch({"bruising": ["yes"]})
    scorer = thighdx.Scorer(TINY)
    assert score_quietly(scorer, batch).equals(scorer(batch))
