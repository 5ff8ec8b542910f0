"""Every format in, every format out, from files, folders, patterns and pipes; ids come out as they went in."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

import floats
import thighdx
from files.streaming_tables import assert_scored, command, patients, read_any, scored_in_python, write_any
from places import SMALL
from thighdx.files.run import show_progress
from thighdx.files.table import Place, open_table
from thighdx.scoring.scorer import Scorer

FORMATS = [
    *("csv", "csv.gz", "csv.bz2", "csv.zst", "tsv", "tsv.gz", "jsonl", "jsonl.gz"),
    *("parquet", "arrow", "arrows"),
]


@pytest.fixture(scope="module")
def wanted() -> tuple[pa.Table, pd.DataFrame]:
    """Patients, and what the model says about them."""
    table = patients(500)
    return table, scored_in_python(table)


@pytest.mark.parametrize("after", FORMATS)
@pytest.mark.parametrize("before", FORMATS)
def test_every_format_gives_what_the_model_gives(
    score: Callable[..., Result], wanted: tuple[pa.Table, pd.DataFrame], before: str, after: str
) -> None:
    table, scored = wanted
    write_any(table, Path(f"in.{before}"))
    result = score(f"in.{before}", "-o", f"out.{after}", "--part-rows", "300")
    assert result.exit_code == 0, result.stderr
    found = read_any(Path(f"out.{after}"))
    assert_scored(found, scored)
    assert list(found.columns) == list(scored.columns)
    assert found["big"].astype("int64").tolist() == scored["big"].tolist()
    assert found["ward"].tolist() == scored["ward"].tolist()
    assert {path.name for path in Path().iterdir()} == {f"in.{before}", f"out.{after}"}


@pytest.mark.parametrize("kind", ["parquet", "arrows"])
def test_columns_passed_through_keep_their_types(score: Callable[..., Result], kind: str) -> None:
    table = patients(500)
    write_any(table, Path("in.parquet"))
    assert score("in.parquet", "-o", f"out.{kind}").exit_code == 0
    if kind == "parquet":
        found = pq.read_table("out.parquet")
    else:
        found = pa.ipc.open_stream(Path("out.arrows").read_bytes()).read_all()
    for name in ("id", "big", "ward"):
        assert found.schema.field(name).type == table.schema.field(name).type
        assert found.column(name).to_pylist() == table.column(name).to_pylist()
    assert found.schema.metadata[b"thighdx.version"].decode() == thighdx.__version__


@pytest.mark.parametrize(
    "words", [["folder"], ["folder/*.parquet"], ["folder/a.parquet", "folder/deep/b.parquet"]]
)
def test_a_folder_a_pattern_and_a_list_are_one_table(score: Callable[..., Result], words: list[str]) -> None:
    table = patients(900)
    Path("folder/deep").mkdir(parents=True)
    write_any(table.slice(0, 500), Path("folder/a.parquet"))
    rest = Path("folder/b.parquet" if "*" in words[0] else "folder/deep/b.parquet")
    write_any(table.slice(500), rest)
    Path("folder/_SUCCESS").write_text("")
    Path("folder/.hidden.parquet").write_text("no table")
    Path("folder/README.txt").write_text("no table either")
    result = score(*words, "-o", "out.parquet")
    assert result.exit_code == 0, result.stderr
    assert_scored(read_any(Path("out.parquet")), scored_in_python(table))


def test_parts_may_have_their_columns_in_another_order_and_empty_ones(score: Callable[..., Result]) -> None:
    Path("in").mkdir()
    pq.write_table(pa.table({"id": ["1"], "onset": pa.nulls(1), "bruising": ["yes"]}), "in/a.parquet")
    pq.write_table(pa.table({"bruising": ["no"], "id": ["2"], "onset": ["sudden"]}), "in/b.parquet")
    assert score("in", "-o", "out.parquet").exit_code == 0
    whole = pa.table({"id": ["1", "2"], "onset": [None, "sudden"], "bruising": ["yes", "no"]})
    assert_scored(read_any(Path("out.parquet")), scored_in_python(whole))


def test_an_arrow_stream_comes_through_a_pipe(score: Callable[..., Result]) -> None:
    table = patients(700)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=200)
    result = score("-", "-o", "out.parquet", stdin=sink.getvalue())
    assert result.exit_code == 0, result.stderr
    # how long a stream is only shows at its end, so it is compiled
    assert_scored(read_any(Path("out.parquet")), scored_in_python(table), atol=floats.COMPILED)


def test_a_pipe_is_scored_as_it_comes(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("-", "-o", "-", "--quiet"), cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    printed, _ = process.communicate(b"id,bruising\n" + b"007,yes\n" * 300_000, timeout=300)
    assert process.returncode == 0
    assert printed.count(b"\n007,ok,") == 300_000


def test_several_members_in_one_gzip_file_are_one_table(score: Callable[..., Result]) -> None:
    Path("in.csv.gz").write_bytes(gzip.compress(b"id,bruising\n1,yes\n") + gzip.compress(b"2,no\n"))
    assert score("in.csv.gz", "-o", "out.csv").exit_code == 0
    assert read_any(Path("out.csv"))["id"].tolist() == ["1", "2"]


def test_leading_causes_become_columns(score: Callable[..., Result]) -> None:
    write_any(patients(200), Path("in.parquet"))
    assert score("in.parquet", "-o", "out.parquet", "--top", "2").exit_code == 0
    found = read_any(Path("out.parquet"))
    assert list(found.columns[-4:]) == ["top_1", "top_1_probability", "top_2", "top_2_probability"]
    good = found[found.status == "ok"]
    assert (good.top_1 == good[["strain", "nerve", "clot"]].idxmax(axis=1)).all()
    assert (good.top_1_probability == good[["strain", "nerve", "clot"]].max(axis=1)).all()
    assert found[found.status != "ok"].top_1.isna().all()


def test_the_report_is_the_closing_summary_as_data(score: Callable[..., Result]) -> None:
    write_any(patients(400), Path("in.parquet"))
    result = score("in.parquet", "-o", "out.parquet", "--report", "report.json", "--triage", "--top", "1")
    assert result.exit_code == 0, result.stderr
    report = json.loads(Path("report.json").read_text())
    statuses = read_any(Path("out.parquet"))["status"].value_counts()
    assert report["format"] == 1
    assert report["rows"]["read"] == 400
    assert report["rows"]["scored"] == statuses["ok"]
    assert report["rows"]["kept"] == {name: n for name, n in statuses.items() if name != "ok"}
    assert report["model"] == {
        "name": "small",
        "version": "0.1.0",
        "digest": thighdx.read_model(SMALL).digest,
    }
    assert sum(report["triage"].values()) == 400
    first = report["problems"][0]
    assert first["file"] == "in.parquet"
    assert first["message"].startswith(f"{first['column']}: got {first['value']!r}")
    assert "Urgency: " in result.stderr
    assert f"400 rows read: {statuses['ok']} scored" in result.stderr


def test_nothing_but_warnings_is_said_when_quiet(score: Callable[..., Result]) -> None:
    write_any(patients(100), Path("in.parquet"))
    result = score("in.parquet", "-o", "out.parquet", "--quiet")
    assert (result.stdout, result.stderr) == ("", "")


def test_text_that_looks_like_a_formula_passes_unless_it_is_to_be_escaped(
    score: Callable[..., Result],
) -> None:
    Path("in.csv").write_text("id,bruising\n=1+1,yes\n-5,no\n@x,no\n'a,no\n")
    score("in.csv", "-o", "plain.csv")
    score("in.csv", "-o", "safe.csv", "--escape-formulas")
    assert read_any(Path("plain.csv"))["id"].tolist() == ["=1+1", "-5", "@x", "'a"]
    assert read_any(Path("safe.csv"))["id"].tolist() == ["'=1+1", "-5", "'@x", "'a"]


class Terminal(io.StringIO):
    """Standard error that a person watches."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_person_sees_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    source = write_any(patients(100), tmp_path / f"in.{ending}")
    table = open_table([str(source)], Scorer(SMALL))
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr("thighdx.files.run.PROGRESS_AFTER_SECONDS", 0.0)
    with show_progress(table, quiet=False) as advance:
        time.sleep(0.15)  # the bar is drawn ten times a second
        advance(100, source.stat().st_size)
    assert "100 rows" in sys.stderr.getvalue()  # type: ignore[attr-defined]  # is a Terminal
    monkeypatch.setattr("sys.stderr", Terminal())
    with show_progress(table, quiet=True) as advance:
        advance(100, source.stat().st_size)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]  # is a Terminal


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.large_string())]
)
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_text_of_every_layout_is_read_from_files(
    score: Callable[..., Result], kind: pa.DataType, ending: str
) -> None:
    table = pa.table({"id": pa.array(["a,b", 'c"', None], pa.string()), "onset": ["sudden", None, "gradual"]})
    for name in ("id", "onset"):
        cells = table.column(name).combine_chunks()
        cells = cells.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else cells.cast(kind)
        table = table.set_column(table.column_names.index(name), name, cells)
    write_any(table, Path(f"in.{ending}"))
    result = score(f"in.{ending}", "-o", "out.csv")
    assert result.exit_code == 0, result.output
    found = pd.read_csv("out.csv", keep_default_na=False)
    assert found["id"].tolist() == ["a,b", 'c"', ""]
    assert found["status"].tolist() == ["ok"] * 3


@pytest.mark.parametrize(
    ("kind", "output", "parts"),
    [
        (
            pa.struct([("a", pa.int8())]),
            "out.csv",
            ["out.csv: CSV cannot hold 'scan' (struct<", "write .parquet", "drop: true"],
        ),
        (pa.list_(pa.int8()), "out.csv.gz", ["CSV cannot hold 'scan' (list<", "write .parquet"]),
        (pa.list_(pa.int8()), "-", ["standard output: CSV cannot hold 'scan'"]),
        (
            pa.month_day_nano_interval(),
            "out.parquet",
            ["out.parquet: Parquet cannot hold 'scan'", "or write .arrows"],
        ),
    ],
)
def test_a_column_that_the_output_cannot_hold_is_named_before_any_work(
    score: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    kind: pa.DataType,
    output: str,
    parts: list[str],
) -> None:
    write_any(pa.table({"onset": ["sudden"], "scan": pa.nulls(1, kind)}), Path("in.arrow"))
    monkeypatch.setattr("thighdx.scoring.scorer.Scorer.score_batch", None)  # would fail if it were called
    result = score("in.arrow", "-o", output)
    assert result.exit_code == 2
    for part in parts:
        assert part in result.stderr
    assert {path.name for path in Path().iterdir()} == {"in.arrow"}


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "arrow", "arrows", "parquet"])
def test_the_time_left_follows_the_rows_scored(tmp_path: Path, ending: str) -> None:
    source = write_any(patients(40_000), tmp_path / f"in.{ending}")
    table = open_table([str(source)], Scorer(SMALL))
    n_rows, shares = 0, []
    for portion in table.read(Place(0, 0), 0, 65_536):
        n_rows += portion.batch.num_rows
        shares.append(portion.n_bytes / table.n_bytes - n_rows / 40_000)
    assert len(shares) > 2
    assert max(map(abs, shares)) < 0.05


@pytest.mark.parametrize("pattern", ["year=*", "*", "**/*.csv", "**", "y*/[ab].csv", "{here}/year=*"])
def test_a_pattern_takes_the_folders_that_match(score: Callable[..., Result], pattern: str) -> None:
    for folder in ("year=2023", "year=2024/deep", "_temporary/0", ".cache"):
        Path("in", folder).mkdir(parents=True)
    for name in ("year=2023/a.csv", "year=2024/b.csv", "_temporary/0/c.csv", ".cache/d.csv", "_e.csv"):
        Path("in", name).write_text(f"id,onset\n{name},sudden\n")
    Path("in/year=2023/_SUCCESS").touch()
    result = score(
        "in/" + pattern if "{" not in pattern else pattern.format(here=Path("in").resolve()), "-o", "out.csv"
    )
    assert result.exit_code == 0, result.output
    assert pd.read_csv("out.csv")["id"].tolist() == ["year=2023/a.csv", "year=2024/b.csv"]


def test_a_dictionary_that_names_null_passes_through_to_parquet(score: Callable[..., Result]) -> None:
    ward = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), pa.array(["north", None]))
    write_any(pa.table({"ward": ward, "onset": ["sudden"] * 3}), Path("in.arrow"))
    result = score("in.arrow", "-o", "out.parquet")
    assert result.exit_code == 0, result.output
    found = pq.read_table("out.parquet").column("ward")
    assert found.to_pylist() == ["north", None, "north"]
    assert found.type == ward.type
