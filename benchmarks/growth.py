"""How throughput grows: with rows, causes, causes at once, known findings and threads."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import thighdx
from benchmarks.cohort import Known, cohort, encode
from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.kernel import infer_compiled
from thighdx.network.build import Network, build_network
from thighdx.network.spec import NetworkSpec

__all__ = ["plot_growth"]


def plot_growth(folder: Path) -> None:
    """Measure and save `growth.png`."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    model = thighdx.load_model()
    table = cohort(model, 100_000)
    batch = encode(model, table)
    sizes = [1_000, 10_000, 100_000, 1_000_000]
    for n_threads in (1, 2):
        rates = [rate(model.network, repeated(batch, size), n_threads) for size in sizes]
        axes[0].loglog(sizes, rates, marker="o", label=f"{n_threads} thread{'s' * (n_threads > 1)}")
    axes[0].set(xlabel="rows", ylabel="rows per second", title="rows and threads", ylim=(1e3, 1e6))
    counts = [10, 20, 38, 60, 80]
    for most in (2, 3, 4):
        own = [count for count in counts if count <= {2: 80, 3: 60, 4: 20}[most]]  # tables of a few 100 MB
        rates = []
        for count in own:
            network = with_causes(model.network.spec, count, most)
            rates.append(rate(network, random_batch(network, 2_000 if most < 4 else 500), None))
        axes[1].loglog(own, rates, marker="o", label=f"up to {most} at once")
    axes[1].set(xlabel="causes", title="causes, and how many at once")
    axes[1].set_xticks(counts, [str(count) for count in counts])
    axes[1].minorticks_off()
    shares = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    rates, known = [], []
    for share in shares:
        some = encode(model, cohort(model, 10_000, known=Known(share, share, 0.8)))
        known.append(float((some.codes[:, model.network.n_contexts :] != UNKNOWN).sum(axis=1).mean()))
        rates.append(rate(model.network, some, None))
    axes[2].plot(known, rates, marker="o")
    axes[2].set(xlabel="known findings and tests per row", title="what is known", ylim=(0, None))
    for axis in axes[:2]:
        axis.legend()
    folder.mkdir(parents=True, exist_ok=True)
    for axis in axes:
        axis.grid(visible=True, alpha=0.3)
    figure.savefig(folder / "growth.png", dpi=120)


def rate(network: Network, batch: EvidenceBatch, n_threads: int | None) -> float:
    """Return rows per second: the best of three, after a warm-up; large batches once."""
    infer_compiled(network, repeated(batch, min(1_000, batch.n_cases)), n_threads=n_threads)
    seconds = []
    for _ in range(3 if batch.n_cases <= 10_000 else 1):
        start = time.perf_counter()
        infer_compiled(network, batch, n_threads=n_threads)
        seconds.append(time.perf_counter() - start)
    return batch.n_cases / min(seconds)


def repeated(batch: EvidenceBatch, n_rows: int) -> EvidenceBatch:
    """Return the first rows, or all of them over and over."""
    rows = np.arange(n_rows) % batch.n_cases
    return EvidenceBatch(batch.codes[rows], batch.given[rows], batch.setting_idx[rows])


def with_causes(spec: NetworkSpec, count: int, max_causes: int) -> Network:
    """Return the shipped numbers for the first causes, or for copies of them, in one setting."""
    chosen = np.arange(count) % len(spec.causes)
    shares = spec.shares[:1, chosen]
    return build_network(
        dataclasses.replace(
            spec,
            causes=tuple(f"cause_{i}" for i in range(count)),
            max_causes=max_causes,
            settings=spec.settings[:1],
            shares=shares / shares.sum() * 1.12,
            pair_odds_ratio={},
            contexts=tuple(
                dataclasses.replace(
                    c, frequency=c.frequency[:1], odds_ratio=np.ones_like(c.odds_ratio[chosen])
                )
                for c in spec.contexts
            ),
            findings=tuple(dataclasses.replace(f, cumulative=f.cumulative[chosen]) for f in spec.findings),
            dependencies={},
        )
    )


def random_batch(network: Network, n_rows: int, share: Sequence[float] = (0.7, 0.12)) -> EvidenceBatch:
    """Return rows of which 70 % is known, 12 % of that not in its lowest state."""
    rng = np.random.default_rng(0)
    shape = (n_rows, network.n_variables)
    raised = np.minimum(1 + rng.integers(0, 4, shape), network.n_states - 1)
    codes = np.where(rng.random(shape) < share[1], raised, 0)
    codes = np.where(rng.random(shape) < share[0], codes, UNKNOWN).astype(np.int8)
    nothing = np.full((n_rows, len(network.spec.causes)), UNKNOWN, dtype=np.int8)
    return EvidenceBatch(codes, nothing, np.zeros(n_rows, dtype=np.intp))
