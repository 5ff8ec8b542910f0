"""The same cases under two models: how posteriors and ranks move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.errors import EvidenceError
from thighdx.evidence.one_case import encode_case
from thighdx.evidence.vocabulary import Vocabulary, make_vocabulary
from thighdx.inference.engine import infer
from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import Network, SolvedParameters, build_network
from thighdx.network.spec import Floats, NetworkSpec
from thighdx.plain import Plain, plain

__all__ = ["CaseDifference", "ComparedCase", "Compiled", "Move", "compare_cases"]

N_MOVES = 5  # causes reported per case


class Compiled(Protocol):
    """What is compared: a knowledge base with its pooled judgements and solved parameters."""

    @property
    def kb(self) -> KnowledgeBase:
        """The tables."""

    @property
    def pooled(self) -> Mapping[PooledKey, PooledJudgement]:
        """The pooled judgements."""

    @property
    def spec(self) -> NetworkSpec:
        """The numbers of the network."""

    @property
    def solved(self) -> SolvedParameters:
        """The solved parameters."""


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """A case that both models are asked about; default setting where none is given."""

    id: str
    findings: Mapping[str, object]
    setting: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """How one cause moves in one case; ranks count from 1, None for the residual cause."""

    cause: str
    old: float
    new: float
    old_rank: int | None
    new_rank: int | None


@dataclass(frozen=True, slots=True)
class CaseDifference(Plain):
    """How one case moves.

    Attributes
    ----------
    moves : tuple of Move
        Causes that both models have, largest change of the posterior first.
    old_leader, new_leader : str
        Most probable cause, the residual one aside; empty where a model cannot score the case.
    problem : str
        Why a model cannot score the case; empty where both can.
    """

    id: str
    old_leader: str
    new_leader: str
    moves: tuple[Move, ...]
    problem: str = ""
    _worked_out: ClassVar = {"largest": "new_leader"}

    @property
    def largest(self) -> float:
        """Largest absolute change of a posterior."""
        return max((abs(move.new - move.old) for move in self.moves), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with the causes that move most."""
        return Plain.to_dict(self) | {"moves": plain(self.moves[:N_MOVES])}


@dataclass(frozen=True, slots=True, eq=False)
class _Scorer:
    """One of the two models, ready to be asked."""

    network: Network
    vocabulary: Vocabulary
    default_setting: str
    residual_cause: str

    @classmethod
    def of(cls, model: Compiled) -> _Scorer:
        """Build the tables."""
        return cls(
            build_network(model.spec, model.solved),
            make_vocabulary(model.kb.variables, model.spec.settings, model.kb.manifest.complaints),
            model.kb.manifest.default_setting,
            model.kb.manifest.residual_cause,
        )

    def posterior(self, case: ComparedCase) -> dict[str, float]:
        """Return P(present | evidence) by cause; raises EvidenceError where there is none."""
        evidence = encode_case(self.vocabulary, case.findings, setting=case.setting or self.default_setting)
        found: Floats = infer(self.network, evidence.batch).posterior[0]
        if np.isnan(found).any():
            raise EvidenceError("the evidence is impossible")
        return dict(zip(self.network.spec.causes, found.tolist(), strict=True))

    def ranks(self, posterior: Mapping[str, float]) -> dict[str, int]:
        """Rank the causes from 1, the residual one aside."""
        ranked = sorted((c for c in posterior if c != self.residual_cause), key=lambda c: -posterior[c])
        return {cause: place for place, cause in enumerate(ranked, start=1)}


def compare_cases(old: Compiled, new: Compiled, cases: Sequence[ComparedCase]) -> tuple[CaseDifference, ...]:
    """Ask both models about every case, the largest move first."""
    before, after = _Scorer.of(old), _Scorer.of(new)
    found = [_compare_case(before, after, case) for case in cases]
    return tuple(sorted(found, key=lambda item: (bool(item.problem), -item.largest)))


def _compare_case(before: _Scorer, after: _Scorer, case: ComparedCase) -> CaseDifference:
    """Ask both models about one case."""
    posteriors, leaders, problems = list[dict[str, float]](), list[str](), list[str]()
    for name, scorer in (("old", before), ("new", after)):
        try:
            posterior = scorer.posterior(case)
        except EvidenceError as error:
            posterior = {}
            problems.append(f"{name} model: {error}")
        posteriors.append(posterior)
        leaders.append(next(iter(scorer.ranks(posterior)), ""))
    if problems:
        return CaseDifference(case.id, leaders[0], leaders[1], (), "; ".join(problems))
    old_ranks, new_ranks = before.ranks(posteriors[0]), after.ranks(posteriors[1])
    moves = [
        Move(cause, value, posteriors[1][cause], old_ranks.get(cause), new_ranks.get(cause))
        for cause, value in posteriors[0].items()
        if cause in posteriors[1]
    ]
    moves.sort(key=lambda move: -abs(move.new - move.old))
    return CaseDifference(case.id, leaders[0], leaders[1], tuple(moves))
