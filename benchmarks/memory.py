"""Memory that scoring takes beyond input and output: the highest resident set of a process of its own."""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.tables import Table, number, say

__all__ = ["measure_memory"]

SIZES = (50_000, 400_000)
MIB = 2**20
STATUS = Path("/proc/self/status")
# Writing 5 sets the highest resident set back to the present one (proc(5)).
FORGET = Path("/proc/self/clear_refs")


def measure_memory(sizes: tuple[int, ...] = SIZES) -> Table:
    """Score tables of several sizes, each in a process that does nothing else."""
    title, columns = "Memory of `score`", ("causes at once", "input", "output", "beyond both, at most")
    if not FORGET.exists():
        return Table(title, columns, (), f"Not measured: there is no {FORGET} on this system.")
    rows = []
    for max_causes in (2, 3):
        for n_rows in sizes:
            say(f"memory of {n_rows:,} rows, up to {max_causes} causes")
            command = [sys.executable, "-m", "benchmarks.memory", str(n_rows), str(max_causes)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            label = f"{max_causes}, {n_rows:,} rows"
            rows.append((label, *(f"{number(found[part])} MiB" for part in ("input", "output", "beyond"))))
    notes = "Goal: under 300 MiB whatever the rows. The model and its tables are there before."
    return Table(title, columns, tuple(rows), notes)


def serve(n_rows: int, max_causes: int) -> None:
    """Print what scoring took, in MiB."""
    import thighdx
    from benchmarks.cohort import cohort

    model = thighdx.load_model(max_causes=max_causes)
    model.score(cohort(model, 3_000))  # tables, machine code, threads
    table = cohort(model, n_rows)
    give_back()
    FORGET.write_text("5", encoding="ascii")
    before = resident("VmRSS")
    scored = model.score(table)
    peak = resident("VmHWM")
    new = scored[[name for name in scored.columns if name not in table.columns]]
    assert (new["status"] == "ok").all()
    output = int(new.memory_usage(index=False).sum())
    found = {
        "input": int(table.memory_usage(index=False).sum()) / MIB,
        "output": output / MIB,
        "beyond": (peak - before - output) / MIB,
    }
    print(json.dumps(found))


def give_back() -> None:
    """Return freed memory to the system, lest scoring reuses it unseen."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident(name: str) -> int:
    """Return a line of /proc/self/status in bytes."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
