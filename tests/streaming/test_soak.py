"""Many threads and processes score at once, and every answer is the one a single thread gives."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from streaming_tables import TINY, patients
from thighdx.scorer import Scorer

# A minute where there is time for it; the default only shows that the test works.
SECONDS = float(os.environ.get("THIGHDX_SOAK_SECONDS", "3"))
N_THREADS = 8
N_BATCHES = 20
GROWTH_BYTES = 150_000_000  # of memory allowed after the first round: allocators keep what threads have used

WORKER = """
import pickle, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

scorer, batches, answers = pickle.loads(Path(sys.argv[1]).read_bytes())
same_bytes = lambda batch: batch.serialize().to_pybytes()

def memory():
    fields = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in fields if line.startswith("RssAnon"))

def check(position):
    return same_bytes(scorer(batches[position])) == answers[position]

with ThreadPoolExecutor(int(sys.argv[3])) as pool:
    first, n_right, deadline = None, 0, time.monotonic() + float(sys.argv[2])
    while time.monotonic() < deadline:
        right = list(pool.map(check, range(len(batches))))
        if not all(right):
            sys.exit(1)
        n_right += len(right)
        first = first or memory()
print(n_right, memory() - first)
"""


def test_threads_and_processes_give_what_one_thread_gives(tmp_path: Path) -> None:
    scorer = Scorer(TINY, n_threads=1, groups=True, top=2)
    batches = [
        pa.RecordBatch.from_pandas(patients(700, seed=seed).to_pandas(), preserve_index=False)
        for seed in range(N_BATCHES)
    ]
    answers = [scorer(batch).serialize().to_pybytes() for batch in batches]
    (tmp_path / "work").write_bytes(pickle.dumps((scorer, batches, answers)))
    command = [sys.executable, "-c", WORKER, str(tmp_path / "work"), str(SECONDS), str(N_THREADS)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    deadline = time.monotonic() + SECONDS
    with ThreadPoolExecutor(N_THREADS) as pool:
        while time.monotonic() < deadline:
            found = pool.map(lambda batch: scorer(batch).serialize().to_pybytes(), batches)
            assert list(found) == answers
    for process in processes:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        n_right, growth = map(int, said.split())
        assert n_right >= N_BATCHES
        assert growth < GROWTH_BYTES
