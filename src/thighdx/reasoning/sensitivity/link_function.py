"""The posterior as an exact function of one link.

Coupe and van der Gaag [1]_ show that a posterior is a quotient of two functions linear in one conditional
probability. A link p = P(X >= s | c alone) is not an entry of a table but enters one through the noisy-OR
or noisy-MAX with leak. For every set of causes H that holds c, with b the background of X >= s, A the
product of 1 - lambda and B that of min(1, p / b) over the other members,

    P(X < s | H) = A (1 - B p)                           p <= b    (c suppresses the background)
    P(X < s | H) = A (1 - B b) (1 - p) / (1 - b)         p >= b    (c causes the finding)

which is continuous, falls with p, and is linear on either side of b; sets without c do not depend
on p. The likelihood of what is known of X is a linear combination of P(X < s | H) over s, so numerator and
denominator of every posterior are linear in p on [0, b] and on [b, 1]: their values at 0, b and 1 say
everything.

.. [1] Coupe VMH, van der Gaag LC. Properties of sensitivity analysis of Bayesian belief networks.
   Ann Math Artif Intell 2002;36:323-56.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thighdx.arrays import below_peak
from thighdx.network.explanations import Explanations
from thighdx.network.gates import log_below
from thighdx.network.spec import FindingSpec, Floats

__all__ = ["LinkFunction", "link_function"]


@dataclass(frozen=True, slots=True, eq=False)
class LinkFunction:
    """Posteriors of all causes as a function of one link p.

    Attributes
    ----------
    nodes : (3,) float64
        0, the background, 1.
    inside, outside : (3, n_causes) float64
        P(cause present, evidence) and P(cause absent, evidence) at the nodes up to a common factor; linear
        between them.
    possible : (float, float)
        Values of p for which the cumulative rows stay ordered in every explanation.
    """

    nodes: Floats
    inside: Floats
    outside: Floats
    possible: tuple[float, float]

    def posteriors(self, values: Floats) -> Floats:
        """Return P(cause present | evidence) at some values of p, (n_values, n_causes)."""
        inside, outside = (
            _between(self.nodes, self.inside, values),
            _between(self.nodes, self.outside, values),
        )
        return np.asarray(inside / (inside + outside))

    def next_crossing(
        self, start: float, leader: int, rivals: Floats, *, upward: bool
    ) -> tuple[float, int] | None:
        """Return the nearest p at which a rival is as probable as the leader, and which rival.

        Parameters
        ----------
        start : float
            Where the leader leads.
        rivals : (n_causes,) bool
        upward : bool
            Look above `start`, else below.
        """
        lead = self.inside[:, [leader]] - self.inside  # (3, n_causes)
        end = self.possible[1] if upward else self.possible[0]
        low, high = min(start, end), max(start, end)
        corners = np.array(
            [start, *self.nodes[(self.nodes > low) & (self.nodes < high)][:: 1 if upward else -1], end]
        )
        values = _between(self.nodes, lead, corners)[:, rivals]
        for i in range(len(corners) - 1):
            before, after = values[i], values[i + 1]
            if (after < 0).any():
                share = np.where(after < 0, before / np.where(after < 0, before - after, 1.0), np.inf)
                first = int(np.argmin(share))
                value = float(corners[i] + share[first] * (corners[i + 1] - corners[i]))
                return value, int(np.flatnonzero(rivals)[first])
        return None


def _between(nodes: Floats, values: Floats, at: Floats) -> Floats:
    """Interpolate linearly between three nodes, row by row: (n_at, n_columns)."""
    piece = np.where(at <= nodes[1], 0, 1)
    share = ((at - nodes[piece]) / (nodes[piece + 1] - nodes[piece]))[:, None]
    return np.asarray((1.0 - share) * values[piece] + share * values[piece + 1])


def link_function(
    finding: FindingSpec,
    explanations: Explanations,
    membership: Floats,
    *,
    likelihood: Floats,
    log_rest: Floats,
    cause_idx: int,
    state_idx: int,
) -> LinkFunction:
    """Work out the posteriors as a function of one link of a known finding.

    Parameters
    ----------
    membership : (n_explanations, n_causes) float64
    likelihood : (n_states,) float64
        P(what is known of the finding | state): 1 at a known state, else 0.
    log_rest : (n_explanations,) float64
        log P(H, all other evidence), up to a constant.
    cause_idx, state_idx : int
        The link: P(finding >= state | the cause alone); `state_idx` is 1 or more.
    """
    column = state_idx - 1
    background = float(finding.background[column])
    has_cause = membership[:, cause_idx] > 0
    others_not_caused, others_kept = _others(finding, explanations, cause_idx, column)
    a, b = others_not_caused[has_cause], others_kept[has_cause]
    below_at_nodes = np.stack([a, a * (1.0 - b * background), np.zeros_like(a)])  # P(X < s | H) at 0, b, 1
    below = np.exp(log_below(finding, explanations))  # (n_states - 1, n_explanations)
    with_ends = np.concatenate([np.zeros_like(below[:1]), below, np.ones_like(below[:1])])
    steps = np.diff(with_ends, axis=0)  # P(X = s | H)
    rest = below_peak(log_rest)
    joint = np.repeat((rest * (likelihood @ steps))[None], 3, axis=0)  # (3, n_explanations)
    # levels other than s keep their part; level s enters with the difference of two likelihoods
    weight = likelihood[:-1] - likelihood[1:]
    fixed = likelihood[-1] + np.delete(weight, column) @ np.delete(below, column, axis=0)[:, has_cause]
    joint[:, has_cause] = rest[has_cause] * (fixed + weight[column] * below_at_nodes)
    possible = _possible(with_ends[:, has_cause], state_idx, a, b, background)
    now = finding.cumulative[cause_idx, column]
    return LinkFunction(
        nodes=np.array([0.0, background, 1.0]),
        # einsum: a library that splits small products among threads waits for them longer than they take
        inside=np.einsum("nh,hc->nc", joint, membership),
        outside=np.einsum("nh,hc->nc", joint, 1.0 - membership),
        possible=(
            min(possible[0], now),
            max(possible[1], now),
        ),  # rounding must not shut the value itself out
    )


def _others(
    finding: FindingSpec, explanations: Explanations, cause_idx: int, column: int
) -> tuple[Floats, Floats]:
    """Return A and B of the module's docstring for every explanation, the cause itself left out."""
    background = finding.background[column]
    row = np.where(np.isnan(finding.cumulative[:, column]), background, finding.cumulative[:, column])
    with np.errstate(divide="ignore"):
        not_caused = np.minimum(0.0, np.log1p(-row) - np.log1p(-background))
        kept = np.minimum(0.0, np.log(row) - np.log(background))
    not_caused[cause_idx] = kept[cause_idx] = 0.0
    return np.exp(explanations.sum_over_members(not_caused)), np.exp(explanations.sum_over_members(kept))


def _possible(
    with_ends: Floats, state_idx: int, a: Floats, b: Floats, background: float
) -> tuple[float, float]:
    """Return the values of p that keep P(X < s | H) between its neighbors wherever the cause is present."""
    low, high = 0.0, 1.0
    if state_idx + 1 < len(with_ends) - 1:  # at most P(X < s + 1)
        low = float(_value_at(with_ends[state_idx + 1], a, b, background).max())
    if state_idx > 1:  # at least P(X < s - 1)
        high = float(_value_at(with_ends[state_idx - 1], a, b, background).min())
    return low, high


def _value_at(below: Floats, a: Floats, b: Floats, background: float) -> Floats:
    """Return the p at which P(X < s | H) takes a value, in [0, 1]; its own inverse on either side of b."""
    at_background = a * (1.0 - b * background)
    with np.errstate(divide="ignore", invalid="ignore"):
        caused = 1.0 - np.where(at_background > 0, below / at_background, 0.0) * (1.0 - background)
        suppressed = np.where(a * b > 0, (a - below) / (a * b), 0.0)
    return np.clip(np.where(below >= at_background, suppressed, caused), 0.0, 1.0)
