"""Contexts given the causes: odds ratios, and joint tables for contexts that exclude one another.

A block is a set of contexts connected by dependencies; most blocks hold one context. Its cells are the
possible joint states, and

    P(cell | H) = base(cell) prod_{v in block} prod_{c in H} OR_{v, state, c} / Z_H

where base(cell) is the product of the dependency factors and of one solved factor per variable and state. An
odds ratio is the same number read from cause or from exposure (Cornfield 1951 [1]_; Prentice and Pyke
1979 [2]_), which is why exposures can hang from the causes.

.. [1] Cornfield J. A method of estimating comparative rates from clinical data. JNCI 1951;11:1269-75.
.. [2] Prentice RL, Pyke R. Logistic disease incidence models and case-control studies.
   Biometrika 1979;66:403-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from thighdx.arrays import log_total
from thighdx.network.explanations import Explanations
from thighdx.network.solve import Solution, solve_margins
from thighdx.network.spec import ContextSpec, Floats, NetworkSpec, read_only

__all__ = ["MAX_CELLS", "Block", "block_log_cells", "make_blocks", "solve_block"]

# A joint table beyond this is not a block any more but a modelling mistake.
MAX_CELLS = 5_000


@dataclass(frozen=True, slots=True)
class Block:
    """Contexts with a joint base table.

    Attributes
    ----------
    context_idx : tuple of int
        Positions of the members in `NetworkSpec.contexts`.
    cells : (n_cells, n_members) intp
        State index of every member in every possible cell.
    log_dependency : (n_cells,) float64
        Log of the product of the dependency factors.
    """

    context_idx: tuple[int, ...]
    cells: npt.NDArray[np.intp]
    log_dependency: Floats


def make_blocks(spec: NetworkSpec) -> tuple[Block, ...]:
    """Group the contexts of a specification into blocks, in the order of their first member.

    Raises
    ------
    ValueError
        If a block would have more than `MAX_CELLS` possible cells, or none.
    """
    index = {context.id: position for position, context in enumerate(spec.contexts)}
    leader = list(range(len(spec.contexts)))
    for (a, _), (b, _) in spec.dependencies:
        old, new = sorted((leader[index[a]], leader[index[b]]), reverse=True)
        leader = [new if value == old else value for value in leader]
    return tuple(
        _make_block(spec, tuple(i for i, value in enumerate(leader) if value == first))
        for first in sorted(set(leader))
    )


def _make_block(spec: NetworkSpec, context_idx: tuple[int, ...]) -> Block:
    """List the possible cells of one block."""
    members = [spec.contexts[position] for position in context_idx]
    if np.prod([float(len(member.states)) for member in members]) > 100 * MAX_CELLS:
        raise ValueError(f"block of {', '.join(m.id for m in members)}: too many joint states")
    cells, logs = [], []
    for cell in product(*(range(len(member.states)) for member in members)):
        named = [(m.id, m.states[s]) for m, s in zip(members, cell, strict=True)]
        factor = _dependency_factor(spec, named)
        if factor > 0:
            cells.append(cell)
            logs.append(np.log(factor))
    if len(cells) > MAX_CELLS:
        raise ValueError(f"block of {', '.join(m.id for m in members)}: more than {MAX_CELLS} cells")
    if not cells:
        raise ValueError(f"block of {', '.join(m.id for m in members)}: no joint state is possible")
    return Block(context_idx, read_only(np.array(cells, dtype=np.intp)), read_only(np.array(logs)))


def _dependency_factor(spec: NetworkSpec, named: list[tuple[str, str]]) -> float:
    """Multiply the dependency factors of all pairs of states in one cell."""
    factor = 1.0
    for first, second in combinations(named, 2):
        factor *= spec.dependencies.get((first, second), 1.0)
        factor *= spec.dependencies.get((second, first), 1.0)
    return factor


def _log_odds(block: Block, contexts: list[ContextSpec], explanations: Explanations) -> Floats:
    """Return the (n_explanations, n_cells) sum of log odds ratios over members and variables."""
    total = np.zeros((len(block.cells), explanations.n_explanations))
    for slot, context in enumerate(contexts):
        with np.errstate(divide="ignore"):
            per_state = explanations.sum_over_members(np.log(context.odds_ratio.T))
        total += per_state[block.cells[:, slot]]
    return np.ascontiguousarray(total.T)


def solve_block(
    block: Block, spec: NetworkSpec, explanations: Explanations, prior: Floats, setting_idx: int
) -> tuple[tuple[Floats, ...], float]:
    """Solve the factors of one block so that every elicited frequency holds in one setting.

    Parameters
    ----------
    prior : (n_explanations,) float64
        P(H | setting).

    Returns
    -------
    tuple of (n_states,) float64, float
        Log factor per member and state (0 for the most frequent state, -inf for a frequency of 0), and
        the largest absolute error of a margin.
    """
    contexts = [spec.contexts[position] for position in block.context_idx]
    frequencies = [context.frequency[setting_idx] for context in contexts]
    offset = _log_odds(block, contexts, explanations) + block.log_dependency
    columns, margins, places, start = [], [], [], []
    for slot, frequency in enumerate(frequencies):
        states = block.cells[:, slot]
        offset = np.where(frequency[states] > 0, offset, -np.inf)
        for state in range(len(frequency)):
            if frequency[state] > 0 and state != int(np.argmax(frequency)):
                columns.append((states == state).astype(np.float64))
                margins.append(frequency[state])
                start.append(np.log(frequency[state] / frequency.max()))  # exact if all odds ratios were 1
                places.append((slot, state))
    factors = tuple(np.where(frequency > 0, 0.0, -np.inf) for frequency in frequencies)
    if np.isneginf(offset.max(axis=1)).any():
        return factors, float("inf")
    features = np.stack(columns, axis=1) if columns else np.zeros((len(block.cells), 0))
    solution: Solution = solve_margins(offset, features, prior, np.array(margins), start=np.array(start))
    for (slot, state), value in zip(places, solution.theta, strict=True):
        factors[slot][state] = value
    return factors, solution.error


def block_log_cells(
    block: Block, spec: NetworkSpec, explanations: Explanations, factors: tuple[Floats, ...]
) -> Floats:
    """Return log P(cell | H) as an (n_cells, n_explanations) array; -inf where impossible."""
    contexts = [spec.contexts[position] for position in block.context_idx]
    scores = _log_odds(block, contexts, explanations) + block.log_dependency
    for slot, factor in enumerate(factors):
        scores = scores + factor[block.cells[:, slot]]
    scores -= log_total(scores)
    return np.ascontiguousarray(scores.T)
