"""A network every library can run as it is: 12 causes, 24 findings of 4 parents each, 40 % missing.

The complaint, present when any cause is, is observed: that is the question thighdx answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks import small_peers
from benchmarks.cohort import SETTING
from benchmarks.peers import PeerResult, peer_table, quiet, timed
from benchmarks.tables import Table
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.network.build import Network, build_network
from thighdx.network.spec import FindingSpec, NetworkSpec

__all__ = ["SmallNetwork", "as_thighdx", "draw_small", "enumerate_rows", "small_network"]

N_CAUSES, N_FINDINGS, N_PARENTS = 12, 24, 4
MISSING = 0.4


@dataclass(frozen=True)
class SmallNetwork:
    """Noisy-OR findings of independent causes, and rows to ask about.

    Attributes
    ----------
    prior : (n_causes,) P(cause)
    parents : (n_findings, n_parents) causes of every finding, ascending
    leak : (n_findings,)
    strength : (n_findings, n_parents)
    codes : (n_rows, n_findings) int8
        1 present, 0 absent, -1 missing.
    """

    prior: np.ndarray
    parents: np.ndarray
    leak: np.ndarray
    strength: np.ndarray
    codes: np.ndarray

    def gate(self, finding: int) -> np.ndarray:
        """Return P(finding present | parents), one axis of two states per parent."""
        absent = np.full((2,) * N_PARENTS, 1 - self.leak[finding])
        for axis, value in enumerate(self.strength[finding]):
            shape = [1] * N_PARENTS
            shape[axis] = 2
            absent = absent * np.array([1.0, 1 - value]).reshape(shape)
        return 1 - absent


def draw_small(n_rows: int, seed: int = 0) -> SmallNetwork:
    """Draw a network, and patients with a complaint from it."""
    rng = np.random.default_rng(seed)
    prior = rng.uniform(0.02, 0.12, N_CAUSES)
    parents = np.array([np.sort(rng.choice(N_CAUSES, N_PARENTS, replace=False)) for _ in range(N_FINDINGS)])
    leak = rng.uniform(0.01, 0.2, N_FINDINGS)
    strength = rng.uniform(0.1, 0.9, (N_FINDINGS, N_PARENTS))
    has = rng.random((4 * n_rows + 100, N_CAUSES)) < prior
    has = has[has.any(axis=1)][:n_rows]
    present = 1 - (1 - leak) * np.prod(1 - strength * has[:, parents], axis=2)
    codes = (rng.random(present.shape) < present).astype(np.int8)
    codes[rng.random(codes.shape) < MISSING] = UNKNOWN
    return SmallNetwork(prior, parents, leak, strength, codes)


def enumerate_rows(small: SmallNetwork) -> np.ndarray:
    """Sum over all sets of causes: a matrix product, a softmax and a matrix product."""
    sets = np.array(list(product([0, 1], repeat=N_CAUSES)))[1:]
    weight = np.prod(np.where(sets, small.prior, 1 - small.prior), axis=1)
    escape = np.prod(1 - small.strength * sets[:, small.parents], axis=2)
    present = 1 - (1 - small.leak) * escape  # (n_sets, n_findings)
    logs = np.concatenate([np.log1p(-present), np.log(present)], axis=1).T
    answers = []
    for start in range(0, len(small.codes), 1_000):
        chunk = small.codes[start : start + 1_000]
        hot = np.concatenate([chunk == 0, chunk == 1], axis=1).astype(np.float64)
        joint = np.exp(hot @ logs + np.log(weight))
        answers.append(joint @ sets / joint.sum(axis=1, keepdims=True))
    return np.concatenate(answers)


def as_thighdx(small: SmallNetwork) -> tuple[Network, EvidenceBatch]:
    """Return the same network with any number of causes at once."""
    sets = np.array(list(product([0, 1], repeat=N_CAUSES)))[1:]
    weight = np.prod(np.where(sets, small.prior, 1 - small.prior), axis=1)
    findings = []
    for k in range(N_FINDINGS):
        rows = np.full((N_CAUSES, 1), np.nan)
        rows[small.parents[k], 0] = 1 - (1 - small.leak[k]) * (1 - small.strength[k])
        findings.append(FindingSpec(f"f{k}", "finding", ("absent", "present"), small.leak[k : k + 1], rows))
    shares = (weight @ sets / weight.sum())[None, :]
    causes = tuple(f"c{i}" for i in range(N_CAUSES))
    spec = NetworkSpec(causes, N_CAUSES, (SETTING,), shares, {}, (), tuple(findings), {})
    n_rows = len(small.codes)
    nothing = np.full((n_rows, N_CAUSES), UNKNOWN, dtype=np.int8)
    return build_network(spec), EvidenceBatch(small.codes, nothing, np.zeros(n_rows, dtype=np.intp))


def small_network(n_rows: int) -> Table:
    """Run every library on it; slow ones on the first rows."""
    title = (
        f"{N_CAUSES} causes, {N_FINDINGS} findings of {N_PARENTS} causes each, {100 * MISSING:.0f} % missing"
    )
    return peer_table(title, small_results(n_rows))


def small_results(n_rows: int) -> Iterator[PeerResult]:
    """Yield one result per library; building networks is not timed."""
    small = draw_small(n_rows)
    expected = enumerate_rows(small)
    for peer in small_peers.PEERS:
        few = small.codes[: peer.n_rows]
        try:
            with quiet():
                ask = peer.build(small)
        except ImportError as missing:
            yield PeerResult(peer.name, note=f"not installed: {missing}")
            continue
        yield timed(peer.name, lambda ask=ask, few=few: ask(few), expected, is_exact=peer.is_exact)
    yield timed("plain numpy, enumeration", lambda: enumerate_rows(small), expected)
    network, batch = as_thighdx(small)
    infer(network, take_cases(batch, np.arange(2)))  # makes its tables
    infer_compiled(network, take_cases(batch, np.arange(2)))  # compiles
    yield timed("thighdx, numpy", lambda: infer(network, batch).posterior, expected)
    yield timed("thighdx, compiled", lambda: infer_compiled(network, batch).posterior, expected)
