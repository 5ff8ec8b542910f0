"""Draws of every judgement at once: one panel per judgement, then a value from its distribution.

Draws depend on the seed alone, not on the case: two cases, or one case before and after an answer, are compared
under the same draws. They come in chunks that are kept with the network; the first 200 of 2,000 draws are the
200 draws of the same seed. Values that contradict one another are drawn again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.pool import sample_mixtures
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.other_values import SOLVED, BlockValues, JudgementValues

__all__ = ["CHUNK", "MAX_TRIES", "DrawChunk", "draw_chunk"]

CHUNK = 200
"""Draws made and solved together."""
MAX_TRIES = 200
"""How often values that contradict one another are drawn again."""
# How often other frequencies are drawn: where shares and effects leave room for hardly any, more would not help.
BLOCK_TRIES = 40
# Share of the prior mass that the margins of contexts are summed over.
MARGIN_MASS = 0.9999
# Chunks kept: about 6 MB each for 3,900 judgements, so that 2,000 draws are solved once.
MAX_KEPT = 10


@dataclass(eq=False)
class DrawChunk(JudgementValues):
    """Up to `CHUNK` draws of all judgements; what contradicts itself has been drawn again.

    Attributes
    ----------
    seed, number : int
        Which chunk of the seed, from 0.
    redrawn : Counter
        Draws in which something was drawn again, by reason: ``shares`` (their sum left no room for one to
        `max_causes` causes), ``frequencies`` (they summed to 1 or more, or no factors reproduce them),
        ``backgrounds`` and ``links`` (cumulative rows that rose with the state). A reason ending in
        ``_left`` counts those that still contradicted themselves after `MAX_TRIES` (40 where no factors
        reproduce frequencies).
    """

    seed: int = 0
    number: int = 0
    redrawn: Counter[str] = field(default_factory=Counter, repr=False)

    def rng(self, *purpose: int) -> np.random.Generator:
        """Return a stream of its own for one purpose."""
        return np.random.default_rng([self.seed, self.number, *purpose])

    def draw_again(self, rng: np.random.Generator, rows: Indices, columns: Indices) -> None:
        """Draw some judgements again in some draws."""
        fresh = sample_mixtures([self.layout.mixtures[i] for i in columns], rng, len(rows))
        self.natural[np.ix_(rows, columns)] = fresh

    def _solve_factors(self, found: BlockValues, mass: Floats, fixed: Floats, rows: Indices) -> None:
        """Fill in the solution of some rows; those that no factors reproduce get other frequencies."""
        plan = found.plan
        rng = self.rng(3, plan.setting, plan.block.context_idx[0])
        for attempt in range(BLOCK_TRIES):
            super()._solve_factors(found, mass, fixed, rows)
            rows = rows[found.error[rows] > SOLVED]
            if len(rows) == 0:
                return
            self.redrawn["frequencies"] += len(rows) if attempt == 0 else 0
            open_rows = rows
            for _ in range(MAX_TRIES):
                self.draw_again(rng, open_rows, plan.rated)
                open_rows = open_rows[_leave_nothing(self.natural[open_rows], plan.frequencies)]
                if len(open_rows) == 0:
                    break
        self.redrawn["frequencies_left"] += len(rows)


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
    chunks: dict[tuple[int, int, int], DrawChunk] = network.once(("draws", id(layout)), dict)
    chunk = chunks.get(key)
    if chunk is None:
        chunk = _make(network, layout, seed, number, n_draws)
        while len(chunks) >= MAX_KEPT:
            chunks.pop(next(iter(chunks)), None)
        chunks[key] = chunk
    return chunk


def _make(network: Network, layout: JudgementLayout, seed: int, number: int, n_draws: int) -> DrawChunk:
    """Draw everything, then draw again what contradicts itself.

    It is always a whole chunk, of which the first draws are used: fewer draws are not other draws.
    """
    natural = sample_mixtures(layout.mixtures, np.random.default_rng([seed, number, 0]), CHUNK)
    chunk = DrawChunk(network, layout, natural, MARGIN_MASS, seed=seed, number=number)
    again = _Contradictions(chunk, n_draws)
    rng = chunk.rng(1)
    for position, finding in enumerate(network.spec.findings):
        if len(finding.states) > 2:
            again.order_finding(rng, position, finding.background)
    for setting in range(len(network.spec.settings)):
        again.fit_shares(setting)
        for context in range(network.n_contexts):
            again.fit_frequencies(rng, layout.frequencies[context][setting])
    chunk.natural = natural[:n_draws].copy()
    return chunk


@dataclass(frozen=True, slots=True)
class _Contradictions:
    """Draws a chunk again where it contradicts itself; counts those among the first `n_draws`."""

    chunk: DrawChunk
    n_draws: int

    def order_finding(self, rng: np.random.Generator, position: int, background: Floats) -> None:
        """Make cumulative backgrounds and every cause's cumulative row fall from state to state."""
        values, layout = self.chunk.natural, self.chunk.layout
        at = layout.backgrounds[position]
        self._until_falling(rng, at, np.broadcast_to(background, (len(values), len(at))), "backgrounds")
        drawn = _or_else(values, at, background)
        for row in layout.links[position]:
            if (row != NO_JUDGEMENT).any():
                self._until_falling(rng, row, drawn, "links")

    def fit_shares(self, setting: int) -> None:
        """Make shares leave room for one to `max_causes` causes."""
        columns, most = self.chunk.layout.shares[setting], self.chunk.network.spec.max_causes

        def is_bad() -> npt.NDArray[np.bool_]:
            sums = [self.chunk.shares(setting, elicited=elicited).sum(axis=1) for elicited in (True, False)]
            return np.asarray(np.any([(s <= 1) | (s >= most) for s in sums], axis=0))

        self._until(self.chunk.rng(2, setting), columns[columns != NO_JUDGEMENT], is_bad, "shares")

    def fit_frequencies(self, rng: np.random.Generator, columns: Indices) -> None:
        """Make frequencies leave something for the state that takes the rest."""
        self._until(
            rng,
            columns[columns != NO_JUDGEMENT],
            lambda: _leave_nothing(self.chunk.natural, (columns,)),
            "frequencies",
        )

    def _until_falling(self, rng: np.random.Generator, columns: Indices, other: Floats, reason: str) -> None:
        """Draw a cumulative row again until it falls."""

        def is_bad() -> npt.NDArray[np.bool_]:
            return np.asarray((np.diff(_or_else(self.chunk.natural, columns, other), axis=1) > 0).any(axis=1))

        self._until(rng, columns[columns != NO_JUDGEMENT], is_bad, reason)

    def _until(
        self,
        rng: np.random.Generator,
        columns: Indices,
        is_bad: Callable[[], npt.NDArray[np.bool_]],
        reason: str,
    ) -> None:
        """Draw some columns again until nothing is bad any more."""
        rows = np.flatnonzero(is_bad())
        self.chunk.redrawn[reason] += int((rows < self.n_draws).sum())
        for _ in range(MAX_TRIES):
            if len(rows) == 0:
                return
            self.chunk.draw_again(rng, rows, columns)
            rows = np.flatnonzero(is_bad())
        self.chunk.redrawn[f"{reason}_left"] += int((rows < self.n_draws).sum())


def _or_else(values: Floats, columns: Indices, other: Floats) -> Floats:
    """Return the drawn values, or `other` where nothing is judged; (n_draws, n_columns)."""
    return np.where(columns == NO_JUDGEMENT, other, values[:, columns])


def _leave_nothing(values: Floats, frequencies: tuple[Indices, ...]) -> npt.NDArray[np.bool_]:
    """Return in which draws the frequencies of a variable sum to 1 or more."""
    sums = [values[:, own[own != NO_JUDGEMENT]].sum(axis=1) for own in frequencies]
    return np.asarray((np.array(sums) >= 1).any(axis=0))
