"""Gradients of the posterior log odds of a few cases at once, and the sums over judgements made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.layout import Indices
from thighdx.reasoning.pieces import Stack, ranges
from thighdx.reasoning.setting_slopes import SettingSlopes, sum_over_sets

__all__ = ["CaseSlopes"]

Bools = npt.NDArray[np.bool_]

# Below this P(not S | e) is no longer told from the difference of two sums.
NEARLY_CERTAIN = 1e-6


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
        self.bends = self._uses() @ stack.bend + setting.bend  # (n_cases, n_explanations)
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
        self.gap, self.all = self._means(p)
        for gap, whole in zip(_fields(self.gap), _fields(self.all), strict=True):
            gap -= whole
        # where next to nothing is outside, the mean outside is worked out itself
        nearly &= is_open
        for k in np.flatnonzero(nearly.any(axis=0)).tolist():
            outside: Floats = p * setting.outside(k) * self.per_rest[:, [k]]
            self._replace_gap(k, nearly[:, k], rest[:, k], self._totals(outside))

    def _replace_gap(self, k: int, cases: Bools, rest: Floats, outside: _Means) -> None:
        """Put (I - mean outside) P(outside) in place of I - T."""
        parts = zip(_fields(self.gap), _fields(self.all), _fields(outside), strict=True)
        for number, (gap, whole, other) in enumerate(parts):
            is_items = number == 0
            own, scale = (cases[self.item_case], rest[self.item_case]) if is_items else (cases, rest)
            scale = scale[own].reshape(-1, *(1,) * (gap.ndim - 2))
            gap[own, ..., k] = (gap[own, ..., k] + (whole - other)[own, ..., 0]) * scale

    def _list_items(self) -> None:
        """List the judgements of all cases, those with scores for one cause first."""
        stack, piece, case = self.stack, self.piece, self.use_case
        n_local = np.diff(stack.local_start)[piece]
        n_other = np.diff(stack.item_start)[piece] - n_local
        n_feature_rows = np.diff(stack.row_slot_start)[piece]
        n_own = np.diff(stack.row_start)[piece] - n_feature_rows
        self.local = ranges(stack.local_start[piece], n_local)
        self.item = np.concatenate(
            [ranges(stack.item_start[piece], n_local), ranges(stack.item_start[piece] + n_local, n_other)]
        )
        self.item_case = np.concatenate([np.repeat(case, n_local), np.repeat(case, n_other)])  # int32
        # rows that are scores of an item, then rows that are features
        row_start = stack.row_start[piece]
        self.row = np.concatenate([ranges(row_start, n_own), ranges(row_start + n_own, n_feature_rows)])
        self.row_case = np.concatenate([np.repeat(case, n_own), np.repeat(case, n_feature_rows)])
        self.row_item = ranges(len(self.local) + np.cumsum(n_other) - n_other, n_own)
        self.row_slot = stack.row_slots[ranges(stack.row_slot_start[piece], n_feature_rows)]
        # what is known of the features, but for those rows
        n_slots = np.diff(stack.slot_start)[piece]
        slots = ranges(stack.slot_start[piece], n_slots)
        place = (np.repeat(case, n_slots), stack.slots[slots])
        self.level = np.zeros((self.n, self.setting.n_features))
        self.is_known = np.zeros(self.level.shape, dtype=bool)
        self.level[place], self.is_known[place] = stack.level[slots], True
        # what items add by way of memberships and features, of their own case
        n_columns = stack.through.shape[1]
        through = stack.through[self.item]
        shift = np.repeat(self.item_case * np.int32(n_columns), np.diff(through.indptr))
        self.through = csr_array(
            (through.data, through.indices + shift, through.indptr),
            shape=(len(self.item), self.n * n_columns),
        )

    def _posterior(self, batch: EvidenceBatch) -> Floats:
        """Return P(H | e), (n_cases, n_explanations); 0 where the evidence is impossible."""
        logs = self._uses() @ self.stack.log + self.setting.log_prior
        if batch.cause_likelihoods or (batch.given != UNKNOWN).any():
            logs += _on_causes(self.setting.network, batch)
        peak = logs.max(axis=1, keepdims=True)
        weights = np.exp(logs - np.where(np.isneginf(peak), 0.0, peak))
        total = weights.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(weights, total, out=np.zeros_like(weights), where=total > 0))

    def _means(self, p: Floats) -> tuple[_Means, _Means]:
        """Return mean scores inside every set and over all explanations, for P(H | e)."""
        setting, per_mass = self.setting, self.per_mass
        local, total = self._local(p)
        inside_local = setting.split(local, total, self.stack.cause[self.local])
        inside_local *= per_mass.take(self.item_case[: len(local)], axis=0)
        held = np.take(p, setting.holding, axis=1)  # (n_cases, n_causes, n_holding)
        causes = np.tile(np.arange(held.shape[1]), self.n)
        flat = held.reshape(len(causes), -1).copy()
        members = setting.split(flat, np.einsum("ij->i", flat), causes).reshape(self.n, held.shape[1], -1)
        rows = self._rows(p)
        n_pairs = setting.both.shape[0]
        both = (setting.both_inside @ p.T).reshape(per_mass.shape[1], n_pairs, self.n).transpose(2, 1, 0)
        inside = self._assemble(
            inside_local,
            sum_over_sets(setting.sets, rows) * per_mass[self.row_case],
            members=members * per_mass[:, None],
            without=setting.sum_without(p, held) * per_mass[:, None],
            both=both * per_mass[:, None],
            bend=sum_over_sets(setting.sets, p * self.bends) * per_mass,
        )
        return inside, self._totals(p, total, rows)

    def _local(self, p: Floats) -> tuple[Floats, Floats]:
        """Return scores of judgements about one cause times P(H | e), and their sums over explanations."""
        cause = self.stack.cause[self.local]
        held = np.take(p, self.setting.holding, axis=1)
        place = self.item_case[: len(cause)] * held.shape[1] + cause
        local = self.stack.local.take(self.local, axis=0)
        local *= held.reshape(-1, held.shape[2]).take(place, axis=0)
        return local, np.einsum("ij->i", local)

    def _totals(self, p: Floats, local: Floats | None = None, rows: Floats | None = None) -> _Means:
        """Return mean scores over all explanations."""
        setting = self.setting
        local = self._local(p)[1] if local is None else local
        rows = self._rows(p) if rows is None else rows
        n_causes = setting.holding.shape[0]
        return self._assemble(
            local[:, None],
            rows.sum(axis=1)[:, None],
            members=sum_over_sets(setting.sets[:n_causes], p)[:, :, None],
            without=np.einsum("fh,nh->nf", setting.without, p)[:, :, None],
            both=sum_over_sets(setting.both, p)[:, :, None],
            bend=(p * self.bends).sum(axis=1)[:, None],
        )

    def _rows(self, p: Floats) -> Floats:
        """Return scores on all explanations times P(H | e), (n_rows, n_explanations)."""
        rows = self.stack.rows.take(self.row, axis=0)
        rows *= p.take(self.row_case, axis=0)
        return rows

    def _assemble(
        self, local: Floats, rows: Floats, *, members: Floats, without: Floats, both: Floats, bend: Floats
    ) -> _Means:
        """Put means together that all have sets as their last axis."""
        setting, n_sets = self.setting, local.shape[1]
        features = np.where(self.is_known[:, :, None], self.level[:, :, None] - without, 0.0)
        n_own = len(self.row_item)
        features[self.row_case[n_own:], self.row_slot] += rows[n_own:]
        items = self.through @ np.concatenate([members, features], axis=1).reshape(-1, n_sets)
        items[: len(local)] += local
        items[self.row_item] += rows[:n_own]
        direct = np.matmul(setting.by_member.T, members)
        direct[:, direct.shape[1] - both.shape[1] :] += both
        base = direct + np.matmul(setting.by_feature.T, features)
        return _Means(items, members, base, direct, bend)

    def moments(self) -> Floats:
        """Return log odds, mean minus log odds, variance and third moment, (4, n_cases, n_sets)."""
        gap, whole, per_rest = self.gap, self.all, self.per_rest
        plain = (self._uses() @ self.stack.plain_weight).reshape(self.n, -1, 4)
        base = np.broadcast_to(self.setting.base_weights, (self.n, *self.setting.base_weights.shape))
        parts = [
            self._item_sums(),
            _dense_sums(gap.members, gap.members, whole.members, plain),
            _dense_sums(gap.base, gap.direct, whole.direct, base),
        ]
        first, second, third, square, cross = parts[0] + parts[1] + parts[2]
        # I = gap + T, so that sum I2 - O2 = 2 gap I / P(outside) - gap2 / P(outside)2 needs no I
        curve = per_rest * (gap.bend - 2 * (square + cross)) + per_rest * per_rest * square
        variance = per_rest * per_rest * second
        return np.stack([self.log_odds, per_rest * first + curve / 2, variance, per_rest**3 * third])

    def _item_sums(self) -> Floats:
        """Return the sums that `_dense_sums` returns, over the items of every case."""
        gap, whole = self.gap.items, self.all.items
        weights = self.setting.weights[self.stack.position[self.item]]
        variance, third, shift, spread = weights.T
        squares = gap * gap
        first, cross = self._by_case([shift, spread * whole[:, 0]], gap)
        second, square = self._by_case([variance, spread], squares)
        squares *= gap
        return np.stack([first, second, *self._by_case([third], squares), square, cross])

    def _uses(self) -> csr_array:
        """Return which pieces are known in which case, (n_cases, n_pieces) sparse."""
        ones = np.ones(len(self.piece))
        return csr_array((ones, self.piece, self.use_start), shape=(self.n, len(self.stack.bend)))

    def _by_case(self, weights: list[Floats], values: Floats) -> Floats:
        """Sum values of items, (n_items, n_sets), times several weights: (n_weights, n_cases, n_sets)."""
        n, m = len(values), len(weights)
        rows = np.stack([self.item_case + np.int32(self.n * k) for k in range(m)], axis=1)
        starts = np.arange(0, n * m + 1, m, dtype=np.int32)
        chosen = csc_array(
            (np.stack(weights, axis=1).reshape(-1), rows.reshape(-1), starts), shape=(m * self.n, n)
        )
        return np.asarray(chosen @ values).reshape(m, self.n, -1)

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


def _dense_sums(gap: Floats, direct: Floats, whole: Floats, weights: Floats) -> Floats:
    """Return what moments are made of, (5, n_cases, n_sets).

    Sums over judgements of g m, g2 v and g3 t, and with direct scores of g2 s and g T s; v, t, m and s are the
    columns of `weights`.

    Parameters
    ----------
    gap, direct : (n_cases, n_judgements, n_sets) float64
    whole : (n_cases, n_judgements, 1) float64
    weights : (n_cases, n_judgements, 4) float64
    """
    variance, third, shift, spread = np.moveaxis(weights, 2, 0)
    square = gap * gap
    return np.stack(
        [
            np.einsum("njs,nj->ns", values, weight)
            for values, weight in (
                (gap, shift),
                (square, variance),
                (square * gap, third),
                (direct * direct, spread),
                (direct, spread * whole[:, :, 0]),
            )
        ]
    )


def _fields(means: _Means) -> list[Floats]:
    return [means.items, means.members, means.base, means.direct, means.bend]


def _on_causes(network: Network, batch: EvidenceBatch) -> Floats:
    """Return log P(evidence on causes | H), (n_cases, n_explanations)."""
    has = network.membership > 0
    logs = np.zeros((batch.n_cases, len(has)))
    with np.errstate(divide="ignore"):
        for item in batch.cause_likelihoods:
            logs[item.case_idx] += np.log(item.weights)[:, has[:, item.variable_idx].astype(np.intp)]
    for cause in np.flatnonzero((batch.given != UNKNOWN).any(axis=0)).tolist():
        given = batch.given[:, [cause]]
        logs[(given != UNKNOWN) & ((given == 1) != has[:, cause])] = -np.inf
    return logs
