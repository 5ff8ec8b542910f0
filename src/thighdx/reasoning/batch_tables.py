"""Gradients of one setting laid out for the compiled kernel: flat arrays, one row per thing a case can know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.gates import log_below, log_state_probabilities
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.curvature import block_bend, finding_bend
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.margins import (
    block_cells,
    block_margins,
    feature_starts,
    pair_membership,
    share_margins,
)

__all__ = [
    "CONSTANT",
    "BlockTable",
    "BlockTables",
    "FindingTables",
    "LeadingTables",
    "PriorTables",
    "block_table",
    "finding_tables",
    "prior_tables",
    "stack_blocks",
]

# Frequencies and dependencies that move the log weights of no two explanations apart by more than this are left out.
SMALL_SWING = 0.02
Singles = npt.NDArray[np.float32]
CONSTANT = -1
"""Stands for a slope that is 1 for every explanation."""


class FindingTables(NamedTuple):
    """Cumulative probabilities ("steps") of all findings, and what a known state makes of them.

    Where several causes suppress one background at once, their slopes are taken as if each were alone.

    Attributes
    ----------
    logs : (n_finding_states, n_explanations) float32
        log P(state | H).
    logs_by_explanation : (n_explanations, n_finding_states) float32
    bends : (n_finding_states, n_explanations) float32
        Sum over judgements of spread times P''/P; see `thighdx.reasoning.curvature`.
    item_start : (n_finding_states + 1,) intp
        Items of a known state: what it says about steps.
    item_step, item_slope : (n_items,) intp
        Which step, and the row of `slopes`, or `CONSTANT` for the lowest state.
    slopes : (n_slopes, n_explanations) float32
        d log P(state | H) / d log P(X < s | H).
    entry_start : (n_steps + 1,) intp
        Judged links of a step.
    entry_cause : (n_entries,) intp
    entry_moments : (n_entries, 4) float64
        What the judgement adds to mean, variance, third moment and spread, per unit of slope, its square, its
        cube and its square.
    absent_moments : (n_steps, n_causes, 4) float64
        The same laid out by cause.
    background : (n_steps,) float64
    background_moments : (n_steps, 4) float64
    has_row : (n_steps, n_causes) float64
        1 where a cause has a row of its own.
    """

    logs: Singles
    logs_by_explanation: Singles
    bends: Singles
    item_start: Indices
    item_step: Indices
    item_slope: Indices
    slopes: Singles
    entry_start: Indices
    entry_cause: Indices
    entry_moments: Floats
    absent_moments: Floats
    background: Floats
    background_moments: Floats
    has_row: Floats


class PriorTables(NamedTuple):
    """What shares and pairs of causes do.

    Attributes
    ----------
    log_prior : (n_explanations,) float32
    bend : (n_explanations,) float32
        Sum over shares and pairs of spread times the squared slope of log P(H).
    theta_bend : (n_causes,) float64
        Sum over shares of spread times d2 theta / d logit share2.
    direct, context : (n_causes + n_pairs, n_causes) float64
        d theta / d logit share and d theta / d log odds ratio of a pair, one row per judgement, as theta acts
        through P(H) and through the factors of contexts.
    share_moments : (n_causes, 4) float64
    pair_place : (n_causes + 1, n_causes + 1) intp
        Which judged pair two causes are; -1 for none.
    pair_moments : (n_pairs, 4) float64
    """

    log_prior: Singles
    bend: Singles
    theta_bend: Floats
    direct: Floats
    context: Floats
    share_moments: Floats
    pair_place: Indices
    pair_moments: Floats


class LeadingTables(NamedTuple):
    """Logs of probabilities: prior, findings, blocks of contexts; fields of the other tables."""

    log_prior: Singles
    finding_logs: Singles
    finding_logs_by_explanation: Singles
    block_logs: Singles


class BlockTable(NamedTuple):
    """What is known about one block of contexts, in one pattern of states.

    Attributes
    ----------
    log_known, bend : (n_explanations,) float32
        log P(what is known | H); sum over judgements of spread times w''/w.
    surprise : (n_features, n_explanations) float32
        E[feature | what is known, H] - E[feature | H]; no feature for states that nothing is judged about.
    to_theta : (n_features, n_causes) float64
    to_pair : (n_features, n_pairs) float64
    to_own : (n_features, n_own) float64
        To frequencies and dependencies, which act through features alone.
    own_moments : (n_own, 4) float64
    effect_feature, effect_cause : (n_effects,) intp
        Ordered by feature.
    to_effect : (n_features, n_effects) float64
    effect_moments : (n_effects, 4) float64
    """

    log_known: Singles
    bend: Singles
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
    """Return shift of the mean, variance, third moment and spread of judgements times a factor, (n, 4)."""
    factor = np.broadcast_to(factor, len(positions))
    shift, spread = layout.shift[positions], layout.spread[positions]
    variance, third = layout.sd[positions] ** 2, layout.third[positions]
    return np.stack([factor * shift, factor**2 * variance, factor**3 * third, factor**2 * spread], axis=1)


def finding_tables(network: Network, layout: JudgementLayout) -> FindingTables:
    """Lay out the findings of a network; the same for all settings, kept with the network."""
    found = network.cache.get("gradient_findings")
    if not isinstance(found, FindingTables):
        network.cache["gradient_findings"] = found = _finding_tables(network, layout)
    return found


def _finding_tables(network: Network, layout: JudgementLayout) -> FindingTables:
    spec, explanations = network.spec, network.explanations
    n_causes = len(spec.causes)
    item_start, item_step, item_slope = [0], list[int](), list[int]()
    slopes, bends = list[Floats](), list[Floats]()
    steps: list[_Step] = []
    for position, finding in enumerate(spec.findings):
        first_step = len(steps)
        falling = np.exp(log_below(finding, explanations))
        chance = np.exp(log_state_probabilities(finding, explanations))
        for state in range(len(finding.states)):
            seen = np.eye(len(chance))[state]
            bends.append(finding_bend(layout, position, finding, explanations, seen))
            for step in (state - 1, state):
                if 0 <= step < len(falling):
                    item_step.append(first_step + step)
                    item_slope.append(CONSTANT if state == 0 else len(slopes))
                    if state > 0:
                        sign = 1.0 if step == state else -1.0
                        row = np.zeros_like(falling[step])
                        np.divide(sign * falling[step], chance[state], out=row, where=chance[state] > 0)
                        slopes.append(row)
            item_start.append(len(item_step))
        steps.extend(_step(layout, position, finding, step) for step in range(len(falling)))
    absent = np.zeros((len(steps), n_causes, 4))
    for number, part in enumerate(steps):
        absent[number, part.causes] = part.moments
    blank = _Step(np.zeros(0, dtype=np.intp), np.zeros((0, 4)), np.zeros(n_causes), 0.0, np.zeros(4))
    every = [*steps, blank]
    return FindingTables(
        logs=network.finding_rows.astype(np.float32),
        logs_by_explanation=np.ascontiguousarray(network.finding_rows.T, dtype=np.float32),
        bends=_stack(bends, explanations.n_explanations),
        item_start=np.array(item_start, dtype=np.intp),
        item_step=np.array(item_step, dtype=np.intp),
        item_slope=np.array(item_slope, dtype=np.intp),
        slopes=_stack(slopes, explanations.n_explanations),
        entry_start=np.concatenate([[0], np.cumsum([len(step.causes) for step in every])]).astype(np.intp),
        entry_cause=np.concatenate([step.causes for step in every]),
        entry_moments=np.concatenate([step.moments for step in every]),
        absent_moments=absent,
        background=np.array([step.background for step in every]),
        background_moments=np.array([step.background_moments for step in every]),
        has_row=np.array([step.has_row for step in every]),
    )


class _Step(NamedTuple):
    """One cumulative probability of one finding: its judged links and its background."""

    causes: Indices
    moments: Floats
    has_row: Floats
    background: float
    background_moments: Floats


def _step(layout: JudgementLayout, position: int, finding: FindingSpec, step: int) -> _Step:
    """Collect the judgements behind one cumulative probability.

    Above the background d log P(X < s) / d logit p = -p; a suppressing cause alone gives the same.
    """
    rows, b = finding.cumulative[:, step], float(finding.background[step])
    links, own = layout.links[position][:, step], layout.backgrounds[position][step]
    judged = np.flatnonzero((links != NO_JUDGEMENT) & ~np.isnan(rows))
    judged = judged[np.isfinite(layout.point[links[judged]])]
    return _Step(
        causes=judged,
        moments=_moments(layout, links[judged], -rows[judged]),
        has_row=(~np.isnan(rows)).astype(np.float64),
        background=b,
        background_moments=np.zeros(4) if own == NO_JUDGEMENT else _moments(layout, own[None], 1.0)[0],
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
    spread = np.where(judged, layout.spread[positions], 0.0)
    direct = np.where(layout.is_replaced[setting], 0.0, current.to_share) * scale
    by_pair = pair_membership(network, layout) + network.membership @ current.to_pair
    bend = (network.membership @ direct) ** 2 @ spread + by_pair**2 @ layout.spread[layout.pairs[:, 2]]
    return PriorTables(
        log_prior=network.log_prior(setting).astype(np.float32),
        bend=bend.astype(np.float32),
        theta_bend=current.bend @ np.where(layout.is_replaced[setting], 0.0, spread),
        direct=np.concatenate([direct.T, current.to_pair.T]),
        context=np.concatenate([(elicited.to_share * scale).T, elicited.to_pair.T]),
        share_moments=np.where(judged[:, None], _moments(layout, positions, 1.0), 0.0),
        pair_place=place,
        pair_moments=_moments(layout, layout.pairs[:, 2], 1.0),
    )


def block_table(
    network: Network,
    layout: JudgementLayout,
    setting: int,
    block: Block,
    states: npt.NDArray[np.int8],
    *,
    whole: bool = False,
) -> BlockTable:
    """Lay out one pattern of known states of a block's members; `UNKNOWN` where not known.

    Frequencies and dependencies that hardly matter in this pattern are left out unless `whole`: then the tables
    of all patterns of a block have the same features.
    """
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
                change = implicit.to_margin[:, start + state] - implicit.to_margin[:, start + rest].sum(
                    axis=1
                )
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
    to_own = np.array(own_columns).reshape(len(own_positions), n_features).T
    surprise = implicit.features.T @ (known - cells)  # (n_features, n_explanations)
    swing = np.ptp(to_own.T @ surprise, axis=1)
    own = np.flatnonzero(
        whole
        | (swing * layout.sd[np.array(own_positions, dtype=np.intp)] * np.array(own_factor) > SMALL_SWING)
    )
    through = implicit.to_effect[
        :, np.array(effect_cause, dtype=np.intp), np.array(effect_feature, dtype=np.intp)
    ]
    rest = n_features - n_base
    tables = {
        "to_theta": np.concatenate([implicit.to_theta, np.zeros((rest, len(network.spec.causes)))]),
        "to_pair": np.concatenate([implicit.to_pair, np.zeros((rest, len(layout.pairs)))]),
        "to_own": to_own[:, own],
        "to_effect": np.concatenate([through, np.zeros((rest, len(effect_cause)))]),
    }
    kept = _needed_features(network, block, tables, np.array(effect_feature, dtype=np.intp), n_features)
    new_place = np.cumsum(np.isin(np.arange(n_features), kept)) - 1
    with np.errstate(divide="ignore"):
        log_known = np.log(total)
    bend = block_bend(network, layout, setting, block, implicit, known, cells, network.membership)
    return BlockTable(
        log_known=log_known.astype(np.float32),
        bend=bend.astype(np.float32),
        surprise=np.ascontiguousarray(surprise[kept], dtype=np.float32),
        to_theta=np.ascontiguousarray(tables["to_theta"][kept]),
        to_pair=np.ascontiguousarray(tables["to_pair"][kept]),
        to_own=np.ascontiguousarray(tables["to_own"][kept]),
        own_moments=_moments(layout, np.array(own_positions, dtype=np.intp), np.array(own_factor))[own],
        effect_feature=new_place[np.array(effect_feature, dtype=np.intp)],
        effect_cause=np.array(effect_cause, dtype=np.intp),
        to_effect=np.ascontiguousarray(tables["to_effect"][kept]),
        effect_moments=_moments(layout, np.array(effect_position, dtype=np.intp), 1.0),
    )


def _needed_features(
    network: Network, block: Block, tables: dict[str, Floats], effect_feature: Indices, n_features: int
) -> Indices:
    """Return the features to keep, with the others folded into them in place.

    The surprises of a member's states sum to 0: the one nobody judged an effect of is minus the sum of the
    others. What nothing depends on goes as well.
    """
    dropped = []
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        own = np.arange(start, start + network.n_states[context])
        free = own[~np.isin(own, effect_feature)]
        if len(free):
            dropped.append(int(free[0]))
            others = own[own != free[0]]
            for table in tables.values():
                table[others] -= table[free[0]]
    is_used = np.any([(np.abs(table) > 0).any(axis=1) for table in tables.values()], axis=0)
    is_used |= np.isin(np.arange(n_features), effect_feature)
    is_used[dropped] = False
    return np.flatnonzero(is_used)


class BlockTables(NamedTuple):
    """Many patterns one after the other: the fields of `BlockTable`, and where each pattern starts.

    `to_both` holds `to_theta` and `to_pair` side by side.
    """

    log_known: Singles
    bend: Singles
    feature_start: Indices
    surprise: Singles
    to_both: Floats
    own_start: Indices
    own_moments: Floats
    to_own_start: Indices
    to_own: Floats
    effect_start: Indices
    effect_feature: Indices
    effect_cause: Indices
    effect_moments: Floats
    to_effect_start: Indices
    to_effect: Floats


def stack_blocks(tables: Sequence[BlockTable]) -> BlockTables:
    """Put the tables of one pattern or more one after the other."""

    def starts(sizes: list[int]) -> Indices:
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)

    return BlockTables(
        log_known=np.stack([table.log_known for table in tables]),
        bend=np.stack([table.bend for table in tables]),
        feature_start=starts([len(table.surprise) for table in tables]),
        surprise=np.concatenate([table.surprise for table in tables]),
        to_both=np.concatenate([np.hstack([table.to_theta, table.to_pair]) for table in tables]),
        own_start=starts([len(table.own_moments) for table in tables]),
        own_moments=np.concatenate([table.own_moments for table in tables]),
        to_own_start=starts([table.to_own.size for table in tables]),
        to_own=np.concatenate([table.to_own.ravel() for table in tables]),
        effect_start=starts([len(table.effect_cause) for table in tables]),
        effect_feature=np.concatenate([table.effect_feature for table in tables]),
        effect_cause=np.concatenate([table.effect_cause for table in tables]),
        effect_moments=np.concatenate([table.effect_moments for table in tables]),
        to_effect_start=starts([table.to_effect.size for table in tables]),
        to_effect=np.concatenate([table.to_effect.ravel() for table in tables]),
    )
