"""Why: what every piece of evidence contributes to the log-odds of a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from thighdx.arrays import softmax
from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.evidence.one_case import CaseEvidence
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.evidence_terms import CaseTerms, evidence_terms
from thighdx.reasoning.explain.comparison import (
    Comparison,
    Mask,
    compare,
    excluding_items,
    settled_by,
    verdict,
)
from thighdx.reasoning.explain.explanation import (
    DECIBANS_PER_NAT,
    Conditioning,
    Explanation,
    ExplanationLine,
)
from thighdx.reasoning.explain.lines import explanation_lines
from thighdx.reasoning.explain.provenance import Basis, judgements_of_prior
from thighdx.reasoning.explain.swings import largest_swings
from thighdx.reasoning.explain.tempering import PathSum, log_ratio, tempered_contributions

__all__ = ["contrast_causes", "explain_cause"]


def explain_cause(
    network: Network,
    vocabulary: Vocabulary,
    case: CaseEvidence,
    cause_idx: int,
    *,
    pooled: Mapping[PooledKey, PooledJudgement],
    kb: KnowledgeBase,
    n_unknown: int = 5,
) -> Explanation:
    """Divide the posterior log-odds of a cause among the prior and everything that is known.

    Parameters
    ----------
    case : CaseEvidence
        Possible under the model.
    cause_idx : int
        Position among the causes.
    pooled, kb
        Where judgements and sources are looked up.
    n_unknown : int
        How many open questions to list; 0 saves the look at every possible answer.

    Returns
    -------
    Explanation

    Raises
    ------
    ValueError
        If the evidence is impossible.

    Notes
    -----
    Evidence that leaves explanations impossible, and causes given as evidence, are applied first:
    explanations that contradict them are struck out, and what this does to the log-odds is a line of its
    own. All evidence is then tempered from 0 to 1 and each piece gets its Aumann-Shapley value (see
    `thighdx.reasoning.explain.tempering`). Members of one joint block of contexts (sex, age band, ...) divide
    their joint term by the Shapley value, for every explanation (see `thighdx.reasoning.evidence_terms`).

    A line is marked when its contribution does not come from the cause itself. The *direct* weight of
    evidence is ln P(v | the cause alone) - ln P(v | no cause at work), with findings at their background
    and contexts at their base frequency: 0 for a variable that the cause has no row on. Where a
    contribution exceeds 0.1 decibans and less than a tenth of it is direct, it comes by way of the other
    cause that accounts for most of it: ``rules_out_other`` (for the cause only because it speaks against
    a competitor; explaining away), ``points_to_other`` (against it only because a competitor explains
    the evidence better; explaining away) or ``companion`` (by way of a cause that would be present
    together with it).

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.evidence.one_case import encode_case
    >>> model = thighdx.load_model()
    >>> known = {"bruising": True, "calf_pain": False}
    >>> case = encode_case(model.vocabulary, known, setting="primary_care")
    >>> strain = model.vocabulary.cause_idx("hamstring_strain")
    >>> kb, pooled = model.compiled.kb, model.compiled.pooled
    >>> why = explain_cause(model.network, model.vocabulary, case, strain, pooled=pooled, kb=kb)
    >>> [(line.variable, line.direction, line.explaining_away) for line in why.lines]
    [('bruising', 'for', False), ('calf_pain', 'for', True)]
    """
    comparison = compare(network, cause_idx)
    return _explain(network, vocabulary, case, comparison, pooled=pooled, kb=kb, n_unknown=n_unknown)


def contrast_causes(
    network: Network,
    vocabulary: Vocabulary,
    case: CaseEvidence,
    a_idx: int,
    b_idx: int,
    *,
    pooled: Mapping[PooledKey, PooledJudgement],
    kb: KnowledgeBase,
    n_unknown: int = 5,
) -> Explanation:
    """Divide ln P(a | evidence) - ln P(b | evidence) among the prior and everything that is known.

    As `explain_cause`, for the ratio of two posteriors; explanations that hold both causes stand on both
    sides. The direct weight of a line is ln P(v | a alone) - ln P(v | b alone).

    Raises
    ------
    ValueError
        If both are the same cause, or the evidence is impossible.
    """
    if a_idx == b_idx:
        raise ValueError(f"contrast: got {network.spec.causes[a_idx]} twice, expected two different causes")
    comparison = compare(network, a_idx, b_idx)
    return _explain(network, vocabulary, case, comparison, pooled=pooled, kb=kb, n_unknown=n_unknown)


def _explain(
    network: Network,
    vocabulary: Vocabulary,
    case: CaseEvidence,
    comparison: Comparison,
    *,
    pooled: Mapping[PooledKey, PooledJudgement],
    kb: KnowledgeBase,
    n_unknown: int,
) -> Explanation:
    """Explain either kind of comparison."""
    setting_idx = int(case.batch.setting_idx[0])
    setting = vocabulary.settings[setting_idx]
    terms = evidence_terms(network, case.batch)
    if not terms.is_possible.any():
        raise ValueError("explain: got impossible evidence, expected evidence that can be true together")
    outcome = verdict(comparison, terms.is_possible)
    weights = _posterior(terms)
    lines: tuple[ExplanationLine, ...] = ()
    path, after, item_idx = None, None, _weighed(terms)
    if outcome == "open":
        path, after = _path(terms, comparison, item_idx)
        lines = explanation_lines(
            network, vocabulary, terms, item_idx, comparison, path, pooled=pooled, setting=setting
        )
    names = [network.spec.causes[c] for c in comparison.cause_idx]
    prior = [_probability(np.exp(terms.log_prior), side) for side in (comparison.inside, comparison.outside)]
    posterior = [_probability(weights, side) for side in (comparison.inside, comparison.outside)]
    prior_basis = judgements_of_prior(network, pooled, names, setting_idx=setting_idx)
    return Explanation(
        cause=names[0],
        against=names[1] if comparison.is_contrast else "",
        setting=setting,
        prior=prior[0],
        posterior=posterior[0],
        against_prior=prior[1] if comparison.is_contrast else None,
        against_posterior=posterior[1] if comparison.is_contrast else None,
        prior_decibans=_decibans(terms.log_prior, comparison.inside, comparison.outside),
        posterior_decibans=after,
        verdict=outcome,
        settled_by=settled_by(terms, comparison),
        conditioning=_conditioning(terms, comparison),
        lines=lines,
        unknown=()
        if path is None
        else largest_swings(network, vocabulary, case, weights, comparison, n=n_unknown),
        prior_judgements=prior_basis,
        citations=_citations(kb, [*prior_basis, *(basis for line in lines for basis in line.judgements)]),
        n_nodes=path.n_nodes if path else 0,
        closing_error_decibans=path.closing_error * DECIBANS_PER_NAT if path else 0.0,
    )


def _weighed(terms: CaseTerms) -> list[int]:
    """Return the items that are weighed: all but given causes, which only strike out explanations."""
    return [i for i, item in enumerate(terms.items) if item.kind != "given_cause"]


def _path(terms: CaseTerms, comparison: Comparison, item_idx: list[int]) -> tuple[PathSum, float]:
    """Return the contributions of the weighed items, and the posterior log ratio in decibans."""
    inside, outside = comparison.inside & terms.is_possible, comparison.outside & terms.is_possible
    share = terms.log_share[item_idx]
    path = tempered_contributions(
        (terms.log_prior[inside], terms.log_prior[outside]), (share[:, inside], share[:, outside])
    )
    return path, _decibans(terms.log_prior + terms.log_likelihood, inside, outside)


def _decibans(log_weights: Floats, inside: Mask, outside: Mask) -> float:
    """Return ten times the decimal logarithm of the ratio of two sums of weights."""
    return log_ratio(log_weights[inside], log_weights[outside]) * DECIBANS_PER_NAT


def _posterior(terms: CaseTerms) -> Floats:
    """Return P(H | evidence) as (n_explanations,)."""
    return softmax(terms.log_prior + terms.log_likelihood)


def _probability(weights: Floats, chosen: Mask) -> float:
    """Return the share of a set in all weights; a / (a + b) lies in [0, 1] in floating point too."""
    inside, rest = weights[chosen].sum(), weights[~chosen].sum()
    return float(inside / (inside + rest))


def _conditioning(terms: CaseTerms, comparison: Comparison) -> Conditioning | None:
    """Return what is applied before anything is weighed; None where nothing is excluded."""
    if terms.is_possible[terms.can_be].all():
        return None
    takes_part = [bool(row.any()) for row in excluding_items(terms)]
    chosen = [item for item, excludes in zip(terms.items, takes_part, strict=True) if excludes]
    given = tuple((item.name, item.state) for item in chosen if item.kind == "given_cause")
    excluding = tuple((item.name, item.state) for item in chosen if item.kind != "given_cause")
    inside, outside = comparison.inside & terms.is_possible, comparison.outside & terms.is_possible
    if not (inside.any() and outside.any()):
        return Conditioning(given, excluding, None)
    before = _decibans(terms.log_prior, comparison.inside, comparison.outside)
    return Conditioning(given, excluding, _decibans(terms.log_prior, inside, outside) - before)


def _citations(kb: KnowledgeBase, bases: Iterable[Basis]) -> dict[str, str]:
    """Return what every source id in some judgements stands for."""
    ids = dict.fromkeys(source for basis in bases for source in basis.sources)
    return {source: kb.sources[source].citation for source in ids if source in kb.sources}
