"""Scores of a finding: derivatives of what is known of it by its links and backgrounds.

With B_t = P(X < t | H) and likelihoods L_s, the evidence is sum_s L_s (B_{s+1} - B_s); and
log B_t = log(1 - b_H) + sum over members of log(1 - lambda), see `thighdx.network.gates`. On the logit scale a link
p of a member moves log B by -p above the background and by -o (1 - p) below it, with o = b_H / (1 - b_H), and B''/B
is p (2 p - 1) and -o (1 - p) (1 - 2 p).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from thighdx.network.build import Network
from thighdx.network.explanations import Explanations
from thighdx.network.gates import log_below, log_state_probabilities
from thighdx.network.spec import FindingSpec, Floats
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.scores import PieceScores, holding, n_features, plain_weights

__all__ = ["finding_scores"]


def finding_scores(network: Network, layout: JudgementLayout, position: int, seen: Floats) -> PieceScores:
    """Differentiate what is known of a finding.

    Parameters
    ----------
    position : int
        Among the findings.
    seen : (n_states,) float64
        Likelihood of every state.
    """
    finding = network.spec.findings[position]
    slopes, log = _below_slopes(finding, network.explanations, seen)
    n_causes = network.explanations.n_causes
    parts = [_nothing(network)]
    for step in np.flatnonzero(seen[:-1] != seen[1:]).tolist():
        gate = _Gate.of(finding, network.explanations, step, slopes[step])
        parts.append(_links(network, layout, gate, layout.links[position][:, step]))
        own = int(layout.backgrounds[position][step])
        if own != NO_JUDGEMENT:
            parts.append(_background(network, layout, gate, own))
    plain, score = np.concatenate([p.plain for p in parts]), np.concatenate([p.plain_score for p in parts])
    # first the items about one cause, then those with a row, then multiples of memberships
    parts.sort(key=lambda part: (len(part.cause) == 0, len(part.rows) == 0))
    multiples = np.concatenate([part.multiples for part in parts])
    through = np.zeros((len(multiples), n_causes + n_features(network, layout)))
    through[:, :n_causes] = multiples
    return PieceScores(
        log=log,
        second_order=np.sum([part.second_order for part in parts], axis=0),
        position=np.concatenate([part.position for part in parts]),
        cause=np.concatenate([part.cause for part in parts]),
        local=np.concatenate([part.local for part in parts]),
        rows=np.concatenate([part.rows for part in parts])[:, holding(network)],
        row_slots=np.zeros(0, dtype=np.intp),
        slots=np.zeros(0, dtype=np.intp),
        level=np.zeros(0),
        through=csr_array(through),
        plain=plain,
        plain_score=score,
        plain_weight=plain_weights(layout, plain, score, n_causes),
    )


def _below_slopes(finding: FindingSpec, explanations: Explanations, seen: Floats) -> tuple[Floats, Floats]:
    """Return d log P(known | H) / d log P(X < s | H), (n_states - 1, n_explanations), and log P(known | H)."""
    log_states = log_state_probabilities(finding, explanations)
    evidence = np.einsum("s,sh->h", seen, np.exp(log_states))
    with np.errstate(divide="ignore"):
        log = log_states[int(np.argmax(seen))] if seen.sum() == seen.max() == 1 else np.log(evidence)
    drop = (seen[:-1] - seen[1:])[:, None] * np.exp(log_below(finding, explanations))
    return np.divide(drop, evidence, out=np.zeros_like(drop), where=evidence > 0), log


@dataclass(frozen=True, slots=True, eq=False)
class _Gate:
    """One step of a finding: its background, the rows above and below it, and what the evidence makes of them.

    Attributes
    ----------
    p : (n_causes,) float64
        Rows; 0 where there is none.
    is_above, is_below : (n_causes,) bool
        Both False where there is no row: it counts as background and moves with it.
    odds, slope : (n_explanations,) float64
        b_H / (1 - b_H), and d log P(known | H) / d log B.
    is_flat : bool
        The slope is the same in every explanation.
    """

    background: float
    p: Floats
    is_above: npt.NDArray[np.bool_]
    is_below: npt.NDArray[np.bool_]
    odds: Floats
    slope: Floats
    is_flat: bool

    @classmethod
    def of(cls, finding: FindingSpec, explanations: Explanations, step: int, slope: Floats) -> _Gate:
        """Read one step off a finding."""
        b, rows = float(finding.background[step]), finding.cumulative[:, step]
        is_above, is_below = rows >= b, rows < b
        p = np.where(is_above | is_below, rows, 0.0)
        with np.errstate(divide="ignore"):
            logs = np.where(is_below, np.log(np.where(is_below, rows, 1.0)) - np.log(b), 0.0)
        left = b * np.exp(explanations.sum_over_members(logs))
        return cls(b, p, is_above, is_below, left / (1 - left), slope, bool((slope == slope[0]).all()))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some judgements of a finding; as in `PieceScores`, `multiples` of the membership of each cause."""

    second_order: Floats
    position: Indices
    cause: Indices
    local: Floats
    rows: Floats
    multiples: Floats
    plain: Indices
    plain_score: Floats


def _nothing(network: Network) -> _Part:
    """Return a part without judgements."""
    explanations = network.explanations
    none = np.zeros(0, dtype=np.intp)
    return _Part(
        second_order=np.zeros(explanations.n_explanations),
        position=none,
        cause=none,
        local=np.zeros((0, holding(network).shape[1])),
        rows=np.zeros((0, explanations.n_explanations)),
        multiples=np.zeros((0, explanations.n_causes)),
        plain=np.zeros((0, 2), dtype=np.intp),
        plain_score=np.zeros(0),
    )


def _links(network: Network, layout: JudgementLayout, gate: _Gate, links: Indices) -> _Part:
    """Differentiate by the links of one step."""
    explanations, p = network.explanations, gate.p
    judged = (links != NO_JUDGEMENT) & (gate.is_above | gate.is_below) & np.isfinite(layout.point[links])
    plain = judged & gate.is_above & gate.is_flat
    causes = np.flatnonzero(judged & ~plain)
    sets = holding(network)[causes]
    suppressed = np.where(gate.is_above[causes, None], 1.0, gate.odds[sets])
    scores = np.where(gate.is_above, -p, p - 1)[causes, None] * gate.slope[sets] * suppressed
    spread = np.where(judged, layout.spread[links], 0.0)
    above = explanations.sum_over_members(np.where(gate.is_above, spread * p * (2 * p - 1), 0.0))
    below = explanations.sum_over_members(np.where(gate.is_below, spread * (1 - p) * (1 - 2 * p), 0.0))
    return replace(
        _nothing(network),
        second_order=gate.slope * (above - gate.odds * below),
        position=links[causes],
        cause=causes,
        local=scores,
        multiples=np.zeros((len(causes), explanations.n_causes)),
        plain=np.stack([np.flatnonzero(plain), links[plain]], axis=1),
        plain_score=-gate.slope[0] * p[plain],
    )


def _background(network: Network, layout: JudgementLayout, gate: _Gate, position: int) -> _Part:
    """Differentiate by the background of one step; rows that are missing move with it."""
    explanations, b, odds = network.explanations, gate.background, gate.odds
    n_above = explanations.sum_over_members(gate.is_above.astype(np.float64))
    part = 1.0 - explanations.sum_over_members(gate.is_below.astype(np.float64))
    first = b * n_above - odds * (1 - b) * part
    suppressed = (1 - b) * part
    second = b * (1 - b) * (n_above + odds * part) - odds * (1 + odds) * suppressed**2
    second_order = gate.slope * (second + first**2)
    if gate.is_flat and not gate.is_below.any():  # a multiple of memberships, once a constant is taken away
        row = gate.slope[0] * b * n_above
        second_order += row**2 - (gate.slope * first) ** 2
        rows, multiples = np.zeros((0, len(second_order))), gate.slope[0] * b * gate.is_above
    else:
        rows, multiples = (gate.slope * first)[None], np.zeros(len(gate.p))
    return replace(
        _nothing(network),
        second_order=layout.spread[position] * second_order,
        position=np.array([position], dtype=np.intp),
        rows=rows,
        multiples=multiples[None],
    )
