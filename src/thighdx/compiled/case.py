"""A case put to a model: its evidence and the weight of every set of causes; every question takes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import ImpossibleEvidenceError, OptionError
from thighdx.evidence.batch import EvidenceBatch
from thighdx.evidence.one_case import CaseEvidence, CaseWarning, encode_case
from thighdx.evidence.vocabulary import AGE_VARIABLE, Vocabulary
from thighdx.inference.conflict import minimal_conflict
from thighdx.inference.engine import log_weights, normalise, set_chances
from thighdx.kb.conditions import is_true
from thighdx.kb.expressions import holds, parse_expression
from thighdx.kb.records import Cost, KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.groups import SetMembers, group_sets
from thighdx.network.spec import Floats
from thighdx.network.tables import setting_tables
from thighdx.once import Keeps
from thighdx.text import condition_name, finding_name, inside
from thighdx.words import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Case", "RankedExplanation", "open_case"]


@dataclass(frozen=True, slots=True)
class RankedExplanation:
    """A set of causes that may be behind the complaint together, and P(exactly this set | evidence)."""

    causes: tuple[str, ...]
    probability: float


@dataclass(frozen=True, eq=False)
class Case(Keeps):
    """Evidence about one patient, possible under a model.

    Attributes
    ----------
    compiled : CompiledModel
    evidence : CaseEvidence
    weights : (n_explanations,) float64
        P(H | evidence), linear.
    posterior : mapping of str to float
        P(cause present | evidence), linear, in the order of the model.
    log_evidence : float
        Natural log of P(evidence | complaint, setting); 0 without evidence.
    """

    compiled: CompiledModel
    evidence: CaseEvidence
    weights: Floats
    posterior: Mapping[str, float]
    log_evidence: float

    @property
    def kb(self) -> KnowledgeBase:
        """What the model was made from."""
        return self.compiled.kb

    @property
    def network(self) -> Network:
        """The tables of the network."""
        return self.compiled.network

    @property
    def vocabulary(self) -> Vocabulary:
        """What evidence may say."""
        return self.compiled.vocabulary

    @property
    def batch(self) -> EvidenceBatch:
        """What is known, as a batch of one."""
        return self.evidence.batch

    @property
    def states(self) -> Mapping[str, str]:
        """Known state of every variable and given cause."""
        return self.evidence.states

    @property
    def setting_idx(self) -> int:
        """Place of the setting among those of the model."""
        return int(self.batch.setting_idx[0])

    @property
    def setting(self) -> str:
        """Where the patient was seen."""
        return self.compiled.settings[self.setting_idx]

    @property
    def max_cost(self) -> Cost:
        """The dearest kind of question that can be answered in the setting."""
        return next(item.max_cost for item in self.kb.manifest.settings if item.id == self.setting)

    @property
    def prior(self) -> Mapping[str, float]:
        """P(cause present | complaint, setting), as `posterior`."""
        weights = np.exp(setting_tables(self.network, self.setting_idx).log_prior)
        return _by_cause(self.network, set_chances(weights[None], self.network.cause_members))

    @property
    def groups(self) -> Mapping[str, float]:
        """P(any member present | evidence) of every group of causes, linear."""
        groups, places = self.compiled.groups, self.vocabulary.cause_index
        members = [[places[cause] for cause in group] for group in groups.values()]
        sets = SetMembers.of(group_sets(self.network.membership, members))
        return dict(zip(groups, set_chances(self.weights[None], sets)[0].tolist(), strict=True))

    @property
    def warnings(self) -> tuple[CaseWarning, ...]:
        """What the reader of an answer should know of the evidence, with the notices of the model that apply."""
        notices = (item for item in self.kb.notices if is_true(item.when, self.states))
        said = (CaseWarning(item.kind, item.words) for item in notices)
        return (*self.evidence.warnings, *_doubts(self), *said)

    def explanations(self, n: int) -> tuple[RankedExplanation, ...]:
        """Return the `n` most probable sets of causes, most probable first."""
        if n < 1:
            raise OptionError(f"n: got {n}, expected 1 or more")
        causes, members = self.network.spec.causes, self.network.explanations.members
        return tuple(
            RankedExplanation(
                tuple(causes[c] for c in members[i].tolist() if c < len(causes)), float(self.weights[i])
            )
            for i in np.argsort(-self.weights, kind="stable")[:n].tolist()
        )


def open_case(
    compiled: CompiledModel,
    findings: Mapping[str, object] | pd.Series[Any],
    *,
    setting: str | None = None,
    ignore_unknown: bool = False,
) -> Case:
    """Read one case and weigh every set of causes by it.

    Parameters
    ----------
    compiled : CompiledModel
        Of a model, `Model.compiled`.
    findings, ignore_unknown
        As for `thighdx.evidence.one_case.encode_case`.
    setting : str, optional
        Default: that of the model.

    Raises
    ------
    EvidenceError
        At a name or value that cannot be read.
    ImpossibleEvidenceError
        If the evidence cannot be true together; its `conflict` is a smallest set that cannot.
    """
    name = compiled.kb.manifest.default_setting if setting is None else setting
    evidence = encode_case(compiled.vocabulary, findings, setting=name, ignore_unknown=ignore_unknown)
    network = compiled.network
    weights = log_weights(network, evidence.batch)
    posterior, log_evidence = normalise(weights, network.cause_members)
    if np.isneginf(log_evidence[0]):
        raise _impossible(compiled, evidence)
    is_blank = not (evidence.states or evidence.likelihoods)
    return Case(
        compiled,
        evidence,
        weights[0] / weights[0].sum(),
        _by_cause(network, posterior),
        0.0 if is_blank else float(log_evidence[0]),
    )


def _doubts(case: Case) -> Iterator[CaseWarning]:
    """Warn about ages below the population, answers to questions that do not apply, and cases without complaint."""
    by_id, states, labels = case.vocabulary.by_id, case.states, case.compiled.labels
    for years in case.evidence.underage:
        message = say("note.underage", labels, age=f"{years:g}", band=states[AGE_VARIABLE])
        yield CaseWarning("outside_population", message)
    for name, state in states.items():
        asked_if = by_id[name].asked_if
        if asked_if and holds(parse_expression(asked_if), states) is False:
            found, condition = finding_name(name, state, labels), condition_name(asked_if, labels)
            message = say("note.not_applicable", labels, finding=found, condition=condition)
            yield CaseWarning("not_applicable", message)
    complaints = [by_id[name] for name in case.vocabulary.complaints]
    if complaints and all(states.get(item.id) == item.states[0] for item in complaints):
        names = [inside(item.label, labels) for item in complaints]
        listed = f" {say('condition.or', labels)} ".join(names)
        message = say("note.no_complaint", labels, n=len(names), complaints=listed)
        yield CaseWarning("outside_population", message)


def _by_cause(network: Network, chances: Floats) -> dict[str, float]:
    """Name the probabilities, (1, n_causes), of the causes."""
    return dict(zip(network.spec.causes, chances[0].tolist(), strict=True))


def _impossible(compiled: CompiledModel, evidence: CaseEvidence) -> ImpossibleEvidenceError:
    """Say which evidence cannot be true together."""
    conflict = minimal_conflict(compiled.network, compiled.vocabulary, evidence)
    causes, most = compiled.vocabulary.cause_index, compiled.max_causes
    too_many = sum(name in causes and state == "present" for name, state in conflict) > most
    reason = f"it allows up to {most} causes at once; see max_causes" if too_many else ""
    return ImpossibleEvidenceError(conflict, reason)
