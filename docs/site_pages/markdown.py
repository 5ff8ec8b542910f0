"""Small pieces of Markdown: tables, folded parts, and links to findings, causes and sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from thighdx.kb.expressions import AllOf, Expression, Is
from thighdx.text import sentence, state_name

if TYPE_CHECKING:
    from thighdx import Model
    from thighdx.kb.records import Variable

__all__ = ["WIDE", "condition_list", "escape", "finding_link", "folded", "reason_words", "table"]

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


def state_words(model: Model, variable: Variable, *states: str) -> str:
    """Name a finding in one of some states; left out where it only says that the finding is there."""
    if variable.states in YES_OR_NO and states == variable.states[1:]:
        return variable.label
    named = [state_name(variable.id, state, model.compiled.labels) for state in states]
    others = f"{', '.join(named[:-1])} or " if named[1:] else ""
    return f"{variable.label}: {others}{named[-1]}"


def finding_link(model: Model, name: str, *states: str, up: str = "", or_more: bool = False) -> str:
    """Return a link to a finding in the dictionary of findings; `up` leads to the folder of the page."""
    variable = model.variables[name]
    if or_more:
        states = variable.states[variable.states.index(states[0]) :]
    return f"[{escape(state_words(model, variable, *states))}]({up}findings.md#{name})"


def reason_words(model: Model, reason: str, rules: str) -> str:
    """Return a clinician's reason as a sentence whose rules are links to the page of rules, `rules`."""
    text = escape(sentence(reason))
    for rule in model.compiled.kb.red_flags:
        text = re.sub(rf"\b{rule.id}\b", f"[{rule.id}]({rules}#{rule.id})", text)
    return text


def condition_list(expression: Expression, model: Model, *, up: str = "", depth: int = 0) -> str:
    """Return a condition as nested lists of what must hold; what fits on a line stays on one."""
    indent = "    " * depth
    if isinstance(expression, Is):
        return f"{indent}- {finding_link(model, expression.variable, expression.state, up=up)}\n"
    is_all = isinstance(expression, AllOf)
    states: dict[str, list[str]] = {}  # "days or weeks" of one finding are named together
    for part in expression.parts:
        if isinstance(part, Is):
            states.setdefault(part.variable, []).append(part.state)
    joined = (" *and* " if is_all else " *or* ").join(
        finding_link(model, name, *found, up=up) for name, found in states.items()
    )
    nested = [part for part in expression.parts if not isinstance(part, Is)]
    if not nested:
        return f"{indent}- {joined}\n"
    lines = [f"{indent}- *{'all of' if is_all else 'any of'}*\n"]
    lines += [f"{indent}    - {joined}\n"] if states else []
    lines += [condition_list(part, model, up=up, depth=depth + 1) for part in nested]
    return "".join(lines)
