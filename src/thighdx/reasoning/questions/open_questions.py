"""Safety questions still open: through which a red-flag rule could still fire."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from thighdx.kb.conditions import (
    Chances,
    blocked_variables,
    chance_to_hold,
    condition,
    ways_to_hold,
)
from thighdx.kb.expressions import holds
from thighdx.kb.records import COST_TIERS, LEVELS, Cost, KnowledgeBase, Level, Variable
from thighdx.plain import Plain

__all__ = ["OpenQuestion", "is_within", "open_questions"]


@dataclass(frozen=True, slots=True)
class OpenQuestion(Plain):
    """A question whose answer could make a red-flag rule fire.

    Attributes
    ----------
    variable : str
    question : str
        In plain words.
    states : tuple of str
        What may be answered.
    cost : str
        ``ask``, ``examine``, ``cheap_test`` or ``imaging_or_invasive``.
    level : str
        Highest level of the rules it could make fire.
    rules : tuple of str
        Ids of these rules.
    weight : float
        How much the answer is expected to move the chance that the nearest of them fires, roughly (see
        `thighdx.kb.conditions.ways_to_hold`). For ordering, not for reporting.
    raises : bool
        Whether that level is above the present one.
    """

    variable: str
    question: str
    states: tuple[str, ...]
    cost: Cost
    level: Level
    rules: tuple[str, ...]
    weight: float
    raises: bool


def open_questions(
    kb: KnowledgeBase,
    states: Mapping[str, str],
    level: Level,
    *,
    chances: Chances | None = None,
    unanswerable: Collection[str] = (),
    max_cost: Cost | None = None,
    first: Sequence[str] = (),
) -> tuple[OpenQuestion, ...]:
    """Return every question through which a rule could still fire, the most urgent and weightiest first.

    Parameters
    ----------
    states : mapping of str to str
        What is known.
    level : str
        The present level of the case; only sets `OpenQuestion.raises`.
    chances : mapping of str to mapping of str to float, optional
        P(state | evidence) of unknown variables; one half each where not given.
    unanswerable : collection of str
        Variables that will not be answered here, such as tests in an interview with a patient: no way
        through them counts.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}, optional
        Dearest kind of question that can be answered here; nothing dearer is named.
    first : sequence of str
        Variables that come before all others among the questions that raise the level.

    Notes
    -----
    A question that does not apply to the case is left out. One whose "asked only if" depends on something
    unknown gives way to the questions that decide whether it applies.
    """
    by_id = {variable.id: variable for variable in kb.variables}
    blocked = blocked_variables(kb, states) | (frozenset(unanswerable) - states.keys())
    best: dict[str, tuple[int, float]] = {}
    rules: dict[str, list[tuple[int, str]]] = {}
    for rule in kb.red_flags:
        expression = condition(rule.when)
        if expression is None:
            continue
        rank = LEVELS.index(rule.level)
        ways = ways_to_hold(expression, states, blocked=blocked, chances=chances)
        for variable_id, way in ways.items():
            for asked, weight in _askable(by_id, variable_id, way, states, blocked, chances, frozenset()):
                best[asked] = max(best.get(asked, (0, 0.0)), (rank, weight))
                if (rank, rule.id) not in rules.setdefault(asked, []):
                    rules[asked].append((rank, rule.id))
    present = LEVELS.index(level)
    places = {name: place for place, name in enumerate(first)}

    def order(name: str) -> tuple[int, int, float, str]:
        rank, weight = best[name]
        place = places.get(name, len(places)) if rank > present else len(places)
        return place, -rank, -weight, name

    ordered = [name for name in sorted(best, key=order) if is_within(by_id[name], max_cost)]
    return tuple(
        OpenQuestion(
            variable=name,
            question=by_id[name].question,
            states=by_id[name].states,
            cost=by_id[name].cost or "ask",
            level=LEVELS[best[name][0]],
            rules=tuple(rule for rank, rule in rules[name] if rank == best[name][0]),
            weight=best[name][1],
            raises=best[name][0] > present,
        )
        for name in ordered
    )


def is_within(variable: Variable, max_cost: Cost | None) -> bool:
    """Whether a question is of a kind that can be answered; None allows every kind."""
    if max_cost is None or not variable.cost:
        return True
    return COST_TIERS.index(variable.cost) <= COST_TIERS.index(max_cost)


def _askable(
    by_id: Mapping[str, Variable],
    variable_id: str,
    way: float,
    states: Mapping[str, str],
    blocked: frozenset[str],
    chances: Chances | None,
    seen: frozenset[str],
) -> Iterator[tuple[str, float]]:
    """Yield what can be asked now on the way to a variable, with its weight."""
    asked_if = condition(by_id[variable_id].asked_if)
    if asked_if is None or holds(asked_if, states) is True:
        yield variable_id, way
        return
    gate = chance_to_hold(asked_if, states, blocked=blocked, chances=chances)
    for name, weight in ways_to_hold(asked_if, states, blocked=blocked, chances=chances).items():
        # the way already counts on the question to apply, so only "no" to it is news: divide by its chance
        if name not in seen:  # two questions that wait for one another would never be asked
            yield from _askable(
                by_id,
                name,
                way * weight / gate if gate else 0.0,
                states,
                blocked,
                chances,
                seen | {variable_id},
            )
