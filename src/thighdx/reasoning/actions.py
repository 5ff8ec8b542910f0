"""What a piece of advice would have someone do, and what a caution forbids, read from its words.

The tables say "do not massage, roll or stretch" in words, not in codes, and so does every table an expert
edits. A few patterns are enough to see that "massage may ease it" goes against that; where they are wrong they
err toward leaving advice out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from thighdx.kb.records import Advice

__all__ = ["ACTIONS", "actions_advised", "actions_forbidden"]

# Things to do to a leg that help one cause and harm another.
ACTIONS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "massage": r"\b(massag\w*|rub|rubbing|roll|squeeze)\b",
        "stretch": r"\bstretch\w*",
        "warmth": r"\b(warmth|warm|heat)\b",
        "cold": r"\b(ice|cold|cool)\b",
        "loading": r"\b(exercis\w*|run|running|hop|train|training|strengthen\w*|loading)\b",
        "compression": r"\b(compression|bandage|squeeze)\b",
        "raising": r"\b(raise|raised)\b",
        "manipulation": r"\b(manipulat\w*|manual therapy)\b",
        "anti_inflammatory": r"\b(anti-inflammatory|ibuprofen|naproxen|aspirin)\b",
        "eating_or_drinking": r"\b(eat|drink|drinking)\b",
    }.items()
}
_BAN = re.compile(r"\b(do not|avoid|never|take no|use no|stop all)\b", re.IGNORECASE)
# "If you use ice, ... never lay it on bare skin" and "do not wait for ice to work" forbid nothing to the leg.
_NO_BAN = re.compile(r"^if you\b|\bdo not (wait|rely|expect|mask|let)\b", re.IGNORECASE)


def actions_advised(advice: Advice) -> frozenset[str]:
    """Return what a piece of advice would have someone do; nothing for a caution.

    An exercise is loading by its kind; in other advice the word alone ("stop running") is not enough.
    """
    if advice.kind == "caution":
        return frozenset()
    found = {name for name, pattern in ACTIONS.items() if name != "loading" and pattern.search(advice.advice)}
    if _BAN.search(advice.advice):  # "do not eat or drink": the words after it are no advice to do so
        before = advice.advice[: _BAN.search(advice.advice).start()]  # type: ignore[union-attr]  # just found
        found = {name for name in found if ACTIONS[name].search(before)}
    return frozenset(found | {"loading"} if advice.kind == "exercise" else found)


def actions_forbidden(advice: Advice) -> frozenset[str]:
    """Return what a caution forbids; nothing for other advice."""
    if advice.kind != "caution":
        return frozenset()
    found: set[str] = set()
    for clause in re.split(r"[;:.]|, and (?=do not)", advice.advice):
        ban = _BAN.search(clause)
        if ban is not None and not _NO_BAN.search(clause):
            found |= {name for name, pattern in ACTIONS.items() if pattern.search(clause[ban.start() :])}
    return frozenset(found)
