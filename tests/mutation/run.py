"""Change one small thing of a room of the package at a time, and see whether its tests notice.

``python tests/mutation/run.py network`` draws mutants (`mutants.py` says which there are). For each it runs the tests
and examples of the file, the tests of the room, then of rooms that stand on it, in a copy of the checkout until one
fails, and writes a line of JSON; called again with the same `--out` it goes on from there. For Linux: tests run in
forks of one process that has imported what takes long.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[1]))

from mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
KERNEL, REFERENCE = "tests/inference/test_kernel.py", "tests/inference/test_against_reference.py"
# The tests of a file that has none of its own name.
OF_FILE = {
    "inference/compiled_steps": KERNEL,
    "inference/dense_rows": KERNEL,
    "inference/engine": KERNEL,
    "inference/marginals": REFERENCE,
    "network/arrays": "tests/compiled/test_stored.py",
    "network/assemble": "tests/compiled/test_contradictions.py",
    "network/explanations": "tests/network/test_build.py",
    "network/groups": REFERENCE,
    "network/rebase": "tests/network/test_build.py",
    "network/tables": "tests/network/test_build.py",
}
OF_ROOM = {
    "network": (
        ("tests/network",),
        ("tests/inference", "tests/compiled/test_contradictions.py", "tests/compiled/test_stored.py"),
    ),
    "inference": (
        ("tests/inference",),
        ("tests/network/test_interchange.py", "tests/scoring/test_score.py", "tests/reasoning/explain"),
    ),
}
STORED, MACHINE_CODE = "src/thighdx/compiled/stored.py", "src/thighdx/machine_code.py"
SLOW_TO_IMPORT = (
    "hypothesis.extra.numpy",
    "mpmath",
    "numba",
    "pandas",
    "pytest",
    "scipy.optimize",
    "scipy.stats",
)
WALL_SECONDS = 1_800  # for a test that waits for ever; one that computes for ever ends by processor time


@dataclass(frozen=True)
class Chosen:
    """A mutant and the file it is of."""

    file: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.file}:{self.mutant.start}-{self.mutant.end}:{self.mutant.text}"

    def tests(self) -> list[tuple[str, ...]]:
        """Return what is run in turn: of the file, with its examples, of the room, of those that stand on it."""
        name = self.file.removeprefix("src/thighdx/").removesuffix(".py")
        room, _, module = name.partition("/")
        own = OF_FILE.get(name, f"tests/{room}/test_{module}.py")
        of_room, of_others = OF_ROOM[room]
        return [(own, self.file), (*of_room, f"--ignore={own}"), of_others]


def draw(room: str, n: int, seed: int) -> list[Chosen]:
    """Draw mutants of a room, each as likely as any other; the first of a larger number are those of a smaller."""
    files = sorted((ROOT / "src" / "thighdx" / room).glob("*.py"))
    listed = [
        Chosen(str(file.relative_to(ROOT)), mutant)
        for file in files
        for mutant in mutants(file.read_text(encoding="utf-8"))
    ]
    random.Random(seed).shuffle(listed)
    return listed[:n]


def copy_checkout(target: Path) -> None:
    """Copy what git knows or would add.

    The compiled model is believed in the copy though the code that made it changes, or a test would fail because a file
    is out of date and not because an answer is wrong. Machine code goes by the two files that it is made from, and not
    by all that lie beside them, which only saves time.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    code = "from thighdx.compiled.stored import code_digest; print(code_digest())"
    environment = os.environ | {"PYTHONPATH": str(target / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    with (target / STORED).open("a", encoding="utf-8") as stream:
        stream.write(f'\n\ndef code_digest() -> str:\n    return "{done.stdout.decode().strip()}"\n')
    machine_code = target / MACHINE_CODE
    text = machine_code.read_text(encoding="utf-8")
    every = 'parent.glob("*.py")'
    assert text.count(every) == 1
    own = 'parent / name for name in ("compiled_steps.py", "engine.py")'
    machine_code.write_text(text.replace(every, own), encoding="utf-8")


def fails(copy: Path, tests: tuple[str, ...], limit: float) -> tuple[str, float]:
    """Run tests for so many seconds of processor time; return how they fail, nothing if they pass, and the seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        said = Path(scratch) / "said"
        pid = os.fork()
        if pid == 0:
            try:
                _test(copy, tests, limit, said)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        _, status, usage = os.wait4(pid, 0)
        seconds = usage.ru_utime + usage.ru_stime
        if os.WIFSIGNALED(status):
            return f"ended by {signal.Signals(os.WTERMSIG(status)).name}", seconds
        code = os.waitstatus_to_exitcode(status)
        lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        return (failed or [f"exit {code}: {lines[-1:]}"])[0][:200] if code else "", seconds


def _test(copy: Path, tests: tuple[str, ...], limit: float, said: Path) -> NoReturn:
    """Run tests in this process, which ends with them."""
    os.setsid()
    with said.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    os.chdir(copy)
    own = [str(copy / part) for part in ("src", "tests", "docs")]
    sys.path[:] = own + [path for path in sys.path if path and not Path(path).is_relative_to(ROOT)]
    os.environ["PYTHONPATH"] = os.pathsep.join(own)
    os.environ["HYPOTHESIS_PROFILE"] = "first"  # a failing example is not made smaller
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 1))
    signal.alarm(WALL_SECONDS)
    import pytest

    plain = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={said}-files"]
    plain += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    code = int(pytest.main([*plain, *tests]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def judge(copy: Path, chosen: Chosen, limits: dict[tuple[str, ...], float]) -> str:
    """Put a mutant into the copy, run the tests, and take it out again."""
    file = copy / chosen.file
    source = file.read_text(encoding="utf-8")
    file.write_text(chosen.mutant.applied_to(source), encoding="utf-8")
    try:
        return next(filter(None, (fails(copy, some, limits[some])[0] for some in chosen.tests())), "")
    finally:
        file.write_text(source, encoding="utf-8")


def run(room: str, *, n: int, seed: int, out: Path) -> list[dict[str, Any]]:
    """Judge `n` mutants of a room; those already in `out` are not judged again."""
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    known = {entry["key"]: entry for entry in done}
    chosen = draw(room, n, seed)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_checkout(copy)
        limits: dict[tuple[str, ...], float] = {}
        for number, item in enumerate(chosen, 1):
            if item.key not in known:
                for tests in item.tests():
                    if tests not in limits:
                        failed, seconds = fails(copy, tests, 3_600)
                        if failed:
                            raise SystemExit(f"without any change: {failed}")
                        print(f"    {' '.join(tests)}: {seconds:.0f} s", flush=True)
                        limits[tests] = 20 + 4 * seconds
                entry = describe(item) | {"killed_by": judge(copy, item, limits)}
                known[item.key] = entry
                with out.open("a") as stream:
                    stream.write(json.dumps(entry) + "\n")
            entry = known[item.key]
            print(
                f"{number:3} {entry['file']}:{entry['line']} {entry['killed_by'] or 'SURVIVED'}", flush=True
            )
    return [known[item.key] for item in chosen]


def describe(item: Chosen) -> dict[str, Any]:
    """Return what a reader needs to see of a mutant: its line before and after."""
    source = (ROOT / item.file).read_text(encoding="utf-8")
    changed = item.mutant.applied_to(source)
    first = source.rfind("\n", 0, item.mutant.start) + 1
    tail = len(source) - source.find("\n", item.mutant.end)
    return {
        "key": item.key,
        "file": item.file.removeprefix("src/thighdx/"),
        "line": item.mutant.line,
        "kind": item.mutant.kind,
        "before": " ".join(source[first : len(source) - tail].split()),
        "after": " ".join(changed[first : len(changed) - tail].split()),
    }


def main() -> None:
    """Run the mutants of one room and say how many died."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", choices=OF_ROOM)
    parser.add_argument("-n", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, help="default: build/mutants-ROOM.jsonl")
    options = parser.parse_args()
    out = options.out or ROOT / "build" / f"mutants-{options.room}.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process with threads is not forked
    for name in SLOW_TO_IMPORT:
        importlib.import_module(name)
    found = run(options.room, n=options.n, seed=options.seed, out=out)
    killed = sum(bool(entry["killed_by"]) for entry in found)
    print(f"{options.room}: {killed} of {len(found)} killed, {killed / len(found):.2f}")
    kinds = Counter(entry["kind"] for entry in found)
    dead = Counter(entry["kind"] for entry in found if entry["killed_by"])
    for kind, count in kinds.most_common():
        print(f"  {kind}: {dead[kind]} of {count}")
    for entry in found:
        if not entry["killed_by"]:
            print(f"  {entry['file']}:{entry['line']}  {entry['before']}  ->  {entry['after']}")


if __name__ == "__main__":
    main()
