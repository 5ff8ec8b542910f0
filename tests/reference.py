"""Brute force: the model written down from its formulas, obvious rather than fast.

Shares no code with the package; of it, only the input records are used, as types. Explanations
are frozensets of cause ids, tables are dictionaries, and every probability is a sum of products
over all explanations. The last step runs in any number type, so the same lines give doubles or 50
digits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from floats import REFERENCE_SOLVED
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

__all__ = [
    "PRESENCE",
    "Answer",
    "Base",
    "block_given",
    "blocks",
    "context_given",
    "digits",
    "explanations",
    "finding_given",
    "finding_steps",
    "infer",
    "joint",
    "posterior",
    "prior",
    "solve_base",
    "state_margins",
]

Explanation = frozenset[str]
Number = Callable[[float], Any]
Evidence = Mapping[str, str | Mapping[str, float]]
Cell = tuple[int, ...]

PRESENCE = ("absent", "present")  # the states of a cause


@dataclass(frozen=True)
class Base:
    """What has to be solved for, in one setting.

    Attributes
    ----------
    cause : exp(theta_c) per cause.
    state : per context, the factor pi_s of each state in the base table; 0 if it never occurs.
    """

    cause: dict[str, float]
    state: dict[str, list[float]]


@dataclass(frozen=True)
class Answer:
    """Everything about one case; all NaN, with log_evidence -inf, if the evidence is impossible.

    Attributes
    ----------
    posterior : cause -> P(cause present | evidence).
    log_evidence : log P(evidence | complaint, setting).
    explanations : H -> P(H | evidence).
    states : variable -> state -> P(state | evidence), of contexts and findings, known or not.
    """

    posterior: dict[str, Any]
    log_evidence: Any
    explanations: dict[Explanation, Any]
    states: dict[str, dict[str, Any]]


# ---- the root: which causes are present --------------------------------------------------------


def explanations(spec: NetworkSpec) -> list[Explanation]:
    """Every set H of causes with 1 <= |H| <= max_causes."""
    sizes = range(1, spec.max_causes + 1)
    return [frozenset(found) for k in sizes for found in itertools.combinations(spec.causes, k)]


def pair_weight(spec: NetworkSpec, explanation: Explanation, number: Number = float) -> Any:
    """prod_{c,d in H} OR_cd, every unordered pair once."""
    weight = number(1)
    for pair, odds_ratio in spec.pair_odds_ratio.items():
        if set(pair) <= explanation:
            weight *= number(odds_ratio)
    return weight


def prior(spec: NetworkSpec, base: Base, number: Number = float) -> dict[Explanation, Any]:
    """P(H | setting) proportional to exp(sum_{c in H} theta_c + sum_{c,d in H} log OR_cd)."""
    weights = {}
    for explanation in explanations(spec):
        weights[explanation] = pair_weight(spec, explanation, number)
        for cause in explanation:
            weights[explanation] *= number(base.cause[cause])
    return normalized(weights)


def normalized(weights: dict[Any, Any]) -> dict[Any, Any]:
    """The same weights over their sum; all zero stays all zero."""
    total = sum(weights.values())
    return {key: weight / total if total else weight for key, weight in weights.items()}


# ---- contexts: odds ratios on a base table -----------------------------------------------------


def blocks(spec: NetworkSpec) -> list[list[ContextSpec]]:
    """Contexts joined by dependencies, directly or not; a lone context is a block of one."""
    linked = {context.id: {context.id} for context in spec.contexts}
    for (first, _), (second, _) in spec.dependencies:
        together = linked[first] | linked[second]
        for member in together:
            linked[member] = together
    found = []
    for context in spec.contexts:
        block = [other for other in spec.contexts if other.id in linked[context.id]]
        if block not in found:
            found.append(block)
    return found


def cells(block: Sequence[ContextSpec]) -> list[Cell]:
    """Every combination of one state number per member of the block."""
    return list(itertools.product(*(range(len(context.states)) for context in block)))


def dependency_weight(spec: NetworkSpec, block: Sequence[ContextSpec], cell: Cell, number: Number) -> Any:
    """The product of the dependency factors that hold in this cell; 0 where one of them is 0."""
    here = {(context.id, context.states[k]) for context, k in zip(block, cell, strict=True)}
    weight = number(1)
    for pair, factor in spec.dependencies.items():
        if set(pair) <= here:
            weight *= number(factor)
    return weight


def odds_weight(
    spec: NetworkSpec,
    block: Sequence[ContextSpec],
    cell: Cell,
    explanation: Explanation,
    number: Number,
) -> Any:
    """prod over members v and causes c in H of OR_{s_v, c}."""
    weight = number(1)
    for context, k in zip(block, cell, strict=True):
        for cause in explanation:
            weight *= number(float(context.odds_ratio[spec.causes.index(cause), k]))
    return weight


def block_given(
    spec: NetworkSpec,
    base: Base,
    block: Sequence[ContextSpec],
    explanation: Explanation,
    number: Number = float,
) -> dict[Cell, Any]:
    """P(cell | H) proportional to prod_v (pi_s prod_{c in H} OR_{s,c}) x dependency factors."""
    weights = {}
    for cell in cells(block):
        weights[cell] = dependency_weight(spec, block, cell, number)
        weights[cell] *= odds_weight(spec, block, cell, explanation, number)
        for context, k in zip(block, cell, strict=True):
            weights[cell] *= number(base.state[context.id][k])
    return normalized(weights)


def context_given(
    spec: NetworkSpec, base: Base, context_id: str, explanation: Explanation, number: Number = float
) -> list[Any]:
    """P(x = s | H) of one context: the margin of its block."""
    block = next(b for b in blocks(spec) if context_id in [context.id for context in b])
    place = [context.id for context in block].index(context_id)
    margin = [number(0)] * len(block[place].states)
    for cell, probability in block_given(spec, base, block, explanation, number).items():
        margin[cell[place]] += probability
    return margin


def state_margins(spec: NetworkSpec, base: Base, context_id: str, number: Number = float) -> list[Any]:
    """P(x = s | setting) = sum_H P(H) P(x = s | H)."""
    total: list[Any] = [0] * len(next(c for c in spec.contexts if c.id == context_id).states)
    for explanation, probability in prior(spec, base, number).items():
        given = context_given(spec, base, context_id, explanation, number)
        total = [old + probability * new for old, new in zip(total, given, strict=True)]
    return total


# ---- findings: noisy-OR, noisy-MAX, in exact fractions ------------------------------------------


def probability_below(
    spec: NetworkSpec, finding: FindingSpec, step: int, explanation: Explanation
) -> Fraction:
    """P(X < s | H) = (1 - b_H) prod_{c in H} (1 - lambda_c), s being state number `step` + 1.

    lambda_c = max(0, 1 - (1 - p_c)/(1 - b)), b_H = b prod_{c in H} min(1, p_c/b); no row: p_c = b.
    """
    background = Fraction(float(finding.background[step]))
    suppressed, escape = background, Fraction(1)
    for cause in explanation:
        elicited = float(finding.cumulative[spec.causes.index(cause), step])
        alone = background if math.isnan(elicited) else Fraction(elicited)
        suppressed *= min(Fraction(1), alone / background)
        escape *= 1 - max(Fraction(0), 1 - (1 - alone) / (1 - background))
    return (1 - suppressed) * escape


def finding_steps(spec: NetworkSpec, finding: FindingSpec, explanation: Explanation) -> list[Fraction]:
    """The steps between successive P(X < s | H), negative where the cumulative rows cross."""
    steps = range(len(finding.states) - 1)
    below = [probability_below(spec, finding, step, explanation) for step in steps]
    return [high - low for low, high in itertools.pairwise([Fraction(0), *below, Fraction(1)])]


def finding_given(
    spec: NetworkSpec, finding: FindingSpec, explanation: Explanation, number: Number = float
) -> list[Any]:
    """P(X = s | H); rows that cross are a wrong spec.

    Steps between doubles would lose the digits of states that are rare, so the steps are exact and
    rounded once.
    """
    table = finding_steps(spec, finding, explanation)
    if min(table) < 0:
        shown = [float(p) for p in table]
        raise ValueError(f"{finding.id}: cumulative rows cross for {sorted(explanation)}: {shown}")
    if number is float:
        return [float(p) for p in table]
    return [number(p.numerator) / number(p.denominator) for p in table]


# ---- solving for the base ----------------------------------------------------------------------


def solve_base(spec: NetworkSpec, setting: str) -> Base:
    """theta with P(c in H) = share, then pi with P(x = s) = frequency, both in this setting."""
    base = Base(cause=solve_causes(spec, setting), state={})
    chance = prior(spec, base)
    for block in blocks(spec):
        base.state.update(solve_block(spec, setting, block, chance))
    return base


def solve_causes(spec: NetworkSpec, setting: str) -> dict[str, float]:
    """exp(theta_c): the one exponential family over explanations whose margins are the shares."""
    listed = explanations(spec)
    member = np.array([[cause in found for cause in spec.causes] for found in listed], dtype=float)
    weight = np.array([[pair_weight(spec, found) for found in listed]])
    shares = spec.shares[spec.settings.index(setting)]
    return dict(zip(spec.causes, solve_factors(np.ones(1), weight, member, shares), strict=True))


def solve_block(
    spec: NetworkSpec,
    setting: str,
    block: Sequence[ContextSpec],
    chance: Mapping[Explanation, float],
) -> dict[str, list[float]]:
    """pi per member and state, so that every sum_H P(H) P(x = s | H) is its frequency."""
    row = spec.settings.index(setting)
    names = [(v, s) for v, context in enumerate(block) for s in range(len(context.states))]
    wanted = np.array([block[v].frequency[row, s] for v, s in names])
    holds = np.array([[cell[v] == s for v, s in names] for cell in cells(block)], dtype=float)
    weight = np.array(
        [
            [
                dependency_weight(spec, block, cell, float) * odds_weight(spec, block, cell, found, float)
                for cell in cells(block)
            ]
            for found in chance
        ]
    )
    solved = solve_factors(np.array(list(chance.values())), weight, holds, wanted)
    answer: dict[str, list[float]] = {context.id: [] for context in block}
    for (v, _), factor in zip(names, solved, strict=True):
        answer[block[v].id].append(factor)
    return answer


def solve_factors(mix: np.ndarray, weight: np.ndarray, holds: np.ndarray, wanted: np.ndarray) -> list[float]:
    """Factors f_k for which feature k holds with probability wanted_k.

    Row i is drawn with chance mix_i, then item j with a chance proportional to
    weight_ij prod_{k in j} f_k; holds_jk says which features item j has. t = log f minimizes the
    convex sum_i mix_i log Z_i(t) - sum_k wanted_k t_k; damped Newton from log wanted. Features
    wanted with probability 0 get the factor 0.
    """
    used = wanted > 0
    weight = weight * (holds[:, ~used].sum(axis=1) == 0)  # drop the items that may not occur
    if (weight.sum(axis=1) == 0).any():
        raise ArithmeticError("the wanted margins leave some explanation without a possible state")
    features, target = holds[:, used], wanted[used]
    log_factor = np.log(target)
    for _ in range(100):
        chance, value = item_chances(mix, weight, features, target, log_factor)
        given = chance @ features  # (rows, features)
        miss = target - mix @ given
        if np.abs(miss / target).max() < 1e-14:
            break
        curvature = features.T @ ((mix @ chance)[:, None] * features) - given.T @ (mix[:, None] * given)
        scale = 1 / np.sqrt(target)
        step = np.linalg.lstsq(curvature * np.outer(scale, scale), scale * miss, rcond=1e-11)[0] * scale
        step /= max(1.0, np.abs(step).max() / 4)
        while item_chances(mix, weight, features, target, log_factor + step)[1] > value + 1e-13:
            step /= 2
        log_factor = log_factor + step
    chance, _ = item_chances(mix, weight, features, target, log_factor)
    missed = np.abs(mix @ chance @ features / target - 1).max()
    if not missed < REFERENCE_SOLVED:
        raise ArithmeticError(f"margins cannot be met: off by {missed:.2g} of their value")
    factors = np.zeros(len(wanted))
    factors[used] = np.exp(log_factor)
    return [float(factor) for factor in factors]


def item_chances(
    mix: np.ndarray,
    weight: np.ndarray,
    features: np.ndarray,
    target: np.ndarray,
    log_factor: np.ndarray,
) -> tuple[np.ndarray, float]:
    """P(item | row), and the convex function `solve_factors` minimizes."""
    exponent = features @ log_factor
    top = exponent.max()
    cell = weight * np.exp(exponent - top)
    total = cell.sum(axis=1)
    return cell / total[:, None], float(mix @ (np.log(total) + top) - target @ log_factor)


# ---- one case ----------------------------------------------------------------------------------


def likelihood(evidence: Evidence, name: str, states: Sequence[str], number: Number) -> list[Any]:
    """One number per state: all 1 if unknown, one-hot if known, as given if virtual."""
    given = evidence.get(name)
    if given is None:
        return [number(1)] * len(states)
    if isinstance(given, str):
        given = {state: float(state == given) for state in states}
    if sorted(given) != sorted(states) or not any(given.values()):
        raise ValueError(f"{name}: cannot read {evidence[name]}, expected one of {states}, or all")
    return [number(float(given[state])) for state in states]


def infer(spec: NetworkSpec, base: Base, evidence: Evidence, number: Number = float) -> Answer:
    """w(H) = P(H) prod_v sum_s P(v = s | H) L(s); posteriors are sums of w over its total.

    Evidence names a state, or a likelihood for every state; causes are `absent` or `present`.
    """
    stray = set(evidence) - set(spec.causes) - {v.id for v in (*spec.contexts, *spec.findings)}
    if stray:
        raise KeyError(f"unknown variables {sorted(stray)}")
    weights = prior(spec, base, number)
    inside: dict[tuple[str, Explanation], list[Any]] = {}  # P(v = s | H, own evidence), unnormalized
    for found in weights:
        for cause in spec.causes:
            weights[found] *= likelihood(evidence, cause, PRESENCE, number)[cause in found]
        for finding in spec.findings:
            seen = likelihood(evidence, finding.id, finding.states, number)
            table = finding_given(spec, finding, found, number)
            inside[finding.id, found] = [p * weight for p, weight in zip(table, seen, strict=True)]
            weights[found] *= sum(inside[finding.id, found])
        for block in blocks(spec):
            table_of_cells = seen_cells(spec, base, block, evidence, found, number)
            for place, context in enumerate(block):
                inside[context.id, found] = [
                    sum((p for cell, p in table_of_cells.items() if cell[place] == s), number(0))
                    for s in range(len(context.states))
                ]
            weights[found] *= sum(table_of_cells.values())
    return summed(spec, weights, inside, number)


def seen_cells(
    spec: NetworkSpec,
    base: Base,
    block: Sequence[ContextSpec],
    evidence: Evidence,
    explanation: Explanation,
    number: Number,
) -> dict[Cell, Any]:
    """P(cell | H) times the likelihood of each member's state."""
    table = block_given(spec, base, block, explanation, number)
    for cell in table:
        for context, k in zip(block, cell, strict=True):
            table[cell] *= likelihood(evidence, context.id, context.states, number)[k]
    return table


def summed(
    spec: NetworkSpec,
    weights: dict[Explanation, Any],
    inside: Mapping[tuple[str, Explanation], list[Any]],
    number: Number,
) -> Answer:
    """P(H | e), its sums per cause, P(v = s | e) = sum_H P(H | e) P(v = s | H, own evidence)."""
    total = sum(weights.values())
    nan = number(math.nan)
    after = {found: weight / total if total else nan for found, weight in weights.items()}
    posterior = {c: sum((p for found, p in after.items() if c in found), number(0)) for c in spec.causes}
    states = {}
    for variable in (*spec.contexts, *spec.findings):
        margin = [number(0) if total else nan] * len(variable.states)
        for found, probability in after.items():
            own = inside[variable.id, found]
            if probability > 0:
                margin = [m + probability * p / sum(own) for m, p in zip(margin, own, strict=True)]
        states[variable.id] = dict(zip(variable.states, margin, strict=True))
    log = math.log if number is float else mpmath.log
    return Answer(posterior, log(total) if total else number(-math.inf), after, states)


def posterior(spec: NetworkSpec, evidence: Evidence, setting: str, *, base: Base | None = None) -> Answer:
    """Everything about one case in doubles; `base` saves solving for it again."""
    return infer(spec, solve_base(spec, setting) if base is None else base, evidence)


def digits(spec: NetworkSpec, base: Base, evidence: Evidence, n_digits: int = 50) -> Answer:
    """The same last step with `n_digits` digits, from base factors that are taken as exact."""
    with mpmath.workdps(n_digits):
        return infer(spec, base, evidence, mpmath.mpf)


# ---- the whole joint, for networks of a handful of variables ------------------------------------


def joint(spec: NetworkSpec, base: Base) -> Iterator[tuple[Explanation, dict[str, str], float]]:
    """Every complete world (H, state of every variable) with its probability; they sum to 1."""
    grouped = blocks(spec)
    for found, chance in prior(spec, base).items():
        tables: list[list[tuple[dict[str, str], float]]] = []
        for block in grouped:
            given = block_given(spec, base, block, found)
            named = [{x.id: x.states[k] for x, k in zip(block, cell, strict=True)} for cell in given]
            tables.append(list(zip(named, given.values(), strict=True)))
        for finding in spec.findings:
            given_states = finding_given(spec, finding, found)
            tables.append([({finding.id: s}, p) for s, p in zip(finding.states, given_states, strict=True)])
        for choice in itertools.product(*tables):
            world = {name: state for part, _ in choice for name, state in part.items()}
            yield found, world, chance * math.prod(p for _, p in choice)
