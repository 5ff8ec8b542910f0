"""A case put to a model: its evidence, and the weights of every explanation, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.arrays import below_peak
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import ImpossibleEvidenceError
from thighdx.evidence.one_case import CaseEvidence, encode_case
from thighdx.inference.conflict import minimal_conflict
from thighdx.inference.engine import log_weights
from thighdx.network.spec import Floats
from thighdx.network.tables import setting_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Case", "open_case"]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Evidence about one patient under one model.

    Attributes
    ----------
    compiled : CompiledModel
    evidence : CaseEvidence
    weights : (n_explanations,) float64
        P(H | evidence), linear.
    prior : (n_explanations,) float64
        P(H | setting).
    log_evidence : float
        Natural log of P(evidence | complaint, setting); 0 without evidence.
    """

    compiled: CompiledModel
    evidence: CaseEvidence
    weights: Floats
    prior: Floats
    log_evidence: float

    @property
    def setting(self) -> str:
        """Where the patient was seen."""
        return self.compiled.settings[int(self.evidence.batch.setting_idx[0])]


def open_case(
    compiled: CompiledModel,
    findings: Mapping[str, object] | pd.Series[Any],
    *,
    setting: str,
    ignore_unknown: bool = False,
) -> Case:
    """Read one case and weigh every explanation of it.

    Raises
    ------
    EvidenceError
        At a name or value that cannot be read.
    ImpossibleEvidenceError
        If the evidence cannot be true together; its `conflict` is a smallest set that cannot.
    """
    network, evidence = (
        compiled.network,
        encode_case(compiled.vocabulary, findings, setting=setting, ignore_unknown=ignore_unknown),
    )
    log_joint = log_weights(network, evidence.batch)[0]
    peak = log_joint.max()
    if np.isneginf(peak):
        raise _impossible(compiled, evidence)
    weights = below_peak(log_joint)
    total = weights.sum()
    is_blank = not (evidence.states or evidence.likelihoods)
    return Case(
        compiled,
        evidence,
        weights / total,
        np.exp(setting_tables(network, int(evidence.batch.setting_idx[0])).log_prior),
        0.0 if is_blank else float(peak + np.log(total)),
    )


def _impossible(compiled: CompiledModel, evidence: CaseEvidence) -> ImpossibleEvidenceError:
    """Say which evidence cannot be true together."""
    conflict = minimal_conflict(compiled.network, compiled.vocabulary, evidence)
    causes, most = compiled.vocabulary.cause_index, compiled.max_causes
    too_many = sum(name in causes and state == "present" for name, state in conflict) > most
    reason = f"it allows up to {most} causes at once; see max_causes" if too_many else ""
    return ImpossibleEvidenceError(conflict, reason)
