"""Specifications, vocabulary and cases of networks that are made from numbers, without judgements, rules or advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

import reference
from thighdx.compiled.case import Case, open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, Likelihood
from thighdx.evidence.one_case import CaseEvidence, encode_case
from thighdx.evidence.vocabulary import Vocabulary, make_vocabulary
from thighdx.kb.records import KnowledgeBase, Manifest, Variable
from thighdx.model import Model
from thighdx.network.build import Network
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec
from thighdx.network.tables import setting_tables
from thighdx.once import Once

__all__ = [
    "Said",
    "base_of",
    "batch_of",
    "case_at",
    "case_of",
    "finding",
    "make_spec",
    "open_plain",
    "vocabulary_of",
]

PRESENCE = ("absent", "present")
Said = Mapping[str, str | Mapping[str, float]]


def vocabulary_of(spec: NetworkSpec) -> Vocabulary:
    """The words of a specification: every label is the id in capitals."""
    return make_vocabulary(_variables(spec), spec.settings)


def _variables(spec: NetworkSpec) -> tuple[Variable, ...]:
    variables = [Variable(v.id, v.layer, v.id.upper(), v.states) for v in (*spec.contexts, *spec.findings)]
    return (*variables, *(Variable(cause, "cause", cause.upper(), PRESENCE) for cause in spec.causes))


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


def open_plain(
    network: Network,
    evidence: Said,
    setting: str | None = None,
    *,
    residual_cause: str = "",
) -> Case:
    """Put a case to a network, in the first setting unless one is named."""
    spec = network.spec
    manifest = Manifest("plain", "0", "", 1, spec.max_causes, spec.settings[0], "", (), (), residual_cause)
    kb = KnowledgeBase(manifest, _variables(spec), (), (), (), (), (), (), {}, "")
    compiled = CompiledModel(kb, Once(dict), spec, network.solved, spec.shares, {})
    vars(compiled)["network"] = network  # built already
    return open_case(compiled, evidence, setting=setting)


def case_at(
    model: Model, states: Mapping[str, str], posterior: Mapping[str, float], kb: KnowledgeBase | None = None
) -> Case:
    """A case at posteriors of our choosing, which no evidence need lead to; perhaps with rules of our own."""
    compiled = model.compiled
    if kb is not None:
        compiled = replace(compiled, kb=kb)
        vars(compiled)["network"] = model.network  # which rules and advice have no part in
    evidence = encode_case(compiled.vocabulary, states, setting=compiled.default_setting)
    in_order = {cause: posterior[cause] for cause in compiled.vocabulary.cause_index}
    weights = np.exp(setting_tables(compiled.network, int(evidence.batch.setting_idx[0])).log_prior)
    return Case(compiled, evidence, weights, in_order, 0.0)


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
