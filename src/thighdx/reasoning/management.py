"""What to do: the advice of the knowledge base that fits the causes and the urgency of one case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thighdx.figures import counted
from thighdx.kb.records import LEVELS, Advice, KnowledgeBase, Level, Row
from thighdx.reasoning.actions import actions_advised, actions_forbidden
from thighdx.reasoning.conditions import is_true
from thighdx.reasoning.triage import LEVEL_WORDS, Reason, Triage

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ANY_CAUSE", "AdviceLine", "Dispute", "Management", "Withheld", "management"]

ANY_CAUSE = "any"
MIN_POSTERIOR = 0.1  # a cause less likely than this gets no advice of its own
MAX_CAUSES = 3

SEEK_CARE_FROM = LEVELS.index("urgent")  # from here on nothing is advised that delays care
KINDS_WHEN_URGENT = ("treatment", "caution")
PRIORITY_WHEN_URGENT = 1  # what is not about a suspect and less pressing than this is for later


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """One piece of advice.

    Attributes
    ----------
    id : str
    cause : str
        The cause it is about; ``any`` for general advice.
    kind : str
        ``self_care``, ``exercise``, ``treatment``, ``caution`` or ``prevention``.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the advice as plain data."""
        return {
            "id": self.id,
            "cause": self.cause,
            "kind": self.kind,
            "words": self.words,
            "caution": self.caution,
            "priority": self.priority,
            "sources": list(self.sources),
            "disputes": list(self.disputes),
        }


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
class Management:
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
        In the order to be read.
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
    withheld: tuple[Withheld, ...]
    disputes: tuple[Dispute, ...]
    disclaimer: str
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the advice as plain data."""
        return {
            "level": self.level,
            "seek_care": self.seek_care,
            "causes": list(self.causes),
            "advice": [line.to_dict() for line in self.advice],
            "withheld": [
                {"id": w.id, "cause": w.cause, "words": w.words, "because": w.because, "reason": w.reason}
                for w in self.withheld
            ],
            "disputes": [
                {"topic": d.topic, "side_taken": d.side_taken, "reason": d.reason, "sources": list(d.sources)}
                for d in self.disputes
            ],
            "disclaimer": self.disclaimer,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per piece of advice."""
        import pandas as pd

        columns = ["id", "cause", "kind", "words", "caution", "priority", "sources", "disputes"]
        return pd.DataFrame([line.to_dict() for line in self.advice], columns=columns)

    def _repr_html_(self) -> str:
        """Return the same for notebooks."""
        from thighdx.html.fragments import management_fragment

        return management_fragment(self, self.labels)

    def __repr__(self) -> str:
        """Return the urgency, then one line per piece of advice, then the disclaimer."""
        lines = [self.seek_care]
        for line in self.advice:
            lines.append(f"  - {line.words} [{line.id}, {line.cause}]")
            if line.caution:
                lines.append(f"      {line.caution}")
        if self.withheld:
            lines.append(f"  ({counted(len(self.withheld), 'piece')} of advice withheld; see .withheld)")
        return "\n".join([*lines, self.disclaimer])


def management(
    kb: KnowledgeBase, states: Mapping[str, str], posterior: Mapping[str, float], triage: Triage
) -> Management:
    """Choose and order the advice for one case.

    Parameters
    ----------
    states : mapping of str to str
        Known state of every known variable; a row with a condition needs it to be surely true.
    posterior : mapping of str to float
        P(cause present | evidence), linear.
    triage : Triage
        Urgency of the same case.

    Returns
    -------
    Management

    Notes
    -----
    Advice is chosen for two kinds of causes. *Suspects* are named by a rule that fires, or by a threshold
    that the posterior itself reaches at the level ``urgent`` or above: they bring their treatment and caution
    rows; of a suspect that is not likely below ``urgent``, and of one that itself can wait from there on, only
    the first. *Likely* causes have a posterior of at
    least 0.1, at most three of them: they bring all their rows. The residual cause is neither. General rows
    (cause ``any``) are added, those without a condition only if they come first.

    From ``urgent`` on only seeking care and cautions remain: no self-care, exercise or prevention, and of
    likely causes that are not suspects only the cautions of priority 1. Below it, whatever a caution given
    here forbids (massage, stretching, loading, warmth and the like) is withheld from every other cause's
    advice: harm avoided comes before comfort. Cautions of the same cause are taken to agree with its advice.
    Where the sources contradict one another, the row itself holds the side taken, and `Management.disputes`
    says why.
    """
    suspects = _suspects(kb, triage, posterior)
    likely = _likely(kb, posterior)
    ranks = {cause: rank for rank, cause in enumerate(dict.fromkeys([*suspects, *likely]))}
    is_urgent = LEVELS.index(triage.level) >= SEEK_CARE_FROM
    leading = _leading(suspects, likely, is_urgent)
    withheld: list[Withheld] = []
    chosen = []
    for row in _applicable(kb, states, ranks):
        refusal = _refusal(row, row.cause in suspects, row.cause in leading, is_urgent)
        if refusal is None:
            chosen.append(row)
        elif refusal:
            withheld.append(Withheld(row.id, row.cause, row.advice, "triage", refusal))
    chosen = list(_without_contradictions(chosen, suspects, withheld))
    chosen.sort(key=lambda row: _order(row, suspects, ranks, is_urgent))
    disputes = {row["topic"]: row for row in kb.conflict_rows}
    lines = tuple(_line(row, disputes) for row in chosen)
    topics = dict.fromkeys(topic for line in lines for topic in line.disputes)
    return Management(
        level=triage.level,
        seek_care=LEVEL_WORDS[triage.level],
        causes=tuple(ranks),
        advice=lines,
        withheld=tuple(withheld),
        disputes=tuple(_dispute(disputes[topic]) for topic in topics),
        disclaimer=kb.manifest.disclaimer,
    )


def _suspects(kb: KnowledgeBase, triage: Triage, posterior: Mapping[str, float]) -> dict[str, Level]:
    """Return the causes that warning signs point at and how urgent each is, the most urgent first.

    Of causes that are equally urgent the likeliest comes first.
    """
    found: dict[str, Level] = {}
    for reason in triage.reasons:  # sorted by urgency
        if reason.cause and (reason.kind == "rule" or _is_probable(reason)):
            found.setdefault(reason.cause, reason.level)
    found.pop(kb.manifest.residual_cause, None)
    order = sorted(found, key=lambda cause: (-LEVELS.index(found[cause]), -posterior[cause]))
    return {cause: found[cause] for cause in order}


def _leading(suspects: Mapping[str, Level], likely: list[str], is_urgent: bool) -> set[str]:
    """Return the causes whose advice is not cut down to what comes first.

    When the case is urgent they are the suspects that make it so: treatment of one that can wait, such as
    tablets for a pinched nerve, would go beside a warning sign of another.
    """
    if not is_urgent:
        return set(likely)
    return {cause for cause, level in suspects.items() if LEVELS.index(level) >= SEEK_CARE_FROM}


def _is_probable(reason: Reason) -> bool:
    """Whether a cause calls for care today by its posterior, not only by its upper bound.

    Then what to do until help comes is for this cause; otherwise it is only one that has to be excluded.
    """
    figures = reason.figures
    is_reached = figures.get("posterior", 0.0) >= figures.get("threshold", 1.0)
    return LEVELS.index(reason.level) >= SEEK_CARE_FROM and is_reached


def _likely(kb: KnowledgeBase, posterior: Mapping[str, float]) -> list[str]:
    """Return the causes that carry most of the probability, the likeliest first."""
    ranked = sorted(posterior, key=lambda cause: -posterior[cause])
    ranked = [cause for cause in ranked if cause != kb.manifest.residual_cause]
    return [cause for cause in ranked[:MAX_CAUSES] if posterior[cause] >= MIN_POSTERIOR]


def _applicable(kb: KnowledgeBase, states: Mapping[str, str], ranks: Mapping[str, int]) -> Iterator[Advice]:
    """Yield the rows about these causes, and the general ones, whose condition surely holds."""
    for row in kb.advice:
        if (row.cause in ranks or row.cause == ANY_CAUSE) and is_true(row.when, states):
            yield row


def _refusal(row: Advice, is_suspect: bool, is_leading: bool, is_urgent: bool) -> str | None:
    """Return why a row is not given; None if it is, "" if that needs no mention."""
    if is_suspect and not is_leading:
        return None if row.kind in KINDS_WHEN_URGENT and row.priority <= PRIORITY_WHEN_URGENT else ""
    if is_suspect:
        return None if row.kind in KINDS_WHEN_URGENT or not is_urgent else ""
    if row.cause == ANY_CAUSE and not row.when and row.priority > PRIORITY_WHEN_URGENT:
        return ""
    if not is_urgent:
        return None
    kinds = KINDS_WHEN_URGENT if row.cause == ANY_CAUSE else ("caution",)
    if row.kind in kinds:
        return None if row.priority <= PRIORITY_WHEN_URGENT else ""
    return (
        "" if row.cause == ANY_CAUSE else "nothing that could delay care is advised while it is this urgent"
    )


def _without_contradictions(
    rows: list[Advice], suspects: Mapping[str, Level], withheld: list[Withheld]
) -> Iterator[Advice]:
    """Yield the rows that go against no caution of another cause; note the others.

    General cautions count only where a finding calls for them; treatment of a suspect that comes first is to
    seek care and is never withheld.
    """
    bans = [(row, actions_forbidden(row)) for row in rows if row.cause != ANY_CAUSE or row.when]
    for row in rows:
        advised = actions_advised(row)
        against = [
            ban
            for ban, actions in bans
            if actions & advised and (ban.cause == ANY_CAUSE or ban.cause != row.cause)
        ]
        if against and not (row.cause in suspects and _is_first_treatment(row)):
            withheld.append(Withheld(row.id, row.cause, row.advice, against[0].id, against[0].advice))
        else:
            yield row


def _is_first_treatment(row: Advice) -> bool:
    """Whether a row says to seek care: treatment that comes first."""
    return row.kind == "treatment" and row.priority <= PRIORITY_WHEN_URGENT


def _order(
    row: Advice, suspects: Mapping[str, Level], ranks: Mapping[str, int], is_urgent: bool
) -> tuple[int, int, int, str]:
    """Return the sort key of a row: seeking care, then cautions against harm, then help by likelihood."""
    if row.cause in suspects:
        block = 0 if row.kind == "treatment" else 1
    elif row.cause == ANY_CAUSE and row.when:
        block = 2
    elif row.cause == ANY_CAUSE:
        block = 3 if is_urgent else 5
    else:
        block = 4
    if block == 4:
        return block, ranks[row.cause], row.priority, row.id
    return block, row.priority, ranks.get(row.cause, len(ranks)), row.id


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
