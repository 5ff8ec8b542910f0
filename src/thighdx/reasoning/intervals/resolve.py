"""Base parameters solved again for every draw: many small Newton iterations side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from thighdx.arrays import below_peak, softmax
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.solve import solve_many
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.draws import MAX_TRIES, DrawChunk, redraw
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.margins import pair_membership, share_margins

__all__ = ["BlockDraws", "block_scores", "log_prior_draws", "solved_block", "solved_theta"]

# Margins of a draw are met to this; a draw whose margins are missed by more than `UNSOLVED` is drawn again.
DRAW_TOLERANCE = 1e-10
UNSOLVED = 1e-8
# How often other frequencies are drawn: where shares and effects leave room for hardly any, more would not help.
BLOCK_TRIES = 40
# Share of the prior mass that the margins of a context's factors are summed over.
MARGIN_MASS = 0.9999
# Numbers worked on at once when a block is solved: 64 MB.
CELLS_AT_ONCE = 8_000_000


# ---- shares ------------------------------------------------------------------------------------------


def solved_theta(
    network: Network, layout: JudgementLayout, chunk: DrawChunk, setting: int, *, elicited: bool = False
) -> Floats:
    """Return theta of every draw, (n_draws, n_causes), solved at first use.

    Parameters
    ----------
    elicited : bool
        With the elicited shares also where a user replaced some, as in `share_margins`.
    """
    elicited = elicited and bool(layout.is_replaced[setting].any())
    key = ("theta", setting, elicited)
    with chunk.lock:
        found = chunk.solved.get(key)
        if not isinstance(found, np.ndarray):
            chunk.solved[key] = found = _solve_theta(network, layout, chunk, setting, elicited)
    return found


def _solve_theta(
    network: Network, layout: JudgementLayout, chunk: DrawChunk, setting: int, elicited: bool
) -> Floats:
    positions = layout.shares[setting]
    own = (positions == NO_JUDGEMENT) | (layout.is_replaced[setting] & (not elicited))
    shares = np.where(own, network.spec.shares[setting], chunk.values[:, positions])
    members = network.membership
    scores = _pair_scores(network, layout, chunk)
    factor = below_peak(scores)[:, None, :]
    point = share_margins(network, layout, setting, elicited=elicited).prior @ members
    start = network.solved.theta[setting] + np.log(shares / point)
    return solve_many(factor, members, np.ones((len(start), 1)), shares, start, target=DRAW_TOLERANCE)[0]


def _pair_scores(network: Network, layout: JudgementLayout, chunk: DrawChunk) -> Floats:
    """Return the sum of log odds ratios over the pairs inside every explanation, (n_draws, n_explanations)."""
    both = csr_array(pair_membership(network, layout))
    return np.asarray((both @ chunk.working[:, layout.pairs[:, 2]].T).T)


def log_prior_draws(
    network: Network, layout: JudgementLayout, chunk: DrawChunk, theta: Floats, explanation_idx: Indices
) -> Floats:
    """Return log P(H) up to a constant per draw, (n_draws, n_chosen)."""
    both = csr_array(pair_membership(network, layout)[explanation_idx])
    pairs = (both @ chunk.working[:, layout.pairs[:, 2]].T).T
    return np.asarray(theta @ network.membership[explanation_idx].T + pairs)


# ---- contexts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class BlockDraws:
    """Factors of one block in one setting for every draw.

    Attributes
    ----------
    log_base : (n_draws, n_cells) float64
        Log of the solved factors times the dependency factors.
    odds : tuple over members of (n_draws, n_causes + 1, n_states) float64
        Odds ratios of every cause; the last row, for an empty place, is 1.
    """

    log_base: Floats
    odds: tuple[Floats, ...]


def solved_block(
    network: Network, layout: JudgementLayout, chunk: DrawChunk, setting: int, block: Block
) -> BlockDraws:
    """Return the factors of a block, solved at first use.

    Draws whose frequencies no factors reproduce get other frequencies, counted in `DrawChunk.redrawn`.
    """
    key = ("block", setting, block.context_idx)
    with chunk.lock:
        found = chunk.solved.get(key)
        if not isinstance(found, BlockDraws):
            chunk.solved[key] = found = _solve_block(network, layout, chunk, setting, block)
    return found


def _solve_block(
    network: Network, layout: JudgementLayout, chunk: DrawChunk, setting: int, block: Block
) -> BlockDraws:
    odds = tuple(_odds_draws(network, layout, chunk, context) for context in block.context_idx)
    dependency = _dependency_draws(layout, chunk, block)
    classes, weights = _classes(network, layout, chunk, setting, odds)
    members = [network.spec.contexts[context] for context in block.context_idx]
    columns = [layout.frequencies[context][setting] for context in block.context_idx]
    used = np.concatenate([c[c != NO_JUDGEMENT] for c in columns])
    features, places, start = _base_features(block, [m.frequency[setting] for m in members])
    log_base = np.empty((len(chunk.values), len(block.cells)))
    rng = chunk.rng(3, setting, block.context_idx[0])
    size = max(1, CELLS_AT_ONCE // (len(classes) * len(block.cells)))
    open_rows = np.arange(len(chunk.values))
    for attempt in range(BLOCK_TRIES):
        unsolved = []
        for first in range(0, len(open_rows), size):
            rows = open_rows[first : first + size]
            margins = np.stack(
                [_frequency(chunk.values[rows], columns[slot], s) for slot, s in places], axis=1
            )
            tilt = _products(classes, [o[rows] for o in odds], block)  # (n_rows, n_classes, n_cells)
            rest = np.maximum(1.0 - margins.sum(axis=1, keepdims=True), 0.1)
            theta, error = solve_many(
                tilt * np.exp(dependency[rows] + start)[:, None, :],
                features,
                weights[rows],
                margins,
                np.log(margins / rest),
                target=DRAW_TOLERANCE,
            )
            log_base[rows] = start + theta @ features.T + dependency[rows]
            unsolved.append(rows[error > UNSOLVED])
        open_rows = np.concatenate(unsolved)
        if len(open_rows) == 0:
            break
        chunk.redrawn["frequencies"] += len(open_rows) if attempt == 0 else 0
        _other_frequencies(layout, chunk, rng, open_rows, used, columns)
    else:
        chunk.redrawn["frequencies_left"] += len(open_rows)
    return BlockDraws(log_base, odds)


def _other_frequencies(
    layout: JudgementLayout,
    chunk: DrawChunk,
    rng: np.random.Generator,
    rows: Indices,
    used: Indices,
    columns: list[Indices],
) -> None:
    """Draw the frequencies of a block again, each variable's below 1 in sum."""
    for _ in range(MAX_TRIES):
        redraw(layout, chunk, rng, rows, used)
        sums = np.stack([chunk.values[rows][:, c[c != NO_JUDGEMENT]].sum(axis=1) for c in columns])
        rows = rows[(sums >= 1).any(axis=0)]
        if len(rows) == 0:
            break
    values = chunk.values[:, used]
    chunk.working[:, used] = np.log(values) - np.log1p(-values)


def _odds_draws(network: Network, layout: JudgementLayout, chunk: DrawChunk, context: int) -> Floats:
    """Return odds ratios of every cause and state, (n_draws, n_causes + 1, n_states)."""
    effects = layout.effects[context]
    spec = network.spec.contexts[context].odds_ratio
    drawn = np.where(effects == NO_JUDGEMENT, spec, chunk.values[:, effects])
    return np.concatenate([drawn, np.ones((len(drawn), 1, drawn.shape[2]))], axis=1)


def _dependency_draws(layout: JudgementLayout, chunk: DrawChunk, block: Block) -> Floats:
    """Return the log dependency factor of every cell, (n_draws, n_cells)."""
    slots = {context: slot for slot, context in enumerate(block.context_idx)}
    logs = np.tile(block.log_dependency, (len(chunk.values), 1))
    for a, state_a, b, state_b, position in layout.dependencies:
        if int(a) in slots:
            is_there = (block.cells[:, slots[int(a)]] == state_a) & (block.cells[:, slots[int(b)]] == state_b)
            logs[:, is_there] += (chunk.working[:, position] - layout.point[position])[:, None]
    return logs


def _base_features(block: Block, frequencies: list[Floats]) -> tuple[Floats, list[tuple[int, int]], Floats]:
    """Return one 0/1 column per solved factor, what each stands for, and -inf for cells that never occur."""
    columns, places = [], []
    start = np.zeros(len(block.cells))
    for slot, frequency in enumerate(frequencies):
        states = block.cells[:, slot]
        start[frequency[states] <= 0] = -np.inf
        for state in np.flatnonzero(frequency > 0):
            if state != int(np.argmax(frequency)):
                columns.append(states == state)
                places.append((slot, int(state)))
    features = np.array(columns, dtype=np.float64).reshape(len(columns), len(block.cells)).T
    return features, places, start


def _frequency(values: Floats, columns: Indices, state: int) -> Floats:
    """Return the drawn frequency of one state; the state nobody rated takes the rest."""
    if columns[state] != NO_JUDGEMENT:
        return np.asarray(values[:, columns[state]])
    return np.asarray(1.0 - values[:, columns[columns != NO_JUDGEMENT]].sum(axis=1))


def _classes(
    network: Network, layout: JudgementLayout, chunk: DrawChunk, setting: int, odds: tuple[Floats, ...]
) -> tuple[Indices, Floats]:
    """Lump explanations that differ only in causes the block has nothing to do with.

    Returns
    -------
    (n_classes, max_causes) intp, (n_draws, n_classes) float64
        Members that matter, and P(class), over `MARGIN_MASS` of the mass.
    """
    prior = share_margins(network, layout, setting, elicited=True).prior
    classes, class_idx = relevant_classes(network.explanations, odds)
    mass = np.bincount(class_idx, weights=prior, minlength=len(classes))
    falling = np.argsort(-mass, kind="stable")
    n_kept = int(np.searchsorted(np.cumsum(mass[falling]), MARGIN_MASS)) + 1
    kept = np.sort(falling[:n_kept])
    theta = solved_theta(network, layout, chunk, setting, elicited=True)
    every = np.arange(network.explanations.n_explanations)
    weights = softmax(log_prior_draws(network, layout, chunk, theta, every))
    lump = csr_array((np.ones(len(class_idx)), (class_idx, every)), shape=(len(classes), len(class_idx)))
    lumped = np.asarray((lump[kept] @ weights.T).T)
    return classes[kept], lumped / lumped.sum(axis=1, keepdims=True)


def relevant_classes(explanations: Explanations, odds: tuple[Floats, ...]) -> tuple[Indices, Indices]:
    """Return the distinct sets of members with an odds ratio other than 1, and the one of every explanation."""
    matters = np.any([(table != 1).any(axis=(0, 2)) for table in odds], axis=0)  # (n_causes + 1,)
    none = explanations.n_causes
    members = np.sort(np.where(matters[explanations.members], explanations.members, none), axis=1)
    code = members @ ((none + 1) ** np.arange(members.shape[1]))
    _, first, class_idx = np.unique(code, return_index=True, return_inverse=True)
    return members[first], class_idx.reshape(-1)


def _products(classes: Indices, odds: list[Floats], block: Block) -> Floats:
    """Return the product of odds ratios over members, (n_draws, n_classes, n_cells)."""
    total: Floats | None = None
    for slot, table in enumerate(odds):
        own = table[:, classes[:, 0]]
        for place in range(1, classes.shape[1]):
            own = own * table[:, classes[:, place]]  # (n_draws, n_classes, n_states)
        own = own[:, :, block.cells[:, slot]]
        total = own if total is None else total * own
    if total is None:
        raise ValueError("got a block without members")
    return total


def block_scores(block: Block, solved: BlockDraws, classes: Indices, seen: Floats) -> Floats:
    """Return log P(what is known of a block | class), (n_draws, n_classes).

    Parameters
    ----------
    seen : (n_cells,) float64
        Likelihood of every cell.
    """
    base = below_peak(solved.log_base)
    out = np.empty((len(base), len(classes)))
    size = max(1, CELLS_AT_ONCE // max(1, len(classes) * len(block.cells)))
    both = np.stack([base * seen, base], axis=2)  # (n_draws, n_cells, 2)
    for first in range(0, len(base), size):
        rows = slice(first, first + size)
        tilt = _products(classes, [table[rows] for table in solved.odds], block)
        sums = np.matmul(tilt, both[rows])  # (n_rows, n_classes, 2)
        with np.errstate(divide="ignore"):
            out[rows] = np.log(sums[:, :, 0]) - np.log(sums[:, :, 1])
    return out
