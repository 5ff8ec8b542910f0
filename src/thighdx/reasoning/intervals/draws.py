"""Draws of every judgement at once: one panel per judgement, then a value from its distribution.

Draws depend on the seed alone, not on the case: two cases, or one case before and after an answer, are compared
under the same draws. They come in chunks that are kept with the network; the first 200 of 2,000 draws are the
200 draws of the same seed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.distribution import Floats, to_working
from thighdx.elicitation.pool import sample_mixtures
from thighdx.network.build import Network
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout

__all__ = ["CHUNK", "MAX_TRIES", "DrawChunk", "draw_chunk", "redraw"]

CHUNK = 200
"""Draws made and solved together."""
MAX_TRIES = 200
"""How often values that contradict one another are drawn again."""
# Chunks kept: about 12 MB each for 3,900 judgements, so that 2,000 draws are solved once.
MAX_KEPT = 10


@dataclass(frozen=True, slots=True, eq=False)
class DrawChunk:
    """Up to `CHUNK` draws of all judgements; what contradicts itself has been drawn again.

    Attributes
    ----------
    values : (n_draws, n_judgements) float64
        Probabilities and odds ratios.
    working : (n_draws, n_judgements) float64
        The same on the working scale.
    redrawn : Counter
        Draws in which something was drawn again, by reason: ``shares`` (their sum left no room for one to
        `max_causes` causes), ``frequencies`` (they summed to 1 or more, or no factors reproduce them),
        ``backgrounds`` and ``links`` (cumulative rows that rose with the state). A reason ending in
        ``_left`` counts those that still contradicted themselves after `MAX_TRIES` (40 where no factors
        reproduce frequencies).
    solved : dict
        Base parameters made at first use.
    """

    seed: int
    number: int
    n_draws: int
    values: Floats
    working: Floats
    redrawn: Counter[str]
    solved: dict[Hashable, object] = field(default_factory=dict, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def rng(self, *purpose: int) -> np.random.Generator:
        """Return a stream of its own for one purpose."""
        return np.random.default_rng([self.seed, self.number, *purpose])


def draw_chunk(
    network: Network, layout: JudgementLayout, *, seed: int, number: int, n_draws: int
) -> DrawChunk:
    """Return one chunk of draws, made at first use.

    Parameters
    ----------
    seed : int
        0 or more.
    number : int
        Which chunk of the seed, from 0.
    n_draws : int
        1 to `CHUNK`.
    """
    key = (seed, number, n_draws)
    kept = network.cache.get("judgement_draws")
    if not isinstance(kept, tuple) or kept[0] is not layout:
        kept = (layout, {})
        network.cache["judgement_draws"] = kept
    chunks: dict[tuple[int, int, int], DrawChunk] = kept[1]
    chunk = chunks.get(key)
    if chunk is None:
        chunk = _make(network, layout, seed, number, n_draws)
        while len(chunks) >= MAX_KEPT:
            chunks.pop(next(iter(chunks)), None)
        chunks[key] = chunk
    return chunk


def _make(network: Network, layout: JudgementLayout, seed: int, number: int, n_draws: int) -> DrawChunk:
    """Draw everything, then draw again what contradicts itself."""
    values = sample_mixtures(layout.mixtures, np.random.default_rng([seed, number, 0]), CHUNK)
    # always a whole chunk, of which the first draws are used: fewer draws are not other draws
    chunk = DrawChunk(seed, number, n_draws, values, np.empty_like(values), Counter())
    rng = chunk.rng(1)
    for position, finding in enumerate(network.spec.findings):
        if len(finding.states) > 2:
            _order_finding(layout, chunk, rng, position, finding.background)
    for setting in range(len(network.spec.settings)):
        _fit_shares(network, layout, chunk, setting)
        for context in range(network.n_contexts):
            _fit_frequencies(layout, chunk, rng, layout.frequencies[context][setting])
    chunk.working[:] = np.where(
        layout.is_odds_ratio,
        to_working(values, "odds_ratio"),
        to_working(np.where(layout.is_odds_ratio, 0.5, values), "probability"),
    )
    used = values[:n_draws].copy(), chunk.working[:n_draws].copy()
    return DrawChunk(seed, number, n_draws, *used, chunk.redrawn)


def redraw(
    layout: JudgementLayout, chunk: DrawChunk, rng: np.random.Generator, rows: Indices, columns: Indices
) -> None:
    """Draw some judgements again in some draws."""
    fresh = sample_mixtures([layout.mixtures[i] for i in columns], rng, len(rows))
    chunk.values[np.ix_(rows, columns)] = fresh


def _order_finding(
    layout: JudgementLayout, chunk: DrawChunk, rng: np.random.Generator, position: int, background: Floats
) -> None:
    """Make cumulative backgrounds and every cause's cumulative row fall from state to state."""
    at = layout.backgrounds[position]
    _until_falling(
        layout, chunk, rng, at, np.broadcast_to(background, (len(chunk.values), len(at))), "backgrounds"
    )
    drawn = _or_else(chunk.values, at, background)
    for row in layout.links[position]:
        if (row != NO_JUDGEMENT).any():
            _until_falling(layout, chunk, rng, row, drawn, "links")


def _or_else(values: Floats, columns: Indices, other: Floats) -> Floats:
    """Return the drawn values, or `other` where nothing is judged; (n_draws, n_columns)."""
    return np.where(columns == NO_JUDGEMENT, other, values[:, columns])


def _until_falling(
    layout: JudgementLayout,
    chunk: DrawChunk,
    rng: np.random.Generator,
    columns: Indices,
    other: Floats,
    reason: str,
) -> None:
    """Draw a cumulative row again until it falls."""
    judged = columns[columns != NO_JUDGEMENT]

    def is_bad() -> npt.NDArray[np.bool_]:
        return np.asarray((np.diff(_or_else(chunk.values, columns, other), axis=1) > 0).any(axis=1))

    _until(layout, chunk, rng, judged, is_bad, reason)


def _until(
    layout: JudgementLayout,
    chunk: DrawChunk,
    rng: np.random.Generator,
    columns: Indices,
    is_bad: Callable[[], npt.NDArray[np.bool_]],
    reason: str,
) -> None:
    """Draw some columns again until nothing is bad any more."""
    rows = np.flatnonzero(is_bad())
    chunk.redrawn[reason] += int((rows < chunk.n_draws).sum())
    for _ in range(MAX_TRIES):
        if len(rows) == 0:
            return
        redraw(layout, chunk, rng, rows, columns)
        rows = np.flatnonzero(is_bad())
    chunk.redrawn[f"{reason}_left"] += int((rows < chunk.n_draws).sum())


def _fit_shares(network: Network, layout: JudgementLayout, chunk: DrawChunk, setting: int) -> None:
    """Draw the shares of a setting again where they do not leave room for one to `max_causes` causes."""
    columns = layout.shares[setting]
    judged = columns[columns != NO_JUDGEMENT]
    replaced = layout.is_replaced[setting]

    def is_bad() -> npt.NDArray[np.bool_]:
        drawn = _or_else(chunk.values, columns, network.spec.shares[setting])
        sums = drawn.sum(axis=1), np.where(replaced, network.spec.shares[setting], drawn).sum(axis=1)
        return np.asarray(np.any([(s <= 1) | (s >= network.spec.max_causes) for s in sums], axis=0))

    _until(layout, chunk, chunk.rng(2, setting), judged, is_bad, "shares")


def _fit_frequencies(
    layout: JudgementLayout, chunk: DrawChunk, rng: np.random.Generator, columns: Indices
) -> None:
    """Draw frequencies again where they leave nothing for the state that takes the rest."""
    judged = columns[columns != NO_JUDGEMENT]

    def is_bad() -> npt.NDArray[np.bool_]:
        return np.asarray(chunk.values[:, judged].sum(axis=1) >= 1)

    _until(layout, chunk, rng, judged, is_bad, "frequencies")
