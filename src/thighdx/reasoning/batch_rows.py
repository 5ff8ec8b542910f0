"""What is known about many cases, as rows of the tables that the compiled delta method reads."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.inference.batch import UNKNOWN, EvidenceBatch
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.reasoning.batch_tables import BlockTable, BlockTables, block_table, stack_blocks
from thighdx.reasoning.layout import Indices, JudgementLayout

__all__ = ["KnownRows", "Mixtures", "known_rows"]

# Patterns of contexts kept with a network: about 0.1 MB each.
MAX_PATTERNS = 2_000
# Kinds of mixtures; `thighdx.reasoning.batch_leading` knows them by number.
FINDING, BLOCK, CAUSE = 0, 1, 2
# Stands for a member of a block with virtual evidence.
VIRTUAL = -2
Key: TypeAlias = tuple[int, bytes, bool]


class Mixtures(NamedTuple):
    """Virtual evidence, ordered by case: sums of rows of tables, weighted.

    Attributes
    ----------
    kind : (n_mixtures,) intp
        Over all states of a finding, over patterns of a block of contexts, or over absence and presence of a
        cause.
    start : (n_mixtures + 1,) intp
        Where the parts of a mixture start.
    row : (n_parts,) intp
        Rows of finding states, positions in `BlockTables`, or the cause.
    weight : (n_parts,) float64
        Likelihoods.
    """

    kind: Indices
    start: Indices
    row: Indices
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KnownRows:
    """Rows of known finding states, patterns of blocks and virtual evidence, and where those of a case start."""

    states: Indices
    state_ptr: Indices
    patterns: Indices
    pattern_ptr: Indices
    mixtures: Mixtures
    mixed_ptr: Indices
    blocks: BlockTables


@dataclass(frozen=True, slots=True)
class _Part:
    """Mixtures over the same rows in some cases; `weights` is (n_cases, n_rows)."""

    case_idx: Indices
    kind: int
    rows: Indices
    weights: Floats


def known_rows(network: Network, layout: JudgementLayout, batch: EvidenceBatch) -> KnownRows:
    """Look up what is known in cases of one setting; lays out patterns of contexts that are new."""
    own = batch.codes[:, network.n_contexts :]
    case_idx, finding_idx = np.nonzero(own != UNKNOWN)
    first = network.state_offset[network.n_contexts :]
    states = first[finding_idx] + own[case_idx, finding_idx]
    patterns = _Patterns.of(network, layout, int(batch.setting_idx[0]))
    place = np.full((batch.n_cases, len(network.blocks)), -1, dtype=np.intp)
    parts = _finding_parts(network, batch)
    for slot in range(len(network.blocks)):
        parts += _look_up(network, patterns, batch, slot, place[:, slot])
    mixtures, mixed_ptr = _flatten(batch.n_cases, parts)
    return KnownRows(
        states=states.astype(np.intp),
        state_ptr=_starts((own != UNKNOWN).sum(axis=1)),
        patterns=place[place >= 0],
        pattern_ptr=_starts((place >= 0).sum(axis=1)),
        mixtures=mixtures,
        mixed_ptr=mixed_ptr,
        blocks=patterns.stack(),
    )


def _starts(counts: Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)


def _finding_parts(network: Network, batch: EvidenceBatch) -> list[_Part]:
    """Return virtual evidence on findings and causes."""
    parts = []
    for item in batch.likelihoods:
        if item.variable_idx >= network.n_contexts:
            rows = network.state_offset[item.variable_idx] + np.arange(item.weights.shape[1])
            parts.append(_Part(item.case_idx, FINDING, rows, item.weights))
    on_causes = batch.cause_likelihoods
    return parts + [_Part(i.case_idx, CAUSE, np.full(2, i.variable_idx), i.weights) for i in on_causes]


def _look_up(
    network: Network, patterns: _Patterns, batch: EvidenceBatch, slot: int, place: Indices
) -> list[_Part]:
    """Fill in the pattern of one block in every case; return those that virtual evidence makes a mixture."""
    members = [int(v) for v in network.blocks[slot].context_idx]
    codes = batch.codes[:, members]
    virtual = {i.variable_idx: i for i in batch.likelihoods if i.variable_idx in members and len(i.case_idx)}
    for position, member in enumerate(members):
        if member in virtual:
            codes[virtual[member].case_idx, position] = VIRTUAL
    if (codes == UNKNOWN).all():
        return []
    parts = []
    radix = np.cumprod([1, *(int(network.n_states[v]) - VIRTUAL for v in members[:-1])])
    _, example, pattern_idx = np.unique(
        (codes.astype(np.int64) - VIRTUAL) @ radix, return_index=True, return_inverse=True
    )
    for number, states in enumerate(codes[example]):
        if not (states == VIRTUAL).any():
            if (states != UNKNOWN).any():
                place[pattern_idx == number] = patterns.find(slot, states)
            continue
        cases = np.flatnonzero(pattern_idx == number)
        open_members = np.flatnonzero(states == VIRTUAL)
        rows, weights = list[int](), list[Floats]()
        likelihoods = [virtual[members[i]] for i in open_members]
        own = [item.weights[np.searchsorted(item.case_idx, cases)] for item in likelihoods]
        for cell in product(*(range(values.shape[1]) for values in own)):
            full = states.copy()
            full[open_members] = cell
            rows.append(patterns.find(slot, full, whole=True))
            weights.append(np.prod([values[:, s] for values, s in zip(own, cell, strict=True)], axis=0))
        parts.append(_Part(cases, BLOCK, np.array(rows), np.stack(weights, axis=1)))
    return parts


def _flatten(n_cases: int, parts: list[_Part]) -> tuple[Mixtures, Indices]:
    """Put mixtures one after the other, by case; also return where each case starts."""
    empty = np.zeros(0, dtype=np.intp)
    case = np.concatenate([empty, *(part.case_idx for part in parts)])
    kind = np.concatenate([empty, *(np.full(len(part.case_idx), part.kind) for part in parts)])
    count = np.concatenate([empty, *(np.full(len(part.case_idx), len(part.rows)) for part in parts)])
    row = np.concatenate([empty, *(np.tile(part.rows, len(part.case_idx)) for part in parts)])
    weight = np.concatenate([np.zeros(0), *(part.weights.reshape(-1) for part in parts)])
    order = np.argsort(case, kind="stable")
    offset = (np.cumsum(count) - count)[order]
    count = count[order]
    start = _starts(count)
    taken = np.repeat(offset - start[:-1], count) + np.arange(start[-1])
    mixtures = Mixtures(
        kind[order].astype(np.intp), start, row[taken].astype(np.intp), weight[taken].astype(np.float64)
    )
    return mixtures, _starts(np.bincount(case, minlength=n_cases))


@dataclass(slots=True, eq=False)
class _Patterns:
    """Patterns of blocks seen so far in one setting, by block, states and whether laid out whole."""

    network: Network
    layout: JudgementLayout
    setting: int
    place: dict[Key, int]
    tables: list[BlockTable]
    stacked: BlockTables | None = None

    @classmethod
    def of(cls, network: Network, layout: JudgementLayout, setting: int) -> _Patterns:
        """Take up what an earlier batch left; another thread may be at work with that, so it stays as it is."""
        kept = network.cache.get(("block_patterns", setting))
        if not isinstance(kept, cls) or kept.layout is not layout or len(kept.tables) > MAX_PATTERNS:
            return cls(network, layout, setting, {}, [])
        return cls(network, layout, setting, dict(kept.place), list(kept.tables), kept.stacked)

    def find(self, slot: int, states: npt.NDArray[np.int8], *, whole: bool = False) -> int:
        """Return the number of a pattern."""
        key = (slot, states.tobytes(), whole)
        if key not in self.place:
            block = self.network.blocks[slot]
            table = block_table(self.network, self.layout, self.setting, block, states, whole=whole)
            self.place[key] = len(self.tables)
            self.tables.append(table)
            self.stacked = None
        return self.place[key]

    def stack(self) -> BlockTables:
        """Return all tables, and leave them for the next batch."""
        if not self.tables:  # the compiled code is made for tables with at least one pattern
            first = self.network.blocks[0]
            self.find(0, np.full(len(first.context_idx), UNKNOWN, dtype=np.int8))
        if self.stacked is None:
            self.stacked = stack_blocks(self.tables)
            self.network.cache[("block_patterns", self.setting)] = self
        return self.stacked
