"""The level of urgency of any number of cases: rules, alarming findings and thresholds as operations on columns.

A case is a batch of one. What a level means and why a case has it is said by `thighdx.reasoning.urgency.triage`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.compiled.case import Case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.evidence.batch import UNKNOWN
from thighdx.evidence.vocabulary import make_vocabulary
from thighdx.kb.expressions import AllOf, Expression, Is, atoms, parse_expression
from thighdx.kb.records import LEVELS, Harm, KnowledgeBase, Level, RedFlag
from thighdx.network.spec import Floats

__all__ = [
    "LIKELY",
    "MIN_FINDINGS",
    "NO_LEVEL",
    "SOON",
    "UrgencyRules",
    "UrgencyScore",
    "Verdict",
    "counted",
    "odds_factor",
    "urgency_after",
    "urgency_rules",
]

Bools: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]
Extra: TypeAlias = tuple[str, str] | None
"""One more piece of evidence, (variable, state); None for the case as it stands."""
UrgencyScore: TypeAlias = Callable[[Floats, Sequence[Extra]], Floats]
"""Level of urgency as a number, higher is more urgent.

Called with posteriors (n, n_causes) and n pieces of extra evidence; returns (n,) scores.
"""

NO_LEVEL = -1  # of a case without posteriors
ROWS_AT_ONCE = 8_192  # so that columns stay in the cache
LIKELY = 0.5  # above it a cause is more likely than not
# Less than soon needs this many known findings or tests, one of them a complaint: one "no" says nothing.
MIN_FINDINGS = 3
SOON = LEVELS.index("soon")


def odds_factor(kb: KnowledgeBase, harm: Harm) -> float:
    """Return how many times its odds a cause counts below ``emergency``; 1 leaves its probability as it is."""
    if harm.odds_factor is not None:
        return harm.odds_factor
    return kb.manifest.must_not_miss_odds if harm.cause in kb.must_not_miss else 1.0


def counted(posterior: float, factor: float) -> float:
    """Return the probability with `factor` times the odds.

    Examples
    --------
    >>> round(counted(0.04, 3.0), 3)
    0.111
    """
    return factor * posterior / (1.0 + (factor - 1.0) * posterior)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What cases were judged by, one column per case.

    Attributes
    ----------
    levels : (n_cases,) int8
        Index into `thighdx.kb.records.LEVELS`; `NO_LEVEL` where a posterior is NaN.
    is_fired : (n_rules, n_cases) bool
        Rules that surely hold.
    is_alarm : (n_alarms, n_cases) bool
        Findings that alarm by themselves and are known.
    reached : (n_harms, n_cases) int8
        Highest level whose threshold the cause of a row of the harms table reaches; 0 for none.
    is_likely : (n_harms, n_cases) bool
    is_unclear : (n_cases,) bool
        Too little is known for less than ``soon``; only worked out where nothing else calls for that.
    """

    levels: Codes
    is_fired: Bools
    is_alarm: Bools
    reached: Codes
    is_likely: Bools
    is_unclear: Bools


@dataclass(frozen=True, slots=True, eq=False)
class UrgencyRules:
    """Rules, alarming findings and thresholds of a knowledge base, ready for columns of codes; see `of`.

    Attributes
    ----------
    rules : tuple of RedFlag
    expressions : tuple of Expression
        Condition of every rule.
    alarms : tuple of Is
    harms : tuple of Harm
    cause_idx : (n_harms,) intp
        Place of the cause of every row of the harms table.
    limits : (n_levels - 1, n_harms, 1) float64
        Posterior from which on ``routine``, ``soon``, ``urgent``, ``emergency`` are due; inf for never. Where a
        cause counts at a multiple of its odds, that is worked into the limit.
    likely_rank : (n_harms, 1) int8
        `Harm.level_if_likely` as an index.
    places : mapping of Is to (int, int)
        Column of the variable of every condition, and the code it asks for; columns hold variables, then causes.
    n_variables : int
        How many of the columns are no causes.
    finding_idx : (n_findings,) intp
        Columns of findings and tests.
    """

    rules: tuple[RedFlag, ...]
    expressions: tuple[Expression, ...]
    alarms: tuple[Is, ...]
    harms: tuple[Harm, ...]
    cause_idx: npt.NDArray[np.intp]
    limits: Floats
    likely_rank: Codes
    places: Mapping[Is, tuple[int, int]]
    n_variables: int
    finding_idx: npt.NDArray[np.intp]

    @classmethod
    def of(cls, kb: KnowledgeBase) -> UrgencyRules:
        """Prepare the rules and thresholds of a knowledge base."""
        vocabulary = make_vocabulary(kb.variables, ())
        variables, by_id = vocabulary.variables, vocabulary.by_id
        column = {name: place for place, name in enumerate(by_id)}
        rules = tuple(rule for rule in kb.red_flags if rule.when.strip())
        expressions = tuple(parse_expression(rule.when) for rule in rules)
        alarms = tuple(Is(variable.id, state) for variable in variables for state in variable.alarms)
        asked = {atom for expression in (*expressions, *alarms) for atom in atoms(expression)}
        limits = [[_limit(kb, harm, level) for harm in kb.harms] for level in LEVELS[1:]]
        likely_rank = [LEVELS.index(harm.level_if_likely) for harm in kb.harms]
        findings = [column[v.id] for v in variables if v.layer in ("finding", "test")]
        return cls(
            rules=rules,
            expressions=expressions,
            alarms=alarms,
            harms=kb.harms,
            cause_idx=np.array([column[harm.cause] - len(variables) for harm in kb.harms], dtype=np.intp),
            limits=np.array(limits, dtype=np.float64)[:, :, None],
            likely_rank=np.array(likely_rank, dtype=np.int8)[:, None],
            places={a: (column[a.variable], by_id[a.variable].states.index(a.state)) for a in asked},
            n_variables=len(variables),
            finding_idx=np.array(findings, dtype=np.intp),
        )

    def levels(self, codes: Codes, posterior: Floats, given: Codes | None = None) -> Codes:
        """Return the level of every case.

        Parameters
        ----------
        codes : (n_cases, n_variables) int8
            State index, -1 for unknown (and for virtual evidence, which acts through the posterior alone).
        posterior : (n_cases, n_causes) float64
            P(cause present | evidence), linear.
        given : (n_cases, n_causes) int8, optional
            Causes given as evidence: 1 present, 0 absent, -1 not given.

        Returns
        -------
        (n_cases,) int8
            Index into `thighdx.kb.records.LEVELS`; `NO_LEVEL` where a posterior is NaN.
        """
        found = np.empty(len(codes), dtype=np.int8)
        for start in range(0, len(codes), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            some = None if given is None else given[rows]
            found[rows] = self.judge(codes[rows], posterior[rows], some).levels
        return found

    def judge(self, codes: Codes, posterior: Floats, given: Codes | None = None) -> Verdict:
        """Return the level of every case with what it rests on; arguments as for `levels`."""
        hits = self._hits(codes, given)
        is_fired = _stacked([_surely(expression, hits) for expression in self.expressions], len(codes))
        is_alarm = _stacked([hits[alarm] for alarm in self.alarms], len(codes))
        chance = np.ascontiguousarray(posterior.T)[self.cause_idx]  # (n_harms, n_cases)
        reached = np.zeros(chance.shape, dtype=np.int8)
        for rank, limits in enumerate(self.limits, start=1):
            np.maximum(reached, np.int8(rank) * (chance >= limits), out=reached)
        is_likely = chance > LIKELY
        rule_rank = np.array([LEVELS.index(rule.level) for rule in self.rules], dtype=np.int8)[:, None]
        levels = np.maximum.reduce(
            [
                (is_fired * rule_rank).max(axis=0, initial=0),
                is_alarm.any(axis=0) * np.int8(SOON),
                reached.max(axis=0, initial=0),
                (is_likely * self.likely_rank).max(axis=0, initial=0),
            ]
        )
        is_unclear = levels < SOON
        is_unclear[is_unclear] = self._knows_little(codes[is_unclear])
        levels[is_unclear] = SOON
        levels[np.isnan(posterior).any(axis=1)] = NO_LEVEL
        return Verdict(levels, is_fired, is_alarm, reached, is_likely, is_unclear)

    def _hits(self, codes: Codes, given: Codes | None) -> dict[Is, Bools]:
        """Return which cases are known to be in each state that anything asks for."""
        nowhere = np.zeros(len(codes), dtype=np.bool_)
        found = {}
        for atom, (place, code) in self.places.items():
            if place < self.n_variables:
                found[atom] = codes[:, place] == code
            else:
                found[atom] = nowhere if given is None else given[:, place - self.n_variables] == code
        return found

    def _knows_little(self, codes: Codes) -> Bools:
        """Whether too little is known of the complaint itself to call it harmless."""
        findings = codes[:, self.finding_idx]
        is_known = findings != UNKNOWN
        return np.asarray((is_known.sum(axis=1) < MIN_FINDINGS) | ~(findings > 0).any(axis=1))


def urgency_rules(compiled: CompiledModel) -> UrgencyRules:
    """Return the rules and thresholds of a model, prepared once."""
    return compiled.once(_prepare)


def _prepare(compiled: CompiledModel) -> UrgencyRules:
    return UrgencyRules.of(compiled.kb)


def urgency_after(case: Case) -> UrgencyScore:
    """Return a function that scores the urgency of a case after one more piece of evidence.

    Returns
    -------
    function of (posterior, extra) to scores
        `posterior` (n, n_causes) float64, `extra` a sequence of n times (variable, state) or None for the
        case as it stands; scores (n,) float64, indices into `LEVELS`, NaN where a posterior is NaN.
    """
    rules, vocabulary, batch = urgency_rules(case.compiled), case.vocabulary, case.batch

    def score(posterior: Floats, extra: Sequence[Extra]) -> Floats:
        codes = np.repeat(batch.codes, len(extra), axis=0)
        for row, item in enumerate(extra):
            if item is not None:
                name, state = item
                codes[row, vocabulary.index[name]] = vocabulary.by_id[name].states.index(state)
        levels = rules.levels(codes, posterior, np.repeat(batch.given, len(extra), axis=0))
        return np.where(levels == NO_LEVEL, np.nan, levels).astype(np.float64)

    return score


def _surely(expression: Expression, hits: Mapping[Is, Bools]) -> Bools:
    """Whether a condition is true in each case; unknown is not true."""
    if isinstance(expression, Is):
        return hits[expression]
    join = np.logical_and if isinstance(expression, AllOf) else np.logical_or
    return reduce(join, [_surely(part, hits) for part in expression.parts])


def _stacked(rows: Sequence[Bools], n_cases: int) -> Bools:
    """Put rows on one another; none make an array without rows."""
    return np.array(rows, dtype=np.bool_).reshape(len(rows), n_cases)


def _limit(kb: KnowledgeBase, harm: Harm, level: Level) -> float:
    """Return the posterior from which on a cause calls for a level, inf if it never does."""
    limit = harm.threshold(level)
    if limit is None:
        return np.inf
    return limit if level == "emergency" else counted(limit, 1.0 / odds_factor(kb, harm))
