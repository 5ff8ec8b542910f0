"""Tables scored: same rows, same kind, and the posteriors of every row as if it were alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import floats
import reference
from fresh import printed_by
from patients import (
    FRAMES,
    NETWORK,
    SETTINGS,
    VOCABULARY,
    column,
    evidence_ids,
    onset_columns,
    scored,
    scored_with_losses,
)
from thighdx.inference.simulate import simulate_table
from thighdx.network.groups import group_sets
from thighdx.scoring import score

kinds = pytest.mark.parametrize("kind", FRAMES)
CAUSES = [cause.id for cause in VOCABULARY.causes]
BASES = {name: reference.solve_base(NETWORK.spec, name) for name in SETTINGS}


def patients(n: int, share_unknown: float = 0.4, seed: int = 1) -> pd.DataFrame:
    """Simulated patients of whom some things are unknown."""
    rng = np.random.default_rng(seed)
    table = simulate_table(NETWORK, VOCABULARY, n, seed=seed, setting="primary_care")
    hidden = rng.random((n, len(evidence_ids()))) < share_unknown
    return table[evidence_ids()].mask(hidden)


def assert_answers(row: dict[str, Any], evidence: reference.Evidence, setting: str) -> None:
    """Compare one scored row with brute force."""
    answer = reference.infer(NETWORK.spec, BASES[setting], evidence)
    assert row["status"] == "ok"
    assert row["log_evidence"] == pytest.approx(float(answer.log_evidence), rel=1e-7, abs=1e-9)
    for cause in CAUSES:
        expected = float(answer.posterior[cause])
        assert row[cause] == pytest.approx(expected, rel=floats.SOLVED_TWICE, abs=0)


# ---- what comes out ------------------------------------------------------------------------------


@kinds
def test_the_same_kind_of_table_comes_back(kind: str) -> None:
    frame = pd.DataFrame({"id": [7, 8], "bruising": ["yes", None], "note": ["a", "b"]})
    table = FRAMES[kind](frame)
    result = scored(table, groups=True)
    assert type(result) is type(table)
    names = ["id", "note", "status", "log_evidence", *CAUSES, "group_muscle", "group_alone"]
    found = result.column_names if kind == "pyarrow" else list(result.columns)
    assert found == names
    assert column(result, "id") == [7, 8]
    assert column(result, "note") == ["a", "b"]
    assert column(result, "status") == ["ok", "ok"]


def test_numbers_are_double_precision_in_every_kind_of_table() -> None:
    assert {str(kind) for kind in scored(patients(5), groups=True).dtypes[1:]} == {"float64"}
    assert scored(pl.from_pandas(patients(5))).dtypes == [pl.String] + [pl.Float64] * 4
    assert scored(pa.Table.from_pandas(patients(5))).schema.types == [pa.string()] + [pa.float64()] * 4


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([5, 5, 3, -1], name="patient"),
        pd.Index(["d", "c", "c", "a"]),
        pd.MultiIndex.from_tuples([(1, "a"), (1, "a"), (0, "b"), (2, "c")]),
    ],
)
@pytest.mark.parametrize("others", [{}, {"id": [1, 2, 3, 4]}])
def test_a_pandas_index_is_kept(index: pd.Index, others: dict[str, list[int]]) -> None:
    cells = ["yes", None, "blue", "no"]
    result = scored_with_losses(pd.DataFrame({"bruising": cells} | others, index=index))
    pd.testing.assert_index_equal(result.index, index)
    plain = scored_with_losses(pd.DataFrame({"bruising": cells} | others))
    pd.testing.assert_frame_equal(result.reset_index(drop=True), plain)


def test_columns_passed_through_keep_their_cells_and_types() -> None:
    table = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-01", None]),
            "kind": pd.Categorical(["a", None], categories=["b", "a"], ordered=True),
            "bruising": [1, 0],
            "n": pd.array([1, None], dtype="Int64"),
            "thing": pd.Series([{"x": 1}, [2]], dtype=object),
            0: [True, False],
        }
    )
    kept = ["when", "kind", "n", "thing", 0]
    pd.testing.assert_frame_equal(scored(table)[kept], table[kept])


@kinds
def test_a_table_without_rows_comes_back_with_its_columns(kind: str) -> None:
    table = FRAMES[kind](pd.DataFrame({"id": [1], "bruising": ["yes"], "age": [3.0]})[:0])
    result = scored(table, groups=True)
    assert type(result) is type(table)
    assert len(result) == 0
    names = result.column_names if kind == "pyarrow" else list(result.columns)
    assert names == ["id", "status", "log_evidence", *CAUSES, "group_muscle", "group_alone"]


@kinds
def test_a_table_that_says_nothing_gives_the_prior(kind: str) -> None:
    table = FRAMES[kind](pd.DataFrame({"bruising": pd.Series([None, None], dtype="object")}))
    result = scored(table)
    for position, cause in enumerate(CAUSES):
        share = NETWORK.spec.shares[0, position]
        assert column(result, cause) == pytest.approx([share, share], abs=floats.SOLVED_TWICE)
    assert column(result, "log_evidence") == pytest.approx([0, 0], abs=floats.SUMS_TO_ONE)


# ---- what the numbers are ------------------------------------------------------------------------


@kinds
def test_every_row_has_its_own_posterior(kind: str) -> None:
    table = patients(40)
    result = scored(FRAMES[kind](table))
    values = {name: column(result, name) for name in ("status", "log_evidence", *CAUSES)}
    for position, row in enumerate(table.to_dict("records")):
        evidence = {name: state for name, state in row.items() if isinstance(state, str)}
        assert_answers({k: v[position] for k, v in values.items()}, evidence, "primary_care")


def test_virtual_evidence_settings_and_given_causes_count_row_by_row() -> None:
    table = pd.DataFrame(
        onset_columns([(0.1, 0.2, 0.9), (None, None, None), (1, 0, 0), (0.5, 0.5, 0.5)])
        | {
            "setting": ["primary_care", "sports_clinic", None, "sports_clinic"],
            "given_clot": [None, "absent", True, None],
            "age_band": ["65+", None, None, "40-64"],
            "d_dimer": [None, True, None, "negative"],
        }
    )
    rows: list[tuple[reference.Evidence, str]] = [
        (
            {"onset": {"gradual": 0.1, "subacute": 0.2, "sudden": 0.9}, "age_band": "65+"},
            "primary_care",
        ),
        ({"d_dimer": "positive", "clot": "absent"}, "sports_clinic"),
        ({"onset": "gradual", "clot": "present"}, "primary_care"),
        (
            {
                "onset": {"gradual": 0.5, "subacute": 0.5, "sudden": 0.5},
                "age_band": "40-64",
                "d_dimer": "negative",
            },
            "sports_clinic",
        ),
    ]
    for row, (evidence, setting) in zip(scored(table).to_dict("records"), rows, strict=True):
        assert_answers(row, evidence, setting)


def test_a_batch_equals_its_rows_scored_alone() -> None:
    table = patients(30).assign(setting=["primary_care", "sports_clinic", None] * 10)
    alone = pd.concat([scored(table.iloc[[i]]) for i in range(len(table))])
    pd.testing.assert_frame_equal(scored(table), alone, rtol=floats.SAME_BASE)


@kinds
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_long_table_read_in_parts_gives_the_bits_it_gives_at_once(
    kind: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = patients(50).assign(id=range(50), age=[17, 30, 70, None, 45] * 10)
    table["bruising"] = table["bruising"].astype(object)
    table.loc[[3, 20, 41], "bruising"] = "blue"
    native = FRAMES[kind](table.drop(columns="age_band"))
    with pytest.warns(UserWarning, match="outside_population: 10 rows"):
        at_once = scored_with_losses(native, engine=engine)
    monkeypatch.setattr(score, "ROWS_AT_ONCE", 16)
    for n_threads in (1, 3):
        with pytest.warns(UserWarning, match="outside_population: 10 rows"):
            in_parts = scored_with_losses(native, engine=engine, n_threads=n_threads)
        assert list(column(at_once, "status")).count("no_such_state") == 3
        for name in ("id", "status", "log_evidence", *CAUSES):
            np.testing.assert_array_equal(column(in_parts, name), column(at_once, name))


def test_permuting_rows_permutes_results() -> None:
    table = patients(50).assign(id=range(50))
    order = np.random.default_rng(3).permutation(50)
    pd.testing.assert_frame_equal(scored(table.iloc[order]), scored(table).iloc[order], rtol=floats.SAME_BASE)


def test_the_order_of_columns_is_irrelevant() -> None:
    table = patients(20)
    pd.testing.assert_frame_equal(scored(table[table.columns[::-1]]), scored(table))


def test_a_group_is_as_likely_as_any_of_its_members() -> None:
    result = scored(patients(50), groups=True)
    assert (result.group_alone == result.clot).all()
    assert (result.group_muscle >= result[["strain", "cramp"]].max(axis=1)).all()
    assert (result.group_muscle <= result.strain + result.cramp + floats.SUMS_TO_ONE).all()
    given_neither = scored(pd.DataFrame({"given_strain": [0], "given_cramp": [0]}), groups=True)
    assert given_neither.group_muscle.tolist() == [0]
    assert given_neither.group_alone.tolist() == [1]


def test_a_group_without_members_is_never_present() -> None:
    assert group_sets(NETWORK.membership, [[]]).sum() == 0


def test_the_truth_of_simulated_patients_is_passed_through_and_never_read() -> None:
    table = simulate_table(NETWORK, VOCABULARY, 30, seed=2, setting="primary_care")
    truth = [f"true_{cause}" for cause in CAUSES]
    result = scored(table)
    pd.testing.assert_frame_equal(result[truth], table[truth])
    pd.testing.assert_frame_equal(result.drop(columns=truth), scored(table.drop(columns=truth)))


@pytest.mark.parametrize("factor", [1e-300, 1e-60, 1e60, 1e300])
def test_the_scale_of_a_likelihood_moves_only_the_evidence(factor: float) -> None:
    plain = scored(pd.DataFrame(onset_columns([(0.1, 0.2, 0.9)])))
    scaled = scored(pd.DataFrame(onset_columns([(0.1 * factor, 0.2 * factor, 0.9 * factor)])))
    assert scaled.loc[0, "status"] == "ok"
    for cause in CAUSES:
        assert scaled.loc[0, cause] == pytest.approx(plain.loc[0, cause], rel=floats.SAME_BASE)
    shift = scaled.loc[0, "log_evidence"] - plain.loc[0, "log_evidence"]
    assert shift == pytest.approx(np.log(factor), rel=floats.SAME_BASE)


# ---- which engine ---------------------------------------------------------------------------------


def test_the_engine_follows_from_the_size_of_the_table_alone() -> None:
    few, many = (score.NUMPY_CELLS // NETWORK.explanations.n_explanations + more for more in (0, 1))
    assert score.choose_engine("auto", few, NETWORK) == "numpy"
    assert score.choose_engine("auto", many, NETWORK) == "compiled"
    assert score.choose_engine("auto", None, NETWORK) == "compiled"  # who knows how many will come
    assert score.choose_engine("compiled", 1, NETWORK) == "compiled"


def test_a_short_table_compiles_nothing_and_imports_no_compiler() -> None:
    code = (
        "import sys, pandas as pd, thighdx\n"
        "thighdx.load_model().score(pd.DataFrame({'bruising': ['yes', None] * 500}))\n"
        "print('numba' in sys.modules)"
    )
    assert printed_by(code) == "False\n"


def test_both_engines_give_the_same_table() -> None:
    table = patients(100).assign(age=[17, 30, 70, None] * 25).drop(columns="age_band")
    with pytest.warns(UserWarning, match="outside_population"):
        one = scored(table, engine="numpy", groups=True)
    with pytest.warns(UserWarning, match="outside_population"):
        other = scored(table, engine="compiled", groups=True)
    pd.testing.assert_frame_equal(one, other, rtol=0, atol=floats.COMPILED)


def test_what_is_attached_to_a_pandas_table_survives() -> None:
    table = patients(3)
    table.attrs["source"] = "ward 7"
    assert scored(table).attrs == {"source": "ward 7"}


@pytest.mark.parametrize("n_words", [3, 500])
def test_words_that_are_not_the_same_object_are_the_same_word(n_words: int) -> None:
    words = ["".join(["sud", "den"]) for _ in range(n_words)] + ["gradual", None, float("nan")]
    found = scored(pd.DataFrame({"onset": pd.Series(words, dtype=object)}))
    plain = scored(pd.DataFrame({"onset": ["sudden"] * n_words + ["gradual", None, None]}))
    pd.testing.assert_frame_equal(found, plain, check_exact=True)
