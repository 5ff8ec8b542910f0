"""The open questions of a case as data: what may be answered to each, and what each answer would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from thighdx.display import Shown
from thighdx.kb.records import COST_TIERS, Cost
from thighdx.plain import Plain, keys_of, plain, table_of
from thighdx.text import percent
from thighdx.words import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Goal", "Question", "Questions", "Shift"]

Goal: TypeAlias = Literal["causes", "urgency"]


@dataclass(frozen=True, slots=True)
class Shift:
    """How one answer moves one cause: P(present) before and after."""

    cause: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a question and what it would do.

    Attributes
    ----------
    probability : float
        P(answer | evidence).
    leading_cause : str
        Most probable cause after it (never the residual one); empty where the answer is impossible.
    shifts : tuple of Shift
        The causes whose probability changes most, largest change first.
    urgency : float or None
        Level score after it, where the urgency was asked about.
    """

    state: str
    probability: float
    leading_cause: str
    urgency: float | None
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Question(Plain):
    """One open question.

    Attributes
    ----------
    gain_bits : float
        Expected reduction of the sum of the causes' binary entropies.
    urgency_change : float or None
        Expected absolute change of the level score, where the urgency was asked about.
    is_uncertain : bool
        There is virtual evidence on it already: the answer would settle it.
    """

    variable: str
    label: str
    text: str
    cost: Cost | Literal[""]
    gain_bits: float
    urgency_change: float | None
    is_uncertain: bool
    answers: tuple[Answer, ...]
    _renamed: ClassVar[dict[str, str]] = {"text": "question"}


@dataclass(frozen=True, slots=True, repr=False)
class Questions(Shown):
    """Open questions, the most useful first; a sequence of the `n` best.

    Attributes
    ----------
    ranking : tuple of Question
        All that may be asked now.
    n : int
        How many were asked for.
    note : str
        Why there is none, where that needs saying.
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.
    """

    goal: Goal
    ranking: tuple[Question, ...]
    n: int
    note: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def best(self) -> tuple[Question, ...]:
        """The `n` most useful questions."""
        return self.ranking[: self.n]

    def __iter__(self) -> Iterator[Question]:
        """Go through the best questions."""
        return iter(self.best)

    def __len__(self) -> int:
        """Return the number of best questions."""
        return len(self.best)

    def __getitem__(self, place: int) -> Question:
        """Return one of the best questions."""
        return self.best[place]

    def by_cost(self, n: int | None = None) -> dict[str, tuple[Question, ...]]:
        """Return the `n` most useful questions of every cost tier, cheapest tier first.

        Parameters
        ----------
        n : int, optional
            Default: as many per tier as were asked for.
        """
        wanted = self.n if n is None else n
        tiers = {
            tier: tuple(q for q in self.ranking if q.cost == tier)[:wanted] for tier in ("", *COST_TIERS)
        }
        return {tier: questions for tier, questions in tiers.items() if questions}

    def to_dict(self) -> dict[str, Any]:
        """Return the best questions as plain data."""
        return {"goal": self.goal, "questions": plain(self.best)}

    def to_frame(self) -> pd.DataFrame:
        """Return the best questions as a table: one row per question."""
        return table_of(self, [name for name in keys_of(Question) if name != "answers"])

    def __repr__(self) -> str:
        """Return one line per question and one per answer."""
        lines = [self.note or say("question.none", self.labels)] if not self.ranking else []
        for question in self:
            gain = f"{question.gain_bits:.3f} bits"
            if question.urgency_change is not None:
                gain = f"{question.urgency_change:.3f} levels, {gain}"
            lines.append(f"{question.text or question.label} [{question.variable}, {question.cost}] {gain}")
            for answer in question.answers:
                moved = ", ".join(
                    f"{s.cause} {percent(s.before)} -> {percent(s.after)}" for s in answer.shifts
                )
                lines.append(f"    {answer.state} ({percent(answer.probability)}): {moved or 'cannot be'}")
        return "\n".join(lines)
