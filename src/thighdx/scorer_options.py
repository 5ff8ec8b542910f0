"""What a scorer was asked for, as one record that travels with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from thighdx.column_map import ColumnMap

__all__ = ["ScorerOptions"]


@dataclass(frozen=True, slots=True)
class ScorerOptions:
    """What a scorer was asked for; `Scorer` says what each means."""

    setting: str
    interval: float | None
    triage: bool
    groups: bool
    columns: dict[str, str]
    top: int | None
    column_map: ColumnMap | None
    n_threads: int | None = field(compare=False)
    strict: bool

    def as_plain(self) -> dict[str, Any]:
        """Return everything that can change a result."""
        column_map = self.column_map
        return {
            "setting": self.setting,
            "interval": self.interval,
            "triage": self.triage,
            "groups": self.groups,
            "columns": self.columns,
            "top": self.top,
            "column_map": None if column_map is None else column_map.as_plain(),
            "strict": self.strict,
        }
