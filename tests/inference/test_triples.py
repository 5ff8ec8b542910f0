"""The shipped model in single precision: what a case starts from, and cases that three causes at once decide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.inference.plan import make_plan
from thighdx.inference.pruned import choose_start
from thighdx.model import Model


def assert_agree(model: Model, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Compare single with double precision; return the posteriors."""
    given = np.full((len(codes), model.network.membership.shape[1]), UNKNOWN, dtype=np.int8)
    batch = EvidenceBatch(codes, given, np.zeros(len(codes), dtype=np.intp))
    exact = infer(model.network, batch, dtype="float64").posterior
    fast = infer_compiled(model.network, batch).posterior
    np.testing.assert_array_equal(np.isnan(fast), np.isnan(exact))
    fast, exact = fast[~np.isnan(exact)], exact[~np.isnan(exact)]
    assert np.abs(fast - exact).max() < 1e-6
    is_large = exact > 1e-9
    assert (np.abs(fast - exact)[is_large] / exact[is_large]).max() < 1e-4
    assert fast.min() >= 0.0
    assert fast.max() <= 1.0
    return infer(model.network, batch, dtype="float64").posterior


@pytest.mark.parametrize("unknown_contexts", [0.1, 0.9])
@pytest.mark.parametrize("unknown_findings", [0.1, 0.9])
def test_what_a_case_starts_from_does_not_change_its_answer(
    model: Model, unknown_findings: float, unknown_contexts: float
) -> None:
    rng = np.random.default_rng(1)
    n, n_contexts = model.network.n_variables, model.network.n_contexts
    share = np.where(np.arange(n) < n_contexts, unknown_contexts, unknown_findings)
    codes = np.where(rng.random((40, n)) < 0.1, rng.integers(0, model.network.n_states, (40, n)), 0)
    codes = np.where(rng.random((40, n)) < share, UNKNOWN, codes).astype(np.int8)
    start = choose_start(make_plan(model.network, 0), codes)
    assert (start == (unknown_findings > 0.5) + 2 * (unknown_contexts > 0.5)).all()
    assert_agree(model, codes)


def test_cases_that_three_causes_decide_are_as_exact_as_others(model: Model) -> None:
    """Contradictory evidence: many rounded factors, and no pair of causes explains it."""
    rng = np.random.default_rng(7)
    n = model.network.n_variables
    codes = rng.integers(0, model.network.n_states, (400, n))
    codes = np.where(rng.random((400, n)) < rng.choice([0.1, 0.3, 0.5], (400, 1)), codes, UNKNOWN)
    posterior = assert_agree(model, codes.astype(np.int8))
    assert (posterior.sum(axis=1) > 2.5).sum() > 20
