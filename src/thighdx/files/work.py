"""The parts that an interrupted run leaves, in a folder beside the output that nobody takes for one.

While a table is scored, everything is in ``.OUT.incomplete``: the output as far as it is written, and the scored
parts. A part carries in its metadata what it was made from, with which options, and how far the run was at its
end; it gets its name, which ends with its checksum, once it is on disk. At the end the output takes its place in
one step and the folder goes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.atomic_files import check_target, keep_mode, sync_path, unwritable
from thighdx.errors import TableError

__all__ = ["OnEarlier", "Work", "open_work"]

OUTPUT = "output"
LOCK = "lock"
KEPT = b"thighdx.kept"  # in the metadata of a part
CHECKSUM_DIGITS = 16
RESTART = "give --restart to begin again"

OnEarlier = Literal["ask", "resume", "restart"]


@dataclass(slots=True)
class Work:
    """An output in the making."""

    name: str
    target: Path
    key: Mapping[str, Any]  # what the parts are made from: model, options, inputs; other parts are of no use
    kept: list[Path] = field(default_factory=list)  # complete parts on disk
    state: Mapping[str, Any] | None = None  # what an earlier run said to `keep` with the last of them
    notice: str = ""  # what became of an earlier run, for the user

    @property
    def folder(self) -> Path:
        """Where everything is until it is complete."""
        return self.target.with_name(f".{self.target.name}.incomplete")

    @property
    def output(self) -> Path:
        """The output as far as it is written."""
        return self.folder / OUTPUT

    def parts(self) -> Iterator[pa.Table]:
        """Yield the complete parts of an earlier run; a damaged one is a `TableError`."""
        return map(_read_part, self.kept)

    def keep(self, table: pa.Table, state: Mapping[str, Any]) -> None:
        """Put a part on disk; `state`, plain data with ``n_rows``, says how far the run is."""
        told = json.dumps({"key": self.key, "state": state}, allow_nan=False)
        table = table.replace_schema_metadata({KEPT: told})
        temporary = self.folder / "part.tmp"
        with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        sync_path(temporary)
        place = self.folder / f"part-{len(self.kept):06}-{_checksum(temporary)}.arrows"
        temporary.replace(place)
        sync_path(self.folder)
        self.kept.append(place)

    def finish(self) -> None:
        """Let the output take its place."""
        sync_path(self.output)
        keep_mode(self.target, self.output)
        self.output.replace(self.target)
        sync_path(self.target.parent)
        with contextlib.suppress(OSError):
            _clear(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self, error: BaseException) -> None:
        """Keep complete parts, and nothing else; the error has a note about them."""
        with contextlib.suppress(OSError):
            self.output.unlink(missing_ok=True)
        with contextlib.suppress(TableError):  # a damaged part is left as it is
            kept, _, state = _find_parts(self.folder)
            if kept:
                rows = f"{state['n_rows']:,} scored rows are kept"
                error.add_note(f"{rows}; the same command with --resume goes on from there")
            else:
                shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def open_work(name: str, key: Mapping[str, Any], *, on_earlier: OnEarlier = "ask") -> Iterator[Work]:
    """Write an output that appears complete or not at all; an error that leaves parts has a note about them.

    Of an interrupted run of the same command, parts are refused, gone on from or discarded, as `on_earlier` says.
    Parts made from something else are of no use: they are discarded, or, if they should be resumed, an error.
    """
    work = Work(name, check_target(name), json.loads(json.dumps(key)))
    try:
        work.folder.mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable(name, work.target, error) from None
    with _locked(work):
        _look_back(work, on_earlier)
        try:
            yield work
            work.finish()
        except BaseException as error:
            work.abandon(error)
            raise


@contextlib.contextmanager
def _locked(work: Work) -> Iterator[None]:
    """Keep a second run away from the same output, where the system can."""
    with (work.folder / LOCK).open("w") as file:
        with contextlib.suppress(ImportError):  # not a Unix: nothing to lock with
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TableError(
                    f"{work.name}: another run is writing this file; wait for it or choose another"
                ) from None
        yield


def _look_back(work: Work, on_earlier: OnEarlier) -> None:
    """Decide what to do with the parts of an earlier run."""
    try:
        kept, key, state = _find_parts(work.folder)
    except TableError:
        if on_earlier == "resume":
            raise
        work.notice = "discarded what an interrupted run has left, which is damaged"
        kept = []
    if kept:
        different, n_rows = _differences(key, work.key), f"{state['n_rows']:,}"
        if on_earlier == "resume" and different:
            raise TableError(
                f"{work.name}: cannot resume: {'; '.join(different)}; undo the change, or give --restart to "
                f"discard the {n_rows} rows of the interrupted run"
            )
        if on_earlier == "resume":
            work.kept, work.state = kept, state
            work.notice = f"resumed after {n_rows} rows of an interrupted run"
            return
        if on_earlier == "ask" and not different:
            raise TableError(
                f"{work.name}: an interrupted run of this command has left {n_rows} scored rows; give --resume "
                f"to go on from there, or --restart to discard them"
            )
        why = f" ({different[0]})" if different else ""
        work.notice = f"discarded {n_rows} rows of an interrupted run{why}"
    _clear(work.folder)


def _find_parts(folder: Path) -> tuple[list[Path], dict[str, Any], dict[str, Any]]:
    """Return the parts in a folder, what they were made from and where the run was; all empty where none is."""
    kept = sorted(folder.glob("part-*.arrows"))
    for position, path in enumerate(kept):
        if not path.name.startswith(f"part-{position:06}-"):
            raise TableError(f"{folder}: part {position} is missing; {RESTART}")
    if not kept:
        return kept, {}, {}
    told = json.loads(_read_part(kept[-1]).schema.metadata[KEPT])
    return kept, told["key"], told["state"]


def _read_part(path: Path) -> pa.Table:
    """Read a part that is as it was written."""
    try:
        if not path.stem.endswith(f"-{_checksum(path)}"):
            raise TableError(
                f"{path}: is not what the interrupted run wrote (its checksum differs); {RESTART}"
            )
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path}: cannot be read ({error}); {RESTART}") from None


def _checksum(path: Path) -> str:
    """Return the beginning of the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:CHECKSUM_DIGITS]


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what an interrupted run was started with that is different now."""
    found = []
    for name in sorted(name for name in {*before, *now} if before.get(name) != now.get(name)):
        got, expected = now.get(name), before.get(name)
        if name != "inputs":
            found.append(f"{name} is {json.dumps(got)[:60]} and was {json.dumps(expected)[:60]}")
            continue
        files, earlier = ({item["name"]: item for item in side or ()} for side in (got, expected))
        if list(files) == list(earlier):
            changed = next(file for file in files if files[file] != earlier[file])
            found.append(f"{Path(changed).name} has changed since")
        else:
            found.append(f"the input is other files: {len(files)} now, {len(earlier)} before")
    return found


def _clear(folder: Path) -> None:
    """Remove everything but the lock, the last part first: who is killed meanwhile leaves parts that can be used."""
    for path in sorted(folder.iterdir(), reverse=True):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
