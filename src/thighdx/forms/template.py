"""A spreadsheet to fill in: one row per patient, one column per question, a list of answers in every cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from thighdx.errors import TableError
from thighdx.evidence.columns import AGE, SETTING
from thighdx.evidence.vocabulary import AGE_VARIABLE
from thighdx.forms.plan import form_sections, is_yes_no
from thighdx.text import condition_name
from thighdx.words import Labels, say

if TYPE_CHECKING:
    from thighdx.kb.records import Variable
    from thighdx.model import Model

__all__ = ["need_openpyxl", "write_template"]

SHADES = ("F8E3DC", "E3ECF7", "EAF3E3", "F3ECDD", "EBE6F3")  # of the sections, one after the other


def need_openpyxl() -> Any:
    """Return openpyxl.

    Raises
    ------
    TableError
        If the extra is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise TableError("workbooks need openpyxl: pip install 'thighdx[forms]'") from None
    return openpyxl


def write_template(model: Model, path: str | Path, *, max_cost: str = "ask", n_rows: int = 200) -> Path:
    """Write an empty workbook for patients; saved as CSV, its first sheet is what `thighdx score` reads.

    Parameters
    ----------
    model : Model
        Whose questions they are.
    path : path
        Ends in ``.xlsx``.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}
        What is dearer is left out.
    n_rows : int
        Rows whose cells have a list of answers.

    Raises
    ------
    TableError
        If the name has another ending, or openpyxl is not installed.
    """
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise TableError(f"{path}: got the ending {target.suffix!r}, expected .xlsx")
    book = need_openpyxl().Workbook()
    sections = form_sections(model, max_cost)
    patients, questions = book.active, book.create_sheet("questions")
    place, labels = 3, model.compiled.labels
    patients.title = "patients"
    questions.append(say("form.heads", labels).split("|"))
    _column(patients, 1, "id", say("form.id", labels), shade="FFFFFF")
    _column(patients, 2, SETTING, say("form.seen_in", labels), shade="FFFFFF")
    _answers(patients, 2, model.settings, labels, n_rows)
    for section, shade in zip(sections, SHADES, strict=False):
        for variable in section.variables:
            name, answers = _name(variable), _words(variable)
            _column(patients, place, name, variable.question, shade=shade)
            _answers(patients, place, answers, labels, n_rows)
            shown = ", ".join(answers) or say("form.years", labels)
            questions.append(
                [name, section.title, variable.question, shown, condition_name(variable.asked_if, labels)]
            )
            place += 1
    patients.freeze_panes = "C2"
    questions.freeze_panes = "A2"
    for letter, width in zip("ABCDE", (32, 16, 90, 50, 60), strict=True):
        questions.column_dimensions[letter].width = width
    questions.append([])
    questions.append([say("form.empty", labels)])
    questions.append([f"{model.name} {model.version}, SHA-256 {model.digest}"])
    questions.append([model.disclaimer])
    book.save(target)
    return target


def _name(variable: Variable) -> str:
    """Return what a column is called: years are easier to fill in than bands."""
    return AGE if variable.id == AGE_VARIABLE else variable.id


def _words(variable: Variable) -> tuple[str, ...]:
    """Return the answers of a question; none for a number."""
    if variable.id == AGE_VARIABLE:
        return ()
    return ("yes", "no") if is_yes_no(variable) and "absent" in variable.states else variable.states


def _column(sheet: Any, place: int, name: str, question: str, *, shade: str) -> None:
    """Write the head of a column, the question as its comment."""
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill

    cell = sheet.cell(row=1, column=place, value=name)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor=shade)
    cell.alignment = Alignment(text_rotation=60 if place > 2 else 0)
    cell.comment = Comment(question, "thighdx", width=320, height=120)
    sheet.column_dimensions[cell.column_letter].width = 12 if place > 2 else 20


def _answers(sheet: Any, place: int, words: tuple[str, ...], labels: Labels, n_rows: int) -> None:
    """Let the cells of a column take a list of words, or years."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    if words:
        rule = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True)
        rule.error = say("form.one_of", labels, answers=", ".join(words))[:250]
    else:
        rule = DataValidation(
            type="decimal", operator="between", formula1="0", formula2="120", allow_blank=True
        )
        rule.error = say("form.one_number", labels)
    rule.showErrorMessage = True
    letter = get_column_letter(place)
    rule.add(f"{letter}2:{letter}{n_rows + 1}")
    sheet.add_data_validation(rule)
