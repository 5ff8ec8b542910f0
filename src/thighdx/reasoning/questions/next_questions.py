"""What next: the open questions ranked by what their answers are expected to settle.

The gain of a question is the expected reduction of the sum over the causes of the binary entropies of
"present or not", in bits: the mutual information [1]_ between its answer and each cause, summed over the
causes. Choosing the next question by its expected information goes back to Gorry and Barnett [2]_. Every
gain is exact, never negative, and all of them come from one pass of matrix products.

.. [1] Shannon CE. A mathematical theory of communication. Bell System Technical Journal 1948;27:379-423.
.. [2] Gorry GA, Barnett GO. Experience with a model of sequential diagnosis. Comput Biomed Res
   1968;1:490-507.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from scipy.special import entr

from thighdx.errors import choice_fault
from thighdx.evidence.one_case import CaseEvidence
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.kb.expressions import holds, parse_expression
from thighdx.kb.records import COST_TIERS, Cost, KnowledgeBase, Variable
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.answers import Answers, possible_answers
from thighdx.reasoning.questions.open_questions import is_within
from thighdx.reasoning.questions.question_lines import (
    Answer,
    Extra,
    Goal,
    Question,
    Questions,
    Shift,
    UrgencyScore,
)

__all__ = ["Answer", "Extra", "Goal", "Question", "Questions", "Shift", "UrgencyScore", "next_questions"]

N_SHIFTS = 3  # causes shown per answer


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
    first: Sequence[str] = (),
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
    first : sequence of str
        Variables that come before all others when the causes are asked about.

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
    gain = np.maximum(
        _expected(answers, network.n_variables, _entropy(answers.now) - _entropy(answers.posterior)), 0.0
    )
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
    places = {name: place for place, name in enumerate(first if change is None else ())}
    asked.sort(
        key=lambda position: (
            places.get(vocabulary.variables[position].id, len(places)),
            -key[position],
            -gain[position],
        )
    )
    lines = _Lines(network, vocabulary, kb.manifest.residual_cause, answers, scores)
    uncertain = {item.variable_idx for item in case.batch.likelihoods}
    ranking = tuple(
        lines.question(v, float(gain[v]), None if change is None else float(change[v]), v in uncertain)
        for v in asked
    )
    return Questions(goal, ranking, n)


def _check(n: int, max_cost: Cost | None, goal: Goal, urgency: UrgencyScore | None) -> None:
    """Refuse what cannot be asked for."""
    if n < 1:
        raise ValueError(f"n: got {n}, expected 1 or more")
    if max_cost is not None and max_cost not in COST_TIERS:
        raise ValueError(choice_fault("max_cost", max_cost, COST_TIERS))
    if goal not in ("causes", "urgency"):
        raise ValueError(choice_fault("goal", goal, get_args(Goal)))
    if goal == "urgency" and urgency is None:
        raise ValueError("urgency: got None, expected a function that scores the urgency")


def _entropy(probability: Floats) -> Floats:
    """Return the sum over the last axis of binary entropies, in bits."""
    return np.asarray((entr(probability) + entr(1.0 - probability)).sum(axis=-1) / np.log(2.0))


def _expected(answers: Answers, n_variables: int, value: Floats) -> Floats:
    """Average a value per answer over the answers of each variable: (n_variables,)."""
    share = np.where(answers.probability > 0, answers.probability * value, 0.0)
    totals = np.bincount(answers.variable_idx, weights=share, minlength=n_variables)
    return np.asarray(totals, dtype=np.float64)


def _level_scores(network: Network, answers: Answers, urgency: UrgencyScore) -> Floats:
    """Score the case as it stands and after every answer, in one call; impossible answers change nothing."""
    possible = np.flatnonzero(answers.probability > 0)
    extra: list[Extra] = [None]
    for place in possible.tolist():
        v, s = answers.variable_idx[place], answers.state_idx[place]
        extra.append((network.variable_ids[v], network.states[v][s]))
    found = np.asarray(
        urgency(np.concatenate([answers.now[None], answers.posterior[possible]]), extra), dtype=np.float64
    )
    if found.shape != (len(extra),):
        raise ValueError(f"urgency: got scores of shape {found.shape}, expected ({len(extra)},)")
    scores = np.full(1 + len(answers.probability), found[0])
    scores[1 + possible] = found[1:]
    return scores


def _may_be_asked(variable: Variable, case: CaseEvidence, max_cost: Cost | None) -> bool:
    """Whether a question is cheap enough and its condition is known to hold."""
    if not is_within(variable, max_cost):
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
        answers = tuple(
            self._answer(state, place) for state, place in zip(variable.states, places, strict=True)
        )
        return Question(
            variable.id, variable.label, variable.question, variable.cost, gain, change, is_uncertain, answers
        )

    def _answer(self, state: str, place: int) -> Answer:
        """Describe one answer."""
        probability = float(self.answers.probability[place])
        if not probability > 0:
            return Answer(state, 0.0, "", None, ())
        after, now, causes = self.answers.posterior[place], self.answers.now, self.network.spec.causes
        ranked = [c for c in range(len(causes)) if causes[c] != self.residual_cause]
        moved = sorted(ranked, key=lambda c: -abs(after[c] - now[c]))[:N_SHIFTS]
        shifts = tuple(Shift(causes[c], float(now[c]), float(after[c])) for c in moved)
        leading = causes[max(ranked, key=lambda c: after[c])] if ranked else ""
        score = None if self.scores is None else float(self.scores[place])
        return Answer(state, probability, leading, score, shifts)
