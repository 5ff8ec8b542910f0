"""Which files a table is in: by name, folder, pattern or pipe, and what each is by its ending and beginning."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError, nearest_hint

__all__ = [
    "STANDARD_STREAM",
    "TableFormat",
    "check_beginning",
    "find_files",
    "first_line",
    "input_format",
    "read_beginning",
    "table_format",
]

STANDARD_STREAM = "-"
STANDARD_INPUT = "standard input"
SNIFFED_BYTES = 16_000_000  # a header must be in there

Kind = Literal["csv", "parquet", "arrow", "arrows", "fhir", "json"]
Compression = Literal["gzip", "bz2", "zstd"]

_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_KINDS: dict[str, Kind] = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrows",
}
# Read, never written: FHIR, one resource per line; columns between tabs; one row per line.
_READ_ONLY: dict[str, Kind] = {".ndjson": "fhir", ".tsv": "csv", ".jsonl": "json"}
_EXPECTED = ".csv, .csv.gz, .csv.bz2, .csv.zst, .parquet, .arrow or .arrows, or - for a pipe"
_TITLES = {
    "csv": "CSV",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "arrows": "Arrow",
    "fhir": "FHIR",
    "json": "JSON lines",
}

# What to do about endings that a table often has.
_REMEDIES = {
    ".xlsx": "; save the sheet as 'CSV UTF-8'",
    ".xls": "; save the sheet as 'CSV UTF-8'",
    ".tsv": "; write .csv",
    ".jsonl": "; write .csv or .parquet",
    ".json": "; one row per line is .jsonl",
    ".txt": "; call it .csv if its columns are separated by commas, .tsv if by tabs",
    ".gz": "; call it .csv.gz if a CSV is inside",
    ".bz2": "; call it .csv.bz2 if a CSV is inside",
    ".zst": "; call it .csv.zst if a CSV is inside",
    ".zip": "; unpack it first",
}

# How files begin that are something else than they are called.
_BEGINNINGS = (
    (b"PAR1", "a Parquet file", "call it .parquet"),
    (b"ARROW1", "an Arrow file", "call it .arrow"),
    (b"\xff\xff\xff\xff", "an Arrow stream", "call it .arrows"),
    (b"\x1f\x8b", "a gzip file", "call it .csv.gz if that is what is inside"),
    (b"BZh", "a bzip2 file", "call it .csv.bz2 if that is what is inside"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "call it .csv.zst if that is what is inside"),
    (b"PK\x03\x04", "an Excel workbook or another zip file", "save the sheet as 'CSV UTF-8'"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as 'CSV UTF-8'"),
    (b"\xff\xfe", "UTF-16 text", "save it as 'CSV UTF-8'"),
    (b"\xfe\xff", "UTF-16 text", "save it as 'CSV UTF-8'"),
    (b"<!doctype html", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
)
_MAGIC = {"gzip": b"\x1f\x8b", "bz2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True, slots=True)
class TableFormat:
    """What the ending of a name says about a file."""

    kind: Kind
    compression: Compression | None = None

    @property
    def title(self) -> str:
        """The name of the format."""
        return _TITLES[self.kind]


def table_format(name: str) -> TableFormat:
    """Return what a file is by its ending; a standard stream is CSV.

    Examples
    --------
    >>> table_format("cases.csv.gz")
    TableFormat(kind='csv', compression='gzip')
    """
    if name == STANDARD_STREAM:
        return TableFormat("csv")
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in _KINDS:
        return TableFormat(_KINDS[suffixes[-1]])
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSIONS and suffixes[-2] == ".csv":
        return TableFormat("csv", _COMPRESSIONS[suffixes[-1]])
    got = f"the ending {Path(name).suffix!r}" if Path(name).suffix else "no ending"
    remedy = _REMEDIES.get(Path(name).suffix.lower(), "")
    raise TableError(f"{name}: got {got}, expected {_EXPECTED}{remedy}")


def input_format(name: str) -> TableFormat:
    """Return what a file to be read is: a table, or FHIR resources, one per line."""
    kind = _READ_ONLY.get(Path(name).suffix.lower())
    return table_format(name) if kind is None else TableFormat(kind)


def find_files(names: Sequence[str]) -> list[str]:
    """Return the files that are meant, those of a folder or pattern in the order of their names.

    Files whose names begin with ``.`` or ``_`` are left out of folders and patterns, as every engine does;
    folders are searched to the bottom.

    Raises
    ------
    TableError
        If something is missing, named twice, or there is nothing to read.
    """
    found: list[str] = []
    for name in names:
        if name == STANDARD_STREAM:
            found.append(name)
        elif Path(name).is_dir():
            found += _in_folder(name)
        elif Path(name).exists():
            found.append(name)
        elif glob.has_magic(name):
            found += _matching(name)
        else:
            raise _missing(name)
    if len(found) > 1 and STANDARD_STREAM in found:
        raise TableError("standard input: cannot be read together with files; give it alone")
    seen: dict[Path, str] = {}
    for name in found:
        if name != STANDARD_STREAM and (first := seen.setdefault(Path(name).resolve(), name)) != name:
            raise TableError(f"{name}: is {first} again; give every file once")
    if len(found) != len(set(found)):
        twice = next(name for name in found if found.count(name) > 1)
        raise TableError(f"{twice}: is given twice; give every file once")
    for name in found:
        input_format(name)
    return found


def _missing(name: str) -> TableError:
    """Return the error for a file that is not there, with the nearest name beside it."""
    path = Path(name)
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest_hint(path.name, siblings)
    return TableError(f"{name}: no such file" + (f"; {hint}" if hint else ""))


def _is_hidden(path: Path, root: Path) -> bool:
    """Whether a file, or a folder on the way to it, is not meant to be read."""
    return any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


def _in_folder(name: str) -> list[str]:
    """Return the tables in a folder."""
    root = Path(name)
    every = [path for path in sorted(root.rglob("*")) if path.is_file() and not _is_hidden(path, root)]
    tables = []
    for path in every:
        with contextlib.suppress(TableError):
            input_format(path.name)
            tables.append(str(path))
    if not tables:
        raise TableError(f"{name}: is a folder without tables ({_EXPECTED.partition(', or')[0]})")
    return tables


def _matching(name: str) -> list[str]:
    """Return the files that match a pattern, and the tables in the folders that do."""
    n_plain = next(i for i, part in enumerate(Path(name).parts) if glob.has_magic(part))
    found: dict[str, None] = {}  # a folder and a file in it may match both
    for path in sorted(glob.glob(name, recursive=True)):  # noqa: PTH207  # pathlib takes no absolute pattern
        if any(part.startswith((".", "_")) for part in Path(path).parts[n_plain:]):
            continue
        if Path(path).is_file():
            found[str(Path(path))] = None
        else:
            with contextlib.suppress(TableError):
                found |= dict.fromkeys(_in_folder(path))
    if not found:
        raise TableError(f"{name}: no file matches this pattern")
    return list(found)


def read_beginning(name: str, form: TableFormat, *, is_utf8: bool = True) -> bytes:
    """Return how a file begins, unpacked, and refuse what is not what its ending says.

    Raises
    ------
    TableError
        If it is empty, damaged, or visibly something else.
    """
    if form.compression is not None:
        with Path(name).open("rb") as raw:
            magic = raw.read(4)
        if magic and not magic.startswith(_MAGIC[form.compression]):
            raise TableError(
                f"{name}: is not a {form.compression} file, as its ending says; call it .csv if it is plain text"
            )
        if not magic:
            check_beginning(name, b"", form)
    try:
        with pa.input_stream(name, compression=form.compression) as stream:
            start = bytes(stream.read(SNIFFED_BYTES if form.kind in ("csv", "json") else 1_000))
    except (pa.ArrowException, OSError) as error:
        if form.compression is None:
            raise
        raise TableError(f"{name}: damaged {form.compression} file ({first_line(error)})") from None
    if is_utf8:
        check_beginning(name, start, form)
    return start


def check_beginning(name: str, start: bytes, form: TableFormat) -> None:
    """Refuse what is empty or visibly something else."""
    expected = form.title
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        hint = (
            "expected a header row and one row per patient"
            if form.kind == "csv"
            else f"expected {'an' if expected[0] in 'AEIO' else 'a'} {expected} file"
        )
        raise TableError(f"{name}: is empty, {hint}")
    if form.kind == "parquet" and start.startswith(b"PAR1"):
        return
    if form.kind in ("arrow", "arrows") and start.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return
    lowered = start[:100].lstrip().lower()
    for beginning, what, remedy in _BEGINNINGS:
        if start.startswith(beginning) or lowered.startswith(beginning):
            if name == STANDARD_INPUT and remedy.startswith("call it"):
                expected, remedy = "CSV or an Arrow stream", "unpack it, or save it to a file and score that"
            raise TableError(f"{name}: is {what}, expected {expected}; {remedy}")
    if form.kind == "json" and lowered.startswith(b"{"):
        return
    if form.kind != "csv":
        article = "an" if expected[0] in "AEIO" else "a"
        raise TableError(
            f"{name}: is not {article} {expected} file, as its ending says; call it .csv if it is CSV"
        )
    if b"\0" in start:
        raise TableError(f"{name}: holds binary data, expected CSV; save it as 'CSV UTF-8'")


def first_line(error: BaseException) -> str:
    """Return the gist of a message of another library."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
