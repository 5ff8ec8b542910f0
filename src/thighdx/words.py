"""Sentences for people, in English; a model of another language brings them as `words.csv`.

A sentence has a key. `say` looks it up among the labels of a model (`KnowledgeBase.labels`), which hold the
words of its language, and falls back to the English below. ``{name}`` stands for a value; of ``one|several`` the
first is said where ``{n}`` is 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

__all__ = ["ENGLISH", "Labels", "placeholders", "say"]

Labels: TypeAlias = Mapping[str, str]
"""What things are called: a label by the id of a cause, finding, setting or group, that of a state by
``finding=state``, and sentences by their keys, which have a dot."""

_VALUE = re.compile(r"\{(\w+)\}")

ENGLISH: Labels = {
    "level.emergency": "Emergency",
    "level.urgent": "Urgent",
    "level.soon": "Soon",
    "level.routine": "Routine",
    "level.self_care": "Self-care",
    "meaning.emergency": "Emergency: call an ambulance or go to an emergency department now.",
    "meaning.urgent": "Urgent: be seen by a clinician today.",
    "meaning.soon": "Soon: make an appointment with a clinician within days.",
    "meaning.routine": "Routine: make an appointment with a clinician within the next weeks; "
    "sooner if it gets worse.",
    "meaning.self_care": "Self-care is reasonable for now; be seen if it gets worse, returns or is not better "
    "in two weeks.",
    "cost.ask": "ask",
    "cost.examine": "examine",
    "cost.cheap_test": "simple test",
    "cost.imaging_or_invasive": "imaging or invasive test",
    "state.absent": "absent",
    "state.present": "present",
    "state.negative": "negative",
    "state.positive": "positive",
    "answer.no": "no",
    "answer.yes": "yes",
    "state.or_more": "{finding} or more",
    "state.uncertain": "uncertain (likelihoods {states})",
    "triage.no_finding": "Too little is known of the complaint itself, which is no reason to call it harmless.",
    "triage.no_warning": "No warning sign is known and no cause is likely enough to call for more.",
    "triage.alarm": "Not to be left for weeks, whatever is behind it: {findings}.",
    "triage.likely": "{cause} is more likely than not ({probability}).",
    "triage.counted": "counted at {factor} times its odds because {why}: {probability}",
    "triage.must_not_miss": "it must not be missed",
    "triage.threshold": "from {threshold}: {level}",
    "number.span": "{low} to {high}",
    "advice.first": "First: {advice}",
    "advice.title": "What to do",
    "advice.how_to": "How to do it",
    "advice.course": "How long it lasts",
    "advice.visit": "At the visit",
    "advice.safety_net": "When to come back",
    "advice.withheld": "({n} piece of advice withheld; 'diagnose --json' says which and why)|"
    "({n} pieces of advice withheld; 'diagnose --json' says which and why)",
    "advice.delays_care": "nothing that could delay care is advised while it is this urgent",
    "fit.nothing": "Nothing is known yet, so nothing can be in conflict.",
    "fit.unlisted": "The evidence fits no listed cause: {cause} leads with {probability}.",
    "fit.atypical": "The evidence fits no listed cause well: {causes} comes closest, but fewer than {rarity} such "
    "patients would show evidence this unlikely.",
    "fit.with": "{cause} with {other}",
    "fit.one_in": "one in {n}",
    "fit.one_in_a_million": "one in a million",
    "fit.conflict": "The evidence does not fit together well (conflict {bits} bits)",
    "fit.and_conflict": "It does not fit together well (conflict {bits} bits)",
    "fit.least": "; fitting least with the rest: {findings}.",
    "fit.rare_case": "It would fit together as a rare case of {cause}.",
    "fit.neither": "The evidence neither supports nor clearly contradicts itself (conflict {bits} bits).",
    "fit.together": "The evidence fits together (conflict {bits} bits).",
    "result.setting": "setting {setting}",
    "card.causes": "Leading causes",
    "card.cause_heads": "Cause|>Now|>Interval|>Before",
    "card.must_not_miss": "must not be missed",
    "card.why": "Why it is this urgent",
    "card.why_heads": "Calls for|Reason",
    "card.more_reasons": "and {n} more reason|and {n} more reasons",
    "card.open": "Not known, and it could raise the urgency",
    "card.open_heads": "Up to|Question",
    "card.more_open": "{n} more in .triage",
    "card.more_known": "{n} more that are known",
    "card.all_else": "All else is unknown, which is not absent.",
    "card.own_shares": "with shares of your own",
    "result.known": "Known:",
    "result.nothing": "nothing",
    "result.cause": "cause",
    "result.marked": "cause ({mark} must not be missed)",
    "result.probability": "probability",
    "result.before": "before",
    "result.unranked": "({cause}; never ranked)",
    "result.from": "from",
    "result.to": "to",
    "result.by": "by",
    "result.intervals": "{level} credible intervals, from the uncertainty of the judgements",
    "result.quick": "{intervals}, by the quick delta method",
    "result.open": "{n} open question on safety|{n} open questions on safety",
    "result.sets_and_groups": "sets of causes, groups",
    "result.more": "--all: {what}; --advice: what to do",
    "result.sets": "Most probable explanations",
    "result.alone": "{cause} alone",
    "result.groups": "Groups (any member present)",
    "result.questions": "Best questions to ask next",
    "result.open_safety": "Not yet known, and it could make the case more urgent",
    "result.and": "and {more}",
    "result.ask_next": "Ask next: {question} ({finding})",
    "result.note": "Note:",
}


def say(key: str, labels: Labels | None = None, **values: object) -> str:
    """Return a sentence in the language of a model, with values in their places.

    Parameters
    ----------
    labels : mapping of str to str, optional
        Of the model; default English.
    **values
        Numbers of things as int, everything else as it is to be read.

    Examples
    --------
    >>> say("level.self_care"), say("level.soon", {"level.soon": "Bald"})
    ('Self-care', 'Bald')
    >>> say("triage.threshold", threshold="15%", level="urgent")
    'from 15%: urgent'
    """
    words = (labels or {}).get(key) or ENGLISH[key]
    if "|" in words and "n" in values:
        one, _, several = words.partition("|")
        words = one if values["n"] == 1 else several
    shown = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in values.items()}
    return _VALUE.sub(lambda place: shown[place[1]], words)


def placeholders(words: str) -> set[str]:
    """Return the values that a sentence needs.

    Examples
    --------
    >>> sorted(placeholders("from {threshold}: {level}"))
    ['level', 'threshold']
    """
    return set(_VALUE.findall(words))
