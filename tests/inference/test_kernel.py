"""The compiled engine against the numpy engine, on random networks and on rows made to break it."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given, settings

import floats
import reference
import strategies
from thighdx.inference import compiled_steps
from thighdx.inference.batch import UNKNOWN, EvidenceBatch, Likelihood, take_cases
from thighdx.inference.departures import NO_ROW, departures
from thighdx.inference.engine import Posteriors, infer
from thighdx.inference.kernel import infer_compiled
from thighdx.network.build import Network, build_network
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

# ---- a network as wide as the shipped one, with everything a table can hold ----------------------


def wide_spec(max_causes: int, *, n_causes: int = 21, seed: int = 0) -> NetworkSpec:
    """Random numbers: sparse links, suppressed backgrounds, `never`, ordered findings, a joint block."""
    rng = np.random.default_rng(seed)
    causes = tuple(f"cause_{k}" for k in range(n_causes))
    share = rng.dirichlet(np.full(n_causes, 0.5), size=2) + 1e-4
    contexts = [random_context(rng, k, n_causes) for k in range(12)]
    return NetworkSpec(
        causes=causes,
        max_causes=max_causes,
        settings=("here", "there"),
        shares=np.minimum(0.9, 1.12 * share / share.sum(axis=1, keepdims=True)),
        pair_odds_ratio={("cause_0", "cause_3"): 12.0, ("cause_2", "cause_9"): 3.0},
        contexts=tuple(contexts),
        findings=tuple(random_finding(rng, k, n_causes) for k in range(30)),
        dependencies={
            (("context_0", "state_1"), ("context_2", "state_1")): 0.0,
            (("context_2", "state_1"), ("context_5", "state_1")): 4.0,
        },
    )


def random_context(rng: np.random.Generator, number: int, n_causes: int) -> ContextSpec:
    n_states = 2 if number % 4 else 3
    frequency = rng.dirichlet([8.0] + [1.0] * (n_states - 1), size=2) * 0.98 + 0.02 / n_states
    odds = np.ones((n_causes, n_states))
    touched = rng.random(n_causes) < rng.choice([0.1, 0.3, 0.8])
    odds[touched, 1:] = np.exp(rng.normal(0.3, 1.0, (touched.sum(), n_states - 1)))
    if number == 7:
        odds[4, 1] = 0.0
    states = tuple(f"state_{s}" for s in range(n_states))
    return ContextSpec(f"context_{number}", "context", states, frequency, odds)


def random_finding(rng: np.random.Generator, number: int, n_causes: int) -> FindingSpec:
    n_states = 3 if number % 9 == 4 else 2
    background = np.sort(rng.beta(1.0, 12.0, n_states - 1) + 1e-3)[::-1]
    cumulative = np.full((n_causes, n_states - 1), np.nan)
    for cause in np.flatnonzero(rng.random(n_causes) < rng.choice([0.15, 0.5, 0.95])):
        if rng.random() < 0.2:
            cumulative[cause] = background * rng.uniform(0.05, 0.9)
        else:
            cumulative[cause] = 1 - (1 - background) * (
                1 - rng.beta(1.5, 2.0) * 0.9 ** np.arange(n_states - 1)
            )
    if number in (3, 6):  # impossible with each of two causes, possible when a third is there too
        cumulative[[1, 2]] = 0.0
    states = tuple(f"state_{s}" for s in range(n_states))
    return FindingSpec(f"finding_{number}", "finding", states, background, cumulative)


@pytest.fixture(scope="module", params=[2, 3])
def network(request: pytest.FixtureRequest) -> Network:
    return build_network(wide_spec(request.param))


@pytest.fixture(scope="module")
def three_at_once() -> Network:
    return build_network(wide_spec(3))


# ---- cases ---------------------------------------------------------------------------------------


def random_cases(network: Network, n_cases: int, *, known: float = 0.7, seed: int = 1) -> EvidenceBatch:
    """Cases that the network would produce, with part of the values hidden, in mixed settings."""
    rng = np.random.default_rng(seed)
    codes = np.full((n_cases, network.n_variables), UNKNOWN, dtype=np.int8)
    settings_drawn = rng.integers(0, len(network.spec.settings), n_cases)
    for setting_idx in range(len(network.spec.settings)):
        rows = np.flatnonzero(settings_drawn == setting_idx)
        prior = np.exp(network.log_prior(setting_idx))
        truth = rng.choice(len(prior), size=len(rows), p=prior / prior.sum())
        for block, log_cells in zip(network.blocks, network.cells(setting_idx), strict=True):
            cell = draw(rng, np.exp(log_cells)[:, truth])
            codes[np.ix_(rows, block.context_idx)] = block.cells[cell]
        for variable in range(network.n_contexts, network.n_variables):
            first = network.state_offset[variable]
            own = network.finding_rows[first : first + network.n_states[variable]]
            codes[rows, variable] = draw(rng, np.exp(own)[:, truth])
    codes[rng.random(codes.shape) > known] = UNKNOWN
    nothing = np.full((n_cases, len(network.spec.causes)), UNKNOWN, dtype=np.int8)
    return EvidenceBatch(codes, nothing, settings_drawn.astype(np.intp))


def draw(rng: np.random.Generator, probability: np.ndarray) -> np.ndarray:
    """One state per column."""
    edges = np.cumsum(probability, axis=0)
    return np.asarray((rng.random(edges.shape[1]) * edges[-1] > edges).sum(axis=0))


def with_virtual_evidence(network: Network, batch: EvidenceBatch) -> EvidenceBatch:
    """Some variables of some cases, joint ones among them, as likelihoods of all sizes."""
    rng = np.random.default_rng(5)
    codes, likelihoods, on_causes = batch.codes.copy(), [], []
    for cause in range(0, len(network.spec.causes), 5):
        rows = np.flatnonzero(rng.random(batch.n_cases) < 0.1)
        on_causes.append(Likelihood(cause, rows, rng.random((len(rows), 2)) + 1e-6))
    for variable in range(0, network.n_variables, 2):
        rows = np.flatnonzero(rng.random(batch.n_cases) < 0.2)
        weights = rng.random((len(rows), network.n_states[variable])) * 10.0 ** rng.integers(-9, 9)
        weights[rng.random(weights.shape) < 0.1] = 0.0
        weights[:, 0] += 1e-12
        codes[rows, variable] = UNKNOWN
        likelihoods.append(Likelihood(variable, rows, weights))
    return dataclasses.replace(
        batch, codes=codes, likelihoods=tuple(likelihoods), cause_likelihoods=tuple(on_causes)
    )


def with_given_causes(batch: EvidenceBatch) -> EvidenceBatch:
    rng = np.random.default_rng(6)
    known_causes = rng.choice([UNKNOWN, 0, 1], size=batch.given.shape, p=[0.87, 0.1, 0.03])
    return dataclasses.replace(batch, given=known_causes.astype(np.int8))


def extreme_cases(network: Network) -> EvidenceBatch:
    """Everything lowest, everything highest, halves of both, nothing, everything drawn at random."""
    rng = np.random.default_rng(7)
    low, high = np.zeros(network.n_variables, dtype=np.int8), (network.n_states - 1).astype(np.int8)
    mixed = np.where(np.arange(network.n_variables) % 2, low, high)
    noise = rng.integers(0, network.n_states, size=(60, network.n_variables))
    only_findings = np.where(np.arange(network.n_variables) < network.n_contexts, UNKNOWN, high)
    codes = np.stack([low, high, mixed, low * 0 + UNKNOWN, only_findings, *noise]).astype(np.int8)
    nothing = np.full((len(codes), len(network.spec.causes)), UNKNOWN, dtype=np.int8)
    return EvidenceBatch(codes, nothing, np.arange(len(codes), dtype=np.intp) % 2)


def assert_agrees(found: Posteriors, expected: Posteriors) -> None:
    """Impossible in the same rows; elsewhere within the promised bounds, and a probability."""
    is_impossible = np.isneginf(expected.log_evidence)
    np.testing.assert_array_equal(np.isneginf(found.log_evidence), is_impossible)
    assert np.isnan(found.posterior[is_impossible]).all()
    one, other = found.posterior[~is_impossible], expected.posterior[~is_impossible]
    assert (one >= 0).all()
    assert (one <= 1).all()
    np.testing.assert_allclose(one, other, rtol=0, atol=floats.COMPILED)
    is_seen = other > floats.SMALLEST_RELATIVE
    np.testing.assert_allclose(one[is_seen], other[is_seen], rtol=floats.COMPILED_RELATIVE, atol=0)
    log_one, log_other = found.log_evidence[~is_impossible], expected.log_evidence[~is_impossible]
    np.testing.assert_allclose(log_one, log_other, rtol=floats.COMPILED, atol=floats.COMPILED)


def assert_identical(one: Posteriors, other: Posteriors) -> None:
    np.testing.assert_array_equal(one.posterior, other.posterior)
    np.testing.assert_array_equal(one.log_evidence, other.log_evidence)


# ---- agreement -----------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [0.0, 0.3, 0.8, 1.0])
def test_both_engines_agree_whatever_is_known(network: Network, known: float) -> None:
    batch = random_cases(network, 300, known=known)
    assert_agrees(infer_compiled(network, batch), infer(network, batch))


def test_both_engines_agree_on_extreme_cases(network: Network) -> None:
    batch = extreme_cases(network)
    assert_agrees(infer_compiled(network, batch), infer(network, batch))


def test_both_engines_agree_on_virtual_evidence_and_given_causes(network: Network) -> None:
    batch = with_given_causes(with_virtual_evidence(network, random_cases(network, 300)))
    assert_agrees(infer_compiled(network, batch), infer(network, batch))


def test_sets_of_explanations_are_summed_like_single_causes(network: Network) -> None:
    batch = random_cases(network, 100)
    rng = np.random.default_rng(3)
    sets = (rng.random((network.explanations.n_explanations, 5)) < 0.3).astype(np.float64)
    sets[:, 0] = 1.0
    found = infer_compiled(network, batch, sets=sets)
    assert_agrees(found, infer(network, batch, sets=sets))
    np.testing.assert_array_equal(found.posterior[:, 0], 1.0)


def test_groups_of_causes_are_summed_like_single_causes(network: Network) -> None:
    batch = random_cases(network, 100)
    groups = np.random.default_rng(4).random((len(network.spec.causes), 8)) < 0.2
    groups[:, 0], groups[:, 1] = True, False
    sets = np.concatenate([network.membership, (network.membership @ groups > 0).astype(np.float64)], axis=1)
    found = infer_compiled(network, batch, sets=sets)
    assert_agrees(found, infer(network, batch, sets=sets))


def test_four_causes_at_once_are_scored() -> None:
    network = build_network(wide_spec(4, n_causes=10))
    batch = random_cases(network, 50)
    assert_agrees(infer_compiled(network, batch), infer(network, batch))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(strategies.specs(max_n_causes=6))
def test_the_split_of_a_table_adds_up_to_it_again(spec: NetworkSpec) -> None:
    network = build_network(spec)
    batch = extreme_cases_in_first_setting(network)
    assert_agrees(infer_compiled(network, batch), infer(network, batch))


def extreme_cases_in_first_setting(network: Network) -> EvidenceBatch:
    batch = extreme_cases(network)
    return dataclasses.replace(batch, setting_idx=np.zeros_like(batch.setting_idx))


def test_a_case_alone_in_numpy_has_the_bits_of_its_row_in_a_batch(network: Network) -> None:
    for batch in (
        extreme_cases(network),
        with_given_causes(with_virtual_evidence(network, random_cases(network, 40))),
    ):
        expected = infer(network, batch)
        for case in range(batch.n_cases):
            alone = infer(network, take_cases(batch, np.array([case])))
            np.testing.assert_array_equal(alone.posterior[0], expected.posterior[case])
            assert alone.log_evidence[0] == expected.log_evidence[case]


def test_impossible_evidence_gives_nan_and_minus_infinity(network: Network) -> None:
    nothing = np.full((2, network.n_variables), UNKNOWN, dtype=np.int8)
    known_causes = np.full((2, len(network.spec.causes)), UNKNOWN, dtype=np.int8)
    known_causes[1] = 0  # no cause at all: the complaint would not be there
    batch = EvidenceBatch(nothing, known_causes, np.zeros(2, np.intp))
    for found in (infer(network, batch), infer_compiled(network, batch)):
        assert found.log_evidence.tolist() == [0.0, -np.inf]
        assert np.isnan(found.posterior[1]).all()


def test_virtual_evidence_that_nothing_agrees_with_is_impossible(network: Network) -> None:
    """`context_0` and `context_2` share a joint table in which their second states exclude one another."""
    codes = np.full((1, network.n_variables), UNKNOWN, dtype=np.int8)
    codes[0, 0] = 1
    no_causes = np.full((1, len(network.spec.causes)), UNKNOWN, dtype=np.int8)
    only_second = Likelihood(2, np.zeros(1, dtype=np.intp), np.array([[0.0, 3.0]]))
    batch = EvidenceBatch(codes, no_causes, np.zeros(1, np.intp), (only_second,))
    for found in (infer(network, batch), infer_compiled(network, batch)):
        assert np.isneginf(found.log_evidence[0])
        assert np.isnan(found.posterior).all()


def test_no_cases_give_no_rows(network: Network) -> None:
    batch = take_cases(random_cases(network, 3), np.zeros(0, dtype=np.intp))
    found = infer_compiled(network, batch)
    assert found.posterior.shape == (0, len(network.spec.causes))


# ---- the same bits -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(three_at_once: Network) -> EvidenceBatch:
    """Every kind of evidence in one batch, in part of the rows."""
    plain = random_cases(three_at_once, 400, seed=11)
    special = with_given_causes(with_virtual_evidence(three_at_once, plain))
    n_plain = 200
    keep = np.arange(400) < n_plain
    likelihoods, on_causes = (
        tuple(
            Likelihood(item.variable_idx, item.case_idx[late], item.weights[late])
            for item in items
            for late in [item.case_idx >= n_plain]
        )
        for items in (special.likelihoods, special.cause_likelihoods)
    )
    return EvidenceBatch(
        np.where(keep[:, None], plain.codes, special.codes),
        np.where(keep[:, None], plain.given, special.given),
        plain.setting_idx,
        likelihoods,
        on_causes,
    )


def test_threads_and_chunks_do_not_change_a_bit(
    three_at_once: Network,
    everything: EvidenceBatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = infer_compiled(three_at_once, everything, n_threads=1)
    assert_identical(infer_compiled(three_at_once, everything, n_threads=3), expected)
    monkeypatch.setattr("thighdx.inference.kernel.CHUNK", 7)
    assert_identical(infer_compiled(three_at_once, everything), expected)


def test_a_row_alone_has_the_same_bits_as_in_a_batch(
    three_at_once: Network, everything: EvidenceBatch
) -> None:
    expected = infer_compiled(three_at_once, everything)
    for case in range(0, everything.n_cases, 37):
        alone = infer_compiled(three_at_once, take_cases(everything, np.array([case])))
        np.testing.assert_array_equal(alone.posterior[0], expected.posterior[case])
        assert alone.log_evidence[0] == expected.log_evidence[case]


def test_the_order_of_rows_does_not_change_a_bit(three_at_once: Network) -> None:
    batch = random_cases(three_at_once, 200)
    order = np.random.default_rng(0).permutation(200)
    shuffled = EvidenceBatch(batch.codes[order], batch.given[order], batch.setting_idx[order])
    expected = infer_compiled(three_at_once, batch)
    found = infer_compiled(three_at_once, shuffled)
    np.testing.assert_array_equal(found.posterior, expected.posterior[order])
    np.testing.assert_array_equal(found.log_evidence, expected.log_evidence[order])


def test_a_network_survives_pickling_after_use(three_at_once: Network) -> None:
    batch = random_cases(three_at_once, 30)
    expected = infer_compiled(three_at_once, batch)
    again = pickle.loads(pickle.dumps(three_at_once))
    assert_identical(infer_compiled(again, batch), expected)


def test_inputs_are_not_written_to(three_at_once: Network, everything: EvidenceBatch) -> None:
    before = pickle.dumps(everything)
    infer_compiled(three_at_once, everything)
    assert pickle.dumps(everything) == before


# ---- the parts ------------------------------------------------------------------------------------


def test_an_absent_finding_whose_background_nobody_suppresses_adds_up_over_causes(
    three_at_once: Network,
) -> None:
    rows = departures(three_at_once, 0)
    for slot, finding in enumerate(three_at_once.spec.findings):
        if (np.nan_to_num(finding.cumulative, nan=1.0) >= finding.background).all():
            absent = rows.row_of[three_at_once.n_contexts + slot, 1]
            assert rows.rest_of[absent] == NO_ROW
            assert rows.few_start[absent] == rows.few_start[absent + 1]


@settings(deadline=None, max_examples=40, derandomize=True)
@given(strategies.log_weights())
def test_the_exponential_is_that_of_numpy(values: np.ndarray) -> None:
    found, work = values.copy(), np.empty(len(values), dtype=np.int64)
    compiled_steps.exponentiate(found, values.max(), work)
    expected = np.where(values - values.max() < -700, 0.0, np.exp(values - values.max()))
    np.testing.assert_allclose(found, expected, rtol=floats.EXPONENTIAL, atol=0)


def test_reference_calls_nothing_compiled() -> None:
    assert "numba" not in vars(reference)
