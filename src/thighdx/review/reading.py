"""A filled-in workbook read back: what the expert said, and every problem of every cell at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from thighdx.elicitation.distribution import to_working
from thighdx.elicitation.rows import fit_rows
from thighdx.errors import KnowledgeBaseError, Problem, TableError, nearest_hint
from thighdx.forms.template import need_openpyxl
from thighdx.kb.records import LEVELS, Judgement, JudgementTable, Key
from thighdx.review.questions import ReviewItem, review_items
from thighdx.review.workbook import COLUMNS, FIRST_ROW, VERDICTS

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["Place", "Verdict", "read_review"]

MAX_BYTES = 20_000_000
MAX_ROWS = 10_000  # of a sheet; a stray format may reach to the millionth
FAR = math.log(10)  # in log odds (of a ratio: its logarithm): a change by more needs its reason
ANSWERS = ("verdict", "low", "middle", "high", "text", "comment")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line of a workbook stands."""

    file: str
    row: int

    def problem(self, column: str, message: str, hint: str = "") -> Problem:
        """Say what is wrong with one of its cells."""
        letter, title, _ = COLUMNS[column]
        return Problem(self.file, self.row, f"{letter} ({title})", message, hint)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an expert says about one thing.

    Attributes
    ----------
    item : ReviewItem
    word : {"confirm", "change", "strike"}
    quantiles : tuple of float
        5, 50 and 95 % as probabilities or odds ratios, of a changed number; else empty.
    text : str
        The new level of a rule, the new words of advice.
    """

    item: ReviewItem
    word: str
    quantiles: tuple[float, ...]
    text: str
    comment: str
    place: Place


def read_review(model: Model, path: str | Path) -> tuple[Verdict, ...]:
    """Return what an expert filled in; what was left empty says nothing.

    Parameters
    ----------
    model : Model
        The one that the workbook was made from.
    path : path
        The workbook.

    Raises
    ------
    TableError
        If it is no workbook, or one made from another model.
    KnowledgeBaseError
        With every problem of every cell.
    """
    book = _open(path)
    _check_model(model, book, str(path))
    known = {
        item.id: item
        for cause in model.causes
        if cause[:31] in book.sheetnames
        for item in review_items(model, cause)
    }
    problems: list[Problem] = []
    verdicts: dict[str, Verdict] = {}
    for sheet in book.worksheets[1:]:
        for row in range(FIRST_ROW, min(sheet.max_row, MAX_ROWS) + 1):
            cells = {name: sheet[f"{letter}{row}"].value for name, (letter, _, _) in COLUMNS.items()}
            place = Place(f"{Path(path).name} sheet {sheet.title}", row)
            verdict = _verdict(cells, place, known, problems)
            if verdict is not None and verdict.item.id in verdicts:
                first = verdicts[verdict.item.id].place
                problems.append(
                    place.problem("id", f"{verdict.item.id} is already in row {first.row} of {first.file}")
                )
            elif verdict is not None:
                verdicts[verdict.item.id] = verdict
    problems += _misfits(list(verdicts.values()))
    if problems:
        raise KnowledgeBaseError(str(path), problems)
    return tuple(verdicts.values())


def _open(path: str | Path) -> Any:
    """Open a workbook as it is: formulas stay text and are refused later."""
    openpyxl = need_openpyxl()
    size = Path(path).stat().st_size
    if size > MAX_BYTES:
        raise TableError(f"{path}: got {size:,} bytes, expected a review workbook of at most {MAX_BYTES:,}")
    try:
        return openpyxl.load_workbook(path)
    except (BadZipFile, KeyError, ValueError, openpyxl.utils.exceptions.InvalidFileException) as error:
        raise TableError(f"{path}: not an Excel workbook (.xlsx): {str(error)[:100]}") from None


def _check_model(model: Model, book: Any, path: str) -> None:
    """Refuse a workbook that asks about other numbers."""
    first = book.worksheets[0]
    digests = [row[1].value for row in first.iter_rows(min_col=1, max_col=2) if row[0].value == "digest"]
    if digests != [model.digest]:
        got = str(digests[0])[:12] if digests else "no digest on its first sheet"
        raise TableError(
            f"{path}: was made from another model ({got}, this is {model.name} {model.digest[:12]}); "
            "read it with that model (--model), or make a new workbook"
        )


def _verdict(
    cells: Mapping[str, Any], place: Place, known: Mapping[str, ReviewItem], problems: list[Problem]
) -> Verdict | None:
    """Read one line; None where nothing was said, or nothing that can be used."""
    given = {name: cells[name] for name in ANSWERS if not _is_empty(cells[name])}
    if not given:
        return None
    name = str(cells["id"] or "")
    if name not in known:
        hint = "copy the line from a new workbook" if not name else nearest_hint(name, known)
        problems.append(place.problem("id", f"got {name!r}, expected what the workbook came with", hint))
        return None
    found = list(_faults(given, known[name], place))
    if found:
        problems += found
        return None
    item = known[name]
    word = str(given["verdict"]).strip().lower()
    quantiles: tuple[float, ...] = ()
    if word == "change" and item.kind == "number":
        quantiles = tuple(_number(given[side]) / (item.of or 1) for side in ("low", "middle", "high"))
    text, comment = (str(given.get(name, "")).strip() for name in ("text", "comment"))
    return Verdict(item, word, quantiles, text, comment, place)


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _faults(given: Mapping[str, Any], item: ReviewItem, place: Place) -> Iterator[Problem]:
    """Say everything that is wrong with a line."""
    word = str(given.get("verdict", "")).strip().lower()
    if word not in VERDICTS:
        got = f"got {given['verdict']!r}" if word else "got an answer without a verdict"
        hint = nearest_hint(word, VERDICTS) or ("'change', if these are your own" if not word else "")
        yield place.problem("verdict", f"{got}, expected {', '.join(VERDICTS)}", hint)
    numbers = [name for name in ("low", "middle", "high") if name in given]
    is_number = item.kind == "number"
    if is_number and (word == "change" or not word):
        yield from _number_faults(given, item, place)
    elif numbers and word in VERDICTS:
        message = f"got {given[numbers[0]]!r}, but numbers only go with a number that is to change"
        yield place.problem(numbers[0], message, "empty these cells, or choose 'change'")
    if not is_number and word == "change":
        yield from _text_faults(given, item, place)
    elif "text" in given and word in VERDICTS:
        yield place.problem(
            "text", f"got {str(given['text'])[:40]!r}, expected nothing", "words belong into the comment"
        )
    if word == "strike" and item.table == "shares":
        yield place.problem(
            "verdict", "how common a cause is cannot be struck", "change it, even to a very small number"
        )
    if (
        word in VERDICTS
        and "comment" not in given
        and (word == "strike" or (word == "change" and not is_number))
    ):
        yield place.problem("comment", f"got nothing, expected the reason for '{word}'")


def _text_faults(given: Mapping[str, Any], item: ReviewItem, place: Place) -> Iterator[Problem]:
    """Say what is wrong with a new level or new words."""
    text = str(given.get("text", "")).strip()
    if item.kind == "rule" and text not in LEVELS:
        yield place.problem("text", f"got {text!r}, expected {', '.join(LEVELS)}", nearest_hint(text, LEVELS))
    elif not text:
        yield place.problem("text", "got nothing, expected the advice in your words")
    elif text.startswith("="):
        yield place.problem("text", "got a formula, expected words")


def _number_faults(given: Mapping[str, Any], item: ReviewItem, place: Place) -> Iterator[Problem]:
    """Say what is wrong with three numbers."""
    top = float(item.of) if item.of else math.inf
    room = f"a number above 0 and below {item.of:,}" if item.of else "a number above 0"
    values = []
    for name in ("low", "middle", "high"):
        value = _number(given.get(name))
        if name not in given:
            yield place.problem(
                name, f"got nothing, expected {room}", "all three of 5, 50 and 95% are needed"
            )
        elif not 0 < value < top:  # also NaN
            yield place.problem(
                name, f"got {given[name]!r}, expected {room}", _number_hint(given[name], item)
            )
        else:
            values.append(value)
    if len(values) < 3:
        return
    if not values[0] < values[1] < values[2]:
        shown = " / ".join(f"{value:g}" for value in values)
        yield place.problem("middle", f"got {shown}, expected three that rise from 5% to 95%")
    elif (
        item.now
        and "comment" not in given
        and abs(_working(values[1], item) - _working(item.now[1], item)) > FAR
    ):
        hint = "say why in the comment, if it is meant"
        message = f"got {values[1]:g} {item.unit} where it was {item.now[1]:.3g}, more than tenfold away"
        yield place.problem("middle", message, hint)


def _working(value: float, item: ReviewItem) -> float:
    """Take a number to log odds, or to the logarithm of a ratio."""
    return float(to_working(value / (item.of or 1), "probability" if item.of else "odds_ratio"))


def _number(value: object) -> float:
    """Return a number, NaN for what is none."""
    if isinstance(value, bool) or value is None:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]  # anything float() refuses is reported
    except (TypeError, ValueError):
        return math.nan


def _number_hint(value: object, item: ReviewItem) -> str:
    """Say what may have been meant."""
    text = str(value).strip()
    if text.startswith("="):
        return "type the number itself"
    if text.endswith("%"):
        return f"leave out the %: the numbers are {item.unit}"
    if "," in text and not math.isnan(_number(text.replace(",", "."))):
        return f"did you mean {text.replace(',', '.')}?"
    if _number(value) == 0:
        return "what is impossible is struck or very small, never 0"
    return ""


def _misfits(verdicts: list[Verdict]) -> list[Problem]:
    """Say which three numbers no distribution comes near."""
    changed = [verdict for verdict in verdicts if verdict.quantiles]
    rows = [judgement(verdict, number, "review", "", ()) for number, verdict in enumerate(changed)]
    return [
        changed[problem.row or 0].place.problem("middle", problem.message, problem.hint)
        for problem in fit_rows(rows)[1]
    ]


def judgement(verdict: Verdict, row: int, expert: str, date: str, sources: tuple[str, ...]) -> Judgement:
    """Return a changed number as a row of a judgement table."""
    table: JudgementTable = verdict.item.table  # type: ignore[assignment]  # a number is of a judgement table
    key: Key = verdict.item.key
    low, middle, high = verdict.quantiles
    return Judgement(table, key, expert, (low, middle, high), "", date, sources, verdict.comment, row)
