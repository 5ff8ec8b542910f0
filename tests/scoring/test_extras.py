"""Intervals and urgency in a table: the same as for the case alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import floats
import thighdx
from quiet import without_warnings
from thighdx import Model

ROWS = [
    {"onset": "sudden", "sprint_or_overstretch": "yes", "bruising": "yes", "age": 34},
    {"saddle_anesthesia": "yes", "low_back_pain": "yes"},
    {"muscle_cramp": "yes", "nocturnal_onset": "yes", "calf_pain": "yes", "numbness": "no", "age": 70},
    {},
    {"onset": "suden"},
    {"sex": "male", "pregnancy": "first_trimester"},
]


@pytest.fixture(scope="module")
def scored(model: Model) -> pd.DataFrame:
    return without_warnings(model.score, pd.DataFrame(ROWS), interval=0.9, triage=True, groups=True)


def test_urgency_in_a_table_is_that_of_the_case_alone(model: Model, scored: pd.DataFrame) -> None:
    expected = [model.diagnose(row).triage.level for row in ROWS[:4]]
    assert scored["triage"].tolist() == [*expected, "", ""]
    assert expected[1] == "emergency"


def test_a_row_without_posteriors_has_no_interval_and_no_level(scored: pd.DataFrame) -> None:
    assert scored["status"].tolist() == ["ok"] * 4 + ["no_such_state", "impossible_evidence"]
    bounds = scored.filter(regex="_(lower|upper)$")
    assert bounds.iloc[4:].isna().all(axis=None)
    assert scored["triage"].iloc[4:].eq("").all()


def test_bounds_lie_around_the_posterior_where_there_are_any(model: Model, scored: pd.DataFrame) -> None:
    for cause in model.causes:
        lower, upper = scored[f"{cause}_lower"], scored[f"{cause}_upper"]
        is_open = (scored[cause] > 0) & (scored[cause] < 1)
        inside = (lower <= scored[cause]) & (scored[cause] <= upper)
        assert inside.iloc[:4].all()
        assert ((lower > 0) & (upper < 1))[is_open].all()


def test_bounds_are_those_of_the_delta_method(model: Model, scored: pd.DataFrame) -> None:
    for position, row in enumerate(ROWS[:4]):
        alone = model.diagnose(row).interval(0.9, method="delta").to_frame()
        for cause in model.causes:
            for end in ("lower", "upper"):
                found, expected = scored.loc[position, f"{cause}_{end}"], alone.loc[cause, end]
                if 0 < expected < 1:
                    odds = np.log([found / (1 - found), expected / (1 - expected)])
                    assert odds[0] == pytest.approx(odds[1], abs=floats.SAME_INTERVAL)
                else:
                    assert found == expected


def test_added_columns_come_last_and_only_when_asked_for(model: Model, scored: pd.DataFrame) -> None:
    assert scored.columns[-1] == "triage"
    plain = model.score(pd.DataFrame(ROWS[:1]))
    assert not [name for name in plain.columns if name == "triage" or name.endswith(("_lower", "_upper"))]


def test_a_column_named_like_an_added_one_is_refused(model: Model) -> None:
    table = pd.DataFrame({"bruising": ["yes"], "triage": ["x"]})
    assert "triage" in model.score(table).columns
    with pytest.raises(thighdx.TableError, match="triage"):
        model.score(table, triage=True)
