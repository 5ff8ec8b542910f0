"""One case under a model in which one judgement has another value, base rates solved again.

Only what the judgement touches is worked out anew: a finding for its links and backgrounds; a block of contexts for
its effects, frequencies and dependencies; the prior, and then every known block of contexts, for shares and for
effects of a cause on a cause. Shares that a user put in place of the elicited ones stay, and contexts keep the tables
that were solved under the elicited shares, as in `rebase_parameters`.
"""

from __future__ import annotations

import numpy as np

from thighdx.arrays import below_peak
from thighdx.compiled.case import Case
from thighdx.elicitation.judgements import PooledKey
from thighdx.inference.engine import set_chances
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.case_under_values import CaseUnderValues, FindingTerm
from thighdx.reasoning.intervals.layout import judgement_layout
from thighdx.reasoning.intervals.other_values import SOLVED, JudgementValues

__all__ = ["ChangedCase"]


class ChangedCase:
    """One case whose posteriors can be asked for with one judgement changed.

    Attributes
    ----------
    now : (n_causes,) float64
        P(cause present | evidence) as it is.
    touching : tuple of (table, key)
        The judgements on which the posteriors depend, in the order of the model's: every share of the setting and
        every effect of a cause on a cause; links and backgrounds of the findings known; effects, frequencies of the
        setting and dependencies of the blocks of contexts with a known member. Not: judgements of never, which have
        no other value, and shares that a user replaced.
    """

    def __init__(self, case: Case) -> None:
        self.network, batch = case.compiled.network, case.evidence.batch
        self.layout = judgement_layout(self.network, case.compiled.pooled)
        self.now = self._chances(case.weights)
        self.case = CaseUnderValues(self.network, self.layout, batch)
        self.setting_idx = int(batch.setting_idx[0])
        self.position = {key: i for i, key in enumerate(self.layout.keys)}
        shares, is_replaced = self.layout.shares[self.setting_idx], self.layout.is_replaced[self.setting_idx]
        touching = np.unique(np.concatenate([term.judgements for term in self.case.terms]))
        touching = np.setdiff1d(touching[self.layout.natural[touching] > 0], shares[is_replaced])
        self.touching = tuple(self.layout.keys[i] for i in touching.tolist())

    def finding(self, variable: str) -> tuple[FindingTerm, Floats]:
        """Return what is known of a finding, and log P(H, all other evidence)."""
        found = (term for term in self.case.terms if isinstance(term, FindingTerm))
        term = next(term for term in found if term.finding.id == variable)
        return term, self.case.without(term)

    def posterior(self, place: PooledKey, value: float) -> Floats | None:
        """Return P(cause present | evidence) with one judgement changed.

        Parameters
        ----------
        place : (table, key)
            One of `touching`.
        value : float
            A probability in (0, 1) or an odds ratio above 0.

        Returns
        -------
        (n_causes,) float64, or None
            None where no base rates reproduce the changed judgement, or where ordered rows would cross so far that
            nothing is left for the known state.
        """
        natural = self.layout.natural[None].copy()
        natural[0, self.position[place]] = value
        values = JudgementValues(self.network, self.layout, natural)
        if place[0] == "shares":
            sums = [values.shares(self.setting_idx, elicited=both).sum() for both in (True, False)]
            if not all(1.0 < total < self.network.spec.max_causes for total in sums):
                return None
        found = self.case.weights(values)
        is_possible = found.error[0] <= SOLVED and not found.crossed.any()
        return self._chances(below_peak(found.log[0])) if is_possible else None

    def _chances(self, weights: Floats) -> Floats:
        """Return P(cause), (n_causes,), for weights of explanations."""
        found: Floats = set_chances(weights[None], self.network.cause_members)[0]
        return found
