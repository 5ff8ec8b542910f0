"""How throughput grows: with rows, causes, causes at once, known findings and threads."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import thighdx
from benchmarks.cohort import Known, cohort, encode
from benchmarks.tables import Table, number, say
from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.network.build import Network, build_network
from thighdx.network.spec import NetworkSpec

__all__ = ["Curve", "growth_table", "measure_growth"]

ROWS = (1_000, 10_000, 100_000, 1_000_000)
THREADS = (1, 2)
CAUSES = (10, 20, 40, 60, 80)
# How many causes at once, up to how many causes: tables of 100,000 explanations take a gigabyte and a half.
AT_ONCE = {2: 80, 3: 80, 4: 40}
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
AXES = {"rows": "rows", "causes": "causes", "known": "known findings and tests per row"}
TOLERANCE = 1e-6
# Seconds that one measurement may take, about.
ENOUGH = 2.0


@dataclass(frozen=True)
class Curve:
    """Rows per second along one axis: `panel` is one of `AXES`."""

    panel: str
    label: str
    x: tuple[float, ...]
    rate: tuple[float, ...]


def measure_growth(most_rows: int = ROWS[-1]) -> list[Curve]:
    """Measure all curves; `most_rows` ends the first axis early, for a trial."""
    return [*with_rows(most_rows), *with_causes(), *with_known()]


def with_rows(most_rows: int) -> list[Curve]:
    """Return the curves of rows and threads, for three and for two causes at once."""
    curves = []
    for max_causes in (2, 3):
        model = thighdx.load_model(max_causes=max_causes)
        batch = encode(model, cohort(model, min(most_rows, 100_000)))
        for n_threads in THREADS:
            label = f"{max_causes} at once, {n_threads} thread{'s' * (n_threads > 1)}"
            say(f"growth with rows: {label}")
            sizes = [size for size in ROWS if size <= most_rows]
            rates = [rate(model.network, repeated(batch, size), n_threads, whole=True) for size in sizes]
            curves.append(Curve("rows", label, tuple(sizes), tuple(rates)))
    return curves


def with_causes() -> list[Curve]:
    """Return the curves of causes, one for every number of causes at once."""
    spec, curves = thighdx.load_model().network.spec, []
    for at_once, most in AT_ONCE.items():
        counts = [count for count in CAUSES if count <= most]
        rates = []
        for count in counts:
            say(f"growth with causes: {count}, up to {at_once} at once")
            network = network_of(spec, count, at_once)
            rates.append(rate(network, random_batch(network, 20_000), None))
        curves.append(Curve("causes", f"{at_once} at once", tuple(counts), tuple(rates)))
    return curves


def with_known() -> list[Curve]:
    """Return the curves of what is known per row."""
    curves = []
    for max_causes in (2, 3):
        model = thighdx.load_model(max_causes=max_causes)
        say(f"growth with what is known, up to {max_causes} causes")
        known, rates = [], []
        for share in SHARES:
            batch = encode(model, cohort(model, 20_000, known=Known(share, share, 0.8)))
            is_known = batch.codes[:, model.network.n_contexts :] != UNKNOWN
            known.append(float(is_known.sum(axis=1).mean()))
            rates.append(rate(model.network, batch, None))
        curves.append(Curve("known", f"{max_causes} at once", tuple(known), tuple(rates)))
    return curves


def rate(network: Network, batch: EvidenceBatch, n_threads: int | None, *, whole: bool = False) -> float:
    """Return rows per second, best of three, of as many rows as take two seconds, or of `whole` batches.

    A few rows are compared with the numpy engine before anything is timed.
    """
    few = repeated(batch, min(20, batch.n_cases))
    found, expected = infer_compiled(network, few), infer(network, few)
    difference = np.abs(found.posterior - expected.posterior).max()
    assert difference < TOLERANCE, f"posteriors differ by {difference}, expected less than {TOLERANCE}"
    some = repeated(batch, min(200, batch.n_cases))
    guess = seconds_of(network, some, n_threads) / some.n_cases
    if not whole:
        batch = repeated(batch, min(batch.n_cases, max(100, int(ENOUGH / guess))))
    n_rounds = 3 if batch.n_cases * guess < 2 * ENOUGH else 1
    return batch.n_cases / min(seconds_of(network, batch, n_threads) for _ in range(n_rounds))


def seconds_of(network: Network, batch: EvidenceBatch, n_threads: int | None) -> float:
    """Time one pass."""
    start = time.perf_counter()
    infer_compiled(network, batch, n_threads=n_threads)
    return time.perf_counter() - start


def repeated(batch: EvidenceBatch, n_rows: int) -> EvidenceBatch:
    """Return the first rows, or all of them over and over."""
    rows = np.arange(n_rows) % batch.n_cases
    return EvidenceBatch(batch.codes[rows], batch.given[rows], batch.setting_idx[rows])


def network_of(spec: NetworkSpec, count: int, max_causes: int) -> Network:
    """Return the shipped numbers for the first causes, or for copies of them, in one setting."""
    chosen = np.arange(count) % len(spec.causes)
    shares = spec.shares[:1, chosen]
    contexts = tuple(
        dataclasses.replace(c, frequency=c.frequency[:1], odds_ratio=np.ones_like(c.odds_ratio[chosen]))
        for c in spec.contexts
    )
    return build_network(
        dataclasses.replace(
            spec,
            causes=tuple(f"cause_{i}" for i in range(count)),
            max_causes=max_causes,
            settings=spec.settings[:1],
            shares=shares / shares.sum() * 1.12,
            pair_odds_ratio={},
            contexts=contexts,
            findings=tuple(dataclasses.replace(f, cumulative=f.cumulative[chosen]) for f in spec.findings),
            dependencies={},
        )
    )


def random_batch(network: Network, n_rows: int, share: Sequence[float] = (0.3, 0.12)) -> EvidenceBatch:
    """Return rows of which 30 % is known, 12 % of that not in its lowest state."""
    rng = np.random.default_rng(0)
    shape = (n_rows, network.n_variables)
    raised = np.minimum(1 + rng.integers(0, 4, shape), network.n_states - 1)
    codes = np.where(rng.random(shape) < share[1], raised, 0)
    codes = np.where(rng.random(shape) < share[0], codes, UNKNOWN).astype(np.int8)
    nothing = np.full((n_rows, len(network.spec.causes)), UNKNOWN, dtype=np.int8)
    return EvidenceBatch(codes, nothing, np.zeros(n_rows, dtype=np.intp))


def growth_table(curves: Sequence[Curve]) -> Table:
    """Return what the plots show as numbers."""
    rows = [
        (f"{AXES[curve.panel]}: {number(x)}, {curve.label}", number(value))
        for curve in curves
        for x, value in zip(curve.x, curve.rate, strict=True)
    ]
    return Table("Growth, inference alone", ("", "rows/s"), tuple(rows))
