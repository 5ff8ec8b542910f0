"""The information about each unit that unknown causes take away.

Where the causes of a patient are not known, the information of the complete data exceeds that of the observed by
the variance of the score over the posterior of H (Louis 1982). Within a unit this is exact; what two units lose
together, and the joint block of demographic contexts, are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from thighdx.evidence.batch import EvidenceBatch
from thighdx.learning.contexts import ContextUnit
from thighdx.learning.counts import chunks, posterior_of
from thighdx.learning.findings import FindingUnit
from thighdx.learning.learner import Learner, Place
from thighdx.learning.records import Records
from thighdx.learning.shares import SharesUnit
from thighdx.learning.unit import Unit
from thighdx.network.spec import Floats

__all__ = ["Missing"]

GRAIN = 2.0**14  # scores are rounded to this, so that sums of their products are exact in any order


@dataclass(slots=True)
class Missing:
    """Collects the loss of every unit, (k, k), row by row of the records."""

    learner: Learner
    units: dict[Place, Unit]
    weight: float
    _lost: dict[Place, Floats] = field(default_factory=dict)
    _scores: dict[tuple[Place, int, int], Floats] = field(default_factory=dict)

    def lost(self, place: Place) -> Floats:
        """Return what one unit loses."""
        unit = self.units[place]
        k = len(unit.judgement_idx)
        lost = self.weight * self._lost.get(place, np.zeros((k, k)))
        if isinstance(unit, ContextUnit):
            lost = lost + unit.missing(self.learner.states[place].x)
        return np.asarray(lost)

    def add(self, parts: Iterable[Records]) -> None:
        """Add records whose causes are not all known."""
        for records in parts:
            everyone = np.arange(records.batch.n_cases)
            for setting, batch, _ in chunks(records.batch, everyone):
                self._add(setting, batch, posterior_of(self.learner.network, batch))

    def _add(self, setting: int, batch: EvidenceBatch, weights: Floats) -> None:
        """Add cases of one setting."""
        for place, unit in self.units.items():
            if isinstance(unit, SharesUnit):
                if setting in unit.settings:
                    self._add_cases(place, unit, (setting, 0), weights)
                continue
            variable = self._variable(place)
            if variable is None or (isinstance(unit, ContextUnit) and setting not in unit.met):
                continue
            codes = batch.codes[:, variable]
            for state in np.unique(codes[codes >= 0]).tolist():
                self._add_cases(place, unit, (setting, state), weights[codes == state])

    def _variable(self, place: Place) -> int | None:
        """Return the variable of a unit; None for a joint block."""
        kind, position = place
        if kind == "finding":
            return self.learner.network.n_contexts + position
        members = self.learner.network.blocks[position].context_idx
        return members[0] if len(members) == 1 else None

    def _add_cases(self, place: Place, unit: Unit, outcome: tuple[int, int], weights: Floats) -> None:
        """Add the variance of the score over the posterior of each of some cases with one outcome."""
        scores = self._score(place, unit, outcome)
        mean = np.rint(weights @ scores * GRAIN) / GRAIN
        whole = (scores * weights.sum(axis=0)[:, None]).T @ scores
        self._lost[place] = self._lost.get(place, 0.0) + whole - mean.T @ mean

    def _score(self, place: Place, unit: Unit, outcome: tuple[int, int]) -> Floats:
        """Return the score of one outcome for every set of causes, (n_sets, k)."""
        setting, state = outcome
        key = (place, -1 if isinstance(unit, FindingUnit) else setting, state)
        if key not in self._scores:
            x = self.learner.states[place].x
            if isinstance(unit, SharesUnit):
                found = unit.scores(x, unit.settings.index(setting))
            elif isinstance(unit, ContextUnit):
                block = self.learner.network.blocks[place[1]]
                found = unit.scores(x, setting, (block.cells[:, 0] == state).astype(np.float64))
            else:
                assert isinstance(unit, FindingUnit)
                found = unit.scores(x, state)
            self._scores[key] = found
        return self._scores[key]
