"""The terms of the evidence: what each piece says about each set of causes, one row per piece.

Given the causes, pieces of evidence are independent, except members of one joint block of contexts. For
those, log P(known members | H) is not a sum over members; it is divided among them by the Shapley value
[1]_: each gets the mean, over every order in which the members could become known, of what it adds when
its turn comes. The parts add up to the joint term for every set of causes, and no order is preferred.

.. [1] Shapley LS. A value for n-person games. In: Contributions to the Theory of Games II, Annals of
   Mathematics Studies 28. Princeton University Press, 1953: 307-17.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.arrays import softmax
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import JointTable, SettingTables, setting_tables

__all__ = ["PRESENCE", "CaseTerms", "EvidenceItem", "ItemKind", "evidence_terms"]

ItemKind: TypeAlias = Literal["state", "uncertain", "given_cause", "uncertain_cause"]
PRESENCE = ("absent", "present")


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One piece of evidence.

    Attributes
    ----------
    name : str
        Id of the variable or cause.
    kind : {"state", "uncertain", "given_cause", "uncertain_cause"}
        ``uncertain`` means a likelihood per state (virtual evidence).
    position : int
        Among the variables of the network, or among its causes.
    state_idx : int
        Index of the known state; -1 for uncertain evidence.
    state : str
        Its name; empty for uncertain evidence.
    likelihood : tuple of float
        Per state; empty where the state is known.
    """

    name: str
    kind: ItemKind
    position: int
    state_idx: int
    state: str
    likelihood: tuple[float, ...] = ()

    @property
    def is_cause(self) -> bool:
        """Whether this is evidence about a cause and not about a variable."""
        return self.kind in ("given_cause", "uncertain_cause")


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """The log likelihood of every set of causes, item by item.

    Attributes
    ----------
    items : tuple of EvidenceItem, length n_items
        In the order of the network, then causes.
    log_prior : (n_explanations,) float64
    log_alone : (n_items, n_explanations) float64
        log P(item | H), everything else unknown; -inf where impossible.
    log_background : (n_items,) float64
        The same where no cause is at work: findings at their background, contexts at their base
        frequency.
    log_share : (n_items, n_explanations) float64
        Parts that add up to `log_likelihood`: `log_alone`, except for members of one block. Only
        meaningful where `log_likelihood` is finite.
    log_likelihood : (n_explanations,) float64
        log P(all items | H).
    log_parts : (n_parts, n_explanations) float64
        log P(part | H) of what is independent given H: single items, and the known members of a block.
    part_idx : (n_items,) intp
        The part an item belongs to.
    log_part_without : (n_items, n_explanations) float64
        log P(its part without the item | H): 0 for single items.
    """

    items: tuple[EvidenceItem, ...]
    log_prior: Floats
    log_alone: Floats
    log_background: Floats
    log_share: Floats
    log_likelihood: Floats
    log_parts: Floats
    part_idx: npt.NDArray[np.intp]
    log_part_without: Floats

    def leave_one_out(self) -> Floats:
        """Return log P(all items but this one | H), as (n_items, n_explanations)."""
        # -inf cannot be taken away again, so impossible parts are counted instead
        impossible = np.isneginf(self.log_parts)
        finite = np.where(impossible, 0.0, self.log_parts)
        others = finite.sum(axis=0) - finite[self.part_idx]
        n_impossible = impossible.sum(axis=0) - impossible[self.part_idx]
        return np.where(n_impossible > 0, -np.inf, others + self.log_part_without)

    @property
    def is_possible(self) -> npt.NDArray[np.bool_]:
        """Return which sets of causes can be at all and with the evidence, as (n_explanations,) bool."""
        return self.can_be & np.isfinite(self.log_likelihood)

    @property
    def can_be(self) -> npt.NDArray[np.bool_]:
        """Return which sets of causes can be before anything is known: not those of causes never together."""
        return np.isfinite(self.log_prior)


@dataclass(frozen=True, slots=True)
class _Part:
    """Items that are dependent given H: mostly one. All rows (n_members, n_explanations)."""

    items: tuple[EvidenceItem, ...]
    alone: Floats
    background: Floats
    share: Floats
    whole: Floats  # (n_explanations,)
    without: Floats


def evidence_terms(network: Network, batch: EvidenceBatch) -> CaseTerms:
    """Take the evidence of one case apart.

    Parameters
    ----------
    network : Network
    batch : EvidenceBatch
        One case.

    Notes
    -----
    Costs a row of the tables per item, and 2^k sums over the cells of a block of which k members are
    known (the shipped block has 5 members and 38 cells; a block that passes `make_blocks` has at most
    12).
    """
    setting_idx = int(batch.setting_idx[0])
    tables = setting_tables(network, setting_idx)
    items = _items(network, batch)
    by_position = {item.position: item for item in items if not item.is_cause}
    parts = [_single(network, tables, setting_idx, item) for item in items if _is_single(tables, item)]
    blocks = [block for block in network.blocks if len(block.context_idx) > 1]
    for block, joint in zip(blocks, tables.joints, strict=True):
        known = [by_position[v] for v in joint.variable_idx.tolist() if v in by_position]
        if known:
            parts.append(_joint(network, setting_idx, block, joint, tuple(known)))
    return _assemble(items, np.asarray(tables.log_prior, dtype=np.float64), parts)


def _items(network: Network, batch: EvidenceBatch) -> tuple[EvidenceItem, ...]:
    """List what is known: variables in the order of the network, then causes."""
    ids, causes = network.variable_ids, network.spec.causes
    found: dict[tuple[bool, int], EvidenceItem] = {}
    for v in np.flatnonzero(batch.codes[0] != UNKNOWN).tolist():
        code = int(batch.codes[0, v])
        found[False, v] = EvidenceItem(ids[v], "state", v, code, network.states[v][code])
    for c in np.flatnonzero(batch.given[0] != UNKNOWN).tolist():
        code = int(batch.given[0, c])
        found[True, c] = EvidenceItem(causes[c], "given_cause", c, code, PRESENCE[code])
    for soft in batch.likelihoods:
        weights, v = tuple(soft.weights[0].tolist()), soft.variable_idx
        found[False, v] = EvidenceItem(ids[v], "uncertain", v, -1, "", weights)
    for soft in batch.cause_likelihoods:
        weights, c = tuple(soft.weights[0].tolist()), soft.variable_idx
        found[True, c] = EvidenceItem(causes[c], "uncertain_cause", c, -1, "", weights)
    return tuple(found[key] for key in sorted(found))


def _is_single(tables: SettingTables, item: EvidenceItem) -> bool:
    """Whether an item is independent of all others given H."""
    return item.is_cause or bool(tables.row_offset[item.position] >= 0)


def _factor(item: EvidenceItem, states: npt.NDArray[np.intp]) -> Floats:
    """Return the likelihood of each of some states: 0 or 1 where the state is known."""
    if item.likelihood:
        return np.array([item.likelihood[state] for state in states.tolist()])
    return np.asarray(states == item.state_idx, dtype=np.float64)


def _single(network: Network, tables: SettingTables, setting_idx: int, item: EvidenceItem) -> _Part:
    """Return the row of an item that is independent of all others given H."""
    with np.errstate(divide="ignore"):
        if item.is_cause:
            is_member = network.membership[:, item.position].astype(np.intp)
            per_state = np.log(_factor(item, np.arange(2)))
            row, background = per_state[is_member], float(per_state[0])
        else:
            n_states = int(network.n_states[item.position])
            first = int(tables.row_offset[item.position])
            base = _background(network, setting_idx, item.position)
            if item.likelihood:
                factor = np.array(item.likelihood)
                row = np.log(factor @ np.exp(tables.rows[first : first + n_states]))
                background = float(np.log(factor @ base))
            else:
                row, background = tables.rows[first + item.state_idx], float(np.log(base[item.state_idx]))
    values, nothing = row[None, :], np.zeros((1, len(row)))
    return _Part((item,), values, np.array([background]), values, row, nothing)


def _background(network: Network, setting_idx: int, position: int) -> Floats:
    """Return P(state) of a variable outside joint blocks when no cause is at work, as (n_states,)."""
    if position >= network.n_contexts:
        at_least = [1.0, *network.spec.findings[position - network.n_contexts].background, 0.0]
        return np.array([here - above for here, above in pairwise(at_least)])
    base = np.exp(network.solved.factors[setting_idx][position])
    return np.asarray(base / base.sum(), dtype=np.float64)


def _joint(
    network: Network,
    setting_idx: int,
    block: Block,
    joint: JointTable,
    items: tuple[EvidenceItem, ...],
) -> _Part:
    """Divide the joint term of a block among its known members, for every set of causes."""
    slot = {int(v): place for place, v in enumerate(joint.variable_idx)}
    factors = np.array([_factor(item, joint.cells[:, slot[item.position]]) for item in items])
    k = len(items)
    masks = (np.arange(2**k)[:, None] >> np.arange(k)) & 1  # (2^k, k): which members count as known
    agree = np.where(masks[:, :, None] == 1, factors, 1.0).prod(axis=1)  # (2^k, n_cells)
    with np.errstate(divide="ignore"):
        log_known = np.log(agree @ joint.probability)  # (2^k, n_explanations)
        base = _block_base(network, setting_idx, block)
        background = np.log(agree[2 ** np.arange(k)] @ base)
    full = 2**k - 1
    return _Part(
        items=items,
        alone=log_known[2 ** np.arange(k)],
        background=background,
        share=_shapley(log_known, masks.sum(axis=1), k),
        whole=log_known[full],
        without=log_known[full - 2 ** np.arange(k)],
    )


def _block_base(network: Network, setting_idx: int, block: Block) -> Floats:
    """Return P(cell) of a block when no cause is at work, as (n_cells,)."""
    log_cells = block.log_dependency.copy()
    for member, position in enumerate(block.context_idx):
        log_cells = log_cells + network.solved.factors[setting_idx][position][block.cells[:, member]]
    return softmax(log_cells)


def _shapley(values: Floats, sizes: npt.NDArray[np.intp], k: int) -> Floats:
    """Return the Shapley value of every player of many games at once.

    Parameters
    ----------
    values : (2^k, n_games) float64
        Worth of every coalition, bit j of the index standing for player j; the empty one is worth 0.
    sizes : (2^k,) int
        Players per coalition.

    Returns
    -------
    (k, n_games) float64
        Not meaningful in games where a coalition is worth -inf.
    """
    weights = np.array([math.factorial(s) * math.factorial(k - s - 1) for s in range(k)]) / math.factorial(k)
    shares = np.empty((k, values.shape[1]))
    index = np.arange(2**k)
    with np.errstate(invalid="ignore"):
        for player in range(k):
            others = index[index >> player & 1 == 0]
            shares[player] = weights[sizes[others]] @ (values[others + (1 << player)] - values[others])
    return shares


def _assemble(items: tuple[EvidenceItem, ...], log_prior: Floats, parts: list[_Part]) -> CaseTerms:
    """Put the rows of all parts in the order of the items."""
    place: Mapping[EvidenceItem, int] = {item: i for i, item in enumerate(items)}
    shape = (len(items), len(log_prior))
    alone, share, without = np.empty(shape), np.empty(shape), np.empty(shape)
    background, part_idx = np.empty(len(items)), np.empty(len(items), dtype=np.intp)
    for number, part in enumerate(parts):
        chosen = [place[item] for item in part.items]
        alone[chosen], share[chosen], without[chosen] = part.alone, part.share, part.without
        background[chosen], part_idx[chosen] = part.background, number
    wholes = np.array([part.whole for part in parts]).reshape(len(parts), len(log_prior))
    return CaseTerms(
        items, log_prior, alone, background, share, wholes.sum(axis=0), wholes, part_idx, without
    )
