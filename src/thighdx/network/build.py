"""From plain numbers to a frozen network of log tables over explanations."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from thighdx.arrays import log_total
from thighdx.network.blocks import Block, block_log_cells, make_blocks, solve_block
from thighdx.network.explanations import Explanations, enumerate_explanations
from thighdx.network.gates import log_state_probabilities
from thighdx.network.groups import SetMembers
from thighdx.network.solve import MARGIN_TOLERANCE, solve_margins
from thighdx.network.spec import ContextSpec, FindingSpec, Floats, NetworkSpec, read_only
from thighdx.once import Once

__all__ = [
    "Network",
    "SolvedParameters",
    "Unsolved",
    "build_network",
    "log_prior",
    "pair_log_odds",
    "solve_parameters",
    "solve_shares",
]

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Unsolved:
    """Elicited margins that no parameters reproduce."""

    setting: str
    variables: tuple[str, ...]  # empty: the shares of the causes
    error: float


@dataclass(frozen=True, slots=True)
class SolvedParameters:
    """Base parameters that reproduce the elicited margins.

    Attributes
    ----------
    theta : (n_settings, n_causes) float64
        Natural parameter of every cause.
    factors : tuple over settings of tuple over contexts of (n_states,) float64
        Log base factor of every state of every context.
    """

    theta: Floats
    factors: tuple[tuple[Floats, ...], ...]
    unsolved: tuple[Unsolved, ...] = ()


@dataclass(frozen=True, eq=False)
class Network:
    """Log tables over all explanations; immutable, rebuilt from its numbers when unpickled.

    Variables are ordered contexts (and pathologies) first, then findings (and tests). Causes are not
    variables: the explanation is the root.

    Attributes
    ----------
    finding_rows : (n_finding_states, n_explanations) float64
        log P(finding = state | H), all states of all findings below one another.
    state_offset : (n_variables,) intp
        First row of a variable among the rows of its kind (contexts or findings).
    """

    spec: NetworkSpec
    solved: SolvedParameters
    explanations: Explanations
    blocks: tuple[Block, ...]
    membership: Floats
    finding_rows: Floats
    state_offset: npt.NDArray[np.intp]
    n_states: npt.NDArray[np.intp]
    variable_ids: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    cache: dict[Hashable, Any] = field(default_factory=dict, repr=False)  # tables made at first use

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return what `make` makes, made by the first thread that asks and kept; the others wait for it."""
        kept = self.cache.get(key) or self.cache.setdefault(key, Once(make))
        return cast(Once[_Made], kept)()

    @cached_property
    def cause_members(self) -> SetMembers:
        """The explanations that hold each cause."""
        return SetMembers.of(self.membership)

    @property
    def n_contexts(self) -> int:
        """Number of contexts and pathologies: the first variables."""
        return len(self.spec.contexts)

    @property
    def n_variables(self) -> int:
        """Number of variables that can be evidence, causes aside."""
        return len(self.variable_ids)

    def log_prior(self, setting_idx: int) -> Floats:
        """Return log P(H | setting) as an (n_explanations,) array."""
        return log_prior(self.spec, self.explanations, self.solved.theta[setting_idx])

    def cells(self, setting_idx: int) -> tuple[Floats, ...]:
        """Return log P(cell | H, setting) per block, each (n_cells, n_explanations)."""
        factors = self.solved.factors[setting_idx]
        return tuple(
            block_log_cells(block, self.spec, self.explanations, tuple(factors[i] for i in block.context_idx))
            for block in self.blocks
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the numbers and rebuild the tables, which are a thousand times larger."""
        return build_network, (self.spec, self.solved)


def pair_log_odds(spec: NetworkSpec) -> Floats:
    """Return the symmetric (n_causes, n_causes) matrix of log odds ratios between causes."""
    index = {cause: position for position, cause in enumerate(spec.causes)}
    matrix = np.zeros((len(spec.causes), len(spec.causes)))
    for (a, b), odds_ratio in spec.pair_odds_ratio.items():
        value = np.log(odds_ratio) if odds_ratio > 0 else -np.inf  # 0: never together
        matrix[index[a], index[b]] = matrix[index[b], index[a]] = value
    return matrix


def log_prior(spec: NetworkSpec, explanations: Explanations, theta: Floats) -> Floats:
    """Return normalised log P(H) for natural parameters `theta`, as an (n_explanations,) array."""
    scores = explanations.sum_over_members(theta)
    scores = scores + explanations.sum_over_pairs(pair_log_odds(spec))
    return scores - log_total(scores)


def solve_shares(spec: NetworkSpec, explanations: Explanations, shares: Floats) -> tuple[Floats, float]:
    """Return theta whose prior marginals are `shares`, and the largest absolute error.

    Parameters
    ----------
    shares : (n_causes,) float64
        Each in (0, 1); their sum must lie strictly between 1 and `max_causes`.
    """
    offset = explanations.sum_over_pairs(pair_log_odds(spec))[None, :]
    start = np.log(shares) - np.log1p(-shares)  # exact if causes were independent and none a case
    solution = solve_margins(offset, explanations.membership(), np.ones(1), shares, start=start)
    return solution.theta, solution.error


def solve_parameters(spec: NetworkSpec) -> SolvedParameters:
    """Solve every setting; what cannot be reproduced is listed in `unsolved`, never hidden."""
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    blocks = make_blocks(spec)
    thetas, all_factors, unsolved = [], [], []
    for index, setting in enumerate(spec.settings):
        theta, error = solve_shares(spec, explanations, spec.shares[index])
        thetas.append(theta)
        if error > MARGIN_TOLERANCE:
            unsolved.append(Unsolved(setting, (), error))
            all_factors.append(tuple(np.zeros(len(c.states)) for c in spec.contexts))
            continue
        prior = np.exp(log_prior(spec, explanations, theta))
        factors: dict[int, Floats] = {}
        for block in blocks:
            solved, error = solve_block(block, spec, explanations, prior, index)
            factors.update(zip(block.context_idx, solved, strict=True))
            if error > MARGIN_TOLERANCE:
                names = tuple(spec.contexts[i].id for i in block.context_idx)
                unsolved.append(Unsolved(setting, names, error))
        all_factors.append(tuple(factors[i] for i in range(len(spec.contexts))))
    return SolvedParameters(np.array(thetas), tuple(all_factors), tuple(unsolved))


def build_network(spec: NetworkSpec, solved: SolvedParameters | None = None) -> Network:
    """Build the tables of a network.

    Parameters
    ----------
    spec : NetworkSpec
        Its arrays become read-only: they are the network's from now on.
    solved : SolvedParameters, optional
        Parameters solved earlier for the same numbers; solved here when missing. Its arrays become read-only.

    Raises
    ------
    ValueError
        If shares or frequencies cannot be reproduced. Callers with a knowledge base check first and
        report every such problem at once.
    """
    solved = solved or solve_parameters(spec)
    if solved.unsolved:
        worst = solved.unsolved[0]
        what = ", ".join(worst.variables) or "the shares of the causes"
        raise ValueError(f"{worst.setting}: no parameters reproduce {what} (off by {worst.error:.2g})")
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    rows = [log_state_probabilities(finding, explanations) for finding in spec.findings]
    _close(spec, solved)
    empty = np.zeros((0, explanations.n_explanations))
    members: tuple[ContextSpec | FindingSpec, ...] = (*spec.contexts, *spec.findings)
    n_states = np.array([len(member.states) for member in members], dtype=np.intp)
    offsets = np.concatenate(
        [_starts(n_states[: len(spec.contexts)]), _starts(n_states[len(spec.contexts) :])]
    )
    return Network(
        spec=spec,
        solved=solved,
        explanations=explanations,
        blocks=make_blocks(spec),
        membership=read_only(explanations.membership()),
        finding_rows=read_only(np.concatenate(rows) if rows else empty),
        state_offset=read_only(offsets),
        n_states=read_only(n_states),
        variable_ids=tuple(member.id for member in members),
        states=tuple(member.states for member in members),
    )


def _starts(counts: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return where each of consecutive runs of the given lengths begins."""
    return np.concatenate([[0], np.cumsum(counts)])[: len(counts)].astype(np.intp)


def _close(spec: NetworkSpec, solved: SolvedParameters) -> None:
    """Make every array a network is built from read-only."""
    read_only(spec.shares)
    read_only(solved.theta)
    for context in spec.contexts:
        read_only(context.frequency)
        read_only(context.odds_ratio)
    for finding in spec.findings:
        read_only(finding.background)
        read_only(finding.cumulative)
    for factors in solved.factors:
        for factor in factors:
            read_only(factor)
