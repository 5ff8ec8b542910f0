"""A case as one page to hand on: everything on it is there, nothing is loaded, no script runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from thighdx import __version__
from thighdx.display import Day
from thighdx.html.render import View, render
from thighdx.html.report_view import report_view
from thighdx.kb.records import KnowledgeBase
from thighdx.reasoning.explain.provenance import OWN_SHARE
from thighdx.text import Labels, in_words, short_labels

if TYPE_CHECKING:
    from thighdx.reasoning.explain.explanation import Explanation
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
    from thighdx.result import Result

__all__ = ["case_report"]

N_EXPLAINED = 3  # leading causes; those that decide the urgency come on top
LIKELY_ENOUGH = 0.05  # to be explained; the leading cause always is
N_CITED_LINES = 6  # of an explanation
SMALLEST_CITED = 0.5  # decibans


def case_report(
    result: Result,
    *,
    intervals: CredibleIntervals,
    title: str | None = None,
    case_id: str | None = None,
    date: Day | None = None,
) -> str:
    """Return a case as a page of HTML.

    Parameters
    ----------
    intervals : CredibleIntervals
        Of every cause.
    title : str, optional
        Heading; default "Case report".
    case_id : str, optional
        Whose case it is, in the reader's own words.
    date : str or datetime.date, optional
        Shown as given. Without it the page names no day, and the same case gives the same bytes.
    """
    kb = result._case.kb
    explained = [result.explain(cause) for cause in _to_explain(result)]
    labels = {variable.id: variable.label for variable in kb.variables}
    page = report_view(
        result,
        kb,
        labels,
        intervals=intervals,
        explained=explained,
        dangerous=result.model.must_not_miss,
        sources=_sources(result, kb, explained, short_labels(labels)),
    )
    page |= _heading(result, kb, title=title, case_id=case_id, date=date)
    return render("report", page)


def _heading(
    result: Result, kb: KnowledgeBase, *, title: str | None, case_id: str | None, date: Day | None
) -> View:
    """Name the case and the model."""
    settings = {setting.id: setting.label for setting in kb.manifest.settings}
    facts = [
        ("Case", case_id),
        ("Date", None if date is None else str(date)),
        ("Seen in", settings[result.setting]),
        ("Model", f"{result.model.name} {result.model.version} ({result.model.digest[:12]})"),
    ]
    return {
        "title": title or "Case report",
        "about": kb.manifest.title,
        "case_id": case_id or "",
        "facts": [(name, value) for name, value in facts if value],
        "library": __version__,
    }


def _to_explain(result: Result) -> list[str]:
    """Return the causes to give reasons for: the leading ones, then those that decide the urgency."""
    top = [(str(cause), float(value)) for cause, value in result.top(N_EXPLAINED).items()]
    leading = [cause for place, (cause, value) in enumerate(top) if place == 0 or value >= LIKELY_ENOUGH]
    rest = result.model.residual_cause
    urgent = [reason.cause for reason in result.triage.deciding if reason.cause not in ("", rest)]
    return list(dict.fromkeys([*leading, *urgent[:N_EXPLAINED]]))


def _sources(
    result: Result, kb: KnowledgeBase, explained: Iterable[Explanation], labels: Labels
) -> list[View]:
    """Gather the sources behind the urgency and the leading figures, each with what it is cited for."""
    found: dict[str, dict[str, list[str]]] = {}
    for source, use, detail in _citations(result, explained, labels):
        details = found.setdefault(source, {}).setdefault(use, [])
        if detail and detail not in details:
            details.append(detail)
    return [{"id": source, "uses": uses, **_words(source, kb)} for source, uses in found.items()]


def _citations(
    result: Result, explained: Iterable[Explanation], labels: Labels
) -> Iterator[tuple[str, str, str]]:
    """Yield sources with what they are cited for, in the order of the page."""
    for reason in result.triage.deciding:
        for source in reason.sources:
            yield source, "urgency", ""
    for explanation in explained:
        cause = labels[explanation.cause]
        for basis in explanation.prior_judgements:
            for source in basis.sources:
                yield source, cause, "how common"
        lines = [line for line in explanation.lines if abs(line.decibans) >= SMALLEST_CITED]
        for line in lines[:N_CITED_LINES]:
            for source in line.sources:
                yield source, cause, line.label


def _words(source: str, kb: KnowledgeBase) -> View:
    """Say what a source is; of a share that a user put in there is only that to say."""
    if source == OWN_SHARE:
        return {
            "kind": "own figure",
            "citation": "A share put in place of the elicited one",
            "verified": False,
        }
    record = kb.sources[source]
    citation = " ".join(word if "://" in word else in_words(word) for word in record.citation.split())
    return {"kind": in_words(record.kind), "citation": citation, "verified": record.verified}
