"""What counts of contexts say about their frequencies, effects and dependencies.

Given a set of causes H the cells of a block (mostly the states of one context) follow

    log P(cell | H) = base factors + dependencies + log odds ratios of the causes in H - log Z_H,

an exponential family whose base factors are solved so that frequencies hold in each setting. With F the 0/1
features of a cell (its states, and the pairs of states that depend), s = F - E[F | H] is the score of a factor;
what moves the factors of all sets at once enters through the implicit function of the margins. Members of a joint
block that are not known are summed over. The mix of causes P(H) is taken as it is: what contexts could say about
shares, at most the square of their correlation with a cause, is not used (a cut in the sense of [1]_).

.. [1] Plummer M. Cuts in Bayesian graphical models. Stat Comput 2015;25:37-43.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from thighdx.learning.shares import inverse
from thighdx.learning.unit import Evaluation
from thighdx.network.blocks import Block, block_log_cells, solve_block
from thighdx.network.build import Network
from thighdx.network.solve import MARGIN_TOLERANCE
from thighdx.network.spec import Floats, NetworkSpec

__all__ = ["ContextUnit", "Met", "Number", "context_numbers"]


class Number(NamedTuple):
    """One judgement of a block: which kind, its first feature, and what else it needs.

    `other` is the setting of a frequency, the cause of an effect, the column of the feature of a dependency;
    `rest` the feature of the state that a frequency is taken from.
    """

    judgement_idx: int
    kind: Literal["frequency", "effect", "dependency"]
    feature: int
    other: int
    rest: int = -1


class Met(NamedTuple):
    """What was met in one setting: (n_patterns, n_cells) 0/1 cells that agree, (n_patterns, n_sets) counts, P(H)."""

    agree: Floats
    counts: Floats
    prior: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    """One setting at some values: P(cell | H), E[F | H], P(pattern | H), and the implicit part of all scores."""

    cells: Floats
    expected: Floats
    patterns: Floats
    through: Floats  # (n_features, k)


@dataclass(frozen=True, slots=True, eq=False)
class ContextUnit:
    """Frequencies, effects and dependencies of one block of contexts.

    Attributes
    ----------
    numbers : tuple of k Number
    features : (n_cells, n_features) float64
        States of the members, then one column per dependency.
    n_base : int
        How many are states.
    slots : (n_base, 2) intp
        Member and state of each.
    met : mapping of setting index to Met
    """

    network: Network
    block: Block
    numbers: tuple[Number, ...]
    features: Floats
    n_base: int
    slots: npt.NDArray[np.intp]
    met: Mapping[int, Met]

    @property
    def judgement_idx(self) -> npt.NDArray[np.intp]:
        """Positions of the judgements."""
        return np.array([number.judgement_idx for number in self.numbers], dtype=np.intp)

    def with_priors(self, priors: Mapping[int, Floats]) -> ContextUnit:
        """Return the unit for other shares."""
        return replace(self, met={s: own._replace(prior=priors[s]) for s, own in self.met.items()})

    def evaluate(self, x: Floats) -> Evaluation:
        """Return log likelihood, gradient and the information that all members known would have."""
        k = len(x)
        value, gradient, information = 0.0, np.zeros(k), np.zeros((k, k))
        for setting, met in self.met.items():
            solved = self._solve(x, setting)
            if solved is None or (solved.patterns[met.counts > 0] <= 0).any():
                return Evaluation.impossible(k)
            seen = met.counts > 0
            value += float((met.counts[seen] * np.log(solved.patterns[seen])).sum())
            n = met.counts.sum(axis=0)
            ratio = np.divide(met.counts, solved.patterns, out=np.zeros_like(met.counts), where=seen)
            surprise = self.features.T @ (solved.cells * (met.agree.T @ ratio)) - solved.expected * n
            gradient += self._gather(surprise, solved.through)
            information += self._information(solved, n)
        return Evaluation(value, gradient, information)

    def scores(self, x: Floats, setting: int, agree: Floats) -> Floats:
        """Return d log P(known members | H) / d x for one pattern, (n_sets, k)."""
        solved = self._solve(x, setting)
        assert solved is not None
        own = solved.cells * agree[:, None]
        total = own.sum(axis=0)
        own = np.divide(own, total, out=np.zeros_like(own), where=total > 0)
        surprise = (self.features.T @ own - solved.expected).T  # (n_sets, n_features)
        out = surprise @ solved.through
        for i, number in enumerate(self.numbers):
            if number.kind == "effect":
                out[:, i] += self.network.membership[:, number.other] * surprise[:, number.feature]
        return np.asarray(out)

    def missing(self, x: Floats) -> Floats:
        """Return the information that unknown members of the block take away, (k, k)."""
        lost = np.zeros((len(x), len(x)))
        if len(self.block.context_idx) == 1:
            return lost
        for setting, met in self.met.items():
            solved = self._solve(x, setting)
            assert solved is not None
            for agree, counts in zip(met.agree, met.counts, strict=True):
                sets = np.flatnonzero(counts)
                own = solved.cells[:, sets] * agree[:, None]
                own /= own.sum(axis=0)
                mean = self.features.T @ own
                spread = np.einsum("xf,xh,xg->hfg", self.features, own, self.features, optimize=True)
                spread -= np.einsum("fh,gh->hfg", mean, mean)
                lost += self._assemble(spread * counts[sets, None, None], sets, solved.through)
        return lost

    def credits(self, x: Floats) -> tuple[Floats, Floats]:
        """Return records that bear on each number, and those in the state, (k,) each."""
        bearing, credited = np.zeros(len(x)), np.zeros(len(x))
        for setting, met in self.met.items():
            solved = self._solve(x, setting)
            if solved is None:
                continue
            ratio = np.divide(
                met.counts, solved.patterns, out=np.zeros_like(met.counts), where=met.counts > 0
            )
            state = self.features.T @ (solved.cells * (met.agree.T @ ratio))  # (n_features, n_sets)
            n = met.counts.sum(axis=0)
            for i, number in enumerate(self.numbers):
                if number.kind == "frequency" and number.other != setting:
                    continue
                who = self.network.membership[:, number.other] if number.kind == "effect" else 1.0
                bearing[i] += (n * who).sum()
                credited[i] += (state[number.feature] * who).sum()
        return bearing, credited

    def _applied(self, x: Floats) -> tuple[NetworkSpec, Block] | None:
        """Put values into the specification; None where they leave no room for a state."""
        spec = self.network.spec
        contexts = list(spec.contexts)
        for place in self.block.context_idx:
            old = contexts[place]
            contexts[place] = replace(old, frequency=old.frequency.copy(), odds_ratio=old.odds_ratio.copy())
        log_dependency = self.block.log_dependency
        for value, number in zip(x.tolist(), self.numbers, strict=True):
            if number.kind == "dependency":
                log_dependency = log_dependency + value * self.features[:, number.feature]
                continue
            slot, state = self.slots[number.feature]
            context = contexts[self.block.context_idx[slot]]
            if number.kind == "effect":
                context.odds_ratio[number.other, state] = np.exp(value)
            else:
                rest = self.slots[number.rest, 1]
                context.frequency[number.other, rest] += context.frequency[number.other, state] - expit(value)
                context.frequency[number.other, state] = expit(value)
        if min(contexts[place].frequency[list(self.met)].min() for place in self.block.context_idx) < 0:
            return None
        return replace(spec, contexts=tuple(contexts)), replace(self.block, log_dependency=log_dependency)

    def _solve(self, x: Floats, setting: int) -> _Solved | None:
        """Solve the factors of one setting and differentiate them."""
        applied = self._applied(x)
        if applied is None:
            return None
        spec, block = applied
        met = self.met[setting]
        factors, error = solve_block(block, spec, self.network.explanations, met.prior, setting)
        if error > MARGIN_TOLERANCE:
            return None
        cells = np.exp(block_log_cells(block, spec, self.network.explanations, factors))
        expected = self.features.T @ cells
        base, own = self.features[:, : self.n_base], expected[: self.n_base]
        overall = (base * (cells @ met.prior)[:, None]).T @ self.features - (own * met.prior) @ expected.T
        inverted = inverse(overall[:, : self.n_base])
        through = np.zeros((self.features.shape[1], len(x)))
        for i, (value, number) in enumerate(zip(x.tolist(), self.numbers, strict=True)):
            if number.kind == "effect":
                weight = met.prior * self.network.membership[:, number.other]
                state = self.features[:, number.feature]
                moved = base.T @ ((cells @ weight) * state) - own @ (weight * expected[number.feature])
                through[: self.n_base, i] = -inverted @ moved
            elif number.kind == "dependency":
                through[: self.n_base, i] = -inverted @ overall[:, number.feature]
                through[number.feature, i] += 1.0
            elif number.other == setting:
                slope = expit(value) * expit(-value)
                through[: self.n_base, i] = (inverted[:, number.feature] - inverted[:, number.rest]) * slope
        return _Solved(cells, expected, met.agree @ cells, through)

    def _gather(self, surprise: Floats, through: Floats) -> Floats:
        """Sum scores of features, (n_features, n_sets), to those of the numbers, (k,)."""
        gradient = surprise.sum(axis=1) @ through
        by_cause = surprise @ self.network.membership  # (n_features, n_causes)
        for i, number in enumerate(self.numbers):
            if number.kind == "effect":
                gradient[i] += by_cause[number.feature, number.other]
        return np.asarray(gradient)

    def _information(self, solved: _Solved, n: Floats) -> Floats:
        """Return the sum over sets of n times the covariance of the scores of the numbers, (k, k)."""
        sets = np.flatnonzero(n)
        cells, expected = solved.cells[:, sets], solved.expected[:, sets]
        spread = np.einsum("xf,xh,xg->hfg", self.features, cells, self.features, optimize=True)
        spread -= np.einsum("fh,gh->hfg", expected, expected)
        return self._assemble(spread * n[sets, None, None], sets, solved.through)

    def _assemble(self, spread: Floats, sets: npt.NDArray[np.intp], through: Floats) -> Floats:
        """Turn covariances of features, (n_sets, f, f), into those of the numbers."""
        found = through.T @ spread.sum(axis=0) @ through
        by_feature: dict[int, list[int]] = {}
        for i, number in enumerate(self.numbers):
            if number.kind == "effect":
                by_feature.setdefault(number.feature, []).append(i)
        members = self.network.membership[sets]
        inside = {f: members[:, [self.numbers[i].other for i in own]] for f, own in by_feature.items()}
        for f, own in by_feature.items():
            cross = through.T @ (spread[:, :, f].T @ inside[f])  # (k, n_effects of the state)
            found[:, own] += cross
            found[own, :] += cross.T
            for g, other in by_feature.items():
                found[np.ix_(own, other)] += (inside[f] * spread[:, f, g, None]).T @ inside[g]
        return np.asarray(found)


def context_numbers(
    network: Network,
    block: Block,
    settings: Sequence[int],
    *,
    frequencies: Sequence[npt.NDArray[np.intp]],
    effects: Sequence[npt.NDArray[np.intp]],
    dependencies: npt.NDArray[np.intp],
    point: Floats,
) -> tuple[tuple[Number, ...], Floats, npt.NDArray[np.intp]]:
    """List the movable numbers of a block, its features and the member and state of each base feature.

    Parameters
    ----------
    frequencies, effects : sequence over contexts of (n_settings, n_states) and (n_causes, n_states) intp
        Positions of judgements; -1: not judged.
    dependencies : (n_dependencies, 5) intp
        Context, state, context, state, position.
    point : (n_judgements,) float64
        On the working scale; -inf for never.
    """
    slots = [
        (slot, state) for slot, v in enumerate(block.context_idx) for state in range(network.n_states[v])
    ]
    first = {pair: column for column, pair in enumerate(slots)}
    columns = [block.cells[:, slot] == state for slot, state in slots]
    numbers = []
    for (slot, state), column in first.items():
        v = block.context_idx[slot]
        for setting in settings:
            own = frequencies[v][setting]
            if own[state] >= 0 and np.isfinite(point[own[state]]):
                rest = first[slot, int(np.flatnonzero(own < 0)[0])]
                numbers.append(Number(int(own[state]), "frequency", column, setting, rest))
        numbers += [
            Number(int(i), "effect", column, cause)
            for cause, i in enumerate(effects[v][:, state].tolist())
            if i >= 0 and np.isfinite(point[i])
        ]
    place = {v: slot for slot, v in enumerate(block.context_idx)}
    for a, state_a, b, state_b, position in dependencies.tolist():
        if a in place and np.isfinite(point[position]):
            numbers.append(Number(position, "dependency", len(columns), 0))
            columns.append((block.cells[:, place[a]] == state_a) & (block.cells[:, place[b]] == state_b))
    return tuple(numbers), np.stack(columns, axis=1).astype(np.float64), np.array(slots, dtype=np.intp)
