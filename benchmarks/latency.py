"""How long one answer takes, in a new process and in a warm one, and what a service holds that is ready."""

from __future__ import annotations

import json
import os
import resource
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
assert not {"numba", "scipy", "pydantic", "ruamel"} & set(sys.modules), "a single case needs none of these"
"""
IMPORT = "import thighdx"
COMMAND = """
import json, sys
findings, setting = json.loads(sys.stdin.read())
from thighdx.cli import main
sys.argv = ["thighdx", "diagnose", "--setting", setting, *(f"{name}={value}" for name, value in findings.items())]
main()
"""
READY = """
import thighdx
model = thighdx.load_model()
model.warm()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""
SCORE = """
import sys, tempfile
from pathlib import Path
import pyarrow as pa
import thighdx
if sys.argv[1] == "compiling":
    import thighdx.machine_code
    empty = Path(tempfile.mkdtemp())
    thighdx.machine_code.folders = lambda: iter([empty])
scorer = thighdx.Scorer(interval=0.9, triage=True, groups=True, n_threads=1)
scored = scorer(pa.record_batch({"onset": ["sudden"] * 100, "bruising": ["yes"] * 100}))
assert set(scored.column("status").to_pylist()) == {"ok"}
"""
# One thread, so that processor time is the same whatever else the machine does.
ALONE = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


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

    def alone(row: int) -> pd.DataFrame:
        return model.score(singles[row], setting=SETTING)

    def plain(row: int) -> dict[str, object]:
        return model.diagnose(findings[row], setting=SETTING).to_dict()

    evidence = table[[name for name in table.columns if name in model.variables]]
    singles = [evidence.iloc[[row]] for row in range(N_CASES)]
    for row in range(N_CASES):
        np.testing.assert_allclose(inference(row), expected[row], rtol=0, atol=1e-13)
        found = whole(row)[list(model.causes)].to_numpy()
        np.testing.assert_allclose(found, expected[row], rtol=0, atol=1e-12)
        found = alone(row)[list(model.causes)].to_numpy()[0]
        np.testing.assert_allclose(found, expected[row], rtol=0, atol=1e-12)
    say("cold processes")
    first = json.dumps([findings[0], SETTING])
    answer = dict(zip(model.causes, expected[0], strict=True))
    cold = np.array([[cold_answer(first, answer) for _ in range(TRIES)]])
    bare = min(processor_seconds("pass")[0] for _ in range(TRIES))
    imports = np.array([[processor_seconds(IMPORT)[0] - bare for _ in range(TRIES)]])
    command = np.array([[processor_seconds(COMMAND, first)[0] for _ in range(TRIES)]])
    compiling, compiled = (
        np.array([[processor_seconds(SCORE, arguments=(how,))[0] for _ in range(TRIES)]])
        for how in ("compiling", "compiled")
    )
    ready = int(processor_seconds(READY)[1]) / 1024
    rows = (
        ("warm: inference alone", *summary(tries(inference)), "0.2 ms"),
        ("warm: `diagnose` and its posterior", *summary(tries(whole)), "1 ms"),
        ("warm: table of one row", *summary(tries(alone)), "10 ms"),
        ("warm: `diagnose` and `to_dict`", *summary(tries(plain)), "10 ms"),
        ("new process: `import thighdx`", *summary(imports), "0.05 s"),
        ("new process: import, load, `diagnose`, posterior", *summary(cold), "0.8 s"),
        ("new process: `thighdx diagnose`", *summary(command), "1.5 s"),
        ("new process: all a table can be asked, compiling", *summary(compiling), "5 s to compile"),
        ("new process: the same, compiled before", *summary(compiled), ""),
        (f"resident after `warm()` of {len(model.settings)} settings", f"{ready:.0f} MiB", "", "250 MiB"),
    )
    title = f"One case: {N_CASES} cases of the standard cohort, {TRIES} tries each; {TRIES} new processes"
    notes = "New processes: processor time of one thread, the start of Python included except for the import."
    return Table(title, ("", "median", "median of each case's best", "goal"), rows, notes)


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
    """Return processor seconds from starting Python to the posterior of one case."""
    seconds, output = processor_seconds(COLD, first)
    found = json.loads(output)
    assert all(abs(found[cause] - value) < 1e-12 for cause, value in expected.items())
    return seconds


def processor_seconds(code: str, given: str = "", *, arguments: tuple[str, ...] = ()) -> tuple[float, str]:
    """Run code in a new process; return the processor seconds it took, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        env=ALONE,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, done.stdout


def summary(seconds: np.ndarray) -> tuple[str, str]:
    """Return the median of all tries, and of the best of every case, which busy neighbors disturb least."""
    return shown(float(np.median(seconds))), shown(float(np.median(seconds.min(axis=1))))


def shown(seconds: float) -> str:
    """Return a time in a unit that suits it."""
    return f"{seconds:.2f} s" if seconds > 0.1 else f"{1e3 * seconds:.2f} ms"
