"""The safety questions still open: those through which a red-flag rule could still fire."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from thighdx.compiled.case import Case
from thighdx.kb.conditions import blocked_variables, chance_to_hold, condition, ways_to_hold
from thighdx.kb.expressions import holds
from thighdx.kb.records import COST_TIERS, LEVELS, Cost, Level, Variable
from thighdx.plain import Plain
from thighdx.reasoning.answers import state_chances

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
    case: Case,
    level: Level,
    *,
    unanswerable: Collection[str] = (),
    max_cost: Cost | None = None,
    first: Sequence[str] = (),
) -> tuple[OpenQuestion, ...]:
    """Return every question through which a rule could still fire, the most urgent and weightiest first.

    Parameters
    ----------
    case : Case
        Virtual evidence leaves its variable open.
    level : str
        The present level of the case; only sets `OpenQuestion.raises`.
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
    by_id, present = case.vocabulary.by_id, LEVELS.index(level)
    places = {name: place for place, name in enumerate(first)}
    found = []
    for name, ways in _ways_to_rules(case, unanswerable).items():
        rank, weight, _ = max(ways)
        place = places.get(name, len(places)) if rank > present else len(places)
        rules = tuple(dict.fromkeys(rule for own, _, rule in ways if own == rank))
        if is_within(by_id[name], max_cost):
            found.append((place, -rank, -weight, name, rules))
    return tuple(
        OpenQuestion(
            variable=name,
            question=by_id[name].question,
            states=by_id[name].states,
            cost=by_id[name].cost or "ask",
            level=LEVELS[-rank],
            rules=rules,
            weight=-weight,
            raises=-rank > present,
        )
        for _, rank, weight, name, rules in sorted(found)
    )


def is_within(variable: Variable, max_cost: Cost | None) -> bool:
    """Whether a question is of a kind that can be answered; None allows every kind."""
    if max_cost is None or not variable.cost:
        return True
    return COST_TIERS.index(variable.cost) <= COST_TIERS.index(max_cost)


def _ways_to_rules(case: Case, unanswerable: Collection[str]) -> dict[str, list[tuple[int, float, str]]]:
    """Return what can be asked now, with level, weight and id of every rule that it leads to."""
    by_id, states, chances = case.vocabulary.by_id, case.states, case.once(state_chances)
    blocked = blocked_variables(case.kb, states) | (frozenset(unanswerable) - states.keys())

    def askable(name: str, way: float, seen: frozenset[str]) -> Iterator[tuple[str, float]]:
        """Yield what can be asked now on the way to a variable, with its weight."""
        asked_if = condition(by_id[name].asked_if)
        if asked_if is None or holds(asked_if, states) is True:
            yield name, way
            return
        gate = chance_to_hold(asked_if, states, blocked=blocked, chances=chances)
        for other, weight in ways_to_hold(asked_if, states, blocked=blocked, chances=chances).items():
            # the way already counts on the question to apply, so only "no" to it is news: divide by its chance
            if other not in seen:  # two questions that wait for one another would never be asked
                yield from askable(other, way * weight / gate if gate else 0.0, seen | {name})

    found: dict[str, list[tuple[int, float, str]]] = {}
    for rule in case.kb.red_flags:
        if (expression := condition(rule.when)) is not None:
            ways = ways_to_hold(expression, states, blocked=blocked, chances=chances)
            for name, way in ways.items():
                for asked, weight in askable(name, way, frozenset()):
                    found.setdefault(asked, []).append((LEVELS.index(rule.level), weight, rule.id))
    return found
