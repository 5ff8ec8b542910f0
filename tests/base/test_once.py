"""What is made once, whoever asks and however many."""

from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from thighdx.once import Once


def test_many_threads_make_one_value() -> None:
    made: list[object] = []
    start = threading.Barrier(8)

    def make() -> object:
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    once = Once(make)

    def ask(_: int) -> object:
        start.wait()
        return once()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(8)))
    assert len(made) == 1
    assert found == set(made)


def test_none_is_a_value_too() -> None:
    made: list[None] = []
    once = Once(lambda: made.append(None))
    assert (once(), once()) == (None, None)
    assert len(made) == 1


def test_what_could_not_be_made_is_tried_again() -> None:
    answers = iter([ValueError("not yet"), 7])

    def make() -> int:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    once = Once(make)
    with pytest.raises(ValueError, match="not yet"):
        once()
    assert once() == 7


def test_a_value_that_needs_itself_raises_instead_of_hanging() -> None:
    once: Once[int] = Once(lambda: once() + 1)
    with pytest.raises(RecursionError, match="recursion"):
        once()


def test_it_travels_as_the_way_it_is_made() -> None:
    once = Once(partial(sorted, [3, 1, 2]))
    assert once() == [1, 2, 3]
    again = pickle.loads(pickle.dumps(once))
    assert again() == [1, 2, 3]
    assert again() is not once()
