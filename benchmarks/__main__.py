"""Print the benchmark table: machine, versions, commit, rows per second, ratios, differences."""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import thighdx
from benchmarks.cohort import COHORTS, cohort, encode
from benchmarks.growth import plot_growth
from benchmarks.peers import PeerResult, full_model, small_network
from benchmarks.yardstick import Yardstick
from thighdx.inference.batch import take_cases
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled

REPEATS = 5
TOLERANCE = 1e-6


def describe_machine() -> str:
    """Return processor, system, versions and commit in a few lines."""
    try:
        names = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        processor = f"{names[0].split(':')[1].strip()} x {len(names)}"
    except (OSError, IndexError):
        processor = platform.processor()
    packages = ["numpy", "scipy", "pandas", "numba", "scikit-learn", "pgmpy", "pyagrum"]
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    python = ", ".join([f"Python {platform.python_version()}", *found])
    return f"{processor}, {platform.platform()}\n{python}\ncommit {commit}"


def compare_with_naive(n_rows: int) -> None:
    """Time the standard cohort and its relatives, alternating with the yardstick."""
    bernoulli, categorical = Yardstick("BernoulliNB", n_rows), Yardstick("CategoricalNB", n_rows)
    print(f"\n{n_rows:,} rows; median of {REPEATS}; ratios to BernoulliNB timed in the same round")
    print(f"{'case':44} {'rows/s':>10} {'ratio':>6} {'score, rows/s':>14} {'ratio':>6}")
    naive = []
    for max_causes in (3, 2):
        model = thighdx.load_model(max_causes=max_causes)
        for name, known in COHORTS.items():
            table = cohort(model, n_rows, known=known)
            batch = encode(model, table)
            check(model, batch)
            rounds = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                infer_compiled(model.network, batch)
                middle = time.perf_counter()
                model.score(table)
                end = time.perf_counter()
                naive.append(bernoulli.seconds())
                rounds.append((middle - start, end - middle, naive[-1]))
            own, score, _ = np.median(rounds, axis=0)
            ratio = statistics.median(c / a for a, _, c in rounds)
            score_ratio = statistics.median(c / b for _, b, c in rounds)
            label = f"up to {max_causes} causes, {name}"
            print(f"{label:44} {n_rows / own:10,.0f} {ratio:6.2f} {n_rows / score:14,.0f} {score_ratio:6.2f}")
        apart(model, cohort(model, n_rows))
    print(f"{'BernoulliNB':44} {n_rows / statistics.median(naive):10,.0f}")
    seconds = statistics.median(categorical.seconds() for _ in range(REPEATS))
    print(f"{'CategoricalNB':44} {n_rows / seconds:10,.0f}")
    bernoulli.close()
    categorical.close()


def check(model: thighdx.Model, batch) -> None:
    """Compare the first rows with double precision before anything is timed; compiles on the way."""
    few = take_cases(batch, np.arange(min(500, batch.n_cases)))
    found, expected = infer_compiled(model.network, few), infer(model.network, few, dtype="float64")
    difference = np.abs(found.posterior - expected.posterior).max()
    assert difference < TOLERANCE, difference
    infer_compiled(model.network, batch)


def apart(model: thighdx.Model, table) -> None:
    """Print how long encoding, inference and decoding take, and one thread."""
    seconds: dict[str, list[float]] = {"encode": [], "infer": [], "infer, one thread": [], "score": []}
    for _ in range(REPEATS):
        marks = [time.perf_counter()]
        batch = encode(model, table)
        marks.append(time.perf_counter())
        infer_compiled(model.network, batch)
        marks.append(time.perf_counter())
        infer_compiled(model.network, batch, n_threads=1)
        marks.append(time.perf_counter())
        model.score(table)
        marks.append(time.perf_counter())
        for name, value in zip(seconds, np.diff(marks), strict=True):
            seconds[name].append(float(value))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    print(
        "    " + ", ".join(f"{name} {1e6 * value / len(table):.1f} us/row" for name, value in middle.items())
    )


def compare_with_peers(n_rows: int) -> None:
    """Print other libraries on the whole model and on a small network."""
    model = thighdx.load_model()
    batch = encode(model, cohort(model, 1_000))
    print(f"\n{'the whole model':48} {'rows/s':>10} {'difference':>11}")
    for result in full_model(model.network, batch, n_rows):
        show(result)
    print(f"\n{'12 causes, 24 findings, 4 parents, 40 % missing':48} {'rows/s':>10} {'difference':>11}")
    for result in small_network(5_000):
        show(result)


def show(result: PeerResult) -> None:
    """Print one line."""
    print(f"{result.name:48} {result.rows_per_second:10,.2f} {result.largest_difference:11.1e} {result.note}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--peer-rows", type=int, default=3, help="rows of the whole model for other libraries"
    )
    parser.add_argument("--plots", type=Path, help="folder for the growth plots")
    parser.add_argument("--only", choices=["naive", "peers", "growth"])
    options = parser.parse_args()
    print(describe_machine())
    if options.only in (None, "naive"):
        compare_with_naive(options.rows)
    if options.only in (None, "peers"):
        compare_with_peers(options.peer_rows)
    if options.plots is not None:
        plot_growth(options.plots)


if __name__ == "__main__":
    main()
