"""Which part of impossible evidence is impossible."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from thighdx.inference.engine import log_weights
from thighdx.inference.evidence import CaseEvidence, encode_states
from thighdx.inference.vocabulary import Vocabulary
from thighdx.network.build import Network

__all__ = ["minimal_conflict"]


def minimal_conflict(network: Network, vocabulary: Vocabulary, case: CaseEvidence) -> list[tuple[str, str]]:
    """Return a subset of impossible evidence that is impossible while each of its own subsets is possible.

    Deletion filter (Chinneck and Dravnieks 1991 [1]_): drop one item after the other and keep it only if the
    rest becomes possible without it.

    .. [1] Chinneck JW, Dravnieks EW. Locating minimal infeasible constraint sets in linear programs.
       ORSA J Comput 1991;3:157-68.
    """
    setting_idx = int(case.batch.setting_idx[0])

    def is_possible(states: Mapping[str, str], likelihoods: Mapping[str, Mapping[str, float]]) -> bool:
        batch = encode_states(vocabulary, states, likelihoods, setting_idx)
        return bool(np.isfinite(log_weights(network, batch).max()))

    states, likelihoods = dict(case.states), dict(case.likelihoods)
    for name in list(states):
        without = {key: value for key, value in states.items() if key != name}
        if not is_possible(without, likelihoods):
            states = without
    for name in list(likelihoods):
        fewer = {key: value for key, value in likelihoods.items() if key != name}
        if not is_possible(states, fewer):
            likelihoods = fewer
    return [*states.items(), *((name, "(likelihood)") for name in likelihoods)]
