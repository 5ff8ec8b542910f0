"""Why: what every piece of evidence contributes to the log-odds of a cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.inference.evidence import CaseEvidence
from thighdx.inference.vocabulary import Vocabulary
from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.explanation import Conditioning, Explanation, ExplanationLine, Verdict, Via
from thighdx.reasoning.provenance import Basis, judgements_behind, judgements_of_prior
from thighdx.reasoning.swings import largest_swings
from thighdx.reasoning.tempering import PathSum, log_ratio, tempered_contributions
from thighdx.reasoning.terms import PRESENCE, CaseTerms, EvidenceItem, evidence_terms

__all__ = ["DECIBANS_PER_NAT", "contrast_causes", "explain_cause"]

DECIBANS_PER_NAT = 10.0 / np.log(10.0)  # Good 1950: a deciban is a tenth of log10 of the odds
SMALL_DECIBANS = 0.1  # a contribution below is never marked: it is 2 % of the odds
DIRECT_SHARE = 0.1  # a contribution of which less than this is direct comes by way of other causes

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Question:
    """Which explanations stand on which side: those with the cause, and those it is compared with."""

    causes: tuple[str, ...]  # (cause,) or (cause, against)
    cause_idx: tuple[int, ...]
    inside: Mask  # (n_explanations,)
    outside: Mask

    @property
    def is_contrast(self) -> bool:
        """Whether two causes are compared."""
        return len(self.causes) == 2


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

    Notes
    -----
    Evidence that leaves explanations impossible, and causes given as evidence, are applied first: explanations
    that contradict them are struck out, and the change of the log-odds this makes is a line of its own. The
    rest of the evidence is tempered from 0 to 1 and each piece gets its Aumann-Shapley value (see
    `thighdx.reasoning.tempering`). Members of one joint block of contexts (sex, age band, ...) divide their
    joint term by the Shapley value, for every explanation (see `thighdx.reasoning.terms`).

    A line is marked when its contribution does not come from the cause itself. The *direct* weight of evidence
    is ln P(v | the cause alone) - ln P(v | no cause at work), with findings at their background and contexts at
    their base frequency: 0 for a variable the cause has no row on. Where the contribution exceeds 0.1 decibans
    and less than a tenth of it is direct, it comes by way of the other cause that accounts for most of it:
    ``rules_out_other`` (for the cause only because it speaks against a competitor; explaining away),
    ``points_to_other`` (against it only because a competitor explains the evidence better; explaining away)
    or ``companion`` (by way of a cause that is present together with it).
    """
    is_member = network.membership[:, cause_idx] > 0
    question = _Question((network.spec.causes[cause_idx],), (cause_idx,), is_member, ~is_member)
    return _explain(network, vocabulary, case, question, pooled=pooled, kb=kb, n_unknown=n_unknown)


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

    The same as `explain_cause` for the ratio of two posteriors; explanations that hold both causes stand on
    both sides. The direct weight of a line is ln P(v | a alone) - ln P(v | b alone).

    Raises
    ------
    ValueError
        If both are the same cause.
    """
    if a_idx == b_idx:
        raise ValueError(f"contrast: got {network.spec.causes[a_idx]} twice, expected two different causes")
    names = (network.spec.causes[a_idx], network.spec.causes[b_idx])
    inside, outside = (network.membership[:, c] > 0 for c in (a_idx, b_idx))
    question = _Question(names, (a_idx, b_idx), inside, outside)
    return _explain(network, vocabulary, case, question, pooled=pooled, kb=kb, n_unknown=n_unknown)


def _explain(
    network: Network,
    vocabulary: Vocabulary,
    case: CaseEvidence,
    question: _Question,
    *,
    pooled: Mapping[PooledKey, PooledJudgement],
    kb: KnowledgeBase,
    n_unknown: int,
) -> Explanation:
    """Explain either kind of question."""
    setting_idx = int(case.batch.setting_idx[0])
    terms = evidence_terms(network, case.batch)
    possible = terms.is_possible
    if not possible.any():
        raise ValueError("explain: got impossible evidence, expected evidence that can be true together")
    inside, outside = question.inside & possible, question.outside & possible
    prior = log_ratio(terms.log_prior[question.inside], terms.log_prior[question.outside])
    conditions = _conditions(terms, possible)
    final = terms.log_prior + terms.log_likelihood
    lines: tuple[ExplanationLine, ...] = ()
    path: PathSum | None = None
    after: float | None = None
    if inside.any() and outside.any():
        kept = [i for i, item in enumerate(terms.items) if item.kind != "given_cause"]
        path = tempered_contributions(
            (terms.log_prior[inside], terms.log_prior[outside]),
            (terms.log_share[kept][:, inside], terms.log_share[kept][:, outside]),
        )
        after = log_ratio(final[inside], final[outside])
        lines = _lines(network, vocabulary, terms, kept, question, path, (inside, outside), pooled)
    conditioning = None
    if conditions is not None:
        start = log_ratio(terms.log_prior[inside], terms.log_prior[outside]) - prior if path else None
        conditioning = Conditioning(*conditions, None if start is None else start * DECIBANS_PER_NAT)
    weights = np.exp(final - final.max())
    weights /= weights.sum()
    base = np.exp(terms.log_prior)
    prior_judgements = judgements_of_prior(network, pooled, question.causes, setting_idx=setting_idx)
    return Explanation(
        cause=question.causes[0],
        against=question.causes[1] if question.is_contrast else "",
        setting=vocabulary.settings[setting_idx],
        prior=_probability(base, question.inside),
        posterior=_probability(weights, question.inside),
        against_prior=_probability(base, question.outside) if question.is_contrast else None,
        against_posterior=_probability(weights, question.outside) if question.is_contrast else None,
        prior_decibans=prior * DECIBANS_PER_NAT,
        posterior_decibans=None if after is None else after * DECIBANS_PER_NAT,
        verdict=_verdict(inside, outside, question),
        settled_by=_settled_by(terms, question, possible) if path is None else (),
        conditioning=conditioning,
        lines=lines,
        unknown=_unknown(network, vocabulary, case, weights, question, n_unknown) if path else (),
        prior_judgements=prior_judgements,
        citations=_citations(kb, (*prior_judgements, *(b for line in lines for b in line.judgements))),
        n_nodes=path.n_nodes if path else 0,
        closing_error_decibans=path.closing_error * DECIBANS_PER_NAT if path else 0.0,
    )


def _probability(weights: Floats, chosen: Mask) -> float:
    """Return the share of the weights in a set; a / (a + b) lies in [0, 1] in floating point too."""
    inside, rest = weights[chosen].sum(), weights[~chosen].sum()
    return float(inside / (inside + rest))


def _verdict(inside: Mask, outside: Mask, question: _Question) -> Verdict:
    """Say whether impossible explanations settle the question."""
    if inside.any():
        if outside.any():
            return "open"
        return "other_impossible" if question.is_contrast else "certain"
    return "both_impossible" if question.is_contrast and not outside.any() else "impossible"


def _shown_state(network: Network, item: EvidenceItem) -> tuple[str, str]:
    """Return name and state of an item; no state for uncertain evidence."""
    if item.likelihood:
        return item.name, ""
    states = PRESENCE if item.is_cause else network.states[item.position]
    return item.name, states[item.state_idx]


def _excludes(terms: CaseTerms) -> npt.NDArray[np.bool_]:
    """Return which explanations each item makes impossible, as (n_items, n_explanations) bool.

    What only several members of a block make impossible together counts for each of them.
    """
    alone = np.isneginf(terms.log_alone)
    together = ~terms.is_possible & ~alone.any(axis=0)
    return np.asarray(alone | (together & ~np.isfinite(terms.log_share)))


def _conditions(
    terms: CaseTerms, possible: Mask
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] | None:
    """Return given causes and excluding evidence; None where nothing is excluded."""
    if possible.all():
        return None
    excludes = _excludes(terms).any(axis=1)
    given = [item for item in terms.items if item.kind == "given_cause"]
    others = [i for i, item in enumerate(terms.items) if excludes[i] and item.kind != "given_cause"]
    raise NotImplementedError
