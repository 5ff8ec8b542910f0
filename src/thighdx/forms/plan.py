"""What a form asks, in which order, and under which conditions; the same for FHIR, REDCap and spreadsheets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from thighdx.errors import TableError, choice_fault
from thighdx.kb.expressions import AllOf, AnyOf, Expression, Is, atoms, parse_expression
from thighdx.kb.records import COST_TIERS, Variable
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["Clauses", "FormSection", "asked_clauses", "asked_expression", "form_sections", "is_yes_no"]

# Conditions as "all of these, of each any": what flat forms can express.
Clauses: TypeAlias = tuple[tuple[Is, ...], ...]

_YES_NO = (("absent", "present"), ("negative", "positive"))


@dataclass(frozen=True, slots=True)
class FormSection:
    """Questions under one heading, in the order to be asked.

    A question comes after those that its condition names, where these are in the form.
    """

    id: str
    title: str
    variables: tuple[Variable, ...]


def form_sections(model: Model, max_cost: str = "ask") -> tuple[FormSection, ...]:
    """Return everything that can be asked up to a cost, first the findings that alarm by themselves.

    Parameters
    ----------
    model : Model
        Whose questions they are.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}
        Tiers above it are left out.

    Raises
    ------
    TableError
        If there is no such tier.
    """
    if max_cost not in COST_TIERS:
        raise TableError(choice_fault("max_cost", max_cost, COST_TIERS))
    tiers = COST_TIERS[: COST_TIERS.index(max_cost) + 1]
    asked = [v for v in model.variables.values() if v.cost in tiers and v.question]
    alarming = [v for v in asked if v.alarms and v.layer == "finding" and v.cost == "ask"]
    first = list(_with_prerequisites(alarming, asked))
    rest = [v for v in asked if v not in first]
    parts = (
        ("warning_signs", first),
        ("about_you", [v for v in rest if v.layer == "context"]),
        ("complaint", [v for v in rest if v.layer == "finding" and v.cost == "ask"]),
        ("examination", [v for v in rest if v.layer != "context" and v.cost == "examine"]),
        ("tests", [v for v in rest if v.cost in COST_TIERS[2:]]),
    )
    labels = model.compiled.labels
    return tuple(
        FormSection(name, say(f"form.{name}", labels), tuple(_prerequisites_first(found)))
        for name, found in parts
        if found
    )


def is_yes_no(variable: Variable) -> bool:
    """Whether a question is answered by yes (the second state) or no (the first)."""
    return variable.states in _YES_NO


def asked_expression(variable: Variable, included: Collection[str]) -> Expression | None:
    """Return the condition under which to ask, None for always.

    What depends on a question that the form does not have cannot be decided there: that part is dropped, so
    that the question is asked rather than lost.
    """
    return _kept(parse_expression(variable.asked_if), included) if variable.asked_if else None


def asked_clauses(variable: Variable, included: Collection[str]) -> Clauses:
    """Return the same condition in conjunctive normal form; empty for always."""
    expression = asked_expression(variable, included)
    return () if expression is None else tuple(dict.fromkeys(_clauses(expression)))


def _kept(expression: Expression, included: Collection[str]) -> Expression | None:
    """Replace atoms on what is not included by true, and simplify."""
    if isinstance(expression, Is):
        return expression if expression.variable in included else None
    parts = [_kept(part, included) for part in expression.parts]
    kept = tuple(part for part in parts if part is not None)
    if isinstance(expression, AnyOf):
        return AnyOf(kept) if len(kept) == len(parts) else None
    return AllOf(kept) if kept else None


def _clauses(expression: Expression) -> Iterator[tuple[Is, ...]]:
    """Yield the clauses of the conjunctive normal form."""
    if isinstance(expression, Is):
        yield (expression,)
    elif isinstance(expression, AllOf):
        for part in expression.parts:
            yield from _clauses(part)
    else:
        for chosen in product(*(tuple(_clauses(part)) for part in expression.parts)):
            yield tuple(dict.fromkeys(atom for clause in chosen for atom in clause))


def _with_prerequisites(variables: list[Variable], asked: list[Variable]) -> Iterator[Variable]:
    """Add the findings that conditions of the questions name."""
    named = {
        atom.variable for v in variables if v.asked_if for atom in atoms(parse_expression(v.asked_if))
    } - {v.id for v in variables}
    yield from variables
    yield from (v for v in asked if v.id in named and v.layer == "finding" and v.cost == "ask")


def _prerequisites_first(variables: list[Variable]) -> Iterator[Variable]:
    """Put a question after those of the same section that its condition names."""
    waiting = {variable.id: variable for variable in variables}

    def take(name: str) -> Iterator[Variable]:
        variable = waiting.pop(name)
        for atom in atoms(parse_expression(variable.asked_if)) if variable.asked_if else ():
            if atom.variable in waiting:
                yield from take(atom.variable)
        yield variable

    for variable in variables:
        if variable.id in waiting:
            yield from take(variable.id)
