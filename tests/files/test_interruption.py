"""A run that is killed, stopped or starved leaves nothing that looks finished, and can be taken up again."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from files.forked import ForkServer
from files.streaming_tables import command, patients, read_any, write_any
from places import SMALL

N_KILLS = 12
SMALL_PARTS = ("--part-rows", "100", "--quiet")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four thousand patients in two files."""
    folder = tmp_path_factory.mktemp("patients")
    whole = patients(4_000)
    write_any(whole.slice(0, 2_150), folder / "a.parquet")
    write_any(whole.slice(2_150), folder / "b.parquet")
    return folder


def work_folder(output: Path) -> Path:
    return output.with_name(f".{output.name}.incomplete")


def n_kept(output: Path) -> int:
    """Rows in the complete parts of an interrupted run."""
    kept = sorted(work_folder(output).glob("part-*.arrows"))
    try:
        with pa.ipc.open_stream(kept[-1].read_bytes()) as part:
            return int(json.loads(part.schema.metadata[b"thighdx.kept"])["state"]["n_rows"])
    except (IndexError, FileNotFoundError):  # none yet, or the run is done
        return 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """Processes that start at once."""
    started = ForkServer(SMALL, tmp_path_factory.mktemp("server"))
    yield started
    started.close()


def interrupt(server: ForkServer, output: Path, table: Path, *, after_parts: int) -> None:
    """Start a run and kill it once some parts are kept."""
    run = server.start(table, "-o", output, *SMALL_PARTS, cwd=output.parent, linger=(after_parts, 600.0))
    run.when(lambda: n_kept(output) >= after_parts * 100)
    run.send(signal.SIGKILL)
    assert run.wait().returncode == -signal.SIGKILL


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow"])
def test_killed_at_random_moments_it_ends_with_the_same_bytes(
    server: ForkServer, tmp_path: Path, table: Path, ending: str
) -> None:
    rng = random.Random(f"kills {ending}")
    whole, output = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    assert server.run(table, "-o", whole, *SMALL_PARTS, cwd=tmp_path).returncode == 0
    n_kills = 0
    while n_kills < N_KILLS:
        before = n_kept(output)
        goal = before + rng.randrange(0, 400)
        run = server.start(table, "-o", output, *SMALL_PARTS, "--resume", cwd=tmp_path)
        run.when(lambda goal=goal: n_kept(output) > goal)  # type: ignore[misc]  # a default binds it now
        time.sleep(rng.random() * 0.02)
        run.send(signal.SIGKILL)
        was_done = run.wait().returncode == 0
        if was_done or output.exists():  # it was faster than the signal, or about to end: from the beginning
            assert output.read_bytes() == whole.read_bytes()
            output.unlink()
            continue
        n_kills += 1
        assert n_kept(output) >= before
    done = server.run(table, "-o", output, *SMALL_PARTS, "--resume", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([output.name, whole.name])


def test_the_report_of_a_resumed_run_counts_every_row(
    server: ForkServer, tmp_path: Path, table: Path
) -> None:
    output = tmp_path / "out.parquet"
    server.run(table, "-o", output, *SMALL_PARTS, "--report", "whole.json", cwd=tmp_path)
    output.unlink()
    interrupt(server, output, table, after_parts=5)
    done = server.run(table, "-o", output, *SMALL_PARTS, "--resume", "--report", "out.json", cwd=tmp_path)
    assert done.returncode == 0
    whole, resumed = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "out"))
    assert resumed["rows"].pop("resumed") >= 500
    assert whole["rows"].pop("resumed") == 0
    assert resumed["rows"] == whole["rows"]
    assert resumed["problems"] == whole["problems"]


def test_an_interruption_is_prompt_and_says_what_is_kept(
    server: ForkServer, tmp_path: Path, table: Path
) -> None:
    output = tmp_path / "out.csv"
    run = server.start(table, "-o", output, "--part-rows", "100", cwd=tmp_path, linger=(3, 600.0))
    run.when(lambda: n_kept(output) >= 300)
    run.send(signal.SIGINT)
    done = run.wait()
    assert n_kept(output) == 300  # of four thousand
    assert (done.returncode, done.stdout) == (130, "")
    assert f"{n_kept(output):,} scored rows are kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_what_an_interrupted_run_has_left_is_neither_lost_nor_mixed_up(
    server: ForkServer, tmp_path: Path, table: Path
) -> None:
    output = tmp_path / "out.parquet"
    interrupt(server, output, table, after_parts=3)
    again = server.run(table, "-o", output, *SMALL_PARTS, cwd=tmp_path)
    assert again.returncode == 2
    assert "an interrupted run of this command has left" in again.stderr
    assert "give --resume to go on from there, or --restart to discard them" in again.stderr
    other = server.run(table, "-o", output, *SMALL_PARTS, "--resume", "--top", "1", cwd=tmp_path)
    assert other.returncode == 2
    assert "cannot resume: top is 1 and was null; undo the change" in other.stderr
    assert n_kept(output) >= 300
    discarded = server.run(table, "-o", output, "--part-rows", "100", "--top", "1", cwd=tmp_path)
    assert discarded.returncode == 0
    assert "discarded" in discarded.stderr
    assert "of an interrupted run (top is 1 and was null)" in discarded.stderr
    assert len(read_any(output)) == 4_000


def test_an_input_that_changed_cannot_be_resumed(server: ForkServer, tmp_path: Path) -> None:
    source, output = write_any(patients(2_000), tmp_path / "in.parquet"), tmp_path / "out.parquet"
    interrupt(server, output, source, after_parts=2)
    write_any(patients(2_000, seed=2), source)
    done = server.run(source, "-o", output, *SMALL_PARTS, "--resume", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot resume: in.parquet has changed since" in done.stderr
    done = server.run(source, "-o", output, *SMALL_PARTS, "--restart", cwd=tmp_path)
    assert done.returncode == 0
    assert len(read_any(output)) == 2_000


@pytest.mark.parametrize("damage", ["garbage", "fewer rows", "gone"])
def test_a_damaged_part_is_named_and_restart_always_works(
    server: ForkServer, tmp_path: Path, table: Path, damage: str
) -> None:
    output = tmp_path / "out.parquet"
    interrupt(server, output, table, after_parts=3)
    (part,) = work_folder(output).glob("part-000001-*.arrows")
    if damage == "garbage":
        part.write_bytes(b"no")
    elif damage == "gone":
        part.unlink()
    else:  # a whole file, only shorter
        with pa.ipc.open_stream(part.read_bytes()) as reader:
            short = reader.read_all().slice(0, 20)
        with pa.ipc.new_stream(part, short.schema) as writer:
            writer.write_table(short)
    done = server.run(table, "-o", output, *SMALL_PARTS, "--resume", cwd=tmp_path)
    assert done.returncode == 2
    expected = "part 1 is missing" if damage == "gone" else f"{part.name}: is not what"
    assert expected in done.stderr
    assert "give --restart to begin again" in done.stderr
    assert not output.exists()
    assert server.run(table, "-o", output, *SMALL_PARTS, "--restart", cwd=tmp_path).returncode == 0
    assert len(read_any(output)) == 4_000


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut off", "edited", "renamed"])
def test_a_last_part_that_was_changed_is_not_believed(
    server: ForkServer, tmp_path: Path, table: Path, damage: str
) -> None:
    output = tmp_path / "out.parquet"
    interrupt(server, output, table, after_parts=2)
    *_, part = sorted(work_folder(output).glob("part-*.arrows"))
    content = part.read_bytes()
    edited = content.replace(b'"n_underage": 0', b'"n_underage": 1')
    assert edited != content
    texts = {"empty": b"", "garbage": b"[1]", "cut off": content[:-500], "edited": edited}
    part.write_bytes(texts.get(damage, content))
    if damage == "renamed":
        part = part.rename(part.with_stem(part.stem[:-1] + "x"))
    done = server.run(table, "-o", output, *SMALL_PARTS, "--resume", cwd=tmp_path)
    assert done.returncode == 2
    assert f"{part.name}: is not what the interrupted run wrote (its checksum differs)" in done.stderr
    (work_folder(output) / "a folder").mkdir()
    done = server.run(table, "-o", output, "--part-rows", "100", "--restart", cwd=tmp_path)
    assert done.returncode == 0
    assert "discarded what an interrupted run has left, which is damaged" in done.stderr


def test_resume_without_anything_to_resume_is_a_run(server: ForkServer, tmp_path: Path, table: Path) -> None:
    done = server.run(table, "-o", "out.csv", "--resume", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    pipe = server.run("-", "-o", "out.csv", "--resume", cwd=tmp_path)
    assert "a pipe cannot be resumed" in pipe.stderr


def test_two_runs_cannot_write_one_file(server: ForkServer, tmp_path: Path, table: Path) -> None:
    output, folder = tmp_path / "out.csv", tmp_path / "server"
    folder.mkdir()
    other = ForkServer(SMALL, folder)
    first = other.start(table, "-o", output, *SMALL_PARTS, cwd=tmp_path, linger=(1, 5.0))
    first.when(lambda: n_kept(output) > 0)
    first.send(signal.SIGSTOP)
    second = server.run(table, "-o", output, "--restart", cwd=tmp_path)
    first.send(signal.SIGCONT)
    assert first.wait().returncode == 0
    other.close()
    assert second.returncode == 2
    assert "another run is writing this file" in second.stderr


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "arrow"])
def test_a_full_disk_is_an_error_and_the_run_can_be_taken_up(
    tmp_path: Path, table: Path, ending: str
) -> None:
    output = tmp_path / f"out.{ending}"

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))

    words = command(table, "-o", output, "--part-rows", "100")
    starved = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=starve)
    assert starved.returncode == 2, starved.stderr
    assert f"{output}: cannot be written: the file grows too large" in starved.stderr
    assert "scored rows are kept" in starved.stderr
    assert not output.exists()
    done = subprocess.run([*words, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(read_any(output)) == 4_000


def test_the_output_says_which_model_made_it(server: ForkServer, tmp_path: Path, table: Path) -> None:
    server.run(table, "-o", "out.parquet", *SMALL_PARTS, cwd=tmp_path)
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert file.num_row_groups == 40
    assert file.schema_arrow.metadata[b"thighdx.model"] == b"small 0.1.0"
    assert file.schema_arrow.metadata[b"thighdx.setting"] == b"clinic"
    assert (tmp_path / "out.parquet").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
