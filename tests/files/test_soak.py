"""Load: threads and processes at once, every answer checked bit for bit, memory flat.

``THIGHDX_SOAK_SECONDS`` sets for how long; the suite takes two seconds, CI a minute.
"""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import cycle, islice

import pandas as pd
import psutil
import pyarrow as pa
import pytest

import thighdx

SECONDS = float(os.environ.get("THIGHDX_SOAK_SECONDS", "2"))
THREADS = (8, 1, 1)  # of each process
N_ROWS = 1_000

# How much larger a process may be at the end than after its warm-up. One thread added 0.1 MB; a table given back
# is some 400 KB, and a minute has dozens, so forgetting every second one would be seen. Eight threads are at work on
# eight answers at once, and how their small objects lie between one another goes on moving by tens of megabytes.
MAY_GROW = {1: 6 * 2**20, 8: 96 * 2**20}

# One heap instead of one per thread, and what is large goes back to the system at once: without this, eight heaps fill
# up one by one to the largest answer ever made in each, for minutes, which cannot be told from a leak.
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}

CASES = (
    {"onset": "sudden", "bruising": True, "age": 34},
    {"muscle_cramp": True, "nocturnal_onset": True, "numbness": False},
    {"onset": {"gradual": 0.1, "subacute": 0.2, "sudden": 0.7}, "age": 71},
    {},
)

Answers = dict[str, str]
Jobs = dict[str, Callable[[], str]]


def make_jobs() -> Jobs:
    """What is asked, by name; each gives a digest of every bit of the answer."""
    model = thighdx.load_model()
    table = model.simulate(N_ROWS, seed=3)
    batch = pa.RecordBatch.from_pandas(table, preserve_index=False)
    plain, threaded = (
        thighdx.Scorer(model, top=2),
        thighdx.Scorer(model, groups=True, n_threads=2),
    )

    return {
        "score": lambda: digest_of(pa.Table.from_pandas(model.score(table, groups=True))),
        "score with urgency": lambda: digest_of(pa.Table.from_pandas(model.score(table[:20], triage=True))),
        "scorer": lambda: digest_of(plain(batch)),
        "scorer with groups and two threads": lambda: digest_of(threaded(batch.slice(0, 50))),
        **{f"diagnose {n}": lambda case=case: model.diagnose(case).to_json() for n, case in enumerate(CASES)},
    }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of(table: pa.Table | pa.RecordBatch) -> str:
    """The digest of a table as it would be sent."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write(table)
    return digest(sink.getvalue().to_pybytes())


def differences(answer: object, expected: object, place: str = "") -> list[str]:
    """What differs between two answers, by place: every number of a case, the digest of a table."""
    if isinstance(answer, dict) and isinstance(expected, dict):
        keys = dict.fromkeys([*answer, *expected])
        return [
            line for key in keys for line in differences(answer.get(key), expected.get(key), f"{place}.{key}")
        ]
    if isinstance(answer, list) and isinstance(expected, list) and len(answer) == len(expected):
        pairs = enumerate(zip(answer, expected, strict=True))
        return [line for n, pair in pairs for line in differences(*pair, f"{place}[{n}]")]
    return [] if answer == expected else [f"{place}: got {answer!r}, expected {expected!r}"]


def check(name: str, answer: str, expected: str) -> None:
    """Refuse an answer that is not the expected one to the last bit, and say where it is another."""
    if answer == expected:
        return
    is_case = answer.startswith("{")
    found = (
        differences(json.loads(answer), json.loads(expected)) if is_case else [f"{answer} is not {expected}"]
    )
    raise AssertionError("\n".join([f"{name}: {len(found)} differences", *found[:50]]))


def answer_until(end: float, jobs: Jobs, expected: Answers, first: int, at_least: int) -> Counter[str]:
    """Ask again and again, job after job; return how often."""
    asked: Counter[str] = Counter()
    for name in islice(cycle(jobs), first, None):
        if time.monotonic() >= end and asked.total() >= at_least:
            return asked
        check(name, jobs[name](), expected[name])
        asked[name] += 1
    raise AssertionError("there are no jobs")


def size() -> int:
    """The memory this process holds."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    return int(psutil.Process().memory_info().rss)


def soak(n_threads: int, seconds: float, expected: Answers) -> tuple[Counter[str], int]:
    """Keep threads busy; return how often each job was done, and what memory grew by after the warm-up."""
    jobs = make_jobs()
    at_least = -(-len(jobs) // n_threads)  # however slow the machine, every job is done by some thread
    asked: Counter[str] = Counter()
    with ThreadPoolExecutor(n_threads) as pool:
        for share in (0.4, 0.6):
            before = size()
            end = time.monotonic() + share * seconds
            firsts = range(0, n_threads * at_least, at_least)
            for done in [pool.submit(answer_until, end, jobs, expected, n, at_least) for n in firsts]:
                asked += done.result()
        return asked, size() - before


def test_threads_and_processes_give_the_answers_of_one_thread_and_memory_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = {name: job() for name, job in make_jobs().items()}
    for name, value in ALLOCATOR.items():
        monkeypatch.setenv(name, value)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(THREADS), mp_context=spawn) as processes:
        running = [processes.submit(soak, n_threads, SECONDS, expected) for n_threads in THREADS]
        found = [each.result() for each in running]
    for n_threads, (asked, grown) in zip(THREADS, found, strict=True):
        assert set(asked) == set(expected)
        assert min(asked.values()) >= 2
        assert grown < MAY_GROW[n_threads]


def test_the_digest_sees_one_bit() -> None:
    table = pa.Table.from_pandas(pd.DataFrame({"p": [0.5, 0.25]}))
    other = pa.Table.from_pandas(pd.DataFrame({"p": [0.5, 0.25000000000000006]}))
    assert digest_of(table) != digest_of(other)


def test_a_difference_is_shown_where_it_is() -> None:
    case = {"posterior": {"strain": 0.5}, "level": "soon", "reasons": [1.0, None]}
    said = json.dumps(case)
    check("diagnose", said, json.dumps(case))
    other = {"posterior": {"strain": 0.5000000000000001}, "level": "soon", "reasons": [1.0, "x"]}
    with pytest.raises(AssertionError, match="diagnose: 2 differences") as caught:
        check("diagnose", json.dumps(other), said)
    assert str(caught.value).splitlines()[1:] == [
        ".posterior.strain: got 0.5000000000000001, expected 0.5",
        ".reasons[1]: got 'x', expected None",
    ]
    with pytest.raises(AssertionError, match="score: 1 differences"):
        check("score", digest(b"a"), digest(b"b"))
