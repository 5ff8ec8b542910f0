"""The standard cohort and its relatives beside the naive classifiers of scikit-learn."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

import numpy as np
import pandas as pd

import thighdx
import thighdx.inference.kernel
import thighdx.score
from benchmarks.cohort import COHORTS, as_strings, cohort, encode
from benchmarks.tables import Table, number, say
from benchmarks.yardstick import Yardstick
from thighdx.inference.batch import take_cases
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.processors import n_processors

__all__ = ["ROUNDS", "compare_with_naive"]

ROUNDS = 5
TOLERANCE = 1e-12
COLUMNS = ("causes at once", "`score`, rows/s", "inference, rows/s", "encode, us", "infer, us", "decode, us")


@dataclass
class Clock:
    """Seconds spent in the parts of calls to `score`."""

    encode: float = 0.0
    infer: float = 0.0
    total: float = 0.0
    naive: float = field(default=float("nan"))

    @property
    def decode(self) -> float:
        """What is neither encoding nor inference: repeated rows, statuses, columns of the result."""
        return self.total - self.encode - self.infer


@contextmanager
def watched(clock: Clock) -> Iterator[None]:
    """Time encoding and inference inside calls to `score`, in the very call that is timed as a whole."""

    adding = threading.Lock()

    def timed(name: str, function):
        def run(*args, **options):
            start = time.perf_counter()
            result = function(*args, **options)
            with adding:
                setattr(clock, name, getattr(clock, name) + time.perf_counter() - start)
            return result

        return run

    with (
        mock.patch.object(thighdx.score, "encode_rows", timed("encode", thighdx.score.encode_rows)),
        mock.patch.object(thighdx.inference.kernel, "infer_compiled", timed("infer", infer_compiled)),
    ):
        yield


def time_score(model: thighdx.Model, table: pd.DataFrame, n_threads: int | None) -> Clock:
    """Score a table once."""
    clock = Clock()
    with watched(clock):
        start = time.perf_counter()
        model.score(table, n_threads=n_threads)
        clock.total = time.perf_counter() - start
    for part in ("encode", "infer"):  # done by all threads at the same time
        setattr(clock, part, getattr(clock, part) / (n_threads or n_processors()))
    return clock


def check(model: thighdx.Model, table: pd.DataFrame) -> None:
    """Compare rows spread over the table with double precision before anything is timed; compiles too."""
    scored = model.score(table)
    assert (scored["status"] == "ok").all()
    some = np.linspace(0, len(table) - 1, min(300, len(table)), dtype=np.intp)
    expected = infer(model.network, take_cases(encode(model, table), some)).posterior
    found = scored[list(model.causes)].to_numpy()
    difference = np.abs(found[some] - expected).max()
    assert difference < TOLERANCE, f"posteriors differ by {difference}, expected less than {TOLERANCE}"
    assert found.min() >= 0.0
    assert found.max() <= 1.0


def compare_with_naive(n_rows: int) -> Table:
    """Time every cohort, alternating with the yardstick; both are medians of five rounds."""
    spec = thighdx.load_model().network.spec
    size = (
        n_rows,
        len(spec.findings),
        len(spec.causes) - 1,
    )  # as many as the model has, the residual cause apart
    bernoulli, categorical = Yardstick("BernoulliNB", size), Yardstick("CategoricalNB", size)
    rows, naive = list[tuple[str, ...]](), list[float]()
    for max_causes in (2, 3):
        model = thighdx.load_model(max_causes=max_causes)
        for name, table, n_threads in variants(model, n_rows):
            say(f"up to {max_causes} causes, {name}")
            check(model, table)
            clocks = []
            for _ in range(ROUNDS):
                clocks.append(time_score(model, table, n_threads))
                clocks[-1].naive = bernoulli.seconds()
            naive += [clock.naive for clock in clocks]
            rows.append((f"{max_causes}, {name}", *cells(clocks, n_rows)))
    others = [categorical.seconds() for _ in range(ROUNDS)]
    for name, seconds in (("BernoulliNB", naive), ("CategoricalNB", others)):
        middle = statistics.median(seconds)
        ratio = statistics.median(naive) / middle
        label = f"1, `{name}`, nothing missing"
        rows.append((label, "", with_ratio(n_rows / middle, ratio), "", number(1e6 * middle / n_rows), ""))
    bernoulli.close()
    categorical.close()
    title = f"{n_rows:,} rows, medians of {ROUNDS}; in brackets the ratio to `BernoulliNB`; times per row"
    notes = f"The naive classifiers know {size[1]} binary findings and {size[2]} causes, one at a time."
    return Table(title, COLUMNS, tuple(rows), notes)


def variants(model: thighdx.Model, n_rows: int) -> Iterator[tuple[str, pd.DataFrame, int | None]]:
    """Yield what is scored: name, table, threads."""
    standard = cohort(model, n_rows)
    yield "standard cohort", standard, None
    yield "one thread", standard, 1
    yield "strings instead of categories", as_strings(model, standard), None
    for name, known in COHORTS.items():
        if name != "standard":
            yield name, cohort(model, n_rows, known=known), None


def cells(clocks: list[Clock], n_rows: int) -> tuple[str, ...]:
    """Return medians as text; ratios are taken round by round."""

    def middle(part: str) -> float:
        return statistics.median(getattr(clock, part) for clock in clocks)

    return (
        *(
            with_ratio(
                n_rows / middle(part),
                statistics.median(clock.naive / getattr(clock, part) for clock in clocks),
            )
            for part in ("total", "infer")
        ),
        *(number(1e6 * middle(part) / n_rows) for part in ("encode", "infer", "decode")),
    )


def with_ratio(rate: float, ratio: float) -> str:
    """Return rows per second and, in brackets, how many times as many as the yardstick."""
    return f"{number(rate)} ({ratio:.2f})"
