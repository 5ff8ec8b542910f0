"""A case as a page to hand on: one sheet with what matters, then an appendix; nothing is loaded, no script runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from thighdx import __version__
from thighdx.display import Day
from thighdx.html.case_parts import advice_rows, cause_rows, fit_note, fit_words, given_rows, raising, urgency
from thighdx.html.render import View, render
from thighdx.html.views import explanation_view
from thighdx.kb.records import COST_TIERS, KnowledgeBase
from thighdx.reasoning.explain.provenance import OWN_SHARE
from thighdx.text import in_words, set_name
from thighdx.words import Labels, say

if TYPE_CHECKING:
    from thighdx.reasoning.explain.explanation import Explanation
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
    from thighdx.result import Result

__all__ = ["case_report"]

N_CAUSES = 5  # on the first sheet
N_FURTHER = 5  # in the appendix
N_OPEN = 3  # safety questions
N_FINDINGS = 4  # that decide, for the leading cause and the first that decides the urgency
N_EXPLAINED = 3  # leading causes; those that decide the urgency come on top
LIKELY_ENOUGH = 0.05  # to be explained; the leading cause always is
N_LINES = 8  # of what speaks for and against a cause; the rest is one line
N_CITED_LINES = 6  # of an explanation
SMALLEST_CITED = 0.5  # decibans
N_SETS = 5
SMALLEST_SET = 0.01  # smaller sets and groups say little about a case
SMALLEST_GROUP = 0.02
N_QUESTIONS = 3  # per way to answer them
SMALLEST_GAIN = 0.01  # bits; alarm questions that tell no causes apart are among the safety questions
N_DETAILS = 3  # of what a source is cited for


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
    kb, model, labels = result._case.kb, result.model, result.triage.labels
    explained = [result.explain(cause) for cause in _to_explain(result)]
    facts = [
        ("case", case_id),
        ("date", None if date is None else str(date)),
        ("seen_in", kb.labels[result.setting]),
        ("model", f"{model.name} {model.version} ({model.digest[:12]})"),
    ]
    heading = {
        "language": kb.manifest.language,
        "title": title or say("report.title", labels),
        "about": kb.manifest.title,
        "case_id": case_id or "",
        "facts": [(say(f"report.{name}", labels), value) for name, value in facts if value],
        "library": __version__,
        "disclaimer": model.disclaimer,
    }
    view = heading | _sheet(result, explained, intervals) | _appendix(result, kb, explained)
    return render("report", view | {"sources": _sources(result, kb, explained)}, labels)


def _sheet(result: Result, explained: Sequence[Explanation], intervals: CredibleIntervals) -> View:
    """Show what matters; it fits one page."""
    urgent = urgency(result)
    deciding = [item for item in explained if item.cause in (explained[0].cause, *urgent["causes"][:1])]
    return {
        "urgency": urgent,
        "advice": advice_rows(result),
        "notes": [*(item.message for item in result.warnings), *filter(None, [fit_note(result)])],
        "causes": cause_rows(result, N_CAUSES),
        "intervals": intervals,
        "given": given_rows(result),
        "deciding": [explanation_view(item, N_FINDINGS) for item in deciding],
        "n_findings": N_FINDINGS,
        "open": raising(result),
        "n_open": N_OPEN,
    }


def _appendix(result: Result, kb: KnowledgeBase, explained: Iterable[Explanation]) -> View:
    """Show what the sheet rests on, and what it has no room for."""
    groups = result.groups.sort_values(ascending=False, kind="stable")
    shown = {row["id"] for row in cause_rows(result, N_CAUSES)}
    further = [row for row in cause_rows(result) if row["id"] not in shown]
    found = result.next_questions(N_QUESTIONS)
    useful = replace(found, ranking=tuple(q for q in found.ranking if q.gain_bits >= SMALLEST_GAIN))
    labels, unknown = result.triage.labels, {way: list[str]() for way in ("", *COST_TIERS)}
    for variable in kb.variables:
        if variable.layer != "cause" and variable.id not in result.evidence:
            unknown[variable.cost].append(variable.label)
    return {
        "triage": result.triage,
        "further": further[:N_FURTHER],
        "fit": fit_words(result.fit),
        "sets": [
            (set_name(item.causes, labels), item.probability)
            for item in result.explanations(N_SETS)
            if item.probability >= SMALLEST_SET
        ],
        "groups": [
            (kb.labels[str(name)], value) for name, value in groups.items() if value >= SMALLEST_GROUP
        ],
        "explained": [explanation_view(item, N_LINES) for item in explained],
        "questions": useful.by_cost(),
        "questions_note": found.note or say("question.none", labels),
        "management": result.management,
        "unknown": {way: listed for way, listed in unknown.items() if listed},
        "model": result.model,
    }


def _to_explain(result: Result) -> list[str]:
    """Return the causes to give reasons for: the leading ones, then those that decide the urgency."""
    top = [(str(cause), float(value)) for cause, value in result.top(N_EXPLAINED).items()]
    leading = [cause for place, (cause, value) in enumerate(top) if place == 0 or value >= LIKELY_ENOUGH]
    return list(dict.fromkeys([*leading, *urgency(result)["causes"][:N_EXPLAINED]]))


def _sources(result: Result, kb: KnowledgeBase, explained: Iterable[Explanation]) -> list[View]:
    """Gather the sources behind the urgency and the leading figures, each with what it is cited for."""
    found, labels = dict[str, dict[str, list[str]]](), result.triage.labels
    for source, use, detail in _citations(result, explained):
        details = found.setdefault(source, {}).setdefault(use, [])
        if detail and detail not in details:
            details.append(detail)
    return [
        {
            "id": source,
            "uses": "; ".join(_use(use, details, labels) for use, details in uses.items()),
            **_words(source, kb, labels),
        }
        for source, uses in found.items()
    ]


def _use(use: str, details: Sequence[str], labels: Labels) -> str:
    """Say what a source is cited for."""
    listed, n_more = ", ".join(details[:N_DETAILS]), len(details[N_DETAILS:])
    listed = say("report.and_more", labels, listed=listed, n=n_more) if n_more else listed
    return f"{use}: {listed}" if details else use


def _citations(result: Result, explained: Iterable[Explanation]) -> Iterator[tuple[str, str, str]]:
    """Yield sources with what they are cited for, in the order of the page."""
    labels = result.triage.labels
    for reason in result.triage.deciding:
        for source in reason.sources:
            yield source, say("report.of_urgency", labels), ""
    for explanation in explained:
        cause = explanation.labels[explanation.cause]
        for basis in explanation.prior_judgements:
            for source in basis.sources:
                yield source, cause, say("report.how_common", labels)
        lines = [line for line in explanation.lines if abs(line.decibans) >= SMALLEST_CITED]
        for line in lines[:N_CITED_LINES]:
            for source in line.sources:
                yield source, cause, line.label


def _words(source: str, kb: KnowledgeBase, labels: Labels) -> View:
    """Say what a source is; of a share that a user put in there is only that to say."""
    if source == OWN_SHARE:
        kind, citation = say("report.own_kind", labels), say("report.own_share", labels)
        return {"kind": kind, "citation": citation, "verified": False}
    record = kb.sources[source]
    citation = " ".join(word if "://" in word else in_words(word) for word in record.citation.split())
    return {"kind": in_words(record.kind), "citation": citation, "verified": record.verified}
