"""What a row costs a cluster: processor time of every process, a core at a time, from Parquet to Parquet."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import thighdx
from benchmarks.cohort import cohort
from benchmarks.tables import Table, number, say

__all__ = ["measure_cluster"]

BATCH = 10_000  # rows, as Spark and the reader of Parquet hand over
TOP = 3


def measure_cluster(n_rows: int) -> Table:
    """Score the same rows with `Scorer`, Dask and Spark; check that all say the same, then tell microseconds a row."""
    from pyspark.sql import SparkSession

    model = thighdx.load_model()
    scorer = thighdx.Scorer(model, top=TOP, n_threads=1)
    rows = []

    def add(name: str, work: Callable[[], object]) -> None:
        say(name)
        work()  # machine code, caches, the virtual machine's own compiler
        seconds = min(_spent(work) for _ in range(3))
        rows.append((name, number(1e6 * seconds / n_rows)))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, written = folder / "in.parquet", folder / "out.parquet"
        _write_text(source, model, n_rows)
        add("read Parquet into Arrow", lambda: pq.read_table(source))
        batches = pq.read_table(source).to_batches(BATCH)
        add("`Scorer`, Arrow in, Arrow out", lambda: [scorer(batch) for batch in batches])
        expected = pa.Table.from_batches([scorer(batch) for batch in batches])
        add("write Parquet", lambda: pq.write_table(expected, written, compression="zstd"))
        add("Dask, Parquet to Parquet", lambda: _run_dask(source, folder / "dask", scorer))
        _check(folder / "dask", expected)
        os.environ["PYSPARK_PYTHON"] = sys.executable
        spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        try:
            spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
            add("Spark, Parquet to Parquet", lambda: _run_spark(spark, source, folder / "spark", scorer))
        finally:
            spark.stop()
        _check(folder / "spark", expected)
        sizes = f"{source.stat().st_size / n_rows:,.0f} bytes a row in, {written.stat().st_size / n_rows:,.0f} out"
    notes = f"{n_rows:,} rows of {len(batches[0].column_names)} columns as text, `top={TOP}`; Parquet, zstd: {sizes}."
    return Table("A row on a cluster", ("step", "us of processor time"), tuple(rows), notes)


def _write_text(path: Path, model: thighdx.Model, n_rows: int) -> None:
    """Write simulated patients as clusters hold them: words as text."""
    known = cohort(model, n_rows)
    known = known[[name for name in known.columns if not name.startswith("true_")]].astype("string[pyarrow]")
    known.insert(0, "id", [f"P{row:09}" for row in range(n_rows)])
    table = pa.Table.from_pandas(known, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd")


def _run_dask(source: Path, target: Path, scorer: thighdx.Scorer) -> None:
    import dask
    import dask.dataframe as dd

    from thighdx.dask import score_dask

    with dask.config.set(scheduler="synchronous"):
        score_dask(dd.read_parquet(source), scorer).to_parquet(target, compression="zstd")


def _run_spark(spark: object, source: Path, target: Path, scorer: thighdx.Scorer) -> None:
    from thighdx.spark import score_spark

    frame = spark.read.parquet(str(source))  # type: ignore[attr-defined]  # a SparkSession
    score_spark(frame, scorer).write.mode("overwrite").option("compression", "zstd").parquet(str(target))


def _check(folder: Path, expected: pa.Table) -> None:
    """Compare what was written, rows in any order."""
    found = pq.read_table(folder).sort_by("id").select(expected.column_names)
    wanted = expected.sort_by("id")
    for name in expected.column_names:
        assert found[name].to_pylist() == wanted[name].to_pylist(), f"{folder.name}: {name} differs"


def _spent(work: Callable[[], object]) -> float:
    """Return the processor time of this process and all it has started while it works, in seconds."""
    before = _processor_time()
    work()
    return _processor_time() - before


def _processor_time() -> float:
    import psutil

    me = psutil.Process(os.getpid())
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    ended = me.cpu_times()
    return sum(time.user + time.system for time in times) + ended.children_user + ended.children_system
