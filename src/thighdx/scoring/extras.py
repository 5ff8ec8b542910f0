"""What a scored table can say beyond posteriors: credible intervals and urgency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.evidence.batch import EvidenceBatch
from thighdx.inference.engine import Posteriors
from thighdx.kb.records import LEVELS, KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.level import check_level

__all__ = ["Extras"]


@dataclass(frozen=True, slots=True)
class Extras:
    """Asked-for columns and the judgements they come from.

    Attributes
    ----------
    interval : float or None
        Level of the credible intervals, in (0, 1).
    triage : bool
    """

    kb: KnowledgeBase
    pooled: Mapping[PooledKey, PooledJudgement]
    interval: float | None = None
    triage: bool = False
    n_threads: int | None = None

    def columns(self, causes: Sequence[str]) -> list[str]:
        """Return the names of the added columns, in order."""
        if self.interval is not None:
            check_level(self.interval)
        bounds = [f"{cause}_{end}" for cause in causes for end in ("lower", "upper")]
        return [*(bounds if self.interval is not None else []), *(["triage"] if self.triage else [])]

    def values(
        self, network: Network, batch: EvidenceBatch, scored: Posteriors
    ) -> list[Floats | npt.NDArray[np.object_]]:
        """Return the added columns.

        Parameters
        ----------
        scored : Posteriors
            Of the causes; NaN in rows that could not be scored, which get NaN bounds and the empty level.
        """
        found: list[Floats | npt.NDArray[np.object_]] = []
        if self.interval is not None:
            ends = np.stack(self._bounds(network, batch, scored, self.interval), axis=2)
            found.extend(ends.reshape(len(ends), 2 * ends.shape[1]).T)  # lower, upper, lower, ...
        if self.triage:
            found.append(self._levels(batch, scored))
        return found

    def _bounds(
        self, network: Network, batch: EvidenceBatch, scored: Posteriors, level: float
    ) -> tuple[Floats, Floats]:
        """Return lower and upper bounds, which hold the posteriors; NaN in rows that could not be scored."""
        from thighdx.evidence.batch import take_cases
        from thighdx.reasoning.intervals.table_intervals import table_intervals

        lower, upper = (np.full_like(scored.posterior, np.nan) for _ in range(2))
        cases = np.flatnonzero(~np.isnan(scored.log_evidence))
        if len(cases):
            found = table_intervals(
                network, self.pooled, take_cases(batch, cases), level, n_threads=self.n_threads
            )
            lower[cases] = np.minimum(found.lower, scored.posterior[cases])
            upper[cases] = np.maximum(found.upper, scored.posterior[cases])
        return lower, upper

    def _levels(self, batch: EvidenceBatch, scored: Posteriors) -> npt.NDArray[np.object_]:
        """Return the level of urgency of every row; empty where there is no posterior."""
        from thighdx.reasoning.urgency.levels import UrgencyRules

        levels = UrgencyRules.of(self.kb).levels(batch.codes, scored.posterior, batch.given)
        return np.array([*LEVELS, ""], dtype=object)[levels]  # `NO_LEVEL`, -1, is the last
