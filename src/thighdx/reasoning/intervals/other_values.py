"""Base rates under other values of the judgements: many sets of values side by side, or one value changed.

Shares and frequencies are margins that hold whatever else is judged, so a changed judgement changes theta and the
factors of contexts as well. They are solved again by the Newton iterations a model is built with
(`thighdx.network.solve`), from the solution at the values of the model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.special import logit

from thighdx.arrays import below_peak, softmax
from thighdx.network.blocks import Block
from thighdx.network.build import Network, pair_log_odds
from thighdx.network.solve import solve_many
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.margins import pair_membership, share_margins

__all__ = ["SOLVED", "BlockPlan", "BlockValues", "JudgementValues", "block_plan"]

TARGET = 1e-12
SOLVED = 1e-8
"""Margins that are missed by more than this have no solution; Newton goes on to `TARGET` if it can."""
# Numbers worked on at once when a block is solved: 8 MB, which stay in the cache of the processor.
CELLS_AT_ONCE = 1_000_000

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, eq=False)
class BlockPlan:
    """What every solution of one block of contexts in one setting has in common.

    Attributes
    ----------
    features : (n_cells, n_factors) float64
        One 0/1 column per solved factor: every state that occurs but the most frequent of each member.
    places : tuple of (int, int)
        Member and state of every factor.
    theta : (n_factors,) float64
        The solution at the values of the model.
    log_fixed : (n_cells,) float64
        Log of the dependency factors there; -inf for cells of a state that never occurs.
    dependencies : tuple of (int, (n_cells,) bool)
        Judgements of dependencies, and the cells they are about.
    frequencies, effects : tuple over members of (n_states,), of (n_causes, n_states) intp
        Judgements.
    classes : (n_classes, max_causes) intp
        Distinct sets of members that the block has anything to do with.
    class_idx : (n_explanations,) intp
    leading : (n_leading,) intp
        The classes that margins are summed over.
    lump : (n_leading, n_explanations) sparse 0/1
    """

    setting: int
    block: Block
    features: Floats
    places: tuple[tuple[int, int], ...]
    theta: Floats
    log_fixed: Floats
    dependencies: tuple[tuple[int, npt.NDArray[np.bool_]], ...]
    frequencies: tuple[Indices, ...]
    effects: tuple[Indices, ...]
    classes: Indices
    class_idx: Indices
    leading: Indices
    lump: csr_array

    @property
    def rated(self) -> Indices:
        """Judgements of frequencies."""
        return np.concatenate([own[own != NO_JUDGEMENT] for own in self.frequencies])

    @property
    def judgements(self) -> Indices:
        """All judgements that are about the block."""
        effects = [own[own != NO_JUDGEMENT] for own in self.effects]
        return np.concatenate([self.rated, *effects, [position for position, _ in self.dependencies]]).astype(
            np.intp
        )

    def margins(self, values: Floats) -> Floats:
        """Return the frequency that belongs to every factor, (n, n_factors); what nobody rated takes the rest."""
        columns = []
        for slot, state in self.places:
            own = self.frequencies[slot]
            if own[state] != NO_JUDGEMENT:
                columns.append(values[:, own[state]])
            else:
                columns.append(1.0 - values[:, own[own != NO_JUDGEMENT]].sum(axis=1))
        return np.array(columns).reshape(len(columns), len(values)).T


@dataclass(frozen=True, slots=True, eq=False)
class BlockValues:
    """Factors of one block in one setting for every set of values.

    Attributes
    ----------
    log_base : (n, n_cells) float64
        Log of the solved factors times the dependency factors.
    odds : tuple over members of (n, n_causes + 1, n_states) float64
        Odds ratios of every cause; the last row, for an empty place, is 1.
    error : (n,) float64
        How far the worst margin is off.
    """

    plan: BlockPlan
    log_base: Floats
    odds: tuple[Floats, ...]
    error: Floats

    def log_known(self, seen: Floats, explanation_idx: Indices) -> Floats:
        """Return log P(what is known of the block | H), (n, n_chosen).

        Parameters
        ----------
        seen : (n_cells,) float64
            Likelihood of every cell.
        """
        wanted, place = np.unique(self.plan.class_idx[explanation_idx], return_inverse=True)
        classes, block = self.plan.classes[wanted], self.plan.block
        base = below_peak(self.log_base)
        both = np.stack([base * seen, base], axis=2)  # (n, n_cells, 2)
        out = np.empty((len(base), len(classes)))
        size = max(1, CELLS_AT_ONCE // (len(classes) * len(block.cells)))
        for first in range(0, len(base), size):
            rows = slice(first, first + size)
            sums = np.matmul(_products(classes, [table[rows] for table in self.odds], block), both[rows])
            with np.errstate(divide="ignore"):
                out[rows] = np.log(sums[:, :, 0]) - np.log(sums[:, :, 1])
        return out[:, place.reshape(-1)]


@dataclass(eq=False)
class JudgementValues:
    """Several sets of values of all judgements, and the base rates solved for each of them at first use.

    Parameters
    ----------
    natural : (n, n_judgements) float64
        Probabilities and odds ratios.
    mass : float
        Share of the prior mass that the margins of contexts are summed over.
    """

    network: Network
    layout: JudgementLayout
    natural: Floats
    mass: float = 1.0
    _solved: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def change(self, judgements: Indices) -> bool:
        """Whether any of some judgements has another value than that of the model."""
        return bool((self.natural[:, judgements] != self.layout.natural[judgements]).any())

    def shares(self, setting: int, *, elicited: bool = False) -> Floats:
        """Return the prevalence of every cause, (n, n_causes).

        Parameters
        ----------
        elicited : bool
            Also where a user replaced some: contexts keep the tables they were solved for.
        """
        positions = self.layout.shares[setting]
        own = positions == NO_JUDGEMENT
        own = own if elicited else own | self.layout.is_replaced[setting]
        return np.where(own, self.network.spec.shares[setting], self.natural[:, positions])

    def theta(self, setting: int, *, elicited: bool = False) -> tuple[Floats, Floats]:
        """Return theta, (n, n_causes), and how far the worst share is off, (n,)."""
        elicited = elicited and bool(self.layout.is_replaced[setting].any())
        return self._once(("theta", setting, elicited), lambda: self._solve_theta(setting, elicited))

    def log_prior(self, setting: int, explanation_idx: Indices, *, elicited: bool = False) -> Floats:
        """Return log P(H) up to a constant, (n, n_chosen)."""
        theta = self.theta(setting, elicited=elicited)[0]
        return theta @ self.network.membership[explanation_idx].T + self._pair_scores()[:, explanation_idx]

    def block(self, setting: int, block: Block) -> BlockValues:
        """Return the factors of a block."""
        plan = block_plan(self.network, self.layout, setting, block, mass=self.mass)
        return self._once(("block", setting, block.context_idx), lambda: self._solve_block(plan))

    def _once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        with self._lock:
            if key not in self._solved:
                self._solved[key] = make()
            return cast(_Made, self._solved[key])

    def _solve_theta(self, setting: int, elicited: bool) -> tuple[Floats, Floats]:
        members = self.network.membership
        point = share_margins(self.network, self.layout, setting, elicited=elicited)
        factor = below_peak(self._pair_scores())[:, None, :]
        shares = self.shares(setting, elicited=elicited)
        start = point.theta + logit(shares) - logit(point.prior @ members)
        return solve_many(factor, members, np.ones((len(start), 1)), shares, start, target=TARGET)

    def _pair_scores(self) -> Floats:
        """Return the sum of log odds ratios over the pairs inside explanations, (n, n_explanations)."""
        judged, both, point = _judged_pairs(self.network, self.layout)
        moved = self.layout.to_working(self.natural, judged) - self.layout.point[judged]
        return np.asarray(point + (both @ moved.T).T)

    def _solve_block(self, plan: BlockPlan) -> BlockValues:
        every = np.arange(self.network.explanations.n_explanations)
        prior = softmax(self.log_prior(plan.setting, every, elicited=True))
        mass = np.asarray((plan.lump @ prior.T).T)
        odds = tuple(
            self._odds(context, own)
            for context, own in zip(plan.block.context_idx, plan.effects, strict=True)
        )
        fixed = np.tile(plan.log_fixed, (len(self.natural), 1))
        for position, is_there in plan.dependencies:
            moved = self.layout.to_working(self.natural, np.array([position])) - self.layout.point[position]
            fixed[:, is_there] += moved
        log_base, error = np.empty_like(fixed), np.empty(len(fixed))
        found = BlockValues(plan, log_base, odds, error)
        self._solve_factors(found, mass / mass.sum(axis=1, keepdims=True), fixed, np.arange(len(fixed)))
        return found

    def _solve_factors(self, found: BlockValues, mass: Floats, fixed: Floats, rows: Indices) -> None:
        """Fill in the solution of some rows."""
        plan, classes = found.plan, found.plan.classes[found.plan.leading]
        point = plan.margins(self.layout.natural[None])
        size = max(1, CELLS_AT_ONCE // (len(classes) * len(plan.block.cells)))
        for first in range(0, len(rows), size):
            own = rows[first : first + size]
            margins = plan.margins(self.natural[own])
            is_possible = (margins > 0) & (margins < 1)
            start = plan.theta + np.where(
                is_possible, logit(np.where(is_possible, margins, 0.5)) - logit(point), 0.0
            )
            tilt = _products(classes, [table[own] for table in found.odds], plan.block)
            tilt *= np.exp(fixed[own])[:, None, :]  # (n_own, n_classes, n_cells)
            theta, found.error[own] = solve_many(
                tilt, plan.features, mass[own], margins, start, target=TARGET
            )
            found.log_base[own] = theta @ plan.features.T + fixed[own]

    def _odds(self, context: int, effects: Indices) -> Floats:
        """Return odds ratios of every cause and state, (n, n_causes + 1, n_states)."""
        spec = self.network.spec.contexts[context].odds_ratio
        values = np.where(effects == NO_JUDGEMENT, spec, self.natural[:, effects])
        return np.concatenate([values, np.ones((len(values), 1, values.shape[2]))], axis=1)


def _judged_pairs(network: Network, layout: JudgementLayout) -> tuple[Indices, csr_array, Floats]:
    """Return the judgements of pairs, the explanations that hold both, and sums of log odds ratios, kept."""

    def make() -> tuple[Indices, csr_array, Floats]:
        is_open = np.isfinite(layout.point[layout.pairs[:, 2]])  # never together has no other value
        both = csr_array(pair_membership(network, layout)[:, is_open])
        point = network.explanations.sum_over_pairs(pair_log_odds(network.spec))
        return layout.pairs[is_open, 2], both, point

    return network.once(("judged_pairs", id(layout)), make)


def _products(classes: Indices, odds: list[Floats], block: Block) -> Floats:
    """Return the product of odds ratios over members, (n, n_classes, n_cells)."""
    per_cause = odds[0][:, :, block.cells[:, 0]]  # (n, n_causes + 1, n_cells)
    for slot, table in enumerate(odds[1:], start=1):
        per_cause = per_cause * table[:, :, block.cells[:, slot]]
    total = per_cause[:, classes[:, 0]]
    for place in range(1, classes.shape[1]):
        total *= per_cause[:, classes[:, place]]
    return total


def block_plan(
    network: Network, layout: JudgementLayout, setting: int, block: Block, *, mass: float = 1.0
) -> BlockPlan:
    """Return what the solutions of a block share, made at first use and kept with the network.

    Parameters
    ----------
    mass : float
        The leading classes hold at least this share of the prior.
    """
    key = ("block_plan", setting, block.context_idx, mass, id(layout))
    return network.once(key, lambda: _block_plan(network, layout, setting, block, mass))


def _block_plan(
    network: Network, layout: JudgementLayout, setting: int, block: Block, mass: float
) -> BlockPlan:
    contexts = [network.spec.contexts[context] for context in block.context_idx]
    columns, places, theta, log_fixed = [], [], [], block.log_dependency.copy()
    for slot, (position, context) in enumerate(zip(block.context_idx, contexts, strict=True)):
        states, frequency = block.cells[:, slot], context.frequency[setting]
        log_fixed[frequency[states] <= 0] = -np.inf
        for state in np.flatnonzero(frequency > 0).tolist():
            if state != int(np.argmax(frequency)):
                columns.append(states == state)
                places.append((slot, state))
                theta.append(network.solved.factors[setting][position][state])
    effects = tuple(layout.effects[context] for context in block.context_idx)
    classes, class_idx = _classes(network, effects, [context.odds_ratio for context in contexts])
    prior = share_margins(network, layout, setting, elicited=True).prior
    weight = np.bincount(class_idx, weights=prior, minlength=len(classes))
    falling = np.argsort(-weight, kind="stable")
    n_leading = len(falling) if mass >= 1 else int(np.searchsorted(np.cumsum(weight[falling]), mass)) + 1
    leading = np.sort(falling[:n_leading])
    ones = (np.ones(len(class_idx)), (class_idx, np.arange(len(class_idx))))
    slots = {context: slot for slot, context in enumerate(block.context_idx)}
    return BlockPlan(
        setting=setting,
        block=block,
        features=np.array(columns, dtype=np.float64).reshape(len(columns), len(block.cells)).T,
        places=tuple(places),
        theta=np.array(theta),
        log_fixed=log_fixed,
        dependencies=tuple(
            (int(position), (block.cells[:, slots[a]] == state_a) & (block.cells[:, slots[b]] == state_b))
            for a, state_a, b, state_b, position in layout.dependencies.tolist()
            if a in slots
        ),
        frequencies=tuple(layout.frequencies[context][setting] for context in block.context_idx),
        effects=effects,
        classes=classes,
        class_idx=class_idx,
        leading=leading,
        lump=csr_array(ones, shape=(len(classes), len(class_idx)))[leading],
    )


def _classes(network: Network, effects: tuple[Indices, ...], odds: list[Floats]) -> tuple[Indices, Indices]:
    """Return the distinct sets of members with an odds ratio of their own, and the one of every explanation."""
    explanations = network.explanations
    none = explanations.n_causes
    own = [((e != NO_JUDGEMENT) | (o != 1)).any(axis=1) for e, o in zip(effects, odds, strict=True)]
    matters = np.append(np.any(own, axis=0), False)
    members = np.sort(np.where(matters[explanations.members], explanations.members, none), axis=1)
    code = members @ ((none + 1) ** np.arange(members.shape[1]))
    _, first, class_idx = np.unique(code, return_index=True, return_inverse=True)
    return members[first], class_idx.reshape(-1)
