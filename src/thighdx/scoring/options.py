"""What is asked for when a table is scored, as one record that travels whole."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Literal, TypeAlias, get_args

from thighdx.errors import TableError
from thighdx.evidence.column_map import ColumnMap
from thighdx.evidence.draft import Translators
from thighdx.evidence.vocabulary import as_day
from thighdx.plain import Plain
from thighdx.reasoning.intervals.level import check_level

__all__ = ["Engine", "OnError", "ScoreOptions"]

Engine: TypeAlias = Literal["auto", "compiled", "numpy"]
OnError: TypeAlias = Literal["keep", "unknown", "raise"]


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
        ``auto`` is decided once per table, by its size; see `thighdx.scoring.score.choose_engine`.
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
    _renamed: ClassVar = {"engine": ""}

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
            raise TableError(
                f"reference_date: got {self.reference_date!r}, expected a date such as '2026-03-31'"
            )

    @property
    def reference_day(self) -> float | None:
        """The reference date as the number YYYYMMDD."""
        return None if self.reference_date is None else as_day(self.reference_date)

    @property
    def renamed(self) -> dict[str, str]:
        """Column to what it is read as, by the map and by `columns`."""
        return {**(self.column_map.renamed if self.column_map is not None else {}), **self.columns}

    @property
    def dropped(self) -> frozenset[str]:
        """Columns that are neither read nor passed through."""
        return self.column_map.dropped if self.column_map is not None else frozenset()

    @property
    def translators(self) -> Translators:
        """Column to what turns its cells into words of the vocabulary."""
        if self.column_map is None:
            return {}
        made = {name: self.column_map.translator(name) for name in self.column_map.columns}
        return {name: translate for name, translate in made.items() if translate is not None}


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
