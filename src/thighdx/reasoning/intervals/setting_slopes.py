"""Base rates of one setting with their derivatives, and the sets asked about: what its cases share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from thighdx.network.build import Network
from thighdx.network.groups import group_sets
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.block_scores import block_slots, without_first
from thighdx.reasoning.intervals.layout import NO_JUDGEMENT, Indices, JudgementLayout
from thighdx.reasoning.intervals.margins import block_cells, block_margins, pair_membership, share_margins
from thighdx.reasoning.intervals.scores import holding, n_features, slot_starts

__all__ = ["SettingSlopes", "sum_over_sets"]


@dataclass(frozen=True, slots=True, eq=False)
class SettingSlopes:
    """Base rates of one setting and how they move, and the sets that are asked about.

    Attributes
    ----------
    sets : (n_sets, n_explanations) sparse 0/1
    held_in_group : (n_groups + 1, n_causes, n_holding) float64
        1 over the number of causes of the explanations that hold each cause and belong to a group, last to the group of
        all causes, and 0 for the others: sums over all of them count every explanation once.
    sets_holding : tuple over causes of (n_sets, n_holding) sparse 0/1
        The same among the explanations that hold a cause; empty with up to two causes, where it is not needed.
    members : (n_groups, n_causes) bool
    second_order : (n_explanations,) float64
        Sum over the base judgements of spread times P''/P of P(H).
    base_position : (n_base,) intp
        Judgements of shares, then of pairs of causes.
    by_member : (n_causes, n_base) float64
        What base judgements do by way of theta: multiples of the membership of each cause.
    by_feature : (n_features, n_base) float64
        What they do by way of the factors of contexts.
    both : (n_sets * n_pairs, n_explanations), (n_pairs, n_explanations) sparse 0/1
        Explanations with both causes of a pair, inside every set and anywhere.
    without : (n_features, n_explanations) float64
        P(feature | H): of the states of contexts but the first, then of pairs of states with a dependency.
    without_holding : (n_causes, n_holding, n_features) float64
        The same on the explanations that hold each cause.
    weights : (4, n_judgements) float64
        Variance, third moment, mean minus median, mean square distance from the median; see `JudgementLayout`.
    base_weights : (n_base, 4) float64
        Those of the base judgements, transposed.
    log_prior : (n_explanations,) float64
    """

    network: Network
    layout: JudgementLayout
    sets: csr_array
    members: Floats
    holding: Indices
    held_in_group: Floats
    sets_holding: tuple[csr_array, ...]
    second_order: Floats
    base_position: Indices
    by_member: Floats
    by_feature: Floats
    both_inside: csr_array
    both: csr_array
    without: Floats
    without_holding: Floats
    weights: Floats
    base_weights: Floats
    log_prior: Floats

    @property
    def n_features(self) -> int:
        """Number of features; see `thighdx.reasoning.intervals.scores`."""
        return len(self.without)

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
            own = np.arange(len(held)), cause
            if not len(self.members):
                held[own] = total
                return held
            held[own] = 0.0
            others = np.stack([held[:, group > 0].sum(axis=1) for group in self.members], axis=1)
            held[own] = total
            is_in = self.members[:, cause].T > 0  # (n_rows, n_groups)
            return np.concatenate([held, np.where(is_in, total[:, None], others)], axis=1)
        out = np.empty((len(held), self.sets.shape[0]))
        for c in np.unique(cause).tolist():
            own = cause == c
            out[own] = sum_over_sets(self.sets_holding[c], held[own])
        return out

    def sum_without(self, p: Floats, held: Floats) -> Floats:
        """Sum P(H | e) P(feature | H) over every set, (n_cases, n_features, n_sets)."""
        causes = np.matmul(held[:, :, None, :], self.without_holding)[:, :, 0].transpose(0, 2, 1)
        groups = self.sets[held.shape[1] :].toarray()
        if not len(groups):
            return np.asarray(causes)
        return np.concatenate(
            [causes, np.matmul(self.without, (p[:, None] * groups).transpose(0, 2, 1))], axis=2
        )

    @classmethod
    def of(
        cls, network: Network, layout: JudgementLayout, setting: int, groups: Sequence[Sequence[int]]
    ) -> SettingSlopes:
        """Return what is shared, made at first use and kept with the network."""
        key = ("delta_setting", setting, tuple(tuple(int(c) for c in group) for group in groups), id(layout))
        return network.once(key, lambda: _make_setting(network, layout, setting, groups))


def _make_setting(
    network: Network, layout: JudgementLayout, setting: int, groups: Sequence[Sequence[int]]
) -> SettingSlopes:
    membership = network.membership
    columns = np.concatenate([membership, group_sets(membership, list(groups))], axis=1)
    in_group = np.zeros((len(groups), membership.shape[1]))
    for row, group in zip(in_group, groups, strict=True):
        row[list(group)] = 1.0
    position, by_member, by_feature, second_order = _base_rates(network, layout, setting)
    both = csr_array(pair_membership(network, layout).T)  # (n_pairs, n_explanations)
    both_inside = vstack([both.multiply(column) for column in columns.T], format="csr")
    without = np.zeros((n_features(network, layout), len(membership)))
    for block in network.blocks:
        margins = block_margins(network, layout, setting, block)
        slots, chosen = block_slots(network, layout, block, margins)
        features = csr_array(margins.features[:, chosen].T)
        without[slots] = np.asarray(features @ block_cells(network, setting, block))
    held, sets = holding(network), csr_array(columns.T)
    per_size = 1.0 / network.explanations.sizes[held]
    weights = np.stack([layout.sd**2, layout.third_moment, layout.shift, layout.spread])
    return SettingSlopes(
        network=network,
        layout=layout,
        sets=sets,
        members=in_group,
        holding=held,
        held_in_group=np.concatenate([columns.T[membership.shape[1] :, held] * per_size, per_size[None]]),
        sets_holding=_sets_holding(sets, held) if network.explanations.max_causes != 2 else (),
        second_order=second_order,
        base_position=position,
        by_member=by_member,
        by_feature=by_feature,
        both_inside=csr_array(both_inside),
        both=both,
        without=without,
        without_holding=np.ascontiguousarray(without[:, held].transpose(1, 2, 0)),
        weights=weights,
        base_weights=weights[:, position].T,
        log_prior=network.log_prior(setting),
    )


def _sets_holding(sets: csr_array, held: Indices) -> tuple[csr_array, ...]:
    """Return for every cause which of the explanations that hold it are in which set."""
    return tuple(csr_array(sets[:, own]) for own in held)


def _base_rates(
    network: Network, layout: JudgementLayout, setting: int
) -> tuple[Indices, Floats, Floats, Floats]:
    """Return positions, multiples of memberships and of features, and the second-order part of the base judgements."""
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
    by_feature = np.zeros((n_features(network, layout), by_theta.shape[1]))
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
    second_order = scores**2 @ layout.spread[position]
    theta = np.zeros(len(shares))
    theta[judged] = np.where(in_use, layout.spread[shares[judged]], 0.0)
    second_order += network.membership @ (current.second_derivative @ theta)
    return position, by_member, by_feature, second_order


def sum_over_sets(sets: csr_array, values: Floats) -> Floats:
    """Sum values over every set, row by row: (n_rows, n_explanations) to (n_rows, n_sets)."""
    return np.ascontiguousarray((sets @ values.T).T)
