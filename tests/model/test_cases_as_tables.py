"""One case in the words of tables, rows of frames as cases, several cases at once, and kinds of tables and cells."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import floats
from patients import FRAMES, column
from thighdx import Scorer
from thighdx.errors import EvidenceError, TableError
from thighdx.model import Model

CASE = {"bruising": "yes", "age": 34, "given_hamstring_strain": False} | {
    "onset:gradual": 0.2,
    "onset:subacute": 0.3,
    "onset:sudden": 0.6,
}


def test_a_case_means_what_a_row_of_a_table_means(model: Model) -> None:
    table = pd.DataFrame([CASE])
    row = model.score(table).iloc[0]
    for found in (model.diagnose(CASE), model.diagnose(table.iloc[0])):
        assert found.log_evidence == pytest.approx(row["log_evidence"], abs=floats.COMPILED)
        assert found.posterior["acute_limb_ischemia"] == pytest.approx(
            row["acute_limb_ischemia"], abs=floats.COMPILED
        )
    own = {"bruising": "yes", "age": 34, "hamstring_strain": "absent"}
    own["onset"] = {"gradual": 0.2, "subacute": 0.3, "sudden": 0.6}
    assert model.diagnose(own).evidence == model.diagnose(CASE).evidence


def test_likelihoods_that_are_all_unknown_say_nothing(model: Model) -> None:
    unknown = {"onset:gradual": None, "onset:subacute": "?", "onset:sudden": float("nan")}
    assert model.diagnose(unknown).evidence == {}
    assert model.diagnose({**unknown, "onset": "sudden"}).evidence == {"onset": "sudden"}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"onset:sudden": 0.6}, "onset: likelihood of 'gradual': got None"),
        ({"onset:sudden": 0.6, "onset": "sudden"}, "onset:sudden: onset is given too; give one of them"),
        ({"given_sciatica_any": 1}, "unknown finding 'given_sciatica_any'"),
        ({"given_hamstring_strain": 1, "hamstring_strain": 0}, "hamstring_strain is given too"),
        ({"onset:suden": 0.6}, "onset: got 'suden', expected gradual, subacute, sudden"),
    ],
)
def test_columns_of_one_case_that_cannot_be_are_an_error(
    model: Model, case: dict[str, Any], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message):
        model.diagnose(case)


def test_names_that_are_unknown_are_left_out_on_request_with_a_warning(model: Model) -> None:
    row = pd.Series({"patient": 7, "brusing": "yes", "fever": "no"})
    result = model.diagnose(row, ignore_unknown=True)
    assert result.evidence == {"fever": "absent"}
    assert [item.code for item in result.warnings] == ["ignored", "ignored"]
    assert "did you mean 'bruising'?; it was left out" in result.warnings[1].message
    with pytest.raises(EvidenceError, match="unknown finding 'patient'"):
        model.diagnose(row)


def test_several_cases_have_their_results_or_errors_in_order(model: Model) -> None:
    cases = [CASE, {"bruising": "blue"}, {"sex": "male", "pregnancy": "first_trimester"}, {}]
    first, second, third, last = model.diagnose_many(cases, setting="sports clinic")
    assert first.to_dict() == model.diagnose(CASE, setting="sports_clinic").to_dict()  # type: ignore[union-attr]
    assert "got 'blue'" in str(second)
    assert "impossible evidence" in str(third)
    assert last.evidence == {}  # type: ignore[union-attr]
    with pytest.raises(EvidenceError, match="setting: got 'moon'"):
        model.diagnose_many([], setting="moon")


@pytest.mark.parametrize("value", [Decimal(1), Decimal("1.00"), pd.Series([1], dtype="Int8")[0]])
def test_a_decimal_one_is_present(model: Model, value: object) -> None:
    assert model.diagnose({"bruising": value}).evidence == {"bruising": "present"}
    assert model.diagnose({"bruising": Decimal("NaN"), "age": Decimal("NaN")}).evidence == {}


DECIMALS = [Decimal(1), Decimal(0), None]
COLUMNS = {
    "objects": pd.DataFrame({"bruising": pd.Series(DECIMALS, dtype=object)}),
    "polars": pl.DataFrame({"bruising": DECIMALS}),
    "decimal32": pa.table({"bruising": pa.array(DECIMALS, pa.decimal32(3, 1))}),
    "decimal64": pa.table({"bruising": pa.array(DECIMALS, pa.decimal64(3, 1))}),
    "decimal128": pa.table({"bruising": pa.array(DECIMALS, pa.decimal128(3, 1))}),
    "runs of words": pa.table({"bruising": pc.run_end_encode(pa.array(["yes", "no", None]))}),
    "runs of numbers": pa.table({"bruising": pc.run_end_encode(pa.array([1, 0, None]))}),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_kind_of_cell_is_read(model: Model, kind: str) -> None:
    expected = [model.diagnose({"bruising": value}).log_evidence for value in (True, False, None)]
    found = model.score(COLUMNS[kind])["log_evidence"]
    assert np.asarray(found).tolist() == pytest.approx(expected, abs=floats.COMPILED)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_scorer_takes_what_score_takes(model: Model, kind: str) -> None:
    table = FRAMES[kind](pd.DataFrame({"id": ["a", "b"], "bruising": ["yes", "no"]}))
    scored = Scorer(model, top=1)(table)
    assert type(scored) is type(table)
    plain = model.score(table)
    for name in ("id", "status", "hamstring_strain"):
        assert column(scored, name) == pytest.approx(column(plain, name), abs=floats.COMPILED)
    batch = pa.record_batch({"id": ["a", "b"], "bruising": ["yes", "no"]})
    expected = Scorer(model, top=1)(batch)
    for name in ("log_evidence", "top_1", "top_1_probability"):
        assert column(scored, name) == expected.column(name).to_pylist()
    with pytest.raises(TableError, match="column 'top_1': an output column has the same name"):
        Scorer(model, top=1)(FRAMES[kind](pd.DataFrame({"top_1": ["a"], "bruising": ["yes"]})))


def test_a_lazy_frame_is_refused_with_the_call_to_make(model: Model) -> None:
    with pytest.raises(
        TableError, match=r"got polars LazyFrame, .*; call score\(table\.collect\(\)\), or .*score_files"
    ):
        model.score(pl.LazyFrame({"bruising": ["yes"]}))
