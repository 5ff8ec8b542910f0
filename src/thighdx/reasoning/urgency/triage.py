"""The urgency of one case and its reasons: red-flag rules, findings that alarm, thresholds on probabilities.

Unknown is never read as absent, and no answer takes back what another has raised: a finding that fires a
rule keeps the level at least at that rule's, and one that alarms by itself keeps it at least at ``soon``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

import numpy as np

from thighdx.compiled.case import Case
from thighdx.display import Shown
from thighdx.kb.conditions import witnesses
from thighdx.kb.records import LEVELS, Cost, Harm, Level
from thighdx.plain import Plain, table_of
from thighdx.reasoning.urgency.alarm_questions import alarm_questions
from thighdx.reasoning.urgency.levels import SOON, Verdict, counted, odds_factor, urgency_rules
from thighdx.reasoning.urgency.open_questions import OpenQuestion, open_questions
from thighdx.text import exact_percent, inside, level_name, percent
from thighdx.words import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reason", "Triage", "triage"]

ReasonKind: TypeAlias = Literal["rule", "alarm", "threshold", "likely", "no_finding", "no_warning"]


@dataclass(frozen=True, slots=True)
class Reason(Plain):
    """Why a case is at least as urgent as `level`.

    Attributes
    ----------
    kind : str
        ``rule``: a red-flag rule fires. ``alarm``: findings alarm by themselves. ``threshold``: a cause is
        likely enough. ``likely``: a cause is more likely than not. ``no_finding``: too little is known of the
        complaint. ``no_warning``: none of these.
    rule, cause : str
        Id of the rule and of the cause (the suspect of a rule); empty where there is none.
    findings : mapping of str to str
        The known states that made the rule fire, or that alarm.
    figures : mapping of str to float
        Probabilities compared: ``posterior``; ``counted``, at a multiple of its odds, where only that reaches
        the threshold; ``threshold``.
    """

    kind: ReasonKind
    level: Level
    rule: str
    cause: str
    words: str
    findings: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Triage(Shown, Plain):
    """How soon a case needs care, why, and which safety questions are still open.

    Attributes
    ----------
    level : {"emergency", "urgent", "soon", "routine", "self_care"}
    reasons : tuple of Reason
        The most urgent first; rules before probabilities.
    unanswered : tuple of OpenQuestion
        Questions through which a rule could still fire: alarm questions of the likely causes first, then by
        the urgency of the rule and by weight.
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.
    """

    level: Level
    reasons: tuple[Reason, ...]
    unanswered: tuple[OpenQuestion, ...]
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _worked_out: ClassVar[dict[str, str]] = {"words": "level"}

    @property
    def words(self) -> str:
        """What the level means, in plain words."""
        return say(f"meaning.{self.level}", self.labels)

    @property
    def deciding(self) -> tuple[Reason, ...]:
        """The reasons that by themselves call for the level."""
        return tuple(reason for reason in self.reasons if reason.level == self.level)

    @property
    def fired(self) -> tuple[str, ...]:
        """Ids of the rules that fire."""
        return tuple(reason.rule for reason in self.reasons if reason.kind == "rule")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per reason."""
        columns = ["level", "kind", "rule", "cause", "words", "findings", "figures", "sources"]
        return table_of(self.reasons, columns)

    def __repr__(self) -> str:
        """Return level, reasons and the first open questions, one per line."""
        lines = [self.words]
        lines += [
            f"  {reason.level}: {reason.words} [{reason.rule or reason.kind}]" for reason in self.reasons
        ]
        open_now = [question for question in self.unanswered if question.raises]
        if open_now:
            shown = ", ".join(question.variable for question in open_now[:5])
            lines.append(
                f"  still to be asked ({len(open_now)}): {shown}{', ...' if len(open_now) > 5 else ''}"
            )
        return "\n".join(lines)


def triage(case: Case, *, max_cost: Cost | None = None) -> Triage:
    """Say how urgent one case is.

    Parameters
    ----------
    case : Case
        Virtual evidence never fires a rule, however lopsided, and its variable counts as not yet answered: it
        acts through the posterior alone.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}, optional
        Dearest kind of question named in `Triage.unanswered`; default: what can be answered in the setting.

    Returns
    -------
    Triage
        The level is the highest of: every rule that surely holds; ``soon`` for a finding that alarms by itself;
        for every cause with a row in the harms table the highest threshold it reaches, where below
        ``emergency`` a cause that must not be missed counts at a multiple of its odds; `level_if_likely` of
        every cause more likely than not. Less than ``soon`` gives way to it while too little is known of the
        complaint.

    Notes
    -----
    The residual cause has a row in the harms table like any other and can raise the level ("nothing listed
    fits"), though it is never ranked or advised on.
    """
    chances = np.array([[*case.posterior.values()]])
    verdict = urgency_rules(case.compiled).judge(case.batch.codes, chances, case.batch.given)
    level = LEVELS[verdict.levels[0]]
    reasons = [*_rule_reasons(case, verdict), *_cause_reasons(case, verdict)]
    reasons += _alarm_reasons(case, verdict, reasons)
    if verdict.is_unclear[0]:
        reasons.append(Reason("no_finding", "soon", "", "", say("triage.no_finding", case.kb.labels)))
    if level != "self_care":  # "likely, and can be looked after at home" is no reason for more than that
        reasons = [reason for reason in reasons if reason.level != "self_care"]
    if not reasons:
        reasons.append(Reason("no_warning", "self_care", "", "", say("triage.no_warning", case.kb.labels)))
    kinds = get_args(ReasonKind)
    reasons.sort(key=lambda reason: (-LEVELS.index(reason.level), kinds.index(reason.kind)))
    dearest, first = max_cost or case.max_cost, alarm_questions(case)
    unanswered = open_questions(case, level, max_cost=dearest, first=first)
    return Triage(level, tuple(reasons), unanswered, case.compiled.labels)


def _rule_reasons(case: Case, verdict: Verdict) -> Iterator[Reason]:
    """Return the rules that surely hold."""
    rules = urgency_rules(case.compiled)
    for place in np.flatnonzero(verdict.is_fired[:, 0]):
        rule = rules.rules[place]
        because = witnesses(rules.expressions[place], case.states)
        yield Reason(
            "rule", rule.level, rule.id, rule.suspect, rule.words, findings=because, sources=rule.sources
        )


def _alarm_reasons(case: Case, verdict: Verdict, others: list[Reason]) -> Iterator[Reason]:
    """Return the findings that alarm by themselves, but for those that a rule of the level already names."""
    alarms = urgency_rules(case.compiled).alarms
    named = {name for reason in others if LEVELS.index(reason.level) >= SOON for name in reason.findings}
    found = [alarms[place] for place in np.flatnonzero(verdict.is_alarm[:, 0])]
    findings = {alarm.variable: alarm.state for alarm in found if alarm.variable not in named}
    if findings:
        labels = case.kb.labels
        words = say("triage.alarm", labels, findings="; ".join(labels[name] for name in findings))
        yield Reason("alarm", "soon", "", "", words, findings=findings)


def _cause_reasons(case: Case, verdict: Verdict) -> Iterator[Reason]:
    """Return what the probability of every cause calls for, the likeliest cause first."""
    harms, labels = case.kb.harms, case.kb.labels
    for place in sorted(range(len(harms)), key=lambda place: -case.posterior[harms[place].cause]):
        harm, rank = harms[place], int(verdict.reached[place, 0])
        if rank:
            yield _threshold_reason(case, harm, LEVELS[rank])
        if verdict.is_likely[place, 0] and (not rank or LEVELS.index(harm.level_if_likely) > rank):
            chance, name = case.posterior[harm.cause], labels[harm.cause]
            words = say("triage.likely", labels, cause=name, probability=percent(chance))
            found = {"posterior": chance}
            yield _of_cause("likely", harm.level_if_likely, harm, f"{words} {harm.words}", found)


def _threshold_reason(case: Case, harm: Harm, level: Level) -> Reason:
    """Say which threshold a cause reaches, and how it is counted where that matters."""
    chance, limit = case.posterior[harm.cause], harm.threshold(level)
    assert limit is not None  # it was reached
    figures = {"posterior": chance}
    labels = case.kb.labels
    parts = [f"{labels[harm.cause]}: {percent(chance)}"]
    if chance < limit:
        factor = odds_factor(case.kb, harm)
        figures["counted"] = counted(chance, factor)
        why = harm.odds_reason or say("triage.must_not_miss", labels)
        probability = percent(figures["counted"])
        parts.append(say("triage.counted", labels, factor=f"{factor:g}", why=why, probability=probability))
    figures["threshold"] = limit
    name = inside(level_name(level, labels), labels)
    parts.append(say("triage.threshold", labels, threshold=exact_percent(limit), level=name))
    return _of_cause("threshold", level, harm, f"{'; '.join(parts)}. {harm.words}", figures)


def _of_cause(kind: ReasonKind, level: Level, harm: Harm, words: str, figures: Mapping[str, float]) -> Reason:
    """Return a reason that rests on the probability of a cause."""
    return Reason(kind, level, "", harm.cause, words, figures=figures, sources=harm.sources)
