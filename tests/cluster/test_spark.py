"""Spark: a standalone cluster with two workers gives the same bits as this process, killed workers included."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import thighdx
from cluster.cluster_patients import assert_same_bits, linger_batches, make_patients, scored_here, wait_for
from places import SMALL
from thighdx.cluster.spark import score_spark
from thighdx.errors import TableError

pytestmark = [
    pytest.mark.java,
    # Only Arrow goes between Spark and thighdx, whatever pandas there is.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

OPTIONS: dict[str, Any] = {"top": 2, "groups": True}
HOST = "127.0.0.1"
FAST_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
DEPLOY = "org.apache.spark.deploy"


def environment() -> dict[str, str]:
    """What the processes of the cluster need to find Spark, thighdx and these tests."""
    import pyspark

    own = [Path(thighdx.__file__).parents[1], Path(__file__).parents[1]]
    return {
        **os.environ,
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": FAST_START,
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(map(str, own)),
    }


def start(what: str, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the master or a worker."""
    spark_class = Path(environment()["SPARK_HOME"]) / "bin" / "spark-class"
    command = [str(spark_class), f"{DEPLOY}.{what}", "--host", HOST, "--webui-port", "0", *arguments]
    with log.open("wb") as lines:
        return subprocess.Popen(
            command, env=environment(), stdout=lines, stderr=subprocess.STDOUT, cwd=log.parent
        )


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster with two workers of a core each."""
    folder = tmp_path_factory.mktemp("spark")
    port = str(free_port())
    url = f"spark://{HOST}:{port}"
    own = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / "work")]
    logs = [folder / f"{name}.log" for name in ("master", "worker1", "worker2")]
    running = [start("master.Master", logs[0], "--port", port)]
    try:
        wait_for(lambda: b"I have been elected leader" in logs[0].read_bytes(), "no master")
        running += [start("worker.Worker", log, *own, url) for log in logs[1:]]
        for log in logs[1:]:
            wait_for(lambda log=log: b"Successfully registered" in log.read_bytes(), "no worker")
        yield url
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def spark(master: str) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    before = dict(os.environ)
    os.environ.update(environment())
    session = (
        SparkSession.builder.master(master)
        .config("spark.driver.host", HOST)
        .config("spark.driver.memory", "512m")
        .config("spark.executor.memory", "512m")
        .config("spark.executorEnv.PYTHONPATH", environment()["PYTHONPATH"])
        .config("spark.executor.extraJavaOptions", FAST_START)
        .config("spark.sql.files.maxPartitionBytes", "64k")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "70")
        .getOrCreate()
    )
    try:
        yield session
    finally:
        session.stop()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def patients(model: thighdx.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six parts."""
    folder = tmp_path_factory.mktemp("patients")
    table = pa.Table.from_pandas(make_patients(model, 600), preserve_index=False)
    for part in range(6):
        pq.write_table(table.slice(part * 100, 100), folder / f"{part}.parquet")
    return folder


@pytest.fixture(scope="module")
def expected(model: thighdx.Model) -> pa.Table:
    return scored_here(make_patients(model, 600), **OPTIONS)


def write_and_read(scored: Any, folder: Path) -> pa.Table:
    """Let the cluster write, and read it here."""
    scored.write.parquet(str(folder))
    return pq.read_table(folder)


def test_two_workers_give_the_bits_of_one_process(
    spark: Any, patients: Path, expected: pa.Table, tmp_path: Path
) -> None:
    frame = spark.read.parquet(str(patients))
    assert frame.rdd.getNumPartitions() > 2
    assert_same_bits(write_and_read(score_spark(frame, **OPTIONS), tmp_path / "scored"), expected)
    assert spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() == 3  # the driver and two executors


def executor_of(pid: int) -> int:
    """The executor whose daemon started a python worker."""
    return next(p.pid for p in psutil.Process(pid).parents() if "java" in p.name())


@pytest.mark.parametrize("victim", [int, executor_of], ids=["python worker", "executor"])
def test_what_is_killed_in_the_middle_changes_nothing(
    spark: Any,
    patients: Path,
    expected: pa.Table,
    tmp_path: Path,
    victim: Callable[[int], int],
) -> None:
    frame = spark.read.parquet(str(patients))
    slow = frame.mapInArrow(partial(linger_batches, tmp_path), frame.schema)
    scored = score_spark(slow, **OPTIONS)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(write_and_read, scored, tmp_path / "scored")
        wait_for((tmp_path / "pid").exists, "no task began")
        pid = int((tmp_path / "pid").read_text())
        for doomed in {victim(pid), pid}:
            os.kill(doomed, signal.SIGKILL)
        assert_same_bits(found.result(), expected)


@pytest.mark.parametrize("n_partitions", [1, 2, 13])
def test_the_number_of_partitions_changes_nothing(
    spark: Any, patients: Path, expected: pa.Table, tmp_path: Path, n_partitions: int
) -> None:
    frame = spark.read.parquet(str(patients)).repartition(n_partitions)
    assert_same_bits(write_and_read(score_spark(frame, **OPTIONS), tmp_path / "scored"), expected)


KINDS = """
    id int, `a.b` struct<x:int,y:array<string>>, `when` timestamp, day date, cost decimal(9,2), raw binary,
    bruising boolean, onset string, age tinyint, `onset_note` void
"""


def kinds(spark: Any) -> Any:
    when = datetime(2024, 1, 1, 12, 30, tzinfo=UTC)
    more = ((1, ["p", None]), when, when.date(), Decimal("1.25"), b"\0\xff")
    rows = [
        (1, *more, True, "sudden", 25, None),
        (2, *[None] * 5, None, "odd", None, None),
        (3, *more, False, None, 61, None),
    ]
    return spark.createDataFrame(rows, KINDS)


def test_columns_of_every_kind_are_read_and_passed_through_as_they_are(spark: Any) -> None:
    frame = kinds(spark)
    scored = score_spark(frame, SMALL)
    kept = [field for field in frame.schema if field.name not in ("bruising", "onset", "age")]
    assert scored.schema.fields[: len(kept)] == kept
    rows = scored.orderBy("id").collect()
    for before, after in zip(frame.orderBy("id").collect(), rows, strict=True):
        assert [before[field.name] for field in kept] == list(after)[: len(kept)]
    assert [row["status"] for row in rows] == ["ok", "no_such_state", "ok"]
    alone = thighdx.read_model(SMALL).diagnose({"bruising": True, "onset": "sudden", "age": 25})
    assert rows[0]["strain"] == pytest.approx(alone.posterior["strain"], abs=1e-6)


def test_the_status_says_which_model_made_it(spark: Any, tmp_path: Path) -> None:
    score_spark(kinds(spark).select("id", "onset"), SMALL).write.parquet(str(tmp_path / "scored"))
    notes = spark.read.parquet(str(tmp_path / "scored")).schema["status"].metadata
    assert notes["thighdx.digest"] == thighdx.read_model(SMALL).digest


def test_a_frame_without_rows_gives_one_without_rows(spark: Any) -> None:
    scored = score_spark(kinds(spark).where("id > 5"), SMALL)
    assert scored.collect() == []


def test_a_table_of_ids_only_gets_the_prior_and_a_warning(spark: Any) -> None:
    with pytest.warns(UserWarning, match="no column is read as evidence"):
        scored = score_spark(spark.range(5), SMALL)
    assert {row["status"] for row in scored.collect()} == {"ok"}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("bruising date", r"column 'bruising': got the type date32"),
        ("onset array<string>", "column 'onset': got the type list<"),
        ("strain double", "column 'strain': a cause cannot be read"),
        ("age int, `Status` string", "columns 'Status' and 'status' of the result are one to Spark"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused_before_any_work(
    spark: Any, schema: str, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        score_spark(spark.createDataFrame([], schema), SMALL)


def test_a_row_that_cannot_be_scored_may_stop_the_run(spark: Any) -> None:
    from pyspark.errors import PythonException

    with pytest.raises(PythonException, match=r"row . of the batch: no_such_state: onset: got 'odd'"):
        score_spark(kinds(spark), SMALL, on_error="raise").collect()


def test_only_spark_frames_are_taken() -> None:
    with pytest.raises(TableError, match=r"got pyarrow Table, expected a pyspark.sql.DataFrame"):
        score_spark(pa.table({"age": [1]}))  # type: ignore[arg-type]
