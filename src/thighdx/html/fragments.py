"""Parts of pages for notebooks: one object each, with its own styles, no script and nothing to load.

Each is one ``<div class="thighdx">``. Text and lines take the color of the page around them, fills are
translucent: light and dark themes need no switch. Every figure is a text in a table with a caption; bars only
repeat it. Nothing has an id, so any number of parts fit on one page.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from thighdx.evaluation.evaluation import Evaluation
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
from thighdx.model import Model
from thighdx.reasoning.explain.explanation import Explanation
from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
from thighdx.reasoning.questions.question_lines import Questions
from thighdx.reasoning.sensitivity.sensitivity_lines import Sensitivities
from thighdx.reasoning.urgency.management import Management
from thighdx.reasoning.urgency.triage import Triage
from thighdx.result import Result

__all__ = ["fragment", "summary_fragment"]


@singledispatch
def fragment(found: object) -> str:
    """Return the picture of an object.

    Raises
    ------
    TypeError
        If nothing says how such an object is drawn.
    """
    raise TypeError(f"got {type(found).__name__}, expected something that has a picture")


@fragment.register
def _result(result: Result) -> str:
    """Draw one case: urgency first, then causes, what is known, warnings, disclaimer."""
    kb = result._case.kb
    settings = {setting.id: setting.label for setting in kb.manifest.settings}
    view = result_view(
        result,
        {variable.id: variable.label for variable in kb.variables},
        intervals=result._quick_intervals,
        dangerous=result.model.must_not_miss,
        setting=settings[result.setting],
    )
    return render("result", view)


@fragment.register
def _model(model: Model) -> str:
    """Draw what a model is made of."""
    return render("model", model_view(model))


@fragment.register
def _explanation(found: Explanation) -> str:
    """Draw what speaks for and against a cause, or for one cause against another."""
    return render("explanation", explanation_view(found, found.labels))


@fragment.register
def _questions(found: Questions) -> str:
    """Draw what to ask next."""
    return render("questions", questions_view(found, found.labels))


@fragment.register
def _triage(found: Triage) -> str:
    """Draw how urgent a case is, why, and what is still open."""
    return render("triage", {"urgency": triage_view(found, found.labels)})


@fragment.register
def _management(found: Management) -> str:
    """Draw what to do."""
    return render("management", management_view(found, found.labels))


@fragment.register
def _sensitivities(found: Sensitivities) -> str:
    """Draw which judgements move a cause most."""
    return render("sensitivities", sensitivities_view(found, found.labels))


@fragment.register
def _intervals(found: CredibleIntervals) -> str:
    """Draw the leading causes with their credible intervals."""
    return render("intervals", intervals_view(found, found.labels))


@fragment.register
def _evaluation(found: Evaluation) -> str:
    """Draw how well probabilities fit labeled patients."""
    return render("evaluation", evaluation_view(found))


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
    >>> "2 of 3" in part, "no such state" in part
    (True, True)
    """
    return render("summary", summary_view(summary))
