"""The compiled engine against the numpy engine on the shipped model, on rows looked for to tell them apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import floats
import thighdx
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.engine import infer
from thighdx.inference.kernel import infer_compiled
from thighdx.model import Model

Codes = npt.NDArray[np.int8]


def batch_of(model: Model, codes: Codes) -> EvidenceBatch:
    given = np.full((len(codes), len(model.causes)), UNKNOWN, dtype=np.int8)
    return EvidenceBatch(codes, given, np.arange(len(codes), dtype=np.intp) % len(model.settings))


def random_codes(model: Model, n_cases: int, rng: np.random.Generator, *, known: float) -> Codes:
    """States drawn without regard to one another: contradictory evidence, which several causes must share."""
    codes = rng.integers(0, model.network.n_states, (n_cases, model.network.n_variables))
    return np.where(rng.random(codes.shape) < known, codes, UNKNOWN).astype(np.int8)


def differences(model: Model, codes: Codes) -> npt.NDArray[np.float64]:
    """Largest difference of a posterior in every case; both engines agree on what is impossible."""
    batch = batch_of(model, codes)
    exact, fast = infer(model.network, batch), infer_compiled(model.network, batch)
    np.testing.assert_array_equal(np.isnan(fast.posterior), np.isnan(exact.posterior))
    possible = np.isfinite(exact.log_evidence)
    np.testing.assert_allclose(
        fast.log_evidence[possible], exact.log_evidence[possible], rtol=floats.COMPILED
    )
    return np.asarray(np.nan_to_num(np.abs(fast.posterior - exact.posterior)).max(axis=1))


@pytest.mark.parametrize("known", [0.1, 0.5, 1.0])
def test_both_engines_agree_on_contradictory_rows(model: Model, known: float) -> None:
    codes = random_codes(model, 200, np.random.default_rng(7), known=known)
    assert differences(model, codes).max() < floats.COMPILED


def test_both_engines_agree_on_three_causes_at_once() -> None:
    model = thighdx.load_model(max_causes=3)
    codes = random_codes(model, 40, np.random.default_rng(8), known=0.3)
    assert differences(model, codes).max() < floats.COMPILED


def test_rows_found_by_climbing_do_not_tell_the_engines_apart(model: Model) -> None:
    """From 64 starts one cell is changed at a time, and the change stays where the engines differ more."""
    rng = np.random.default_rng(9)
    codes = random_codes(model, 64, rng, known=0.4)
    worst = differences(model, codes)
    for _ in range(60):
        changed = codes.copy()
        variable = rng.integers(0, model.network.n_variables, len(codes))
        changed[np.arange(len(codes)), variable] = rng.integers(-1, model.network.n_states[variable])
        found = differences(model, changed)
        is_worse = found > worst
        codes[is_worse], worst[is_worse] = changed[is_worse], found[is_worse]
    assert 0 < worst.max() < floats.COMPILED
