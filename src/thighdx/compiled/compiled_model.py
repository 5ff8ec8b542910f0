"""What a model is made of: solved numbers at hand, and everything behind them when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import SolvedParameters
from thighdx.network.rebase import Shares
from thighdx.network.spec import Floats, NetworkSpec
from thighdx.once import Once

if TYPE_CHECKING:
    from thighdx.elicitation.judgements import PooledJudgement, PooledKey

__all__ = ["CompiledModel", "judged_by"]


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A knowledge base with its pooled judgements and solved parameters.

    Attributes
    ----------
    kb : KnowledgeBase
        Reads each of its tables at first use.
    judged : Once
        The pooled judgements, revived from arrays at first use.
    spec, solved : NetworkSpec, SolvedParameters
        Of the shares as they were rebased.
    elicited : (n_settings, n_causes) float64
        The shares of the tables.
    rebased : mapping of setting to mapping of cause to float
        The shares that took their place.
    """

    kb: KnowledgeBase
    judged: Once[Mapping[PooledKey, PooledJudgement]]
    spec: NetworkSpec
    solved: SolvedParameters
    elicited: Floats
    rebased: Shares

    @property
    def pooled(self) -> Mapping[PooledKey, PooledJudgement]:
        """Every number of the tables with what the experts believe about it, and its point value."""
        return self.judged()


def judged_by(
    beliefs: Mapping[str, npt.NDArray[Any]], kb: KnowledgeBase
) -> Once[Mapping[PooledKey, PooledJudgement]]:
    """Return the judgements that arrays hold, to be revived at first use."""
    return Once(partial(_revive, beliefs, kb))


def _revive(
    beliefs: Mapping[str, npt.NDArray[Any]], kb: KnowledgeBase
) -> Mapping[PooledKey, PooledJudgement]:
    from thighdx.elicitation.compiled import (
        from_arrays,
    )  # late: brings scipy, which a single case does not need

    return from_arrays(beliefs, kb)
