"""Posteriors under drawn judgements, against networks built and solved from the same draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import floats
import strategies
import thighdx
from plain_cases import batch_of
from reasoning.intervals.judged import judgements, with_points
from thighdx.errors import OptionError
from thighdx.evidence.batch import EvidenceBatch
from thighdx.evidence.one_case import encode_case
from thighdx.inference.engine import log_weights
from thighdx.network.build import build_network
from thighdx.reasoning.intervals import draws
from thighdx.reasoning.intervals.draws import draw_chunk
from thighdx.reasoning.intervals.layout import judgement_layout
from thighdx.reasoning.intervals.montecarlo import draw_log_odds

KNOWN = {"sex": "female", "age_band": "40-49", "low_back_pain": True, "bruising": False}


def shipped_batch(model: thighdx.Model) -> EvidenceBatch:
    return encode_case(model.vocabulary, KNOWN, setting="primary_care").batch


@settings(max_examples=15, deadline=None)
@given(strategies.cases(n_max=1, networks=strategies.specs(with_gates=False)))
def test_a_draw_is_the_posterior_of_a_network_built_from_its_numbers(drawn: strategies.Cases) -> None:
    spec, setting, (evidence,) = drawn
    network = build_network(spec)
    layout = judgement_layout(network, judgements(spec, spread=0.05))
    batch = batch_of(network, [evidence], [setting])
    # base rates over all explanations: on small networks the rare ones that are left out can matter
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draws, "MARGIN_MASS", 1.0)
        found = draw_log_odds(network, layout, batch, n_draws=2, seed=3, least=0)
    if any(reason.endswith("_left") for reason in found.redrawn) or found.crossed_mass > 0:
        return
    values = draw_chunk(network, layout, seed=3, number=0, n_draws=2).natural
    for row in range(2):
        moved = with_points(spec, dict(zip(layout.keys, values[row].tolist(), strict=True)))
        logs = log_weights(build_network(moved), batch)[0]
        weights = np.exp(logs - logs.max())
        inside, outside = weights @ network.membership, weights @ (1 - network.membership)
        is_open = np.isfinite(found.log_odds[row])
        assert is_open.tolist() == ((inside > 0) & (outside > 0)).tolist()
        log_odds = np.log(inside[is_open]) - np.log(outside[is_open])
        np.testing.assert_allclose(found.log_odds[row, is_open], log_odds, atol=floats.DRAWN_LOG_ODDS)


def test_draws_are_the_same_for_the_same_seed_and_nested(model: thighdx.Model) -> None:
    layout = judgement_layout(model.network, model.compiled.pooled)
    batch = shipped_batch(model)
    first = draw_log_odds(model.network, layout, batch, n_draws=20, seed=1)
    model.network.cache.pop(("draws", id(layout)))
    again = draw_log_odds(model.network, layout, batch, n_draws=20, seed=1)
    other = draw_log_odds(model.network, layout, batch, n_draws=20, seed=2)
    fewer = draw_log_odds(model.network, layout, batch, n_draws=5, seed=1)
    np.testing.assert_array_equal(first.log_odds, again.log_odds)
    assert (first.log_odds != other.log_odds).all()
    np.testing.assert_array_equal(first.values[:5], fewer.values)


def test_every_draw_holds_together(model: thighdx.Model) -> None:
    """Shares leave room for one to three causes, frequencies for the rest, cumulative rows fall."""
    network, layout = model.network, judgement_layout(model.network, model.compiled.pooled)
    chunk = draw_chunk(network, layout, seed=4, number=0, n_draws=100)
    assert not any(reason.endswith("_left") for reason in chunk.redrawn)
    for shares in layout.shares:
        total = chunk.natural[:, shares].sum(axis=1)
        assert ((total > 1) & (total < model.max_causes)).all()
    for frequencies in layout.frequencies:
        for row in frequencies:
            assert (chunk.natural[:, row[row >= 0]].sum(axis=1) < 1).all()
    for background, links in zip(layout.backgrounds, layout.links, strict=True):
        assert (np.diff(chunk.natural[:, background], axis=1) <= 0).all()
        full = links[(links >= 0).all(axis=1)]
        assert (np.diff(chunk.natural[:, full], axis=2) <= 0).all()


def test_draws_go_through_the_middle_of_every_judgement(model: thighdx.Model) -> None:
    """Half the draws lie below the median, for links that no rule made to be drawn again."""
    network, layout = model.network, judgement_layout(model.network, model.compiled.pooled)
    chunk = draw_chunk(network, layout, seed=0, number=0, n_draws=200)
    plain = [
        links for f, links in zip(network.spec.findings, layout.links, strict=True) if len(f.states) == 2
    ]
    columns = np.concatenate([links[links >= 0] for links in plain])
    below = (chunk.natural[:, columns] < layout.natural[columns]).mean()
    assert below == pytest.approx(0.5, abs=floats.HALF_BELOW)


def test_leading_explanations_hardly_change_a_draw(model: thighdx.Model) -> None:
    layout = judgement_layout(model.network, model.compiled.pooled)
    batch = shipped_batch(model)
    every = draw_log_odds(model.network, layout, batch, n_draws=20, seed=1, least=0)
    leading = draw_log_odds(model.network, layout, batch, n_draws=20, seed=1)
    assert np.abs(every.log_odds - leading.log_odds).max() < floats.LEADING_DRAW


def test_a_cause_that_is_given_stays_certain(model: thighdx.Model) -> None:
    layout = judgement_layout(model.network, model.compiled.pooled)
    case = encode_case(model.vocabulary, {**KNOWN, "hamstring_strain": True}, setting="primary_care")
    found = draw_log_odds(model.network, layout, case.batch, n_draws=5)
    given = model.network.spec.causes.index("hamstring_strain")
    assert (found.log_odds[:, given] == np.inf).all()
    assert np.isfinite(np.delete(found.log_odds, given, axis=1)).all()


def test_no_draws_are_refused(model: thighdx.Model) -> None:
    layout = judgement_layout(model.network, model.compiled.pooled)
    with pytest.raises(OptionError, match="n_draws: got 0, expected 1 or more"):
        draw_log_odds(model.network, layout, shipped_batch(model), n_draws=0)
