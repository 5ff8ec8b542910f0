"""pytest-benchmark: the answer is checked, then timed; `pytest benchmarks --benchmark-only`."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.cohort import COHORTS, cohort, encode

import thighdx
from thighdx.evidence.batch import take_cases
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.model import Model

N_ROWS = 20_000
AGREEMENT = 1e-12


@pytest.fixture(scope="module", params=[2, 3], ids=["up to 2", "up to 3"])
def model(request: pytest.FixtureRequest) -> Model:
    return thighdx.load_model(max_causes=request.param)


@pytest.mark.parametrize("name", COHORTS)
def test_compiled_inference(benchmark, model: Model, name: str) -> None:
    batch = encode(model, cohort(model, N_ROWS, known=COHORTS[name]))
    few = take_cases(batch, np.arange(300))
    found, expected = infer_compiled(model.network, few), infer(model.network, few)
    np.testing.assert_allclose(found.posterior, expected.posterior, rtol=0, atol=AGREEMENT)
    benchmark.extra_info["rows"] = N_ROWS
    benchmark.pedantic(infer_compiled, args=(model.network, batch), rounds=5, warmup_rounds=1)


def test_numpy_inference(benchmark, model: Model) -> None:
    batch = encode(model, cohort(model, 2_000))
    found, expected = infer(model.network, batch), infer_compiled(model.network, batch)
    np.testing.assert_allclose(found.posterior, expected.posterior, rtol=0, atol=AGREEMENT)
    benchmark.extra_info["rows"] = batch.n_cases
    benchmark.pedantic(infer, args=(model.network, batch), rounds=3, warmup_rounds=1)


def test_one_case(benchmark, model: Model) -> None:
    batch = encode(model, cohort(model, 50))
    one = take_cases(batch, np.array([7]))
    expected = infer(model.network, batch).posterior[7]
    np.testing.assert_allclose(infer(model.network, one).posterior[0], expected, rtol=0, atol=0)
    benchmark(infer, model.network, one)
