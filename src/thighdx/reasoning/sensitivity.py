"""What would change the answer: one-way sensitivity to every judgement that touches a case.

Judgements are ranked by how far the cause's posterior log odds move with one standard deviation of the
judgement's own uncertainty, to first order; the leading ones are then followed exactly. Links have a sensitivity
function in closed form (`thighdx.reasoning.link_function`). Backgrounds, effects, shares, frequencies and
dependencies are recomputed, with base rates solved again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from thighdx.elicitation.distribution import Scale, from_working, to_working
from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.elicitation.pool import pooled_quantiles
from thighdx.inference.evidence import CaseEvidence
from thighdx.kb.records import JudgementTable, Key, KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.gradients import case_gradient
from thighdx.reasoning.layout import judgement_layout
from thighdx.reasoning.link_function import link_function
from thighdx.reasoning.questions import UrgencyScore
from thighdx.reasoning.recompute import Recomputation, touching_judgements
from thighdx.reasoning.turning import FARTHEST, Outcome, Turn, recomputed_turn, turn_of_link

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Influence", "Sensitivities", "Sensitivity", "sensitivity"]

N_EXACT = 65  # values at which the exact function is read between the ends of an interval


@dataclass(frozen=True, slots=True)
class Influence:
    """How strongly one judgement moves the posterior of the cause, to first order.

    Attributes
    ----------
    table, key
        Which number, in the words of the knowledge base.
    point : float
        The value the model uses: linear; an odds ratio in effects and dependencies.
    gradient : float
        d log odds of the posterior / d log odds of the judgement (d log of an odds ratio).
    swing : float
        Size of the gradient times the judgement's own standard deviation: nats of log odds.
    """

    table: JudgementTable
    key: Key
    point: float
    gradient: float
    swing: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One judgement followed over its range.

    Attributes
    ----------
    method : {"exact", "recomputed"}
        ``exact``: the closed form for links. ``recomputed``: the model solved again at every value.
    low, high : float
        The judgement's own 5 and 95 % quantiles.
    at_low, at_high : float
        Posterior of the cause there; at the nearest possible value where a quantile is not possible (it
        would put ordered rows out of order, or no base rates reproduce it).
    smallest, largest : float
        Range of the posterior over the interval in between; for ``recomputed`` over its ends and the point.
    turn_below, turn_above : Turn or None
        Where the leading cause or the urgency first changes; None where it does not.
    searched : (float, float)
        Values looked at: for links all that keep ordered rows in order, else up to 8 in log odds either way.
    """

    influence: Influence
    method: Literal["exact", "recomputed"]
    low: float
    high: float
    at_low: float
    at_high: float
    smallest: float
    largest: float
    turn_below: Turn | None
    turn_above: Turn | None
    searched: tuple[float, float]

    @property
    def admissible(self) -> tuple[float, float]:
        """Values between which neither the leading cause nor the urgency changes."""
        below = self.searched[0] if self.turn_below is None else self.turn_below.value
        above = self.searched[1] if self.turn_above is None else self.turn_above.value
        return below, above

    @property
    def is_decisive(self) -> bool:
        """Whether the answer changes within the judgement's own 5 to 95 % interval."""
        below = self.turn_below is not None and self.turn_below.value >= self.low
        return below or (self.turn_above is not None and self.turn_above.value <= self.high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "table": self.influence.table,
            "key": list(self.influence.key),
            "point": self.influence.point,
            "gradient": self.influence.gradient,
            "swing": self.influence.swing,
            "method": self.method,
            "low": self.low,
            "high": self.high,
            "at_low": self.at_low,
            "at_high": self.at_high,
            "smallest": self.smallest,
            "largest": self.largest,
            "turn_below": None if self.turn_below is None else self.turn_below.to_dict(),
            "turn_above": None if self.turn_above is None else self.turn_above.to_dict(),
            "admissible": list(self.admissible),
            "is_decisive": self.is_decisive,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Sensitivities:
    """What moves one cause's posterior; a sequence of the judgements followed, the strongest first.

    Attributes
    ----------
    cause : str
    posterior : float
        P(present | evidence).
    leader : str
        The most probable cause, whose lead the admissible deviations are about.
    lines : tuple of Sensitivity
    ranking : tuple of Influence
        Every judgement that touches the case, also those not followed.
    """

    cause: str
    posterior: float
    leader: str
    lines: tuple[Sensitivity, ...]
    ranking: tuple[Influence, ...]

    def __iter__(self) -> Iterator[Sensitivity]:
        """Go through the judgements followed."""
        return iter(self.lines)

    def __len__(self) -> int:
        """Return the number of judgements followed."""
        return len(self.lines)

    def __getitem__(self, place: int) -> Sensitivity:
        """Return one of the judgements followed."""
        return self.lines[place]

    def to_dict(self) -> dict[str, Any]:
        """Return the judgements followed as plain data."""
        return {
            "cause": self.cause,
            "posterior": self.posterior,
            "leader": self.leader,
            "n_judgements": len(self.ranking),
            "lines": [line.to_dict() for line in self.lines],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the judgements followed as a table, one row each."""
        import pandas as pd

        rows = []
        for line in self.lines:
            row = line.to_dict()
            row["key"] = "|".join(row["key"])
            row["admissible_low"], row["admissible_high"] = row.pop("admissible")
            for side in ("turn_below", "turn_above"):
                turn = row.pop(side)
                row[side] = "" if turn is None else f"{turn['kind']}: {turn['becomes']}"
            rows.append(row)
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        """Return one line per judgement followed."""
        lines = [f"{self.cause} {self.posterior:.1%}; leading: {self.leader}; {len(self.ranking)} judgements touch it"]
        for line in self.lines:
            turns = [f"{t.becomes} at {t.value:.3g}" for t in (line.turn_below, line.turn_above) if t is not None]
            lines.append(
                f"  {line.influence.table} {'|'.join(line.influence.key)} {line.influence.point:.3g} "
                f"({line.low:.3g} to {line.high:.3g}): {line.at_low:.1%} to {line.at_high:.1%}; "
                f"{', '.join(turns) or 'changes nothing by itself'} [{line.method}]"
            )
        return "\n".join(lines)


def sensitivity(
    network: Network,
    kb: KnowledgeBase,
    pooled: Mapping[PooledKey, PooledJudgement],
    case: CaseEvidence,
    cause_idx: int,
    *,
    n: int = 20,
    urgency: UrgencyScore | None = None,
) -> Sensitivities:
    """Rank every judgement by how it moves one cause, and say how far the leading ones may move.

    Parameters
    ----------
    cause_idx : int
        The cause whose posterior is followed.
    n : int
        How many judgements are followed; all others are ranked only.
    urgency : UrgencyScore, optional
        Level score as a function of posteriors, see `thighdx.reasoning.questions`; a change of the level
        then counts as a change of the answer as well.

    Returns
    -------
    Sensitivities
        Empty where the posterior is exactly 0 or 1: then no judgement moves it.

    Notes
    -----
    A link costs a millisecond, anything else some ten recomputations of 1 to 20 ms. Deviations are one-way:
    everything else stays at its point.
    """
    if n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more")
    model = Recomputation(network, pooled, case.batch)
    now = _posterior(network, model.log_weights_now)
    outcome = Outcome.of(network.spec.causes, kb.manifest.residual_cause, now, urgency)
    ranking = () if now[cause_idx] in (0.0, 1.0) else _ranking(network, pooled, case, cause_idx)
    chosen = [pooled[item.table, item.key] for item in ranking[:n]]
    ends = pooled_quantiles([item.distribution for item in chosen], [0.05, 0.95])
    lines = []
    for influence, item, (low, high) in zip(ranking[:n], chosen, ends.tolist(), strict=True):
        follow = _follow_link if item.table == "links" else _follow_by_recomputing
        lines.append(follow(model, outcome, cause_idx, influence, item.scale, (low, high)))
    cause = network.spec.causes[cause_idx]
    leader = network.spec.causes[outcome.leader]
    return Sensitivities(cause, float(now[cause_idx]), leader, tuple(lines), ranking)


def _posterior(network: Network, log_weights: Floats) -> Floats:
    """Return P(cause present | evidence), (n_causes,)."""
    weights = np.exp(log_weights - log_weights.max())
    inside, outside = weights @ network.membership, weights @ (1.0 - network.membership)
    return np.asarray(inside / (inside + outside))


def _ranking(
    network: Network, pooled: Mapping[PooledKey, PooledJudgement], case: CaseEvidence, cause_idx: int
) -> tuple[Influence, ...]:
    """Rank the judgements that touch the case by their swing."""
    layout = judgement_layout(network, pooled)
    target = network.membership[:, [cause_idx]]
    gradient = case_gradient(network, layout, case.batch, sets=target, mass=1.0).gradient[0]
    place = {key: i for i, key in enumerate(layout.keys)}
    found = []
    for table, key in touching_judgements(network, pooled, case.batch):
        i = place[table, key]
        slope = float(gradient[i])
        found.append(Influence(table, key, pooled[table, key].point, slope, abs(slope) * float(layout.sd[i])))
    return tuple(sorted(found, key=lambda item: -item.swing))


def _follow_link(
    model: Recomputation,
    outcome: Outcome,
    cause_idx: int,
    influence: Influence,
    scale: Scale,
    ends: tuple[float, float],
) -> Sensitivity:
    """Follow a link along its exact function."""
    cause, variable, state = influence.key
    finding, likelihood, log_rest = model.finding(variable)
    network = model.network
    function = link_function(
        finding,
        network.explanations,
        network.membership,
        likelihood=likelihood,
        log_rest=log_rest,
        cause_idx=network.spec.causes.index(cause),
        state_idx=finding.states.index(state),
    )
    low, high = np.clip(ends, *function.possible)
    # on either side of the background the posterior is monotone: the ends and that corner are enough
    corner = np.clip(function.nodes[1], low, high)
    values = function.posteriors(np.array([low, corner, high]))[:, cause_idx]
    return Sensitivity(
        influence=influence,
        method="exact",
        low=ends[0],
        high=ends[1],
        at_low=float(values[0]),
        at_high=float(values[2]),
        smallest=float(values.min()),
        largest=float(values.max()),
        turn_below=turn_of_link(function, outcome, influence.point, upward=False),
        turn_above=turn_of_link(function, outcome, influence.point, upward=True),
        searched=function.possible,
    )


def _follow_by_recomputing(
    model: Recomputation,
    outcome: Outcome,
    cause_idx: int,
    influence: Influence,
    scale: Scale,
    ends: tuple[float, float],
) -> Sensitivity:
    """Follow any other judgement by solving the model again."""
    start = float(to_working(influence.point, scale))
    known = {start: _posterior(model.network, model.log_weights_now)}

    def posterior(t: float) -> Floats | None:
        if t not in known:
            logs = model.log_weights((influence.table, influence.key), float(from_working(np.array(t), scale)))
            if logs is None:
                return None
            known[t] = _posterior(model.network, logs)
        return known[t]

    low, high = (float(t) for t in to_working(ends, scale))
    at_low, at_high = (_nearest(posterior, start, t)[cause_idx] for t in (low, high))
    here = known[start][cause_idx]
    below, lowest = recomputed_turn(posterior, outcome, start, max(start - low, 0.1), scale, upward=False)
    above, highest = recomputed_turn(posterior, outcome, start, max(high - start, 0.1), scale, upward=True)
    searched = from_working(np.array([lowest, highest]), scale)
    return Sensitivity(
        influence=influence,
        method="recomputed",
        low=ends[0],
        high=ends[1],
        at_low=float(at_low),
        at_high=float(at_high),
        smallest=float(min(at_low, here, at_high)),
        largest=float(max(at_low, here, at_high)),
        turn_below=below,
        turn_above=above,
        searched=(float(searched[0]), float(searched[1])),
    )


def _nearest(posterior: Callable[[float], Floats | None], start: float, wanted: float) -> Floats:
    """Return the posteriors at a value, or as near to it as is possible."""
    for _ in range(20):
        if (found := posterior(wanted)) is not None:
            return found
        wanted = 0.5 * (start + wanted)
    raise ArithmeticError("got no base rates for a value next to the point, expected some")
