"""Small pieces of Markdown: tables, folded parts, and links to findings, causes and sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from thighdx.kb.expressions import AllOf, Expression, Is
from thighdx.text import in_words

if TYPE_CHECKING:
    from thighdx.kb.records import Variable

__all__ = ["WIDE", "condition_list", "escape", "finding_link", "folded", "sentence", "state_words", "table"]

WIDE = "---\nhide: [toc]\n---\n\n"  # at the head of a page: its tables get the room of the table of contents
YES_OR_NO = (("absent", "present"), ("negative", "positive"))


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, in a cell of a table too."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text).replace("<", "&lt;").replace("\n", " ")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of ready Markdown; a header that ends in ``>`` belongs to a column of numbers."""
    lines = [
        "| " + " | ".join(name.removesuffix(">") for name in header) + " |",
        "|" + "|".join("--:" if name.endswith(">") else "---" for name in header) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def folded(title: str, text: str) -> str:
    """Return a part that opens on a click."""
    body = "\n".join(f"    {line}" if line else "" for line in text.splitlines())
    return f'??? note "{title}"\n\n{body}\n'


def state_words(variable: Variable, state: str, *, or_more: bool = False) -> str:
    """Name a finding in a state, or in one further on; left out where it only says that the finding is there."""
    if variable.states in YES_OR_NO:
        return variable.label if state == variable.states[1] else f"{variable.label}: {state}"
    place = variable.states.index(state)
    *others, last = (in_words(name) for name in variable.states[place : None if or_more else place + 1])
    return f"{variable.label}: {', '.join(others)} or {last}" if others else f"{variable.label}: {last}"


def finding_link(variable: Variable, state: str, up: str, *, or_more: bool = False) -> str:
    """Return a link to a finding in the dictionary of findings; `up` leads to the folder of the page."""
    return f"[{escape(state_words(variable, state, or_more=or_more))}]({up}findings.md#{variable.id})"


def condition_list(expression: Expression, variables: Mapping[str, Variable], up: str, depth: int = 0) -> str:
    """Return a condition as nested lists of what must hold; what fits on a line stays on one."""
    indent = "    " * depth
    if isinstance(expression, Is):
        return f"{indent}- {finding_link(variables[expression.variable], expression.state, up)}\n"
    is_all = isinstance(expression, AllOf)
    singles = [part for part in expression.parts if isinstance(part, Is)]
    joined = (" *and* " if is_all else " *or* ").join(
        finding_link(variables[part.variable], part.state, up) for part in singles
    )
    if len(singles) == len(expression.parts):
        return f"{indent}- {joined}\n"
    nested = (part for part in expression.parts if not isinstance(part, Is))
    lines = [f"{indent}- *{'all of' if is_all else 'any of'}*\n"]
    lines += [f"{indent}    - {joined}\n"] if singles else []
    lines += [condition_list(part, variables, up, depth + 1) for part in nested]
    return "".join(lines)


def sentence(text: str) -> str:
    """Return text as a sentence: a capital letter, a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
