"""What would change the answer: one-way sensitivity to every judgement that touches a case.

Judgements are ranked by how far the cause's posterior log odds move with one standard deviation of the
judgement's own uncertainty, to first order; the leading ones are then followed over their range. Links have a
sensitivity function in closed form (`thighdx.reasoning.sensitivity.link_function`). Backgrounds, effects, shares,
frequencies and dependencies are recomputed, with base rates solved again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from thighdx.compiled.case import Case
from thighdx.elicitation.distribution import Scale, from_working, to_working
from thighdx.elicitation.pool import pooled_quantiles
from thighdx.errors import OptionError
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.delta import case_gradients
from thighdx.reasoning.sensitivity.admissible_deviation import (
    Outcome,
    find_turning_point,
    turning_point_of_link,
)
from thighdx.reasoning.sensitivity.change_one_judgement import ChangedCase
from thighdx.reasoning.sensitivity.link_function import link_function
from thighdx.reasoning.sensitivity.sensitivity_lines import Influence, Sensitivities, Sensitivity
from thighdx.reasoning.urgency.levels import UrgencyScore

__all__ = ["sensitivity"]


def sensitivity(
    case: Case, cause_idx: int, *, n: int = 20, urgency: UrgencyScore | None = None
) -> Sensitivities:
    """Rank every judgement by how it moves one cause, and say how far the leading ones may move.

    Parameters
    ----------
    cause_idx : int
        The cause whose posterior is followed.
    n : int
        How many judgements are followed; all others are ranked only.
    urgency : UrgencyScore, optional
        Level score as a function of posteriors, see `thighdx.reasoning.questions.next_questions`; a change of the level
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
        raise OptionError(f"n: got {n}, expected 1 or more")
    model, pooled = ChangedCase(case), case.compiled.pooled
    network = model.network
    now = model.now
    outcome = Outcome.of(network.spec.causes, case.compiled.residual_cause, now, urgency)
    ranking = () if now[cause_idx] in (0.0, 1.0) else _ranking(case, model, cause_idx)
    chosen = [pooled[item.table, item.key] for item in ranking[:n]]
    ends = pooled_quantiles([item.distribution for item in chosen], [0.05, 0.95])
    lines = []
    for influence, (low, high) in zip(ranking[:n], ends.tolist(), strict=True):
        follow = _follow_link if influence.table == "links" else _follow_by_recomputing
        lines.append(follow(model, outcome, cause_idx, influence, (low, high)))
    cause = network.spec.causes[cause_idx]
    leader = network.spec.causes[outcome.leader]
    return Sensitivities(cause, float(now[cause_idx]), leader, tuple(lines), ranking)


def _ranking(case: Case, model: ChangedCase, cause_idx: int) -> tuple[Influence, ...]:
    """Rank the judgements that touch the case by their swing."""
    layout = model.layout
    gradient = case_gradients(model.network, layout, case.evidence.batch)[1][0, cause_idx]
    found = []
    for table, key in model.touching:
        i = model.position[table, key]
        slope = float(gradient[i])
        found.append(Influence(table, key, float(layout.natural[i]), slope, abs(slope) * float(layout.sd[i])))
    return tuple(sorted(found, key=lambda item: -item.swing))


def _follow_link(
    model: ChangedCase,
    outcome: Outcome,
    cause_idx: int,
    influence: Influence,
    ends: tuple[float, float],
) -> Sensitivity:
    """Follow a link along its exact function."""
    cause, variable, state = influence.key
    term, log_rest = model.finding(variable)
    network = model.network
    function = link_function(
        term.finding,
        network.explanations,
        network.membership,
        likelihood=term.seen,
        log_rest=log_rest,
        cause_idx=network.spec.causes.index(cause),
        state_idx=term.finding.states.index(state),
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
        turn_below=turning_point_of_link(function, outcome, influence.point, upward=False),
        turn_above=turning_point_of_link(function, outcome, influence.point, upward=True),
        searched=function.possible,
    )


def _follow_by_recomputing(
    model: ChangedCase,
    outcome: Outcome,
    cause_idx: int,
    influence: Influence,
    ends: tuple[float, float],
) -> Sensitivity:
    """Follow any other judgement by solving the model again."""
    place = influence.table, influence.key
    scale: Scale = "odds_ratio" if model.layout.is_odds_ratio[model.position[place]] else "probability"
    start = float(to_working(influence.point, scale))

    @cache
    def posterior(t: float) -> Floats | None:
        if t == start:
            return model.now
        return model.posterior(place, float(from_working(np.array(t), scale)))

    low, high = (float(t) for t in to_working(ends, scale))
    at_low, at_high = (_nearest(posterior, start, t)[cause_idx] for t in (low, high))
    here = model.now[cause_idx]
    below, lowest = find_turning_point(posterior, outcome, start, max(start - low, 0.1), scale, upward=False)
    above, highest = find_turning_point(posterior, outcome, start, max(high - start, 0.1), scale, upward=True)
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
