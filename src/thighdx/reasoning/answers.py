"""The answers that every open question of a case may get: how probable each is, and the posteriors after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import Case
from thighdx.inference.marginals import marginals, open_states
from thighdx.kb.conditions import Chances
from thighdx.network.spec import Floats

__all__ = ["Answers", "possible_answers", "state_chances"]


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answer to every question still open, one row per state.

    Attributes
    ----------
    variable_idx : (n_answers,) intp
        Position among `Network.variable_ids`; the states of a variable stand together, in their order.
    state_idx : (n_answers,) intp
    probability : (n_answers,) float64
        P(answer | evidence); 0 where impossible.
    posterior : (n_answers, n_causes) float64
        P(cause present | evidence, answer); NaN where the answer is impossible.
    now : (n_causes,) float64
        P(cause present | evidence).
    """

    variable_idx: npt.NDArray[np.intp]
    state_idx: npt.NDArray[np.intp]
    probability: Floats
    posterior: Floats
    now: Floats


def state_chances(case: Case) -> Chances:
    """Return P(state | evidence) by variable and state; 1 for what is known."""
    network = case.network
    found = marginals(network, case.batch, case.weights)
    return {
        name: dict(zip(states, values.tolist(), strict=True))
        for name, states, values in zip(network.variable_ids, network.states, found, strict=True)
    }


def possible_answers(case: Case) -> Answers:
    """Return P(answer | evidence) and the posteriors after it, for every variable not known for certain.

    A variable with virtual evidence is open: its answer settles it and takes the place of the likelihood.

    Notes
    -----
    n_rows x n_explanations x n_causes multiplications, some thousandths of a second for the shipped model.
    """
    network, weights = case.network, case.weights
    # (n_explanations, 1 + n_causes): the first column adds up to P(answer)
    counted = np.concatenate([np.ones((len(weights), 1)), network.membership], axis=1) * weights[:, None]
    found = open_states(network, case.batch, counted)
    order, n_causes = sorted(found), network.explanations.n_causes
    sums = np.concatenate([np.zeros((0, 1 + n_causes)), *(found[v] for v in order)])
    n_states = [len(found[v]) for v in order]
    posterior = np.full((len(sums), n_causes), np.nan)
    np.divide(sums[:, 1:], sums[:, :1], out=posterior, where=sums[:, :1] > 0)
    now = counted.sum(axis=0)
    return Answers(
        variable_idx=np.repeat(np.array(order, dtype=np.intp), n_states),
        state_idx=np.array([state for count in n_states for state in range(count)], dtype=np.intp),
        probability=sums[:, 0],
        posterior=np.minimum(posterior, 1.0),  # two sums of the same terms may differ in the last digit
        now=np.minimum(now[1:] / now[0], 1.0),
    )
