"""The format of a table file: by the ending of its name, and by how it begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from thighdx.errors import TableError

__all__ = ["TableFormat", "check_beginning", "check_packing", "input_format", "output_format"]

STANDARD_STREAM = "-"
STANDARD_INPUT = "standard input"
ARROW_STREAM = b"\xff\xff\xff\xff"  # how one begins

Kind = Literal["csv", "tsv", "json", "fhir", "parquet", "arrow", "arrows"]

_TEXT: dict[str, Kind] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "json", ".ndjson": "fhir"}
_ARROW: dict[str, Kind] = {".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".arrows": "arrows"}
_KINDS: dict[str, Kind] = {**_TEXT, **_ARROW, ".parquet": "parquet", ".pq": "parquet"}
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
EXPECTED = ".csv, .tsv or .jsonl (all also with .gz, .bz2 or .zst), .parquet, .arrow or .arrows"

# What to do about endings that a table often has.
_SAVE = "save the sheet as 'CSV UTF-8'"
_REMEDIES = {
    ".xlsx": _SAVE,
    ".xls": _SAVE,
    ".json": "one row per line is .jsonl",
    ".txt": "call it .csv if its columns are separated by commas, .tsv if by tabs",
    **{ending: f"call it .csv{ending} if a CSV is inside" for ending in _PACKED},
    ".zip": "unpack it first",
    ".ndjson": "FHIR is read only; write .jsonl",
}
# How files begin, which title or packing that is right for, what they are, and what to do where it is not right.
_BEGINNINGS = (
    (b"PAR1", "Parquet", "a Parquet file", "call it .parquet"),
    (b"ARROW1", "Arrow", "an Arrow file", "call it .arrow"),
    (ARROW_STREAM, "Arrow", "an Arrow stream", "call it .arrows"),
    (b"\x1f\x8b", "gzip", "a gzip file", "call it .csv.gz if that is what is inside"),
    (b"BZh", "bz2", "a bzip2 file", "call it .csv.bz2 if that is what is inside"),
    (b"\x28\xb5\x2f\xfd", "zstd", "a zstd file", "call it .csv.zst if that is what is inside"),
    (b"PK\x03\x04", "", "an Excel workbook or another zip file", _SAVE),
    (b"\xd0\xcf\x11\xe0", "", "an old Excel workbook", _SAVE),
    (b"\xff\xfe", "", "UTF-16 text", "save it as 'CSV UTF-8', or name its encoding"),
    (b"\xfe\xff", "", "UTF-16 text", "save it as 'CSV UTF-8', or name its encoding"),
    (b"<!doctype html", "", "a web page", "download the file itself"),
    (b"<html", "", "a web page", "download the file itself"),
)


@dataclass(frozen=True, slots=True)
class TableFormat:
    """What the ending of a name says about a file; `compression` is gzip, bz2, zstd or none."""

    kind: Kind
    compression: str | None = None

    @property
    def title(self) -> str:
        """The name of the format."""
        titles = {"json": "JSON lines", "parquet": "Parquet", "arrow": "Arrow", "arrows": "Arrow"}
        return titles.get(self.kind, self.kind.upper())

    @property
    def is_text(self) -> bool:
        """Whether it is read as text, line by line."""
        return self.kind in _TEXT.values()

    @property
    def delimiter(self) -> str:
        """What parts cells, where nobody says otherwise."""
        return "\t" if self.kind == "tsv" else ","


def input_format(name: str) -> TableFormat:
    """Return what a file to be read is by its ending; a standard stream is CSV.

    Examples
    --------
    >>> input_format("cases.tsv.gz")
    TableFormat(kind='tsv', compression='gzip')
    """
    if name == STANDARD_STREAM:
        return TableFormat("csv")
    *_, before, last = ["", "", *(suffix.lower() for suffix in Path(name).suffixes)]
    if last in _KINDS:
        return TableFormat(_KINDS[last])
    if last in _PACKED and before in _TEXT:
        return TableFormat(_TEXT[before], _PACKED[last])
    raise _wrong_ending(name, last)


def output_format(name: str) -> TableFormat:
    """Return what a file to be written is by its ending; FHIR is not written."""
    form = input_format(name)
    if form.kind == "fhir":
        raise _wrong_ending(name, ".ndjson")
    return form


def _wrong_ending(name: str, ending: str) -> TableError:
    """Say what is wrong with an ending, and what to do about it."""
    got = f"the ending {Path(name).suffix!r}" if ending else "no ending"
    remedy = f"; {_REMEDIES[ending]}" if ending in _REMEDIES else ""
    return TableError(f"{name}: got {got}, expected {EXPECTED}, or - for a pipe{remedy}")


def check_packing(name: str, start: bytes, form: TableFormat) -> None:
    """Refuse a packed file that is not packed as its ending says."""
    right = tuple(beginning for beginning, packing, *_ in _BEGINNINGS if packing == form.compression)
    if form.compression is not None and start and not start.startswith(right):
        raise TableError(
            f"{name}: is not a {form.compression} file, as its ending says; call it .csv if it is plain text"
        )


def check_beginning(name: str, start: bytes, form: TableFormat) -> None:
    """Refuse what is empty or visibly something else, by its first bytes, unpacked."""
    expected = f"{'an' if form.title[0] in 'AEIO' else 'a'} {form.title} file"
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        rows = "a header row and one row per patient"
        raise TableError(f"{name}: is empty, expected {rows if form.kind in ('csv', 'tsv') else expected}")
    lowered = start[:100].lstrip().lower()
    for beginning, right, what, remedy in _BEGINNINGS:
        if start.startswith(beginning) or lowered.startswith(beginning):
            if right == form.title:
                return
            wanted = form.title
            if name == STANDARD_INPUT and remedy.startswith("call it"):
                wanted, remedy = "CSV or an Arrow stream", "unpack it, or save it to a file and score that"
            raise TableError(f"{name}: is {what}, expected {wanted}; {remedy}")
    if form.kind not in ("csv", "tsv", "fhir") and not (form.kind == "json" and lowered.startswith(b"{")):
        raise TableError(f"{name}: is not {expected}, as its ending says; call it .csv if it is CSV")
    if b"\0" in start:
        raise TableError(f"{name}: holds binary data, expected {form.title}; save it as 'CSV UTF-8'")
