"""How likely every state of every variable is, given what is known of one case."""

from __future__ import annotations

from thighdx.evidence.batch import EvidenceBatch
from thighdx.inference.marginals import marginals
from thighdx.kb.conditions import Chances
from thighdx.network.build import Network
from thighdx.network.spec import Floats

__all__ = ["state_chances"]


def state_chances(network: Network, batch: EvidenceBatch, weights: Floats) -> Chances:
    """Return P(state | evidence) by variable and state, as `thighdx.reasoning.urgency.triage.triage` takes it.

    Parameters
    ----------
    batch : EvidenceBatch
        One case.
    weights : (n_explanations,) float64
        P(H | evidence).
    """
    found = marginals(network, batch, weights)
    return {
        name: dict(zip(states, values.tolist(), strict=True))
        for name, states, values in zip(network.variable_ids, network.states, found, strict=True)
    }
