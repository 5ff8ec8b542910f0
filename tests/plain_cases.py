"""Vocabulary and cases for networks that were made from numbers, without a knowledge base."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from thighdx.evidence.one_case import CaseEvidence, encode_case
from thighdx.evidence.vocabulary import Vocabulary, make_vocabulary
from thighdx.kb.records import Variable
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

__all__ = ["case_of", "finding", "make_spec", "vocabulary_of"]

PRESENCE = ("absent", "present")


def vocabulary_of(spec: NetworkSpec) -> Vocabulary:
    """The words of a specification: every label is the id in capitals."""
    variables = [Variable(v.id, v.layer, v.id.upper(), v.states) for v in (*spec.contexts, *spec.findings)]
    causes = [Variable(cause, "cause", cause.upper(), PRESENCE) for cause in spec.causes]
    return make_vocabulary((*variables, *causes), spec.settings)


def case_of(
    spec: NetworkSpec, evidence: Mapping[str, str | Mapping[str, float]], setting: str | None = None
) -> CaseEvidence:
    """Encode evidence given by name, in the first setting unless one is named."""
    return encode_case(vocabulary_of(spec), evidence, setting=setting or spec.settings[0])


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
