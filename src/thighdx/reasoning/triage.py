"""How urgent: red-flag rules and thresholds on probabilities, the higher of the two.

Unknown is never read as absent, and no answer takes back what another has raised: a finding that fires a
rule keeps the level at least at that rule's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from thighdx.kb.expressions import holds
from thighdx.kb.records import LEVELS, Cost, Harm, KnowledgeBase, Level, RedFlag
from thighdx.reasoning.conditions import Chances, blocked_variables, condition, ways_to_hold, witnesses
from thighdx.reasoning.open_questions import OpenQuestion, open_questions
from thighdx.reasoning.question_lists import alarm_questions

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LEVEL_WORDS",
    "LIKELY",
    "MIN_FINDINGS",
    "MUST_NOT_MISS",
    "Reason",
    "Triage",
    "lowest_threshold",
    "triage",
]

ReasonKind: TypeAlias = Literal["rule", "threshold", "likely", "open_question", "no_finding", "no_warning"]

MUST_NOT_MISS = "must_not_miss"  # group of causes judged by the upper end of their credible interval
LIKELY = 0.5  # above it a cause is more likely than not
# Self-care needs this many known findings or tests, at least one of them a complaint: one "no" says nothing.
MIN_FINDINGS = 3

LEVEL_WORDS: Mapping[Level, str] = {
    "emergency": "Emergency: call an ambulance or go to an emergency department now.",
    "urgent": "Urgent: be seen by a clinician today.",
    "soon": "Soon: make an appointment with a clinician within days.",
    "self_care": "Self-care is reasonable for now; be seen if it gets worse, returns or does not settle.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case is at least as urgent as `level`.

    Attributes
    ----------
    kind : str
        ``rule``: a red-flag rule fires. ``threshold``: a cause is likely enough. ``likely``: a cause is more
        likely than not. ``open_question``: an emergency rule could still fire. ``no_finding``: nothing is
        known of the complaint.
    rule, cause : str
        Id of the rule and of the cause (the suspect of a rule); empty where there is none.
    findings : mapping of str to str
        The known states that made the rule fire.
    figures : mapping of str to float
        Probabilities compared: ``posterior``, ``upper`` where there is one, ``threshold``.
    """

    kind: ReasonKind
    level: Level
    rule: str
    cause: str
    words: str
    sources: tuple[str, ...]
    findings: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as plain data."""
        return {
            "kind": self.kind,
            "level": self.level,
            "rule": self.rule,
            "cause": self.cause,
            "words": self.words,
            "findings": dict(self.findings),
            "figures": dict(self.figures),
            "sources": list(self.sources),
        }


@dataclass(frozen=True, slots=True)
class Triage:
    """How soon a case needs care, why, and which safety questions are still open.

    Attributes
    ----------
    level : {"emergency", "urgent", "soon", "self_care"}
    reasons : tuple of Reason
        The most urgent first; rules before probabilities.
    unanswered : tuple of OpenQuestion
        Questions through which a rule could still fire: alarm questions of the likely causes first, then by
        the urgency of the rule and by weight.
    bound : {"upper", "posterior"}
        What the thresholds of causes that must not be missed were compared with: the upper end of the
        credible interval, or the bare posterior where no interval was given.
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.
    """

    level: Level
    reasons: tuple[Reason, ...]
    unanswered: tuple[OpenQuestion, ...]
    bound: Literal["upper", "posterior"]
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def words(self) -> str:
        """What the level means, in plain words."""
        return LEVEL_WORDS[self.level]

    @property
    def deciding(self) -> tuple[Reason, ...]:
        """The reasons that by themselves call for the level."""
        return tuple(reason for reason in self.reasons if reason.level == self.level)

    @property
    def fired(self) -> tuple[str, ...]:
        """Ids of the rules that fire."""
        return tuple(reason.rule for reason in self.reasons if reason.kind == "rule")

    def to_dict(self) -> dict[str, Any]:
        """Return the triage as plain data."""
        return {
            "level": self.level,
            "words": self.words,
            "bound": self.bound,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "unanswered": [question.to_dict() for question in self.unanswered],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per reason."""
        import pandas as pd

        columns = ["level", "kind", "rule", "cause", "words", "findings", "figures", "sources"]
        return pd.DataFrame([reason.to_dict() for reason in self.reasons], columns=columns)

    def _repr_html_(self) -> str:
        """Return the same for notebooks."""
        from thighdx.html.fragments import triage_fragment

        return triage_fragment(self, self.labels)

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
        if self.bound == "posterior":
            lines.append("  (thresholds were compared with posteriors, not with upper credible bounds)")
        return "\n".join(lines)


def triage(
    kb: KnowledgeBase,
    states: Mapping[str, str],
    posterior: Mapping[str, float],
    upper: Mapping[str, float] | None = None,
    *,
    chances: Chances | None = None,
    max_cost: Cost | None = None,
) -> Triage:
    """Say how urgent one case is.

    Parameters
    ----------
    kb : KnowledgeBase
    states : mapping of str to str
        Known state of every known variable (and given cause). Virtual evidence stays out of it: it never
        fires a rule, however lopsided, and its variable counts as not yet answered. It acts through the
        posterior alone.
    posterior : mapping of str to float
        P(cause present | evidence), linear, of every cause.
    upper : mapping of str to float, optional
        Upper end of the credible interval of (at least) the causes that must not be missed. Where it is
        missing or NaN the posterior takes its place; `Triage.bound` says so when there is none at all.
    chances : mapping of str to mapping of str to float, optional
        P(state | evidence) of unknown variables; only orders `Triage.unanswered`.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}, optional
        Dearest kind of question named in `Triage.unanswered`.

    Returns
    -------
    Triage
        The level is the highest of: every rule that surely holds; for every cause with a row in the harms
        table, the highest threshold its figure reaches (the upper bound for the group `must_not_miss`, the
        posterior for all others); `level_if_likely` of every cause more likely than not. ``self_care`` gives
        way to ``soon`` when no finding or test is known at all, and while an emergency rule could still fire
        whose suspect is, at its upper bound, above the lowest of its thresholds.

    Notes
    -----
    The residual cause has a row in the harms table like any other and can raise the level ("nothing listed
    fits"), though it is never ranked or advised on.
    """
    reasons = _rule_reasons(kb, states) + _cause_reasons(kb, posterior, upper)
    if not reasons or max(LEVELS.index(reason.level) for reason in reasons) == 0:
        reasons += _reasons_against_self_care(kb, states, posterior, upper)
    if not reasons:
        words = "No warning sign is known and no cause is likely enough to call for more."
        reasons = [Reason("no_warning", "self_care", "", "", words, ())]
    level = LEVELS[max(LEVELS.index(reason.level) for reason in reasons)]
    if level != "self_care":  # "likely, and can be looked after at home" is no reason for more than that
        reasons = [reason for reason in reasons if reason.level != "self_care"]
    kinds = get_args(ReasonKind)
    reasons.sort(key=lambda reason: (-LEVELS.index(reason.level), kinds.index(reason.kind)))
    return Triage(
        level=level,
        reasons=tuple(reasons),
        unanswered=open_questions(
            kb,
            states,
            level,
            chances=chances,
            max_cost=max_cost,
            first=alarm_questions(kb, states, posterior),
        ),
        bound="posterior" if upper is None else "upper",
    )


def _rule_reasons(kb: KnowledgeBase, states: Mapping[str, str]) -> list[Reason]:
    """Return the rules that surely hold."""
    found = []
    for rule in kb.red_flags:
        expression = condition(rule.when)
        if expression is not None and holds(expression, states) is True:
            because = witnesses(expression, states)
            found.append(
                Reason("rule", rule.level, rule.id, rule.suspect, rule.words, rule.sources, findings=because)
            )
    return found


def _cause_reasons(
    kb: KnowledgeBase, posterior: Mapping[str, float], upper: Mapping[str, float] | None
) -> list[Reason]:
    """Return what the probability of every cause calls for, the likeliest cause first."""
    must_not_miss = _members(kb, MUST_NOT_MISS)
    labels = {variable.id: variable.label for variable in kb.variables}
    found = []
    for harm in sorted(kb.harms, key=lambda harm: -posterior[harm.cause]):
        chance = posterior[harm.cause]
        figures = {"posterior": float(chance)}
        figure = chance
        if upper is not None and harm.cause in must_not_miss:
            figure = figures["upper"] = bound_of(harm.cause, posterior, upper)
        reached = _reached(harm, figure)
        if reached is not None:
            level, threshold = reached
            what = "may be as likely as" if "upper" in figures else "is as likely as"
            words = f"{labels[harm.cause]} {what} {_percent(figure)}. {harm.words}"
            figures["threshold"] = threshold
            found.append(_of_cause("threshold", level, harm, words, figures))
        if chance > LIKELY and (
            reached is None or LEVELS.index(harm.level_if_likely) > LEVELS.index(reached[0])
        ):
            words = f"{labels[harm.cause]} is more likely than not ({_percent(chance)}). {harm.words}"
            found.append(_of_cause("likely", harm.level_if_likely, harm, words, {"posterior": float(chance)}))
    return found


def _of_cause(kind: ReasonKind, level: Level, harm: Harm, words: str, figures: Mapping[str, float]) -> Reason:
    """Return a reason that rests on the probability of a cause."""
    return Reason(kind, level, "", harm.cause, words, harm.sources, figures=figures)


def _reached(harm: Harm, figure: float) -> tuple[Level, float] | None:
    """Return the most urgent level whose threshold a probability reaches, with the threshold."""
    limits: tuple[tuple[Level, float | None], ...] = (
        ("emergency", harm.threshold_emergency),
        ("urgent", harm.threshold_urgent),
        ("soon", harm.threshold_soon),
    )
    for level, limit in limits:
        if limit is not None and figure >= limit:
            return level, limit
    return None


def _reasons_against_self_care(
    kb: KnowledgeBase,
    states: Mapping[str, str],
    posterior: Mapping[str, float],
    upper: Mapping[str, float] | None,
) -> list[Reason]:
    """Return why a case that nothing raises is still not left to self-care."""
    found = []
    lowest = {v.id: v.states[0] for v in kb.variables if v.layer in ("finding", "test")}
    known = lowest.keys() & states.keys()
    if len(known) < MIN_FINDINGS or all(states[name] == lowest[name] for name in known):
        words = "Too little is known of the complaint itself, which is no reason to call it harmless."
        found.append(Reason("no_finding", "soon", "", "", words, ()))
    blocked = blocked_variables(kb, states)
    limits = {harm.cause: lowest_threshold(harm) for harm in kb.harms}
    for rule in kb.red_flags:
        limit = limits.get(rule.suspect)
        if rule.level != "emergency" or limit is None:
            continue
        figure = bound_of(rule.suspect, posterior, upper)
        if figure >= limit and _could_fire(rule, states, blocked):
            words = f"A warning sign has not been ruled out yet. {rule.words}"
            figures = {"posterior": float(posterior[rule.suspect]), "upper": figure, "threshold": limit}
            found.append(
                Reason("open_question", "soon", rule.id, rule.suspect, words, rule.sources, figures=figures)
            )
    return found


def _could_fire(rule: RedFlag, states: Mapping[str, str], blocked: frozenset[str]) -> bool:
    """Whether a rule that does not hold could hold once more is known."""
    expression = condition(rule.when)
    return expression is not None and bool(ways_to_hold(expression, states, blocked=blocked))


def bound_of(cause: str, posterior: Mapping[str, float], upper: Mapping[str, float] | None) -> float:
    """Return the upper credible bound of a cause; its posterior where there is none or it is lower."""
    chance = float(posterior[cause])
    value = chance if upper is None else float(upper.get(cause, chance))
    return max(chance, value) if value == value else chance  # NaN: not computed for this cause


def lowest_threshold(harm: Harm) -> float | None:
    """Return the probability from which on a cause calls for anything at all; None if it never does."""
    limits = (harm.threshold_emergency, harm.threshold_urgent, harm.threshold_soon)
    return min((limit for limit in limits if limit is not None), default=None)


def _members(kb: KnowledgeBase, group_id: str) -> frozenset[str]:
    """Return the causes of a group; none where the model has no such group."""
    return frozenset(cause for group in kb.groups if group.id == group_id for cause in group.members)


def _percent(value: float) -> str:
    """Write a probability for reading, with two significant digits."""
    return f"{100 * value:.2g} %" if value < 0.995 else ">99 %"
