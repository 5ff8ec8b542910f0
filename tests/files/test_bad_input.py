"""Damaged, hostile and changing input: an error before any work where that can be, or a kept row and a count."""

from __future__ import annotations

import errno
import gzip
import json
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from cli import terminal
from files.streaming_tables import command, patients, read_any, write_any


def refused(result: Result, *parts: str, leaving: set[str]) -> None:
    """Check for an error that names everything, exit code 2 and nothing left behind."""
    terminal.refused(result, *parts)
    assert {path.name for path in Path().iterdir()} == leaving


@pytest.mark.parametrize("ending", ["csv.gz", "csv.bz2", "csv.zst", "tsv.gz", "jsonl.gz", "jsonl.zst"])
def test_a_packed_file_cut_off_in_the_middle_is_an_error(score: Callable[..., Result], ending: str) -> None:
    source = write_any(patients(60_000), Path(f"in.{ending}"))
    source.write_bytes(source.read_bytes()[:-4_000])
    refused(score(source.name, "-o", "out.csv"), f"in.{ending}: damaged", leaving={source.name})


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_file_cut_off_in_the_middle_is_an_error_before_any_work(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    Path("in").mkdir()
    write_any(patients(1_000), Path(f"in/a.{ending}"))
    source = write_any(patients(1_000), Path(f"in/b.{ending}"))
    source.write_bytes(source.read_bytes()[:-2_000])
    monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", None)  # would fail if it were called
    refused(score("in", "-o", "out.csv"), f"in/b.{ending}: damaged", leaving={"in"})


def test_a_damaged_page_is_an_error_that_names_the_file(score: Callable[..., Result]) -> None:
    source = write_any(patients(5_000), Path("in.parquet"))
    content = bytearray(source.read_bytes())
    content[2_000:6_000] = b"\xff" * 4_000
    source.write_bytes(content)
    refused(score("in.parquet", "-o", "out.csv"), "in.parquet: damaged Parquet file", leaving={"in.parquet"})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"id": [1], "bruising": ["yes"]}, "column 'id': got the type int64, expected string as in"),
        ({"id": ["1"]}, "no column 'bruising', expected the columns of"),
        ({"id": ["1"], "bruising": ["yes"], "age": [3]}, "column 'age' is not in"),
    ],
)
def test_a_schema_that_changes_between_parts_is_an_error_before_any_work(
    score: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    other: dict[str, list[object]],
    message: str,
) -> None:
    Path("in").mkdir()
    pq.write_table(pa.table({"id": ["1"], "bruising": ["yes"]}), "in/a.parquet")
    pq.write_table(pa.table(other), "in/b.parquet")
    monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", None)
    refused(score("in", "-o", "out.csv"), f"in/b.parquet: {message}", "in/a.parquet", leaving={"in"})


def test_a_column_of_the_wrong_type_is_an_error_before_any_work(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"bruising": [[1], [2]]}), "in.parquet")
    monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", None)
    refused(
        score("in.parquet", "-o", "out.csv"),
        "in.parquet: column 'bruising': got the type list<element: int64>, expected text",
        leaving={"in.parquet"},
    )


def test_rows_that_cannot_be_scored_are_kept_counted_and_explained(score: Callable[..., Result]) -> None:
    Path("in.csv").write_text(
        "id,bruising,age,given_strain,given_nerve,given_clot,given_other_cause\n"
        "1,yes,30,,,,\n2,blue,30,,,,\n3,yes,130,,,,\n4,yes,x,,,,\n5,yes,30,no,no,no,no\n"
    )
    result = score("in.csv", "-o", "out.csv", "--report", "r.json")
    assert result.exit_code == 0, result.stderr
    kinds = ["ok", "no_such_state", "out_of_range", "wrong_type", "impossible_evidence"]
    assert read_any(Path("out.csv")).status.tolist() == kinds
    assert json.loads(Path("r.json").read_text())["rows"]["kept"] == dict.fromkeys(kinds[1:], 1)
    for part in (
        "in.csv, row 2: no_such_state: bruising: got 'blue'",
        "row 3: out_of_range: age: got '130'",
        "row 4: wrong_type: age: got 'x'",
        "row 5: impossible_evidence",
        "cannot be true together",
    ):
        assert part in result.stderr


def test_strict_makes_the_first_of_them_an_error(score: Callable[..., Result]) -> None:
    Path("in.csv").write_text("bruising\nyes\nno\n\nblue\nred\n")
    result = score("in.csv", "-o", "out.csv", "--strict")
    refused(result, "in.csv: row 4: no_such_state: bruising: got 'blue'", leaving={"in.csv"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.csv"], "nothing.csv: no such file"),
        (["*.parquet"], "*.parquet: no file matches this pattern"),
        (["empty"], "empty: is a folder without tables"),
        (["a.csv", "a.csv"], "a.csv: is given twice"),
        (["a.csv", "./a.csv"], "./a.csv: is a.csv again; give every file once"),
        (["a.csv", "-"], "standard input: cannot be read together with files"),
        (["a.csv", "--resume", "--restart"], "--resume and --restart: expected one of them"),
    ],
)
def test_what_cannot_be_read_is_named(score: Callable[..., Result], words: list[str], message: str) -> None:
    Path("a.csv").write_text("bruising\nyes\n")
    Path("empty").mkdir()
    refused(score(*words, "-o", "out.csv"), message, leaving={"a.csv", "empty"})


def test_an_output_in_the_folder_that_is_read_is_not_lost(score: Callable[..., Result]) -> None:
    Path("in").mkdir()
    Path("in/a.csv").write_text("bruising\nyes\n")
    refused(score("in", "-o", "in/a.csv"), "in/a.csv: is the input too", leaving={"in"})


@pytest.mark.parametrize("place", ["work.Work.keep", "sinks.TableSink.write"])
def test_a_full_disk_is_an_error_that_leaves_nothing_to_clean_up(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"thighdx.files.{place}", fail)
    write_any(patients(500), Path("in.parquet"))
    result = score("in.parquet", "-o", "out.parquet", "--part-rows", "100")
    refused(result, "out.parquet: cannot be written: no space left", leaving={"in.parquet"})


def limited(*words: str | Path, cwd: Path, megabytes: int) -> subprocess.CompletedProcess[str]:
    """Score in a process that may take only so much memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, resource.RLIM_INFINITY))

    return subprocess.run(
        command(*words), cwd=cwd, capture_output=True, text=True, check=False, preexec_fn=limit
    )


def test_a_cell_that_never_ends_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("wb") as file:
        file.write(b'id,note,bruising\n1,"')
        for _ in range(8):
            file.write(b"x" * 16_000_000)
    found = limited("in.csv", "-o", "out.csv", cwd=tmp_path, megabytes=4_000)
    (tmp_path / "in.csv").unlink()
    assert found.returncode == 2, found.stderr
    assert "in.csv: a row is longer than 16 MB" in found.stderr
    assert 'look for a quote (") that is never closed' in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_packed_file_that_unpacks_without_end_takes_no_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "in.csv.gz", "wb", compresslevel=1) as file:
        file.write(b"id,bruising\n")
        for _ in range(8):
            file.write(b"x" * 16_000_000)
    found = limited("in.csv.gz", "-o", "out.csv", cwd=tmp_path, megabytes=4_000)
    assert found.returncode == 2, found.stderr
    assert "a row is longer than 16 MB" in found.stderr


def test_a_huge_cell_in_a_parquet_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    note = pa.array(["x" * 40_000_000], pa.large_string())
    pq.write_table(
        pa.table({"note": note, "bruising": ["yes"]}), tmp_path / "in.parquet", use_dictionary=False
    )
    found = limited("in.parquet", "-o", "out.csv", cwd=tmp_path, megabytes=4_000)
    assert found.returncode == 2, found.stderr
    assert "in.parquet: column 'note': cells of 40 MB, expected at most 16 MB" in found.stderr


def test_twenty_thousand_columns_are_scored(score: Callable[..., Result]) -> None:
    names = [f"gene_{n}" for n in range(20_000)]
    Path("in.csv").write_text(",".join([*names, "bruising"]) + "\n" + "1," * 20_000 + "yes\n")
    result = score("in.csv", "-o", "out.csv", "--quiet")
    assert result.exit_code == 0, result.stderr
    header, row = Path("out.csv").read_text().splitlines()
    assert header.split(",")[19_999:20_001] == ["gene_19999", "status"]
    assert row.split(",")[20_000] == "ok"


@pytest.mark.parametrize(
    ("report", "parts"),
    [
        ("in.csv", ["--report in.csv: is the input too", "choose another"]),
        ("link.json", ["--report link.json: is the input too", "choose another"]),
        ("out.csv", ["--report out.csv: is the output too", "choose another"]),
        ("none/report.json", ["none/report.json: no such folder", "create it first"]),
    ],
)
def test_a_report_that_has_no_place_of_its_own_is_refused_before_any_work(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, report: str, parts: list[str]
) -> None:
    before = write_any(patients(20), Path("in.csv")).read_bytes()
    Path("link.json").symlink_to("in.csv")
    monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", None)  # would fail if it were called
    refused(score("in.csv", "-o", "out.csv", "--report", report), *parts, leaving={"in.csv", "link.json"})
    assert Path("in.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("in.xlsx", "CSV UTF-8"),
        ("in.gz", "call it .csv.gz"),
        ("in.zip", "unpack it"),
    ],
)
def test_an_ending_that_is_not_read_says_what_to_do(
    score: Callable[..., Result], name: str, hint: str
) -> None:
    Path(name).write_bytes(b"x")
    refused(score(name, "-o", "out.csv"), f"{name}: got the ending", hint, leaving={name})


@pytest.mark.parametrize("start", [b"PAR1....", gzip.compress(b"onset\nsudden\n", mtime=0)])
def test_what_a_pipe_cannot_carry_is_refused_with_a_remedy(
    score: Callable[..., Result], start: bytes
) -> None:
    refused(
        score("-", "-o", "out.csv", stdin=start),
        "standard input: is a ",
        "expected CSV or an Arrow stream; unpack it, or save it to a file",
        leaving=set(),
    )


def test_every_kind_of_problem_has_an_example_in_the_closing_lines(score: Callable[..., Result]) -> None:
    rows = ["130,yes"] * 9 + ["30,blue", "old,no"]
    Path("in.csv").write_text("age,bruising\n" + "".join(f"{row}\n" for row in rows))
    lines = score("in.csv", "-o", "out.csv").stderr.splitlines()
    shown = [line.split(":")[0].strip() for line in lines if line.startswith("  in.csv, row")]
    assert shown == [f"in.csv, row {row}" for row in (1, 2, 3, 10, 11)]
