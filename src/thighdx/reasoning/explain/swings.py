"""The open questions that could move a cause most."""

from __future__ import annotations

import numpy as np

from thighdx.compiled.case import Case
from thighdx.kb.expressions import holds, parse_expression
from thighdx.network.spec import Floats
from thighdx.reasoning.answers import possible_answers
from thighdx.reasoning.explain.comparison import Comparison
from thighdx.reasoning.explain.explanation import Swing

__all__ = ["LIKELY_ANSWER", "largest_swings"]

LIKELY_ANSWER = 0.01
"""Answers less probable than this are not counted: the rarest answer always moves most."""
NEARLY = 1e-12  # probabilities are kept this far from 0 and 1, so that no swing is infinite


def largest_swings(case: Case, comparison: Comparison, *, n: int) -> tuple[Swing, ...]:
    """Return the unknown variables whose answers lie furthest apart in what they do to a cause.

    Returns
    -------
    tuple of Swing
        Largest distance between the highest and the lowest answer first, among answers with a
        probability of at least `LIKELY_ANSWER`; questions that do not apply to the case are left out.
    """
    if n < 1:
        return ()
    answers = case.once(possible_answers)
    moved = (_score(answers.posterior, comparison) - _score(answers.now[None, :], comparison)) * 10.0
    counts = (answers.probability >= LIKELY_ANSWER) & np.isfinite(moved)
    found = []
    for variable_idx in np.unique(answers.variable_idx[counts]).tolist():
        variable = case.vocabulary.variables[variable_idx]
        if variable.id in case.evidence.likelihoods or not _applies(variable.asked_if, case):
            continue
        rows = np.flatnonzero(counts & (answers.variable_idx == variable_idx))
        high, low = (rows[end(moved[rows])] for end in (np.argmax, np.argmin))
        found.append((moved[low] - moved[high], variable, high, low))
    found.sort(key=lambda swing: swing[0])
    return tuple(
        Swing(
            variable=variable.id,
            label=variable.label,
            highest=variable.states[answers.state_idx[high]],
            highest_decibans=float(moved[high]),
            lowest=variable.states[answers.state_idx[low]],
            lowest_decibans=float(moved[low]),
        )
        for _, variable, high, low in found[:n]
    )


def _score(posterior: Floats, comparison: Comparison) -> Floats:
    """Return log10 of the odds of a cause, or of the ratio of two."""
    bounded = np.clip(posterior[:, list(comparison.cause_idx)], NEARLY, 1.0 - NEARLY)
    if comparison.is_contrast:
        return np.log10(bounded[:, 0]) - np.log10(bounded[:, 1])
    return np.log10(bounded[:, 0]) - np.log10(1.0 - bounded[:, 0])


def _applies(condition: str, case: Case) -> bool:
    """Whether a question may still be asked; unknown is not no."""
    return not condition or holds(parse_expression(condition), case.states) is not False
