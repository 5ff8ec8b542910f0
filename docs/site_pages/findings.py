"""The dictionary of everything that can be known about a patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from site_pages.markdown import condition_list, escape
from thighdx.kb.expressions import parse_expression
from thighdx.kb.records import Layer
from thighdx.text import in_words, state_name

if TYPE_CHECKING:
    from thighdx import Model
    from thighdx.kb.records import Variable

__all__ = ["findings_page"]

LAYERS: Sequence[tuple[Layer, str, str]] = (
    (
        "context",
        "Circumstances",
        "Who the patient is, what came before, and what the patient was exposed to.",
    ),
    ("finding", "Symptoms and signs", "What the patient says and what an examination shows."),
    ("test", "Tests", "Special tests of an examination, laboratory tests and imaging."),
    ("pathology", "Silent lesions", "Changes that may be there without causing the complaint."),
)
COSTS = {
    "ask": "asking",
    "examine": "an examination",
    "cheap_test": "a simple test",
    "imaging_or_invasive": "imaging or an invasive test",
}


def findings_page(model: Model) -> str:
    """Return every variable but the causes: question, states, how it is found out, when it is asked."""
    text = (
        "# Findings and circumstances\n\nEverything that can be given to `model.diagnose` or be a column of a "
        "table. The name in code type is the one to use; the first state is the one that says nothing special. "
        "What is not given is unknown. `age` in years may be given in place of `age_band`.\n"
    )
    for layer, title, meaning in LAYERS:
        chosen = sorted(
            (item for item in model.variables.values() if item.layer == layer), key=lambda item: item.label
        )
        text += f"\n## {title}\n\n{meaning}\n\n" + "\n".join(_entry(model, item) for item in chosen)
    return text


def _state(model: Model, variable: Variable, state: str) -> str:
    """Return the name of a state as it is given, and what people call it where that differs."""
    words = state_name(variable.id, state, model.compiled.labels)
    return f"`{state}`" + (f" ({escape(words)})" if words != in_words(state) else "")


def _entry(model: Model, variable: Variable) -> str:
    """Return the entry of one variable."""
    states = ", ".join(_state(model, variable, state) for state in variable.states)
    lines = [f"### {escape(variable.label)} {{ #{variable.id} }}\n", f"`{variable.id}`: {states}\n"]
    if variable.question:
        lines.append(f"{escape(variable.question)}\n")
    facts = []
    if variable.cost:
        facts.append(f"Found out by {COSTS[variable.cost]}.")
    if variable.alarms:
        facts.append(f"Alarms by itself when {' or '.join(f'`{state}`' for state in variable.alarms)}.")
    if variable.aliases:
        facts.append(f"Also called: {escape(', '.join(variable.aliases))}.")
    if facts:
        lines.append(" ".join(facts) + "\n")
    if variable.asked_if:
        wanted = condition_list(parse_expression(variable.asked_if), model)
        lines.append(f"Asked only if\n\n{wanted}")
    return "\n".join(lines)
