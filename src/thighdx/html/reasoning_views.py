"""What parts of pages show of the results of reasoning, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from thighdx.html.render import View
from thighdx.text import (
    COST_NAMES,
    LEVEL_NAMES,
    Labels,
    advice_of_level,
    in_labels,
    in_words,
    label_of,
    sentence,
    uncertain_words,
)

if TYPE_CHECKING:
    from thighdx.reasoning.explain.explanation import Explanation, ExplanationLine
    from thighdx.reasoning.fit.evidence_fit import EvidenceFit
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
    from thighdx.reasoning.questions.question_lines import Question, Questions
    from thighdx.reasoning.sensitivity.sensitivity_lines import Sensitivities, Sensitivity
    from thighdx.reasoning.urgency.management import AdviceLine, Management
    from thighdx.reasoning.urgency.triage import Triage

__all__ = [
    "explanation_view",
    "fit_words",
    "intervals_view",
    "level_view",
    "management_view",
    "questions_view",
    "sensitivities_view",
    "triage_view",
]

VIA_NAMES: Labels = {
    "rules_out_other": "by ruling out",
    "points_to_other": "by pointing to",
    "companion": "by way of",
}
N_INTERVALS = 10
N_OPEN = 5


def level_view(level: str) -> View:
    """Describe a level of urgency by id and name."""
    return {"id": level, "name": LEVEL_NAMES.get(level, in_words(level))}


def triage_view(triage: Triage, labels: Labels | None = None, *, n_open: int = N_OPEN) -> View:
    """Show the urgency, its reasons and the open safety questions that could raise it."""
    raising = [question for question in triage.unanswered if question.raises]
    return {
        "level": level_view(triage.level),
        "words": advice_of_level(triage.level, triage.words),
        "reasons": [
            {
                "level": level_view(reason.level),
                "words": sentence(reason.words),
                "because": [
                    f"{label_of(name, labels)}: {in_words(state)}" for name, state in reason.findings.items()
                ],
                "sources": list(reason.sources),
                "is_deciding": reason.level == triage.level,
            }
            for reason in triage.reasons
        ],
        "open": [
            {
                "question": question.question or in_words(question.variable),
                "cost": COST_NAMES.get(question.cost, question.cost),
                "level": level_view(question.level),
            }
            for question in raising[:n_open]
        ],
        "n_open": len(raising),
    }


def management_view(management: Management, labels: Labels | None = None) -> View:
    """Show the advice in the order to be read."""
    return {
        "level": level_view(management.level),
        "seek_care": advice_of_level(management.level, management.seek_care),
        "advice": [_advice(line, labels) for line in management.advice],
        "apart": [
            {"title": title, "advice": [_advice(line, labels) for line in lines]}
            for title, lines in management.apart.items()
        ],
        "withheld": _withheld(management, labels),
        "disputes": [
            {"topic": in_words(item.topic), "side": item.side_taken} for item in management.disputes
        ],
        "disclaimer": management.disclaimer,
    }


def _advice(line: AdviceLine, labels: Labels | None) -> View:
    """Show one piece of advice."""
    return {
        "id": line.id,
        "about": "" if line.cause == "any" else label_of(line.cause, labels),
        "kind": in_words(line.kind),
        "words": line.words,
        "caution": line.caution,
        "sources": list(line.sources),
        "disputes": [in_words(topic) for topic in line.disputes],
    }


def _withheld(management: Management, labels: Labels | None) -> list[View]:
    """Show advice that is not given, by reason."""
    by_reason: dict[str, list[View]] = {}
    for item in management.withheld:
        line = {"about": label_of(item.cause, labels), "words": item.words}
        by_reason.setdefault(sentence(item.reason), []).append(line)
    return [{"reason": reason, "advice": lines} for reason, lines in by_reason.items()]


def questions_view(questions: Questions, labels: Labels | None = None) -> View:
    """Show the best questions and what each answer would do."""
    note = sentence(questions.note or "nothing is left to ask")
    return {
        "goal": questions.goal,
        "note": note,
        "questions": [_question(item, labels) for item in questions],
    }


def _question(item: Question, labels: Labels | None) -> View:
    """Show one question."""
    return {
        "text": item.text or item.label,
        "label": item.label,
        "cost": COST_NAMES.get(item.cost, item.cost),
        "gain_bits": item.gain_bits,
        "urgency_change": item.urgency_change,
        "answers": [
            {
                "state": in_words(answer.state),
                "probability": answer.probability,
                "shifts": [
                    {"label": label_of(s.cause, labels), "before": s.before, "after": s.after}
                    for s in answer.shifts[:2]
                ],
            }
            for answer in item.answers
        ],
    }


def fit_words(fit: EvidenceFit, labels: Labels | None, *, residual_cause: str = "") -> str:
    """Say whether the evidence fits, with causes and findings by name."""
    findings = (finding.variable for finding in fit.findings)
    return in_labels(fit.statement, (residual_cause, fit.rare_case, *fit.typical_of, *findings), labels)


def explanation_view(found: Explanation, labels: Labels | None = None, *, n_lines: int | None = None) -> View:
    """Show what speaks for and against, as a waterfall from before to now.

    Of more than `n_lines` findings those that weigh least are one line together.
    """
    causes = [
        {"label": label_of(found.cause, labels), "prior": found.prior, "posterior": found.posterior},
    ]
    if found.against_prior is not None and found.against_posterior is not None:
        other = label_of(found.against, labels)
        causes.append({"label": other, "prior": found.against_prior, "posterior": found.against_posterior})
    steps = list(_steps(found, labels, len(found.lines) if n_lines is None else n_lines))
    is_open = found.verdict == "open" and found.posterior_decibans is not None
    return {
        "is_contrast": bool(found.against),
        "causes": causes,
        "verdict": ""
        if is_open
        else sentence(in_labels(found.statement, (found.cause, found.against), labels)),
        "before": found.prior_decibans,
        "now": found.posterior_decibans,
        "steps": _placed(found.prior_decibans, steps) if is_open else [],
        "unknown": [
            {
                "label": swing.label,
                "answers": [
                    {"state": in_words(swing.highest), "decibans": swing.highest_decibans},
                    {"state": in_words(swing.lowest), "decibans": swing.lowest_decibans},
                ],
            }
            for swing in found.unknown
        ],
    }


def _steps(found: Explanation, labels: Labels | None, n_lines: int) -> Iterable[View]:
    """Yield one row per contribution; what is left over makes one row."""
    given = found.conditioning
    if given is not None and given.decibans is not None:
        conditions = (
            f"{label_of(name, labels)}: {in_words(state)}" if state else label_of(name, labels)
            for name, state in (*given.given, *given.excluding)
        )
        yield _step(f"Given: {'; '.join(conditions)}", given.decibans)
    n_shown = n_lines if len(found.lines) > n_lines + 1 else len(found.lines)
    for line in found.lines[:n_shown]:
        yield {
            "label": _evidence(line),
            "decibans": line.decibans,
            "note": f"{VIA_NAMES[line.via]} {label_of(line.other, labels) if line.other else 'others'}"
            if line.via
            else "",
            "direction": line.direction,
        }

    if rest := found.lines[n_shown:]:
        yield _step(f"{len(rest)} other findings together", sum(line.decibans for line in rest))


def _step(label: str, decibans: float) -> View:
    """Show a contribution that is not of a single finding."""
    return {"label": label, "decibans": decibans, "note": "", "direction": ""}


def _evidence(line: ExplanationLine) -> str:
    """Write a piece of evidence in words."""
    if line.state:
        return f"{line.label}: {in_words(line.state)}"
    return f"{line.label}: {uncertain_words(line.likelihood)}"


def _placed(before: float, steps: list[View]) -> list[View]:
    """Add where the bar of each step begins and how long it is, in percent of the width."""
    ends = [before]
    for step in steps:
        ends.append(ends[-1] + step["decibans"])
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    scale = 100.0 / (high - low) if high > low else 0.0
    for step, start, end in zip(steps, ends, ends[1:], strict=False):
        step["x"] = round((min(start, end) - low) * scale, 2)
        step["width"] = round(max(abs(end - start) * scale, 0.4), 2)
        step["even"] = round(min((0.0 - low) * scale, 99.6), 2)
    return steps


def sensitivities_view(found: Sensitivities, labels: Labels | None = None) -> View:
    """Show the range of the posterior over the range of each judgement."""
    return {
        "label": label_of(found.cause, labels),
        "posterior": found.posterior,
        "leader": label_of(found.leader, labels),
        "n_judgements": len(found.ranking),
        "lines": [_sensitivity(line, labels) for line in found],
    }


def _sensitivity(line: Sensitivity, labels: Labels | None) -> View:
    """Show one judgement."""
    turns = [turn for turn in (line.turn_below, line.turn_above) if turn is not None]
    return {
        "table": in_words(line.influence.table),
        "key": ", ".join(label_of(part, labels) for part in line.influence.key),
        "point": line.influence.point,
        "low": line.low,
        "high": line.high,
        "at_low": line.at_low,
        "at_high": line.at_high,
        "smallest": line.smallest,
        "largest": line.largest,
        "turns": [
            {
                "becomes": label_of(turn.becomes, labels)
                if turn.kind == "leader"
                else f"urgency {LEVEL_NAMES.get(turn.becomes, turn.becomes)}",
                "value": turn.value,
            }
            for turn in turns
        ],
        "is_decisive": line.is_decisive,
    }


def intervals_view(found: CredibleIntervals, labels: Labels | None = None) -> View:
    """Show the leading causes with their intervals."""
    leading = sorted(found.causes.values(), key=lambda item: -item.posterior)[:N_INTERVALS]
    return {
        "level": found.level,
        "causes": [
            {
                "label": label_of(item.name, labels),
                "posterior": item.posterior,
                "lower": item.lower,
                "upper": item.upper,
                "method": item.method,
            }
            for item in leading
        ],
    }
