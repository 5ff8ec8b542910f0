"""How long one answer takes: in a cold process, and in a warm one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import thighdx
from benchmarks.cohort import SETTING, cohort, encode, findings_of
from benchmarks.tables import Table, say
from thighdx.inference.batch import take_cases
from thighdx.inference.engine import infer

__all__ = ["measure_latency"]

N_CASES = 200
TRIES = 5
COLD = """
import json, sys
findings, setting = json.loads(sys.stdin.read())
import thighdx
result = thighdx.load_model().diagnose(findings, setting=setting)
print(json.dumps(result.posterior.to_dict()))
assert "numba" not in sys.modules, "a single case must not compile"
"""


def measure_latency() -> Table:
    """Time single cases of the standard cohort, each checked against the whole batch first."""
    say("single cases")
    model = thighdx.load_model()
    table = cohort(model, N_CASES)
    batch = encode(model, table)
    expected = infer(model.network, batch).posterior
    ones = [take_cases(batch, np.array([row])) for row in range(N_CASES)]
    findings = [findings_of(model, table, row) for row in range(N_CASES)]

    def inference(row: int) -> np.ndarray:
        return infer(model.network, ones[row]).posterior[0]

    def whole(row: int) -> pd.Series:
        return model.diagnose(findings[row], setting=SETTING).posterior

    for row in range(N_CASES):
        np.testing.assert_allclose(inference(row), expected[row], rtol=0, atol=1e-13)
        found = whole(row)[list(model.causes)].to_numpy()
        np.testing.assert_allclose(found, expected[row], rtol=0, atol=1e-12)
    say("cold processes")
    first = json.dumps([findings[0], SETTING])
    answer = dict(zip(model.causes, expected[0], strict=True))
    cold = np.array([[cold_answer(first, answer) for _ in range(TRIES)]])
    rows = (
        ("warm: inference alone", *summary(tries(inference)), "0.2 ms"),
        ("warm: `diagnose` and its posterior", *summary(tries(whole)), "1 ms"),
        ("cold: new process to first posterior", *summary(cold), "1.5 s"),
    )
    title = f"One case: {N_CASES} cases of the standard cohort, {TRIES} tries each; {TRIES} cold processes"
    return Table(title, ("", "median", "median of each case's best", "goal"), rows)


def tries(answer: Callable[[int], object]) -> np.ndarray:
    """Return seconds of every try of every case, as (n_cases, n_tries); no case comes twice in a row."""
    seconds = np.empty((N_CASES, TRIES))
    for attempt in range(TRIES):
        for row in range(N_CASES):
            start = time.perf_counter()
            answer(row)
            seconds[row, attempt] = time.perf_counter() - start
    return seconds


def cold_answer(first: str, expected: dict[str, float]) -> float:
    """Return seconds from starting Python to the posterior of one case."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", COLD], input=first, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    found = json.loads(done.stdout)
    assert all(abs(found[cause] - value) < 1e-12 for cause, value in expected.items())
    return seconds


def summary(seconds: np.ndarray) -> tuple[str, str]:
    """Return the median of all tries, and of the best of every case, which busy neighbors disturb least."""
    return shown(float(np.median(seconds))), shown(float(np.median(seconds.min(axis=1))))


def shown(seconds: float) -> str:
    """Return a time in a unit that suits it."""
    return f"{seconds:.2f} s" if seconds > 0.1 else f"{1e3 * seconds:.2f} ms"
