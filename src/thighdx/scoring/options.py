"""What is asked for when a table is scored, as one record that travels whole."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypedDict, TypeVar, get_args

from thighdx.errors import TableError
from thighdx.evidence.vocabulary import A_DATE, as_day
from thighdx.plain import Plain
from thighdx.reasoning.intervals.level import check_level

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import polars as pl

    from thighdx.evidence.column_map import ColumnMap

__all__ = [
    "ArrowStream",
    "Engine",
    "FrameT",
    "OnError",
    "ScoreKeywords",
    "ScoreOptions",
    "ScorerKeywords",
]

Engine: TypeAlias = Literal["auto", "compiled", "numpy"]
OnError: TypeAlias = Literal["keep", "unknown", "raise"]
FrameT = TypeVar("FrameT", "pd.DataFrame", "pl.DataFrame")


class ArrowStream(Protocol):
    """What gives Arrow batches: a DuckDB relation, a reader, a table of another library."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a capsule of the Arrow C stream interface."""


class ScoreKeywords(TypedDict, total=False):
    """What `Model.score` may be asked for."""

    setting: str | None
    interval: float | None
    triage: bool
    groups: bool
    status_detail: bool
    columns: Mapping[str, str] | None
    on_error: OnError
    reference_date: str | date | None
    n_threads: int | None


class ScorerKeywords(ScoreKeywords, total=False):
    """What a `Scorer` may be asked for beside."""

    top: int | None
    column_map: str | Path | Mapping[str, Any] | ColumnMap | None


@dataclass(frozen=True, slots=True)
class ScoreOptions(Plain):
    """What is asked for; plain data of it has everything that can change a result but the engine.

    Attributes
    ----------
    setting : str
        Of rows that do not name their own.
    interval : float, optional
        Level of credible intervals, in (0, 1): adds ``<cause>_lower`` and ``<cause>_upper``.
    triage, groups, status_detail : bool
        Adds the level of urgency; adds ``group_<name>``; adds why a row could not be read, in words.
    columns : mapping of str to str
        Column to what it is read as.
    column_map : ColumnMap, optional
        From a hospital's names and codes to the vocabulary.
    top : int, optional
        Adds so many leading causes.
    on_error : {"keep", "unknown", "raise"}
        A row with a cell that cannot be read keeps its place without probabilities; is scored as if the cell
        were unknown; is an error.
    reference_date : date or str, optional
        The day when patients were seen whose row does not say it: with it dates of birth are ages.
    n_threads : int, optional
        All by default; never changes a result.
    engine : {"auto", "compiled", "numpy"}
        ``auto`` is decided once per table, by its size; see `choose_engine` in `thighdx.scoring.score`.
    """

    setting: str
    interval: float | None = None
    triage: bool = False
    groups: bool = False
    status_detail: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    column_map: ColumnMap | None = None
    top: int | None = None
    on_error: OnError = "keep"
    reference_date: str | date | None = None
    n_threads: int | None = field(default=None, compare=False)
    engine: Engine = "auto"
    _renamed: ClassVar[dict[str, str]] = {"engine": ""}

    def __post_init__(self) -> None:
        """Refuse what has no meaning, with a `TableError` or `OptionError`."""
        n_threads, interval = self.n_threads, self.interval
        if not isinstance(self.columns, Mapping):
            expected = "expected a mapping of column to what it is read as"
            raise TableError(f"columns: got {type(self.columns).__name__}, {expected}")
        if n_threads is not None and not (_is_whole(n_threads) and n_threads >= 1):
            raise TableError(
                f"n_threads: got {n_threads!r}, expected a whole number from 1 on, or None for all"
            )
        if interval is not None:
            check_level(interval)
        for name, kind in (("engine", Engine), ("on_error", OnError)):
            if getattr(self, name) not in get_args(kind):
                raise TableError(
                    f"{name}: got {getattr(self, name)!r}, expected one of {', '.join(get_args(kind))}"
                )

        if self.reference_date is not None and not (as_day(self.reference_date) or 0) > 0:
            raise TableError(f"reference_date: got {self.reference_date!r}, expected {A_DATE}")


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
