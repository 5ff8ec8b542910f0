"""The small model in a made-up language: English in Greek letters, so that whatever stays Latin was not translated."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import kb_builder
from thighdx.words import ENGLISH

__all__ = ["foreign", "latin", "translated", "visible", "words_file"]

LATIN = "abcdefghijklmnopqrstuvwxyz"
GREEK = "αβψδεφγηιξκλμνοπθρστυωςχύζ"
TO_GREEK = str.maketrans(LATIN + LATIN.upper(), GREEK + GREEK.upper())
TRANSLATED = {"label", "question", "words", "title", "advice", "caution", "citation", "side_taken", "topic"}
TRANSLATED_IN = {"sources.csv": {"kind"}}
MANIFEST = "language: xx\ncomplaints: [pain]\nmust_not_miss_group: serious\n"
SHOWN_ATTRIBUTES = ("aria-label", "title", "placeholder", "aria-valuetext")


def foreign(words: str) -> str:
    """Translate; names of values stay as they are."""
    return "".join(
        part if part.startswith("{") else part.translate(TO_GREEK) for part in re.split(r"(\{\w+\})", words)
    )


def words_file(**changes: str | None) -> str:
    """`words.csv` of the language, with other words for some keys and without those that are None."""
    rows = {key: foreign(words) for key, words in ENGLISH.items()}
    states = {state for line in kb_builder.TABLES["variables.csv"].splitlines() for state in _states(line)}
    rows |= {f"state.{state}": foreign(state) for state in sorted(states)} | changes
    return _table([("key", "words"), *((key, words) for key, words in rows.items() if words is not None)])


def translated(folder: Path, **changes: str | None) -> Path:
    """The small model in the language, its tables too."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {name: _translate(name, text) for name, text in kb_builder.TABLES.items()}
    for name, text in (tables | {"words.csv": words_file(**changes)}).items():
        (folder / name).write_text(text, encoding="utf-8")
    manifest = re.sub(
        r"((?:title|label|disclaimer): )([^,}\n]*)",
        lambda found: found[1] + foreign(found[2]),
        kb_builder.MANIFEST,
    )
    (folder / "model.yaml").write_text(manifest + MANIFEST, encoding="utf-8")
    return folder


def latin(text: str, allowed: Iterable[str] = ()) -> set[str]:
    """Words that are not of the language, but for what may stay: ids, names and the like."""
    return set(re.findall(r"[A-Za-z_]{2,}", text)) - {*allowed}


class _Visible(HTMLParser):
    """What is read of a page: text, and what screen readers and pointers are told."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_style = tag == "style"
        self.words += [value or "" for name, value in attrs if name in SHOWN_ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        self.is_style = self.is_style and tag != "style"

    def handle_data(self, data: str) -> None:
        self.words += [] if self.is_style else [data]


def visible(html: str) -> str:
    """Everything that a reader of a page is shown or told."""
    page = _Visible()
    page.feed(html)
    return " ".join(page.words)


def _states(line: str) -> list[str]:
    """The states in a line of `variables.csv`."""
    cell = line.split(",")[3]
    return cell.split("|") if "|" in cell else []


def _translate(name: str, text: str) -> str:
    """Translate what people read in a table."""
    heads, *rows = csv.reader(io.StringIO(text))
    chosen = TRANSLATED | TRANSLATED_IN.get(name, set())
    done = [
        [foreign(cell) if head in chosen else cell for head, cell in zip(heads, row, strict=True)]
        for row in rows
    ]
    return _table([heads, *done])


def _table(rows: Iterable[Iterable[str]]) -> str:
    """Write a table as text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
