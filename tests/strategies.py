"""Hypothesis strategies for small random networks and for evidence about them.

Every network can be solved by construction: base factors and effects are drawn first, the margins
that follow from them are computed by brute force, and these become the shares and frequencies.
Hypothesis draws the shape (and shrinks it); the numbers come from a generator with a drawn seed.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

import reference
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

__all__ = ["Cases", "cases", "evidence", "specs"]

Evidence: TypeAlias = dict[str, str | dict[str, float]]
Cases: TypeAlias = tuple[NetworkSpec, str, list[Evidence]]

SEEDS = st.integers(0, 2**32 - 1)
PAIR_STATES = ("absent", "present")


# ---- networks ----------------------------------------------------------------------------------


@st.composite
def specs(
    draw: DrawFn,
    *,
    max_n_causes: int = 6,
    max_n_contexts: int = 4,
    max_n_findings: int = 5,
    with_gates: bool = True,
) -> NetworkSpec:
    """Draw a valid network; `with_gates` allows impossible states, pairs and certain findings."""
    n_causes = draw(st.integers(2, max_n_causes))
    n_settings = draw(st.integers(1, 2))
    context_sizes = draw(st.lists(st.integers(2, 4), max_size=max_n_contexts))
    finding_sizes = draw(st.lists(st.integers(2, 4), max_size=max_n_findings))
    max_causes = draw(st.sampled_from(sorted({2, min(3, n_causes)})))
    n_joined = draw(st.sampled_from([0, *range(2, len(context_sizes) + 1)]))
    rng = np.random.default_rng(draw(SEEDS))
    causes = tuple(f"cause_{k}" for k in range(n_causes))
    findings = [random_finding(rng, k, size, n_causes, with_gates) for k, size in enumerate(finding_sizes)]
    safe = [int(rng.integers(size)) if rng.random() < 0.3 else 0 for size in context_sizes]
    contexts = [
        random_context(rng, k, size, n_causes, n_settings, safe[k] if with_gates else None)
        for k, size in enumerate(context_sizes)
    ]
    draft = NetworkSpec(
        causes=causes,
        max_causes=max_causes,
        settings=tuple(f"setting_{k}" for k in range(n_settings)),
        shares=np.full((n_settings, n_causes), np.nan),
        pair_odds_ratio=random_pairs(rng, causes, with_gates),
        contexts=tuple(contexts),
        findings=tuple(keep_ordered(finding, causes, max_causes) for finding in findings),
        dependencies=random_dependencies(rng, contexts[:n_joined], safe, with_gates),
    )
    return with_margins(draft, [random_base(rng, draft, safe, with_gates) for _ in range(n_settings)])


def random_pairs(
    rng: np.random.Generator, causes: tuple[str, ...], with_gates: bool
) -> dict[tuple[str, str], float]:
    """Odds ratios for about a fifth of the pairs, in either order of the names; some exclude one another."""
    chosen = [pair for pair in itertools.combinations(causes, 2) if rng.random() < 0.2]
    return {
        (pair if rng.random() < 0.5 else pair[::-1]): 0.0
        if with_gates and rng.random() < 0.2
        else three_digits(np.exp(rng.normal(0, 1.2)))
        for pair in chosen
    }


def random_context(
    rng: np.random.Generator, k: int, size: int, n_causes: int, n_settings: int, safe: int | None
) -> ContextSpec:
    """Draw odds ratios; no gate closes the state `safe`, so every explanation keeps a state."""
    odds_ratio = np.exp(rng.normal(0, 1.2, (n_causes, size)))
    odds_ratio[rng.random(n_causes) < 0.4] = 1  # causes that have nothing to do with it
    odds_ratio[:, 0] = 1
    if safe is not None:
        for c in range(n_causes):
            if rng.random() < 0.08:  # nothing but the safe state is possible
                odds_ratio[c] = np.arange(size) == safe
            closed = (rng.random(size) < 0.07) & (np.arange(size) != safe) & (np.arange(size) != 0)
            odds_ratio[c, closed] = 0
    return ContextSpec(
        id=f"context_{k}",
        layer=("context", "pathology")[k % 2],
        states=PAIR_STATES if size == 2 else tuple(f"state_{s}" for s in range(size)),
        frequency=np.full((n_settings, size), np.nan),
        odds_ratio=np.vectorize(three_digits)(odds_ratio),
    )


def random_dependencies(
    rng: np.random.Generator, block: list[ContextSpec], safe: list[int], with_gates: bool
) -> dict[tuple[tuple[str, str], tuple[str, str]], float]:
    """Join the contexts as a chain plus chance links; safe states never exclude one another."""
    factors = {}
    for i, j in itertools.combinations(range(len(block)), 2):
        pairs = list(itertools.product(range(len(block[i].states)), range(len(block[j].states))))
        n_linked = int(rng.integers(1, 4)) if j == i + 1 else int(rng.integers(0, 2))
        for index in rng.choice(len(pairs), n_linked, replace=False):
            s, t = pairs[index]
            gate = with_gates and (s, t) != (safe[i], safe[j]) and rng.random() < 0.5
            ends = (block[i].id, block[i].states[s]), (block[j].id, block[j].states[t])
            factor = 0.0 if gate else three_digits(np.exp(rng.normal()))
            factors[ends if rng.random() < 0.5 else ends[::-1]] = factor
    return factors


def random_base(
    rng: np.random.Generator, draft: NetworkSpec, safe: list[int], with_gates: bool
) -> reference.Base:
    """Draw base factors: rare and common causes, sparse or crowded explanations, some zeros."""
    weight = np.exp(rng.normal(0, 1.5, len(draft.causes)))
    weight *= np.exp(rng.uniform(-2.5, 0.5)) / weight.sum()
    state = {}
    for context, kept in zip(draft.contexts, safe, strict=True):
        factor = rng.dirichlet(np.ones(len(context.states))) + 0.01
        if with_gates and rng.random() < 0.1:  # a state that never occurs in this setting
            factor[(kept + 1) % len(factor)] = 0
        state[context.id] = factor.tolist()
    return reference.Base(cause=dict(zip(draft.causes, weight.tolist(), strict=True)), state=state)


def with_margins(draft: NetworkSpec, bases: list[reference.Base]) -> NetworkSpec:
    """Fill in the shares and frequencies that follow from the bases, one per setting."""
    shares = []
    for base in bases:
        chance = reference.prior(draft, base)
        shares.append([sum(p for found, p in chance.items() if cause in found) for cause in draft.causes])
    contexts = []
    for context in draft.contexts:
        rows = np.array([reference.state_margins(draft, base, context.id) for base in bases])
        contexts.append(dataclasses.replace(context, frequency=rows / rows.sum(axis=1, keepdims=True)))
    return dataclasses.replace(draft, shares=np.array(shares), contexts=tuple(contexts))


# ---- findings whose cumulative rows stay ordered -----------------------------------------------


def random_finding(
    rng: np.random.Generator, k: int, size: int, n_causes: int, with_gates: bool
) -> FindingSpec:
    """Draw rows above and below the background, missing ones, and (gates) rows of 0 and of 1.

    Half the findings shift the background by an odds ratio, which keeps every explanation ordered;
    the other half draws free rows, for `keep_ordered` to mend.
    """
    background = np.cumsum(rng.dirichlet(np.ones(size)) * 0.9 + 0.1 / size)[:-1][::-1]
    if rng.random() < 0.5:  # more often a background is small
        background = background * three_digits(np.exp(rng.uniform(-4, 0)))
    cumulative = np.full((n_causes, size - 1), np.nan)
    is_free = rng.random() < 0.5
    for c in range(n_causes):
        if rng.random() < 0.3:
            continue
        if with_gates and rng.random() < 0.06:
            cumulative[c] = rng.integers(2)
        elif is_free:
            cumulative[c] = np.cumsum(rng.dirichlet(np.ones(size)) * 0.9 + 0.1 / size)[:-1][::-1]
        else:
            cumulative[c] = shifted(background, rng.normal(0, 2))
    return FindingSpec(
        id=f"finding_{k}",
        layer=("finding", "test")[k % 2],
        states=PAIR_STATES if size == 2 else tuple(f"state_{s}" for s in range(size)),
        background=background,
        cumulative=cumulative,
    )


def shifted(background: np.ndarray, log_odds_ratio: float) -> np.ndarray:
    """The background with the odds of every cumulative probability multiplied."""
    odds = background / (1 - background) * np.exp(log_odds_ratio)
    return odds / (1 + odds)


def keep_ordered(finding: FindingSpec, causes: tuple[str, ...], max_causes: int) -> FindingSpec:
    """The finding, with proportional-odds rows if some explanation made its own rows cross."""
    empty = NetworkSpec(causes, max_causes, (), np.zeros((0, len(causes))), {}, (), (finding,), {})
    for found in reference.explanations(empty):
        table = reference.finding_steps(empty, finding, found)
        if any(abs(p) > 0 and p < 1e-6 for p in table):  # crossing, or so close that rounding decides
            break
    else:
        return finding
    rows = finding.cumulative.copy()
    for c, lowest in enumerate(rows[:, 0]):
        if 0 < lowest < 1:
            background = finding.background[0]
            odds_ratio = lowest / (1 - lowest) * (1 - background) / background
            rows[c] = shifted(finding.background, float(np.log(odds_ratio)))
    return dataclasses.replace(finding, cumulative=rows)


def three_digits(value: float) -> float:
    """The value with three significant digits, so that a failing network can be read."""
    return float(f"{value:.3g}")


# ---- evidence ----------------------------------------------------------------------------------


@st.composite
def evidence(
    draw: DrawFn,
    spec: NetworkSpec,
    setting: str,
    *,
    is_possible: bool = True,
    with_certain_causes: bool = False,
) -> Evidence:
    """Draw what is known of one case: states, likelihoods, causes; most variables may stay unknown.

    A possible case hides a world of positive probability, picked evenly among explanations and
    states and not by their probability, so unlikely evidence is common. Otherwise states are picked
    blindly, and the evidence may or may not have probability 0. `with_certain_causes` draws no
    likelihoods for causes.
    """
    rng = np.random.default_rng(draw(SEEDS))
    density = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    cause_density = draw(st.sampled_from([0.0, 0.0, 0.3]))
    if is_possible:
        world = possible_world(rng, spec, reference.solve_base(spec, setting))
    else:
        world = {v.id: str(rng.choice(v.states)) for v in (*spec.contexts, *spec.findings)}
        world |= {cause: str(rng.choice(PAIR_STATES)) for cause in spec.causes}
    states = {v.id: v.states for v in (*spec.contexts, *spec.findings)}
    states |= dict.fromkeys(spec.causes, PAIR_STATES)
    given: Evidence = {}
    for name in rng.permutation(list(world)).tolist():  # the order of the evidence varies as well
        is_cause = name in spec.causes
        if rng.random() < (cause_density if is_cause else density):
            is_virtual = rng.random() < 0.25 and not (is_cause and with_certain_causes)
            given[name] = virtual(rng, states[name], world[name]) if is_virtual else world[name]
    return given


def virtual(rng: np.random.Generator, states: tuple[str, ...], true_state: str) -> dict[str, float]:
    """A likelihood per state, not normalized, positive for the true state and 0 for some others."""
    values = {state: three_digits(rng.uniform(0.001, 1)) for state in states}
    ruled_out = [s for s in states if s != true_state and rng.random() < 0.2]
    return values | dict.fromkeys(ruled_out, 0.0)


def possible_world(rng: np.random.Generator, spec: NetworkSpec, base: reference.Base) -> dict[str, str]:
    """One state per variable and cause, jointly possible."""
    never = [set(pair) for pair, odds_ratio in spec.pair_odds_ratio.items() if odds_ratio == 0]
    listed = [h for h in reference.explanations(spec) if not any(pair <= set(h) for pair in never)]
    found = listed[rng.integers(len(listed))]
    world = {cause: PAIR_STATES[cause in found] for cause in spec.causes}
    for block in reference.blocks(spec):
        table = reference.block_given(spec, base, block, found)
        open_cells = [cell for cell, p in table.items() if p > 0]
        cell = open_cells[rng.integers(len(open_cells))]
        world |= {context.id: context.states[k] for context, k in zip(block, cell, strict=True)}
    for finding in spec.findings:
        table_of_states = reference.finding_given(spec, finding, found)
        open_states = [s for s, p in zip(finding.states, table_of_states, strict=True) if p > 0]
        world[finding.id] = open_states[rng.integers(len(open_states))]
    return world


@st.composite
def cases(
    draw: DrawFn,
    *,
    n_max: int = 5,
    is_possible: bool = True,
    with_certain_causes: bool = False,
    networks: SearchStrategy[NetworkSpec] | None = None,
) -> Cases:
    """Draw a network, one of its settings, and evidence on one to `n_max` cases."""
    spec = draw(specs() if networks is None else networks)
    setting = draw(st.sampled_from(spec.settings))
    given = evidence(spec, setting, is_possible=is_possible, with_certain_causes=with_certain_causes)
    return spec, setting, draw(st.lists(given, min_size=1, max_size=n_max))


def log_weights() -> st.SearchStrategy[np.ndarray]:
    """Log weights of explanations: from certain to impossible, some far below what a double can hold."""
    values = st.floats(-2_000, 100) | st.just(-np.inf)
    return st.lists(values, min_size=0, max_size=40).map(lambda rest: np.array([0.5, *rest]))
