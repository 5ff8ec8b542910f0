"""How far one judgement may move before the answer changes: the admissible deviation.

Van der Gaag and Renooij [1]_ call the deviation of a parameter admissible as long as the most likely outcome
stays the same. Here the outcome is the leading cause and, where asked for, the level of urgency.

.. [1] Van der Gaag LC, Renooij S. Analysing sensitivity data from probabilistic networks. Uncertainty in
   Artificial Intelligence 2001:530-7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.optimize import brentq

from thighdx.elicitation.distribution import Scale, from_working, to_working
from thighdx.kb.records import LEVELS
from thighdx.network.spec import Floats
from thighdx.plain import Plain
from thighdx.reasoning.sensitivity.link_function import LinkFunction
from thighdx.reasoning.urgency.levels import UrgencyScore

__all__ = ["FARTHEST", "Outcome", "TurningPoint", "find_turning_point", "turning_point_of_link"]

FARTHEST = 5.0
"""How far a search goes on the log-odds or log scale: a factor of 150 either way."""
POINT_ACCURACY = 1e-6  # of a turning point, on the log-odds or log scale
LEVEL_ACCURACY = 1e-3  # the same for the urgency, whose score jumps: only halving gets there
HALVINGS = 6  # of a step that went beyond what is possible
N_GRID = 65  # values of an exact function looked at for a change of urgency, on each side

AskPosterior: TypeAlias = Callable[[float], Floats | None]
"""Posteriors (n_causes,) at a value on the working scale; None where the value is impossible."""


@dataclass(frozen=True, slots=True)
class TurningPoint(Plain):
    """The nearest value of a judgement at which the answer changes.

    Attributes
    ----------
    kind : {"leader", "urgency"}
    value : float
        A probability or an odds ratio.
    becomes : str
        The cause that takes the lead, or the new level of urgency.
    """

    kind: Literal["leader", "urgency"]
    value: float
    becomes: str


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What must stay the same.

    Attributes
    ----------
    leader : int
        The most probable cause that counts.
    rivals : (n_causes,) bool
        Every other cause that counts: never the residual one.
    level : float or None
        Score of the urgency now, where it was asked about.
    """

    causes: tuple[str, ...]
    leader: int
    rivals: Floats
    urgency: UrgencyScore | None
    level: float | None

    @classmethod
    def of(
        cls, causes: tuple[str, ...], residual_cause: str, posterior: Floats, urgency: UrgencyScore | None
    ) -> Outcome:
        """Read the outcome off the posteriors now, (n_causes,)."""
        counts = np.array([cause != residual_cause for cause in causes])
        leader = int(np.argmax(np.where(counts, posterior, -1.0)))
        rivals = counts.copy()
        rivals[leader] = False
        level = None if urgency is None else float(np.asarray(urgency(posterior[None], [None]))[0])
        return cls(causes, leader, rivals, urgency, level)

    def levels(self, posteriors: Floats) -> Floats:
        """Score the urgency of rows of posteriors, (n,); all the same where it was not asked about."""
        if self.urgency is None:
            return np.zeros(len(posteriors))
        return np.asarray(self.urgency(posteriors, [None] * len(posteriors)), dtype=np.float64)

    def has_level(self, posterior: Floats) -> bool:
        """Whether the urgency is as it is now."""
        return self.level is None or float(self.levels(posterior[None])[0]) == self.level

    def lead(self, posterior: Floats) -> float:
        """Return how far the leader is ahead, in log probability; below 0 where it has lost the lead."""
        if not self.rivals.any():
            return np.inf
        with np.errstate(divide="ignore"):
            return float(np.log(posterior[self.leader]) - np.log(posterior[self.rivals].max()))

    def next_leader(self, posterior: Floats) -> str:
        """Return the most probable rival."""
        return self.causes[int(np.argmax(np.where(self.rivals, posterior, -1.0)))]


def _level_word(score: float) -> str:
    """Return the name of a level, or the score itself where it is none."""
    is_level = score == int(score) and 0 <= score < len(LEVELS)
    return LEVELS[int(score)] if is_level else f"{score:g}"


def turning_point_of_link(
    function: LinkFunction, outcome: Outcome, start: float, *, upward: bool
) -> TurningPoint | None:
    """Return the nearest turning point above or below a link's value, from its exact function."""
    found = function.next_crossing(start, outcome.leader, outcome.rivals, upward=upward)
    turn = None if found is None else TurningPoint("leader", found[0], outcome.causes[found[1]])
    if outcome.urgency is None:
        return turn
    end = turn.value if turn else function.possible[1 if upward else 0]
    # between 0 and 1 the odds are unbounded: beyond this nothing moves any more
    low, high = to_working(np.clip([start, end], 1e-9, 1 - 1e-9), "probability")
    for _ in range(4):  # every round narrows the place of the jump by the size of the grid
        values = from_working(np.linspace(low, high, N_GRID), "probability")
        levels = outcome.levels(function.posteriors(values))
        changed = np.flatnonzero(levels != outcome.level)
        if not len(changed) or changed[0] == 0:
            return turn
        turn = TurningPoint("urgency", float(values[changed[0]]), _level_word(float(levels[changed[0]])))
        low, high = to_working(values[[changed[0] - 1, changed[0]]], "probability")
    return turn


def find_turning_point(
    posterior: AskPosterior, outcome: Outcome, start: float, first_step: float, scale: Scale, *, upward: bool
) -> tuple[TurningPoint | None, float]:
    """Look for the nearest turning point in doubling steps, then close in on it.

    Parameters
    ----------
    start : float
        The judgement on the working scale.
    first_step : float
        Size of the first step.

    Returns
    -------
    TurningPoint or None, float
        The turning point, and how far was looked (working scale).
    """
    sign, good, step = (1.0 if upward else -1.0), start, first_step
    is_last = False
    while not is_last:
        is_last = step >= FARTHEST
        ahead = start + sign * min(step, FARTHEST)
        found = posterior(ahead)
        if found is None:
            is_last = True
            ahead, found = _last_possible(posterior, good, ahead)
            if found is None:
                break
        turn = _turning_point_between(posterior, outcome, good, ahead, found, scale)
        if turn is not None:
            return turn, ahead
        good, step = ahead, 2 * step
    return None, good


def _last_possible(posterior: AskPosterior, good: float, bad: float) -> tuple[float, Floats | None]:
    """Close in on the end of what is possible."""
    last = None
    for _ in range(HALVINGS):
        middle = 0.5 * (good + bad)
        found = posterior(middle)
        if found is None:
            bad = middle
        else:
            good, last = middle, found
    return good, last


def _turning_point_between(
    posterior: AskPosterior, outcome: Outcome, good: float, ahead: float, found: Floats, scale: Scale
) -> TurningPoint | None:
    """Return the turning point between a value where nothing has changed and one farther out, if there is one."""

    def lead(t: float) -> float:
        at = posterior(t)
        return np.nan if at is None else float(np.clip(outcome.lead(at), -1e3, 1e3))

    turn, level_at = None, found
    if outcome.lead(found) < 0:
        root = float(brentq(lead, good, ahead, xtol=POINT_ACCURACY))
        at_root = posterior(root)
        level_at = found if at_root is None else at_root
        turn, ahead = (
            TurningPoint("leader", float(from_working(np.array(root), scale)), outcome.next_leader(level_at)),
            root,
        )
    if outcome.has_level(level_at):
        return turn
    while abs(ahead - good) > LEVEL_ACCURACY:
        middle = 0.5 * (good + ahead)
        at = posterior(middle)
        if at is None or outcome.has_level(at):
            good = middle
        else:
            ahead, level_at = middle, at
    level = float(outcome.levels(level_at[None])[0])
    return TurningPoint("urgency", float(from_working(np.array(ahead), scale)), _level_word(level))
