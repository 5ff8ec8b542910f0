"""Specifications, vocabulary and cases of networks that are made from numbers, without a knowledge base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

import reference
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.evidence.one_case import CaseEvidence, encode_case
from thighdx.evidence.vocabulary import Vocabulary, make_vocabulary
from thighdx.kb.records import Variable
from thighdx.network.build import Network
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

__all__ = ["Said", "base_of", "batch_of", "case_of", "finding", "make_spec", "vocabulary_of"]

PRESENCE = ("absent", "present")
Said = Mapping[str, str | Mapping[str, float]]


def vocabulary_of(spec: NetworkSpec) -> Vocabulary:
    """The words of a specification: every label is the id in capitals."""
    variables = [Variable(v.id, v.layer, v.id.upper(), v.states) for v in (*spec.contexts, *spec.findings)]
    causes = [Variable(cause, "cause", cause.upper(), PRESENCE) for cause in spec.causes]
    return make_vocabulary((*variables, *causes), spec.settings)


def case_of(spec: NetworkSpec, evidence: Said, setting: str | None = None) -> CaseEvidence:
    """Encode evidence given by name, in the first setting unless one is named."""
    return encode_case(vocabulary_of(spec), evidence, setting=setting or spec.settings[0])


def batch_of(network: Network, rows: Sequence[Said], settings: Sequence[str]) -> EvidenceBatch:
    """The batch that says the same as the rows, one setting per row; made without the package's own encoder."""
    causes = network.spec.causes
    codes = np.full((len(rows), network.n_variables), UNKNOWN, dtype=np.int8)
    given = np.full((len(rows), len(causes)), UNKNOWN, dtype=np.int8)
    soft: tuple[dict[int, list], dict[int, list]] = {}, {}
    for i, row in enumerate(rows):
        for name, said in row.items():
            is_cause = name in causes
            v = (causes if is_cause else network.variable_ids).index(name)
            states = PRESENCE if is_cause else network.states[v]
            if isinstance(said, str):
                (given if is_cause else codes)[i, v] = states.index(said)
            else:
                soft[is_cause].setdefault(v, []).append((i, [said[s] for s in states]))
    on_variables, on_causes = (
        tuple(
            Likelihood(v, np.array([i for i, _ in found]), np.array([w for _, w in found]))
            for v, found in kind.items()
        )
        for kind in soft
    )
    setting_idx = np.array([network.spec.settings.index(name) for name in settings], dtype=np.intp)
    return EvidenceBatch(codes, given, setting_idx, on_variables, on_causes)


def base_of(network: Network, setting: str) -> reference.Base:
    """The base factors the network solved for."""
    spec, row = network.spec, network.spec.settings.index(setting)
    weights = np.exp(network.solved.theta[row]).tolist()
    factors = [np.exp(log_factor).tolist() for log_factor in network.solved.factors[row]]
    return reference.Base(
        cause=dict(zip(spec.causes, weights, strict=True)),
        state=dict(zip([context.id for context in spec.contexts], factors, strict=True)),
    )


def finding(name: str, background: float, causes: tuple[str, ...], **rows: float) -> FindingSpec:
    """A finding that is absent or present, with the frequencies of the causes that have one."""
    cumulative = np.array([[rows.get(cause, np.nan)] for cause in causes])
    return FindingSpec(name, "finding", PRESENCE, np.array([background]), cumulative)


def make_spec(
    shares: Mapping[str, float],
    findings: tuple[FindingSpec, ...] = (),
    contexts: tuple[ContextSpec, ...] = (),
    *,
    pairs: Mapping[tuple[str, str], float] | None = None,
    dependencies: Mapping[tuple[tuple[str, str], tuple[str, str]], float] | None = None,
    max_causes: int = 2,
) -> NetworkSpec:
    """A specification with one setting."""
    return NetworkSpec(
        causes=tuple(shares),
        max_causes=max_causes,
        settings=("here",),
        shares=np.array([list(shares.values())]),
        pair_odds_ratio=pairs or {},
        contexts=contexts,
        findings=findings,
        dependencies=dependencies or {},
    )
