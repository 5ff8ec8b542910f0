"""Dates of birth: the age on the day when a patient was seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from patients import FRAMES
from thighdx import Scorer
from thighdx.errors import EvidenceError, KnowledgeBaseError, TableError
from thighdx.evidence.vocabulary import as_day
from thighdx.model import Model

kinds = pytest.mark.parametrize("kind", FRAMES)
BORN = ["1950-03-31", "1950-04-01", "1990-02-28", None]
BANDS = ["65-79", "65-79", "18-39", None]  # on 2026-03-31


def bands(model: Model, table: Any, **options: Any) -> list[float]:
    """The log evidence of every row, which says the band."""
    return np.asarray(model.score(table, **options)["log_evidence"]).tolist()


@kinds
def test_a_date_of_birth_is_an_age_on_the_reference_date(model: Model, kind: str) -> None:
    expected = bands(model, FRAMES[kind](pd.DataFrame({"age_band": BANDS})))
    by_argument = FRAMES[kind](pd.DataFrame({"date_of_birth": BORN}))
    assert bands(model, by_argument, reference_date="2026-03-31") == expected
    assert bands(model, by_argument, reference_date=date(2026, 3, 31)) == expected
    dates = pd.DataFrame({"date_of_birth": pd.to_datetime(BORN), "reference_date": ["2026-03-31"] * 4})
    assert bands(model, FRAMES[kind](dates)) == expected


def test_a_birthday_counts_from_its_day_on(model: Model) -> None:
    for day, band in (("2030-03-30", "18-39"), ("2030-03-31", "40-49")):
        case = {"date_of_birth": "1990-03-31", "reference_date": day}
        assert model.diagnose(case).evidence == {"age_band": band}
    leap = {"date_of_birth": date(1988, 2, 29), "reference_date": np.datetime64("2028-02-28")}
    assert model.diagnose(leap).evidence == {"age_band": "18-39"}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"date_of_birth": "1990-02-28"}, "date_of_birth: expected reference_date too"),
        (
            {"date_of_birth": "3/4/1949", "reference_date": "2026-03-31"},
            r"got '3/4/1949', expected a date such as 1990-02-28 \(ISO 8601\), or with dots, the day first",
        ),
        ({"date_of_birth": "2030-01-01", "reference_date": "2026-03-31"}, "got -4, expected 0 to 120"),
        ({"date_of_birth": "1990-01-01", "reference_date": "2026-03-31", "age": 70}, "give one of them"),
    ],
)
def test_a_date_that_says_no_age_is_an_error(model: Model, case: dict[str, Any], message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        model.diagnose(case)


@kinds
def test_with_dots_the_day_comes_first(model: Model, kind: str) -> None:
    written = {
        "date_of_birth": ["15.01.1949", "1.2.1949", " 01.02.1949 00:00:00"],
        "reference_date": "31.1.2029",
    }
    iso = {"date_of_birth": ["1949-01-15", "1949-02-01", "1949-02-01"], "reference_date": "2029-01-31"}
    expected = bands(model, pd.DataFrame({"age_band": ["80+", "65-79", "65-79"]}))
    for table in (written, iso):
        assert bands(model, FRAMES[kind](pd.DataFrame(table))) == expected
    case = {"date_of_birth": "1.2.1949", "reference_date": "31.01.2029"}
    assert model.diagnose(case).evidence == {"age_band": "65-79"}


def test_a_date_that_may_be_two_or_is_on_no_calendar_is_none() -> None:
    for word in ("03/04/1949", "30.2.1990", "1.13.1990", "1.2.49", "1.2.19490", "2.1949", "1.2.0000"):
        assert as_day(word) is None


def test_bad_dates_give_their_rows_a_status(model: Model) -> None:
    table = pd.DataFrame({"date_of_birth": ["1990-01-01", "02/28/1990", "2030-01-01"]})
    with pytest.warns(UserWarning, match="expected a date such as 1990-02-28"):
        scored = model.score(table, reference_date="2026-03-31")
    assert scored["status"].tolist() == ["ok", "wrong_type", "out_of_range"]


def test_a_date_of_birth_without_a_reference_date_passes_through_with_a_warning(model: Model) -> None:
    table = pd.DataFrame({"date_of_birth": BORN, "bruising": "yes"})
    with pytest.warns(UserWarning, match="'date_of_birth' is passed through .* reference_date"):
        scored = model.score(table)
    assert scored.columns[0] == "date_of_birth"
    with pytest.raises(
        TableError, match="column 'dob': to be read as 'date_of_birth' it needs a column reference"
    ):
        model.score(table.rename(columns={"date_of_birth": "dob"}), columns={"dob": "date_of_birth"})


def test_a_map_and_a_scorer_read_dates(model: Model) -> None:
    import pyarrow as pa

    scorer = Scorer(
        model,
        column_map={"format": 1, "columns": {"dob": "date_of_birth", "seen": "reference_date"}},
    )
    batch = pa.record_batch({"dob": [date(1950, 3, 31)], "seen": [date(2026, 3, 31)]})
    expected = bands(model, pa.table({"age_band": ["65-79"]}))
    assert scorer(batch).column("log_evidence").to_pylist() == pytest.approx(expected, abs=1e-12)
    with pytest.raises(KnowledgeBaseError, match="did you mean 'date_of_birth'"):
        Scorer(model, column_map={"format": 1, "columns": {"dob": "date_of_brith"}})


def test_a_reference_date_that_is_none_is_an_error(model: Model) -> None:
    with pytest.raises(TableError, match="reference_date: got 'soon', expected a date such as 1990-02-28"):
        model.score(pd.DataFrame({"age": [3]}), reference_date="soon")


def test_days_are_numbers_that_sort() -> None:
    assert as_day(pd.Timestamp("2020-05-06 10:00")) == as_day("2020-05-06T10:00:00") == 20200506.0
    assert as_day(20200506) is None
    assert np.isnan(as_day("unknown") or 0)
