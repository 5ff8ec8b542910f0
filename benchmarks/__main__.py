"""Print the benchmark tables as Markdown: throughput, memory, latency, other libraries, growth.

Every answer is checked before, or while, it is timed; what is wrong is an error, not a row. Progress goes to
standard error. A full run takes some ten minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from benchmarks.cluster import measure_cluster
from benchmarks.growth import growth_table, measure_growth
from benchmarks.interval_times import report_interval_times
from benchmarks.intervals import report_intervals
from benchmarks.interviews import report_interviews
from benchmarks.latency import measure_latency
from benchmarks.learning import report_calibration, report_perturbed
from benchmarks.machine import describe_machine
from benchmarks.memory import SIZES, measure_memory
from benchmarks.naive import compare_with_naive
from benchmarks.peers import whole_model
from benchmarks.plots import plot_growth
from benchmarks.small import small_network
from benchmarks.tables import Table, save, say
from benchmarks.urgency import report_urgency

PARTS = ("naive", "memory", "latency", "interval-times", "peers", "growth")
# Only on request: what needs more than the extra `bench` (dask and spark; Java), and reports of accuracy.
REPORTS = ("cluster", "intervals", "interviews", "learning", "urgency")
PUBLISHED = Path(__file__).parents[1] / "data" / "published_cases.csv"


def options_of() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        choices=(*PARTS, *REPORTS),
        action="append",
        help=f"a part; may be repeated (default: {', '.join(PARTS)})",
    )
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the standard cohort")
    parser.add_argument("--peer-rows", type=int, default=5, help="rows of the whole model in other libraries")
    parser.add_argument("--small-rows", type=int, default=10_000, help="rows of the small network")
    parser.add_argument("--memory-rows", type=int, nargs="+", default=list(SIZES), help="sizes of tables")
    parser.add_argument("--cluster-rows", type=int, default=60_000, help="rows for Dask and Spark")
    parser.add_argument("--growth-rows", type=int, default=1_000_000, help="most rows of the growth curves")
    parser.add_argument("--patients", type=int, default=50, help="patients for intervals and interviews")
    parser.add_argument("--records", type=int, nargs="+", default=[300, 3_000, 30_000], help="to learn from")
    parser.add_argument("--signs", type=int, default=2_000, help="warning signs added to simulated patients")
    parser.add_argument("--draws", type=int, default=1_000, help="draws that intervals are compared with")
    parser.add_argument("--plots", type=Path, help="folder to save growth.png in")
    parser.add_argument("--save", type=Path, help="file to write everything to as JSON")
    return parser.parse_args()


def run(options: argparse.Namespace, machine: dict[str, str]) -> Iterator[Table]:
    """Yield the tables that were asked for, as they come."""
    parts: dict[str, Callable[[], Iterator[Table]]] = {
        "naive": lambda: iter([compare_with_naive(options.rows)]),
        "memory": lambda: iter([measure_memory(tuple(options.memory_rows))]),
        "latency": lambda: iter([measure_latency()]),
        "peers": lambda: (make() for make in peers(options)),
        "growth": lambda: iter([grow(options, machine)]),
        "cluster": lambda: iter([measure_cluster(options.cluster_rows)]),
        "intervals": lambda: iter([report_intervals(options.patients, options.draws)]),
        "interval-times": lambda: report_interval_times(1_000),
        "interviews": lambda: iter([report_interviews(options.patients)]),
        "learning": lambda: iter([report_perturbed(options.records), report_calibration(20, 1_000)]),
        "urgency": lambda: iter([report_urgency(pd.read_csv(PUBLISHED), options.signs, options.rows)]),
    }
    for part in options.only or PARTS:
        yield from parts[part]()


def peers(options: argparse.Namespace) -> Iterator[Callable[[], Table]]:
    """Yield the comparisons with other libraries."""
    yield lambda: whole_model(options.peer_rows)
    yield lambda: small_network(options.small_rows)


def grow(options: argparse.Namespace, machine: dict[str, str]) -> Table:
    """Measure growth, and plot it if there is a folder for it."""
    curves = measure_growth(options.growth_rows)
    if options.plots is not None:
        source = f"{machine['machine'].rpartition(',')[0]}; thighdx {machine['commit']}"
        say(f"saved {plot_growth(curves, options.plots, source)}")
    return growth_table(curves)


def main() -> None:
    """Run what was asked for."""
    options = options_of()
    machine = describe_machine()
    print("\n".join(f"- {name}: {value}" for name, value in machine.items()), flush=True)
    tables = []
    for table in run(options, machine):
        tables.append(table)
        print(f"\n{table.markdown()}", flush=True)
        if options.save is not None:
            save(options.save, machine, tables)  # after every table: an interrupted run keeps what it has


if __name__ == "__main__":
    main()
