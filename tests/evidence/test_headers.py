"""Headers as people write them: capitals, and what parts words, do not count, at every door."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import floats
import thighdx
from patients import FRAMES, VOCABULARY, encoded
from thighdx.cli import app
from thighdx.dask import score_dask
from thighdx.errors import EvidenceError, TableError
from thighdx.evidence.columns import ColumnPlan, plan_columns
from thighdx.evidence.vocabulary import make_vocabulary
from thighdx.kb.records import Variable

WRITTEN = {
    "Patient ID": ["7", "8"],
    "Age": [34, 71],
    "SEX": ["m", "f"],
    " Desk-Work ": ["yes", "no"],
    "OnSet": ["sudden", "gradual"],
    "Bruising:Absent": [0.2, None],
    "bruising: present": [0.8, None],
    "Given Stroke": ["no", "no"],
    "Setting": ["sports clinic", None],
}
EXACT = ["Patient ID", "age", "sex", "desk_work", "onset", "bruising:absent", "bruising:present"]
EXACT += ["given_stroke", "setting"]


def plan(names: list[str], **options: Any) -> ColumnPlan:
    return plan_columns(VOCABULARY, names, **options)


@pytest.mark.parametrize(
    ("name", "read_as"),
    [
        ("Bruising", "bruising"),
        (" D-Dimer ", "d_dimer"),
        ("d.dimer", "d_dimer"),
        ("DDimer", "d_dimer"),
        ("D_DIMER", "d_dimer"),
        ("AGE BAND", "age_band"),
        ("Age", "age"),
        ("Date of birth", "date_of_birth"),
        ("SETTING", "setting"),
        ("Given\tClot", "given_clot"),
    ],
)
def test_capitals_and_what_parts_words_do_not_count(name: str, read_as: str) -> None:
    found = plan(["ID No.", name], reference_day=20260331.0)
    assert (found.evidence, found.passthrough, found.remarks) == ((name,), ("ID No.",), ())
    assert found.renamed == {name: read_as}


def test_a_date_when_patients_were_seen_may_be_called_in_any_way() -> None:
    found = plan(["DateOfBirth", "Reference Date"])
    assert (found.birth, found.reference) == ("DateOfBirth", "Reference Date")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["bruising", "Bruising"], "columns 'bruising' and 'Bruising': both are 'bruising'; rename one or"),
        (["D Dimer", "d-dimer"], "columns 'D Dimer' and 'd-dimer': both are 'd_dimer'"),
        (["Age", "AGE"], "columns 'Age' and 'AGE': both are 'age'"),
        (["Clot"], "column 'Clot': a cause cannot be read from a table; .* 'given_clot'"),
        (["Onset: Sudden"], "no column onset:gradual, onset:subacute; give one column per state"),
    ],
)
@pytest.mark.parametrize("kind", FRAMES)
def test_two_headers_for_one_thing_and_other_faults_are_errors(
    kind: str, names: list[str], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        encoded(FRAMES[kind](pd.DataFrame([[None] * len(names)], columns=names)))


def test_what_a_column_is_to_be_read_as_may_be_written_in_any_way_and_beats_its_name() -> None:
    found = plan(["Bruising", "q7"], columns={"Bruising": "D-Dimer", "q7": "Smoking"})
    assert found.renamed == {"Bruising": "d_dimer", "q7": "smoking"}
    with pytest.raises(TableError, match=r"columns: 'q7': got 'Smocking', .* did you mean 'smoking'"):
        plan(["q7"], columns={"q7": "Smocking"})


def test_names_that_differ_in_nothing_else_count_exactly() -> None:
    both = ("ab", "a_b")
    close = make_vocabulary(tuple(Variable(name, "finding", name, ("no", "yes")) for name in both), ("here",))
    assert [close.find_name(name) for name in ("ab", "a_b", "A-B", 7)] == ["ab", "a_b", None, None]


def test_every_door_reads_such_headers(model: thighdx.Model, tmp_path: Path) -> None:
    written = pd.DataFrame(WRITTEN)
    expected = model.score(written.set_axis(EXACT, axis=1))
    assert expected.columns[0] == "Patient ID"
    for make in FRAMES.values():
        scored = model.score(make(written))
        pd.testing.assert_frame_equal(
            scored if isinstance(scored, pd.DataFrame) else scored.to_pandas(),
            expected,
            check_dtype=False,
            rtol=floats.COMPILED,
        )
    batch = pa.RecordBatch.from_pandas(written, preserve_index=False)
    wanted = pytest.approx(expected["hamstring_strain"].tolist(), rel=floats.COMPILED)
    for (scored_batch,) in ([thighdx.Scorer(model)(batch)], model.score_batches([batch])):
        assert scored_batch.column("hamstring_strain").to_pylist() == wanted
    in_parts = score_dask(dd.from_pandas(written, npartitions=2)).compute(scheduler="sync")
    assert in_parts["hamstring_strain"].tolist() == wanted
    assert in_parts.columns[0] == "Patient ID"
    written.to_csv(tmp_path / "in.csv", index=False)
    asked = ["score", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")]
    assert CliRunner().invoke(app, asked).exit_code == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["hamstring_strain"]) for row in rows] == wanted
    assert rows[0]["Patient ID"] == "7"


def test_it_is_said_how_each_header_was_read(model: thighdx.Model) -> None:
    found = model.explain_columns(pd.DataFrame(WRITTEN))
    assert found["column"].tolist() == list(WRITTEN)
    assert found["read_as"].tolist() == ["", *EXACT[1:]]
    assert found["role"].tolist()[:4] == ["passed through", "age", "evidence", "evidence"]


def test_a_cell_at_fault_is_named_by_its_own_column(model: thighdx.Model) -> None:
    table = pd.DataFrame({"Desk Work": ["often"]})
    with pytest.warns(UserWarning, match="column 'Desk Work': 1 cell cannot be read: 'often'"):
        scored = model.score(table, status_detail=True)
    assert scored["status_detail"][0].startswith("Desk Work, read as desk_work: got 'often', expected absent")


def test_a_case_is_read_like_a_row(model: thighdx.Model) -> None:
    written = pd.DataFrame(WRITTEN).drop(columns=["Patient ID", "Setting"])
    row = written.iloc[0]
    expected = model.diagnose(dict(zip(EXACT[1:-1], row, strict=True)))
    assert model.diagnose(row).evidence == model.diagnose(dict(row)).evidence == expected.evidence
    (many,) = model.diagnose_many([dict(row)])
    assert isinstance(many, thighdx.Result)
    assert np.array_equal(many.posterior, expected.posterior)
    with pytest.raises(EvidenceError, match="'Onset': onset is given twice; give one of them"):
        model.diagnose({"onset": "sudden", "Onset": None})
    with pytest.raises(EvidenceError, match=r"unknown finding 'Brusing'.* did you mean 'bruising'"):
        model.diagnose({"Brusing": True})


def test_a_map_reads_a_column_by_its_own_name(model: thighdx.Model) -> None:
    mapped = {"format": 1, "columns": {"SEX": {"values": {1: "male", 2: "female"}}, "q7": "Desk Work"}}
    scored = thighdx.Scorer(model, column_map=mapped)(pd.DataFrame({"SEX": [2], "q7": ["no"]}))
    own = model.score(pd.DataFrame({"sex": ["female"], "desk_work": ["no"]}))
    assert scored["hamstring_strain"].tolist() == pytest.approx(
        own["hamstring_strain"].tolist(), rel=floats.COMPILED
    )
