"""The fit of the evidence: whether it fits together under the model, and whether it fits any listed cause.

Jensen's measure of conflict [1]_ compares the evidence with pieces that have nothing to do with one another,

    conf(e) = log2( prod_i P(e_i) / P(e) )

in bits (the base is a convention). Evidence that comes from one set of causes supports
itself, so conf(e) is negative; above 0 the pieces are less likely together than by chance. The same
measure between one piece and all others, log2 P(e_i) / P(e_i | rest), finds those that fit least. A
positive conf(e) may also be a rare case: if conf(e, h) = conf(e) + log2 P(h) / P(h | e) is not positive
for a cause h, then h explains it.

.. [1] Jensen FV, Chamberlain B, Nordahl T, Jensen F. Analysis in HUGIN of data conflict. In: Proceedings
   of the Sixth Conference on Uncertainty in Artificial Intelligence, 1990: 519-28.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from thighdx.arrays import log_total
from thighdx.compiled.case import Case
from thighdx.display import Shown
from thighdx.network.spec import Floats
from thighdx.plain import Plain, table_of
from thighdx.reasoning.evidence_terms import CaseTerms, evidence_terms
from thighdx.reasoning.fit.typicality import typicality
from thighdx.text import Labels, percent, signed
from thighdx.words import say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ATYPICAL", "EvidenceFit", "FindingFit", "evidence_fit"]

ATYPICAL = 0.001
"""Evidence that fewer patients than this of every leading set of causes would show fits none of them."""
CLEAR_CONFLICT_BITS = 2.0
"""A conflict is put into words from here on.

Above 0 are 41 and 28 % of simulated patients of the shipped model of whom 20 and 60 randomly chosen variables
are known, for little that is known hangs together; above 2 bits fewer than 1 and 5 %.
"""
LEADING_MASS = 0.9  # sets of causes looked at: the most probable ones up to this mass
MAX_LEADING = 20
CONFLICTING_BITS = 1.0  # a single finding is named from here on: half as likely as without the others


@dataclass(frozen=True, slots=True)
class FindingFit(Plain):
    """How one piece of evidence fits with all others.

    Attributes
    ----------
    state : str
        Empty for uncertain evidence.
    conflict_bits : float
        log2 of `alone` over `given_rest`; positive: less likely than without the others.
    alone : float
        P(piece | complaint, setting); for uncertain evidence its mean likelihood.
    given_rest : float
        The same given everything else that is known.
    """

    variable: str
    label: str
    state: str
    conflict_bits: float
    alone: float
    given_rest: float


@dataclass(frozen=True, slots=True)
class EvidenceFit(Shown, Plain):
    """Whether the evidence about a case fits together and fits a listed cause.

    Attributes
    ----------
    conflict_bits : float
        Jensen's conf(e); above 0 the evidence is in conflict.
    findings : tuple of FindingFit
        The piece that fits least with the rest first.
    rare_case : str
        In conflict: the listed cause that explains it best, if one does; otherwise empty.
    residual_probability : float
        P(residual cause present | evidence).
    residual_leads : bool
        Whether no listed cause is more probable than the residual one.
    typical_of : tuple of str
        The most probable set of causes that the evidence is not atypical of; of none, the nearest.
    z_score : float
        Where the evidence lies among patients with these causes, in standard deviations of a normal
        variable; negative: less likely than usual.
    tail_probability : float
        About the fraction of such patients whose evidence is at most as likely.
    fits_listed_cause : bool
        False where the residual cause leads, or where the evidence is atypical of every leading
        set of causes.
    statement : str
        All this in words.
    labels : mapping of str to str
        Names of causes and findings for pictures; where there are none, ids are put in words.
    """

    conflict_bits: float
    findings: tuple[FindingFit, ...]
    rare_case: str
    residual_probability: float
    residual_leads: bool
    typical_of: tuple[str, ...]
    z_score: float
    tail_probability: float
    fits_listed_cause: bool
    statement: str
    labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per piece of evidence, the one that fits least first."""
        return table_of(self.findings, FindingFit)

    def __repr__(self) -> str:
        """Return the statement and the findings that fit least."""
        lines = [
            f"  {item.variable} = {item.state or 'uncertain'}: {signed(item.conflict_bits)} bits "
            f"({item.alone:.3g} alone, {item.given_rest:.3g} given the rest)"
            for item in self.findings[:5]
        ]
        return "\n".join([self.statement, *lines])


def evidence_fit(case: Case) -> EvidenceFit:
    """Measure how well the evidence about one case fits together and fits the causes of the model.

    Given causes and uncertain evidence count as pieces of evidence.

    Notes
    -----
    The evidence fits no listed cause where the residual cause leads, or where it is atypical of every
    set of causes that leads (the most probable ones up to 90 % of the mass, at most 20): fewer than one in
    1,000 patients with exactly these causes would show evidence this unlikely (see
    `thighdx.reasoning.fit.typicality` for the approximation).

    Examples
    --------
    >>> import thighdx
    >>> from thighdx.compiled.case import open_case
    >>> known = {"onset": "sudden", "onset_during_exercise": True, "bruising": True}
    >>> fit = evidence_fit(open_case(thighdx.load_model().compiled, known))
    >>> fit.conflict_bits < 0, fit.fits_listed_cause
    (True, True)
    """
    terms, rest = evidence_terms(case.network, case.batch), case.compiled.residual_cause
    alone = log_total(terms.log_prior + terms.log_alone)[:, 0]
    conflict = float((alone.sum() - case.log_evidence) / np.log(2.0))
    residual = case.posterior.get(rest, 0.0)
    leads = residual > max((chance for cause, chance in case.posterior.items() if cause != rest), default=0.0)
    best, rare_case = _most_typical(case), _rare_case(case, conflict)
    findings = _findings(case, terms, alone)
    return EvidenceFit(
        conflict_bits=conflict,
        findings=findings,
        rare_case=rare_case,
        residual_probability=residual,
        residual_leads=leads,
        typical_of=best.causes,
        z_score=best.z_score,
        tail_probability=best.tail,
        fits_listed_cause=not leads and best.tail >= ATYPICAL,
        statement=_statement(
            findings, conflict, rare_case, rest if leads else "", residual, best, case.kb.labels
        ),
        labels=case.compiled.labels,
    )


@dataclass(frozen=True, slots=True)
class _Best:
    """The set of causes that the evidence is compared with in the end."""

    causes: tuple[str, ...]
    z_score: float
    tail: float


def _most_typical(case: Case) -> _Best:
    """Return the most probable leading set of causes the evidence is typical of; of none, the nearest."""
    order = np.argsort(-case.weights, kind="stable")[:MAX_LEADING]
    n_needed = int(np.searchsorted(np.cumsum(case.weights[order]), LEADING_MASS)) + 1
    chosen = order[:1]
    found = typicality(case, chosen)
    if found.tail[0] < ATYPICAL:  # seldom; the rest is ten times the work
        chosen = order[:n_needed]
        found = typicality(case, chosen)
    best = int(np.argmax(np.minimum(found.tail, ATYPICAL)))  # the first of those that will do
    causes = case.explanations(best + 1)[best].causes
    return _Best(causes, float(found.z_score[best]), float(found.tail[best]))


def _rare_case(case: Case, conflict: float) -> str:
    """Return the listed cause that explains a conflict away best, if one does (Jensen et al. 1990)."""
    if conflict <= 0:
        return ""
    prior = case.prior
    left = {
        cause: conflict + math.log2(prior[cause]) - math.log2(chance)
        for cause, chance in case.posterior.items()
        if chance > 0 and cause != case.compiled.residual_cause
    }
    best = min(left, key=left.__getitem__, default="")
    return best if best and left[best] <= 0 else ""


def _findings(case: Case, terms: CaseTerms, alone: Floats) -> tuple[FindingFit, ...]:
    """Compare every piece with all others, the one that fits least first."""
    given_rest = case.log_evidence - log_total(terms.log_prior + terms.leave_one_out())[:, 0]
    found = [
        FindingFit(
            variable=item.name,
            label=case.vocabulary.by_id[item.name].label,
            state=item.state,
            conflict_bits=float((own - rest) / np.log(2.0)),
            alone=float(np.exp(own)),
            given_rest=float(np.exp(rest)),
        )
        for item, own, rest in zip(terms.items, alone, given_rest, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: -item.conflict_bits))


def _statement(
    findings: tuple[FindingFit, ...],
    conflict: float,
    rare_case: str,
    leading_residual: str,
    residual: float,
    best: _Best,
    labels: Labels,
) -> str:
    """Say in words how the evidence fits."""
    if not findings:
        return say("fit.nothing", labels)
    said, bits = [], signed(conflict)
    if leading_residual:
        said.append(say("fit.unlisted", labels, cause=leading_residual, probability=percent(residual, 0)))
    elif best.tail < ATYPICAL:
        causes = reduce(lambda a, b: say("fit.with", labels, cause=a, other=b), best.causes)
        said.append(say("fit.atypical", labels, causes=causes, rarity=_one_in(best.tail, labels)))
    if conflict >= CLEAR_CONFLICT_BITS:
        named = ", ".join(f.variable for f in findings[:3] if f.conflict_bits >= CONFLICTING_BITS)
        words = say("fit.and_conflict" if said else "fit.conflict", labels, bits=bits)
        said.append(words + (say("fit.least", labels, findings=named) if named else "."))
        if rare_case:
            said.append(say("fit.rare_case", labels, cause=rare_case))
    elif not said:
        said.append(say("fit.neither" if conflict > 0 else "fit.together", labels, bits=bits))
    return " ".join(said)


def _one_in(probability: float, labels: Labels | None) -> str:
    """Write a small probability as one in a round number that is at most its inverse."""
    if probability < 1e-6:
        return say("fit.one_in_a_million", labels)
    inverse = 1.0 / probability
    step = 10.0 ** np.floor(np.log10(inverse))
    return say("fit.one_in", labels, n=int(step * np.floor(inverse / step)))
