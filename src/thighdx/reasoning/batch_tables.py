"""Gradients of one setting laid out for the compiled kernel: flat arrays, one row per thing a case can know."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.gates import log_below, log_state_probabilities
from thighdx.network.spec import Floats
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.margins import block_cells, block_margins, feature_starts, share_margins

__all__ = ["CONSTANT", "BlockTable", "FindingTables", "PriorTables", "block_table", "finding_tables", "prior_tables"]

Singles = npt.NDArray[np.float32]
CONSTANT = -1
"""Stands for a row that is 1 (a slope) or the background's odds (suppression) for every explanation."""


class FindingTables(NamedTuple):
    """Cumulative probabilities ("steps") of all findings, and what a known state makes of them.

    Attributes
    ----------
    item_start : (n_finding_states + 1,) intp
        Items of a known state: what it says about steps.
    item_step, item_slope : (n_items,) intp
        Which step, and the row of `slopes` (or `CONSTANT`).
    slopes : (n_slopes, n_explanations) float32
        d log P(state | H) / d log P(X < s | H).
    entry_start : (n_steps + 1,) intp
        Judged links of a step.
    entry_cause : (n_entries,) intp
    entry_is_below : (n_entries,) bool
        Whether the link lies below the background and suppresses it.
    entry_moments : (n_entries, 3) float64
        What the judgement adds to mean, variance and third moment per unit of moment, square and cube.
    background : (n_steps,) float64
    background_moments : (n_steps, 3) float64
    kind : (n_steps, n_causes) int8
        1 above, -1 below the background, 0 no row.
    odds_row : (n_steps,) intp
        Row of `odds`, or `CONSTANT`.
    odds : (n_odds, n_explanations) float32
        b_H / (1 - b_H) where some cause suppresses the background.
    """

    item_start: Indices
    item_step: Indices
    item_slope: Indices
    slopes: Singles
    entry_start: Indices
    entry_cause: Indices
    entry_is_below: npt.NDArray[np.bool_]
    entry_moments: Floats
    background: Floats
    background_moments: Floats
    kind: npt.NDArray[np.int8]
    odds_row: Indices
    odds: Singles


class PriorTables(NamedTuple):
    """What shares and pairs of causes do.

    Attributes
    ----------
    share_direct, share_context : (n_causes, n_causes) float64
        d theta / d logit share, as it acts through P(H) and through the factors of contexts.
    share_moments : (n_causes, 3) float64
    pair_place : (n_causes + 1, n_causes + 1) intp
        Which judged pair two causes are; -1 for none.
    pair_direct, pair_context : (n_causes, n_pairs) float64
    pair_moments : (n_pairs, 3) float64
    """

    share_direct: Floats
    share_context: Floats
    share_moments: Floats
    pair_place: Indices
    pair_direct: Floats
    pair_context: Floats
    pair_moments: Floats


class BlockTable(NamedTuple):
    """What is known about one block of contexts, in one pattern of states.

    Attributes
    ----------
    surprise : (n_features, n_explanations) float32
        E[feature | what is known, H] - E[feature | H].
    to_theta : (n_features, n_causes) float64
    to_pair : (n_features, n_pairs) float64
    to_own : (n_features, n_own) float64
        To frequencies and dependencies, which act through features alone.
    own_moments : (n_own, 3) float64
    effect_feature, effect_cause : (n_effects,) intp
        Ordered by feature.
    to_effect : (n_features, n_effects) float64
    effect_moments : (n_effects, 3) float64
    """

    surprise: Singles
    to_theta: Floats
    to_pair: Floats
    to_own: Floats
    own_moments: Floats
    effect_feature: Indices
    effect_cause: Indices
    to_effect: Floats
    effect_moments: Floats


def _moments(layout: JudgementLayout, positions: Indices, factor: Floats | float) -> Floats:
    """Return shift of the mean, variance and third moment of judgements times a factor, (n, 3)."""
    shift = layout.mean[positions] - layout.point[positions]
    factor = np.broadcast_to(factor, len(positions))
    columns = [factor * shift, (factor * layout.sd[positions]) ** 2, factor**3 * layout.third[positions]]
    return np.stack(columns, axis=1)


def finding_tables(network: Network, layout: JudgementLayout) -> FindingTables:
    """Lay out the findings of a network; the same for all settings, kept with the network."""
    found = network.cache.get("gradient_findings")
    if not isinstance(found, FindingTables):
        network.cache["gradient_findings"] = found = _finding_tables(network, layout)
    return found


def _finding_tables(network: Network, layout: JudgementLayout) -> FindingTables:
    spec = network.spec
    item_start, item_step, item_slope = [0], list[int](), list[int]()
    slopes: list[Floats] = []
    entry_start, causes, below, entries = [0], list[Indices](), list[npt.NDArray[np.bool_]](), list[Floats]()
    backgrounds, background_moments, kinds, odds_row, odds = [], [], [], [], list[Floats]()
    for finding, links, own in zip(spec.findings, layout.links, layout.backgrounds, strict=True):
        first_step = len(backgrounds)
        falling = np.exp(log_below(finding, network.explanations))
        chance = np.exp(log_state_probabilities(finding, network.explanations))
        for state in range(len(finding.states)):
            for step in (state - 1, state):
                if 0 <= step < len(falling):
                    sign = 1.0 if step == state else -1.0
                    item_step.append(first_step + step)
                    item_slope.append(CONSTANT if state == 0 else len(slopes))
                    if state > 0:
                        rows = np.zeros_like(falling[step])
                        np.divide(sign * falling[step], chance[state], out=rows, where=chance[state] > 0)
                        slopes.append(rows)
            item_start.append(len(item_step))
        for step, b in enumerate(finding.background):
            rows = finding.cumulative[:, step]
            kind = np.where(rows >= b, 1, np.where(rows < b, -1, 0))
            judged = np.flatnonzero((links[:, step] != NO_JUDGEMENT) & (kind != 0))
            judged = judged[np.isfinite(layout.point[links[judged, step]])]
            factor = np.where(kind[judged] > 0, -rows[judged], -(1 - rows[judged]))
            causes.append(judged)
            below.append(kind[judged] < 0)
            entries.append(_moments(layout, links[judged, step], factor))
            entry_start.append(entry_start[-1] + len(judged))
            backgrounds.append(float(b))
            is_judged = own[step] != NO_JUDGEMENT
            background_moments.append(_moments(layout, own[[step]], 1.0)[0] if is_judged else np.zeros(3))
            kinds.append(kind)
            odds_row.append(len(odds) if (kind < 0).any() else CONSTANT)
            if (kind < 0).any():
                with np.errstate(divide="ignore"):
                    logs = np.where(kind < 0, np.log(np.where(kind < 0, rows, 1.0)) - np.log(b), 0.0)
                left = b * np.exp(network.explanations.sum_over_members(logs))
                odds.append(left / (1 - left))
    n_explanations = network.explanations.n_explanations
    return FindingTables(
        item_start=np.array(item_start),
        item_step=np.array(item_step, dtype=np.intp),
        item_slope=np.array(item_slope, dtype=np.intp),
        slopes=_stack(slopes, n_explanations),
        entry_start=np.array(entry_start),
        entry_cause=np.concatenate([*causes, np.zeros(0, dtype=np.intp)]).astype(np.intp),
        entry_is_below=np.concatenate([*below, np.zeros(0, dtype=bool)]),
        entry_moments=np.concatenate([*entries, np.zeros((0, 3))]),
        background=np.array(backgrounds),
        background_moments=np.array(background_moments).reshape(-1, 3),
        kind=np.array(kinds, dtype=np.int8).reshape(-1, len(spec.causes)),
        odds_row=np.array(odds_row, dtype=np.intp),
        odds=_stack(odds, n_explanations),
    )


def _stack(rows: list[Floats], width: int) -> Singles:
    """Put rows below one another in single precision."""
    return np.array(rows, dtype=np.float32).reshape(-1, width)


def prior_tables(network: Network, layout: JudgementLayout, setting: int) -> PriorTables:
    """Lay out shares and pairs of one setting."""
    current = share_margins(network, layout, setting)
    elicited = share_margins(network, layout, setting, elicited=True)
    positions = layout.shares[setting]
    judged = positions != NO_JUDGEMENT
    share = 1 / (1 + np.exp(-layout.point[positions]))
    scale = np.where(judged, share * (1 - share), 0.0)
    n_causes = len(network.spec.causes)
    place = np.full((n_causes + 1, n_causes + 1), -1, dtype=np.intp)
    place[layout.pairs[:, 0], layout.pairs[:, 1]] = np.arange(len(layout.pairs))
    place[layout.pairs[:, 1], layout.pairs[:, 0]] = np.arange(len(layout.pairs))
    return PriorTables(
        share_direct=np.where(layout.is_replaced[setting], 0.0, current.to_share) * scale,
        share_context=elicited.to_share * scale,
        share_moments=np.where(judged[:, None], _moments(layout, positions, 1.0), 0.0),
        pair_place=place,
        pair_direct=np.ascontiguousarray(current.to_pair),
        pair_context=np.ascontiguousarray(elicited.to_pair),
        pair_moments=_moments(layout, layout.pairs[:, 2], 1.0),
    )


def block_table(
    network: Network, layout: JudgementLayout, setting: int, block: Block, states: npt.NDArray[np.int8]
) -> BlockTable:
    """Lay out one pattern of known states of a block's members; `UNKNOWN` where not known."""
    implicit = block_margins(network, layout, setting, block)
    cells = block_cells(network, setting, block)
    agrees = ((states == UNKNOWN) | (states == block.cells)).all(axis=1)
    known = cells * agrees[:, None]
    total = known.sum(axis=0)
    known = np.divide(known, total, out=np.zeros_like(known), where=total > 0)
    n_base, n_features = implicit.n_base, implicit.features.shape[1]
    own_columns, own_positions, own_factor = [], list[int](), list[float]()
    effect_feature, effect_cause, effect_position = list[int](), list[int](), list[int]()
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        frequencies, effects = layout.frequencies[context][setting], layout.effects[context]
        rest = np.flatnonzero(frequencies == NO_JUDGEMENT)
        for state, position in enumerate(frequencies):
            if position != NO_JUDGEMENT and np.isfinite(layout.point[position]):
                change = implicit.to_margin[:, start + state] - implicit.to_margin[:, start + rest].sum(axis=1)
                own_columns.append(np.concatenate([change, np.zeros(n_features - n_base)]))
                frequency = 1 / (1 + np.exp(-layout.point[position]))
                own_factor.append(frequency * (1 - frequency))
                own_positions.append(int(position))
        for state, cause in np.argwhere(effects.T != NO_JUDGEMENT):
            if np.isfinite(layout.point[effects[cause, state]]):
                effect_feature.append(int(start + state))
                effect_cause.append(int(cause))
                effect_position.append(int(effects[cause, state]))
    for column, position in enumerate(implicit.dependency_idx):
        unit = np.zeros(n_features - n_base)
        unit[column] = 1.0
        own_columns.append(np.concatenate([implicit.to_dependency[:, column], unit]))
        own_factor.append(1.0)
        own_positions.append(int(position))
    blank = np.zeros((n_features - n_base, len(network.spec.causes)))
    through = implicit.to_effect[:, effect_cause, effect_feature]
    return BlockTable(
        surprise=(implicit.features.T @ (known - cells)).astype(np.float32),
        to_theta=np.concatenate([implicit.to_theta, blank]),
        to_pair=np.concatenate([implicit.to_pair, np.zeros((n_features - n_base, len(layout.pairs)))]),
        to_own=np.array(own_columns).reshape(len(own_positions), n_features).T.copy(),
        own_moments=_moments(layout, np.array(own_positions, dtype=np.intp), np.array(own_factor)),
        effect_feature=np.array(effect_feature, dtype=np.intp),
        effect_cause=np.array(effect_cause, dtype=np.intp),
        to_effect=np.concatenate([through, np.zeros((n_features - n_base, len(effect_cause)))]),
        effect_moments=_moments(layout, np.array(effect_position, dtype=np.intp), 1.0),
    )
