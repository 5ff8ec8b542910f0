"""What is said of one case, part by part, as plain data: the same on a card, on a page and in the explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thighdx.html.render import View
from thighdx.reasoning.fit.evidence_fit import CLEAR_CONFLICT_BITS
from thighdx.reasoning.urgency.management import ANY_CAUSE
from thighdx.text import finding_name, in_labels, percent, value_name
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.reasoning.fit.evidence_fit import EvidenceFit
    from thighdx.reasoning.urgency.open_questions import OpenQuestion
    from thighdx.result import Result

__all__ = ["advice_rows", "cause_rows", "fit_note", "fit_words", "given_rows", "raising", "urgency"]

N_REASONS = 3
N_ADVICE = 3  # no more is given in an emergency
N_DECIDING = 2  # causes that decide the urgency though others lead
SAYS_NO = ("absent", "negative", "none", "no")


def urgency(result: Result) -> View:
    """Say how urgent the case is and why, and in an emergency what to do, which stands before all else."""
    triage, rest = result.triage, result.model.residual_cause
    n_more = len(triage.reasons) - len(triage.deciding[:N_REASONS])
    return {
        "level": triage.level,
        "words": triage.words,
        "reasons": [
            {
                "words": reason.words,
                "because": [finding_name(*item, triage.labels) for item in reason.findings.items()],
            }
            for reason in triage.deciding[:N_REASONS]
        ],
        "more": say("card.more_reasons", triage.labels, n=n_more) if n_more else "",
        "causes": list(dict.fromkeys(r.cause for r in triage.deciding if r.cause not in ("", rest))),
        "do": advice_rows(result) if triage.level == "emergency" else [],
    }


def advice_rows(result: Result) -> list[View]:
    """Return what to do first, each piece with its caution."""
    found = result.management
    return [
        {
            "words": line.words,
            "caution": line.caution,
            "about": "" if line.cause == ANY_CAUSE else found.labels[line.cause],
        }
        for line in found.advice[:N_ADVICE]
    ]


def cause_rows(result: Result, n: int | None = None) -> list[View]:
    """Return the `n` leading causes, some that decide the urgency, and last, without a rank, what is not listed."""
    rest = result.model.residual_cause
    posterior, prior = result.posterior.to_dict(), result.prior.to_dict()
    ranked = [str(cause) for cause in posterior if cause != rest]
    deciding = [cause for cause in urgency(result)["causes"] if cause not in ranked[:n]]
    shown = [*ranked[:n], *deciding[:N_DECIDING], *([rest] if rest in posterior else [])]
    return [
        {
            "id": cause,
            "label": result.triage.labels[cause],
            "posterior": float(posterior[cause]),
            "words": percent(posterior[cause]),
            "prior": float(prior[cause]),
            "prior_words": percent(prior[cause]),
            "is_dangerous": cause in result.model.must_not_miss,
            "is_rest": cause == rest,
        }
        for cause in shown
    ]


def given_rows(result: Result) -> list[View]:
    """Return what was given, as it was understood: what is there before what is not."""
    rows = [
        {
            "label": result.triage.labels[name],
            "value": value_name(name, value, result.triage.labels),
            "is_no": value in SAYS_NO,
        }
        for name, value in result.evidence.items()
    ]
    return sorted(rows, key=lambda row: bool(row["is_no"]))


def raising(result: Result) -> list[OpenQuestion]:
    """Return the safety questions still open through which the case could become more urgent; none in an emergency."""
    return [question for question in result.triage.unanswered if question.raises]


def fit_words(fit: EvidenceFit) -> str:
    """Say whether the evidence fits, with causes and findings by name."""
    return in_labels(fit.statement, fit.labels, fit.labels)


def fit_note(result: Result) -> str:
    """Say that the evidence fits badly; empty where it does not."""
    fit = result.fit
    is_strange = not fit.fits_listed_cause or fit.conflict_bits >= CLEAR_CONFLICT_BITS
    return fit_words(fit) if result.evidence and is_strange else ""
