"""The REDCap form, and reading its export back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

import thighdx
from cli.terminal import refused
from thighdx.evidence.column_map import read_column_map
from thighdx.forms import RedcapForm, form_sections, redcap_form
from thighdx.forms.plan import asked_expression
from thighdx.forms.redcap import field_names
from thighdx.kb.expressions import holds

FIELD, KIND, LABEL, CHOICES, LOGIC = (
    "Variable / Field Name", "Field Type", "Field Label", "Choices, Calculations, OR Slider Labels",
    "Branching Logic (Show field only if...)",
)  # fmt: skip


@pytest.fixture(scope="module")
def form(model: thighdx.Model) -> RedcapForm:
    return redcap_form(model, "imaging_or_invasive")


def rows_of(form: RedcapForm) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(form.dictionary)))


def raw_codes(form: RedcapForm) -> dict[str, dict[str, str]]:
    """Variable to state to the code an export holds."""
    columns = [item for item in form.column_map["columns"].values() if "read_as" in item]
    return {item["read_as"]: {state: code for code, state in item["values"].items()} for item in columns}


def fields_of(form: RedcapForm) -> dict[str, str]:
    """Variable to the field that is read."""
    columns = form.column_map["columns"].items()
    return {item["read_as"]: name for name, item in columns if "read_as" in item}


def tick(rows: list[dict[str, str]], values: dict[str, str], *, is_filled: bool = True) -> dict[str, str]:
    """The boxes an export holds for a record: 0 for each that is not ticked, whatever that means."""
    found = {}
    for row in rows:
        if row[KIND] == "checkbox":
            members = [r for r in rows if r[KIND] == "calc" and f"[{row[FIELD]}(1)]" in r[CHOICES]]
            ticked = (
                [values[member[FIELD]] == "1" for member in members] if is_filled else [False] * len(members)
            )
            found[f"{row[FIELD]}___0"] = str(int(is_filled and not any(ticked)))
            found |= {f"{row[FIELD]}___{code}": str(int(on)) for code, on in enumerate(ticked, start=1)}
    return found


def calculated(rows: list[dict[str, str]], boxes: dict[str, str]) -> dict[str, str]:
    """What REDCap works out for a field from its boxes: written from the rules of its `if`."""
    found = {}
    for row in rows:
        if row[KIND] == "calc":
            match = re.fullmatch(r"if\((.*), if\((.*), 1, 0\), \"\"\)", row[CHOICES])
            assert match is not None
            holds_now = [
                any(
                    boxes[f"{name}___{code}"] == "1"
                    for name, code in re.findall(r"\[(\w+)\((\d+)\)\] = '1'", part)
                )
                for part in match.groups()
            ]
            found[row[FIELD]] = str(int(holds_now[1])) if holds_now[0] else ""
    return found


def test_the_dictionary_keeps_to_the_rules_of_redcap(form: RedcapForm) -> None:
    rows = rows_of(form)
    assert len(rows[0]) == 18
    names = [row[FIELD] for row in rows]
    assert names[0] == "record_id"
    assert len(set(names)) == len(names) > 150
    assert all(re.fullmatch(r"[a-z](_?[a-z0-9])*", name) and len(name) <= 26 for name in names)
    for row in rows:
        assert row[LABEL]
        assert row[KIND] in ("text", "yesno", "radio", "dropdown", "checkbox", "calc")
        assert bool(row[CHOICES]) == (row[KIND] in ("radio", "dropdown", "checkbox", "calc"))
        assert "<" not in row[LABEL]
        assert row["Required Field?"] == ""


def test_long_names_are_cut_and_stay_apart() -> None:
    long = "very_long_name_of_a_finding_that"
    names = field_names([f"{long}_begins", f"{long}_ends", "sex", "record_id"])
    assert len(set(names.values())) == 4
    assert names["sex"] == "sex"
    assert names["record_id"] == "record_id_2"


def test_fields_are_shown_exactly_when_the_condition_holds(model: thighdx.Model, form: RedcapForm) -> None:
    """The logic is rewritten as Python by hand here: REDCap's and, or, = and [field] are all there is."""
    codes = raw_codes(form)
    rows = {row[FIELD]: row for row in rows_of(form)}
    fields = fields_of(form)
    included = {v.id for section in form_sections(model, "imaging_or_invasive") for v in section.variables}
    conditional = [v for v in model.variables.values() if v.asked_if and v.id in included]
    assert len(conditional) > 10
    for _, person in model.simulate(30, seed=11).astype(str).iterrows():
        states = {name: person[name] for name in included}
        values = {fields[name]: codes[name][state] for name, state in states.items()}
        for variable in conditional:
            logic = rows[fields[variable.id]][LOGIC]
            atoms = dict.fromkeys(re.findall(r"\[(\w+)\] = '(\d+)'", logic))
            for field, code in atoms:
                logic = logic.replace(f"[{field}] = '{code}'", "T" if values[field] == code else "F")
            while "(" in logic or len(logic) > 1:
                logic = re.sub(r"\(([TF])\)", r"\1", logic)
                logic = re.sub(r"\(([TF](?: and [TF])+)\)", lambda m: "F" if "F" in m[1] else "T", logic)
                logic = re.sub(r"\(([TF](?: or [TF])+)\)", lambda m: "T" if "T" in m[1] else "F", logic)
            condition = asked_expression(variable, included)
            assert condition is not None
            assert (logic == "T") == (holds(condition, states) is True)


def test_an_export_is_read_back_as_what_was_filled_in(
    model: thighdx.Model, form: RedcapForm, tmp_path: Path
) -> None:
    people = model.simulate(5, seed=5)[list(model.variables)].astype(str)
    codes = raw_codes(form)
    fields = fields_of(form)
    rows = rows_of(form)
    records = [
        {fields[name]: codes[name][person[name]] for name in model.variables}
        for _, person in people.iterrows()
    ]
    for record in [*records, empty := dict.fromkeys(records[0], "")]:
        boxes = tick(rows, record, is_filled=record is not empty)
        answers = calculated(rows, boxes)
        assert answers == {name: record[name] for name in answers}
        record |= boxes | {"setting": codes["setting"]["emergency_department"]}
    export = pd.DataFrame([*records, empty])
    assert export.filter(like="___").shape[1] > 30
    export.insert(0, "record_id", range(1, 7))
    export["posterior_thigh_complete"] = [2] * 5 + [0]
    export.to_csv(tmp_path / "export.csv", index=False)
    (tmp_path / "map.yaml").write_text(form.map_text(), encoding="utf-8")
    read_column_map(tmp_path / "map.yaml").check(model.vocabulary)
    out = tmp_path / "out.csv"
    thighdx.score_files(
        tmp_path / "export.csv", out, scorer=thighdx.Scorer(model, column_map=tmp_path / "map.yaml")
    )
    scored = pd.read_csv(out)
    direct = model.score(people.reset_index(drop=True), setting="emergency_department")
    assert scored["status"].tolist() == ["ok"] * 6
    causes = list(model.causes)
    assert scored[causes].head(5).to_numpy() == pytest.approx(direct[causes].to_numpy(), abs=1e-5)
    # an empty form is a case of which nothing is known, not one in which everything is absent
    nothing = model.diagnose({}, setting="emergency_department").posterior
    assert scored.loc[5, "hamstring_strain"] == pytest.approx(nothing["hamstring_strain"], abs=1e-5)


def test_the_command_writes_the_dictionary_and_its_map(run: Callable[..., Result]) -> None:
    assert run("model", "form", "--redcap", "-o", "dictionary.csv").exit_code == 0
    assert Path("dictionary.csv").read_text(encoding="utf-8").startswith("Variable / Field Name,Form Name")
    assert "format: 1" in Path("dictionary.map.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "x.csv"], "form: expected one of --redcap and --xlsx"),
        (["--redcap", "-o", "x.xlsx"], "got the ending '.xlsx', expected .csv"),
        (["--xlsx", "-o", "x.csv"], "got the ending '.csv', expected .xlsx"),
        (["--redcap", "-o", "x.csv", "--max-cost", "talk"], "max_cost: got 'talk'"),
    ],
)
def test_the_command_says_what_is_wrong(run: Callable[..., Result], options: list[str], message: str) -> None:
    refused(run("model", "form", *options), message)
