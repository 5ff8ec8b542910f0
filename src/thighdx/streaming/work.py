"""What an interrupted run leaves: its complete parts, in a folder beside the output that nobody takes for one.

While a table is scored, everything is in ``.OUT.incomplete``: the output as far as it is written, the scored
parts, and a manifest that says which parts are complete, what is in them, what they were made from and with
which options. A part counts once it is on disk and the manifest names it with its rows and its checksum. At the
end the output takes its place in one step and the folder goes.
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

from thighdx.errors import TableError
from thighdx.whole_files import check_target, keep_mode, sync_path

__all__ = ["OnEarlier", "Work", "kept_rows", "open_work", "work_folder"]

MANIFEST_FORMAT = 2
MANIFEST = "manifest.json"
OUTPUT = "output"
LOCK = "lock"

OnEarlier = Literal["ask", "resume", "restart"]


def work_folder(target: Path) -> Path:
    """Return the folder of an unfinished output.

    Examples
    --------
    >>> work_folder(Path("out.parquet")).name
    '.out.parquet.incomplete'
    """
    return target.with_name(f".{target.name}.incomplete")


@dataclass(slots=True)
class Work:
    """An output in the making.

    Attributes
    ----------
    key : mapping
        What the parts are made from: model, options, inputs. Other parts are of no use.
    kept : list of mapping
        Rows and SHA-256 of every complete part on disk.
    state : mapping, optional
        What was said to `keep` with the last of them; None at the beginning.
    notice : str
        What became of an earlier run, for the user.
    """

    name: str
    target: Path
    key: Mapping[str, Any]
    kept: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Any] | None = None
    notice: str = ""
    is_kept: bool = field(default=False)

    @property
    def folder(self) -> Path:
        """Where everything is until it is complete."""
        return work_folder(self.target)

    @property
    def output(self) -> Path:
        """The output as far as it is written."""
        return self.folder / OUTPUT

    def parts(self) -> Iterator[pa.Table]:
        """Yield the complete parts of an earlier run.

        Raises
        ------
        TableError
            If one is damaged.
        """
        for position, expected in enumerate(self.kept):
            path = self._part(position)
            try:
                found = _fingerprint(path)
                if found != expected["sha256"]:
                    raise TableError(
                        f"{path}: is not what the interrupted run wrote (its checksum differs); give --restart to "
                        f"begin again"
                    )
                with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                    yield reader.read_all()
            except (pa.ArrowException, OSError) as error:
                raise TableError(f"{path}: cannot be read ({error}); give --restart to begin again") from None

    def keep(self, table: pa.Table, state: Mapping[str, Any]) -> None:
        """Put a part on disk, and then its name into the manifest."""
        place = self._part(len(self.kept))
        temporary = place.with_suffix(".tmp")
        with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        sync_path(temporary)
        part = {"rows": table.num_rows, "sha256": _fingerprint(temporary)}
        temporary.replace(place)
        content = {
            "format": MANIFEST_FORMAT,
            "key": self.key,
            "parts": [*self.kept, part],
            "state": state,
        }
        manifest = self.folder / MANIFEST
        temporary = manifest.with_suffix(".tmp")
        signed = content | {"sha256": _digest(content)}
        temporary.write_text(json.dumps(signed, allow_nan=False), encoding="utf-8")
        sync_path(temporary)
        temporary.replace(manifest)
        sync_path(self.folder)
        self.kept.append(part)
        self.state = dict(state)

    def finish(self) -> None:
        """Let the output take its place."""
        sync_path(self.output)
        keep_mode(self.target, self.output)
        self.output.replace(self.target)
        sync_path(self.target.parent)
        shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self) -> None:
        """Keep complete parts, and nothing else."""
        with contextlib.suppress(OSError):
            self.output.unlink(missing_ok=True)
        if self.kept:
            self.is_kept = True
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, position: int) -> Path:
        return self.folder / _part_name(position)


@contextlib.contextmanager
def open_work(name: str, key: Mapping[str, Any], *, on_earlier: OnEarlier = "ask") -> Iterator[Work]:
    """Write an output that appears complete or not at all.

    Parameters
    ----------
    on_earlier : {"ask", "resume", "restart"}
        What to do with the parts of an interrupted run of the same command: refuse to choose, go on from them,
        or begin again. Parts made from something else are of no use: they are discarded, or, if they should
        be resumed, an error.

    Raises
    ------
    TableError
        If another run is writing the output, or an earlier run is in the way.
    OSError
        If it cannot be written there.
    """
    work = Work(name, check_target(name), json.loads(json.dumps(key)))
    try:
        work.folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise type(error)(
            f"{name}: cannot be written to {work.target.parent} ({reason}); choose another folder"
        ) from None
    with _locked(work):
        _look_back(work, on_earlier)
        try:
            yield work
        except BaseException:
            work.abandon()
            raise
        work.finish()


def kept_rows(name: str) -> int:
    """Return how many rows an interrupted run has left beside an output."""
    found = _read_manifest(work_folder(Path(name).resolve()) / MANIFEST)
    return int(found["state"]["n_rows"]) if found is not None else 0


@contextlib.contextmanager
def _locked(work: Work) -> Iterator[None]:
    """Keep a second run away from the same output, where the system can."""
    try:
        import fcntl
    except ImportError:  # not a Unix: nothing to lock with
        yield
        return
    with (work.folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TableError(
                f"{work.name}: another run is writing this file; wait for it or choose another"
            ) from None
        yield


def _look_back(work: Work, on_earlier: OnEarlier) -> None:
    """Decide what to do with the parts of an earlier run."""
    manifest = work.folder / MANIFEST
    found = _read_manifest(manifest)
    if found is None:
        if manifest.exists():
            work.notice = "discarded what an interrupted run has left, which is damaged"
            if on_earlier == "resume":
                raise TableError(
                    f"{manifest}: is damaged, or parts that it names are missing; give --restart to begin again"
                )
        _clear(work.folder)
        return
    different = _differences(found["key"], work.key)
    n_rows = f"{found['state']['n_rows']:,}"
    if on_earlier == "resume":
        if different:
            raise TableError(
                f"{work.name}: cannot resume: {'; '.join(different)}; undo the change, or give --restart to "
                f"discard the {n_rows} rows of the interrupted run"
            )
        work.kept, work.state = found["parts"], found["state"]
        work.notice = f"resumed after {n_rows} rows of an interrupted run"
    elif on_earlier == "ask" and not different:
        raise TableError(
            f"{work.name}: an interrupted run of this command has left {n_rows} scored rows; give --resume to "
            f"go on from there, or --restart to discard them"
        )
    else:
        why = f" ({different[0]})" if different else ""
        work.notice = f"discarded {n_rows} rows of an interrupted run{why}"
        _clear(work.folder)


def _read_manifest(path: Path) -> dict[str, Any] | None:
    """Return a manifest that is as it was written and whose parts are there; None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.pop("sha256") != _digest(found) or found["format"] != MANIFEST_FORMAT:
            return None
        n_rows = sum(part["rows"] for part in found["parts"])
        is_whole = all(
            (path.parent / _part_name(position)).is_file() for position in range(len(found["parts"]))
        )
        return dict(found) if is_whole and n_rows == found["state"]["n_rows"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a manifest says."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _part_name(position: int) -> str:
    return f"part-{position:06}.arrows"


def _fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what an interrupted run was started with that is different now."""
    found = []
    for name in sorted({*before, *now}):
        if before.get(name) == now.get(name):
            continue
        if name == "inputs":
            found += _changed_inputs(before.get(name) or [], now.get(name) or [])
        else:
            got, expected = (json.dumps(side.get(name))[:60] for side in (now, before))
            found.append(f"{name} is {got} and was {expected}")
    return found


def _changed_inputs(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[str]:
    """Say which files have changed."""
    if [item.get("name") for item in before] != [item.get("name") for item in now]:
        return [f"the input is other files: {len(now)} now, {len(before)} before"]
    changed = [item["name"] for item, other in zip(now, before, strict=True) if item != other]
    return [f"{Path(changed[0]).name} has changed since"]


def _clear(folder: Path) -> None:
    """Remove everything but the lock."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
