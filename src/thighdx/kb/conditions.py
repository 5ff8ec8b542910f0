"""Conditions of rules and advice: what made one hold, what could still make one hold.

Everything rests on the three-valued logic of `thighdx.kb.expressions.holds`. Conditions are built from
``variable=state`` with "and" and "or" alone, so knowing more never makes a condition that held fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from thighdx.kb.expressions import AllOf, AnyOf, Expression, Is, holds, parse_expression
from thighdx.kb.records import KnowledgeBase

__all__ = [
    "UNKNOWN_CHANCE",
    "Chances",
    "blocked_variables",
    "chance_to_hold",
    "condition",
    "is_true",
    "ways_to_hold",
    "witnesses",
]

# P(state | evidence) of variables not yet known: variable -> state -> probability.
Chances = Mapping[str, Mapping[str, float]]

# Stands for the chance of a state where the caller gives none.
UNKNOWN_CHANCE = 0.5


@lru_cache(maxsize=4096)
def condition(text: str) -> Expression | None:
    """Parse the text of a condition once; None for an empty one, which always holds."""
    return parse_expression(text) if text.strip() else None


def is_true(text: str, states: Mapping[str, str]) -> bool:
    """Whether a condition surely holds; unknown is not true, and an empty condition is.

    Examples
    --------
    >>> is_true("", {}), is_true("fever=present", {}), is_true("fever=present", {"fever": "present"})
    (True, False, True)
    """
    expression = condition(text)
    return expression is None or holds(expression, states) is True


def witnesses(expression: Expression, states: Mapping[str, str]) -> dict[str, str]:
    """Return the known states that make a true condition true, in the order of the condition.

    Examples
    --------
    >>> rule = parse_expression("fever=present and (chills=present or onset=sudden)")
    >>> witnesses(rule, {"fever": "present", "onset": "sudden", "bruising": "absent"})
    {'fever': 'present', 'onset': 'sudden'}
    """
    if isinstance(expression, Is):
        return {expression.variable: expression.state}
    found: dict[str, str] = {}
    for part in expression.parts:
        if holds(part, states) is True:
            found.update(witnesses(part, states))
    return found


def blocked_variables(kb: KnowledgeBase, states: Mapping[str, str]) -> frozenset[str]:
    """Return the variables whose question surely does not apply to this case.

    Whoever knows that no leg is swollen knows that not just one is: such a variable can no longer make a
    condition hold. A variable that was answered all the same is left alone, as is one whose "asked only if"
    depends on something unknown.
    """
    return frozenset(
        variable.id
        for variable in kb.variables
        if variable.asked_if
        and variable.id not in states
        and (asked_if := condition(variable.asked_if)) is not None
        and holds(asked_if, states) is False
    )


def ways_to_hold(
    expression: Expression,
    states: Mapping[str, str],
    *,
    blocked: frozenset[str] = frozenset(),
    chances: Chances | None = None,
) -> dict[str, float]:
    """Return the unknown variables through which a condition could come to hold, each with a weight.

    Parameters
    ----------
    blocked : frozenset of str
        Variables that can no longer be in any state of interest.
    chances : mapping of str to mapping of str to float, optional
        P(state | evidence), linear; `UNKNOWN_CHANCE` for what is not in it.

    Returns
    -------
    dict of str to float
        For every such variable half the expected change, on hearing its answer, of the chance that the
        condition will hold along the weightiest way through it: P(way) (1 - P(state)), where P(way) is the
        product over the states still missing. The rare sign that would close a way weighs more than the
        common one beside it. States are taken as independent, which is good enough for an order and is not
        a probability to report. Empty where the condition holds or cannot hold.

    Examples
    --------
    >>> rule = parse_expression("fever=present and (chills=present or onset=sudden)")
    >>> ways_to_hold(rule, {"onset": "gradual"})
    {'fever': 0.125, 'chills': 0.125}
    """
    if holds(expression, states) is True:
        return {}
    return dict(_ways(expression, states, blocked, chances or {})[1])


def chance_to_hold(
    expression: Expression,
    states: Mapping[str, str],
    *,
    blocked: frozenset[str] = frozenset(),
    chances: Chances | None = None,
) -> float:
    """Return the chance of the likeliest way in which a condition comes to hold, as in `ways_to_hold`.

    Examples
    --------
    >>> chance_to_hold(parse_expression("fever=present and onset=sudden"), {"onset": "sudden"})
    0.5
    """
    return _ways(expression, states, blocked, chances or {})[0]


def _ways(
    expression: Expression, states: Mapping[str, str], blocked: frozenset[str], chances: Chances
) -> tuple[float, dict[str, float]]:
    """Return the chance of the likeliest way at all, and the weight of every variable on its own best way."""
    if isinstance(expression, Is):
        return _way_of_atom(expression, states, blocked, chances)
    if holds(expression, states) is True:  # what else could make it true no longer matters
        return 1.0, {}
    parts = [_ways(part, states, blocked, chances) for part in expression.parts]
    through: dict[str, float] = {}
    if isinstance(expression, AnyOf):
        for _, ways in parts:
            for variable, weight in ways.items():
                through[variable] = max(weight, through.get(variable, 0.0))
        return max(best for best, _ in parts), through
    if any(_cannot_hold(part, states, blocked) for part in expression.parts):
        return 0.0, {}
    for position, (_, ways) in enumerate(parts):
        rest = 1.0
        for other, (best, _) in enumerate(parts):
            rest *= best if other != position else 1.0
        for variable, weight in ways.items():
            through[variable] = max(weight * rest, through.get(variable, 0.0))
    total = 1.0
    for best, _ in parts:
        total *= best
    return total, through


def _way_of_atom(
    atom: Is, states: Mapping[str, str], blocked: frozenset[str], chances: Chances
) -> tuple[float, dict[str, float]]:
    """Return the chance that one variable turns out to be in the state."""
    if atom.variable in states:
        return float(states[atom.variable] == atom.state), {}
    if atom.variable in blocked:
        return 0.0, {}
    chance = chances.get(atom.variable, {}).get(atom.state, UNKNOWN_CHANCE)
    return chance, {atom.variable: chance * (1.0 - chance)}


def _cannot_hold(expression: Expression, states: Mapping[str, str], blocked: frozenset[str]) -> bool:
    """Whether a condition is false whatever the unknown variables turn out to be."""
    if isinstance(expression, Is):
        if expression.variable in states:
            return states[expression.variable] != expression.state
        return expression.variable in blocked
    found: Iterator[bool] = (_cannot_hold(part, states, blocked) for part in expression.parts)
    return any(found) if isinstance(expression, AllOf) else all(found)
