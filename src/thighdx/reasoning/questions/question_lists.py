"""Questions put together as short lists, and alarm questions that come before the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thighdx.kb.records import KnowledgeBase, ListedQuestion, QuestionList, Variable

__all__ = ["alarm_questions", "likely_causes", "open_list"]

MIN_POSTERIOR = 0.1  # a cause less likely than this does not lead
MAX_CAUSES = 3


def likely_causes(kb: KnowledgeBase, posterior: Mapping[str, float]) -> list[str]:
    """Return the causes that carry most of the probability, at most three, the likeliest first.

    The residual cause is none of them.

    Parameters
    ----------
    posterior : mapping of str to float
        P(cause present | evidence), linear.
    """
    listed = [cause for cause in posterior if cause != kb.manifest.residual_cause]
    ranked = sorted(listed, key=lambda cause: -posterior[cause])[:MAX_CAUSES]
    return [cause for cause in ranked if posterior[cause] >= MIN_POSTERIOR]


def alarm_questions(
    kb: KnowledgeBase, states: Mapping[str, str], posterior: Mapping[str, float]
) -> tuple[str, ...]:
    """Return what is asked before the rest: alarm questions of likely causes and of findings that are present.

    Those of the likeliest cause come first, then in the order of the table; what is known is left out.
    """
    by_id = {variable.id: variable for variable in kb.variables}
    reasons = [
        *likely_causes(kb, posterior),
        *(name for name in states if states[name] == by_id[name].states[-1]),
    ]
    found = dict.fromkeys(
        member.variable
        for reason in reasons
        for listed in kb.question_lists
        for member in listed.members
        if reason in member.alarm_for
    )
    return tuple(name for name in found if name not in states)


def open_list(
    kb: KnowledgeBase, variable: str, variables: Sequence[Variable]
) -> tuple[QuestionList, tuple[ListedQuestion, ...]] | None:
    """Return the list a question stands in and what of it may be asked now; None if it is best asked alone.

    Parameters
    ----------
    variables : sequence of Variable
        All that may be asked.
    """
    may_ask = {item.id for item in variables}
    for listed in kb.question_lists:
        if any(member.variable == variable for member in listed.members):
            members = tuple(member for member in listed.members if member.variable in may_ask)
            return (listed, members) if len(members) > 1 else None
    return None
