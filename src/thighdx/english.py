"""What people read, in English: every sentence, heading and word of a case that does not come from a model.

In the order of the rooms that say them. A key has a dot; `thighdx.words` tells how values are put in.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ENGLISH"]

ENGLISH: Mapping[str, str] = {
    # ---- what things are called everywhere --------------------------------------------------------------
    "level.emergency": "Emergency",
    "level.urgent": "Urgent",
    "level.soon": "Soon",
    "level.routine": "Routine",
    "level.self_care": "Self-care",
    "cost.ask": "ask",
    "cost.examine": "examine",
    "cost.cheap_test": "simple test",
    "cost.imaging_or_invasive": "imaging or invasive test",
    "state.absent": "absent",
    "state.present": "present",
    "state.negative": "negative",
    "state.positive": "positive",
    "state.or_more": "{finding} or more",
    "state.uncertain": "uncertain (likelihoods {states})",
    "answer.no": "no",
    "answer.yes": "yes",
    "number.span": "{low} to {high}",
    # ---- reasoning/urgency ------------------------------------------------------------------------------
    "meaning.emergency": "Emergency: call an ambulance or go to an emergency department now.",
    "meaning.urgent": "Urgent: be seen by a clinician today.",
    "meaning.soon": "Soon: make an appointment with a clinician within days.",
    "meaning.routine": "Routine: make an appointment with a clinician within the next weeks; "
    "sooner if it gets worse.",
    "meaning.self_care": "Self-care is reasonable for now; be seen if it gets worse, returns or is not "
    "better in two weeks.",
    "triage.no_finding": "Too little is known of the complaint itself, which is no reason to call it harmless.",
    "triage.no_warning": "No warning sign is known and no cause is likely enough to call for more.",
    "triage.alarm": "Not to be left for weeks, whatever is behind it: {findings}.",
    "triage.likely": "{cause} is more likely than not ({probability}).",
    "triage.counted": "counted at {factor} times its odds because {why}: {probability}",
    "triage.must_not_miss": "it must not be missed",
    "triage.threshold": "from {threshold}: {level}",
    "advice.first": "First: {advice}",
    "advice.title": "What to do",
    "advice.how_to": "How to do it",
    "advice.course": "How long it lasts",
    "advice.visit": "At the visit",
    "advice.safety_net": "When to come back",
    "advice.withheld": "({n} piece of advice withheld; 'diagnose --json' says which and why)|"
    "({n} pieces of advice withheld; 'diagnose --json' says which and why)",
    "advice.delays_care": "nothing that could delay care is advised while it is this urgent",
    # ---- reasoning/fit ----------------------------------------------------------------------------------
    "fit.nothing": "Nothing is known yet, so nothing can be in conflict.",
    "fit.unlisted": "The evidence fits no listed cause: {cause} leads with {probability}.",
    "fit.atypical": "The evidence fits no listed cause well: {causes} comes closest, but fewer than {rarity} "
    "such patients would show evidence this unlikely.",
    "fit.with": "{cause} with {other}",
    "fit.one_in": "one in {n}",
    "fit.one_in_a_million": "one in a million",
    "fit.conflict": "The evidence does not fit together well (conflict {bits} bits)",
    "fit.and_conflict": "It does not fit together well (conflict {bits} bits)",
    "fit.least": "; fitting least with the rest: {findings}.",
    "fit.rare_case": "It would fit together as a rare case of {cause}.",
    "fit.neither": "The evidence neither supports nor clearly contradicts itself (conflict {bits} bits).",
    "fit.together": "The evidence fits together (conflict {bits} bits).",
    # ---- html: cards ------------------------------------------------------------------------------------
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
    # ---- the command line -------------------------------------------------------------------------------
    "result.setting": "setting {setting}",
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
