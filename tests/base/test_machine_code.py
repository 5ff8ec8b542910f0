"""Machine code on disk: found by whoever comes next, and never a reason for a run to stop."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import pytest

from places import ROOT
from thighdx import machine_code
from thighdx.inference import compiled_steps as steps
from thighdx.inference import engine
from thighdx.machine_code import cached

CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24  # linux/capability.h, linux/prctl.h

SCORE = """
import numpy as np, thighdx
from thighdx.evidence.batch import EvidenceBatch
from thighdx.inference.compiled_steps import score_cases
from thighdx.inference.kernel import infer_compiled

network = thighdx.read_model(thighdx.kb.resources.model_path("posterior_thigh")).network
nothing = np.full((1, network.n_variables), -1, dtype=np.int8)
no_causes = np.full((1, len(network.spec.causes)), -1, dtype=np.int8)
found = infer_compiled(network, EvidenceBatch(nothing, no_causes, np.zeros(1, dtype=np.intp)))
hits = sum(score_cases.stats.cache_hits.values())
print(f"{found.log_evidence[0]} {found.posterior.sum():.3f} found {hits}")
"""


def twice(number: int) -> int:
    return number * 2


def compiled() -> Any:
    """A new function object of the same source, as a new process has it."""
    return cached(numba.njit(twice))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine_code, "folders", lambda: iter([tmp_path / "made", tmp_path / "other"]))
    return tmp_path / "made"


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


def test_what_one_process_compiled_the_next_one_finds(folder: Path) -> None:
    first = compiled()
    assert first(21) == 42
    assert hits(first) == 0
    (file,) = folder.iterdir()
    assert file in machine_code.kept_files()
    assert file.stat().st_mode & 0o444 == 0o444
    second = compiled()
    assert second(21) == 42
    assert hits(second) == 1


def test_it_is_found_in_any_of_the_folders(folder: Path) -> None:
    assert compiled()(1) == 2
    folder.rename(folder.parent / "other")
    again = compiled()
    assert again(1) == 2
    assert hits(again) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda _: b"something else altogether",
    ],
    ids=["empty", "truncated", "one bit", "foreign"],
)
def test_a_damaged_file_is_made_anew(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    assert compiled()(3) == 6
    (file,) = folder.iterdir()
    good = file.read_bytes()
    file.write_bytes(damage(good))
    again = compiled()
    assert again(3) == 6
    assert hits(again) == 0
    after = compiled()
    assert after(3) == 6
    assert hits(after) == 1


def full_disk(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("fault", ["unwritable", "full"])
def test_one_warning_where_nothing_can_be_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "unwritable":
        for name in ("made", "other"):
            (folder.parent / name).write_text("a file where a folder should be")
    else:
        monkeypatch.setattr(machine_code.os, "fdopen", full_disk)
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR to a folder that can be written") as caught:
        assert compiled()(4) == 8
    assert len(caught) == 1
    if fault == "full":
        assert list(folder.iterdir()) == []


def test_a_changed_source_is_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled()(5) == 10
    monkeypatch.setattr(machine_code, "_digest", lambda *_: "another content")
    again = compiled()
    assert again(5) == 10
    assert hits(again) == 0
    assert len(list(folder.iterdir())) == 2


def test_every_source_of_the_folder_counts(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("a = 1\n")
    two.write_text("b = 1\n")
    digests = {machine_code._digest.__wrapped__(*files) for files in ((one,), (two,), (one, two))}
    two.write_text("b = 2\n")
    digests.add(machine_code._digest.__wrapped__(one, two))
    assert len(digests) == 4
    assert Path(steps.__file__) in steps.score_cases._cache._sources
    assert Path(engine.__file__) in steps.score_cases._cache._sources


# ---- an installation that cannot be written, and a user without a home ------------------------------


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What an image holds: the package with its models, whose machine code nobody has compiled yet."""
    place = tmp_path_factory.mktemp("image") / "site"
    shutil.copytree(ROOT / "src" / "thighdx", place / "thighdx", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "models", place / "thighdx" / "models")
    yield place
    set_writable(place, True)


def set_writable(place: Path, is_writable: bool) -> None:
    for path in (place, *place.rglob("*")):
        path.chmod(
            (0o755 if path.is_dir() else 0o644) if is_writable else (0o555 if path.is_dir() else 0o444)
        )


def without_privileges() -> None:
    """Take from root what lets it write where permissions say no; fails for others, who never had it."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def run_in(place: Path, tmp_path: Path, *, warn: str = "error", **environment: str) -> str:
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA", "XDG"))
    }
    done = subprocess.run(
        [sys.executable, "-W", warn, "-c", SCORE],
        cwd=tmp_path,
        env=plain | {"HOME": "/proc/no-home", "PYTHONPATH": str(place), "NUMBA_OPT": "0"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=without_privileges,
    )
    return done.stdout + done.stderr


def test_a_user_without_a_home_scores_with_a_read_only_installation(
    installation: Path, tmp_path: Path
) -> None:
    set_writable(installation, False)
    without = run_in(installation, tmp_path, warn="default")
    assert without.startswith("0.0 1.")
    assert without.count("set NUMBA_CACHE_DIR to a folder that can be written") == 1
    own = tmp_path / "cache"
    own.mkdir()
    assert run_in(installation, tmp_path, NUMBA_CACHE_DIR=str(own)).startswith("0.0 1.")
    assert run_in(installation, tmp_path, NUMBA_CACHE_DIR=str(own)).endswith("found 1\n")


def test_machine_code_baked_into_an_image_serves_whoever_runs_it(installation: Path, tmp_path: Path) -> None:
    set_writable(installation, True)
    assert run_in(installation, tmp_path).endswith("found 0\n")
    set_writable(installation, False)
    assert run_in(installation, tmp_path).endswith("found 1\n")


def test_it_runs_uncompiled_where_compiling_is_switched_off(installation: Path, tmp_path: Path) -> None:
    off = SCORE.replace("hits = sum(score_cases.stats.cache_hits.values())", "hits = -1")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", off],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(installation)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.startswith("0.0 1."), done.stderr
