"""The workbook in which an expert confirms, changes or strikes what a model says about a few causes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thighdx.errors import TableError
from thighdx.forms.template import need_openpyxl
from thighdx.kb.records import LEVELS
from thighdx.review.questions import ReviewItem, review_items

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["COLUMNS", "FIRST_ROW", "VERDICTS", "write_workbook"]

VERDICTS = ("confirm", "change", "strike")
# Letter, title and width; the first is hidden and says what a row is about.
COLUMNS = {
    "id": ("A", "id", 4),
    "question": ("B", "question, rule or advice", 70),
    "unit": ("C", "the numbers are", 14),
    "now_low": ("D", "now, 5%", 9),
    "now_middle": ("E", "now, 50%", 9),
    "now_high": ("F", "now, 95%", 9),
    "published": ("G", "published figures", 50),
    "verdict": ("H", "your verdict", 12),
    "low": ("I", "yours, 5%", 10),
    "middle": ("J", "yours, 50%", 10),
    "high": ("K", "yours, 95%", 10),
    "text": ("L", "your level, or your words", 30),
    "comment": ("M", "comment", 50),
}
FIRST_ROW = 4
HOW_TO = (
    "One sheet per cause. On each line: leave the verdict empty if you did not look at it, confirm what you would say "
    "too, strike what says nothing about the cause, or change it.",
    "To change a number give three: one that the truth exceeds in 95 of 100 such judgements (5%), one that it exceeds "
    "as often as not (50%), and one that it exceeds in 5 of 100 (95%). They are of as many patients as the line "
    "says. In odds, 1 means that it makes no difference.",
    "To change a rule choose its level; to change advice write it anew. Say why in the comment: whoever strikes "
    "something, or changes a rule or advice, or a number more than tenfold, must.",
    "The grey columns are not read back. Do not add, remove or rename sheets, or move lines between them.",
)


def write_workbook(model: Model, causes: Sequence[str], path: str | Path) -> Path:
    """Write the workbook, a sheet per cause.

    Parameters
    ----------
    model : Model
    causes : sequence of str
        Ids, in the order wanted.
    path : path
        Ends in ``.xlsx``.

    Raises
    ------
    TableError
        If openpyxl is not installed.
    UnknownNameError
        If there is no such cause.
    """
    asked: dict[str, list[ReviewItem]] = {}
    seen: set[str] = set()  # what a cause does to another is about both, and asked once
    for cause in causes:
        asked[cause] = [item for item in review_items(model, cause) if item.id not in seen]
        seen |= {item.id for item in asked[cause]}
    book = need_openpyxl().Workbook()
    sheet = book.active
    sheet.title = "how to"
    sheet.column_dimensions["A"].width = 120
    about = f"{model.name} {model.version}"
    for line in (f"Review of {about}", *HOW_TO, model.disclaimer):
        sheet.append([line])
    sheet.append(["digest", model.digest])
    for row in sheet.iter_rows():
        _wrap(row[0])
    titles: set[str] = set()
    for cause, items in asked.items():
        title = cause[:31]
        if title in titles:
            raise TableError(f"two sheets would be called {title!r}; review these causes in two workbooks")
        titles.add(title)
        _write_sheet(book.create_sheet(title), model.causes[cause].label, items)
    target = Path(path)
    book.save(target)
    return target


def _write_sheet(sheet: Any, label: str, items: Sequence[ReviewItem]) -> None:
    """Write one cause."""
    from openpyxl.styles import Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation

    sheet["B1"] = label
    sheet["B1"].font = Font(bold=True, size=14)
    sheet["B2"] = "Of what you leave empty nothing is assumed."
    quiet = PatternFill("solid", fgColor="EEEEEE")
    for letter, title, width in COLUMNS.values():
        sheet.column_dimensions[letter].width = width
        sheet[f"{letter}{FIRST_ROW - 1}"] = title
        sheet[f"{letter}{FIRST_ROW - 1}"].font = Font(bold=True)
    for row, item in enumerate(items, start=FIRST_ROW):
        now: list[object] = [_rounded(value) for value in item.now] or [
            "never" if item.kind == "number" else None
        ]
        cells = [
            item.id,
            item.words,
            item.unit,
            *now,
            *[None] * (3 - len(now)),
            "\n".join(item.published) or None,
        ]
        for column, value in enumerate(cells, start=1):
            cell = sheet.cell(row=row, column=column, value=value)
            cell.fill = quiet
            _wrap(cell)
    last = FIRST_ROW + len(items) - 1
    verdicts = DataValidation(type="list", formula1=f'"{",".join(VERDICTS)}"', allow_blank=True)
    verdicts.add(f"H{FIRST_ROW}:H{last}")
    sheet.add_data_validation(verdicts)
    rules = [row for row, item in enumerate(items, start=FIRST_ROW) if item.kind == "rule"]
    if rules:
        levels = DataValidation(type="list", formula1=f'"{",".join(LEVELS)}"', allow_blank=True)
        levels.add(f"L{rules[0]}:L{rules[-1]}")
        sheet.add_data_validation(levels)
    sheet.column_dimensions["A"].hidden = True
    sheet.freeze_panes = f"C{FIRST_ROW}"
    sheet.page_setup.orientation = "landscape"


def _wrap(cell: Any) -> None:
    from openpyxl.styles import Alignment

    cell.alignment = Alignment(wrap_text=True, vertical="top")


def _rounded(value: float) -> float:
    """Write three significant digits."""
    return float(f"{value:.3g}")
