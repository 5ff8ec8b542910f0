"""A table means the same, and is refused alike, through whatever door it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import floats
import thighdx
from quiet import without_warnings
from scoring.doors import DOORS, FILES

ROWS: list[tuple[dict[str, str], str]] = [
    ({"bruising": "yes", "age": "30"}, "ok"),
    ({"bruising": "blue", "age": "30"}, "no_such_state"),
    ({"bruising": "yes", "age": "old"}, "wrong_type"),
    ({"bruising": "yes", "age": "130"}, "out_of_range"),
    ({"bruising": "yes", "age": "30", "age_band": "65+"}, "conflicting_columns"),
    ({"pregnancy": "yes", "age": "70"}, "impossible_evidence"),
    ({"bruising": "yes", "setting": "moon"}, "no_such_state"),
    ({"given_clot": "yes", "given_strain": "no", "onset": "sudden"}, "impossible_evidence"),
    ({"given_clot": "yes", "onset": "sudden"}, "ok"),
    ({"tingling:absent": "0.2", "tingling:present": "0.7", "setting": "hospital"}, "ok"),
    ({"tingling:absent": "-1", "tingling:present": "0.7"}, "out_of_range"),
    ({"pain": "Severe", "d_dimer": "n/a"}, "ok"),
]
NAMES = [*dict.fromkeys(name for row, _ in ROWS for name in row)]
CELLS: dict[str, list[str | None]] = {
    "id": [f"{n:03}" for n in range(len(ROWS))],
    **{name: [row.get(name) for row, _ in ROWS] for name in NAMES},
}
doors = pytest.mark.parametrize("door", DOORS)


@doors
def test_every_row_has_the_answer_of_its_case_or_a_status_and_no_numbers(
    small_model: thighdx.Model, door: str, tmp_path: Path
) -> None:
    found = without_warnings(DOORS[door], CELLS, tmp_path, groups=True)
    numbers = ["log_evidence", *small_model.causes, "group_serious"]
    assert list(found.columns) == ["id", "status", *numbers]
    assert found["id"].tolist() == CELLS["id"]
    assert found["status"].tolist() == [status for _, status in ROWS]
    for (row, status), values in zip(ROWS, found[numbers].to_numpy(dtype=float), strict=True):
        assert np.isnan(values).all() == (status != "ok")
        if status == "ok":
            answer = small_model.diagnose(case_of(row), setting=row.get("setting"))
            expected = [
                answer.log_evidence,
                *answer.posterior[list(small_model.causes)],
                answer.groups["serious"],
            ]
            assert values.tolist() == pytest.approx(expected, abs=floats.COMPILED)


def case_of(row: dict[str, str]) -> dict[str, object]:
    """A row as a case."""
    case: dict[str, object] = {}
    for name, value in row.items():
        variable, _, state = name.partition(":")
        if state:
            case.setdefault(variable, {})[state] = float(value)  # type: ignore[index]  # a likelihood
        elif name != "setting":
            case[name.removeprefix("given_")] = value
    return case


@doors
def test_the_first_row_that_cannot_be_scored_may_be_an_error(door: str, tmp_path: Path) -> None:
    cells = {"bruising": ["yes", "blue", "no"]}
    message = r"row 2( of the batch)?: no_such_state: bruising: got 'blue', expected absent, present"
    with pytest.raises(thighdx.TableError, match=message):
        DOORS[door](cells, tmp_path, on_error="raise")
    good = DOORS[door]({"bruising": ["yes", "no"]}, tmp_path, on_error="raise")
    assert good["status"].tolist() == ["ok", "ok"]


@doors
def test_a_cell_that_cannot_be_read_may_count_as_unknown(door: str, tmp_path: Path) -> None:
    cells = {"bruising": ["blue", "yes", None], "onset": ["sudden", "sudden", "now"]}
    known = {"bruising": [None, "yes", None], "onset": ["sudden", "sudden", None]}
    found = without_warnings(DOORS[door], cells, tmp_path, on_error="unknown")
    (tmp_path / "known").mkdir()
    assert found.equals(DOORS[door](known, tmp_path / "known"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["strain"], "column 'strain': a cause cannot be read .* 'given_strain'"),
        (["tingling:absent"], "no column tingling:present; give one column per state"),
        (["status"], "column 'status': an output column has the same name"),
        (["log_evidence"], "column 'log_evidence': an output column has the same name"),
        (["group_serious"], "column 'group_serious': an output column has the same name"),
    ],
)
@doors
def test_names_that_cannot_be_are_an_error_before_any_row(
    door: str, names: list[str], message: str, tmp_path: Path
) -> None:
    cells = {"bruising": ["yes"], **{name: ["yes"] for name in names}}
    with pytest.raises(thighdx.TableError, match=message):
        DOORS[door](cells, tmp_path, groups=True)


@doors
def test_a_misspelled_column_warns_and_passes_through(door: str, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="'brusing' is passed through.*did you mean 'bruising'"):
        found = DOORS[door]({"brusing": ["yes"], "pain": ["mild"]}, tmp_path)
    assert list(found.columns[:2]) == ["brusing", "status"]


@pytest.mark.parametrize(
    "door", [door for door in DOORS if door not in FILES]
)  # of files without evidence it is an error
def test_a_table_of_ids_only_gets_the_prior_and_a_warning(
    small_model: thighdx.Model, door: str, tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="no column is read as evidence: every row gets the prior"):
        found = DOORS[door]({"id": ["a", "b"]}, tmp_path)
    assert found["status"].tolist() == ["ok", "ok"]
    assert found["strain"].tolist() == pytest.approx([small_model.diagnose({}).prior["strain"]] * 2)


@pytest.mark.parametrize("door", [door for door in DOORS if door not in ("pandas", "polars", "pyarrow")])
def test_a_map_of_columns_is_followed(door: str, tmp_path: Path) -> None:
    column_map = {
        "format": 1,
        "columns": {
            "Q1": {"read_as": "bruising", "values": {"J": "present", "N": "absent"}},
            "secret": {"drop": True},
        },
    }
    cells = {"Q1": ["J", "N"], "sex_code": ["1", "2"], "secret": ["x", "y"], "id": ["a", "b"]}
    found = DOORS[door](cells, tmp_path, column_map=column_map)
    assert found.columns[:3].tolist() == ["sex_code", "id", "status"]
    (tmp_path / "own").mkdir()
    own = DOORS[door]({"bruising": ["yes", "no"]}, tmp_path / "own")
    assert found["strain"].tolist() == own["strain"].tolist()
