"""`thighdx score` refuses tables it cannot read and outputs it cannot write, and leaves nothing half done."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from cli.terminal import CASES, read_csv, refused


class TestRefusedTables:
    @pytest.mark.parametrize(
        ("name", "content", "parts"),
        [
            ("t.csv", b"", ["t.csv: is empty", "header row"]),
            ("t.csv", b"\xef\xbb\xbf \n", ["t.csv: is empty"]),
            ("t.csv.gz", b"", ["t.csv.gz: is empty"]),
            ("t.parquet", b"", ["t.parquet: is empty"]),
            ("t.csv", b"a,a\n1,2\n", ["t.csv: column 'a' is given 2 times"]),
            ("t.csv", b"a,,\n1,2,3\n", ["a column without a name is given 2 times"]),
            ("t.csv", b"PAR1xxxx", ["t.csv: is a Parquet file, expected CSV", "call it .parquet"]),
            ("t.csv", b"PK\x03\x04xx", ["is an Excel workbook", "CSV UTF-8"]),
            ("t.csv", gzip.compress(b"a\n1\n", mtime=0), ["t.csv: is a gzip file", ".csv.gz"]),
            ("t.csv", b"<!DOCTYPE html><html>", ["t.csv: is a web page"]),
            ("t.csv", "a,b\n1,2\n".encode("utf-16"), ["is UTF-16 text", "CSV UTF-8"]),
            ("t.csv", b"a,b\n1,\0\n", ["holds binary data"]),
            ("t.csv", b"id,age\n1,2\n\xff,3\n", ["t.csv: row 2: is not UTF-8 text"]),
            ("t.csv", b"\xff,b\n1,2\n", ["t.csv: line 1: is not UTF-8 text"]),
            ("t.csv", b"a;b\n1;2\n", ["separated by semicolons, expected commas"]),
            ("t.csv", b"a\tb\n1\t2\n", ["separated by tabs, expected commas"]),
            ("t.csv", b"id,age\n1,2\n3\n", ["t.csv: row 2 ('3'): got 1 cell, expected 2"]),
            ("t.csv", b"id,age\n1,2,3\n", ["t.csv: row 1 ('1,2,3'): got 3 cells, expected 2", '"quotes"']),
            ("t.csv.gz", b"a,b\n1,2\n", ["t.csv.gz: is not a gzip file"]),
            ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:30], ["t.csv.gz: damaged gzip file"]),
            ("t.parquet", b"a,b\n1,2\n", ["t.parquet: is not a Parquet file", "call it .csv"]),
            ("t.parquet", b"PAR1 and then nothing of use", ["t.parquet: damaged Parquet file"]),
            (
                "t.xlsx",
                b"PK\x03\x04xx",
                ["t.xlsx: got the ending '.xlsx', expected .csv, .tsv or .jsonl"],
            ),
            ("table", b"a\n1\n", ["table: got no ending"]),
            ("t.csv", b"strain,bruising\n1,yes\n", ["t.csv: column 'strain'", "given_strain"]),
            ("t.csv", b"status,bruising\n1,yes\n", ["t.csv: column 'status'", "output column"]),
            ("t.csv", b"onset:sudden\n1\n", ["virtual evidence on 'onset'", "onset:gradual"]),
        ],
    )
    def test_a_table_that_cannot_be_read(
        self, score: Callable[..., Result], name: str, content: bytes, parts: list[str]
    ) -> None:
        Path(name).write_bytes(content)
        refused(score(name, "-o", "out.csv"), "thighdx: error: ", *parts)
        assert sorted(path.name for path in Path().iterdir()) == [name]

    def test_a_parquet_file_with_a_column_twice(self, score: Callable[..., Result]) -> None:
        column = pa.array(["yes"])
        pq.write_table(pa.table([column, column], names=["bruising", "bruising"]), "t.parquet")
        refused(score("t.parquet", "-o", "out.csv"), "t.parquet: column 'bruising' is given 2 times")

    def test_standard_input_is_named(self, score: Callable[..., Result]) -> None:
        refused(score("-", "-o", "-", stdin=""), "standard input: is empty")
        refused(score("-", "-o", "-", stdin="strain\nyes\n"), "standard input: column 'strain'")

    def test_a_missing_file_names_its_nearest_neighbor(self, score: Callable[..., Result]) -> None:
        Path("cases.csv").write_text(CASES)
        refused(score("case.csv", "-o", "out.csv"), "case.csv: no such file; did you mean 'cases.csv'?")

    def test_a_folder_is_no_table(self, score: Callable[..., Result]) -> None:
        Path("folder.csv").mkdir()
        refused(score("folder.csv", "-o", "out.csv"), "folder.csv: is a folder")

    def test_a_setting_that_does_not_exist(self, score: Callable[..., Result]) -> None:
        refused(score("-", "-o", "-", "--setting", "clinik", stdin=CASES), "did you mean 'clinic'?")


class TestOutput:
    @pytest.mark.parametrize(
        ("output", "part"),
        [
            ("out.xlsx", "out.xlsx: got the ending '.xlsx'"),
            ("nowhere/out.csv", "nowhere/out.csv: no such folder"),
            ("cases.csv/out.csv", "cases.csv/out.csv: no such folder"),
            ("folder.csv", "folder.csv: is a folder"),
            ("cases.csv", "cases.csv: is the input too"),
            ("./cases.csv", "is the input too"),
        ],
    )
    def test_an_output_that_cannot_be_written(
        self, score: Callable[..., Result], output: str, part: str
    ) -> None:
        Path("cases.csv").write_text(CASES)
        Path("folder.csv").mkdir()
        refused(score("cases.csv", "-o", output), part)
        assert Path("cases.csv").read_text() == CASES

    def test_a_folder_that_refuses_is_named(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: Path, **_: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("pathlib.Path.mkdir", refuse)
        refused(
            score("-", "-o", "out.csv", stdin=CASES), "out.csv: cannot be written to", "permission denied"
        )

    @pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
    def test_an_existing_output_stays_when_scoring_fails(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr("thighdx.files.table.BATCH_ROWS", 2)
        monkeypatch.setattr("thighdx.files.csv_text.BLOCK_BYTES", 200)  # the fault is far behind the start
        Path("cases.csv").write_text(CASES + "012,west,no,,,,,nerve\n" * 100 + "too,few\n")
        target = Path(f"out.{kind}")
        target.write_bytes(b"what was there before")
        refused(
            score("cases.csv", "-o", target.name), "cases.csv: row 106 ('too,few'): got 2 cells, expected 8"
        )
        assert target.read_bytes() == b"what was there before"
        assert sorted(path.name for path in Path().iterdir()) == ["cases.csv", target.name]

    def test_an_interrupted_run_leaves_nothing(
        self, score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", interrupt)
        result = score("-", "-o", "out.csv", stdin=CASES)
        assert (result.exit_code, result.stdout, result.stderr) == (130, "", "")
        assert list(Path().iterdir()) == []

    def test_a_link_stays_a_link_and_permissions_stay(self, score: Callable[..., Result]) -> None:
        Path("real.csv").write_text("old")
        Path("real.csv").chmod(0o600)
        Path("out.csv").symlink_to("real.csv")
        assert score("-", "-o", "out.csv", stdin=CASES).exit_code == 0
        assert Path("out.csv").is_symlink()
        assert len(read_csv(Path("real.csv"))) == 5
        assert Path("real.csv").stat().st_mode & 0o777 == 0o600

    def test_what_csv_cannot_hold_is_refused(self, score: Callable[..., Result]) -> None:
        pq.write_table(pa.table({"lists": [[1], [2]], "bruising": ["yes", "no"]}), "t.parquet")
        refused(score("t.parquet", "-o", "out.csv"), "CSV cannot hold 'lists' (list<", "write .parquet")
        assert not Path("out.csv").exists()
        assert score("t.parquet", "-o", "out.parquet").exit_code == 0
