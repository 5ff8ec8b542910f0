"""What would change the answer: one-way sensitivity to every judgement that touches a case.

Judgements are ranked by how far the cause's posterior log odds move with one standard deviation of the
judgement's own uncertainty, to first order; the leading ones are then followed over their range. Links have a
sensitivity function in closed form (`thighdx.reasoning.sensitivity.link_function`). Backgrounds, effects, shares,
frequencies and dependencies are recomputed, with base rates solved again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from thighdx.arrays import below_peak
from thighdx.compiled.case import Case
from thighdx.elicitation.distribution import from_working, to_working
from thighdx.elicitation.pool import pooled_quantiles
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.delta import case_gradients
from thighdx.reasoning.intervals.layout import judgement_layout
from thighdx.reasoning.sensitivity.admissible_deviation import Outcome, recomputed_turn, turn_of_link
from thighdx.reasoning.sensitivity.change_one_judgement import Recomputation, touching_judgements
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
        raise ValueError(f"n: got {n}, expected 1 or more")
    model = Recomputation(case)
    network, pooled = model.network, model.pooled
    now = _posterior(network, model.log_weights_now)
    outcome = Outcome.of(network.spec.causes, case.compiled.residual_cause, now, urgency)
    ranking = () if now[cause_idx] in (0.0, 1.0) else _ranking(case, cause_idx)
    chosen = [pooled[item.table, item.key] for item in ranking[:n]]
    ends = pooled_quantiles([item.distribution for item in chosen], [0.05, 0.95])
    lines = []
    for influence, (low, high) in zip(ranking[:n], ends.tolist(), strict=True):
        follow = _follow_link if influence.table == "links" else _follow_by_recomputing
        lines.append(follow(model, outcome, cause_idx, influence, (low, high)))
    cause = network.spec.causes[cause_idx]
    leader = network.spec.causes[outcome.leader]
    return Sensitivities(cause, float(now[cause_idx]), leader, tuple(lines), ranking)


def _posterior(network: Network, log_weights: Floats) -> Floats:
    """Return P(cause present | evidence), (n_causes,)."""
    weights = below_peak(log_weights)
    # einsum: a library that splits small products among threads waits for them longer than they take
    inside = np.einsum("h,hc->c", weights, network.membership)
    outside = np.einsum("h,hc->c", weights, 1.0 - network.membership)
    return np.asarray(inside / (inside + outside))


def _ranking(case: Case, cause_idx: int) -> tuple[Influence, ...]:
    """Rank the judgements that touch the case by their swing."""
    network, pooled = case.compiled.network, case.compiled.pooled
    layout = judgement_layout(network, pooled)
    gradient = case_gradients(network, layout, case.evidence.batch)[1][0, cause_idx]
    place = {key: i for i, key in enumerate(layout.keys)}
    found = []
    for table, key in touching_judgements(case):
        i = place[table, key]
        slope = float(gradient[i])
        found.append(Influence(table, key, pooled[table, key].point, slope, abs(slope) * float(layout.sd[i])))
    return tuple(sorted(found, key=lambda item: -item.swing))


def _follow_link(
    model: Recomputation,
    outcome: Outcome,
    cause_idx: int,
    influence: Influence,
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
    ends: tuple[float, float],
) -> Sensitivity:
    """Follow any other judgement by solving the model again."""
    scale = model.pooled[influence.table, influence.key].scale
    start = float(to_working(influence.point, scale))
    known = {start: _posterior(model.network, model.log_weights_now)}

    def posterior(t: float) -> Floats | None:
        if t not in known:
            logs = model.log_weights(
                (influence.table, influence.key), float(from_working(np.array(t), scale))
            )
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
