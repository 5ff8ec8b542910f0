"""Gradients of the posterior log odds of a few cases at once, and the sums over judgements made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import Indices
from thighdx.reasoning.intervals.pieces import Stack, on_causes, ranges
from thighdx.reasoning.intervals.setting_slopes import SettingSlopes, sum_over_sets

__all__ = ["CaseSlopes"]

Bools = npt.NDArray[np.bool_]

# Below this P(not S | e) is no longer told from the difference of two sums.
NEARLY_CERTAIN = 1e-6
# Numbers of a matrix that is multiplied at once: OpenBLAS splits one of 9,216 among threads.
PRODUCT_CELLS = 8192
# Rows of `SettingSlopes.weights`.
VARIANCE, THIRD, SHIFT, SPREAD = range(4)
# By which of these gaps, mean scores times gaps, squares twice, and cubes are summed.
SUMMED = [SHIFT, SPREAD, VARIANCE, SPREAD, THIRD]


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Mean scores: inside every set, (..., n_sets), or over all explanations, (..., 1).

    Attributes
    ----------
    rows : (n_own_rows, n) float64
        Scores of items that are given for all explanations.
    through : (n_cases, n_causes + n_features, n) float64
        Membership of a cause, of which plain links are multiples, and features.
    base : (n_cases, n_base, n) float64
        Shares and pairs of causes.
    direct : (n_cases, n_base, n) float64
        The same but for what goes through the factors of contexts.
    second_order : (n_cases, n) float64
    """

    rows: Floats
    through: Floats
    base: Floats
    direct: Floats
    second_order: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Outside:
    """Cases in which a set is nearly certain, P(outside), and P(H | e, outside) by cause."""

    cases: Bools
    rest: Floats
    held: Floats


class CaseSlopes:
    """Gradients of the posterior log odds of a few cases.

    With T the mean score over all explanations and I that inside a set, the derivative is (I - T) / P(outside).

    Attributes
    ----------
    log_odds : (n_cases, n_sets) float64
    """

    def __init__(self, setting: SettingSlopes, stack: Stack, batch: EvidenceBatch, first: int) -> None:
        last = first + batch.n_cases
        self.setting, self.stack, self.n = setting, stack, batch.n_cases
        uses = slice(int(stack.use_start[first]), int(stack.use_start[last]))
        self.piece, self.use_case = stack.piece[uses], stack.case[uses] - np.int32(first)
        self.use_start = stack.use_start[first : last + 1] - stack.use_start[first]
        self._list_items()
        self.second_orders = (
            self._uses() @ stack.second_order + setting.second_order
        )  # (n_cases, n_explanations)
        p = self._posterior(batch)
        mass = sum_over_sets(setting.sets, p)
        rest = p.sum(axis=1, keepdims=True) - mass
        nearly = (rest < NEARLY_CERTAIN) & (mass > 0)
        for k in np.flatnonzero(nearly.any(axis=0)).tolist():  # few digits are left of it, or none
            rest[nearly[:, k], k] = (p[nearly[:, k]] * setting.outside(k)).sum(axis=1)
        is_open = (mass > 0) & (rest > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.log_odds = np.log(mass) - np.log(rest)
        self.per_mass = np.divide(1.0, mass, out=np.zeros_like(mass), where=is_open)
        self.per_rest = np.divide(1.0, rest, out=np.zeros_like(rest), where=is_open)
        self.held = np.take(p, setting.holding, axis=1)  # (n_cases, n_causes, n_holding)
        self.gap, self.all = self._means(p)
        for gap, whole in zip(_fields(self.gap), _fields(self.all), strict=True):
            gap -= whole
        # where next to nothing is outside, the mean outside is worked out itself
        nearly &= is_open
        self.outside: dict[int, _Outside] = {}
        for k in np.flatnonzero(nearly.any(axis=0)).tolist():
            outside: Floats = p * setting.outside(k) * self.per_rest[:, [k]]
            self._replace_gap(k, nearly[:, k], rest[:, k], self._totals(outside))
            self.outside[k] = _Outside(nearly[:, k], rest[:, k], np.take(outside, setting.holding, axis=1))

    def _replace_gap(self, k: int, cases: Bools, rest: Floats, outside: _Means) -> None:
        """Put (I - mean outside) P(outside) in place of I - T."""
        parts = zip(_fields(self.gap), _fields(self.all), _fields(outside), strict=True)
        row_case = self.row_case[self.own_row]
        for number, (gap, whole, other) in enumerate(parts):
            own, scale = (cases[row_case], rest[row_case]) if number == 0 else (cases, rest)
            scale = scale[own].reshape(-1, *(1,) * (gap.ndim - 2))
            gap[own, ..., k] = (gap[own, ..., k] + (whole - other)[own, ..., 0]) * scale

    def _list_items(self) -> None:
        """List the judgements of all cases, case by case, and the rows and features behind them."""
        stack, piece, case = self.stack, self.piece, self.use_case
        n_local = np.diff(stack.local_start)[piece]
        n_other = np.diff(stack.item_start)[piece] - n_local
        first = stack.item_start[piece]
        # first those with nothing but scores for one cause, then those that add something to them, then the rest
        kind = np.concatenate([np.diff(stack.slot_start)[piece] > 0, np.full(len(piece), 2)])
        key = np.concatenate([case, case]) * 3 + kind
        order = np.argsort(key, kind="stable")
        count = np.concatenate([n_local, n_other])[order]
        counts = np.bincount(key[order], weights=count, minlength=3 * self.n).astype(np.intp)
        self.n_plain, self.n_local, n_items = np.cumsum(counts.reshape(self.n, 3), axis=1).T
        self.item = ranges(np.concatenate([first, first + n_local])[order], count)
        self.item_start = np.append(0, np.cumsum(n_items))
        self.moved_start = np.append(0, np.cumsum(n_items - self.n_plain))
        to_local = stack.local_start[piece] - first
        self.local = self.item + np.repeat(np.concatenate([to_local, to_local])[order], count)
        moves = np.repeat(kind[order] > 0, count)
        self.through = self._through(self.item[moves], np.repeat(key[order] // 3, count)[moves])
        n_feature_rows = np.diff(stack.row_slot_start)[piece]
        n_own = np.diff(stack.row_start)[piece] - n_feature_rows
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.cumsum(count) - count
        self.row_item = ranges(place[len(piece) :], n_own)
        self._list_rows(n_own, n_feature_rows)

    def _list_rows(self, n_own: Indices, n_feature_rows: Indices) -> None:
        """List rows, those that are scores of an item and those that are features, and what is known of features."""
        stack, piece, case = self.stack, self.piece, self.use_case
        start = stack.row_start[piece]
        row = np.concatenate([ranges(start, n_own), ranges(start + n_own, n_feature_rows)])
        row_case = np.concatenate([np.repeat(case, n_own), np.repeat(case, n_feature_rows)])
        order = np.argsort(row_case, kind="stable")
        self.row, self.row_case = row[order], row_case[order]
        self.row_start = np.append(0, np.cumsum(np.bincount(row_case, minlength=self.n)))
        is_own = order < len(self.row_item)
        self.own_row, self.feature_row = np.flatnonzero(is_own), np.flatnonzero(~is_own)
        self.row_slot = stack.row_slots[ranges(stack.row_slot_start[piece], n_feature_rows)]
        n_slots = np.diff(stack.slot_start)[piece]
        slots = ranges(stack.slot_start[piece], n_slots)
        place = (np.repeat(case, n_slots), stack.slots[slots])
        self.level = np.zeros((self.n, self.setting.n_features))
        self.is_known = np.zeros(self.level.shape, dtype=bool)
        self.level[place], self.is_known[place] = stack.level[slots], True

    def _through(self, item: Indices, case: Indices) -> csr_array:
        """Return what items add by way of memberships and features of their own case, (n, n_cases * n_columns)."""
        n_columns = self.stack.through.shape[1]
        own = self.stack.through[item]
        shift = np.repeat((case * n_columns).astype(np.int32), np.diff(own.indptr))
        shape = (len(item), self.n * n_columns)
        return csr_array((own.data, own.indices + shift, own.indptr), shape=shape)

    def _posterior(self, batch: EvidenceBatch) -> Floats:
        """Return P(H | e), (n_cases, n_explanations); 0 where the evidence is impossible."""
        logs = self._uses() @ self.stack.log + self.setting.log_prior
        if batch.cause_likelihoods or (batch.given != UNKNOWN).any():
            logs += on_causes(self.setting.network, batch)
        peak = logs.max(axis=1, keepdims=True)
        weights = np.exp(logs - np.where(np.isneginf(peak), 0.0, peak))
        total = weights.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(weights, total, out=np.zeros_like(weights), where=total > 0))

    def _means(self, p: Floats) -> tuple[_Means, _Means]:
        """Return mean scores inside every set and over all explanations, for P(H | e)."""
        setting, per_mass, held = self.setting, self.per_mass, self.held
        causes = np.tile(np.arange(held.shape[1]), self.n)
        flat = held.reshape(len(causes), -1).copy()
        members = setting.split(flat, np.einsum("ij->i", flat), causes).reshape(self.n, held.shape[1], -1)
        n_pairs = setting.both.shape[0]
        both = (setting.both_inside @ p.T).reshape(per_mass.shape[1], n_pairs, self.n).transpose(2, 1, 0)
        weights = (held[:, None] * setting.held_in_group).reshape(self.n, setting.held_in_group.shape[0], -1)
        rows = self._row_sums(weights, by_cause=held)
        inside = self._assemble(
            rows[:, :-1] * per_mass[self.row_case],
            members=members * per_mass[:, None],
            without=setting.sum_without(p, held) * per_mass[:, None],
            both=both * per_mass[:, None],
            second_order=sum_over_sets(setting.sets, p * self.second_orders) * per_mass,
        )
        return inside, self._totals(p, rows[:, -1:])

    def _totals(self, p: Floats, rows: Floats | None = None) -> _Means:
        """Return mean scores over all explanations."""
        setting = self.setting
        if rows is None:
            held = np.take(p, setting.holding, axis=1) * setting.held_in_group[-1]
            rows = self._row_sums(held.reshape(self.n, 1, -1))
        n_causes = setting.holding.shape[0]
        return self._assemble(
            rows,
            members=sum_over_sets(setting.sets[:n_causes], p)[:, :, None],
            without=np.einsum("fh,nh->nf", setting.without, p)[:, :, None],
            both=sum_over_sets(setting.both, p)[:, :, None],
            second_order=(p * self.second_orders).sum(axis=1)[:, None],
        )

    def _row_sums(self, weights: Floats, *, by_cause: Floats | None = None) -> Floats:
        """Sum scores on all explanations times weights of these, (n_rows, n_causes + n_weights).

        Parameters
        ----------
        weights : (n_cases, n_weights, n_causes * n_holding) float64
            Shares of the weight of every explanation, one for each of its causes.
        by_cause : (n_cases, n_causes, n_holding) float64, optional
            For sums over the explanations that hold a cause, which come first.
        """
        n_causes = 0 if by_cause is None else by_cause.shape[1]
        sums = np.empty((len(self.row), n_causes + weights.shape[1]))
        for case in range(self.n):
            own = slice(self.row_start[case], self.row_start[case + 1])
            rows = self.stack.rows.take(self.row[own], axis=0)
            if by_cause is not None:
                np.einsum("rch,ch->rc", rows, by_cause[case], out=sums[own, :n_causes])
            for k, weight in enumerate(weights[case], start=n_causes):
                np.einsum("rh,h->r", rows.reshape(len(rows), len(weight)), weight, out=sums[own, k])
        return sums

    def _assemble(
        self, rows: Floats, *, members: Floats, without: Floats, both: Floats, second_order: Floats
    ) -> _Means:
        """Put means together that all have sets as their last axis."""
        setting = self.setting
        features = np.where(self.is_known[:, :, None], self.level[:, :, None] - without, 0.0)
        features[self.row_case[self.feature_row], self.row_slot] += rows[self.feature_row]
        direct = np.matmul(setting.by_member.T, members)
        direct[:, direct.shape[1] - both.shape[1] :] += both
        base = direct + np.matmul(setting.by_feature.T, features)
        return _Means(
            rows[self.own_row], np.concatenate([members, features], axis=1), base, direct, second_order
        )

    def _items(self) -> Iterator[tuple[slice, Floats, Floats]]:
        """Yield the items of every case, their gaps, (n_items, n_sets), and mean scores, (n_items,)."""
        n_sets = self.per_rest.shape[1]
        moved = self.through @ self.gap.through.reshape(-1, n_sets)
        moved_whole = self.through @ self.all.through.reshape(-1)
        owns = np.searchsorted(self.row_case[self.own_row], np.arange(self.n + 1))
        for case in range(self.n):
            items = slice(int(self.item_start[case]), int(self.item_start[case + 1]))
            n_plain, n_local = int(self.n_plain[case]), int(self.n_local[case])
            gap = np.empty((items.stop - items.start, n_sets))
            whole = np.zeros(len(gap))
            whole[:n_local] = self._local(case, self.local[items][:n_local], gap[:n_local])
            gap[n_local:] = 0.0
            own = slice(self.moved_start[case], self.moved_start[case + 1])
            gap[n_plain:] += moved[own]
            whole[n_plain:] += moved_whole[own]
            rows = slice(owns[case], owns[case + 1])
            place = self.row_item[rows] - items.start
            gap[place] += self.gap.rows[rows]
            whole[place] += self.all.rows[rows, 0]
            yield items, gap, whole

    def _local(self, case: int, local: Indices, gap: Floats) -> Floats:
        """Fill in gaps of the scores of judgements about one cause in one case, and return their means."""
        scores, cause = self.stack.local.take(local, axis=0), self.stack.cause[local]
        inside = self.held[case].take(cause, axis=0)
        inside *= scores
        total = np.einsum("ij->i", inside)
        np.multiply(self.setting.split(inside, total, cause), self.per_mass[case], out=gap)
        gap -= total[:, None]
        for k, outside in self.outside.items():
            if outside.cases[case]:
                other = np.einsum("ij,ij->i", scores, outside.held[case].take(cause, axis=0))
                gap[:, k] = (gap[:, k] + (total - other)) * outside.rest[case]
        return np.asarray(total)

    def moments(self) -> Floats:
        """Return log odds, mean minus log odds, variance and third moment, (4, n_cases, n_sets)."""
        gap, whole, per_rest = self.gap, self.all, self.per_rest
        n_causes = self.held.shape[1]
        plain = (self._uses() @ self.stack.plain_weight).reshape(self.n, -1, 4)
        base = np.broadcast_to(self.setting.base_weights, (self.n, *self.setting.base_weights.shape))
        parts = [
            self._item_sums(),
            _dense_sums(
                gap.through[:, :n_causes], gap.through[:, :n_causes], whole.through[:, :n_causes], plain
            ),
            _dense_sums(gap.base, gap.direct, whole.direct, base),
        ]
        first, cross, second, square, third_moment = parts[0] + parts[1] + parts[2]
        # I = gap + T, so that sum I2 - O2 = 2 gap I / P(outside) - gap2 / P(outside)2 needs no I
        curve = per_rest * (gap.second_order - 2 * (square + cross)) + per_rest * per_rest * square
        variance = per_rest * per_rest * second
        return np.stack([self.log_odds, per_rest * first + curve / 2, variance, per_rest**3 * third_moment])

    def _item_sums(self) -> Floats:
        """Return the sums that `_dense_sums` returns, over the items of every case."""
        weights = self.setting.weights[SUMMED].take(self.stack.position[self.item], axis=1)
        sums = np.empty((5, self.n, self.per_rest.shape[1]))
        for case, (items, gap, whole) in enumerate(self._items()):
            own = weights[:, items]
            own[1] *= whole
            sums[:2, case] = _weighted(own[:2], gap)
            squares = gap * gap
            sums[2:4, case] = _weighted(own[2:4], squares)
            gap *= squares
            sums[4:, case] = _weighted(own[4:], gap)
        return sums

    def _uses(self) -> csr_array:
        """Return which pieces are known in which case, (n_cases, n_pieces) sparse."""
        ones = np.ones(len(self.piece))
        return csr_array((ones, self.piece, self.use_start), shape=(self.n, len(self.stack.second_order)))

    def add_gradients(self, out: Floats, cases: Indices) -> None:
        """Add the derivatives with respect to every judgement to (all cases, n_sets, n_judgements)."""
        per_rest, position = self.per_rest, self.stack.position[self.item]
        for number, (items, gap, _) in enumerate(self._items()):
            np.add.at(out[cases[number]].T, position[items], gap * per_rest[number])
        for piece, case in zip(self.piece, self.use_case, strict=True):
            plain, score = self.stack.pieces[piece].plain, self.stack.pieces[piece].plain_score
            out[cases[case], :, plain[:, 1]] += (
                score[:, None] * self.gap.through[case, plain[:, 0]] * per_rest[case]
            )
        for row, case in enumerate(cases):
            out[case][:, self.setting.base_position] += (self.gap.base[row] * per_rest[row]).T


def _dense_sums(gap: Floats, direct: Floats, whole: Floats, weights: Floats) -> Floats:
    """Return what moments are made of, (5, n_cases, n_sets).

    Sums over judgements of g m, with direct scores of g T s, of g2 v, with direct scores of g2 s, and of g3 t; v, t, m
    and s are the columns of `weights`.

    Parameters
    ----------
    gap, direct : (n_cases, n_judgements, n_sets) float64
    whole : (n_cases, n_judgements, 1) float64
    weights : (n_cases, n_judgements, 4) float64
    """
    variance, third_moment, shift, spread = np.moveaxis(weights, 2, 0)
    square = gap * gap
    return np.stack(
        [
            np.einsum("njs,nj->ns", values, weight)
            for values, weight in (
                (gap, shift),
                (direct, spread * whole[:, :, 0]),
                (square, variance),
                (direct * direct, spread),
                (square * gap, third_moment),
            )
        ]
    )


def _weighted(weights: Floats, values: Floats) -> Floats:
    """Sum rows times several weights, (n_weights, n_columns); pieces so small that no library splits them."""
    n, n_columns = values.shape
    size = max(1, PRODUCT_CELLS // n_columns)
    full = n - n % size
    total = np.matmul(weights[:, None, full:], values[full:])[:, 0]
    if full:
        blocks = values[:full].reshape(-1, size, n_columns)
        own = weights[:, :full].reshape(len(weights), -1, 1, size)
        total += np.matmul(own, blocks)[:, :, 0].sum(axis=1)
    return np.asarray(total)


def _fields(means: _Means) -> list[Floats]:
    return [means.rows, means.through, means.base, means.direct, means.second_order]
