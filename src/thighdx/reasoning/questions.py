"""What next: the open questions ranked by what their answers are expected to settle.

The gain of a question is the expected reduction of the sum over the causes of the binary entropies of
"present or not", in bits: the mutual information (Shannon 1948 [1]_) between its answer and each cause, summed
over the causes. It is the criterion of value of information for several causes at once that Gorry and
Barnett [2]_ introduced for sequential diagnosis with one cause. Every gain is exact, never negative, and comes
from one pass of matrix products.

.. [1] Shannon CE. A mathematical theory of communication. Bell System Technical Journal 1948;27:379-423.
.. [2] Gorry GA, Barnett GO. Experience with a model of sequential diagnosis. Comput Biomed Res 1968;1:490-507.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from scipy.special import entr

from thighdx.inference.evidence import CaseEvidence
from thighdx.inference.vocabulary import Vocabulary
from thighdx.kb.expressions import holds, parse_expression
from thighdx.kb.records import COST_TIERS, Cost, KnowledgeBase, Variable
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.answers import Answers, possible_answers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Extra", "Goal", "Question", "Questions", "Shift", "UrgencyScore", "next_questions"]

Goal: TypeAlias = Literal["causes", "urgency"]
Extra: TypeAlias = tuple[str, str] | None
"""One more piece of evidence, (variable, state); None for the case as it stands."""
UrgencyScore: TypeAlias = Callable[[Floats, list[Extra]], Floats]
"""Level of urgency as a number, higher is more urgent.

Called with posteriors (n, n_causes) and n pieces of extra evidence; returns (n,) scores.
"""

N_SHIFTS = 3  # causes shown per answer


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
    shifts: tuple[Shift, ...]
    urgency: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
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
    answers: tuple[Answer, ...]
    is_uncertain: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        answers = [
            {
                "state": answer.state,
                "probability": answer.probability,
                "leading_cause": answer.leading_cause,
                "urgency": answer.urgency,
                "shifts": [{"cause": s.cause, "before": s.before, "after": s.after} for s in answer.shifts],
            }
            for answer in self.answers
        ]
        return {
            "variable": self.variable,
            "label": self.label,
            "question": self.text,
            "cost": self.cost,
            "gain_bits": self.gain_bits,
            "urgency_change": self.urgency_change,
            "is_uncertain": self.is_uncertain,
            "answers": answers,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Questions:
    """Open questions, the most useful first; a sequence of the `n` best.

    Attributes
    ----------
    ranking : tuple of Question
        All that may be asked now.
    n : int
        How many were asked for.
    """

    goal: Goal
    ranking: tuple[Question, ...]
    n: int

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
        tiers = {tier: tuple(q for q in self.ranking if q.cost == tier)[:wanted] for tier in ("", *COST_TIERS)}
        return {tier: questions for tier, questions in tiers.items() if questions}

    def to_dict(self) -> dict[str, Any]:
        """Return the best questions as plain data."""
        return {"goal": self.goal, "questions": [question.to_dict() for question in self]}

    def to_frame(self) -> pd.DataFrame:
        """Return the best questions as a table: one row per question."""
        import pandas as pd

        columns = ["variable", "label", "question", "cost", "gain_bits", "urgency_change", "is_uncertain"]
        return pd.DataFrame([question.to_dict() for question in self], columns=columns)

    def __repr__(self) -> str:
        """Return one line per question and one per answer."""
        lines = ["nothing is left to ask"] if not self.ranking else []
        for question in self:
            gain = f"{question.gain_bits:.3f} bits"
            if question.urgency_change is not None:
                gain = f"{question.urgency_change:.3f} levels, {gain}"
            lines.append(f"{question.text or question.label} [{question.variable}, {question.cost}] {gain}")
            for answer in question.answers:
                moved = ", ".join(f"{s.cause} {s.before:.1%} -> {s.after:.1%}" for s in answer.shifts)
                lines.append(f"    {answer.state} ({answer.probability:.1%}): {moved or 'cannot be'}")
        return "\n".join(lines)


def next_questions(
    network: Network,
    vocabulary: Vocabulary,
    kb: KnowledgeBase,
    case: CaseEvidence,
    weights: Floats,
    n: int = 5,
    *,
    max_cost: Cost | None = None,
    goal: Goal = "causes",
    urgency: UrgencyScore | None = None,
) -> Questions:
    """Rank everything not yet known by what its answer is expected to settle.

    Parameters
    ----------
    weights : (n_explanations,) float64
        P(H | evidence) of the case.
    n : int
        How many questions count as the best; the whole ranking is in the result.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}, optional
        Dearest tier allowed.
    goal : {"causes", "urgency"}
        Rank by `gain_bits`, or by the expected absolute change of the level of urgency (ties by bits).
    urgency : UrgencyScore, optional
        Needed for the goal ``urgency``. Called once: the first row is the case as it stands (extra
        evidence None), then one row per possible answer.

    Returns
    -------
    Questions
        A variable whose condition (`asked_if`) is false is left out, and so is one whose condition is still
        open: the variables of the condition are asked first. A variable with virtual evidence is not fully
        known, so it stays in, marked `is_uncertain`. Impossible answers have probability 0 and no shifts.

    Raises
    ------
    ValueError
        If `n`, `max_cost` or `goal` is none of the above, or `urgency` is missing.
    """
    _check(n, max_cost, goal, urgency)
    answers = possible_answers(network, case.batch, weights)
    # rounding can leave a question that settles nothing at -1e-16
    gain = np.maximum(_expected(answers, network.n_variables, _entropy(answers.now) - _entropy(answers.posterior)), 0.0)
    scores, change = None, None
    if goal == "urgency" and urgency is not None:
        scores = _level_scores(network, answers, urgency)
        change = _expected(answers, network.n_variables, np.abs(scores[1:] - scores[0]))
        scores = scores[1:]
    asked = [
        position
        for position, variable in enumerate(vocabulary.variables)
        if position in set(answers.variable_idx.tolist()) and _may_be_asked(variable, case, max_cost)
    ]
    key = gain if change is None else change
    asked.sort(key=lambda position: (-key[position], -gain[position]))
    lines = _Lines(network, vocabulary, kb.manifest.residual_cause, answers, scores)
    uncertain = {item.variable_idx for item in case.batch.likelihoods}
    ranking = tuple(
        lines.question(v, float(gain[v]), None if change is None else float(change[v]), v in uncertain) for v in asked
    )
    return Questions(goal, ranking, n)


def _check(n: int, max_cost: Cost | None, goal: Goal, urgency: UrgencyScore | None) -> None:
    """Refuse what cannot be asked for."""
    if n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more")
    if max_cost is not None and max_cost not in COST_TIERS:
        raise ValueError(f"max_cost: got {max_cost!r}, expected one of {', '.join(COST_TIERS)}")
    if goal not in ("causes", "urgency"):
        raise ValueError(f"goal: got {goal!r}, expected causes or urgency")
    if goal == "urgency" and urgency is None:
        raise ValueError("urgency: got None, expected a function that scores the urgency")


def _entropy(probability: Floats) -> Floats:
    """Return the sum over the last axis of binary entropies, in bits."""
    return np.asarray((entr(probability) + entr(1.0 - probability)).sum(axis=-1) / np.log(2.0))


def _expected(answers: Answers, n_variables: int, value: Floats) -> Floats:
    """Average a value per answer over the answers of each variable: (n_variables,)."""
    share = np.where(answers.probability > 0, answers.probability * value, 0.0)
    return np.bincount(answers.variable_idx, weights=share, minlength=n_variables)


def _level_scores(network: Network, answers: Answers, urgency: UrgencyScore) -> Floats:
    """Score the case as it stands and after every answer, in one call; impossible answers change nothing."""
    possible = np.flatnonzero(answers.probability > 0)
    extra: list[Extra] = [None]
    for place in possible.tolist():
        v, s = answers.variable_idx[place], answers.state_idx[place]
        extra.append((network.variable_ids[v], network.states[v][s]))
    found = np.asarray(urgency(np.concatenate([answers.now[None], answers.posterior[possible]]), extra), dtype=np.float64)
    if found.shape != (len(extra),):
        raise ValueError(f"urgency: got scores of shape {found.shape}, expected ({len(extra)},)")
    scores = np.full(1 + len(answers.probability), found[0])
    scores[1 + possible] = found[1:]
    return scores


def _may_be_asked(variable: Variable, case: CaseEvidence, max_cost: Cost | None) -> bool:
    """Whether a question is cheap enough and its condition is known to hold."""
    if max_cost is not None and variable.cost:
        if COST_TIERS.index(variable.cost) > COST_TIERS.index(max_cost):
            return False
    return not variable.asked_if or holds(parse_expression(variable.asked_if), case.states) is True


@dataclass(frozen=True, slots=True)
class _Lines:
    """Writes the lines of the ranking."""

    network: Network
    vocabulary: Vocabulary
    residual_cause: str
    answers: Answers
    scores: Floats | None

    def question(self, position: int, gain: float, change: float | None, is_uncertain: bool) -> Question:
        """Describe one question with its answers."""
        first = int(np.searchsorted(self.answers.variable_idx, position))
        variable = self.vocabulary.variables[position]
        places = range(first, first + len(variable.states))
        answers = tuple(self._answer(state, place) for state, place in zip(variable.states, places, strict=True))
        return Question(
            variable.id, variable.label, variable.question, variable.cost, gain, change, answers, is_uncertain
        )

    def _answer(self, state: str, place: int) -> Answer:
        """Describe one answer."""
        probability = float(self.answers.probability[place])
        if not probability > 0:
            return Answer(state, 0.0, "", ())
        after, now, causes = self.answers.posterior[place], self.answers.now, self.network.spec.causes
        ranked = [c for c in range(len(causes)) if causes[c] != self.residual_cause]
        moved = sorted(ranked, key=lambda c: -abs(after[c] - now[c]))[:N_SHIFTS]
        shifts = tuple(Shift(causes[c], float(now[c]), float(after[c])) for c in moved)
        leading = causes[max(ranked, key=lambda c: after[c])] if ranked else ""
        score = None if self.scores is None else float(self.scores[place])
        return Answer(state, probability, leading, shifts, score)
