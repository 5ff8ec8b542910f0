"""Names of columns: what is read, what passes through, what cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import floats
from patients import FRAMES, VOCABULARY, codes, encoded, planned, scored
from thighdx import Scorer
from thighdx.errors import TableError
from thighdx.model import Model

kinds = pytest.mark.parametrize("kind", FRAMES)


def test_what_is_no_evidence_passes_through_in_order() -> None:
    names = ["patient", "bruising", "true_clot", "comment", "age", "7:up", "given_name"]
    found = planned(pd.DataFrame([[1] * len(names)], columns=names))
    assert found.passthrough == ("patient", "true_clot", "comment", "7:up", "given_name")
    assert found.remarks == ()


def test_names_that_are_no_text_pass_through() -> None:
    assert planned(pd.DataFrame({0: [1], "bruising": [1]})).passthrough == (0,)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("brusing", "bruising"),
        ("Brusing", "bruising"),
        ("D Dimmer", "d_dimer"),
        ("settings", "setting"),
        ("bruising___1", "bruising"),
        ("given_strian", "given_strain"),
    ],
)
def test_a_name_close_to_evidence_is_pointed_out(name: str, meant: str) -> None:
    found = planned(pd.DataFrame({name: [1]}))
    assert found.passthrough == (name,)
    assert found.remarks == (
        f"column {name!r} is passed through and not read as evidence; did you mean {meant!r}?",
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["clot"], "column 'clot': a cause cannot be read .* 'given_clot'"),
        (["onset:sudden"], "no column onset:gradual, onset:subacute; give one column per state"),
        (
            ["onset:sudden", "onset:gradual", "onset:subacut"],
            "no column onset:subacute; .* is that 'onset:subacut'",
        ),
        (["status"], "column 'status': an output column has the same name"),
    ],
)
@kinds
def test_names_that_cannot_be_are_an_error(kind: str, names: list[str], message: str) -> None:
    table = FRAMES[kind](pd.DataFrame([["yes"] * len(names)], columns=names))
    with pytest.raises(TableError, match=message):
        encoded(table, reserved=["status"])


@pytest.mark.parametrize("name", ["bruising", "comment"])
def test_two_columns_of_one_name_are_an_error(name: str) -> None:
    cells = pa.array(["yes"])
    tables = [
        pd.DataFrame([["yes", "no"]], columns=[name, name]),
        pa.table([cells, cells], names=[name, name]),
    ]
    for table in tables:
        with pytest.raises(TableError, match=f"column names must differ.*'{name}' 2 times"):
            encoded(table)


def test_every_problem_of_the_names_is_reported_at_once() -> None:
    with pytest.raises(TableError, match=r"(?s)'clot'.*onset:gradual.*'status'"):
        encoded(pd.DataFrame({"clot": [1], "onset:sudden": 1, "status": 1}), reserved=["status"])


@kinds
def test_columns_can_be_read_under_other_names(kind: str) -> None:
    table = pd.DataFrame({"q7": ["yes", "no"], "years": [30, 70], "clinic": "sports_clinic", "n": 1})
    found = encoded(FRAMES[kind](table), columns={"q7": "bruising", "years": "age", "clinic": "setting"})
    assert codes(found, "bruising") == [1, 0]
    assert codes(found, "age_band") == [0, 2]
    assert found.batch.setting_idx.tolist() == [1, 1]
    mapped = {"q7": "bruising", "years": "age", "clinic": "setting"}
    assert planned(FRAMES[kind](table), columns=mapped).passthrough == ("n",)


def test_a_column_named_like_a_cause_or_an_output_may_be_read_as_something_else() -> None:
    table = pd.DataFrame({"clot": ["yes"], "status": ["positive"]})
    mapped = {"clot": "given_clot", "status": "d_dimer"}
    found = encoded(table, columns=mapped, reserved=["status", "clot"])
    assert codes(found, "d_dimer") == [1]
    assert found.batch.given[0, VOCABULARY.cause_index["clot"]] == 1
    assert planned(table, columns=mapped, reserved=["status", "clot"]).passthrough == ()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"q8": "bruising"}, "columns: the table has no column 'q8'"),
        ({"q7": "brusing"}, "columns: 'q7': got 'brusing', .* did you mean 'bruising'"),
        ({"q7": "onset:soon"}, "columns: 'q7': got 'onset:soon', expected a variable"),
        ({"q7": "clot"}, "column 'q7': a cause cannot be read .* 'given_clot'"),
        ({"q7": "age"}, "columns 'age' and 'q7': both are 'age'"),
    ],
)
def test_a_mapping_that_cannot_be_is_an_error(columns: dict[str, str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        encoded(pd.DataFrame({"age": [30], "q7": [None]}), columns=columns)


def test_a_mapping_must_be_one() -> None:
    with pytest.raises(TableError, match="columns: got list, expected a mapping"):
        scored(pd.DataFrame({"q7": [1]}), columns=["q7"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pl.LazyFrame({"age": [1]}), "got polars LazyFrame, .*; call score\\(table.collect"),
        ({"age": [1]}, "got builtins dict, expected a pandas or polars DataFrame"),
        ([{"age": 1}], "got builtins list"),
        (pd.Series([1]), "got pandas Series"),
        (pl.Series([1]), "got polars Series"),
        (pa.array([1]), "got pyarrow Int64Array"),
        (np.zeros((2, 2)), "got numpy ndarray"),
        (None, "got builtins NoneType"),
        ("patients.csv", "got builtins str, .*; for files there is thighdx.score_files"),
        (pd.DataFrame({("age", "years"): [1]}), "columns with several levels"),
    ],
)
def test_only_eager_frames_are_tables(table: object, message: str) -> None:
    with pytest.raises(TableError, match=message):
        encoded(table)


def test_a_stream_of_batches_is_read_as_an_arrow_table() -> None:
    batch = pa.record_batch({"id": [7], "bruising": ["yes"]})
    for stream in (batch, pa.RecordBatchReader.from_batches(batch.schema, [batch])):
        result = scored(stream)
        assert isinstance(result, pa.Table)
        assert result.column("id").to_pylist() == [7]


def test_a_near_miss_is_found_among_hundreds_of_columns() -> None:
    names = [f"laboratory_value_{n}" for n in range(300)]
    (message,) = planned(pd.DataFrame([[1] * 301], columns=[*names, "brusing"])).remarks
    assert "'bruising'" in message


def test_a_box_of_redcap_is_read_by_a_map() -> None:
    columns = {"format": 1, "columns": {"bruising___1": "bruising", "hidden___2": {"drop": True}}}
    scorer = Scorer(column_map=columns)
    scored = scorer(pd.DataFrame({"bruising___1": [1, 0, None], "hidden___2": [0, 0, 0]}))
    own = Model(scorer.model).score(pd.DataFrame({"bruising": [True, False, None]}))
    assert scored.columns.tolist() == own.columns.tolist()
    assert scored["hamstring_strain"].tolist() == pytest.approx(
        own["hamstring_strain"].tolist(), abs=floats.COMPILED
    )
