"""Cases of networks that were made from numbers: without judgements, rules or advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from thighdx.compiled.case import Case, open_case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.evidence.one_case import CaseEvidence, encode_case
from thighdx.evidence.vocabulary import Vocabulary, make_vocabulary
from thighdx.kb.records import KnowledgeBase, Manifest, Variable
from thighdx.model import Model
from thighdx.network.build import Network
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec
from thighdx.network.tables import setting_tables
from thighdx.once import Once

__all__ = ["case_at", "case_of", "finding", "make_spec", "open_plain", "vocabulary_of"]

PRESENCE = ("absent", "present")


def vocabulary_of(spec: NetworkSpec) -> Vocabulary:
    """The words of a specification: every label is the id in capitals."""
    return make_vocabulary(_variables(spec), spec.settings)


def _variables(spec: NetworkSpec) -> tuple[Variable, ...]:
    variables = [Variable(v.id, v.layer, v.id.upper(), v.states) for v in (*spec.contexts, *spec.findings)]
    return (*variables, *(Variable(cause, "cause", cause.upper(), PRESENCE) for cause in spec.causes))


def case_of(
    spec: NetworkSpec, evidence: Mapping[str, str | Mapping[str, float]], setting: str | None = None
) -> CaseEvidence:
    """Encode evidence given by name, in the first setting unless one is named."""
    return encode_case(vocabulary_of(spec), evidence, setting=setting or spec.settings[0])


def open_plain(
    network: Network,
    evidence: Mapping[str, str | Mapping[str, float]],
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
