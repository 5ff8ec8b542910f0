"""A frame scored from end to end: the answer is checked, then timed."""

from __future__ import annotations

import pytest
from benchmarks.naive import check, variants

import thighdx

N_ROWS = 20_000
NAMES = (
    "standard cohort",
    "one thread",
    "strings instead of categories",
    "55 % of findings missing",
    "everything known",
    "all contexts unknown",
)


@pytest.mark.parametrize("max_causes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_frame(benchmark, name: str, max_causes: int) -> None:
    model = thighdx.load_model(max_causes=max_causes)
    found = {label: (table, n_threads) for label, table, n_threads in variants(model, N_ROWS)}
    assert set(found) == set(NAMES)
    table, n_threads = found[name]
    check(model, table)
    benchmark.extra_info["rows"] = N_ROWS
    benchmark.pedantic(model.score, args=(table,), kwargs={"n_threads": n_threads}, rounds=5)
