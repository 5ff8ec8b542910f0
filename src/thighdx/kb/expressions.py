"""Conditions over variables, such as ``fever=present and (chills=present or age_band=80+)``.

Parsed by a small grammar and never handed to Python: ``expression = term {"or" term}``,
``term = factor {"and" factor}``, ``factor = variable "=" state | "(" expression ")"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

__all__ = ["MAX_LENGTH", "AllOf", "AnyOf", "Expression", "Is", "atoms", "holds", "parse_expression"]

MAX_LENGTH = 5_000  # characters; the longest shipped rule has about 1,000
MAX_DEPTH = 20  # nested parentheses

_TOKEN = re.compile(
    r"\s*(?:(?P<paren>[()])|(?P<atom>[^\s()=]+)\s*=\s*(?P<state>[^\s()=]+)|(?P<word>[^\s()=]+))"
)


@dataclass(frozen=True, slots=True)
class Is:
    """A variable is in a state."""

    variable: str
    state: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = Is | AllOf | AnyOf


@lru_cache(maxsize=1_024)  # a case asks for some dozens again and again
def parse_expression(text: str) -> Expression:
    """Parse a condition.

    Raises
    ------
    ValueError
        With the place and what was expected there.

    Examples
    --------
    >>> parse_expression("fever=present or onset=sudden and age_band=80+").parts[0]
    Is(variable='fever', state='present')
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"got {len(text)} characters, expected at most {MAX_LENGTH}")
    tokens = list(_tokens(text))
    expression, rest = _any_of(tokens, 0, 0)
    if rest < len(tokens):
        raise ValueError(f"got {tokens[rest]!s} after a complete condition, expected 'and', 'or' or the end")
    return expression


def _tokens(text: str) -> Iterator[str | Is]:
    """Split into parentheses, words and atoms."""
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"got {text[position : position + 20]!r}, expected variable=state")
        position = match.end()
        if match["atom"]:
            yield Is(match["atom"], match["state"])
        else:
            yield match["paren"] or match["word"]


def _any_of(tokens: list[str | Is], position: int, depth: int) -> tuple[Expression, int]:
    """Parse terms joined by 'or'."""
    parts = []
    while True:
        part, position = _all_of(tokens, position, depth)
        parts.append(part)
        if position >= len(tokens) or tokens[position] != "or":
            return (parts[0] if len(parts) == 1 else AnyOf(tuple(parts))), position
        position += 1


def _all_of(tokens: list[str | Is], position: int, depth: int) -> tuple[Expression, int]:
    """Parse factors joined by 'and'."""
    parts = []
    while True:
        part, position = _factor(tokens, position, depth)
        parts.append(part)
        if position >= len(tokens) or tokens[position] != "and":
            return (parts[0] if len(parts) == 1 else AllOf(tuple(parts))), position
        position += 1


def _factor(tokens: list[str | Is], position: int, depth: int) -> tuple[Expression, int]:
    """Parse one atom or one parenthesis."""
    if depth > MAX_DEPTH:
        raise ValueError(f"parentheses nested deeper than {MAX_DEPTH}")
    if position >= len(tokens):
        raise ValueError("got the end, expected variable=state")
    token = tokens[position]
    if isinstance(token, Is):
        return token, position + 1
    if token != "(":
        raise ValueError(f"got {token!r}, expected variable=state or '('")
    inner, position = _any_of(tokens, position + 1, depth + 1)
    if position >= len(tokens) or tokens[position] != ")":
        raise ValueError("a '(' is never closed")
    return inner, position + 1


def atoms(expression: Expression) -> Iterator[Is]:
    """Yield every variable=state in an expression, from left to right."""
    if isinstance(expression, Is):
        yield expression
    else:
        for part in expression.parts:
            yield from atoms(part)


def holds(expression: Expression, evidence: Mapping[str, str]) -> bool | None:
    """Return whether a condition holds; None while that depends on something unknown.

    Three-valued logic of Kleene: unknown is neither true nor false.

    Examples
    --------
    >>> condition = parse_expression("fever=present or onset=sudden")
    >>> holds(condition, {"fever": "present"}), holds(condition, {"fever": "absent"})
    (True, None)
    """
    if isinstance(expression, Is):
        state = evidence.get(expression.variable)
        return None if state is None else state == expression.state
    results = [holds(part, evidence) for part in expression.parts]
    decisive = isinstance(expression, AnyOf)
    if decisive in results:
        return decisive
    return None if None in results else not decisive
