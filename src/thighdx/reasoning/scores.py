"""How the log probability of one piece of evidence moves with every judgement behind it.

A piece is the evidence about one finding, or about one block of contexts. For every judgement x behind it the
*score* s(H) = d log P(piece | H) / d x is wanted for every explanation H. Most judgements are about one cause, a
link or an effect, and touch only the explanations that hold it: their scores are kept for those alone. What
remains (backgrounds, frequencies, dependencies, and what effects do by way of the solved factors of a block)
is a sum of few *features*, functions of H that judgements share.

The *bend* of a piece is the sum over its judgements of spread times P''/P, the second-order part of the delta
method (see `thighdx.reasoning.delta`). What is known of a finding is linear in each P(X < t | H), so P''/P is as
simple as P'/P. Left out are second derivatives of the factors of contexts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.gates import log_below, log_state_probabilities
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.margins import BlockMargins, block_cells, block_margins, feature_starts

__all__ = ["PieceScores", "block_scores", "finding_scores", "holding", "slot_starts", "without_first"]


@dataclass(frozen=True, slots=True, eq=False)
class PieceScores:
    """Scores of one piece of evidence.

    Attributes
    ----------
    log : (n_explanations,) float64
        log P(piece | H).
    bend : (n_explanations,) float64
    position : (n_items,) intp
        The judgement of every item: first those of `local`, then those of the leading `rows`, then those that
        only move features.
    cause : (n_local,) intp
    local : (n_local, n_holding) float64
        Scores on the explanations that hold the cause, in the order of `holding`.
    rows : (n_rows, n_explanations) float64
        Scores on all explanations: of items, then of the features `slots`.
    slots : (n_slots,) intp
        Features that the last rows stand for.
    through : (n_items, n_causes + n_features) sparse
        What is to be added to the scores: multiples of the membership of each cause, and of features.
    plain : (n_plain, 2) intp
        Cause and judgement of links whose score is the same in every explanation with the cause.
    plain_score : (n_plain,) float64
    plain_weight : (n_causes, 4) float64
        Sums over those of a cause: score2 variance, score3 third moment, score shift, score2 spread.
    """

    log: Floats
    bend: Floats
    position: Indices
    cause: Indices
    local: Floats
    rows: Floats
    slots: Indices
    through: csr_array
    plain: Indices
    plain_score: Floats
    plain_weight: Floats


def holding(network: Network) -> Indices:
    """Return the explanations that hold each cause, (n_causes, n_holding).

    With up to two causes they are ordered by the other one, the cause alone standing in its own place.
    """
    return network.once("holding", lambda: _holding(network))


def _holding(network: Network) -> Indices:
    explanations = network.explanations
    n = explanations.n_causes
    if explanations.max_causes != 2:
        return np.nonzero(network.membership.T)[1].reshape(n, -1)
    found = np.empty((n, n), dtype=np.intp)
    first, second = explanations.members.T
    second = np.where(second == n, first, second)
    found[first, second] = found[second, first] = np.arange(len(first))
    return found


def slot_starts(network: Network) -> Indices:
    """Return the first feature of every context: one feature per state but the first, (n_contexts + 1,)."""
    return np.concatenate([[0], np.cumsum(network.n_states[: network.n_contexts] - 1)]).astype(np.intp)


# ---- findings ----------------------------------------------------------------------------------------


def finding_scores(network: Network, layout: JudgementLayout, position: int, seen: Floats) -> PieceScores:
    """Differentiate what is known of a finding.

    With B_t = P(X < t | H) and likelihoods L_s, the evidence is sum_s L_s (B_{s+1} - B_s); and
    log B_t = log(1 - b_H) + sum over members of log(1 - lambda), see `thighdx.network.gates`. On the logit scale
    a link p of a member moves log B by -p above the background and by -o (1 - p) below it, o = b_H / (1 - b_H),
    and B''/B is p (2 p - 1) and -o (1 - p) (1 - 2 p).

    Parameters
    ----------
    position : int
        Among the findings.
    seen : (n_states,) float64
        Likelihood of every state.
    """
    finding = network.spec.findings[position]
    slopes, log = _below_slopes(finding, network.explanations, seen)
    piece = _FindingParts(network, layout, log)
    for step in np.flatnonzero(seen[:-1] != seen[1:]).tolist():
        piece.add(
            finding, layout.links[position][:, step], layout.backgrounds[position][step], step, slopes[step]
        )
    return piece.scores()


def _below_slopes(finding: FindingSpec, explanations: Explanations, seen: Floats) -> tuple[Floats, Floats]:
    """Return d log P(known | H) / d log P(X < s | H), (n_states - 1, n_explanations), and log P(known | H)."""
    log_states = log_state_probabilities(finding, explanations)
    evidence = np.einsum("s,sh->h", seen, np.exp(log_states))
    with np.errstate(divide="ignore"):
        log = log_states[int(np.argmax(seen))] if seen.sum() == seen.max() == 1 else np.log(evidence)
    drop = (seen[:-1] - seen[1:])[:, None] * np.exp(log_below(finding, explanations))
    return np.divide(drop, evidence, out=np.zeros_like(drop), where=evidence > 0), log


class _FindingParts:
    """Collects the scores of one finding, step by step."""

    def __init__(self, network: Network, layout: JudgementLayout, log: Floats) -> None:
        self.network, self.layout, self.log = network, layout, log
        self.bend = np.zeros(network.explanations.n_explanations)
        self.local: list[tuple[Indices, Indices, Floats]] = []  # causes, positions, scores
        self.backgrounds: list[tuple[int, Floats | None, Floats]] = []  # position, row, multiples of members
        self.plain: list[tuple[Indices, Indices, Floats]] = []

    def add(self, finding: FindingSpec, links: Indices, background: int, step: int, slope: Floats) -> None:
        """Add the links and the background of one step."""
        layout, explanations = self.layout, self.network.explanations
        b, rows = float(finding.background[step]), finding.cumulative[:, step]
        is_above, is_below = rows >= b, rows < b  # False where NaN: no row counts as background
        p = np.where(is_above | is_below, rows, 0.0)
        with np.errstate(divide="ignore"):
            logs = np.where(is_below, np.log(np.where(is_below, rows, 1.0)) - np.log(b), 0.0)
        left = b * np.exp(explanations.sum_over_members(logs))
        odds = left / (1 - left)
        judged = (links != NO_JUDGEMENT) & (is_above | is_below) & np.isfinite(layout.point[links])
        spread = np.where(judged, layout.spread[links], 0.0)
        # links
        is_flat = bool((slope == slope[0]).all())
        plain = judged & is_above & is_flat
        self.plain.append((np.flatnonzero(plain), links[plain], -slope[0] * p[plain]))
        causes = np.flatnonzero(judged & ~plain)
        sets = holding(self.network)[causes]
        factor = np.where(is_above, -p, p - 1)[causes, None]
        scores = factor * slope[sets] * np.where(is_above[causes, None], 1.0, odds[sets])
        self.local.append((causes, links[causes], scores))
        above = explanations.sum_over_members(np.where(is_above, spread * p * (2 * p - 1), 0.0))
        below = explanations.sum_over_members(np.where(is_below, spread * (1 - p) * (1 - 2 * p), 0.0))
        bend = above - odds * below
        # background
        if background != NO_JUDGEMENT:
            n_above = explanations.sum_over_members(is_above.astype(np.float64))
            part = 1.0 - explanations.sum_over_members(is_below.astype(np.float64))
            first = b * n_above - odds * (1 - b) * part
            second = (
                n_above * b * (1 - b) - odds * (1 + odds) * ((1 - b) * part) ** 2 + odds * b * (1 - b) * part
            )
            bend = bend + layout.spread[background] * (second + first**2)
            if is_flat and not is_below.any():  # a multiple of memberships, once a constant is taken away
                self.backgrounds.append((background, None, slope[0] * b * is_above))
                plain_row = slope[0] * b * n_above
                self.bend += layout.spread[background] * (plain_row**2 - (slope * first) ** 2)
            else:
                self.backgrounds.append((background, slope * first, np.zeros(len(rows))))
        self.bend += slope * bend

    def scores(self) -> PieceScores:
        """Put everything together."""
        n_causes = self.network.explanations.n_causes
        n_features = int(slot_starts(self.network)[-1])
        cause, position, local = _joined(self.local, holding(self.network).shape[1])
        with_row = [item for item in self.backgrounds if item[1] is not None]
        without = [item for item in self.backgrounds if item[1] is None]
        rows = np.array([item[1] for item in with_row]).reshape(-1, len(self.bend))
        multiples = np.zeros((len(position) + len(self.backgrounds), n_causes + n_features))
        for i, item in enumerate(without):
            multiples[len(position) + len(with_row) + i, :n_causes] = item[2]
        own = np.array([item[0] for item in (*with_row, *without)], dtype=np.intp)
        plain_cause, plain_position, plain_score = (np.concatenate(x) for x in zip(*self.plain, strict=True))
        return PieceScores(
            log=self.log,
            bend=self.bend,
            position=np.concatenate([position, own]),
            cause=cause,
            local=local,
            rows=rows,
            slots=np.zeros(0, dtype=np.intp),
            through=csr_array(multiples),
            plain=np.stack([plain_cause, plain_position], axis=1),
            plain_score=plain_score,
            plain_weight=_plain_weight(self.layout, plain_cause, plain_position, plain_score, n_causes),
        )


def _joined(parts: list[tuple[Indices, Indices, Floats]], width: int) -> tuple[Indices, Indices, Floats]:
    """Concatenate causes, positions and scores."""
    empty = np.zeros(0, dtype=np.intp)
    return (
        np.concatenate([empty, *(part[0] for part in parts)]),
        np.concatenate([empty, *(part[1] for part in parts)]),
        np.concatenate([np.zeros((0, width)), *(part[2] for part in parts)]),
    )


def _plain_weight(
    layout: JudgementLayout, cause: Indices, position: Indices, score: Floats, n_causes: int
) -> Floats:
    """Return what the plain links of every cause add to the sums over judgements, (n_causes, 4)."""
    own = np.stack(
        [
            score**2 * layout.sd[position] ** 2,
            score**3 * layout.third[position],
            score * layout.shift[position],
            score**2 * layout.spread[position],
        ]
    )
    return np.stack([np.bincount(cause, weights=w, minlength=n_causes) for w in own], axis=1)


# ---- blocks of contexts --------------------------------------------------------------------------------


def block_scores(
    network: Network, layout: JudgementLayout, setting_idx: int, block: Block, seen: Floats
) -> PieceScores:
    """Differentiate what is known of a block of contexts.

    An odds ratio, a factor or a dependency x multiplies some cells; then s(H) is the share of those cells given
    what is known minus their share without, and P''/P is s2 plus the difference of the two variances.

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
    surprise = np.asarray(shares @ known) - np.asarray(shares @ cells)  # (n_features, n_explanations)
    items = _block_items(network, layout, setting_idx, block, margins)
    slots, kept = _slots(network, block)
    rows = np.concatenate([surprise[margins.n_base :], surprise[kept]])
    spread = layout.spread[items.position]
    bend = _block_bend(network, margins, items, spread, known=known, cells=cells, surprise=surprise)
    with np.errstate(divide="ignore"):
        log = np.log(total)
    nothing = np.zeros(0, dtype=np.intp)
    n_causes = network.explanations.n_causes
    return PieceScores(
        log=log,
        bend=bend,
        position=items.position,
        cause=items.cause,
        local=surprise[items.feature[:, None], holding(network)[items.cause]],
        rows=rows,
        slots=slots,
        through=_through(network, block, items, slots),
        plain=np.zeros((0, 2), dtype=np.intp),
        plain_score=np.zeros(0),
        plain_weight=_plain_weight(layout, nothing, nothing, np.zeros(0), n_causes),
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


def _slots(network: Network, block: Block) -> tuple[Indices, Indices]:
    """Return the features of a block, and the columns of its surprise they are: all states but the first."""
    starts, base = slot_starts(network), feature_starts(network, block)
    counts = network.n_states[list(block.context_idx)]
    slots = [starts[v] + np.arange(n - 1) for v, n in zip(block.context_idx, counts, strict=True)]
    kept = [start + np.arange(1, n) for start, n in zip(base, counts, strict=True)]
    return np.concatenate(slots).astype(np.intp), np.concatenate(kept).astype(np.intp)


def without_first(network: Network, block: Block, through: Floats) -> Floats:
    """Turn multiples of the surprise of all states into those of all but the first, as they sum to 0."""
    out = []
    for start, context in zip(feature_starts(network, block), block.context_idx, strict=True):
        own = through[:, start : start + network.n_states[context]]
        out.append(own[:, 1:] - own[:, :1])
    return np.concatenate(out, axis=1)


def _through(network: Network, block: Block, items: _BlockItems, slots: Indices) -> csr_array:
    """Return what items add by way of features, (n_items, n_causes + n_features) sparse."""
    n_causes, n_features = network.explanations.n_causes, int(slot_starts(network)[-1])
    dense = np.zeros((len(items.position), n_causes + n_features))
    dense[:, n_causes + slots] = without_first(network, block, items.through)
    return csr_array(dense)


def _block_bend(
    network: Network,
    margins: BlockMargins,
    items: _BlockItems,
    spread: Floats,
    *,
    known: Floats,
    cells: Floats,
    surprise: Floats,
) -> Floats:
    """Return the sum over the judgements of one block of spread times P''/P, (n_explanations,)."""
    base = margins.features[:, : margins.n_base]
    n_effects = len(items.cause)
    through = items.through @ surprise[: margins.n_base]  # (n_items, n_explanations)
    # effects: a score that depends on the explanation
    has = network.membership[:, items.cause].T
    mean, plain = (base.T @ known)[items.feature], (base.T @ cells)[items.feature]
    first = through[:n_effects] + has * (mean - plain)
    second = has * (mean * (1 - mean) - plain * (1 - plain))
    bend = np.asarray(spread[:n_effects] @ (first**2 + second))
    # dependencies and frequencies: every cell has a score whatever the explanation
    scores = base @ items.through[n_effects:].T  # (n_cells, n)
    scores[:, : len(margins.dependency_idx)] += margins.features[:, margins.n_base :]
    means, bases = scores.T @ known, scores.T @ cells
    squares = (scores**2).T @ (known - cells)
    return np.asarray(bend + spread[n_effects:] @ (squares - means**2 + bases**2 + (means - bases) ** 2))
