"""A case alone is worked out from terms of causes, of pairs, and what is left; a batch from whole rows."""

from __future__ import annotations

import numpy as np
import pytest

import plain_cases
from thighdx.frames import encode_table
from thighdx.inference import one_case
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.engine import infer
from thighdx.model import Model
from thighdx.network.build import Network, build_network

# Sums of the same logarithms, of size 10 to 100, in another order.
ALONE = {"rtol": 0, "atol": 1e-13}


def network_of(most: int) -> Network:
    """Eight causes, of which `most` may be present at once; some causes argue against some findings."""
    rng = np.random.default_rng(most)
    causes = tuple(f"cause_{k}" for k in range(8))
    shares = dict.fromkeys(causes, 1.3 / 8)
    findings = []
    for k in range(12):
        touched = rng.choice(causes, 5, replace=False)
        rows = dict(zip(touched, rng.uniform(0.02, 0.9, 5), strict=True))
        findings.append(plain_cases.finding(f"finding_{k}", rng.uniform(0.05, 0.3), causes, **rows))
    return build_network(plain_cases.make_spec(shares, tuple(findings), max_causes=most))


@pytest.mark.parametrize("most", [2, 3, 4, 5])
@pytest.mark.parametrize("few", [0, 10, 1_000])
def test_a_case_alone_is_a_row_of_a_batch(monkeypatch: pytest.MonkeyPatch, most: int, few: int) -> None:
    monkeypatch.setattr(one_case, "FEW", few)
    network, rng = network_of(most), np.random.default_rng(0)
    codes = rng.integers(-1, 2, (20, 12)).astype(np.int8)
    nothing = np.full((20, 8), UNKNOWN, dtype=np.int8)
    batch = EvidenceBatch(codes, nothing, np.zeros(20, dtype=np.intp))
    together = infer(network, batch, dtype="float64")
    for row in range(20):
        alone = infer(network, take_cases(batch, np.array([row])), dtype="float64")
        np.testing.assert_allclose(alone.posterior[0], together.posterior[row], **ALONE)
        np.testing.assert_allclose(alone.log_evidence[0], together.log_evidence[row], rtol=1e-13)


def test_what_earlier_cases_left_behind_changes_no_bit(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    patients = model.simulate(12, seed=5)
    batch = encode_table(model.vocabulary, patients, setting="primary_care").batch
    first = build_network(model.network.spec, solved=model.network.solved)
    alone = [infer(first, take_cases(batch, np.array([row])), dtype="float64") for row in range(12)]
    monkeypatch.setattr(one_case, "MOST_PATTERNS", 2)
    second = build_network(model.network.spec, solved=model.network.solved)
    for row in [*range(11, -1, -1), *range(12)]:
        again = infer(second, take_cases(batch, np.array([row])), dtype="float64")
        assert again.posterior.tobytes() == alone[row].posterior.tobytes()
        assert again.log_evidence.tobytes() == alone[row].log_evidence.tobytes()
