"""Processor time of credible intervals: a row of a table, and the first of a new process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import thighdx
from benchmarks.cohort import COHORTS, cohort, encode
from benchmarks.tables import Table, say
from thighdx.reasoning.intervals.table_intervals import table_intervals

__all__ = ["report_interval_times"]

LEVEL = 0.9
REPEATS = 5
FIRST = """
import time, thighdx
model = thighdx.load_model()
result = model.diagnose({"sex": "female", "age": 45, "onset": "sudden", "bruising": True, "numbness": False})
result.posterior
table = model.simulate(300, seed=1)[list(model.variables)]
model.score(table)
start = time.process_time()
%s
print(time.process_time() - start)
"""
TASKS = {
    "one case, delta": "result.interval(0.9, method='delta')",
    "one case, auto": "result.interval(0.9)",
    "a table of 300 rows, everything known": "model.score(table, interval=0.9, n_threads=1)",
}


def report_interval_times(n_rows: int) -> Iterator[Table]:
    """Yield milliseconds a row by number of causes and cohort, and seconds of the first interval of a process."""
    rows = []
    for max_causes, names in ((2, tuple(COHORTS)), (3, ("standard",))):
        model = thighdx.load_model(max_causes=max_causes)
        n = n_rows if max_causes == 2 else max(1, n_rows // 50)
        for name in names:
            say(f"intervals: {name}, up to {max_causes} causes")
            batch = encode(model, cohort(model, n, known=COHORTS[name]))
            times = []
            for _ in range(REPEATS + 1):
                start = time.process_time()
                table_intervals(model.network, model.compiled.pooled, batch, LEVEL, n_threads=1)
                times.append(time.process_time() - start)
            least = 1e3 * min(times[1:]) / n
            rows.append(
                (f"{name}, up to {max_causes}", f"{n:,}", f"{1e3 * times[0] / n:.2f}", f"{least:.2f}")
            )
    columns = ("cohort, causes at once", "rows", "first table, ms a row", "later, ms a row")
    yield Table("Intervals of a table: processor time of one thread", columns, tuple(rows))
    firsts = tuple((name, f"{_first(task):.2f}") for name, task in TASKS.items())
    yield Table(
        "The first intervals of a new process, model loaded and posteriors known",
        ("what", "seconds of processor time"),
        firsts,
    )


def _first(task: str) -> float:
    """Return what a task takes in a new process."""
    code = FIRST % task
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])
