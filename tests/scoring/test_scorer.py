"""The scorer: record batches in and out, the same numbers wherever it runs, and small when it travels."""

from __future__ import annotations

import datetime
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import floats
import thighdx
from thighdx.errors import EvidenceError, KnowledgeBaseError, OptionError, TableError, ThighdxError
from thighdx.evidence.batch import find_distinct
from thighdx.evidence.frames import encode_table
from thighdx.scoring.scorer import Scorer

PATIENTS = pa.record_batch(
    {
        "id": ["007", "008", None],
        "bruising": ["yes", "blue", None],
        "onset": pa.array(["sudden", None, "gradual"]).dictionary_encode(),
        "age": pa.array([25, 61, None], pa.int16()),
        "when": [datetime.date(2024, 1, 1)] * 3,
        "setting": ["clinic", None, "clinic"],
    }
)


GOOD = PATIENTS.take([0, 2])


@pytest.fixture(scope="module")
def patients(model: thighdx.Model) -> pa.RecordBatch:
    table = model.simulate(300, seed=5).assign(id=[f"{n:05}" for n in range(300)])
    return pa.RecordBatch.from_pandas(table, preserve_index=False)


def assert_same(found: Any, expected: Any) -> None:
    """Compare tables or batches to the last bit; NaN is NaN."""
    assert found.schema.equals(expected.schema)
    pd.testing.assert_frame_equal(found.to_pandas(), expected.to_pandas(), check_exact=True)


@pytest.mark.parametrize("options", [{}, {"groups": True}, {"triage": True, "interval": 0.8}])
def test_it_gives_what_the_model_gives(
    model: thighdx.Model, patients: pa.RecordBatch, options: dict[str, Any]
) -> None:
    small = patients.slice(0, 40) if "interval" in options else patients
    scored = Scorer(model, **options)(small).to_pandas()
    expected = model.score(pa.Table.from_batches([small]), **options).to_pandas()  # short: the other engine
    pd.testing.assert_frame_equal(scored, expected, rtol=0, atol=floats.COMPILED)


@pytest.mark.parametrize(
    "options",
    [{}, {"groups": True, "top": 2}, {"triage": True, "interval": 0.5, "top": 1}],
)
def test_the_schema_is_known_without_scoring(small_model: thighdx.Model, options: dict[str, Any]) -> None:
    scorer = Scorer(small_model, **options)
    schema = scorer.output_schema(PATIENTS.schema)
    assert scorer(GOOD).schema.equals(schema, check_metadata=True)
    assert scorer(PATIENTS.slice(0, 0)).schema.equals(schema, check_metadata=True)
    assert schema.names[:4] == ["id", "when", "status", "log_evidence"]
    assert schema.metadata[b"thighdx.model"] == b"small 0.1.0"
    assert schema.metadata[b"thighdx.digest"].decode() == small_model.digest


def test_bad_rows_keep_their_place_and_are_explained(small_model: thighdx.Model) -> None:
    scorer = Scorer(small_model, top=1)
    with pytest.warns(UserWarning, match=r"(?s)1 of 3 rows have no probabilities.*'blue' \(1\)"):
        scored = scorer(PATIENTS)
    assert scored.column("status").to_pylist() == ["ok", "no_such_state", "ok"]
    assert scored.column("top_1").to_pylist()[1] is None
    assert np.isnan(scored.column("strain")[1].as_py())
    (fault,) = scorer.explain(PATIENTS, scorer.score_batch(PATIENTS).found, [1])
    assert (fault.row, fault.status, fault.column, fault.value) == (1, "no_such_state", "bruising", "blue")
    assert "expected absent, present (or True/False, yes/no, 1/0)" in fault.message


def test_strict_is_the_old_name_of_raise(small_model: thighdx.Model) -> None:
    with pytest.warns(FutureWarning, match="strict=True is now on_error='raise'"):
        assert Scorer(small_model, strict=True).options.on_error == "raise"


FAULTS = [
    ({"bruising": [2]}, "wrong_type", "bruising", "bruising: got 2, expected absent"),
    ({"setting": ["moon"]}, "no_such_state", "setting", "setting: got 'moon', expected one of clinic"),
    ({"age": ["old"]}, "wrong_type", "age", "age: got 'old', expected 0 to 120 years"),
    ({"age": [130]}, "out_of_range", "age", "age: got '130', expected 0 to 120 years"),
    ({"given_strain": ["perhaps"]}, "no_such_state", "given_strain", "given_strain: got 'perhaps'"),
    (
        {"bruising:absent": ["x"], "bruising:present": ["1"]},
        "wrong_type",
        "bruising:absent",
        "bruising:absent: got 'x', expected a number from 0 on",
    ),
    (
        {"bruising:absent": [None], "bruising:present": ["1"]},
        "wrong_type",
        "bruising:present",
        "bruising: likelihoods of all states or of none; unknown: bruising:absent",
    ),
    (
        {"bruising:absent": [0.0], "bruising:present": [-1.0]},
        "out_of_range",
        "bruising:present",
        "bruising:present: got '-1.0', expected a number from 0 on",
    ),
    (
        {"bruising:absent": ["0"], "bruising:present": ["0"]},
        "out_of_range",
        "bruising:absent",
        "bruising: likelihoods all 0",
    ),
    (
        {"age": [30], "age_band": ["40-64"]},
        "conflicting_columns",
        "",
        "'age' says '30', another column something else",
    ),
]


@pytest.mark.parametrize(("cells", "status", "column", "message"), FAULTS)
def test_every_fault_is_explained(
    small_model: thighdx.Model, cells: dict[str, list[Any]], status: str, column: str, message: str
) -> None:
    batch, scorer = pa.record_batch(cells), Scorer(small_model)
    (fault,) = scorer.explain(batch, scorer.score_batch(batch).found, [0])
    assert (fault.status, fault.column) == (status, column)
    assert message in fault.message


def test_a_scorer_explains_statuses_in_a_column(small_model: thighdx.Model) -> None:
    scorer = Scorer(small_model, status_detail=True, triage=True, top=1)
    batch = pa.record_batch({"bruising": ["yes", "blue"]})
    with pytest.warns(UserWarning, match="1 of 2 rows"):
        scored = scorer(batch)
    assert scored.schema == scorer.output_schema(batch.schema)
    first, second = scored.column("status_detail").to_pylist()
    assert (first, second[:27]) == ("", "bruising: got 'blue', expec")


EXPLAINED = [
    ({"bruising": ["blue"], "age": ["old"]}, "wrong_type", "age: got 'old', expected 0 to 120 years"),
    ({"age": ["130"], "bruising": ["blue"]}, "no_such_state", "bruising: got 'blue'"),
    ({"bruising:absent": ["-1"], "bruising:present": ["x"]}, "wrong_type", "bruising:present: got 'x'"),
    ({"bruising": ["nil"]}, "no_such_state", "or an empty cell for unknown"),
    (
        {"MONTHS": [3000]},
        "out_of_range",
        "MONTHS, read as age: got '3000'; in years: got '250.0', expected 0 to 120",
    ),
    ({"Q7": ["7"]}, "no_such_state", "Q7, read as onset: got '7', expected "),
]


@pytest.mark.parametrize(("cells", "status", "message"), EXPLAINED)
def test_a_row_is_explained_by_the_cell_that_gave_it_its_status(
    small_model: thighdx.Model, cells: dict[str, list[Any]], status: str, message: str
) -> None:
    columns = {
        "MONTHS": {"read_as": "age", "divide": 12},
        "Q7": {"read_as": "onset", "values": {1: "sudden"}},
    }
    used = {name: item for name, item in columns.items() if name in cells}
    batch, scorer = pa.record_batch(cells), Scorer(small_model, column_map={"format": 1, "columns": used})
    (fault,) = scorer.explain(batch, scorer.score_batch(batch).found, [0])
    assert fault.status == status
    assert message in fault.message
    assert fault.value == str(cells[fault.column][0])


def test_impossible_evidence_names_what_cannot_be_true_together(model: thighdx.Model) -> None:
    batch = pa.record_batch({"sex": ["male"], "pregnancy": ["first_trimester"], "bruising": ["no"]})
    scorer = Scorer(model)
    (fault,) = scorer.explain(batch, scorer.score_batch(batch).found, [0])
    assert fault.status == "impossible_evidence"
    assert "sex=male, pregnancy=first_trimester" in fault.message


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ([("bruising", pa.date32())], r"column 'bruising': got the type date32\[day\], expected text"),
        ([("q", pa.list_(pa.int8()))], "column 'q', read as 'onset': got the type list"),
        ([("top_1", pa.string())], "column 'top_1': an output column has the same name"),
        ([("a", pa.string()), ("a", pa.string())], "column 'a' is given twice"),
    ],
)
def test_a_schema_that_cannot_be_scored_is_refused_before_any_row(
    small_model: thighdx.Model, schema: list[tuple[str, pa.DataType]], message: str
) -> None:
    columns = {"q": "onset"} if schema[0][0] == "q" else None
    with pytest.raises(TableError, match=message):
        Scorer(small_model, top=1, columns=columns).output_schema(pa.schema(schema))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "moon"}, "setting: got 'moon'"),
        ({"interval": 2.0}, "interval: got 2.0, expected a level"),
        ({"top": 0}, "top: got 0, expected a whole number from 1 to"),
        ({"top": 99}, "top: got 99"),
        ({"n_threads": 0}, "n_threads: got 0"),
        ({"column_map": {"format": 1, "columns": {"q": "brusing"}}}, "did you mean 'bruising'"),
        ({"column_map": ["q"]}, "column map: got list, expected a path or a mapping"),
    ],
)
def test_options_are_checked_when_it_is_made(
    small_model: thighdx.Model, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((TableError, OptionError, EvidenceError, KnowledgeBaseError), match=message):
        Scorer(small_model, **options)


def test_only_record_batches_and_tables_are_scored(small_model: thighdx.Model) -> None:
    with pytest.raises(
        TableError, match=r"got builtins dict, expected a pandas or polars DataFrame or a pyarrow Table"
    ):
        Scorer(small_model)({"age": [1]})


def test_a_shipped_model_travels_as_its_name(model: thighdx.Model) -> None:
    sizes = [len(pickle.dumps(Scorer(source))) for source in (None, model, "posterior_thigh")]
    assert max(sizes) < 1_000
    assert pickle.loads(pickle.dumps(Scorer(model))).model is Scorer().model


def test_a_model_of_ones_own_travels_whole(small_model: thighdx.Model) -> None:
    content = pickle.dumps(Scorer(small_model, top=2))
    first, second = pickle.loads(content), pickle.loads(content)
    assert first.model is second.model
    assert first.model.digest == small_model.digest
    assert_same(first(GOOD), Scorer(small_model, top=2)(GOOD))
    rebased = thighdx.Model(Scorer().model).rebase({"hamstring_strain": 0.4})
    assert pickle.loads(pickle.dumps(Scorer(rebased))).model.rebased == rebased.rebased


def test_another_version_of_the_shipped_model_is_refused() -> None:
    scorer = Scorer()
    state = scorer.__getstate__()
    state["model"] = type(state["model"])("0" * 64, "posterior_thigh", b"")
    scorer.__setstate__(state)
    with pytest.raises(ThighdxError, match="expected 000000000000; install the same version"):
        scorer(PATIENTS)


def test_another_process_gives_the_same_bits(tmp_path: Path, patients: pa.RecordBatch) -> None:
    (tmp_path / "in").write_bytes(pickle.dumps((Scorer(top=3), patients)))
    code = (
        "import pickle, pathlib, sys; scorer, batch = pickle.loads(pathlib.Path('in').read_bytes())\n"
        "pathlib.Path('out').write_bytes(pickle.dumps(scorer(batch)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert_same(pickle.loads((tmp_path / "out").read_bytes()), Scorer(top=3)(patients))


def test_the_model_scores_a_stream_batch_by_batch(model: thighdx.Model, patients: pa.RecordBatch) -> None:
    parts = [patients.slice(start, 70) for start in range(0, 300, 70)]
    scored = list(model.score_batches(iter(parts), groups=True))
    assert_same(pa.Table.from_batches(scored), pa.Table.from_batches([Scorer(groups=True)(patients)]))


def test_a_stream_whose_schema_changes_stops_where_it_does(small_model: thighdx.Model) -> None:
    other = pa.record_batch({"bruising": [1]})
    scored = small_model.score_batches([pa.record_batch({"bruising": ["yes"]}), other])
    assert next(scored).num_rows == 1
    with pytest.raises(TableError, match="batch 2: column 'bruising': got the type int64, expected string"):
        next(scored)


def test_options_of_a_stream_are_checked_before_it_is_read(small_model: thighdx.Model) -> None:
    with pytest.raises(OptionError, match="interval: got 0"):
        small_model.score_batches(iter([]), interval=0)


def test_what_is_odd_about_a_schema_is_said_once(small_model: thighdx.Model) -> None:
    scorer = Scorer(small_model)
    batch = pa.record_batch({"brusing": ["yes"], "age": [40]})
    with pytest.warns(UserWarning, match="'brusing' is passed through"):
        scorer(batch)
    assert scorer(batch).num_rows == 1  # warnings are errors
    with pytest.warns(UserWarning, match="outside_population: 2 rows with an age below 18"):
        scorer(pa.record_batch({"age": [3, 4]}))


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_text_is_read_in_every_layout(small_model: thighdx.Model, kind: pa.DataType) -> None:
    plain = pa.array(["sudden", None, "gradual"])
    scored = Scorer(small_model)(pa.record_batch({"onset": plain.cast(kind)}))
    assert scored.equals(Scorer(small_model)(pa.record_batch({"onset": plain})))


def test_codes_in_dictionaries_and_runs_are_read(small_model: thighdx.Model) -> None:
    plain = pa.array([1, 0, 0, None])
    expected = Scorer(small_model)(pa.record_batch({"bruising": plain}))
    for column in (plain.dictionary_encode(), pa.compute.run_end_encode(plain)):
        assert Scorer(small_model)(pa.record_batch({"bruising": column})).equals(expected)


def test_a_hundred_thousand_columns_are_passed_through(small_model: thighdx.Model) -> None:
    names = [f"gene_{n}" for n in range(100_000)]
    batch = pa.RecordBatch.from_arrays(
        [*([pa.array([1])] * len(names)), pa.array(["yes"])], [*names, "bruising"]
    )
    scored = Scorer(small_model)(batch)
    assert scored.schema.names[:2] == names[:2]
    assert scored.column("status").to_pylist() == ["ok"]


def test_repeated_rows_change_nothing(model: thighdx.Model) -> None:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {"bruising": rng.choice(["yes", "no", "blue", None], 500), "age": rng.choice([30, 50, 130], 500)}
    )
    with pytest.warns(UserWarning, match="rows have no probabilities"):
        once = model.score(table)
    with pytest.warns(UserWarning, match="rows have no probabilities"):
        alone = pd.concat([model.score(table.iloc[[row]]) for row in range(0, 500, 50)])
    assert find_distinct(encode_table(model.vocabulary, table, setting="primary_care")[0].batch) is not None
    pd.testing.assert_frame_equal(once.iloc[::50], alone, rtol=0, atol=floats.COMPILED)
