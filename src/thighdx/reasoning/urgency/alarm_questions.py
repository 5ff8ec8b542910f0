"""The likely causes of a case, and the alarm questions about them that come before the rest."""

from __future__ import annotations

from thighdx.compiled.case import Case

__all__ = ["alarm_questions", "likely_causes"]

MIN_POSTERIOR = 0.1  # a cause less likely than this does not lead
MAX_CAUSES = 3


def likely_causes(case: Case) -> list[str]:
    """Return the causes that carry most of the probability, at most three, the likeliest first.

    The residual cause is none of them.
    """
    posterior = case.posterior
    listed = [cause for cause in posterior if cause != case.compiled.residual_cause]
    ranked = sorted(listed, key=lambda cause: -posterior[cause])[:MAX_CAUSES]
    return [cause for cause in ranked if posterior[cause] >= MIN_POSTERIOR]


def alarm_questions(case: Case) -> tuple[str, ...]:
    """Return what is asked before the rest: alarm questions of likely causes and of findings that are present.

    Those of the likeliest cause come first, then in the order of the table; what is known is left out.
    """
    states, by_id = case.states, case.vocabulary.by_id
    reasons = [*likely_causes(case), *(name for name in states if states[name] == by_id[name].states[-1])]
    found = dict.fromkeys(
        member.variable
        for reason in reasons
        for listed in case.kb.question_lists
        for member in listed.members
        if reason in member.alarm_for
    )
    return tuple(name for name in found if name not in states)
