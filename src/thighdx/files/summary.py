"""The summary of a scored table: which causes lead, and how often they were the true ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.evidence.columns import TRUTH_PREFIX
from thighdx.evidence.vocabulary import Vocabulary

__all__ = ["ScoredCase", "Summary"]

TRUE_CAUSE = "true_cause"  # a column of cause ids joined by ;
ID_NAMES = ("id", "case_id", "case", "patient_id", "patient")
LISTED_CASES = 50
CHUNK_ROWS = 8_192

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScoredCase:
    """One row for reading."""

    label: str
    status: str
    leading: tuple[tuple[str, float], ...]  # cause and probability, never the residual cause; empty unless ok
    true_causes: tuple[str, ...]
    rank: int | None  # best of a true cause, 1 for the most probable; None if there is none
    true_probability: float  # posterior of that cause; NaN if there is none


@dataclass(slots=True)
class Summary:
    """Counts over the parts of a scored table, and its rows as long as they are few.

    A true cause that can be ranked, in a row that was scored, counts in `n_truth`, and in `n_first` and `n_among`
    if it is the first cause and among the first `top`. Rows left out for another status, or as they have no true
    cause but the residual one, count in `n_truth_unscored` and `n_truth_residual`.
    """

    vocabulary: Vocabulary
    residual_cause: str
    top: int
    n_rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    cases: list[ScoredCase] = field(default_factory=list)
    has_settings: bool = False  # rows name settings of their own
    has_truth: bool = False
    n_truth: int = 0
    n_first: int = 0
    n_among: int = 0
    n_truth_unscored: int = 0
    n_truth_residual: int = 0
    unknown_truth: Counter[str] = field(default_factory=Counter)
    n_leads: Counter[str] = field(default_factory=Counter)
    p_leads: defaultdict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # summed where it leads

    @property
    def is_listed(self) -> bool:
        """Whether the table is small enough to show every row, and every row is known."""
        return self.n_rows == len(self.cases)

    def leading(self) -> list[tuple[str, int, float]]:
        """Return the causes that lead anywhere: rows, and mean probability there; most frequent first."""
        return [(cause, n, self.p_leads[cause] / n) for cause, n in self.n_leads.most_common()]

    def add(self, scored: pa.Table) -> None:
        """Count one part of the result."""
        for batch in scored.to_batches(max_chunksize=CHUNK_ROWS):
            self._add(batch)

    def _add(self, batch: pa.RecordBatch) -> None:
        """Count some rows."""
        causes = [cause.id for cause in self.vocabulary.causes]
        is_ranked = np.array([cause != self.residual_cause for cause in causes])
        names = [cause for cause in causes if cause != self.residual_cause]
        posterior = np.stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names], axis=1)
        status = batch.column("status").to_pylist()
        self.statuses.update(status)
        is_ok = np.array([value == "ok" for value in status], dtype=bool)
        leader, best = posterior[is_ok].argmax(axis=1), posterior[is_ok].max(axis=1)
        n_leads, p_leads = np.bincount(leader), np.bincount(leader, weights=best)
        for position in np.flatnonzero(n_leads).tolist():
            self.n_leads[names[position]] += int(n_leads[position])
            self.p_leads[names[position]] += float(p_leads[position])
        present = self._truth(batch, causes)
        true = np.where(present[:, is_ranked], posterior, -np.inf).max(axis=1)
        # ties count for the true cause; no rank is 0
        rank = np.where(is_ok & np.isfinite(true), 1 + (posterior > true[:, None]).sum(axis=1), 0)
        self._count_truth(rank, present, is_ok)
        if self.n_rows + batch.num_rows <= LISTED_CASES:
            labels, truth = _labels(batch, self.n_rows), _truth_names(batch, causes, present)
            for row, label in enumerate(labels):
                order = np.argsort(-posterior[row], kind="stable")[: self.top] if is_ok[row] else ()
                leading = tuple((names[place], float(posterior[row, place])) for place in order)
                p_true = float(true[row]) if rank[row] else float("nan")
                case = ScoredCase(label, status[row], leading, truth[row], int(rank[row]) or None, p_true)
                self.cases.append(case)
        self.n_rows += batch.num_rows

    def _count_truth(self, rank: npt.NDArray[np.intp], present: Bools, is_ok: Bools) -> None:
        """Count how often a true cause leads, by its best rank, 0 where there is none."""
        has_any = present.any(axis=1)
        self.n_truth += int((rank > 0).sum())
        self.n_first += int((rank == 1).sum())
        self.n_among += int(((rank > 0) & (rank <= self.top)).sum())
        self.n_truth_unscored += int((has_any & ~is_ok).sum())
        self.n_truth_residual += int((has_any & is_ok & (rank == 0)).sum())

    def _truth(self, batch: pa.RecordBatch, causes: list[str]) -> Bools:
        """Return which causes are said to be true, as (n_rows, n_causes)."""
        present = np.zeros((batch.num_rows, len(causes)), dtype=bool)
        columns = batch.schema.names
        if TRUE_CAUSE in columns:
            self.has_truth = True
            for row, cell in enumerate(batch.column(TRUE_CAUSE).to_pylist()):
                for cause in _split(cell):
                    if cause in causes:
                        present[row, causes.index(cause)] = True
                    else:
                        self.unknown_truth[cause] += 1
            return present
        for position, variable in enumerate(self.vocabulary.causes):
            if (name := f"{TRUTH_PREFIX}{variable.id}") in columns:
                self.has_truth = True
                packed = batch.column(name).dictionary_encode()
                words = packed.dictionary.to_pylist()
                is_true = pa.array(
                    [Vocabulary.find_code(variable, value) == 1 for value in words], pa.bool_()
                )
                present[:, position] = is_true.take(packed.indices).fill_null(False).to_numpy(False)
        return present


def _split(cell: object) -> list[str]:
    """Return the cause ids in one cell."""
    return [part.strip() for part in cell.split(";") if part.strip()] if isinstance(cell, str) else []


def _truth_names(batch: pa.RecordBatch, causes: list[str], present: Bools) -> list[tuple[str, ...]]:
    """Return the true causes of every row as they are named."""
    if TRUE_CAUSE in batch.schema.names:
        return [tuple(_split(cell)) for cell in batch.column(TRUE_CAUSE).to_pylist()]
    return [tuple(causes[position] for position in np.flatnonzero(row)) for row in present]


def _labels(batch: pa.RecordBatch, n_before: int) -> list[str]:
    """Name the rows: by an id column, else by the first text passed through, else by their number."""
    passed = batch.schema.names[: batch.schema.names.index("status")]
    named = [name for wanted in ID_NAMES for name in passed if name.lower() == wanted]
    text = [name for name in passed if pa.types.is_string(batch.schema.field(name).type)]
    numbers = [str(n_before + row) for row in range(1, batch.num_rows + 1)]
    chosen = next(iter([*named, *text]), None)
    if chosen is None or chosen.startswith(TRUTH_PREFIX):
        return numbers
    cells = batch.column(chosen).to_pylist()
    return [number if cell in (None, "") else str(cell) for cell, number in zip(cells, numbers, strict=True)]
