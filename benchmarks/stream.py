"""Score a long table from file to file and print what it takes: memory, rows per second, and what limits them.

Run as ``python -m benchmarks.stream --rows 20000000``. The table is simulated once, 200,000 patients with part
of what is known hidden, and repeated under new ids until it is long enough. No row repeats within a batch, so
nothing is saved by inferring it once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import thighdx
from benchmarks.cohort import cohort, encode
from thighdx.inference.kernel import infer_compiled

SIMULATED = 200_000
ROW_GROUP = 100_000


def write_table(path: Path, model: thighdx.Model, n_rows: int) -> None:
    """Write patients to Parquet or CSV."""
    known = cohort(model, min(SIMULATED, n_rows))
    evidence = known[[name for name in known.columns if not name.startswith("true_")]]
    table = pa.Table.from_pandas(evidence, preserve_index=False).replace_schema_metadata(None)
    n_written = 0
    writer = None
    while n_written < n_rows:
        part = table.slice(0, min(len(table), n_rows - n_written))
        ids = pa.array([f"P{row:09}" for row in range(n_written, n_written + len(part))])
        part = part.add_column(0, "id", ids)
        if writer is None:
            is_csv = path.suffix == ".csv"
            writer = pa_csv.CSVWriter(path, part.schema) if is_csv else pq.ParquetWriter(path, part.schema)
        if path.suffix == ".csv":
            texts = [column.cast(pa.string()) for column in part.columns]
            part = pa.table(texts, names=part.column_names)
            if n_written == 0:
                writer.close()
                writer = pa_csv.CSVWriter(path, part.schema)
            writer.write_table(part)
        else:
            writer.write_table(part, row_group_size=ROW_GROUP)
        n_written += len(part)
    if writer is not None:
        writer.close()


def private_memory(pid: int) -> int:
    """Return the bytes of memory of a process that are its own, not pages of files it has mapped."""
    fields = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in fields if line.startswith("RssAnon"))


def watch(process: subprocess.Popen[bytes], seen: list[int]) -> None:
    """Note the memory of a process ten times a second."""
    while process.poll() is None:
        try:
            seen.append(private_memory(process.pid))
        except (FileNotFoundError, StopIteration, ProcessLookupError):
            return
        time.sleep(0.1)


def score(source: Path, output: Path, words: list[str]) -> tuple[dict[str, object], float, list[int]]:
    """Score in a process of its own; return its report, processor seconds and memory over time."""
    report = output.with_suffix(".json")
    code = "from thighdx.cli import main; main()"
    command = [sys.executable, "-c", code, "score", str(source), "-o", str(output), "-q", "--restart"]
    seen: list[int] = []
    before = os.times()
    process = subprocess.Popen([*command, "--report", str(report), *words])
    watcher = threading.Thread(target=watch, args=(process, seen))
    watcher.start()
    if process.wait() != 0:
        raise SystemExit(f"thighdx score ended with {process.returncode}")
    watcher.join()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(report.read_text()), used, seen


def inference_only(model: thighdx.Model) -> float:
    """Return rows per second of inference alone, every core used, nothing read or written."""
    batch = encode(model, cohort(model, 50_000))
    infer_compiled(model.network, batch)
    started = time.perf_counter()
    infer_compiled(model.network, batch)
    return batch.n_cases / (time.perf_counter() - started)


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--input", default="parquet", choices=["parquet", "csv"])
    parser.add_argument("--output", default="parquet", choices=["parquet", "csv", "csv.gz", "arrow"])
    parser.add_argument("--folder", type=Path, default=None, help="where to write; default: temporary")
    parser.add_argument("words", nargs="*", help="further options of thighdx score, after --")
    chosen = parser.parse_args()
    model = thighdx.load_model()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        source, output = Path(folder) / f"in.{chosen.input}", Path(folder) / f"out.{chosen.output}"
        write_table(source, model, chosen.rows)
        report, used, memory = score(source, output, chosen.words)
        alone = inference_only(model)
        seconds, start_up = (report["seconds"][name] for name in ("scoring", "start_up"))  # type: ignore[index]  # JSON
        quarter = max(1, len(memory) // 4)
        print(f"rows                    {chosen.rows:14,}")
        print(
            f"input, output           {source.stat().st_size / 1e6:10,.0f} MB, {output.stat().st_size / 1e6:,.0f} MB"
        )
        print(f"start-up                {start_up:14.1f} s")
        print(f"scoring                 {seconds:14.1f} s")
        print(f"processor time          {used:14.1f} s on {len(os.sched_getaffinity(0))} cores")
        print(f"end to end              {chosen.rows / seconds:14,.0f} rows/s")
        print(f"per processor second    {chosen.rows / used:14,.0f} rows/s")
        print(f"inference alone         {alone:14,.0f} rows/s")
        print(f"limited by              {report['limited_by']:>14}")
        print(f"peak memory             {max(memory) / 2**20:14,.0f} MiB")
        print(f"  in the second quarter {max(memory[quarter : 2 * quarter], default=0) / 2**20:14,.0f} MiB")
        print(f"  in the last quarter   {max(memory[3 * quarter :], default=0) / 2**20:14,.0f} MiB")


if __name__ == "__main__":
    main()
