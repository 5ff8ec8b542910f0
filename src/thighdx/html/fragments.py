"""Parts of pages for notebooks: one object each, with its own styles, no script and nothing to load.

Each is one ``<div class="thighdx">``. Text and lines take the color of the page around them, fills are
translucent: light and dark themes need no switch. Every figure is a text in a table with a caption; bars only
repeat it. Nothing has an id, so any number of parts fit on one page.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from thighdx.html.names import Labels
from thighdx.html.reasoning_views import (
    explanation_view,
    intervals_view,
    management_view,
    questions_view,
    sensitivities_view,
    triage_view,
)
from thighdx.html.render import render
from thighdx.html.views import evaluation_view, model_view, result_view, summary_view

if TYPE_CHECKING:
    from thighdx.evaluation import Evaluation
    from thighdx.model import Model
    from thighdx.reasoning.explanation import Explanation
    from thighdx.reasoning.intervals import Intervals
    from thighdx.reasoning.management import Management
    from thighdx.reasoning.question_lines import Questions
    from thighdx.reasoning.sensitivity_lines import Sensitivities
    from thighdx.reasoning.triage import Triage
    from thighdx.result import Result

__all__ = [
    "evaluation_fragment",
    "explanation_fragment",
    "intervals_fragment",
    "management_fragment",
    "model_fragment",
    "questions_fragment",
    "result_fragment",
    "sensitivities_fragment",
    "summary_fragment",
    "triage_fragment",
]


def result_fragment(
    result: Result, labels: Labels, *, intervals: Intervals, dangerous: Collection[str], setting: str
) -> str:
    """Return the picture of one case: urgency first, then causes, what is known, warnings, disclaimer."""
    view = result_view(result, labels, intervals=intervals, dangerous=dangerous, setting=setting)
    return render("result", view)


def model_fragment(model: Model) -> str:
    """Return what a model is made of."""
    return render("model", model_view(model))


def explanation_fragment(found: Explanation, labels: Labels | None = None) -> str:
    """Return what speaks for and against a cause, or for one cause against another."""
    return render("explanation", explanation_view(found, labels))


def questions_fragment(questions: Questions, labels: Labels | None = None) -> str:
    """Return what to ask next."""
    return render("questions", questions_view(questions, labels))


def triage_fragment(triage: Triage, labels: Labels | None = None) -> str:
    """Return how urgent a case is, why, and what is still open."""
    return render("triage", {"urgency": triage_view(triage, labels)})


def management_fragment(management: Management, labels: Labels | None = None) -> str:
    """Return what to do."""
    return render("management", management_view(management, labels))


def sensitivities_fragment(found: Sensitivities, labels: Labels | None = None) -> str:
    """Return which judgements move a cause most."""
    return render("sensitivities", sensitivities_view(found, labels))


def intervals_fragment(found: Intervals, labels: Labels | None = None) -> str:
    """Return the leading causes with their credible intervals."""
    return render("intervals", intervals_view(found, labels))


def evaluation_fragment(found: Evaluation, labels: Labels | None = None) -> str:
    """Return how well probabilities fit labeled patients."""
    return render("evaluation", evaluation_view(found, labels))


def summary_fragment(summary: Mapping[str, Any]) -> str:
    """Return what became of a scored table.

    Parameters
    ----------
    summary : mapping
        ``n_rows``; the rest may be left out: ``statuses`` (status to rows), ``leading`` (mappings of ``label``,
        ``n_rows`` and ``mean_probability``, most frequent first), ``triage`` (level to rows), ``truth``
        (mapping of ``n``, ``first``, ``among`` and ``top``), ``notes`` (texts), ``model``, ``setting`` and
        ``disclaimer`` (texts).

    Examples
    --------
    >>> part = summary_fragment({"n_rows": 3, "statuses": {"ok": 2, "no_such_state": 1}})
    >>> "2 of 3" in part, "unknown state" in part
    (True, True)
    """
    return render("summary", summary_view(summary))
