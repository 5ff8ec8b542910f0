"""Dask: two worker processes give the same bits as this one, a killed worker included."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from distributed import Client, LocalCluster

import floats
import thighdx
from cluster.cluster_patients import assert_same_bits, linger_part, make_patients, scored_here, wait_for
from places import SMALL
from quiet import without_warnings
from thighdx.cluster.dask import score_dask
from thighdx.errors import TableError, ThighdxError

OPTIONS: dict[str, Any] = {"top": 2, "groups": True}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    with (
        dask.config.set({"distributed.admin.tick.limit": "1h", "distributed.comm.timeouts.connect": "60s"}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        Client(local) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def patients(model: thighdx.Model) -> pd.DataFrame:
    return make_patients(model, 600)


def as_table(scored: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(scored, preserve_index=False)


def test_two_worker_processes_give_the_bits_of_one(cluster: Client, patients: pd.DataFrame) -> None:
    expected = scored_here(patients, **OPTIONS)
    scored = score_dask(dd.from_pandas(patients, npartitions=7), **OPTIONS)
    found = cluster.compute(scored).result()
    assert len(cluster.has_what()) == 2
    assert_same_bits(as_table(found), expected)
    assert found.index.equals(patients.index)
    pd.testing.assert_series_equal(found.dtypes, scored.dtypes)


def test_a_worker_killed_in_the_middle_changes_nothing(
    cluster: Client, patients: pd.DataFrame, tmp_path: Path
) -> None:
    frame = dd.from_pandas(patients, npartitions=6)
    slow = frame.map_partitions(linger_part, tmp_path, meta=frame._meta)
    pending = cluster.compute(score_dask(slow, **OPTIONS))
    wait_for((tmp_path / "pid").exists, "no task began")
    pid = int((tmp_path / "pid").read_text())
    assert pid in cluster.run(os.getpid).values()
    os.kill(pid, signal.SIGKILL)
    assert_same_bits(as_table(pending.result(timeout=120)), scored_here(patients, **OPTIONS))
    assert pid not in cluster.run(os.getpid).values()


@pytest.mark.parametrize("n_partitions", [1, 2, 20])
def test_the_number_of_partitions_changes_nothing(patients: pd.DataFrame, n_partitions: int) -> None:
    scored = score_dask(dd.from_pandas(patients[:50], npartitions=n_partitions))
    assert_same_bits(as_table(scored.compute(scheduler="sync")), scored_here(patients[:100]).slice(0, 50))


KINDS = pd.DataFrame(
    {
        "note": [{"a": 1}, None, [2], "x", 5],
        7: [1, 2, 3, 4, 5],
        "onset": pd.Categorical(["sudden", None, "gradual", "odd", "sudden"]),
        "bruising": pd.array([True, None, False, True, None], dtype="boolean"),
        "age": pd.array([25, None, 61, 30, 130], dtype="Int16"),
        "setting": pd.array(["clinic", None, "clinic", None, None], dtype=pd.ArrowDtype(pa.string())),
    },
    index=pd.Index([9, 9, 3, 1, 4], name="patient"),
)


def test_columns_of_every_kind_are_read_and_passed_through_as_they_are() -> None:
    frame = as_dask(KINDS, 2)
    scored = score_dask(frame, SMALL)
    found = scored.compute(scheduler="sync")
    assert found["status"].tolist() == ["ok", "ok", "ok", "no_such_state", "out_of_range"]
    pd.testing.assert_frame_equal(found[["note", 7]], KINDS[["note", 7]])
    expected = without_warnings(thighdx.read_model(SMALL).score, KINDS)
    numbers = ["log_evidence", "strain"]
    pd.testing.assert_frame_equal(found[numbers], expected[numbers], rtol=0, atol=floats.COMPILED)
    pd.testing.assert_series_equal(found.dtypes, scored.dtypes)


def as_dask(table: pd.DataFrame, npartitions: int) -> Any:
    """The table in partitions, its text as it is."""
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_pandas(table, npartitions=npartitions, sort=False)


def test_objects_mean_the_same_whatever_stands_beside_them() -> None:
    mixed = pd.DataFrame(
        {"bruising": [1, 0, True, "yes", "no", None, np.nan, 2.0, 1.0, ("yes",), "\ud800"]}, dtype=object
    )
    ways = [
        score_dask(as_dask(mixed, n), SMALL).compute(scheduler="sync").reset_index(drop=True)
        for n in (1, 3, 10)
    ]
    assert ways[0]["status"].tolist() == [*["ok"] * 7, "no_such_state", "ok", *["no_such_state"] * 2]
    assert ways[0]["strain"].iloc[[0, 2, 3, 8]].nunique() == 1
    for other in ways[1:]:
        pd.testing.assert_frame_equal(ways[0], other, check_exact=True)


def test_categories_that_are_not_known_yet_are_read() -> None:
    frame = as_dask(KINDS, 2)
    frame["onset"] = frame["onset"].cat.as_unknown()
    found = score_dask(frame, SMALL).compute(scheduler="sync")
    assert found["status"].tolist()[2:4] == ["ok", "no_such_state"]


def test_empty_partitions_and_divisions_stay() -> None:
    table = pd.DataFrame({"bruising": ["yes", "no", None, "yes"], "id": range(4)})
    frame = dd.from_pandas(table, npartitions=2)
    scored = score_dask(frame[frame["id"] < 2], SMALL)
    assert scored.divisions == frame.divisions
    assert [len(part.compute(scheduler="sync")) for part in scored.partitions] == [2, 0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"bruising": pd.to_datetime(["2024-01-01"])}, r"column 'bruising': got the type timestamp\["),
        ({}, "got no columns"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused_before_any_work(
    table: dict[str, Any], message: str
) -> None:
    frame = dd.from_pandas(pd.DataFrame(table, index=[0]), npartitions=1)
    with pytest.raises(TableError, match=message):
        score_dask(frame, SMALL)


def test_only_dask_frames_are_taken() -> None:
    with pytest.raises(TableError, match="got pandas DataFrame, expected a dask"):
        score_dask(pd.DataFrame({"age": [1]}))


def test_a_scorer_has_its_own_options() -> None:
    frame = dd.from_pandas(pd.DataFrame({"bruising": ["yes"]}), npartitions=1)
    with pytest.raises(TableError, match="top: got a Scorer and options"):
        score_dask(frame, thighdx.Scorer(SMALL), top=1)
    assert "top_1" in score_dask(frame, thighdx.Scorer(SMALL, top=1)).columns


@pytest.mark.parametrize("engine", ["dask", "spark"])
def test_an_engine_that_is_not_there_is_asked_for(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thighdx.cluster.worker.find_spec", lambda _: None)
    module = __import__(f"thighdx.{engine}", fromlist=["score"])
    with pytest.raises(ThighdxError, match=rf"not installed; pip install 'thighdx\[{engine}\]' here and on"):
        getattr(module, f"score_{engine}")(None)
