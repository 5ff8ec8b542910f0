"""How a finding depends on the causes that are present: noisy-OR and noisy-MAX with leak.

The noisy-OR is Pearl's [1]_ with the leak of Henrion [2]_; ordered findings apply it to the cumulative
probabilities, which is Diez's noisy-MAX [3]_. A cause rated below the background suppresses it, so that one
cause alone always gives exactly its elicited row.

.. [1] Pearl J. Probabilistic Reasoning in Intelligent Systems. Morgan Kaufmann, 1988, section 4.3.2.
.. [2] Henrion M. Some practical issues in constructing belief networks. UAI 1987.
.. [3] Diez FJ. Parameter adjustment in Bayes networks: the generalized noisy OR-gate. UAI 1993.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thighdx.network.explanations import Explanations
from thighdx.network.spec import FindingSpec, Floats

__all__ = ["Crossing", "find_crossings", "log_below", "log_state_probabilities"]

# Two cumulative probabilities closer than this are equal up to rounding: sums of at most
# max_causes + 1 logarithms of doubles.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Crossing:
    """A place where a higher state would be more likely than "that state or higher"."""

    variable: str
    state: str
    causes: tuple[int, ...]
    gap: float


def log_below(finding: FindingSpec, explanations: Explanations) -> Floats:
    """Return log P(X < s | H) for every state but the lowest.

    With background b and the row p_c of each member c::

        P(X >= s | H) = 1 - (1 - b_H) prod_c (1 - lambda_c)
        lambda_c      = max(0, 1 - (1 - p_c) / (1 - b))
        b_H           = b prod_c min(1, p_c / b)

    Returns
    -------
    (n_states - 1, n_explanations) float64
        Natural logarithms, -inf where X >= s is certain.
    """
    background = finding.background[:, None]  # (n_states - 1, 1)
    rows = np.where(np.isnan(finding.cumulative.T), background, finding.cumulative.T)
    with np.errstate(divide="ignore"):
        log_kept_background = np.minimum(0.0, np.log(rows) - np.log(background))
        log_not_caused = np.minimum(0.0, np.log1p(-rows) - np.log1p(-background))
    suppressed = background * np.exp(explanations.sum_over_members(log_kept_background))
    return np.log1p(-suppressed) + explanations.sum_over_members(log_not_caused)


def log_state_probabilities(finding: FindingSpec, explanations: Explanations) -> Floats:
    """Return log P(X = s | H) for every state.

    Written on the logarithms of P(X < s), so that states far out in a tail keep their relative accuracy.
    Rounding-sized negative differences count as 0; `find_crossings` reports real ones.

    Returns
    -------
    (n_states, n_explanations) float64
        Natural logarithms, -inf where a state is impossible.
    """
    below = log_below(finding, explanations)
    upper = np.concatenate([below[1:], np.zeros((1, explanations.n_explanations))])  # log P(X < s + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(np.isneginf(upper), 0.0, np.minimum(0.0, below - upper))
        inner = upper + np.log(-np.expm1(step))
    return np.concatenate([below[:1], np.where(np.isnan(inner), -np.inf, inner)])


def find_crossings(finding: FindingSpec, explanations: Explanations) -> list[Crossing]:
    """Return the worst explanation for every state whose cumulative rows cross, if any do."""
    at_least = -np.expm1(log_below(finding, explanations))
    gap = at_least[1:] - at_least[:-1]  # > 0 where the higher state is the likelier one
    crossings = []
    for index in range(len(gap)):
        worst = int(np.argmax(gap[index]))
        if gap[index, worst] > ROUNDING:
            causes = tuple(int(c) for c in explanations.members[worst] if c < explanations.n_causes)
            crossings.append(
                Crossing(finding.id, finding.states[index + 2], causes, float(gap[index, worst]))
            )
    return crossings
