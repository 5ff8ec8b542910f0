"""The same cases under two models: how posteriors and ranks move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from thighdx.compiled.case import open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import EvidenceError, ImpossibleEvidenceError
from thighdx.plain import Plain, plain

__all__ = ["CaseDifference", "ComparedCase", "Move", "compare_cases"]

N_MOVES = 5  # causes reported per case


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
    _worked_out: ClassVar[dict[str, str]] = {"largest": "new_leader"}

    @property
    def largest(self) -> float:
        """Largest absolute change of a posterior."""
        return max((abs(move.new - move.old) for move in self.moves), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, with the causes that move most."""
        return Plain.to_dict(self) | {"moves": plain(self.moves[:N_MOVES])}


def compare_cases(
    old: CompiledModel, new: CompiledModel, cases: Sequence[ComparedCase]
) -> tuple[CaseDifference, ...]:
    """Ask both models about every case, the largest move first."""
    found = [_compare_case(old, new, case) for case in cases]
    return tuple(sorted(found, key=lambda item: (bool(item.problem), -item.largest)))


def _posterior(model: CompiledModel, case: ComparedCase) -> Mapping[str, float]:
    """Return P(present | evidence) by cause; raises EvidenceError where there is none."""
    try:
        return open_case(model, case.findings, setting=case.setting or None).posterior
    except ImpossibleEvidenceError:
        raise EvidenceError("the evidence is impossible") from None


def _ranks(model: CompiledModel, posterior: Mapping[str, float]) -> dict[str, int]:
    """Rank the causes from 1, the residual one aside."""
    ranked = sorted((c for c in posterior if c != model.residual_cause), key=lambda c: -posterior[c])
    return {cause: place for place, cause in enumerate(ranked, start=1)}


def _compare_case(before: CompiledModel, after: CompiledModel, case: ComparedCase) -> CaseDifference:
    """Ask both models about one case."""
    posteriors, leaders, problems = list[Mapping[str, float]](), list[str](), list[str]()
    for name, model in (("old", before), ("new", after)):
        posterior: Mapping[str, float] = {}
        try:
            posterior = _posterior(model, case)
        except EvidenceError as error:
            problems.append(f"{name} model: {error}")
        posteriors.append(posterior)
        leaders.append(next(iter(_ranks(model, posterior)), ""))
    if problems:
        return CaseDifference(case.id, leaders[0], leaders[1], (), "; ".join(problems))
    old_ranks, new_ranks = _ranks(before, posteriors[0]), _ranks(after, posteriors[1])
    moves = [
        Move(cause, value, posteriors[1][cause], old_ranks.get(cause), new_ranks.get(cause))
        for cause, value in posteriors[0].items()
        if cause in posteriors[1]
    ]
    moves.sort(key=lambda move: -abs(move.new - move.old))
    return CaseDifference(case.id, leaders[0], leaders[1], tuple(moves))
