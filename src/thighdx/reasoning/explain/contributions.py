"""The explanation of a posterior: what every piece of evidence contributes to the log odds of a cause."""

from __future__ import annotations

from collections.abc import Iterable

from thighdx.compiled.case import Case
from thighdx.errors import OptionError
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


def explain_cause(case: Case, cause: str, *, n_unknown: int = 5) -> Explanation:
    """Divide the posterior log odds of a cause among the prior and everything that is known.

    Parameters
    ----------
    n_unknown : int
        How many open questions to list; 0 saves the look at every possible answer.

    Raises
    ------
    UnknownNameError
        If there is no such cause.

    Notes
    -----
    Evidence that leaves sets of causes impossible, and causes given as evidence, are applied first:
    sets that contradict them are struck out, and what this does to the log-odds is a line of its
    own. All evidence is then tempered from 0 to 1 and each piece gets its Aumann-Shapley value (see
    `thighdx.reasoning.explain.tempering`). Members of one joint block of contexts (sex, age band, ...) divide
    their joint term by the Shapley value, for every set of causes (see `thighdx.reasoning.evidence_terms`).

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
    >>> from thighdx.compiled.case import open_case
    >>> case = open_case(thighdx.load_model().compiled, {"bruising": True, "calf_pain": False})
    >>> why = explain_cause(case, "hamstring_strain")
    >>> [(line.variable, line.direction, line.explaining_away) for line in why.lines]
    [('bruising', 'for', False), ('calf_pain', 'for', True)]
    """
    return _explain(case, compare(case.network, case.vocabulary.cause_idx(cause)), n_unknown)


def contrast_causes(case: Case, a: str, b: str, *, n_unknown: int = 5) -> Explanation:
    """Divide ln P(a | evidence) - ln P(b | evidence) among the prior and everything that is known.

    As `explain_cause`, for the ratio of two posteriors; sets that hold both causes stand on both
    sides. The direct weight of a line is ln P(v | a alone) - ln P(v | b alone).

    Raises
    ------
    UnknownNameError
        If there is no such cause.
    OptionError
        If both are the same cause.
    """
    pair = [case.vocabulary.cause_idx(cause) for cause in (a, b)]
    if a == b:
        raise OptionError(f"contrast: got {a} twice, expected two different causes")
    return _explain(case, compare(case.network, *pair), n_unknown)


def _explain(case: Case, comparison: Comparison, n_unknown: int) -> Explanation:
    """Explain either kind of comparison."""
    terms = evidence_terms(case.network, case.batch)
    outcome = verdict(comparison, terms.is_possible)
    path, after, lines = None, None, tuple[ExplanationLine, ...]()
    if outcome == "open":
        weighed = [
            i for i, item in enumerate(terms.items) if item.kind != "given_cause"
        ]  # the rest strikes out
        path, after = _path(terms, comparison, weighed)
        lines = explanation_lines(case, terms, weighed, comparison, path)
    names = [case.network.spec.causes[c] for c in comparison.cause_idx]
    before, other = case.prior, names[1] if comparison.is_contrast else None
    prior_basis = judgements_of_prior(case, names)
    return Explanation(
        cause=names[0],
        against=other or "",
        setting=case.setting,
        prior=before[names[0]],
        posterior=case.posterior[names[0]],
        against_prior=None if other is None else before[other],
        against_posterior=None if other is None else case.posterior[other],
        prior_decibans=_decibans(terms.log_prior, comparison.inside, comparison.outside),
        posterior_decibans=after,
        verdict=outcome,
        settled_by=settled_by(terms, comparison),
        conditioning=_conditioning(terms, comparison),
        lines=lines,
        unknown=largest_swings(case, comparison, n=n_unknown) if path else (),
        prior_judgements=prior_basis,
        citations=_citations(case, [*prior_basis, *(basis for line in lines for basis in line.judgements)]),
        n_nodes=path.n_nodes if path else 0,
        closing_error_decibans=path.closing_error * DECIBANS_PER_NAT if path else 0.0,
        labels=case.compiled.labels,
    )


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


def _citations(case: Case, bases: Iterable[Basis]) -> dict[str, str]:
    """Return what every source id in some judgements stands for."""
    known, ids = case.kb.sources, dict.fromkeys(source for basis in bases for source in basis.sources)
    return {source: known[source].citation for source in ids if source in known}
