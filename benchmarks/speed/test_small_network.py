"""Other libraries on a network all can run: the answer is checked, then timed."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.peers import EXACT, quiet
from benchmarks.small import as_thighdx, draw_small, enumerate_rows
from benchmarks.small_peers import PEERS, Peer

from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled

SMALL = draw_small(2_000)
EXPECTED = enumerate_rows(SMALL)


@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_another_library(benchmark, peer: Peer) -> None:
    few = SMALL.codes[: max(1, peer.n_rows // 10)]
    with quiet():
        ask = peer.build(SMALL)
        found = ask(few)
        error = float(np.abs(found - EXPECTED[: len(few)]).max())
        assert found.shape == (len(few), EXPECTED.shape[1])
        assert error < (EXACT if peer.is_exact else 1.0)
        benchmark.extra_info |= {"rows": len(few), "largest error": error}
        benchmark.pedantic(ask, args=(few,), rounds=3)


def test_enumeration_in_numpy(benchmark) -> None:
    # by hand: with nothing known, a cause is there as often as among all who have any
    nothing = np.full((1, SMALL.codes.shape[1]), -1, dtype=np.int8)
    prior = enumerate_rows(type(SMALL)(SMALL.prior, SMALL.parents, SMALL.leak, SMALL.strength, nothing))
    np.testing.assert_allclose(prior[0], SMALL.prior / (1 - np.prod(1 - SMALL.prior)), rtol=1e-12)
    benchmark.extra_info["rows"] = len(EXPECTED)
    benchmark.pedantic(enumerate_rows, args=(SMALL,), rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_thighdx(benchmark, engine: str) -> None:
    network, batch = as_thighdx(SMALL)

    def answer() -> np.ndarray:
        if engine == "numpy":
            return infer(network, batch).posterior
        return infer_compiled(network, batch).posterior

    np.testing.assert_allclose(answer(), EXPECTED, rtol=0, atol=EXACT)
    benchmark.extra_info["rows"] = batch.n_cases
    benchmark.pedantic(answer, rounds=3)
