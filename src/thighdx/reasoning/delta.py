"""The delta method for many cases at once: gradients of posterior log odds, and their first three moments.

With w(H) the weight of an explanation and S a set of explanations (those with a cause, or with any cause of a
group), the log odds of S are log sum_S w - log sum_not-S w. A judgement x with score s(H) = d log w(H) / d x
moves them by

    d log odds(S) / d x = E[s | S, e] - E[s | not S, e] = (E[s | S, e] - E[s | e]) / P(not S | e)

which is what sensitivity analysis of Bayesian networks rests on [1]_. Independent judgements with variances
v, third moments t and means m above their medians then give the log odds the variance sum g2 v and the third
moment sum g3 t [2]_, and to second order [3]_ the mean

    sum g m + (1/2) sum (v + m2) (E[w''/w | S] - E[s | S]2 - E[w''/w | not S] + E[s | not S]2)

above their value at the medians. Base rates and frequencies are solved again: a share moves theta, theta moves
P(H), and P(H) moves the factors of every context whose frequency must still hold. Second derivatives are those of
P(H) and of the evidence itself; those that go through the factors of contexts are left out.

Nothing here mixes cases: every product is one of a case alone, or a sparse one whose rows are summed one by one,
so that a case has the same bits alone and among others.

.. [1] Chan H, Darwiche A. When do numbers really matter? J Artif Intell Res 2002;17:265-87.
.. [2] Van Allen T, Singh A, Greiner R, Hooper P. Quantifying the uncertainty of a belief net response:
   Bayesian error-bars for belief net inference. Artif Intell 2008;172:483-513.
.. [3] Oehlert GW. A note on the delta method. The American Statistician 1992;46:27-9.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array, vstack

from thighdx.inference.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.engine import log_weights
from thighdx.inference.groups import group_sets
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.margins import block_cells, block_margins, pair_membership, share_margins
from thighdx.reasoning.pieces import Stack, ranges, stack_pieces
from thighdx.reasoning.scores import holding, slot_starts, without_first

__all__ = ["Moments", "case_gradients", "delta_moments"]

Bools = npt.NDArray[np.bool_]

# Numbers of one array worked on at once: some hundreds of thousands stay in the cache of a processor.
STACKED_CELLS = 200_000
WORKED_CELLS = 500_000
# Below this P(not S | e) is no longer told from the difference of two sums.
NEARLY_CERTAIN = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Posterior log odds of causes, then groups, and what the delta method says of them.

    Attributes
    ----------
    log_odds : (n_cases, n_sets) float64
        Natural log of posterior odds at the medians; infinite where a set is impossible or certain, NaN where the
        evidence is impossible.
    mean : (n_cases, n_sets) float64
        Mean minus `log_odds`; 0 where that is not finite, as are the next two.
    variance, third : (n_cases, n_sets) float64
        Variance and third central moment.
    """

    log_odds: Floats
    mean: Floats
    variance: Floats
    third: Floats

    def take(self, case: int) -> Moments:
        """Return those of one case, each (n_sets,)."""
        return Moments(self.log_odds[case], self.mean[case], self.variance[case], self.third[case])


def delta_moments(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    *,
    groups: Sequence[Sequence[int]] = (),
) -> Moments:
    """Return moments of the posterior log odds of every cause and group in every case.

    Parameters
    ----------
    groups : sequence of sequence of int
        Members of further sets: explanations with any of these causes.

    Notes
    -----
    Costs about 0.4 ms a case for 38 causes and up to two at once. Memory beyond input and output does not grow
    with the number of cases, except for the patterns of contexts that occur (at most some 100 MB).
    """
    out = np.zeros((4, batch.n_cases, len(network.spec.causes) + len(groups)))
    for cases, slopes in _chunks(network, layout, batch, groups):
        out[:, cases] = slopes.moments()
    return Moments(*out)


def case_gradients(
    network: Network,
    layout: JudgementLayout,
    batch: EvidenceBatch,
    *,
    groups: Sequence[Sequence[int]] = (),
) -> tuple[Floats, Floats]:
    """Return log odds, (n_cases, n_sets), and their gradients, (n_cases, n_sets, n_judgements).

    Derivatives are on the judgement's working scale (log odds of a probability, log of an odds ratio), with base
    rates and frequencies solved again; 0 for judgements that do not touch the case and for sets that are
    impossible or certain.
    """
    n_sets = len(network.spec.causes) + len(groups)
    log_odds = np.empty((batch.n_cases, n_sets))
    gradients = np.zeros((batch.n_cases, n_sets, layout.n_judgements))
    for cases, slopes in _chunks(network, layout, batch, groups):
        log_odds[cases] = slopes.log_odds
        slopes.add_gradients(gradients, cases)
    return log_odds, gradients


def _chunks(
    network: Network, layout: JudgementLayout, batch: EvidenceBatch, groups: Sequence[Sequence[int]]
) -> Iterator[tuple[Indices, _Slopes]]:
    """Yield the slopes of a few cases of one setting at a time."""
    n_stacked = max(1, STACKED_CELLS // network.explanations.n_explanations)
    n_worked = max(1, WORKED_CELLS // (1000 * holding(network).shape[1]))
    for setting_idx in np.unique(batch.setting_idx):
        setting = _Setting.of(network, layout, int(setting_idx), groups)
        cases = np.flatnonzero(batch.setting_idx == setting_idx)
        for start in range(0, len(cases), n_stacked):
            chosen = cases[start : start + n_stacked]
            part = take_cases(batch, chosen)
            stack = stack_pieces(network, layout, part)
            for first in range(0, len(chosen), n_worked):
                rows = np.arange(first, min(first + n_worked, len(chosen)))
                yield chosen[rows], _Slopes(setting, stack, take_cases(part, rows), first)


def _posterior(network: Network, batch: EvidenceBatch) -> Floats:
    """Return P(H | e), (n_cases, n_explanations); 0 where the evidence is impossible."""
    logs = log_weights(network, batch)
    peak = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - np.where(np.isneginf(peak), 0.0, peak))
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


# ---- what cases of one setting share ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
    """Base rates of one setting and how they move, and the sets that are asked about.

    Attributes
    ----------
    sets : (n_sets, n_explanations) sparse 0/1
    members : (n_groups, n_causes) bool
    bend : (n_explanations,) float64
        Spread times second derivatives of log P(H).
    base_position : (n_base,) intp
        Judgements of shares, then of pairs of causes.
    by_member : (n_causes, n_base) float64
        What base judgements do by way of theta: multiples of the membership of each cause.
    by_feature : (n_features, n_base) float64
        What they do by way of the factors of contexts.
    both : (n_sets * n_pairs, n_explanations), (n_pairs, n_explanations) sparse 0/1
        Explanations with both causes of a pair, inside every set and anywhere.
    slots, state : (n_single,) intp
        Features of contexts outside joint blocks: state `state` of variable `variable`.
    single : (n_single, n_explanations) float64
        P(state | H) of them.
    weights : (n_judgements, 4) float64
        Variance, third moment, mean minus median, mean square distance from the median; see `JudgementLayout`.
    """

    network: Network
    layout: JudgementLayout
    sets: csr_array
    members: Floats
    holding: Indices
    bend: Floats
    base_position: Indices
    by_member: Floats
    by_feature: Floats
    both_inside: csr_array
    both: csr_array
    slots: Indices
    variable: Indices
    state: Indices
    single: Floats
    single_holding: Floats
    weights: Floats

    @property
    def n_features(self) -> int:
        """Number of features: states of contexts but the first of each."""
        return int(slot_starts(self.network)[-1])

    def outside(self, k: int) -> Floats:
        """Return the explanations outside a set, (n_explanations,) 0/1."""
        return np.asarray(1.0 - self.sets[[k]].toarray()[0])

    def split(self, held: Floats, total: Floats, cause: Indices) -> Floats:
        """Sum values on the explanations that hold a cause over those of them in every set.

        Parameters
        ----------
        held : (n_rows, n_holding) float64
            May be overwritten.
        total : (n_rows,) float64
            Their sums.
        cause : (n_rows,) intp

        Returns
        -------
        (n_rows, n_sets) float64
        """
        if self.network.explanations.max_causes == 2:  # `holding` is ordered by the other cause
            held[np.arange(len(held)), cause] = 0.0
            others = [held[:, group > 0].sum(axis=1) for group in self.members]
            is_in = self.members[:, cause].T > 0  # (n_rows, n_groups)
            held[np.arange(len(held)), cause] = total
            if not others:
                return held
            return np.concatenate([held, np.where(is_in, total[:, None], np.stack(others, axis=1))], axis=1)
        out = np.empty((len(held), self.sets.shape[0]))
        for c in np.unique(cause):
            own = cause == c
            out[own] = _sum(self.sets[:, self.holding[c]], held[own])
        return out

    def sum_single(self, p: Floats, held: Floats) -> Floats:
        """Sum P(H | e) P(state | H) over every set, (n_cases, n_single, n_sets)."""
        causes = np.matmul(held[:, :, None, :], self.single_holding)[:, :, 0].transpose(0, 2, 1)
        groups = self.sets[held.shape[1] :].toarray()
        if not len(groups):
            return causes
        return np.concatenate(
            [causes, np.matmul(self.single, (p[:, None] * groups).transpose(0, 2, 1))], axis=2
        )

    @classmethod
    def of(
        cls, network: Network, layout: JudgementLayout, setting: int, groups: Sequence[Sequence[int]]
    ) -> _Setting:
        """Return what is shared, made at first use and kept with the network."""
        key = ("delta_setting", setting, tuple(tuple(int(c) for c in group) for group in groups), id(layout))
        return network.once(key, lambda: _make_setting(network, layout, setting, groups))


def _make_setting(
    network: Network, layout: JudgementLayout, setting: int, groups: Sequence[Sequence[int]]
) -> _Setting:
    membership = network.membership
    columns = np.concatenate([membership, group_sets(membership, list(groups))], axis=1)
    in_group = np.zeros((len(groups), membership.shape[1]))
    for row, group in zip(in_group, groups, strict=True):
        row[list(group)] = 1.0
    position, by_member, by_feature, bend = _base_rates(network, layout, setting)
    both = csr_array(pair_membership(network, layout).T)  # (n_pairs, n_explanations)
    both_inside = vstack([both.multiply(column) for column in columns.T], format="csr")
    blocks = [block for block in network.blocks if len(block.context_idx) == 1]
    starts = slot_starts(network)
    slots, variable, state, single = [], [], [], []
    for block in blocks:
        (v,) = block.context_idx
        cells = block_cells(network, setting, block)
        for s in range(1, int(network.n_states[v])):
            slots.append(starts[v] + s - 1)
            variable.append(v)
            state.append(s)
            single.append(cells[block.cells[:, 0] == s].sum(axis=0))
    table = np.array(single).reshape(len(single), len(membership))
    held = holding(network)
    return _Setting(
        network=network,
        layout=layout,
        sets=csr_array(columns.T),
        members=in_group,
        holding=held,
        bend=bend,
        base_position=position,
        by_member=by_member,
        by_feature=by_feature,
        both_inside=csr_array(both_inside),
        both=both,
        slots=np.array(slots, dtype=np.intp),
        variable=np.array(variable, dtype=np.intp),
        state=np.array(state, dtype=np.intp),
        single=table,
        single_holding=np.ascontiguousarray(table[:, held].transpose(1, 2, 0)),
        weights=np.stack([layout.sd**2, layout.third, layout.shift, layout.spread], axis=1),
    )


def _base_rates(
    network: Network, layout: JudgementLayout, setting: int
) -> tuple[Indices, Floats, Floats, Floats]:
    """Return positions, multiples of memberships and of features, and the bend of the base judgements."""
    current = share_margins(network, layout, setting)
    elicited = share_margins(network, layout, setting, elicited=True)
    shares = layout.shares[setting]
    judged = np.flatnonzero(shares != NO_JUDGEMENT)
    position = shares[judged]
    share = 1 / (1 + np.exp(-layout.point[position]))
    slope = share * (1 - share)
    in_use = ~layout.is_replaced[setting][judged]
    by_member = np.concatenate([current.to_share[:, judged] * slope * in_use, current.to_pair], axis=1)
    by_theta = np.concatenate([elicited.to_share[:, judged] * slope, elicited.to_pair], axis=1)
    by_feature = np.zeros((int(slot_starts(network)[-1]), by_theta.shape[1]))
    starts = slot_starts(network)
    for block in network.blocks:
        margins = block_margins(network, layout, setting, block)
        slots = np.concatenate([np.arange(starts[v], starts[v + 1]) for v in block.context_idx])
        to_theta = without_first(network, block, margins.to_theta.T).T
        to_pair = without_first(network, block, margins.to_pair.T).T
        by_feature[slots] = to_theta @ by_theta
        by_feature[slots, len(judged) :] += to_pair
    scores = network.membership @ by_member  # (n_explanations, n_base)
    scores[:, len(judged) :] += pair_membership(network, layout)
    position = np.concatenate([position, layout.pairs[:, 2]])
    bend = scores**2 @ layout.spread[position]
    theta = np.zeros(len(shares))
    theta[judged] = np.where(in_use, layout.spread[shares[judged]], 0.0)
    bend += network.membership @ (current.bend @ theta)
    return position, by_member, by_feature, bend


# ---- a few cases -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Mean scores: inside every set, (..., n_sets), or over all explanations, (..., 1).

    Attributes
    ----------
    items : (n_items, n) float64
        Judgements behind findings and contexts.
    members : (n_cases, n_causes, n) float64
        Membership of a cause, of which plain links are multiples.
    base : (n_cases, n_base, n) float64
        Shares and pairs of causes.
    direct : (n_cases, n_base, n) float64
        The same but for what goes through the factors of contexts.
    bend : (n_cases, n) float64
    """

    items: Floats
    members: Floats
    base: Floats
    direct: Floats
    bend: Floats


class _Slopes:
    """Gradients of the posterior log odds of a few cases.

    With T the mean score over all explanations and I that inside a set, the derivative is (I - T) / P(outside).

    Attributes
    ----------
    log_odds : (n_cases, n_sets) float64
    """

    def __init__(self, setting: _Setting, stack: Stack, batch: EvidenceBatch, first: int) -> None:
        last = first + batch.n_cases
        self.setting, self.stack, self.n = setting, stack, batch.n_cases
        uses = slice(int(stack.use_start[first]), int(stack.use_start[last]))
        self.piece, self.use_case = stack.piece[uses], stack.case[uses] - np.int32(first)
        self.use_start = stack.use_start[first : last + 1] - stack.use_start[first]
        self.is_known = batch.codes[:, setting.variable] != UNKNOWN
        self.is_state = batch.codes[:, setting.variable] == setting.state
        self._list_items()
        self.bends = self._uses() @ stack.bend + setting.bend  # (n_cases, n_explanations)
        p = _posterior(setting.network, batch)
        mass = _sum(setting.sets, p)
        rest = p.sum(axis=1, keepdims=True) - mass
        nearly = (rest < NEARLY_CERTAIN) & (mass > 0)
        for k in np.flatnonzero(nearly.any(axis=0)):  # few digits are left of the difference, or none
            rest[nearly[:, k], k] = (p[nearly[:, k]] * setting.outside(k)).sum(axis=1)
        is_open = (mass > 0) & (rest > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.log_odds = np.log(mass) - np.log(rest)
        self.per_mass = np.divide(1.0, mass, out=np.zeros_like(mass), where=is_open)
        self.per_rest = np.divide(1.0, rest, out=np.zeros_like(rest), where=is_open)
        self.inside, self.all = self._means(p)
        self.gap = _Means(*(i - t for i, t in zip(_fields(self.inside), _fields(self.all), strict=True)))
        # where next to nothing is outside, the mean outside is worked out itself
        nearly &= is_open
        for k in np.flatnonzero(nearly.any(axis=0)):
            outside = p * setting.outside(k) * self.per_rest[:, [k]]
            self._replace_gap(k, nearly[:, k], rest[:, k], self._totals(outside))

    def _replace_gap(self, k: int, cases: Bools, rest: Floats, outside: _Means) -> None:
        """Put (I - mean outside) P(outside) in place of I - T."""
        for gap, inside, other in zip(_fields(self.gap), _fields(self.inside), _fields(outside), strict=True):
            own = cases if len(gap) == len(cases) else cases[self.item_case]
            scale = rest if len(gap) == len(cases) else rest[self.item_case]
            scale = scale[own].reshape(-1, *(1,) * (gap.ndim - 2))
            gap[own, ..., k] = (inside[own, ..., k] - other[own, ..., 0]) * scale

    def _list_items(self) -> None:
        """List the judgements of all cases, those with scores for one cause first."""
        stack, piece, case = self.stack, self.piece, self.use_case
        n_local = np.diff(stack.local_start)[piece]
        n_other = np.diff(stack.item_start)[piece] - n_local
        n_slots = np.diff(stack.slot_start)[piece]
        n_own = np.diff(stack.row_start)[piece] - n_slots
        self.local = ranges(stack.local_start[piece], n_local)
        self.item = np.concatenate(
            [ranges(stack.item_start[piece], n_local), ranges(stack.item_start[piece] + n_local, n_other)]
        )
        self.item_case = np.concatenate([np.repeat(case, n_local), np.repeat(case, n_other)])  # int32
        # rows that are scores of an item, then rows that are features
        row_start = stack.row_start[piece]
        self.row = np.concatenate([ranges(row_start, n_own), ranges(row_start + n_own, n_slots)])
        self.row_case = np.concatenate([np.repeat(case, n_own), np.repeat(case, n_slots)])
        self.row_item = ranges(len(self.local) + np.cumsum(n_other) - n_other, n_own)
        self.slot = stack.slots[ranges(stack.slot_start[piece], n_slots)]
        # what items add by way of memberships and features, of their own case
        n_columns = stack.through.shape[1]
        through = stack.through[self.item]
        shift = np.repeat(self.item_case * np.int32(n_columns), np.diff(through.indptr))
        self.through = csr_array(
            (through.data, through.indices + shift, through.indptr),
            shape=(len(self.item), self.n * n_columns),
        )

    def _means(self, p: Floats) -> tuple[_Means, _Means]:
        """Return mean scores inside every set and over all explanations, for P(H | e)."""
        setting, per_mass = self.setting, self.per_mass
        local, total = self._local(p)
        inside_local = setting.split(local, total, self.stack.cause[self.local])
        inside_local *= per_mass[self.item_case[: len(local)]]
        held = np.take(p, setting.holding, axis=1)  # (n_cases, n_causes, n_holding)
        causes = np.tile(np.arange(held.shape[1]), self.n)
        flat = held.reshape(len(causes), -1).copy()
        members = setting.split(flat, flat.sum(axis=1), causes).reshape(self.n, held.shape[1], -1)
        rows = self.stack.rows[self.row] * p[self.row_case]
        n_pairs = setting.both.shape[0]
        both = (setting.both_inside @ p.T).reshape(per_mass.shape[1], n_pairs, self.n).transpose(2, 1, 0)
        inside = self._assemble(
            inside_local,
            _sum(setting.sets, rows) * per_mass[self.row_case],
            members=members * per_mass[:, None],
            single=setting.sum_single(p, held) * per_mass[:, None],
            both=both * per_mass[:, None],
            bend=_sum(setting.sets, p * self.bends) * per_mass,
        )
        return inside, self._totals(p, total, rows)

    def _local(self, p: Floats) -> tuple[Floats, Floats]:
        """Return scores of judgements about one cause times P(H | e), and their sums over explanations."""
        cause = self.stack.cause[self.local]
        held = np.take(p, self.setting.holding, axis=1)
        place = self.item_case[: len(cause)] * held.shape[1] + cause
        local = self.stack.local[self.local]
        local *= held.reshape(-1, held.shape[2])[place]
        return local, local.sum(axis=1)

    def _totals(self, p: Floats, local: Floats | None = None, rows: Floats | None = None) -> _Means:
        """Return mean scores over all explanations."""
        setting = self.setting
        local = self._local(p)[1] if local is None else local
        rows = self.stack.rows[self.row] * p[self.row_case] if rows is None else rows
        n_causes = setting.holding.shape[0]
        return self._assemble(
            local[:, None],
            rows.sum(axis=1)[:, None],
            members=_sum(setting.sets[:n_causes], p)[:, :, None],
            single=np.matmul(setting.single, p[:, :, None]),
            both=_sum(setting.both, p)[:, :, None],
            bend=(p * self.bends).sum(axis=1)[:, None],
        )

    def _assemble(
        self, local: Floats, rows: Floats, *, members: Floats, single: Floats, both: Floats, bend: Floats
    ) -> _Means:
        """Put means together that all have sets as their last axis."""
        setting, n_sets = self.setting, local.shape[1]
        features = np.zeros((self.n, setting.n_features, n_sets))
        surprise = self.is_state[:, :, None] - single
        features[:, setting.slots] = np.where(self.is_known[:, :, None], surprise, 0.0)
        n_own = len(self.row_item)
        features[self.row_case[n_own:], self.slot] = rows[n_own:]
        items = self.through @ np.concatenate([members, features], axis=1).reshape(-1, n_sets)
        items[: len(local)] += local
        items[self.row_item] += rows[:n_own]
        direct = np.matmul(setting.by_member.T, members)
        direct[:, direct.shape[1] - both.shape[1] :] += both
        base = direct + np.matmul(setting.by_feature.T, features)
        return _Means(items, members, base, direct, bend)

    def moments(self) -> Floats:
        """Return log odds, mean minus log odds, variance and third moment, (4, n_cases, n_sets)."""
        gap, inside, per_rest = self.gap, self.inside, self.per_rest
        plain = (self._uses() @ self.stack.plain_weight).reshape(self.n, -1, 4)
        judged = self.setting.weights[self.stack.position[self.item]]
        base = self.setting.weights[self.setting.base_position]
        sums = zip(
            _products(gap.items, gap.items, inside.items),
            _products(gap.members, gap.members, inside.members),
            _products(gap.base, gap.direct, inside.direct),
            strict=True,
        )
        first, second, third, cross, square = (
            self._by_case(judged[:, k], of_items)
            + np.einsum("ncs,nc->ns", of_members, plain[:, :, k])
            + np.einsum("nbs,b->ns", of_base, base[:, k])
            for k, (of_items, of_members, of_base) in zip((2, 0, 1, 3, 3), sums, strict=True)
        )
        curve = per_rest * gap.bend - 2 * per_rest * cross + per_rest * per_rest * square
        variance = per_rest * per_rest * second
        return np.stack([self.log_odds, per_rest * first + curve / 2, variance, per_rest**3 * third])

    def _uses(self) -> csr_array:
        """Return which pieces are known in which case, (n_cases, n_pieces) sparse."""
        ones = np.ones(len(self.piece))
        return csr_array((ones, self.piece, self.use_start), shape=(self.n, len(self.stack.bend)))

    def _by_case(self, weights: Floats, values: Floats) -> Floats:
        """Sum values of items, (n_items, n_sets), times weights over the items of every case."""
        starts = np.arange(len(weights) + 1, dtype=np.int32)
        chosen = csc_array((weights, self.item_case, starts), shape=(self.n, len(weights)))
        return np.asarray(chosen @ values)

    def add_gradients(self, out: Floats, cases: Indices) -> None:
        """Add the derivatives with respect to every judgement to (all cases, n_sets, n_judgements)."""
        per_rest = self.per_rest
        position = self.stack.position[self.item]
        np.add.at(
            out.transpose(0, 2, 1),
            (cases[self.item_case], position),
            self.gap.items * per_rest[self.item_case],
        )
        for piece, case in zip(self.piece, self.use_case, strict=True):
            plain, score = self.stack.pieces[piece].plain, self.stack.pieces[piece].plain_score
            out[cases[case], :, plain[:, 1]] += (
                score[:, None] * self.gap.members[case, plain[:, 0]] * per_rest[case]
            )
        for row, case in enumerate(cases):
            out[case][:, self.setting.base_position] += (self.gap.base[row] * per_rest[row]).T


def _products(gap: Floats, direct: Floats, inside: Floats) -> Iterator[Floats]:
    """Yield what the sums over judgements are made of: g, g2, g3, and of direct scores g I and g2."""
    yield gap
    square = gap * gap
    yield square
    yield square * gap
    yield direct * inside
    yield square if direct is gap else direct * direct


def _fields(means: _Means) -> list[Floats]:
    return [means.items, means.members, means.base, means.direct, means.bend]


def _sum(sets: csr_array, values: Floats) -> Floats:
    """Sum values over every set, row by row: (n_rows, n_explanations) to (n_rows, n_sets)."""
    return np.ascontiguousarray((sets @ values.T).T)
