"""Read the files of a knowledge base as text: bounded, inside the folder, every problem noted.

Nothing here knows what a number means. The files are untrusted: fixed names, no symbolic link out of the
folder, bounded sizes, UTF-8 only, and no cell is ever evaluated.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import Row

__all__ = [
    "COLUMNS",
    "COMPILED_FILE",
    "MANIFEST_FILE",
    "OPTIONAL_COLUMNS",
    "OPTIONAL_TABLES",
    "digest_of",
    "read_files",
    "read_table",
    "read_text",
    "with_rows",
]

MANIFEST_FILE = "model.yaml"
COMPILED_FILE = "compiled.bin"
MAX_FILE_BYTES = 20_000_000
MAX_ROWS = 100_000
MAX_CELL_CHARACTERS = 10_000

_JUDGED = ("expert", "q05", "q50", "q95", "statement", "date", "sources", "note")

COLUMNS: dict[str, tuple[str, ...]] = {
    "variables": (
        "id",
        "layer",
        "label",
        "states",
        "question",
        "asked_if",
        "cost",
        "alarms",
        "aliases",
        "note",
    ),
    "codes": ("cause", "system", "code", "title", "note"),
    "groups": ("group", "label", "cause", "note"),
    "shares": ("cause", "setting", *_JUDGED),
    "frequencies": ("variable", "state", "setting", *_JUDGED),
    "effects": ("parent", "parent_state", "child", *_JUDGED),
    "links": ("cause", "variable", "state", *_JUDGED),
    "backgrounds": ("variable", "state", *_JUDGED),
    "dependencies": ("variable_a", "state_a", "variable_b", "state_b", *_JUDGED),
    "red_flags": ("rule_id", "when", "level", "suspect", "reason", "words", "sources"),
    "harms": (
        "cause",
        "harm_of_missing",
        "level_if_likely",
        "threshold_emergency",
        "threshold_urgent",
        "threshold_soon",
        "threshold_routine",
        "odds_factor",
        "odds_reason",
        "reason",
        "words",
        "sources",
    ),
    "notices": ("id", "kind", "when", "words"),
    "question_lists": ("list", "title", "variable", "words", "alarm_for"),
    "actions": ("id", "label", "words", "lowest_level", "highest_level"),
    "management": (
        "id",
        "cause",
        "kind",
        "advice",
        "when",
        "caution",
        "priority",
        "advises",
        "forbids",
        "lowest_level",
        "highest_level",
        "sources",
    ),
    "sources": ("id", "kind", "citation", "year", "locator", "verified", "note"),
    "evidence": (
        "evidence_id",
        "cause",
        "finding",
        "metric",
        "value",
        "low",
        "high",
        "population",
        "source",
        "year",
        "verified",
        "url_or_locator",
        "confidence",
        "note",
    ),
    "seeds": ("id", "seed", "kind", "subject", "object", "strength", "quantity", "statement"),
    "seed_coverage": ("seed", "used_in", "target", "reason"),
    "conflicts": ("topic", "seeds", "side_taken", "reason", "sources"),
    "evidence_agreement": ("evidence_id", "table", "key", "verdict", "reason"),
    "words": ("key", "words"),
}
# A small model of one's own needs none of these.
OPTIONAL_TABLES = frozenset(
    {
        "codes",
        "groups",
        "effects",
        "dependencies",
        "red_flags",
        "harms",
        "notices",
        "question_lists",
        "actions",
        "management",
        "evidence",
        "seeds",
        "seed_coverage",
        "conflicts",
        "evidence_agreement",
        "words",
    }
)
# Columns that came after format 1 was first used; a table without them says nothing in them.
OPTIONAL_COLUMNS = {
    "variables": ("alarms",),
    "harms": ("threshold_routine", "odds_factor", "odds_reason"),
}


def read_files(path: Path, problems: list[Problem]) -> dict[str, bytes]:
    """Return the bytes of the manifest and of every table there is, appending what is wrong to `problems`."""
    names = [MANIFEST_FILE, *(f"{name}.csv" for name in COLUMNS)]
    optional = {f"{name}.csv" for name in OPTIONAL_TABLES}
    files = {}
    for file in names:
        if file in optional and not os.path.lexists(path / file):
            continue
        content = _read_bytes(path, file, problems)
        if content is not None:
            files[file] = content
    return files


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of manifest and tables; line endings do not count, a file's name does."""
    digest = hashlib.sha256()
    for file, content in files.items():
        lines = content.removeprefix(codecs.BOM_UTF8).splitlines()
        digest.update(f"{file}\n{len(lines)}\n".encode() + b"\n".join(lines))
    return digest.hexdigest()


def read_table(name: str, files: Mapping[str, bytes], problems: list[Problem]) -> list[tuple[int, Row]]:
    """Return the rows of a table with their numbers in the file, appending what is wrong to `problems`."""
    text = read_text(f"{name}.csv", files, problems)
    if text is None:
        return []
    optional = OPTIONAL_COLUMNS.get(name, ())
    return _parse(f"{name}.csv", text, COLUMNS[name], problems, optional=optional)


def with_rows(text: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Return the text of a table with more rows at its end; a cell that a row does not name is empty."""
    header = [name.strip() for name in next(csv.reader(io.StringIO(text, newline="")))]
    stream = io.StringIO()
    cells = [[row.get(name, "") for name in header] for row in rows]
    csv.writer(stream, lineterminator="\n").writerows(cells)
    return text + ("" if text.endswith("\n") else "\n") + stream.getvalue()


def read_text(file: str, files: Mapping[str, bytes], problems: list[Problem]) -> str | None:
    """Return the text of a file; None where it is missing, or not UTF-8, which is noted."""
    if file not in files:
        return None
    try:
        return files[file].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save it as 'CSV UTF-8'"
        problems.append(Problem(file, None, None, f"not UTF-8 text (byte {error.start:,})", hint))
        return None


def _read_bytes(folder: Path, file: str, problems: list[Problem]) -> bytes | None:
    """Return what is in a file, or None after noting why not."""
    path = folder / file
    try:
        if not path.is_file():
            problems.append(
                Problem(file, None, None, f"not found in {folder}", "every model needs this file")
            )
            return None
        if not path.resolve().is_relative_to(folder.resolve()):
            problems.append(Problem(file, None, None, "is a link out of the model's folder", "copy the file"))
            return None
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            problems.append(
                Problem(file, None, None, f"got {size:,} bytes, expected at most {MAX_FILE_BYTES:,}")
            )
            return None
        return path.read_bytes()
    except OSError as error:
        problems.append(Problem(file, None, None, f"cannot be read: {error.strerror or error}"))
    return None


def _parse(
    file: str, text: str, columns: Sequence[str], problems: list[Problem], *, optional: Sequence[str]
) -> list[tuple[int, Row]]:
    """Split a table into rows keyed by column; blank rows are passed over, missing optional columns empty."""
    if not text.strip():
        hint = f"expected {','.join(columns)} in the first row"
        problems.append(Problem(file, None, None, "the file is empty", hint))
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, Row]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if not _header_fits(file, header, columns, problems, optional=optional):
            return []
        left_out = dict.fromkeys((name for name in optional if name not in header), "")
        for number, cells in enumerate(reader, start=2):
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if number > MAX_ROWS:
                problems.append(Problem(file, number, None, f"more than {MAX_ROWS:,} rows"))
                break
            if len(cells) != len(header):
                expected = f"got {len(cells)} cells, expected {len(header)}"
                problems.append(Problem(file, number, None, expected, 'a comma inside a cell needs "quotes"'))
            elif max(map(len, cells)) > MAX_CELL_CHARACTERS:
                problems.append(Problem(file, number, None, f"a cell longer than {MAX_CELL_CHARACTERS:,}"))
            else:
                rows.append((number, dict(zip(header, cells, strict=True)) | left_out))
    except csv.Error as error:
        problems.append(Problem(file, reader.line_num, None, f"not a CSV file: {error}"))
    return rows


def _header_fits(
    file: str, header: list[str], columns: Sequence[str], problems: list[Problem], *, optional: Sequence[str]
) -> bool:
    """Note missing, unknown and repeated columns."""
    before = len(problems)
    if len(header) == 1 and ";" in header[0]:
        hint = "save it with commas between the cells"
        problems.append(Problem(file, 1, None, "columns are separated by semicolons, expected commas", hint))
        return False
    expected = f"expected {','.join(columns)}"
    problems.extend(
        Problem(file, 1, name, "column missing", expected)
        for name in columns
        if name not in header and name not in optional
    )
    for name in dict.fromkeys(header):
        if name not in columns:
            problems.append(
                Problem(file, 1, name or "(no name)", "unknown column", nearest_hint(name, columns))
            )
        elif header.count(name) > 1:
            problems.append(Problem(file, 1, name, "column given twice"))
    return len(problems) == before
