"""A script that fills in a review workbook as an expert would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl

from thighdx.review.workbook import COLUMNS, FIRST_ROW


def fill_in(source: Path, target: Path, answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Write answers (id of a line to column to value) and return where each line stands ("sheet!row")."""
    book = openpyxl.load_workbook(source)
    places: dict[str, str] = {}
    for sheet in book.worksheets[1:]:
        for row in range(FIRST_ROW, sheet.max_row + 1):
            name = sheet[f"A{row}"].value
            if name not in answers:
                continue
            places[name] = f"{sheet.title} row {row}"
            for column, value in answers[name].items():
                sheet[f"{COLUMNS[column][0]}{row}"] = value
    assert places.keys() == answers.keys()
    book.save(target)
    return places


def change(low: object, middle: object, high: object, comment: str | None = None) -> dict[str, Any]:
    return {"verdict": "change", "low": low, "middle": middle, "high": high, "comment": comment}


def strike(comment: str | None) -> dict[str, Any]:
    return {"verdict": "strike", "comment": comment}


CONFIRM: Mapping[str, Any] = {"verdict": "confirm"}
