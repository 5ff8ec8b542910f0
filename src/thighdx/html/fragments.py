"""Parts of pages for notebooks: one object each, with its own styles, no script and nothing to load.

Each is one ``<div class="thighdx">``. Text and lines take the color of the page around them, fills are
translucent: light and dark themes need no switch. Every figure is a text in a table with a caption; bars only
repeat it. Nothing has an id, so any number of parts fit on one page. What matters fits about fifteen lines; the
rest is folded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from thighdx.html.case_parts import cause_rows, fit_note, fit_words, given_rows, raising, urgency
from thighdx.html.render import View, render
from thighdx.html.views import evaluation_view, explanation_view, learned_view, model_view

if TYPE_CHECKING:
    from thighdx.result import Result

__all__ = ["fragment"]

N_CAUSES = 5


def fragment(found: object) -> str:
    """Return the picture of an object.

    Raises
    ------
    TypeError
        If nothing says how such an object is drawn.
    """
    name = type(found).__name__
    if name not in PICTURES:
        raise TypeError(f"got {name}, expected something that has a picture")
    of_model = getattr(getattr(found, "_case", found), "compiled", found)  # of a result, a model, or itself
    return render(name.lower(), PICTURES[name](found), getattr(of_model, "labels", None))


def _result(result: Result) -> View:
    """Show one case: urgency first, then causes, what is known, warnings, disclaimer."""
    return {
        "urgency": urgency(result),
        "open": raising(result),
        "notes": [*(item.message for item in result.warnings), *filter(None, [fit_note(result)])],
        "causes": cause_rows(result, N_CAUSES),
        "intervals": result._quick_intervals,
        "given": given_rows(result),
        "setting": result.triage.labels[result.setting],
        "model": result.model,
    }


def _itself(found: object) -> View:
    """Show an object as its template reads it."""
    return {"found": found}


# By name, so that a picture of one class imports no other.
PICTURES: Mapping[str, Callable[[Any], View]] = {
    "CredibleIntervals": _itself,
    "Evaluation": evaluation_view,
    "EvidenceFit": lambda found: {"found": found, "words": fit_words(found)},
    "Explanation": explanation_view,
    "Learned": learned_view,
    "Management": _itself,
    "Model": model_view,
    "Questions": _itself,
    "Result": _result,
    "RunReport": _itself,
    "Sensitivities": _itself,
    "Triage": _itself,
}
