"""The spreadsheet template, filled in and read back."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

import thighdx
from thighdx.forms import write_template


def test_a_filled_in_workbook_saved_as_csv_is_scored(model: thighdx.Model, tmp_path: Path) -> None:
    path = write_template(model, tmp_path / "patients.xlsx", max_cost="cheap_test")
    book = openpyxl.load_workbook(path)
    sheet = book["patients"]
    place = {cell.value: cell.column for cell in sheet[1]}
    answers = {"age": 34, "onset": "sudden", "bruising": "yes", "numbness": "no", "tsh_raised": "negative"}
    for name, value in answers.items():
        sheet.cell(row=2, column=place[name], value=value)
    sheet.cell(row=2, column=place["id"], value="A")
    sheet.cell(row=3, column=place["id"], value="B")
    with (tmp_path / "saved.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(list(sheet.iter_rows(max_row=3, values_only=True)))
    out = tmp_path / "out.csv"
    thighdx.score_files(tmp_path / "saved.csv", out, scorer=thighdx.Scorer(model))
    with out.open(encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)
    expected = [model.diagnose(found).posterior["hamstring_strain"] for found in (answers, {})]
    assert [float(row["hamstring_strain"]) for row in (first, second)] == pytest.approx(expected, abs=1e-5)
    assert second["status"] == "ok"


def test_every_cell_has_a_list_of_the_answers_it_takes(model: thighdx.Model, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write_template(model, tmp_path / "patients.xlsx", n_rows=10))
    sheet = book["patients"]
    rules = {
        str(rule.sqref).split(":")[0].rstrip("0123456789"): rule
        for rule in sheet.data_validations.dataValidation
    }
    for cell in sheet[1][1:]:
        rule = rules[cell.column_letter]
        assert str(rule.sqref).endswith("11")
        assert rule.allow_blank
        if cell.value == "age":
            assert rule.type == "decimal"
        elif cell.value != "setting":
            variable = model.variables[cell.value]
            words = rule.formula1.strip('"').split(",")
            codes = {model.vocabulary.code(variable, word) for word in words}
            assert codes == set(range(len(variable.states)))
            assert len(rule.formula1) < 256
            assert cell.comment.text == variable.question
    assert book["questions"].max_row > 100
