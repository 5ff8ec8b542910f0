"""Scores of a block of contexts: derivatives of what is known of it by the judgements behind it.

An odds ratio, a factor or a dependency x multiplies some cells; then s(H) is the share of those cells given
what is known minus their share without, the *surprise*, and P''/P is s2 plus the difference of the two
variances. Effects, dependencies and frequencies also move the solved factors of their block, which adds
multiples of the surprise of every member and state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.margins import BlockMargins, block_cells, block_margins, feature_starts
from thighdx.reasoning.intervals.scores import PieceScores, holding, n_features, plain_weights, slot_starts

__all__ = ["block_scores", "block_slots", "without_first"]


def block_scores(
    network: Network, layout: JudgementLayout, setting_idx: int, block: Block, seen: Floats
) -> PieceScores:
    """Differentiate what is known of a block of contexts.

    Parameters
    ----------
    seen : (n_cells,) float64
        Likelihood of every cell.
    """
    margins = block_margins(network, layout, setting_idx, block)
    cells = block_cells(network, setting_idx, block)  # (n_cells, n_explanations)
    known = cells * seen[:, None]
    total = known.sum(axis=0)
    known = np.divide(known, total, out=np.zeros_like(known), where=total > 0)
    shares = csr_array(margins.features.T)
    given, without = np.asarray(shares @ known), np.asarray(shares @ cells)  # (n_features, n_explanations)
    surprise = given - without
    items = _block_items(network, layout, setting_idx, block, margins)
    slots, columns = block_slots(network, layout, block, margins)
    possible = margins.features[seen > 0][:, columns]
    is_level = (possible == possible[:1]).all(axis=0)
    spread = layout.spread[items.position]
    n_effects = len(items.cause)
    second_order = _effect_second_order(network, items, spread[:n_effects], given, without)
    second_order += _cell_second_order(margins, items, spread[n_effects:], known, cells)
    with np.errstate(divide="ignore"):
        log = np.log(total)
    no_plain = np.zeros((0, 2), dtype=np.intp)
    return PieceScores(
        log=log,
        second_order=second_order,
        position=items.position,
        cause=items.cause,
        local=surprise[items.feature[:, None], holding(network)[items.cause]],
        rows=given[columns[~is_level]][:, holding(network)],
        row_slots=slots[~is_level],
        slots=slots,
        level=np.where(is_level, possible[0], 0.0),
        through=_through(network, layout, block, items, slots),
        plain=no_plain,
        plain_score=np.zeros(0),
        plain_weight=plain_weights(layout, no_plain, np.zeros(0), network.explanations.n_causes),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _BlockItems:
    """The judgements of a block: effects first, then dependencies, then frequencies.

    Attributes
    ----------
    position : (n_items,) intp
    cause, feature : (n_effects,) intp
    through : (n_items, n_base) float64
        Multiples of the surprise of every member and state.
    """

    position: Indices
    cause: Indices
    feature: Indices
    through: Floats


def _block_items(
    network: Network,
    layout: JudgementLayout,
    setting_idx: int,
    block: Block,
    margins: BlockMargins,
) -> _BlockItems:
    """List the judgements of a block and what they do by way of its factors."""
    causes, features, effects, frequencies, moves = [], [], [], [], []
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        judged = layout.effects[context]  # (n_causes, n_states)
        cause, state = np.nonzero((judged != NO_JUDGEMENT) & np.isfinite(layout.point[judged]))
        causes.append(cause)
        features.append(start + state)
        effects.append(judged[cause, state])
        own = layout.frequencies[context][setting_idx]
        rest = margins.to_margin[:, start + np.flatnonzero(own == NO_JUDGEMENT)].sum(axis=1)
        for rated in np.flatnonzero((own != NO_JUDGEMENT) & np.isfinite(layout.point[own])).tolist():
            f = 1 / (1 + np.exp(-layout.point[own[rated]]))
            frequencies.append(own[rated])
            moves.append((margins.to_margin[:, start + rated] - rest) * f * (1 - f))
    cause, feature = np.concatenate(causes), np.concatenate(features)
    through = [
        margins.to_effect[:, cause, feature].T,
        margins.to_dependency.T,
        np.array(moves).reshape(len(moves), margins.n_base),
    ]
    position = np.concatenate([*effects, margins.dependency_idx, np.array(frequencies, dtype=np.intp)])
    return _BlockItems(position.astype(np.intp), cause, feature, np.concatenate(through))


def block_slots(
    network: Network, layout: JudgementLayout, block: Block, margins: BlockMargins
) -> tuple[Indices, Indices]:
    """Return the features of a block, and which columns of `BlockMargins.features` they are."""
    starts, base = slot_starts(network), feature_starts(network, block)
    counts = network.n_states[list(block.context_idx)]
    slots = [starts[v] + np.arange(n - 1) for v, n in zip(block.context_idx, counts, strict=True)]
    columns = [start + np.arange(1, n) for start, n in zip(base, counts, strict=True)]
    slots.append(starts[-1] + np.flatnonzero(np.isin(layout.dependencies[:, 4], margins.dependency_idx)))
    columns.append(np.arange(margins.n_base, margins.features.shape[1]))
    return np.concatenate(slots).astype(np.intp), np.concatenate(columns).astype(np.intp)


def without_first(network: Network, block: Block, through: Floats) -> Floats:
    """Turn multiples of the surprise of all states into those of all but the first, as they sum to 0."""
    out = []
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        own = through[:, start : start + network.n_states[context]]
        out.append(own[:, 1:] - own[:, :1])
    return np.concatenate(out, axis=1)


def _through(
    network: Network, layout: JudgementLayout, block: Block, items: _BlockItems, slots: Indices
) -> csr_array:
    """Return what items add by way of features, (n_items, n_causes + n_features) sparse."""
    n_causes, n_effects = network.explanations.n_causes, len(items.cause)
    dense = np.zeros((len(items.position), n_causes + n_features(network, layout)))
    base = without_first(network, block, items.through)
    dense[:, n_causes + slots[: base.shape[1]]] = base
    own = slots[base.shape[1] :]  # a dependency is a feature itself
    dense[n_effects + np.arange(len(own)), n_causes + own] = 1.0
    return csr_array(dense)


def _effect_second_order(
    network: Network, items: _BlockItems, spread: Floats, given: Floats, without: Floats
) -> Floats:
    """Return the sum over effects of spread times P''/P, (n_explanations,).

    Parameters
    ----------
    spread : (n_effects,) float64
    given, without : (n_features, n_explanations) float64
        Share of every feature given what is known, and without.
    """
    n_effects, n_base = len(items.cause), items.through.shape[1]
    through, surprise = items.through[:n_effects], (given - without)[:n_base]
    # what goes through the factors touches every explanation: a quadratic form in the surprise
    form = (through * spread[:, None]).T @ through
    second_order = ((form @ surprise) * surprise).sum(axis=0)
    # the rest only those that hold the cause
    held = holding(network)[items.cause]  # (n_effects, n_holding)
    before, after = (share[items.feature[:, None], held] for share in (without, given))
    indirect = np.einsum("jf,fjq->jq", through, surprise[:, held])
    own = (
        2 * indirect * (after - before) + (after - before) ** 2 + after * (1 - after) - before * (1 - before)
    )
    added = np.bincount(held.ravel(), weights=(spread[:, None] * own).ravel(), minlength=len(second_order))
    return np.asarray(second_order + added)


def _cell_second_order(
    margins: BlockMargins, items: _BlockItems, spread: Floats, known: Floats, cells: Floats
) -> Floats:
    """Return the same of dependencies and frequencies, which give every cell a score whatever the explanation."""
    scores = margins.features[:, : margins.n_base] @ items.through[len(items.cause) :].T  # (n_cells, n)
    scores[:, : len(margins.dependency_idx)] += margins.features[:, margins.n_base :]
    means, bases = scores.T @ known, scores.T @ cells
    squares = (scores**2).T @ (known - cells)
    return np.asarray(spread @ (squares - means**2 + bases**2 + (means - bases) ** 2))
