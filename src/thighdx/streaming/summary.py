"""What `thighdx score` says about a scored table: its leading causes, and how often they were true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.columns import TRUTH_PREFIX
from thighdx.inference.vocabulary import Vocabulary

__all__ = ["TRUE_CAUSE", "ScoredCase", "Summary"]

TRUE_CAUSE = "true_cause"  # a column of cause ids joined by ;
ID_NAMES = ("id", "case_id", "case", "patient_id", "patient")
LISTED_CASES = 50

_COUNTS = (
    "n_rows",
    "has_settings",
    "has_truth",
    "n_truth",
    "n_first",
    "n_among",
    "n_truth_unscored",
    "n_truth_residual",
)

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ScoredCase:
    """One row for reading.

    Attributes
    ----------
    leading : tuple of (cause, probability)
        Most probable first; the residual cause is never among them; empty unless `status` is ok.
    true_causes : tuple of str
    rank : int or None
        Best rank of a true cause, 1 for the most probable; None if there is none.
    true_probability : float
        Posterior of the best-ranked true cause; NaN if there is none.
    """

    label: str
    status: str
    leading: tuple[tuple[str, float], ...]
    true_causes: tuple[str, ...]
    rank: int | None
    true_probability: float


@dataclass(slots=True)
class Summary:
    """Counts over the parts of a scored table, and its rows as long as they are few.

    Attributes
    ----------
    has_settings : bool
        Whether rows name settings of their own.
    lead_count, lead_sum : (n_ranked,)
        How often each ranked cause leads, and the sum of its probability there.
    n_truth : int
        Rows with a true cause that can be ranked and that were scored.
    n_first, n_among : int
        Of these, how often a true cause is first, and among the first `top`.
    n_truth_unscored, n_truth_residual : int
        Rows left out of `n_truth`: with another status, or with no true cause but the residual one.
    """

    vocabulary: Vocabulary
    residual_cause: str
    top: int
    n_rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    cases: list[ScoredCase] = field(default_factory=list)
    has_settings: bool = False
    has_truth: bool = False
    n_truth: int = 0
    n_first: int = 0
    n_among: int = 0
    n_truth_unscored: int = 0
    n_truth_residual: int = 0
    unknown_truth: Counter[str] = field(default_factory=Counter)
    lead_count: npt.NDArray[np.int64] = field(init=False)
    lead_sum: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        """Start counting."""
        self.lead_count = np.zeros(len(self.ranked), dtype=np.int64)
        self.lead_sum = np.zeros(len(self.ranked))

    @property
    def ranked(self) -> list[str]:
        """Causes that take part in rankings."""
        return [c.id for c in self.vocabulary.causes if c.id != self.residual_cause]

    @property
    def is_listed(self) -> bool:
        """Whether the table is small enough to show every row, and every row is known."""
        return self.n_rows == len(self.cases)

    def leading(self) -> list[tuple[str, int, float]]:
        """Return the causes that lead anywhere: rows, and mean probability there; most frequent first."""
        order = sorted(range(len(self.ranked)), key=lambda position: -self.lead_count[position])
        return [
            (
                self.ranked[position],
                int(self.lead_count[position]),
                float(self.lead_sum[position] / self.lead_count[position]),
            )
            for position in order
            if self.lead_count[position]
        ]

    def as_plain(self) -> dict[str, Any]:
        """Return all counts as plain data."""
        plain = {name: getattr(self, name) for name in _COUNTS}
        return plain | {
            "statuses": dict(self.statuses),
            "unknown_truth": dict(self.unknown_truth),
            "lead_count": self.lead_count.tolist(),
            "lead_sum": self.lead_sum.tolist(),
        }

    def take_up(self, plain: Mapping[str, Any]) -> None:
        """Go on counting from where `as_plain` was; rows are not listed any more."""
        for name in _COUNTS:
            setattr(self, name, plain[name])
        self.statuses, self.unknown_truth = Counter(plain["statuses"]), Counter(plain["unknown_truth"])
        self.lead_count = np.array(plain["lead_count"], dtype=np.int64)
        self.lead_sum = np.array(plain["lead_sum"])

    def add(self, scored: pa.Table) -> None:
        """Count one part of the result."""
        ranked = self.ranked
        columns = [scored.column(cause).to_numpy(zero_copy_only=False) for cause in ranked]
        posterior = np.stack(columns, axis=1) if columns else np.zeros((scored.num_rows, 0))
        status = scored.column("status").to_pylist()
        self.statuses.update(status)
        is_ok = np.array([value == "ok" for value in status], dtype=bool)
        if posterior.shape[1]:
            leader = posterior[is_ok].argmax(axis=1)
            self.lead_count += np.bincount(leader, minlength=len(ranked))
            self.lead_sum += np.bincount(leader, weights=posterior[is_ok, leader], minlength=len(ranked))
        is_listed = self.n_rows + scored.num_rows <= LISTED_CASES
        if is_listed or any(name.startswith(TRUTH_PREFIX) for name in scored.column_names):
            order = np.argsort(-posterior, axis=1, kind="stable")
            best = self._count_truth(scored, order, is_ok)
            if is_listed:
                self._list(scored, status, posterior, order, best)
        self.n_rows += scored.num_rows

    def _count_truth(
        self, scored: pa.Table, order: npt.NDArray[np.intp], is_ok: Bools
    ) -> npt.NDArray[np.intp]:
        """Count how often a true cause leads; return its best rank per row, 0 where there is none."""
        truth, has_any = self._truth(scored)
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
        never = order.shape[1] + 1
        best = np.where(truth, ranks, never).min(axis=1, initial=never)
        is_ranked = (best < never) & is_ok
        self.n_truth += int(is_ranked.sum())
        self.n_first += int((best[is_ranked] <= 1).sum())
        self.n_among += int((best[is_ranked] <= self.top).sum())
        self.n_truth_unscored += int((has_any & ~is_ok).sum())
        self.n_truth_residual += int((has_any & is_ok & ~is_ranked).sum())
        return np.where(is_ranked, best, 0)

    def _truth(self, scored: pa.Table) -> tuple[Bools, Bools]:
        """Return which ranked causes are true in every row, and whether any cause is."""
        truth = np.zeros((scored.num_rows, len(self.ranked)), dtype=bool)
        has_any = np.zeros(scored.num_rows, dtype=bool)
        if TRUE_CAUSE in scored.column_names:
            self.has_truth = True
            place = {cause: position for position, cause in enumerate(self.ranked)}
            for row, cell in enumerate(scored.column(TRUE_CAUSE).to_pylist()):
                for cause in _split(cell):
                    if cause in place:
                        truth[row, place[cause]] = True
                    elif cause != self.residual_cause:
                        self.unknown_truth[cause] += 1
                        continue
                    has_any[row] = True
            return truth, has_any
        for position, cause in enumerate(self.ranked):
            truth[:, position] = self._flags(scored, cause)
        return truth, truth.any(axis=1) | self._flags(scored, self.residual_cause)

    def _flags(self, scored: pa.Table, cause: str) -> Bools:
        """Read one column of truth; False where the table has none."""
        name = f"{TRUTH_PREFIX}{cause}"
        if cause not in self.vocabulary.cause_index or name not in scored.column_names:
            return np.zeros(scored.num_rows, dtype=bool)
        self.has_truth = True
        variable = self.vocabulary.causes[self.vocabulary.cause_index[cause]]
        packed = scored.column(name).combine_chunks().dictionary_encode()
        means = [Vocabulary.find_code(variable, value) == 1 for value in packed.dictionary.to_pylist()]
        codes = packed.indices.fill_null(len(means)).to_numpy(zero_copy_only=False)
        flags: Bools = np.array([*means, False])[codes]
        return flags

    def _list(
        self,
        scored: pa.Table,
        status: Sequence[str],
        posterior: npt.NDArray[np.float64],
        order: npt.NDArray[np.intp],
        best: npt.NDArray[np.intp],
    ) -> None:
        """Keep rows for reading."""
        ranked, labels = self.ranked, _labels(scored, self.n_rows)
        truth = self._truth_names(scored)
        for row, label in enumerate(labels):
            is_ok = status[row] == "ok"
            leading = [(ranked[c], float(posterior[row, c])) for c in order[row, : self.top]] if is_ok else []
            rank = int(best[row]) or None
            p_true = float(posterior[row, order[row, rank - 1]]) if rank else float("nan")
            self.cases.append(ScoredCase(label, status[row], tuple(leading), truth[row], rank, p_true))

    def _truth_names(self, scored: pa.Table) -> list[tuple[str, ...]]:
        """Return the true causes of every row by name."""
        if TRUE_CAUSE in scored.column_names:
            return [tuple(_split(cell)) for cell in scored.column(TRUE_CAUSE).to_pylist()]
        flags = {cause.id: self._flags(scored, cause.id) for cause in self.vocabulary.causes}
        return [tuple(c for c, flag in flags.items() if flag[row]) for row in range(scored.num_rows)]


def _split(cell: object) -> list[str]:
    """Return the cause ids in one cell."""
    return [part.strip() for part in cell.split(";") if part.strip()] if isinstance(cell, str) else []


def _labels(scored: pa.Table, n_before: int) -> list[str]:
    """Name the rows: by an id column, else by the first text passed through, else by their number."""
    passed = scored.column_names[: scored.column_names.index("status")]
    named = [name for wanted in ID_NAMES for name in passed if name.lower() == wanted]
    text = [name for name in passed if pa.types.is_string(scored.schema.field(name).type)]
    numbers = [str(n_before + row) for row in range(1, scored.num_rows + 1)]
    chosen = next(iter([*named, *text]), None)
    if chosen is None or chosen.startswith(TRUTH_PREFIX):
        return numbers
    cells = scored.column(chosen).to_pylist()
    return [number if cell in (None, "") else str(cell) for cell, number in zip(cells, numbers, strict=True)]
