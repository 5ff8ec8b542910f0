"""Tables with rows that cannot be scored, and tables and options that are refused as a whole."""

from __future__ import annotations

import warnings
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from patients import BANDS, FRAMES, VOCABULARY, column, scored, scored_with_losses
from thighdx.errors import EvidenceError, OptionError, TableError, UnknownNameError
from thighdx.model import Model
from thighdx.scoring import score

kinds = pytest.mark.parametrize("kind", FRAMES)
CAUSES = [cause.id for cause in VOCABULARY.causes]


# ---- rows that cannot be scored ------------------------------------------------------------------


def test_impossible_likelihoods_are_impossible_evidence() -> None:
    table = pd.DataFrame({"d_dimer:negative": [0], "d_dimer:positive": [1], "given_clot": ["no"]})
    assert scored(table).status.tolist() == ["ok"]  # a positive test has a background
    table = pd.DataFrame(
        {"bruising:absent": [0.0], "bruising:present": [1.0], "given_cramp": [1], "given_strain": 0}
    )
    assert scored_with_losses(table).status.tolist() == ["impossible_evidence"]


def test_likelihoods_that_are_zero_on_every_possible_cell_are_impossible_evidence() -> None:
    bands = {f"age_band:{band}": [float(band == "65+")] for band in BANDS}  # only old, who are never pregnant
    table = pd.DataFrame(bands | {"pregnancy:absent": [0.0], "pregnancy:present": [1.0]})
    for engine in ("numpy", "compiled"):
        result = scored_with_losses(table, engine=engine)
        assert result.status.tolist() == ["impossible_evidence"]
        assert result[["log_evidence", *CAUSES]].isna().all(axis=None)


def test_a_table_of_bad_rows_only_is_scored_too() -> None:
    result = scored_with_losses(pd.DataFrame({"bruising": ["blue", "red"]}))
    assert result.status.tolist() == ["no_such_state"] * 2
    assert result[CAUSES].isna().all(axis=None)


# ---- what cannot be read is said --------------------------------------------------------------


@kinds
def test_one_warning_says_what_could_not_be_read_and_what_was_meant(kind: str) -> None:
    table = pd.DataFrame(
        {"onset": ["suden"] * 3 + ["soon", "sudden"], "age": ["30", "old", None, "40", "50"]}
    )
    with pytest.warns(UserWarning, match="rows have no probabilities") as caught:
        scored(FRAMES[kind](table))
    (message,) = [str(item.message) for item in caught]
    assert message.startswith(
        "4 of 5 rows have no probabilities (3 no_such_state, 1 wrong_type); see the column"
    )
    assert "column 'onset': 4 cells cannot be read: 'suden' (3), 'soon' (1)" in message
    assert "did you mean 'sudden'?" in message
    assert (
        "column 'age': 1 cell cannot be read: 'old' (1); age: got 'old', expected 0 to 120 years" in message
    )


def test_bad_cells_of_all_parts_of_a_long_table_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "ROWS_AT_ONCE", 16)
    with pytest.warns(UserWarning, match=r"(?s)100 of 100 rows.*100 cells cannot be read: 'blue' \(100\)"):
        scored(pd.DataFrame({"bruising": ["blue"] * 100}))


def test_values_of_the_first_thousand_bad_cells_are_shown() -> None:
    with pytest.warns(UserWarning, match=r"1,500 cells cannot be read: 'blue'; bruising: got 'blue'"):
        scored(pd.DataFrame({"bruising": ["blue"] * 1_500}))


@kinds
def test_a_status_is_explained_in_words_on_request(model: Model, kind: str) -> None:
    table = pd.DataFrame(
        {
            "bruising": ["yes", "blue", "no", "no", "blue"],
            "age": ["30", "old", "old", None, "30"],
            "pregnancy": [None, None, None, "first_trimester", None],
            "sex": [None, None, None, "M", None],
        }
    )
    with pytest.warns(UserWarning, match="rows have no probabilities"):
        result = model.score(FRAMES[kind](table), status_detail=True)
    blue = "bruising: got 'blue', expected absent, present (or True/False, yes/no, 1/0), or an empty cell for unknown"
    old = "age: got 'old', expected 0 to 120 years"
    assert column(result, "status_detail") == [
        "",
        old,
        old,
        "the evidence cannot be true together under this model",
        blue,
    ]
    assert list(result.columns if kind != "pyarrow" else result.column_names)[-1] == "status_detail"
    with pytest.warns(UserWarning, match="count as unknown"):
        taken = model.score(FRAMES[kind](table.iloc[:3]), status_detail=True, on_error="unknown")
    assert column(taken, "status") == ["ok"] * 3
    assert column(taken, "status_detail") == ["", old, old]


# ---- errors and warnings -------------------------------------------------------------------------


def test_a_scored_table_cannot_be_scored_again_by_accident() -> None:
    with pytest.raises(TableError, match="column 'strain': a cause cannot be read"):
        scored(scored(pd.DataFrame({"bruising": [1]})))


def test_names_of_outputs_not_asked_for_are_free() -> None:
    table = pd.DataFrame({"group_muscle": [1], "triage": [2], "clot_lower": [3], "bruising": [True]})
    assert list(scored(table).columns[:3]) == ["group_muscle", "triage", "clot_lower"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_threads": 0}, "n_threads: got 0, expected a whole number from 1 on"),
        ({"n_threads": 1.5}, "n_threads: got 1.5"),
        ({"n_threads": True}, "n_threads: got True"),
        ({"on_error": "ignore"}, "on_error: got 'ignore', expected one of keep, unknown, raise"),
        ({"interval": "x"}, "interval: got 'x', expected a level"),
        ({"interval": Decimal("sNaN")}, "interval: got Decimal"),
        ({"interval": True}, "interval: got True"),
        ({"engine": "abacus"}, "engine: got 'abacus', expected one of auto, compiled, numpy"),
    ],
)
def test_options_without_meaning_are_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TableError, OptionError), match=message):
        scored(pd.DataFrame({"bruising": [1]}), **options)


def test_the_number_of_threads_does_not_change_a_result() -> None:
    table = pd.DataFrame({"bruising": [1, 0, None] * 7})
    pd.testing.assert_frame_equal(scored(table, n_threads=1), scored(table))


def test_a_setting_or_a_member_of_a_group_that_does_not_exist_is_an_error() -> None:
    table = pd.DataFrame({"bruising": [1]})
    with pytest.raises(EvidenceError, match="expected one of primary_care, sports_clinic"):
        scored(table, setting="moon")
    with pytest.raises(UnknownNameError, match="unknown cause 'starin'; did you mean 'strain'"):
        scored(table, groups={"muscle": ("starin",)})


def test_patients_outside_the_population_are_scored_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="outside_population: 2 rows with an age below 18"):
        result = scored(pd.DataFrame({"age": [3, 17.9, 18, None]}))
    assert result.status.tolist() == ["ok"] * 4
    assert result.strain[0] == result.strain[1] == result.strain[2] != result.strain[3]


def test_a_warning_names_the_line_that_asked_the_model() -> None:
    def ask() -> Any:  # stands for the method of the model
        return scored(pd.DataFrame({"brusing": ["yes"]}))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ask()
    assert caught[0].filename == __file__
