"""Cases of a CSV file, one by one, for comparing models."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from thighdx.compiled.case_difference import ComparedCase
from thighdx.errors import TableError
from thighdx.kb.resources import data_path

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["read_cases"]

MAX_CASES = 1_000  # each is asked of two models and may be printed


def read_cases(path: Path | None, model: Model) -> list[ComparedCase]:
    """Read cases from a CSV file with the columns that `thighdx score` reads; the shipped ones by default.

    Raises
    ------
    TableError
        If the file has no rows, more than `MAX_CASES`, or no column that the model knows.
    """
    file = data_path("published_cases.csv") if path is None else path
    with file.open(newline="", encoding="utf-8-sig") as stream:
        find = model.vocabulary.find_name
        rows = [{find(name) or name: cell for name, cell in row.items()} for row in csv.DictReader(stream)]
    if not 0 < len(rows) <= MAX_CASES:
        raise TableError(f"{file}: got {len(rows)} rows, expected 1 to {MAX_CASES:,} cases")
    names = {*model.vocabulary.names()} & {*rows[0]}
    if not names:
        raise TableError(f"{file}: no column is a finding of this model; see thighdx model show --findings")
    return [
        ComparedCase(
            id=row.get("id") or f"row {number}",
            findings={name: row[name] for name in names if row[name]},
            setting=row.get("setting") or None,
        )
        for number, row in enumerate(rows, start=2)
    ]
