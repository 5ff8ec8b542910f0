"""Tables of patients to batches: which columns are read, and what their cells mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from patients import BANDS, FRAMES, VOCABULARY, codes, encoded, evidence_ids, onset_columns, status
from thighdx.errors import EvidenceError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood, take_cases
from thighdx.evidence.frames import encode_table
from thighdx.evidence.one_case import encode_case
from thighdx.model import load_model

NAN = float("nan")
kinds = pytest.mark.parametrize("kind", FRAMES)


# ---- values --------------------------------------------------------------------------------------

PRESENT, ABSENT = 1, 0
YES_NO = {
    "pandas bool": pd.Series([True, False]),
    "pandas nullable bool": pd.Series([True, False, None], dtype="boolean"),
    "pandas object bool": pd.Series([True, False, None], dtype=object),
    "pandas int": pd.Series([1, 0]),
    "pandas nullable int": pd.Series([1, 0, None], dtype="Int64"),
    "pandas float": pd.Series([1.0, 0.0, NAN]),
    "pandas text": pd.Series(["yes", "No", None]),
    "pandas python text": pd.Series([" TRUE ", "absent", ""], dtype=object),
    "pandas category": pd.Series(["present", "absent", None], dtype="category"),
    "pandas category of bools": pd.Series([True, False, None], dtype="category"),
    "pandas arrow bool": pd.Series([True, False, None], dtype=pd.ArrowDtype(pa.bool_())),
    "pandas arrow text": pd.Series(["1", "0", None], dtype=pd.ArrowDtype(pa.string())),
    "pandas sparse": pd.Series(pd.arrays.SparseArray([1.0, 0.0, NAN])),
    "pandas mix": pd.Series([True, "no", None], dtype=object),
    "polars bool": pl.Series([True, False, None]),
    "polars int": pl.Series([1, 0, None], dtype=pl.UInt8),
    "polars float": pl.Series([1.0, 0.0, NAN]),
    "polars text": pl.Series(["yes", "no", None]),
    "polars category": pl.Series(["yes", "no", None], dtype=pl.Categorical),
    "polars enum": pl.Series(["yes", "no", None], dtype=pl.Enum(["maybe", "yes", "no"])),
    "polars object": pl.Series([True, "no", None], dtype=pl.Object),
    "arrow bool": pa.chunked_array([[True], [False, None]]),
    "arrow int": pa.chunked_array([[1, 0, None]], type=pa.int8()),
    "arrow half": pa.chunked_array([np.array([1.0, 0.0, NAN], dtype=np.float16)]),
    "arrow text": pa.chunked_array([["yes"], ["no", "n/a"]]),
    "arrow large text": pa.chunked_array([["yes", "no", None]], type=pa.large_string()),
    "arrow text view": pa.chunked_array([["yes", "no", None]], type=pa.string_view()),
    "arrow dictionary": pa.chunked_array([["yes", "no", None]]).dictionary_encode(),
    "arrow dictionaries that differ": pa.chunked_array(
        [pa.array(["yes"]).dictionary_encode(), pa.array(["no", None]).dictionary_encode()]
    ),
    "arrow unsigned dictionary": pa.chunked_array(
        [pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.uint8()), ["no", "yes"])]
    ),
}


def table_of(values: Any, name: str = "bruising") -> Any:
    """A table of the kind that the column is from."""
    if isinstance(values, pd.Series):
        return pd.DataFrame({name: values})
    return pl.DataFrame({name: values}) if isinstance(values, pl.Series) else pa.table({name: values})


@pytest.mark.parametrize("kind", YES_NO)
def test_every_type_of_column_says_yes_no_or_unknown(kind: str) -> None:
    table = table_of(YES_NO[kind])
    found = encoded(table)
    assert codes(found, "bruising") == [PRESENT, ABSENT, UNKNOWN][: len(YES_NO[kind])]
    assert set(status(found)) == {"ok"}


NOTHING = {
    "pandas object": pd.Series([None, None], dtype=object),
    "pandas float": pd.Series([NAN, NAN]),
    "pandas missing": pd.Series([pd.NA, pd.NaT], dtype=object),
    "pandas text": pd.Series(["", "<NA>"]),
    "polars": pl.Series([None, None]),
    "arrow": pa.chunked_array([pa.nulls(2)]),
}


@pytest.mark.parametrize("kind", NOTHING)
def test_a_column_of_nothing_is_unknown(kind: str) -> None:
    found = encoded(table_of(NOTHING[kind]))
    assert codes(found, "bruising") == [UNKNOWN, UNKNOWN]
    assert status(found) == ["ok", "ok"]


def test_an_object_column_may_mix_bools_words_numbers_and_nothing() -> None:
    cells = [True, "yes", 1, 1.0, np.True_, np.int64(1), None, NAN, pd.NA, pd.NaT, "no", 0, False]
    found = encoded(pd.DataFrame({"bruising": pd.Series(cells, dtype=object)}))
    assert codes(found, "bruising") == [1] * 6 + [UNKNOWN] * 4 + [0] * 3
    assert set(status(found)) == {"ok"}


def test_true_is_not_one_where_states_are_numbers() -> None:
    found = encoded(pd.DataFrame({"onset": pd.Series([True, 1, "sudden", [1]], dtype=object)}))
    assert codes(found, "onset") == [UNKNOWN, UNKNOWN, 2, UNKNOWN]
    assert status(found) == ["wrong_type", "wrong_type", "ok", "wrong_type"]


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("bruising", [2, 0.5, -1], "wrong_type"),
        ("bruising", pd.to_datetime(["2020-01-01"]), "wrong_type"),
        ("bruising", pl.Series([[1], [0]]), "wrong_type"),
        ("bruising", [{"present": 0.3}], "wrong_type"),
        ("bruising", [b"yes"], "wrong_type"),
        ("bruising", ["blue", "2"], "no_such_state"),
        ("bruising", ["positive?"], "no_such_state"),
        ("onset", ["yes"], "no_such_state"),
        ("onset", [True], "wrong_type"),
        ("given_clot", ["maybe"], "no_such_state"),
        ("setting", ["moon"], "no_such_state"),
        ("setting", [3], "wrong_type"),
        ("age", [-0.5, 121, float("inf"), 1e300], "out_of_range"),
        ("age", ["old"], "wrong_type"),
        ("age", [True], "wrong_type"),
        ("age", pl.Series([2**63 + 1], dtype=pl.UInt64), "out_of_range"),
        ("age", pa.chunked_array([[2**60 + 1]]), "out_of_range"),
        ("age", pd.Series([10**400], dtype=object), "out_of_range"),
    ],
)
def test_a_cell_that_cannot_be_read_gives_its_row_a_status(name: str, cells: Any, expected: str) -> None:
    is_column = isinstance(cells, pl.Series | pa.ChunkedArray)
    table = table_of(cells if is_column else pd.Series(cells), name)
    found = encoded(table)
    assert status(found) == [expected] * len(cells)
    assert (found.batch.codes == UNKNOWN).all()
    assert (found.batch.given == UNKNOWN).all()
    assert (found.batch.setting_idx == 0).all()


def test_levels_that_no_row_has_are_no_fault() -> None:
    cells = pd.Categorical(["yes", None], categories=["blue", "yes", "no"])
    found = encoded(pd.DataFrame({"bruising": cells}))
    assert codes(found, "bruising") == [PRESENT, UNKNOWN]
    assert status(found) == ["ok", "ok"]


@kinds
def test_a_row_reads_the_same_as_a_single_case(kind: str) -> None:
    rows = [
        {"age": 34, "onset": "Sudden", "bruising": "yes", "d_dimer": "positive"},
        {"age": 65.9, "onset": None, "bruising": "NO", "d_dimer": ""},
        {"age": None, "onset": "gradual", "bruising": "1", "d_dimer": "absent"},
        {"age": 120, "onset": "subacute", "bruising": "Positive", "d_dimer": "false"},
    ]
    found = encoded(FRAMES[kind](pd.DataFrame(rows)), setting="sports_clinic").batch
    for position, row in enumerate(rows):
        alone = encode_case(VOCABULARY, row, setting="sports_clinic").batch
        assert found.codes[position].tolist() == alone.codes[0].tolist()
        assert found.setting_idx[position] == alone.setting_idx[0]


def test_arrays_have_the_shapes_and_types_an_engine_expects() -> None:
    found = encoded(pd.DataFrame({"given_clot": [True, None], "bruising": [1, 0]})).batch
    assert (found.codes.shape, found.codes.dtype) == ((2, 6), np.int8)
    assert (found.given.shape, found.given.dtype) == ((2, 3), np.int8)
    assert (found.setting_idx.shape, found.setting_idx.dtype) == ((2,), np.intp)
    assert found.given[:, VOCABULARY.cause_index["clot"]].tolist() == [1, UNKNOWN]


# ---- age and setting -----------------------------------------------------------------------------


@kinds
def test_ages_fall_into_bands(kind: str) -> None:
    ages = [18, 39.99, 40, 64, 65, 120, 17, 0, None]
    found = encoded(FRAMES[kind](pd.DataFrame({"age": pd.Series(ages, dtype="Float64")})))
    assert codes(found, "age_band") == [0, 0, 1, 1, 2, 2, 0, 0, UNKNOWN]
    assert set(status(found)) == {"ok"}
    assert found.n_underage == 2


def test_an_age_may_be_text_or_a_decimal() -> None:
    cells = pd.Series(["34", " 70 ", "", Decimal(50)], dtype=object)
    assert codes(encoded(pd.DataFrame({"age": cells})), "age_band") == [0, 2, UNKNOWN, 1]


WORDS = {
    "sex": ["M", "f", "unknown", "?", None],
    "bruising": ["y", "N", "t", "f", "None"],
    "muscle_weakness": ["no", "none", "NA", "-", "mild"],
    "pregnancy": ["no", "None", "unknown", "n", None],
    "age": ["34 years", "70", "?", "none", "41 yo"],
    "setting": ["Sports Clinic", "none", "PRIMARY_CARE", "", "?"],
}


@kinds
def test_a_table_reads_the_words_that_a_case_reads(kind: str) -> None:
    model = load_model()
    table = FRAMES[kind](pd.DataFrame(WORDS))
    frame = encode_table(model.vocabulary, table, setting=model.default_setting)[0]
    assert set(status(frame)) == {"ok"}
    for row in range(5):
        case = {name: cells[row] for name, cells in WORDS.items()}
        where = case.pop("setting")
        is_known = str(where).lower() not in ("none", "", "?")
        setting = str(where) if is_known else model.default_setting
        alone = encode_case(model.vocabulary, case, setting=setting).batch
        assert frame.batch.codes[row].tolist() == alone.codes[0].tolist()
        assert frame.batch.setting_idx[row] == alone.setting_idx[0]


def test_an_age_and_a_band_must_agree_where_both_are_known() -> None:
    table = pd.DataFrame({"age": [30, 30, 30, None], "age_band": ["18-39", "65+", None, "65+"]})
    found = encoded(table)
    assert status(found) == ["ok", "conflicting_columns", "ok", "ok"]
    assert codes(found, "age_band") == [0, UNKNOWN, 0, 2]


def test_an_age_and_a_likelihood_of_the_band_conflict() -> None:
    table = pd.DataFrame({f"age_band:{band}": [0.5, 0.5] for band in BANDS} | {"age": [30, None]})
    found = encoded(table)
    assert status(found) == ["conflicting_columns", "ok"]
    assert [item.case_idx.tolist() for item in found.batch.likelihoods] == [[1]]


@kinds
def test_a_row_may_name_its_setting(kind: str) -> None:
    table = FRAMES[kind](pd.DataFrame({"setting": ["sports_clinic", None, "primary_care"]}))
    assert encoded(table).batch.setting_idx.tolist() == [1, 0, 0]
    assert encoded(table, setting="sports_clinic").batch.setting_idx.tolist() == [1, 1, 0]


def test_an_unknown_setting_of_the_whole_table_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="did you mean 'sports_clinic'"):
        encoded(pd.DataFrame({"bruising": [1]}), setting="sport_clinic")


# ---- virtual evidence ----------------------------------------------------------------------------


@kinds
def test_virtual_evidence_of_a_row_is_that_of_a_single_case(kind: str) -> None:
    rows = [(0.1, 0.2, 0.9), (None, None, None), (1, 0, 0), (1e-200, 2e-200, 0), (1e200, 0, 1e199)]
    frame = pd.DataFrame(onset_columns(rows)).astype("Float64")
    (item,) = encoded(FRAMES[kind](frame)).batch.likelihoods
    assert item.case_idx.tolist() == [0, 2, 3, 4]
    for weights, position in zip(item.weights, item.case_idx, strict=True):
        said = dict(zip(("gradual", "subacute", "sudden"), rows[position], strict=True))
        (alone,) = encode_case(VOCABULARY, {"onset": said}, setting="primary_care").batch.likelihoods
        assert item.variable_idx == alone.variable_idx
        assert weights.tolist() == alone.weights[0].tolist()


def test_likelihoods_out_of_range_partial_or_in_words_give_a_status() -> None:
    rows = [
        (0.2, 0.3, 0.5),
        (-0.1, 0.5, 0.5),
        (0, 0, 0),
        (np.inf, 1, 1),
        (None, 0.5, 0.5),
        ("high", 0.5, 0.5),
        (True, 0.5, 0.5),
        (-1, None, 0.5),
    ]
    table = pd.DataFrame(onset_columns(rows), dtype=object)
    found = encoded(table)
    assert status(found) == ["ok", *["out_of_range"] * 3, *["wrong_type"] * 4]
    assert [item.case_idx.tolist() for item in found.batch.likelihoods] == [[0]]


def test_a_state_and_likelihoods_of_one_variable_conflict_only_in_the_same_row() -> None:
    rows = [(0.2, 0.3, 0.5), (0.2, 0.3, 0.5), (None, None, None)]
    table = pd.DataFrame(onset_columns(rows) | {"onset": ["sudden", None, "sudden"]})
    found = encoded(table)
    assert status(found) == ["conflicting_columns", "ok", "ok"]
    assert codes(found, "onset") == [UNKNOWN, UNKNOWN, 2]
    assert [item.case_idx.tolist() for item in found.batch.likelihoods] == [[1]]


def test_the_first_fault_in_the_order_of_statuses_counts() -> None:
    table = pd.DataFrame(
        {
            "age": [200, 200, 30, 30],
            "age_band": [None, None, "65+", "65+"],
            "onset": ["nowish", None, "nowish", None],
            "bruising": pd.Series([7, None, None, None], dtype=object),
        }
    )
    expected = ["wrong_type", "out_of_range", "no_such_state", "conflicting_columns"]
    assert status(encoded(table)) == expected
    assert status(encoded(table[table.columns[::-1]])) == expected


# ---- tables as a whole -------------------------------------------------------------------------


@kinds
def test_a_table_without_rows_is_a_batch_without_cases(kind: str) -> None:
    names = [*evidence_ids(), "age", "setting", "given_clot", *onset_columns([(1, 1, 1)])]
    table = FRAMES[kind](pd.DataFrame({name: [] for name in names}, dtype=object))
    found = encoded(table)
    assert found.batch.codes.shape == (0, 6)
    assert found.status.shape == (0,)
    assert found.batch.likelihoods == ()


def test_the_table_is_left_as_it_was() -> None:
    table = pd.DataFrame({"bruising": ["yes", "blue"], "age": [30, 200], "x": [1, 2]})
    before = table.copy(deep=True)
    encoded(table)
    pd.testing.assert_frame_equal(table, before)


# ---- chosen cases of a batch ---------------------------------------------------------------------


def test_cases_keep_their_likelihoods_when_taken() -> None:
    weights = np.arange(6.0).reshape(3, 2) + 1
    items = (Likelihood(0, np.array([1, 3, 4]), weights), Likelihood(1, np.array([0]), weights[:1]))
    empty = np.full((5, 2), UNKNOWN, dtype=np.int8)
    batch = EvidenceBatch(empty, empty, np.arange(5), items)
    taken = take_cases(batch, np.array([2, 3, 4]))
    (kept,) = taken.likelihoods
    assert (kept.variable_idx, kept.case_idx.tolist()) == (0, [1, 2])
    assert kept.weights.tolist() == weights[1:].tolist()
    assert taken.setting_idx.tolist() == [2, 3, 4]
    assert take_cases(batch, np.array([], dtype=np.intp)).likelihoods == ()
