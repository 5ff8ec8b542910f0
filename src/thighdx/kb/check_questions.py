"""The check of lists in which questions are put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from thighdx.errors import Problem, nearest_hint
from thighdx.kb.records import KnowledgeBase

__all__ = ["MAX_LISTED", "check_question_lists"]

MAX_LISTED = 8  # questions in one list; more are not taken in
_FILE = "question_lists.csv"


def check_question_lists(kb: KnowledgeBase) -> Iterator[Problem]:
    """Yield what is wrong with the lists of questions."""
    by_id = {variable.id: variable for variable in kb.variables}
    counts = Counter(member.variable for found in kb.question_lists for member in found.members)
    for found in kb.question_lists:
        first = found.members[0].row
        if not found.title:
            yield Problem(_FILE, first, "title", f"{found.id}: empty")
        if len(found.members) > MAX_LISTED:
            said = f"{found.id} has {len(found.members)} questions, expected at most {MAX_LISTED}"
            yield Problem(_FILE, first, "list", said)
        for member in found.members:
            if counts[member.variable] > 1:
                yield Problem(_FILE, member.row, "variable", f"{member.variable} is listed twice")
            variable = by_id.get(member.variable)
            if variable is None:
                expected = f"got {member.variable!r}, expected a variable"
                yield Problem(_FILE, member.row, "variable", expected, nearest_hint(member.variable, by_id))
            elif len(found.members) > 1 and len(variable.states) != 2:
                said = (
                    f"{member.variable} has {len(variable.states)} states, expected two to be ticked or not"
                )
                yield Problem(_FILE, member.row, "variable", said)
            if not member.words:
                yield Problem(_FILE, member.row, "words", f"{member.variable}: empty")
            for name in member.alarm_for:
                if name not in by_id:
                    expected = f"got {name!r}, expected a cause or a variable"
                    yield Problem(_FILE, member.row, "alarm_for", expected, nearest_hint(name, by_id))
