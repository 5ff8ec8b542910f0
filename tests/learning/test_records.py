"""What a table says of the truth, and what cannot be learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from thighdx.errors import EvidenceError, TableError
from thighdx.learning.counts import combine, learn_counts
from thighdx.learning.records import read_records
from thighdx.model import Model

COMPLETE = {"tingling": ["yes", "no", None]}


def given(model: Model, table: object, **options: object) -> list[list[int]]:
    records = read_records(model.vocabulary, table, setting="clinic", **{"truth": None, **options})  # type: ignore[arg-type]
    return records.batch.given.tolist()


def test_text_names_all_causes_at_least_some_or_nothing(small_model: Model) -> None:
    table = pd.DataFrame({**COMPLETE, "true_cause": ["strain; nerve", "clot;+", None]})
    assert given(small_model, table) == [[1, 1, 0, 0], [-1, -1, 1, -1], [-1, -1, -1, -1]]


def test_booleans_may_be_unknown_and_a_cause_without_a_column_is_absent(small_model: Model) -> None:
    table = pa.table({**COMPLETE, "true_strain": [True, None, None], "true_nerve": [None, True, None]})
    assert given(small_model, table) == [[1, -1, 0, 0], [-1, 1, 0, 0], [-1, -1, -1, -1]]


def test_labels_may_stand_apart_or_in_a_column_of_another_name(small_model: Model) -> None:
    table = pd.DataFrame({"tingling": ["yes", "no"], "diagnosis": ["nerve", "strain"]})
    wanted = [[0, 1, 0, 0], [1, 0, 0, 0]]
    assert given(small_model, table, truth="diagnosis") == wanted
    assert given(small_model, table, truth=["nerve", "strain"]) == wanted
    assert given(small_model, table, truth=pd.DataFrame({"true_cause": ["nerve", "strain"]})) == wanted


def test_rows_that_cannot_be_used_are_counted_by_reason(small_model: Model) -> None:
    table = pd.DataFrame(
        {
            "tingling": ["yes", "blue", "no", "no", "no", "no"],
            "true_cause": ["nerve", "nerve", "nerv", "strain;nerve;clot", "strain", ""],
        }
    )
    tally = learn_counts(small_model, table, use_unlabelled=False).tally
    assert (tally.complete, tally.partial, tally.unlabelled) == (2, 0, 0)
    assert dict(tally.left_out) == {
        "impossible_evidence": 1,  # three causes in a model of two
        "unknown_cause": 1,
        "no_such_state": 1,
        "unlabelled": 1,
    }


def test_a_row_that_says_every_cause_is_absent_is_left_out(small_model: Model) -> None:
    table = pd.DataFrame({"tingling": ["yes"], **{f"true_{cause}": [False] for cause in small_model.causes}})
    assert dict(learn_counts(small_model, table).tally.left_out) == {"no_cause": 1}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"tingling": ["yes"]}, "nothing says what the causes were"),
        (
            {"tingling": ["yes"], "true_nerv": [True]},
            "'nerv' is no cause of this model; did you mean 'nerve'",
        ),
        ({"tingling": ["yes"], "true_nerve": [True], "true_cause": ["nerve"]}, "expected one kind of truth"),
        (
            {"tingling": ["yes"], "given_nerve": [True], "true_cause": ["nerve"]},
            "call what is known of the truth",
        ),
    ],
)
def test_tables_without_a_clear_truth_are_refused(
    small_model: Model, table: dict[str, list[object]], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        given(small_model, pd.DataFrame(table))


def test_names_that_do_not_exist_come_with_the_nearest(small_model: Model) -> None:
    table = pd.DataFrame({"tingling": ["yes"], "diagnosis": ["nerve"], "person": [1]})
    with pytest.raises(TableError, match="no column 'diagnose'; did you mean 'diagnosis'"):
        given(small_model, table, truth="diagnose")
    with pytest.raises(TableError, match="patient: the table has no column 'persons'; did you mean 'person'"):
        given(small_model, table, truth="diagnosis", patient="persons")
    with pytest.raises(EvidenceError, match=r"setting: got 'clinics'.* did you mean 'clinic'"):
        small_model.learn(table, name="x", truth="diagnosis", setting="clinics")


def test_parts_of_a_table_add_up_to_the_whole_to_the_last_bit(small_model: Model) -> None:
    table = small_model.simulate(300, seed=1).drop(columns="true_strain")  # every row is known in part
    table["true_strain"] = pd.array([None] * 300, dtype="boolean")
    whole = learn_counts(small_model, table)
    mixed = table.sample(frac=1.0, random_state=0)
    parts = combine([learn_counts(small_model, mixed[a : a + 61]) for a in range(0, 300, 61)])
    assert parts.tally == whole.tally
    for setting, counts in whole.settings.items():
        other = parts.settings[setting]
        assert np.array_equal(counts.rows, other.rows)
        assert np.array_equal(counts.sets, other.sets)
        assert counts.patterns.keys() == other.patterns.keys()
        assert all(np.array_equal(value, other.patterns[key]) for key, value in counts.patterns.items())


def test_counts_of_different_models_do_not_add_up(small_model: Model, model: Model) -> None:
    mine = learn_counts(small_model, small_model.simulate(3, seed=1))
    with pytest.raises(TableError, match="got counts made with different models"):
        combine([mine, learn_counts(model, model.simulate(3, seed=1))])
    with pytest.raises(TableError, match="got no counts"):
        combine([])
