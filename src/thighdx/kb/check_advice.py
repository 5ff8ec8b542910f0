"""The check that advice is coded: what it tells people to do, what not, and that every emergency has some."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import Action, Advice, KnowledgeBase

__all__ = ["check_advice"]

_FILE = "management.csv"
_WITHOUT_ACTIONS = ("course", "visit", "safety_net")  # they tell what to expect, not what to do to the leg


def check_advice(kb: KnowledgeBase) -> Iterator[Problem]:
    """Yield what is wrong with the codes of advice."""
    yield from _actions(kb)
    actions = {action.id: action for action in kb.actions}
    words = {action.id: _any_of(action) for action in kb.actions if action.words}
    rows = kb.row_numbers.get("management") or range(2, 2 + len(kb.advice))
    for row, advice in zip(rows, kb.advice, strict=True):
        yield from _codes(row, advice, actions)
        if not kb.levels_of(advice):
            said = f"{advice.id} advises what may not be advised at its levels, so it is never shown"
            yield Problem(_FILE, row, "highest_level", said)
        if advice.kind not in _WITHOUT_ACTIONS:
            yield from _uncoded(row, advice, words)
    if kb.advice:
        yield from _emergencies(kb)


def _actions(kb: KnowledgeBase) -> Iterator[Problem]:
    """Check that actions have a unique id and a label."""
    counts = Counter(action.id for action in kb.actions)
    rows = kb.row_numbers.get("actions") or range(2, 2 + len(kb.actions))
    for row, action in zip(rows, kb.actions, strict=True):
        if counts[action.id] > 1 or not action.id:
            yield Problem("actions.csv", row, "id", f"got {action.id!r}, expected a unique id")
        if not action.label:
            yield Problem("actions.csv", row, "label", f"{action.id}: empty")


def _codes(row: int, advice: Advice, actions: dict[str, Action]) -> Iterator[Problem]:
    """Check that codes exist and do not contradict one another."""
    for column, codes in (("advises", advice.advises), ("forbids", advice.forbids)):
        for code in codes:
            if code not in actions:
                expected = f"got {code!r}, expected an action of actions.csv"
                yield Problem(_FILE, row, column, expected, nearest_hint(code, actions))
    for code in set(advice.advises) & set(advice.forbids):
        yield Problem(_FILE, row, "forbids", f"{advice.id} advises and forbids {code!r}, expected only one")
    if advice.kind == "how_to" and not advice.advises:
        yield Problem(_FILE, row, "advises", f"{advice.id}: empty, expected the action it explains")


def _any_of(action: Action) -> re.Pattern[str]:
    """Return what finds the words for an action in a text."""
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, action.words))})(?![\w-])", re.IGNORECASE)


def _uncoded(row: int, advice: Advice, words: dict[str, re.Pattern[str]]) -> Iterator[Problem]:
    """Check that a text names no action that its codes leave out; what it says of it is not guessed."""
    for action, pattern in words.items():
        found = pattern.search(advice.advice)
        if found and action not in (*advice.advises, *advice.forbids):
            said = f"{advice.id} says {found[0]!r}, but neither advises nor forbids {action!r}"
            yield Problem(_FILE, row, "advises", said, "code the action or word the advice otherwise")


def _emergencies(kb: KnowledgeBase) -> Iterator[Problem]:
    """Check that every cause that can make an emergency says what to do then."""
    reached = {rule.suspect: f"rule {rule.id}" for rule in kb.red_flags if rule.level == "emergency"}
    for harm in kb.harms:
        if harm.threshold_emergency is not None or harm.level_if_likely == "emergency":
            reached.setdefault(harm.cause, "harms.csv")
    covered = {
        advice.cause
        for advice in kb.advice
        if advice.kind == "treatment" and not advice.when and "emergency" in kb.levels_of(advice)
    }
    for cause, by in reached.items():
        if cause and cause not in covered:
            what = f"{cause} can be an emergency ({by}), but has no treatment row for it"
            yield Problem(
                _FILE, None, "cause", what, "add a row without a condition, for the level emergency"
            )
