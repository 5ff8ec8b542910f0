"""How urgent, for many cases at once: the logic of `thighdx.reasoning.triage` on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN
from thighdx.inference.vocabulary import Vocabulary
from thighdx.kb.expressions import AllOf, Expression, Is
from thighdx.kb.records import LEVELS, Harm, KnowledgeBase, Level
from thighdx.network.spec import Floats
from thighdx.reasoning.conditions import condition
from thighdx.reasoning.triage import LIKELY, MIN_FINDINGS, MUST_NOT_MISS, lowest_threshold

__all__ = ["NO_LEVEL", "TriagePlan", "case_urgency", "compile_triage", "triage_batch"]

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
Extra: TypeAlias = tuple[str, str] | None

NO_LEVEL = -1  # of a case without posteriors
CASES_PER_CHUNK = 65_536
SOON = LEVELS.index("soon")
EMERGENCY = LEVELS.index("emergency")


@dataclass(frozen=True, slots=True, eq=False)
class TriagePlan:
    """Rules and thresholds of a knowledge base, ready for arrays; made by `compile_triage`.

    Attributes
    ----------
    column : mapping of str to int
        Position of every variable, then of every cause, in a row of what is known.
    rules : tuple of (level index, condition)
    open_rules : tuple of (cause index, lowest threshold, condition)
        Emergency rules that forbid self-care while they could still fire.
    conditions : mapping of str to condition
        "Asked only if" of every variable that has one.
    thresholds : (3, n_causes) float64
        For soon, urgent, emergency; inf where there is none.
    likely_level : (n_causes,) int8
    is_bounded : (n_causes,) bool
        Causes judged by the upper credible bound.
    finding_idx : (n_findings,) intp
        Positions of findings and tests.
    """

    column: Mapping[str, int]
    states: Mapping[str, tuple[str, ...]]
    rules: tuple[tuple[int, Expression], ...]
    open_rules: tuple[tuple[int, float, Expression], ...]
    conditions: Mapping[str, Expression]
    thresholds: Floats
    likely_level: npt.NDArray[np.int8]
    is_bounded: Bools
    finding_idx: npt.NDArray[np.intp]

    def levels(
        self, codes: Codes, posterior: Floats, upper: Floats | None = None, given: Codes | None = None
    ) -> npt.NDArray[np.int8]:
        """Return the level of every case.

        Parameters
        ----------
        codes : (n_cases, n_variables) int8
            State index, -1 for unknown (and for virtual evidence).
        posterior : (n_cases, n_causes) float64
            P(cause present | evidence), linear.
        upper : (n_cases, n_causes) float64, optional
            Upper credible bounds; NaN where not worked out.
        given : (n_cases, n_causes) int8, optional
            Causes given as evidence: 1 present, 0 absent, -1 not given.

        Returns
        -------
        (n_cases,) int8
            Index into `thighdx.kb.records.LEVELS`; `NO_LEVEL` where a posterior is NaN.
        """
        n_cases = len(codes)
        if given is None:
            given = np.full(posterior.shape, UNKNOWN, dtype=np.int8)
        found = np.empty(n_cases, dtype=np.int8)
        for start in range(0, n_cases, CASES_PER_CHUNK):
            rows = slice(start, start + CASES_PER_CHUNK)
            known = np.concatenate([codes[rows], given[rows]], axis=1).T  # (n_columns, n_rows)
            bound = posterior[rows] if upper is None else np.fmax(posterior[rows], upper[rows])
            found[rows] = self._levels(np.ascontiguousarray(known), posterior[rows], bound)
        return found

    def _levels(self, known: Codes, posterior: Floats, bound: Floats) -> npt.NDArray[np.int8]:
        """Return the levels of one chunk; `bound` is at least the posterior."""
        level = np.zeros(known.shape[1], dtype=np.int8)
        for rank, expression in self.rules:
            level = np.maximum(level, np.int8(rank) * self._surely(expression, known))
        figure = np.where(self.is_bounded, bound, posterior)
        for rank, limits in enumerate(self.thresholds, start=1):
            level = np.maximum(level, np.int8(rank) * (figure >= limits).any(axis=1))
        level = np.maximum(level, ((posterior > LIKELY) * self.likely_level).max(axis=1, initial=0))
        level = level.astype(np.int8)
        calm = np.flatnonzero(level == 0)
        level[calm] = SOON * self._no_self_care(known[:, calm], bound[calm])
        level[np.isnan(posterior).any(axis=1)] = NO_LEVEL
        return np.asarray(level, dtype=np.int8)

    def _no_self_care(self, known: Codes, bound: Floats) -> Bools:
        """Whether self-care is refused: too little is known yet, or an emergency is still open."""
        findings = known[self.finding_idx]
        refused = ((findings != UNKNOWN).sum(axis=0) < MIN_FINDINGS) | (findings <= 0).all(axis=0)
        for cause, limit, expression in self.open_rules:
            concerned = np.flatnonzero((bound[:, cause] >= limit) & ~refused)
            if len(concerned):
                refused[concerned] = self._perhaps(expression, known[:, concerned], skip_blocked=True)
        return np.asarray(refused)

    def _surely(self, expression: Expression, known: Codes) -> Bools:
        """Whether a condition is true."""
        if isinstance(expression, Is):
            return np.asarray(known[self.column[expression.variable]] == self._code(expression))
        parts = [self._surely(part, known) for part in expression.parts]
        return _combine(expression, parts)

    def _perhaps(self, expression: Expression, known: Codes, *, skip_blocked: bool) -> Bools:
        """Whether a condition is not false; `skip_blocked` leaves out variables that do not apply."""
        if isinstance(expression, Is):
            codes = known[self.column[expression.variable]]
            open_now = codes == UNKNOWN
            asked_if = self.conditions.get(expression.variable)
            if skip_blocked and asked_if is not None:
                open_now &= self._perhaps(asked_if, known, skip_blocked=False)
            return np.asarray(open_now | (codes == self._code(expression)))
        parts = [self._perhaps(part, known, skip_blocked=skip_blocked) for part in expression.parts]
        return _combine(expression, parts)

    def _code(self, atom: Is) -> int:
        """Return the index of the state an atom asks for."""
        return self.states[atom.variable].index(atom.state)


def _combine(expression: Expression, parts: Sequence[Bools]) -> Bools:
    """Join the parts of a condition."""
    join = np.logical_and if isinstance(expression, AllOf) else np.logical_or
    return np.asarray(join.reduce(parts))


def compile_triage(kb: KnowledgeBase, vocabulary: Vocabulary) -> TriagePlan:
    """Prepare the rules and thresholds of a knowledge base for arrays."""
    both = (*vocabulary.variables, *vocabulary.causes)
    harms = {harm.cause: harm for harm in kb.harms}
    rules = [(rule, condition(rule.when)) for rule in kb.red_flags]
    bounded = {cause for group in kb.groups if group.id == MUST_NOT_MISS for cause in group.members}
    found = []
    for rule, expression in rules:
        harm = harms.get(rule.suspect)
        limit = None if harm is None else lowest_threshold(harm)
        if rule.level == "emergency" and limit is not None and expression is not None:
            found.append((vocabulary.cause_index[rule.suspect], limit, expression))
    return TriagePlan(
        column={variable.id: position for position, variable in enumerate(both)},
        states={variable.id: variable.states for variable in both},
        rules=tuple((LEVELS.index(rule.level), expr) for rule, expr in rules if expr is not None),
        open_rules=tuple(found),
        conditions={v.id: expr for v in both if (expr := condition(v.asked_if)) is not None},
        thresholds=np.array(
            [[_limit(harms.get(c.id), name) for c in vocabulary.causes] for name in LEVELS[1:]]
        ),
        likely_level=np.array(
            [LEVELS.index(harms[c.id].level_if_likely) if c.id in harms else 0 for c in vocabulary.causes],
            dtype=np.int8,
        ),
        is_bounded=np.array([cause.id in bounded for cause in vocabulary.causes]),
        finding_idx=np.array(
            [i for i, v in enumerate(vocabulary.variables) if v.layer in ("finding", "test")], dtype=np.intp
        ),
    )


def _limit(harm: Harm | None, level: Level) -> float:
    """Return the threshold of a cause for a level, inf where there is none."""
    if harm is None:
        return np.inf
    limits = {
        "soon": harm.threshold_soon,
        "urgent": harm.threshold_urgent,
        "emergency": harm.threshold_emergency,
    }
    limit = limits[level]
    return np.inf if limit is None else limit


def triage_batch(
    kb: KnowledgeBase,
    vocabulary: Vocabulary,
    codes: Codes,
    posterior: Floats,
    upper: Floats | None = None,
    *,
    given: Codes | None = None,
) -> npt.NDArray[np.int8]:
    """Return the level of urgency of every case; see `TriagePlan.levels`.

    Notes
    -----
    About a thousand passes over one byte per case: some seconds per million cases at most.
    """
    return compile_triage(kb, vocabulary).levels(codes, posterior, upper, given)


def case_urgency(
    plan: TriagePlan,
    vocabulary: Vocabulary,
    codes: Codes,
    *,
    given: Codes | None = None,
    odds_ratio: Floats | None = None,
) -> Callable[[Floats, list[Extra]], Floats]:
    """Return a function that scores the urgency of one case after one more piece of evidence.

    Parameters
    ----------
    codes : (n_variables,) int8
        What is known of the case, as in one row of `TriagePlan.levels`.
    given : (n_causes,) int8, optional
    odds_ratio : (n_causes,) float64, optional
        Odds of the upper credible bound over odds of the posterior, for the case as it stands. The bound
        after one more answer is taken to lie as far above the posterior on the odds scale as it lies now;
        without it thresholds are compared with bare posteriors.

    Returns
    -------
    function of (posterior, extra) to scores
        `posterior` (n, n_causes) float64, `extra` a list of n times (variable, state) or None for the case as
        it stands; scores (n,) float64 from 0 (self_care) to 3 (emergency), NaN where a posterior is NaN.
    """
    index = {name: column for name, column in plan.column.items() if column < len(codes)}
    given_row = np.full(len(vocabulary.causes), UNKNOWN, dtype=np.int8) if given is None else given

    def score(posterior: Floats, extra: list[Extra]) -> Floats:
        rows = np.repeat(codes[None], len(extra), axis=0)
        on_causes = np.repeat(given_row[None], len(extra), axis=0)
        for row, item in enumerate(extra):
            if item is None:
                continue
            name, state = item
            code = plan.states[name].index(state)
            if name in index:
                rows[row, index[name]] = code
            else:
                on_causes[row, vocabulary.cause_index[name]] = code
        bound = None if odds_ratio is None else _shifted(posterior, odds_ratio)
        levels = plan.levels(rows, posterior, bound, on_causes)
        return np.where(levels == NO_LEVEL, np.nan, levels).astype(np.float64)

    return score


def _shifted(posterior: Floats, odds_ratio: Floats) -> Floats:
    """Multiply the odds of probabilities; 0 and 1 stay."""
    return np.asarray(odds_ratio * posterior / (1.0 + (odds_ratio - 1.0) * posterior))
