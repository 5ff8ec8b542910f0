"""Every rule and threshold that decides how urgent a case is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from site_pages.markdown import condition_list, escape, finding_link, reason_words, table
from thighdx.kb.expressions import parse_expression
from thighdx.kb.records import LEVELS
from thighdx.text import exact_percent, level_name, sentence

if TYPE_CHECKING:
    from thighdx import Model

__all__ = ["rules_page"]

MEANINGS = {
    "emergency": "Go to an emergency department or call an ambulance now.",
    "urgent": "See a clinician today.",
    "soon": "See a clinician within days.",
    "routine": "See a clinician within weeks.",
    "self_care": "Self-care, and come back if it does not get better.",
}


def rules_page(model: Model) -> str:
    """Return the levels, the rules, the findings that alarm by themselves, and the thresholds."""
    return "\n".join((_levels(), _rules(model), _alarms(model), _thresholds(model)))


def _levels() -> str:
    rows = [[f"`{level}`", MEANINGS[level]] for level in reversed(LEVELS)]
    return (
        "# Rules and thresholds\n\nA case has the highest level that any rule, any alarming finding or any "
        "threshold calls for. No clinician has reviewed them. [Urgency in detail]"
        "(../explanation/urgency.md) says how they work together.\n\n" + table(("level", "meaning"), rows)
    )


def _rules(model: Model) -> str:
    """Return every rule with its condition in words."""
    text = "## Rules\n\nA rule holds only on what is known: what is unknown neither fires a rule nor stops one.\n\n"
    for rule in model.compiled.kb.red_flags:
        suspect = model.causes.get(rule.suspect)
        suspected = f" Suspected: [{escape(suspect.label)}](causes/{rule.suspect}.md)." if suspect else ""
        wanted = condition_list(parse_expression(rule.when), model)
        text += (
            f"### {rule.id}: {level_name(rule.level).lower()} {{ #{rule.id} }}\n\n"
            f"{escape(sentence(rule.words))}{suspected}\n\n"
            f"*For clinicians:* {reason_words(model, rule.reason, '')}\n\n{wanted}\n"
        )
    return text


def _alarms(model: Model) -> str:
    """Return the findings that alarm by themselves."""
    lines = [
        f"- {finding_link(model, variable.id, state)}"
        for variable in sorted(model.variables.values(), key=lambda item: item.label)
        for state in variable.alarms
    ]
    return (
        "## Findings that alarm by themselves\n\nEach makes a case at least `soon`.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _thresholds(model: Model) -> str:
    """Return the probability of every cause from which on each level is due."""
    levels = [level for level in reversed(LEVELS) if level != "self_care"]
    rows = []
    for harm in sorted(model.compiled.kb.harms, key=lambda item: -item.harm_of_missing):
        limits = [harm.threshold(level) for level in levels]
        rows.append(
            [
                f"[{escape(model.causes[harm.cause].label)}](causes/{harm.cause}.md)",
                f"{harm.harm_of_missing:g}",
            ]
            + ["" if limit is None else exact_percent(limit) for limit in limits]
            + [level_name(harm.level_if_likely).lower()]
        )
    manifest = model.compiled.kb.manifest
    header = ["cause", "harm of 100>", *(f"{level}>" for level in levels), "if likely"]
    return (
        "## Thresholds\n\nFrom which probability of a cause on each level is due. Below `emergency`, a cause that "
        f"must not be missed counts at {manifest.must_not_miss_odds:g} times its odds. A cause that is more likely "
        "than not calls for the level in the last column.\n\n" + table(header, rows)
    )
