"""What pytest-benchmark saves with its results: machine, versions and commit."""

from __future__ import annotations

from benchmarks.machine import describe_machine, versions


def pytest_benchmark_update_machine_info(machine_info: dict) -> None:
    """Add to the file of results what its figures must be read with."""
    machine_info |= {"thighdx": describe_machine(), "versions": versions()}
