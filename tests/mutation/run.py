"""Change one small thing of a room of the package at a time, and see whether its tests notice.

``python tests/mutation/run.py network`` draws mutants (`mutants.py` says which there are). For each it runs the tests
of the room, then some of the rooms that stand on it, in a copy of the checkout until one fails, and writes a line of
JSON; called again with the same `--out` it goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
TESTS = {
    "network": (
        ("tests/network", "--ignore=tests/network/test_interchange.py"),
        (
            "tests/network/test_interchange.py",
            "tests/inference",
            "tests/compiled",
            "tests/cli/test_details.py",
        ),
    ),
    "inference": (
        ("tests/inference",),
        (
            "tests/network/test_interchange.py",
            "tests/scoring/test_score.py",
            "tests/reasoning",
            "tests/model",
        ),
    ),
}
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
STORED = "src/thighdx/compiled/stored.py"


@dataclass(frozen=True)
class Chosen:
    """A mutant and the file it is of."""

    file: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.file}:{self.mutant.start}-{self.mutant.end}:{self.mutant.text}"


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

    The compiled model is believed in the copy though the code that made it changes: otherwise a test would fail
    because a file is out of date, and not because an answer is wrong.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    code = "from thighdx.compiled.stored import code_digest; print(code_digest())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(target),
        cwd=target,
        capture_output=True,
        text=True,
        check=True,
    )
    with (target / STORED).open("a", encoding="utf-8") as stream:
        stream.write(f'\n\ndef code_digest() -> str:\n    return "{done.stdout.strip()}"\n')


def _environment(copy: Path) -> dict[str, str]:
    """Return an environment in which the package is that of the copy; failing examples are not made smaller."""
    beside = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    outside = [path for path in beside if not Path(path).is_relative_to(ROOT)]
    own = [str(copy / part) for part in ("src", "tests", "docs")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*own, *outside]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_PROFILE": "first",
        "OPENBLAS_NUM_THREADS": "1",
    }


def fails(copy: Path, tests: tuple[str, ...], limit: float) -> str:
    """Run tests; return the first that fails, "time" where they hang, and nothing where all pass."""
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.Popen(
            [*PYTEST, f"--basetemp={scratch}/tests", *tests],
            cwd=copy,
            env=_environment(copy),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that what a test started ends with it
        )
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return "time"
    if process.returncode == 0:
        return ""
    failed = [line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0][:200] if failed else f"exit {process.returncode}: {said[-200:]}"


def judge(copy: Path, chosen: Chosen, tests: tuple[tuple[str, ...], ...], limits: list[float]) -> str:
    """Put a mutant into the copy, run the tests, and take it out again."""
    file = copy / chosen.file
    source = file.read_text(encoding="utf-8")
    file.write_text(chosen.mutant.applied_to(source), encoding="utf-8")
    try:
        return next(filter(None, map(lambda some, most: fails(copy, some, most), tests, limits)), "")
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
        limits = []
        for tests in TESTS[room]:
            start = time.monotonic()
            if failed := fails(copy, tests, 3_600):
                raise SystemExit(f"without any change: {failed}")
            limits.append(60 + 4 * (time.monotonic() - start))
        for number, item in enumerate(chosen, 1):
            if item.key not in known:
                entry = describe(item) | {"killed_by": judge(copy, item, TESTS[room], limits)}
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
    parser.add_argument("room", choices=TESTS)
    parser.add_argument("-n", type=int, default=80)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, help="default: build/mutants-ROOM.jsonl")
    options = parser.parse_args()
    out = options.out or ROOT / "build" / f"mutants-{options.room}.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
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
