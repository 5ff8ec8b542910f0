"""Text as hospitals write it: spaces in headers, semicolons, decimal commas, other encodings, tabs, JSON lines."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

import thighdx
from files.streaming_tables import read_any
from places import SMALL
from thighdx.errors import TableError
from thighdx.files.csv_text import CsvDialect
from thighdx.files.table import open_table

PLAIN = "id,bruising,age\nm\u00fcller,yes,34.5\nb,no,70\n"


def expected(score: Callable[..., Result]) -> pd.DataFrame:
    Path("plain.csv").write_text(PLAIN, encoding="utf-8")
    assert score("plain.csv", "-o", "plain_out.csv").exit_code == 0
    return pd.read_csv("plain_out.csv", dtype={"id": str})


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("in.csv", " id , bruising,age \nm\u00fcller,yes,34.5\nb,no,70\n", []),
        (
            "in.csv",
            "id;bruising;age\nm\u00fcller;yes;34,5\nb;no;70\n",
            ["--delimiter", ";", "--decimal", ","],
        ),
        ("in.csv", PLAIN.encode("latin-1"), ["--encoding", "latin-1"]),
        ("in.csv", PLAIN.encode("utf-16"), ["--encoding", "utf-16"]),
        ("in.csv", b"\xef\xbb\xbf" + PLAIN.encode(), []),
        ("in.tsv", PLAIN.replace(",", "\t"), []),
        (
            "in.tsv.gz",
            gzip.compress(PLAIN.replace(",", "\t").encode("latin-1"), mtime=0),
            ["--encoding", "latin-1"],
        ),
        ("in.csv", PLAIN.replace(",", "\t"), ["--delimiter", "tab"]),
        ("in.csv", PLAIN.replace("id,", '"id",').replace("\n", "\r\n"), []),
        (
            "in.jsonl",
            '{"id": "m\u00fcller", "bruising": "yes", "age": 34.5}\n{"id": "b", "bruising": "no", "age": 70}',
            [],
        ),
    ],
)
def test_a_table_is_the_same_however_it_is_written(
    score: Callable[..., Result], name: str, content: str | bytes, options: list[str]
) -> None:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = score(name, "-o", "out.csv", *options)
    assert result.exit_code == 0, result.output
    pd.testing.assert_frame_equal(pd.read_csv("out.csv", dtype={"id": str}), expected(score))


def test_a_pipe_may_have_another_delimiter_and_encoding(score: Callable[..., Result]) -> None:
    content = PLAIN.replace(",", ";").encode("cp1252")
    result = score("-", "-o", "out.csv", "--delimiter", ";", "--encoding", "cp1252", stdin=content)
    assert result.exit_code == 0, result.output
    pd.testing.assert_frame_equal(pd.read_csv("out.csv", dtype={"id": str}), expected(score))


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_text_in_another_encoding_than_was_named_is_an_error(
    score: Callable[..., Result], ending: str
) -> None:
    content = PLAIN.encode("cp1252")
    Path(f"in.{ending}").write_bytes(gzip.compress(content) if ending == "csv.gz" else content)
    result = score(f"in.{ending}", "-o", "out.csv", "--encoding", "ascii")
    assert result.exit_code == 2
    assert f"in.{ending}: is not ASCII text; save it as 'CSV UTF-8', or name its encoding" in result.stderr
    assert not Path("out.csv").exists()


def test_a_header_may_hold_a_line_break_in_quotes(score: Callable[..., Result]) -> None:
    Path("in.csv").write_text('"free\ntext",bruising\nx,yes\ny,no\n', encoding="utf-8")
    assert score("in.csv", "-o", "out.csv").exit_code == 0
    assert pd.read_csv("out.csv")["free\ntext"].tolist() == ["x", "y"]


@pytest.mark.parametrize("after", ["csv", "jsonl"])
def test_dates_in_json_lines_stay_the_text_they_are(score: Callable[..., Result], after: str) -> None:
    Path("in.jsonl").write_text('{"seen": "2026-01-31", "bruising": "yes"}\n', encoding="utf-8")
    assert score("in.jsonl", "-o", f"out.{after}").exit_code == 0
    assert read_any(Path(f"out.{after}"))["seen"].tolist() == ["2026-01-31"]


def test_text_that_is_looked_at_is_not_kept(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("id,bruising\n" + "1,yes\n" * 500_000)
    scorer = thighdx.Scorer(SMALL)
    tracemalloc.start()
    table = open_table([str(tmp_path)], scorer)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.n_bytes > 9_000_000
    assert size < 1_000_000


@pytest.mark.parametrize("line", ["no", '{"bruising": 1}', '{"bruising": "yes", "onset": "sudden"}'])
def test_a_line_that_is_no_row_like_those_before_is_an_error(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("thighdx.files.sources.SNIFFED_BYTES", 100)
    Path("in.jsonl").write_text('{"bruising": "yes"}\n' * 10 + line, encoding="utf-8")
    result = score("in.jsonl", "-o", "out.csv")
    assert result.exit_code == 2
    assert "in.jsonl: cannot be read as JSON, one row per line" in result.stderr


@pytest.mark.parametrize("line", ["no", '{"bruising": 1}'])
@pytest.mark.parametrize("block", [50, 16_000_000])
def test_a_json_line_at_fault_is_counted_from_one_from_the_beginning_of_the_file(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, line: str, block: int
) -> None:
    monkeypatch.setattr("thighdx.files.sources.SNIFFED_BYTES", 100)
    monkeypatch.setattr("thighdx.files.json_lines.BLOCK_BYTES", block)
    Path("in.jsonl").write_text('{"bruising": "yes"}\n' * 10 + line, encoding="utf-8")
    assert "in row 11)" in " ".join(score("in.jsonl", "-o", "out.csv").stderr.split())


def test_what_is_unknown_in_the_first_json_lines_may_be_text_later(
    score: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thighdx.files.sources.SNIFFED_BYTES", 100)
    lines = ['{"bruising": "yes", "onset": null}'] * 10 + ['{"bruising": "yes", "onset": "sudden"}']
    Path("in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert score("in.jsonl", "-o", "out.csv").exit_code == 0
    found = read_any(Path("out.csv"))
    assert found["status"].tolist() == ["ok"] * 11
    assert found["strain"].nunique() == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,name\n1,x\n", "no column is read as evidence, so every row would get the prior"),
        ("id,brusing\n1,yes\n", "did you mean 'bruising'?"),
        ("7,yes,34\n8,no,70\n", "the first line ('7', 'yes', '34') looks like a row: is there no header?"),
        ("yes,yes,34\n8,no,70\n", "column 'yes' is given 2 times, expected each once; is there no header?"),
    ],
)
def test_a_file_without_evidence_is_an_error(
    score: Callable[..., Result], content: str, message: str
) -> None:
    Path("in.csv").write_text(content, encoding="utf-8")
    result = score("in.csv", "-o", "out.csv")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("out.csv").exists()


def test_a_file_without_evidence_is_scored_on_request(score: Callable[..., Result]) -> None:
    Path("in.csv").write_text("id\n7\n8\n", encoding="utf-8")
    assert score("in.csv", "-o", "out.csv", "--allow-no-evidence").exit_code == 0
    assert pd.read_csv("out.csv")["status"].tolist() == ["ok", "ok"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": "||"}, r"delimiter: got '\|\|', expected one character"),
        ({"decimal": ";"}, r"decimal: got ';', expected '\.' or ','"),
        ({"encoding": "latin-99"}, "encoding: got 'latin-99', expected the name of one"),
    ],
)
def test_a_dialect_that_cannot_be_is_an_error(options: dict[str, str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        CsvDialect(**options)


def test_files_are_read_in_a_dialect_from_python(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("bruising;age\nyes;34,5\n", encoding="utf-8")
    report = thighdx.score_files(
        tmp_path / "in.csv",
        tmp_path / "out.csv",
        scorer=thighdx.Scorer(SMALL),
        dialect=CsvDialect(";", ","),
    )
    assert repr(report) == "<RunReport 1 rows read, 1 scored>"
