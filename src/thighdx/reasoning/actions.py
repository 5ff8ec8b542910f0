"""What a piece of advice would have someone do, and what a caution forbids, read from its words.

The tables say "do not massage, roll or stretch" in words, not in codes, and so does every table an expert
edits. A few patterns are enough to see that "massage may ease it" goes against that; where they are wrong
they err toward leaving advice out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from thighdx.kb.records import Advice

__all__ = ["ACTIONS", "Action", "actions_advised", "actions_forbidden"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do to a leg that helps one cause and harms another: how it is advised, how forbidden."""

    advised: re.Pattern[str] | None
    forbidden: re.Pattern[str]


def _action(advised: str, forbidden: str) -> Action:
    return Action(
        re.compile(advised, re.IGNORECASE) if advised else None, re.compile(forbidden, re.IGNORECASE)
    )


ACTIONS: Mapping[str, Action] = {
    "massage": _action(r"\b(massag\w*|rub|rubbing)\b", r"\b(massag\w*|rub|roll|squeeze)\b"),
    "stretch": _action(r"\bstretch(ing)?\b", r"\bstretch\w*"),
    "warmth": _action(r"\bwarmth\b", r"\b(warmth|warm|heat)\b"),
    "cold": _action(r"\b(wrapped cold|ice|or cold)\b", r"\b(ice|cool|cold)\b"),
    "loading": _action("", r"\b(exercis\w*|hop|train|training|loading)\b"),  # advised by kind: see below
    "compression": _action(r"\b(compression|bandage)\b", r"\b(compression|bandage|squeeze)\b"),
    "raising": _action(r"\bleg raised\b", r"\braise\b"),
    "manipulation": _action(r"\b(manipulation|manual therapy)\b", r"\bmanipulat\w*"),
    "anti_inflammatory": _action(
        r"\b(anti-inflammatory|ibuprofen|naproxen)\b", r"\b(anti-inflammatory|ibuprofen|naproxen|aspirin)\b"
    ),
    "eating_or_drinking": _action(r"^(eat|drink)\b", r"\b(eat|drink)\b"),
}

_BAN = re.compile(r"\b(do not|avoid|never|take no|use no|stop all)\b", re.IGNORECASE)
# "If you use ice, ... never lay it on bare skin" and "do not wait for ice to work" forbid nothing.
_NO_BAN = re.compile(r"^\W*if you\b|\bdo not (wait|rely|expect|mask|let)\b", re.IGNORECASE)


def actions_advised(advice: Advice) -> frozenset[str]:
    """Return what a piece of advice would have someone do; nothing for a caution.

    Examples
    --------
    >>> row = Advice("M1", "cramp", "self_care", "Warmth or light rubbing can help.", "", "", 1, ("S1",))
    >>> sorted(actions_advised(row))
    ['massage', 'warmth']
    """
    if advice.kind == "caution":
        return frozenset()
    ban = _BAN.search(advice.advice)
    text = advice.advice if ban is None else advice.advice[: ban.start()]
    found = {name for name, action in ACTIONS.items() if action.advised and action.advised.search(text)}
    return frozenset(found | {"loading"} if advice.kind == "exercise" else found)


def actions_forbidden(advice: Advice) -> frozenset[str]:
    """Return what a caution forbids; nothing for other advice.

    Examples
    --------
    >>> row = Advice("M2", "clot", "caution", "Do not massage or stretch the leg.", "", "", 1, ("S1",))
    >>> sorted(actions_forbidden(row))
    ['massage', 'stretch']
    """
    if advice.kind != "caution":
        return frozenset()
    found: set[str] = set()
    for clause in re.split(r"[;:.]|, and (?=do not)", advice.advice):
        ban = _BAN.search(clause)
        if ban is not None and not _NO_BAN.search(clause):
            found |= {
                name for name, action in ACTIONS.items() if action.forbidden.search(clause[ban.start() :])
            }
    return frozenset(found)
