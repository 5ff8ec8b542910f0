"""The evidence of many cases as pieces whose scores are worked out once and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from thighdx.evidence.batch import UNKNOWN, EvidenceBatch
from thighdx.inference.dense_rows import case_rows
from thighdx.network.blocks import Block
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import setting_tables
from thighdx.reasoning.intervals.block_scores import block_scores
from thighdx.reasoning.intervals.finding_scores import finding_scores
from thighdx.reasoning.intervals.layout import Indices, JudgementLayout
from thighdx.reasoning.intervals.scores import PieceScores, holding, n_features

__all__ = ["Stack", "cell_likelihoods", "on_causes", "ranges", "stack_pieces", "state_likelihoods"]

MAX_KEPT = 250_000_000  # bytes of pieces kept with a network


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The pieces of some cases of one setting, one after the other; attributes as in `PieceScores`.

    Attributes
    ----------
    piece, case : (n_uses,) intp
        Which piece is known in which case, by case.
    use_start : (n_cases + 1,) intp
        First use of every case.
    item_start, local_start, row_start, slot_start, row_slot_start : (n_pieces + 1,) intp
    """

    piece: Indices
    case: Indices
    use_start: Indices
    log: Floats
    second_order: Floats
    position: Indices
    cause: Indices
    local: Floats
    rows: Floats
    row_slots: Indices
    slots: Indices
    level: Floats
    through: csr_array
    plain_weight: Floats
    item_start: Indices
    local_start: Indices
    row_start: Indices
    slot_start: Indices
    row_slot_start: Indices
    pieces: tuple[PieceScores, ...]


def ranges(starts: Indices, counts: Indices) -> Indices:
    """Return start, start + 1, ... of every range, one after the other.

    Examples
    --------
    >>> ranges(np.array([5, 0, 7]), np.array([2, 0, 3])).tolist()
    [5, 6, 7, 8, 9]
    """
    ends = np.cumsum(counts)
    return np.asarray(np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts))


def state_likelihoods(
    network: Network, batch: EvidenceBatch, variable_idx: int, case: int = 0
) -> Floats | None:
    """Return P(what is known | state) of one variable in one case, (n_states,); None where it is unknown."""
    code = int(batch.codes[case, variable_idx])
    if code != UNKNOWN:
        return np.asarray(np.eye(network.n_states[variable_idx])[code])
    for item in batch.likelihoods:
        if item.variable_idx == variable_idx:
            place = np.flatnonzero(item.case_idx == case)
            if len(place):
                return np.asarray(item.weights[place[0]])
    return None


def cell_likelihoods(block: Block, seen: Sequence[Floats | None]) -> Floats:
    """Return the likelihood of every cell of a block, (n_cells,), from those of the states of its members."""
    cells = np.ones(len(block.cells))
    for slot, own in enumerate(seen):
        cells = cells if own is None else cells * own[block.cells[:, slot]]
    return cells


def on_causes(network: Network, batch: EvidenceBatch) -> Floats:
    """Return log P(evidence on causes | H) of cases of one setting, (n_cases, n_explanations)."""
    logs = np.zeros((batch.n_cases, network.explanations.n_explanations))
    tables = setting_tables(network, int(batch.setting_idx[0]))
    case_idx, rows = case_rows(network, tables, replace(batch, likelihoods=()))
    logs[case_idx] = rows
    return logs


def stack_pieces(network: Network, layout: JudgementLayout, batch: EvidenceBatch) -> Stack:
    """Collect what is known in cases of one setting; works out the scores of pieces that are new."""
    setting = int(batch.setting_idx[0])
    kept = _kept(network, layout)
    pieces: list[PieceScores] = []
    table = np.full((batch.n_cases, len(network.blocks) + len(network.spec.findings)), -1, dtype=np.intp)

    def work_out(members: Indices, case: int) -> PieceScores:
        seen = [state_likelihoods(network, batch, int(v), case) for v in members]
        return _scores(network, layout, setting, members, seen)

    for column, members in enumerate(_members(network)):
        virtual = [item.case_idx for item in batch.likelihoods if item.variable_idx in members]
        is_virtual = np.isin(np.arange(batch.n_cases), np.concatenate(virtual)) if virtual else None
        for codes, cases in _patterns(batch.codes[:, members], is_virtual):
            table[cases, column] = len(pieces)
            key = (setting, column, codes.tobytes())
            pieces.append(kept.find(key, partial(work_out, members, int(cases[0]))))
        for case in np.flatnonzero(is_virtual).tolist() if is_virtual is not None else ():
            table[case, column] = len(pieces)
            pieces.append(work_out(members, case))
    case_idx, column_idx = np.nonzero(table >= 0)
    return _stack(network, layout, pieces, table[case_idx, column_idx], case_idx, batch.n_cases)


def _members(network: Network) -> Iterator[Indices]:
    """Yield the variables of every block, then every finding."""
    for block in network.blocks:
        yield np.array(block.context_idx, dtype=np.intp)
    for variable in range(network.n_contexts, network.n_variables):
        yield np.array([variable], dtype=np.intp)


def _patterns(
    codes: npt.NDArray[np.int8], is_left_out: npt.NDArray[np.bool_] | None
) -> Iterator[tuple[npt.NDArray[np.int8], Indices]]:
    """Yield every distinct row with something known, and its cases."""
    is_known = (codes != UNKNOWN).any(axis=1)
    if is_left_out is not None:
        is_known &= ~is_left_out
    cases = np.flatnonzero(is_known)
    if len(cases) == 0:
        return
    if codes.shape[1] == 1:
        own = codes[cases, 0]
        for code in range(int(own.max()) + 1):
            if (own == code).any():
                yield np.array([code], dtype=np.int8), cases[own == code]
        return
    found, place = np.unique(codes[cases], axis=0, return_inverse=True)
    for number, pattern in enumerate(found):
        yield pattern, cases[place.reshape(-1) == number]


def _scores(
    network: Network,
    layout: JudgementLayout,
    setting: int,
    members: Indices,
    seen: list[Floats | None],
) -> PieceScores:
    """Work out one piece from the likelihoods of the states of its variables."""
    first = int(members[0])
    if first >= network.n_contexts and seen[0] is not None:
        return finding_scores(network, layout, first - network.n_contexts, seen[0])
    block = next(block for block in network.blocks if block.context_idx[0] == first)
    return block_scores(network, layout, setting, block, cell_likelihoods(block, seen))


class _Kept:
    """Pieces kept with a network, the oldest given up first; two threads may make the same piece twice."""

    def __init__(self, layout: JudgementLayout) -> None:
        self.layout, self.size = layout, 0
        self.pieces: dict[Hashable, PieceScores] = {}

    def find(self, key: Hashable, make: Callable[[], PieceScores]) -> PieceScores:
        """Return a piece, made at first use."""
        found = self.pieces.get(key)
        if found is None:
            found = make()
            self.pieces[key] = found
            self.size += _size(found)
            while self.size > MAX_KEPT and len(self.pieces) > 1:
                try:
                    gone = self.pieces.pop(next(iter(self.pieces)))
                except (KeyError, RuntimeError, StopIteration):  # another thread was quicker
                    break
                self.size -= _size(gone)
        return found


def _size(piece: PieceScores) -> int:
    return int(2 * piece.second_order.nbytes + piece.local.nbytes + piece.rows.nbytes)


def _kept(network: Network, layout: JudgementLayout) -> _Kept:
    return network.once(("evidence_scores", id(layout)), lambda: _Kept(layout))


def _starts(counts: list[int] | Indices) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)


def _one_below_the_other(parts: list[csr_array], n_columns: int) -> csr_array:
    """Stack sparse matrices; for hundreds of small ones some ten times as quick as that of scipy."""
    counts = np.concatenate([np.zeros(0, dtype=np.int32), *(np.diff(p.indptr) for p in parts)])
    data = np.concatenate([np.zeros(0), *(p.data for p in parts)])
    indices = np.concatenate([np.zeros(0, dtype=np.int32), *(p.indices for p in parts)])
    return csr_array((data, indices, _starts(counts).astype(np.int32)), shape=(len(counts), n_columns))


def _stack(
    network: Network,
    layout: JudgementLayout,
    pieces: list[PieceScores],
    piece: Indices,
    case: Indices,
    n_cases: int,
) -> Stack:
    """Put the arrays of the pieces one after the other."""
    n = network.explanations.n_explanations
    n_causes = network.explanations.n_causes
    empty, held = np.zeros(0, dtype=np.intp), holding(network)
    return Stack(
        piece=piece.astype(np.int32),  # as sparse matrices want them
        case=case.astype(np.int32),
        use_start=_starts(np.bincount(case, minlength=n_cases)).astype(np.int32),
        log=np.array([p.log for p in pieces]).reshape(-1, n),
        second_order=np.array([p.second_order for p in pieces]).reshape(-1, n),
        position=np.concatenate([empty, *(p.position for p in pieces)]),
        cause=np.concatenate([empty, *(p.cause for p in pieces)]),
        local=np.concatenate([np.zeros((0, held.shape[1])), *(p.local for p in pieces)]),
        rows=np.concatenate([np.zeros((0, *held.shape)), *(p.rows for p in pieces)]),
        row_slots=np.concatenate([empty, *(p.row_slots for p in pieces)]),
        slots=np.concatenate([empty, *(p.slots for p in pieces)]),
        level=np.concatenate([np.zeros(0), *(p.level for p in pieces)]),
        through=_one_below_the_other([p.through for p in pieces], n_causes + n_features(network, layout)),
        plain_weight=np.array([p.plain_weight for p in pieces]).reshape(-1, n_causes * 4),
        item_start=_starts([len(p.position) for p in pieces]),
        local_start=_starts([len(p.cause) for p in pieces]),
        row_start=_starts([len(p.rows) for p in pieces]),
        slot_start=_starts([len(p.slots) for p in pieces]),
        row_slot_start=_starts([len(p.row_slots) for p in pieces]),
        pieces=tuple(pieces),
    )
