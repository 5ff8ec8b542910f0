"""What the page about one case shows, as plain data, section by section."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from thighdx.html.reasoning_views import (
    explanation_view,
    fit_words,
    management_view,
    questions_view,
    triage_view,
)
from thighdx.html.render import View
from thighdx.html.views import causes_view, known_view
from thighdx.text import Labels, in_words, label_of, short_labels

if TYPE_CHECKING:
    from thighdx.kb.records import KnowledgeBase
    from thighdx.reasoning.explain.explanation import Explanation
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
    from thighdx.result import Result

__all__ = ["report_view"]

N_CAUSES = 8
N_OPEN = 8  # safety questions
N_SETS = 5
SMALLEST_SET = 0.01  # smaller sets and groups say little about a case
SMALLEST_GROUP = 0.02
N_LINES = 15  # of what speaks for and against a cause, as in the plot; the rest is one line
N_QUESTIONS = 3  # per way to answer them
SMALLEST_GAIN = 0.01  # bits
QUESTION_CAPTIONS: Labels = {
    "": "Others",
    "ask": "To ask",
    "examine": "To examine",
    "cheap_test": "Simple tests",
    "imaging_or_invasive": "Imaging and invasive tests",
}


def report_view(
    result: Result,
    kb: KnowledgeBase,
    labels: Labels,
    *,
    intervals: CredibleIntervals,
    explained: Sequence[Explanation],
    dangerous: Collection[str],
    sources: Sequence[View],
) -> View:
    """Show a case; the heading comes on top.

    Parameters
    ----------
    explained : sequence of Explanation
        Of the causes to give reasons for, in order.
    dangerous : collection of str
        Causes that must not be missed.
    sources : sequence of mapping
        ``id``, ``kind``, ``citation``, ``verified`` and ``uses`` of what is cited.
    """
    fit = result.fit
    short = short_labels(labels)
    return {
        "urgency": triage_view(result.triage, labels, n_open=N_OPEN),
        "causes": causes_view(result, labels, intervals=intervals, dangerous=dangerous, n=N_CAUSES),
        "level": intervals.level,
        "drawn": intervals.n_draws,
        "sets": _sets(result, labels),
        "groups": _groups(result, kb),
        "fit": fit_words(fit, labels, residual_cause=result.model.residual_cause),
        "is_misfit": not fit.fits_listed_cause or fit.conflict_bits > 0,
        "warnings": [item.message for item in result.warnings],
        "explained": [explanation_view(item, labels, n_lines=N_LINES) for item in explained],
        "questions": _questions(result, short),
        "questions_note": questions_view(result.next_questions(N_QUESTIONS))["note"],
        "management": management_view(result.management, short),
        "known": known_view(result, labels),
        "unknown": _unknown(result, kb),
        "sources": list(sources),
        "model": [
            ("Model", f"{result.model.name} {result.model.version}"),
            ("Digest of its tables (SHA-256)", result.model.digest),
            ("Causes at once", f"up to {result.model.max_causes}"),
        ],
        "rebased": [
            (in_words(setting), label_of(cause, labels), share)
            for setting, shares in result.model.rebased.items()
            for cause, share in shares.items()
        ],
        "disclaimer": result.model.disclaimer,
    }


def _sets(result: Result, labels: Labels) -> list[View]:
    """Show the most probable sets of causes."""
    return [
        {
            "label": " + ".join(label_of(cause, labels) for cause in item.causes),
            "is_alone": len(item.causes) == 1,
            "probability": item.probability,
        }
        for item in result.explanations(N_SETS)
        if item.probability >= SMALLEST_SET
    ]


def _groups(result: Result, kb: KnowledgeBase) -> list[View]:
    """Show the probability that any member of a group is present, the largest first."""
    names = {group.id: group.label for group in kb.groups}
    ordered = result.groups.sort_values(ascending=False, kind="stable")
    return [
        {"label": names[str(group)], "posterior": float(value)}
        for group, value in ordered.items()
        if value >= SMALLEST_GROUP
    ]


def _questions(result: Result, labels: Labels) -> list[View]:
    """Show the questions that tell the causes apart best by how they are answered, the cheapest way first.

    Alarm questions that would not are among the safety questions that are still open.
    """
    found = result.next_questions(N_QUESTIONS)
    found = replace(found, ranking=tuple(q for q in found.ranking if q.gain_bits >= SMALLEST_GAIN))
    return [
        {
            "caption": QUESTION_CAPTIONS.get(cost, cost),
            "questions": questions_view(replace(found, ranking=best), labels)["questions"],
        }
        for cost, best in found.by_cost().items()
    ]


def _unknown(result: Result, kb: KnowledgeBase) -> list[View]:
    """List what was not given, by how it could be found out."""
    known = result.evidence.keys()
    found: dict[str, list[str]] = {}
    for variable in kb.variables:
        if variable.layer != "cause" and variable.id not in known:
            found.setdefault(variable.cost, []).append(variable.label)
    return [
        {"caption": QUESTION_CAPTIONS[cost], "labels": found[cost]}
        for cost in ("ask", "examine", "cheap_test", "imaging_or_invasive", "")
        if cost in found
    ]
