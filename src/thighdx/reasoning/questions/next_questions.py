"""The open questions of a case, ranked by what their answers are expected to settle.

The gain of a question is the expected reduction of the sum over the causes of the binary entropies of
"present or not", in bits: the mutual information [1]_ between its answer and each cause, summed over the
causes. Choosing the next question by its expected information goes back to Gorry and Barnett [2]_. Every
gain is exact, never negative, and all of them come from one pass of matrix products.

.. [1] Shannon CE. A mathematical theory of communication. Bell System Technical Journal 1948;27:379-423.
.. [2] Gorry GA, Barnett GO. Experience with a model of sequential diagnosis. Comput Biomed Res
   1968;1:490-507.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from scipy.special import entr

from thighdx.compiled.case import Case
from thighdx.errors import OptionError, choice_fault
from thighdx.kb.conditions import is_true
from thighdx.kb.records import COST_TIERS, Cost, Variable
from thighdx.network.spec import Floats
from thighdx.reasoning.answers import Answers, possible_answers
from thighdx.reasoning.questions.question_lines import Answer, Goal, Question, Questions, Shift
from thighdx.reasoning.urgency.alarm_questions import alarm_questions
from thighdx.reasoning.urgency.levels import Extra, urgency_after
from thighdx.reasoning.urgency.open_questions import is_within
from thighdx.reasoning.urgency.triage import triage
from thighdx.words import say

__all__ = ["next_questions", "rank_questions"]

N_SHIFTS = 3  # causes shown per answer


def next_questions(
    case: Case, n: int = 5, *, max_cost: Cost | None = None, goal: Goal = "causes"
) -> Questions:
    """Return what to ask or examine next: alarm questions of the likely causes, then by `rank_questions`.

    Parameters
    ----------
    n : int
        How many questions count as the best; the whole ranking is in the result.
    max_cost : {"ask", "examine", "cheap_test", "imaging_or_invasive"}, optional
        Dearest tier allowed. Without it only what can be asked or examined in the setting is named, and nothing in
        an emergency.
    goal : {"causes", "urgency"}
        As for `rank_questions`; no question comes first where the urgency is asked about.

    Raises
    ------
    OptionError
        If `n`, `max_cost` or `goal` is none of the above.
    """
    if n < 1:
        raise OptionError(f"n: got {n}, expected 1 or more")
    if max_cost is not None and max_cost not in COST_TIERS:
        raise OptionError(choice_fault("max_cost", max_cost, COST_TIERS))
    if goal not in get_args(Goal):
        raise OptionError(choice_fault("goal", goal, get_args(Goal)))
    if max_cost is None and case.once(triage).level == "emergency":
        note = say("question.emergency", case.compiled.labels)
        return Questions(goal, (), n, note, case.compiled.labels)
    ranking = rank_questions(case, max_cost or case.max_cost, goal=goal)
    first = alarm_questions(case) if goal == "causes" else ()
    places = {name: place for place, name in enumerate(first)}
    ordered = sorted(ranking, key=lambda question: places.get(question.variable, len(places)))
    return Questions(goal, tuple(ordered), n, labels=case.compiled.labels)


def rank_questions(case: Case, max_cost: Cost, *, goal: Goal = "causes") -> list[Question]:
    """Rank everything not yet known by what its answer is expected to settle.

    A variable whose condition (`asked_if`) is false is left out, and so is one whose condition is still open: the
    variables of the condition are asked first. A variable with virtual evidence is not fully known, so it
    stays in, marked `is_uncertain`. Impossible answers have probability 0 and no shifts.

    Parameters
    ----------
    goal : {"causes", "urgency"}
        Rank by `gain_bits`, or by the expected absolute change of the level of urgency (ties by bits).
    """
    answers, variables = case.once(possible_answers), case.vocabulary.variables
    # rounding can leave a question that settles nothing at -1e-16
    gain = np.maximum(_expected(answers, _entropy(answers.now) - _entropy(answers.posterior)), 0.0)
    scores = _level_scores(case, answers) if goal == "urgency" else None
    change = None if scores is None else _expected(answers, np.abs(scores[1:] - scores[0]))
    described = _answers(case, answers, None if scores is None else scores[1:])
    uncertain = {item.variable_idx for item in case.batch.likelihoods}
    ranking = [
        Question(
            variable=variables[v].id,
            label=variables[v].label,
            text=variables[v].question,
            cost=variables[v].cost,
            gain_bits=float(gain[v]),
            urgency_change=None if change is None else float(change[v]),
            answers=tuple(described[row : row + len(variables[v].states)]),
            is_uncertain=v in uncertain,
        )
        for v, row in zip(
            *(place.tolist() for place in np.unique(answers.variable_idx, return_index=True)), strict=True
        )
        if _may_be_asked(case, variables[v], max_cost)
    ]
    return sorted(ranking, key=lambda q: (-(q.urgency_change or 0.0), -q.gain_bits))


def _entropy(probability: Floats) -> Floats:
    """Return the sum over the last axis of binary entropies, in bits."""
    return np.asarray((entr(probability) + entr(1.0 - probability)).sum(axis=-1) / np.log(2.0))


def _expected(answers: Answers, value: Floats) -> Floats:
    """Average a value per answer over the answers of each variable: (n_variables,); 0 for what is known."""
    share = np.where(answers.probability > 0, answers.probability * value, 0.0)
    return np.asarray(np.bincount(answers.variable_idx, weights=share), dtype=np.float64)


def _level_scores(case: Case, answers: Answers) -> Floats:
    """Score the urgency as it stands and after every answer, (1 + n_answers,); impossible ones change nothing."""
    possible, extra = np.flatnonzero(answers.probability > 0), list[Extra]([None])
    for row in possible.tolist():
        variable = case.vocabulary.variables[answers.variable_idx[row]]
        extra.append((variable.id, variable.states[answers.state_idx[row]]))
    found = urgency_after(case)(np.concatenate([answers.now[None], answers.posterior[possible]]), extra)
    scores = np.full(1 + len(answers.probability), found[0])
    scores[1 + possible] = found[1:]
    return scores


def _may_be_asked(case: Case, variable: Variable, max_cost: Cost) -> bool:
    """Whether a question is cheap enough and its condition is known to hold."""
    return is_within(variable, max_cost) and is_true(variable.asked_if, case.states)


def _answers(case: Case, answers: Answers, scores: Floats | None) -> list[Answer]:
    """Describe every answer, with the causes that it moves most and the one that leads after it."""
    causes = case.network.spec.causes
    listed = np.array([cause != case.compiled.residual_cause for cause in causes])
    distance = np.where(listed, np.abs(answers.posterior - answers.now), -1.0)
    furthest = np.argsort(-distance, axis=1, kind="stable")[:, : min(N_SHIFTS, listed.sum())].tolist()
    leading = np.where(listed, answers.posterior, -1.0).argmax(axis=1).tolist()
    now, found = answers.now.tolist(), list[Answer]()
    for row, probability in enumerate(answers.probability.tolist()):
        variable, after = (
            case.vocabulary.variables[answers.variable_idx[row]],
            answers.posterior[row].tolist(),
        )
        state = variable.states[answers.state_idx[row]]
        if probability > 0:
            shifts = tuple(Shift(causes[c], now[c], after[c]) for c in furthest[row])
            leader = causes[leading[row]] if shifts else ""
            score = None if scores is None else float(scores[row])
            found.append(Answer(state, probability, leader, score, shifts))
        else:
            found.append(Answer(state, 0.0, "", None, ()))
    return found
