"""The advice of the knowledge base that fits the causes and the urgency of one case."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from thighdx.compiled.case import Case
from thighdx.display import Shown
from thighdx.kb.conditions import is_true
from thighdx.kb.records import LEVELS, Advice, KnowledgeBase, Level, Row
from thighdx.plain import Plain, table_of
from thighdx.reasoning.urgency.alarm_questions import likely_causes
from thighdx.reasoning.urgency.triage import Reason, Triage
from thighdx.text import counted
from thighdx.words import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ANY_CAUSE", "AdviceLine", "Dispute", "Management", "Withheld", "management"]

ANY_CAUSE = "any"

MIN_SUSPECT = 1e-6  # a cause that the evidence excludes is none, whatever rule names it

MAX_IN_EMERGENCY = 3  # pieces of advice
MAX_PIECES = 6  # elsewhere
MAX_GENERAL = 2  # of them general

CARE_FIRST = LEVELS.index("urgent")  # from here on nothing is advised that delays care
HOME_KINDS = ("self_care", "exercise", "prevention")
PIECES = (*HOME_KINDS, "treatment", "caution")


@dataclass(frozen=True, slots=True)
class AdviceLine(Plain):
    """One piece of advice.

    Attributes
    ----------
    id : str
    cause : str
        The cause it is about; ``any`` for general advice.
    kind : str
        ``self_care``, ``exercise``, ``treatment``, ``caution``, ``prevention``; ``how_to`` (how an advised
        action is done), ``course`` (how long it lasts), ``visit`` (what the clinician will do, what to
        bring), ``safety_net`` (what to watch for, when and how to come back).
    words, caution : str
    priority : int
        1 first.
    sources : tuple of str
    disputes : tuple of str
        Topics on which its sources contradict others; see `Management.disputes` for the side taken.
    """

    id: str
    cause: str
    kind: str
    words: str
    caution: str
    priority: int
    sources: tuple[str, ...]
    disputes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Advice for a likely cause that is not given here, and why.

    `because` is the id of the caution it goes against, or ``triage`` where the urgency forbids it.
    """

    id: str
    cause: str
    words: str
    because: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A topic on which statements contradict one another, and the side the knowledge base takes."""

    topic: str
    side_taken: str
    reason: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Management(Shown, Plain):
    """Advice for one case.

    Attributes
    ----------
    level : str
        Urgency that the advice is adjusted to.
    seek_care : str
        What the urgency means; comes before everything else.
    causes : tuple of str
        Causes the advice is about: suspects of the warning signs first, then the likeliest.
    advice : tuple of AdviceLine
        In the order to be read: at most three pieces in an emergency, otherwise at most six.
    how_to, course, visit, safety_net : tuple of AdviceLine
        How to do what is advised; how long the likely causes last; what a visit brings; when to come back.
    withheld : tuple of Withheld
    disputes : tuple of Dispute
    disclaimer : str
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.
    """

    level: Level
    seek_care: str
    causes: tuple[str, ...]
    advice: tuple[AdviceLine, ...]
    how_to: tuple[AdviceLine, ...]
    course: tuple[AdviceLine, ...]
    visit: tuple[AdviceLine, ...]
    safety_net: tuple[AdviceLine, ...]
    withheld: tuple[Withheld, ...]
    disputes: tuple[Dispute, ...]
    disclaimer: str
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def apart(self) -> dict[str, tuple[AdviceLine, ...]]:
        """What stands apart from the pieces of advice, by title, in the order to be read."""
        parts = {
            "how_to": self.how_to,
            "course": self.course,
            "visit": self.visit,
            "safety_net": self.safety_net,
        }
        return {say(f"advice.{name}", self.labels): lines for name, lines in parts.items() if lines}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per piece of advice, then of what stands apart from it."""
        return table_of(itertools.chain(self.advice, *self.apart.values()), AdviceLine)

    def __repr__(self) -> str:
        """Return the urgency, then one line per piece of advice, then the disclaimer."""
        lines = [self.seek_care]
        for line in self.advice:
            lines.append(f"  - {line.words} [{line.id}, {line.cause}]")
            if line.caution:
                lines.append(f"      {line.caution}")
        for title, apart in self.apart.items():
            lines.append(f"  {title}:")
            lines += [
                f"  - {' '.join(filter(None, [line.words, line.caution]))} [{line.id}]" for line in apart
            ]
        if self.withheld:
            lines.append(f"  ({counted(len(self.withheld), 'piece')} of advice withheld; see .withheld)")
        return "\n".join([*lines, self.disclaimer])


def management(case: Case, triage: Triage) -> Management:
    """Choose and order the advice for one case, given its urgency.

    Notes
    -----
    Advice is chosen for two kinds of causes. *Suspects* are named by a rule that fires, or make the case at
    least `urgent` by their posterior; one below 1e-6 is none. *Likely* causes have a posterior of at least
    0.1, at most three of them. The residual cause is neither. General rows (cause ``any``) are added.

    In an emergency only the suspects at that level are spoken of, in at most three pieces: what to do, then
    what not to do. Otherwise there are at most six: two general ones first, then the suspects', then the
    likely causes', and what room is left for other general ones. From ``urgent`` on nothing but seeking care
    and cautions is said. A suspect that can wait brings only what comes first, unless it is likely.

    A row with a condition needs it to be surely true. No row is given outside the levels of the row and of the
    actions it advises, and none that advises what any row about a suspect or a likely cause, or a general one,
    forbids: harm avoided comes before comfort.
    How an advised action is done, how long it lasts, what a visit brings and when to come back stand apart.
    """
    kb, suspects, likely = case.kb, _suspects(case, triage), likely_causes(case)
    ranks = {cause: rank for rank, cause in enumerate(dict.fromkeys([*suspects, *likely]))}
    rows = [row for row in kb.advice if row.cause in (ANY_CAUSE, *ranks) and is_true(row.when, case.states)]
    choice = _Choice(kb, triage.level, suspects, likely, ranks)
    allowed, withheld = choice.sort_out(rows)
    chosen = choice.pieces(allowed)
    advised = {action for row in chosen for action in row.advises}
    disputes = {row["topic"]: row for row in kb.conflict_rows}

    def lines(found: Iterable[Advice]) -> tuple[AdviceLine, ...]:
        return tuple(_line(row, disputes) for row in sorted(found, key=choice.order))

    told = tuple(_line(row, disputes) for row in chosen)
    topics = dict.fromkeys(topic for line in told for topic in line.disputes)
    return Management(
        level=triage.level,
        seek_care=say(f"meaning.{triage.level}", kb.labels),
        causes=choice.causes,
        advice=told,
        how_to=lines(row for row in allowed if row.kind == "how_to" and advised & set(row.advises)),
        course=lines(row for row in allowed if row.kind == "course" and row.cause in likely),
        visit=lines(row for row in allowed if row.kind == "visit"),
        safety_net=lines(row for row in allowed if row.kind == "safety_net"),
        withheld=tuple(withheld),
        disputes=tuple(_dispute(disputes[topic]) for topic in topics),
        disclaimer=case.compiled.disclaimer,
        labels=case.compiled.labels,
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which rows are given, and in which order."""

    kb: KnowledgeBase
    level: Level
    suspects: Mapping[str, Level]
    likely: Sequence[str]
    ranks: Mapping[str, int]

    @property
    def is_emergency(self) -> bool:
        return self.level == "emergency"

    @property
    def is_care_first(self) -> bool:
        """Whether nothing is advised that could delay care."""
        return LEVELS.index(self.level) >= CARE_FIRST

    @property
    def causes(self) -> tuple[str, ...]:
        """Causes that are spoken of."""
        if not self.is_emergency:
            return tuple(self.ranks)
        return tuple(cause for cause in self.suspects if self.suspects[cause] == self.level)

    def sort_out(self, rows: Sequence[Advice]) -> tuple[list[Advice], list[Withheld]]:
        """Return what may be said, and what is withheld because of the urgency or of a caution."""
        bans, allowed, withheld = _bans(self.kb, rows, self.level), list[Advice](), list[Withheld]()
        delays = say("advice.delays_care", self.kb.labels)
        for row in rows:
            against = next((bans[action] for action in row.advises if action in bans), None)
            if not self.is_level_right(row):
                if self.is_care_first and row.cause in self.likely and row.kind in HOME_KINDS:
                    withheld.append(Withheld(row.id, row.cause, row.advice, "triage", delays))
            elif against is not None:
                withheld.append(Withheld(row.id, row.cause, row.advice, against.id, against.advice))
            else:
                allowed.append(row)
        return allowed, withheld

    def is_level_right(self, row: Advice) -> bool:
        """Whether a row and all it advises may be shown at this level of urgency."""
        is_home = row.kind in HOME_KINDS or row.kind == "how_to"
        return self.level in self.kb.levels_of(row) and not (self.is_care_first and is_home)

    def order(self, row: Advice) -> tuple[int, int, str]:
        """Return the sort key of rows of equal standing."""
        return row.priority, self.ranks.get(row.cause, -1), row.id

    def pieces(self, rows: Sequence[Advice]) -> list[Advice]:
        """Return the rows to give, in the order to be read, no more than are taken in."""
        rows = sorted((row for row in rows if row.kind in PIECES), key=self.order)
        general = [row for row in rows if row.cause == ANY_CAUSE]
        own = [row for row in rows if row.cause in self.causes]
        if self.is_emergency:
            care = [row for row in own if row.kind == "treatment"]
            first = sorted(care, key=lambda row: self.ranks[row.cause])[:1]
            banned = [row for row in (*own, *general) if row.kind == "caution"]
            return [*(first or [row for row in general if row.kind == "treatment"][:1]), *banned][
                :MAX_IN_EMERGENCY
            ]
        general.sort(key=lambda row: not row.when)  # what a finding calls for comes first
        named = [row for row in own if row.cause in self.suspects and self._is_of_suspect(row)]
        named.sort(key=lambda row: (row.kind != "treatment", *self.order(row)))
        rest = [row for row in own if row not in named and self._is_of_likely(row)]
        first = [row for row in general if row.when or row.priority == 1][:MAX_GENERAL]
        others = [row for row in general if row not in first]
        return [*first, *named, *rest, *others][:MAX_PIECES]

    def _is_of_suspect(self, row: Advice) -> bool:
        """Whether a row about a suspect is seeking care or a caution; of one that can wait only the first."""
        leads = LEVELS.index(self.suspects[row.cause]) >= CARE_FIRST
        return row.kind in ("treatment", "caution") and (leads or row.priority == 1)

    def _is_of_likely(self, row: Advice) -> bool:
        """Whether a row about a likely cause is given; beside an urgent matter only its first cautions."""
        is_given = not self.is_care_first or (row.kind == "caution" and row.priority == 1)
        return row.cause in self.likely and is_given


def _bans(kb: KnowledgeBase, rows: Iterable[Advice], level: Level) -> dict[str, Advice]:
    """Return what must not be advised and the row that says so.

    What is forbidden for a cause holds at any level; what is forbidden in general only where it is said.
    """
    found: dict[str, Advice] = {}
    for row in rows:
        if row.cause != ANY_CAUSE or level in kb.levels_of(row):
            for action in row.forbids:
                found.setdefault(action, row)
    return found


def _suspects(case: Case, triage: Triage) -> dict[str, Level]:
    """Return the causes that warning signs point at and how urgent each is, the most urgent first.

    Of causes that are equally urgent the likeliest comes first.
    """
    posterior, found = case.posterior, dict[str, Level]()
    for reason in triage.reasons:  # sorted by urgency
        is_named = reason.kind == "rule" or _is_probable(reason)
        if reason.cause and is_named and posterior[reason.cause] >= MIN_SUSPECT:
            found.setdefault(reason.cause, reason.level)
    found.pop(case.compiled.residual_cause, None)
    order = sorted(found, key=lambda cause: (-LEVELS.index(found[cause]), -posterior[cause]))
    return {cause: found[cause] for cause in order}


def _is_probable(reason: Reason) -> bool:
    """Whether a cause calls for care today by its posterior, not only by a margin of caution above it.

    Then what to do until help comes is for this cause; otherwise it is only one that has to be excluded.
    """
    figures = reason.figures
    is_reached = reason.kind == "likely" or figures.get("posterior", 0.0) >= figures.get("threshold", 1.0)
    return LEVELS.index(reason.level) >= CARE_FIRST and is_reached


def _line(row: Advice, disputes: Mapping[str, Row]) -> AdviceLine:
    """Return a row with the disputes that its sources are part of."""
    topics = tuple(
        topic
        for topic, dispute in disputes.items()
        if {seed.strip() for seed in dispute["seeds"].split(";")} & set(row.sources)
    )
    return AdviceLine(row.id, row.cause, row.kind, row.advice, row.caution, row.priority, row.sources, topics)


def _dispute(row: Row) -> Dispute:
    """Read one row of conflicts.csv."""
    sources = tuple(part.strip() for part in row["sources"].split(";") if part.strip())
    return Dispute(row["topic"], row["side_taken"], row["reason"], sources)
