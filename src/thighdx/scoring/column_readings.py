"""How each column of a table will be read, before anything is scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from thighdx.compiled.compiled_model import ModelFacts
from thighdx.evidence.columns import TRUTH_PREFIX, ColumnPlan
from thighdx.evidence.frames import open_table
from thighdx.evidence.table_rows import encode_rows
from thighdx.evidence.vocabulary import DATE_OF_BIRTH, GIVEN_PREFIX, REFERENCE_DATE, state_hint
from thighdx.scoring.faults import LOOKED_AT, FaultReader
from thighdx.scoring.options import ScoreOptions
from thighdx.scoring.plan import plan_table

__all__ = ["SHOWN_VALUES", "ColumnReading", "ColumnReadings", "explain_table"]

SHOWN_VALUES = 3


@dataclass(slots=True)
class ColumnReading:
    """How one column will be read.

    Attributes
    ----------
    role : str
        ``evidence``, ``age``, ``date``, ``setting``, ``given``, ``virtual``, ``truth`` (passed through, compared),
        ``passed through`` or ``dropped``.
    read_as : str
        Empty unless it is read.
    kind : str
        Type in the table.
    known, unknown, bad : int
        Cells among those looked at that are read, empty, and cannot be read.
    values : Counter of str
        Values that cannot be read, and how often.
    hints : mapping of str to str
        For some of them: what they may mean.
    remark : str
        Why a column that looks like evidence is none.
    """

    name: Hashable
    role: str
    read_as: str
    kind: str
    known: int = 0
    unknown: int = 0
    bad: int = 0
    values: Counter[str] = field(default_factory=Counter)
    hints: dict[str, str] = field(default_factory=dict)
    remark: str = ""


class ColumnReadings:
    """Looks at rows of a table, part by part.

    Parameters
    ----------
    plan : ColumnPlan
        Of the columns of `kinds`.
    kinds : mapping
        Every column of the table, in order, to its type in words.
    """

    def __init__(self, plan: ColumnPlan, kinds: Mapping[Hashable, str]) -> None:
        self.plan, self.n_rows = plan, 0
        self.columns = {name: ColumnReading(name, *self._role(name), kind) for name, kind in kinds.items()}
        for message in plan.remarks:
            name = next((name for name in kinds if message.startswith(f"column {name!r} ")), None)
            if name is not None:
                self.columns[name].remark = message.partition("; ")[2]

    def add(self, rows: Any, n_rows: int) -> None:
        """Count what can be read of some rows."""
        known: dict[Hashable, int] = {}
        encoded = encode_rows(self.plan, rows, n_rows, known=known)
        reader = FaultReader(self.plan, rows, encoded)
        for bad in encoded.bad_cells:
            if bad.is_by_itself:
                reading = self.columns[bad.column]
                reading.bad += len(bad.rows)
                reading.unknown -= len(bad.rows)
                found = reader.common_values(bad, at_most=LOOKED_AT)
                reading.values.update(found)
                for word in found:
                    if hint := state_hint(word, self._states(reading)):
                        reading.hints[word] = hint
        for name, count in known.items():
            self.columns[name].known += count
            self.columns[name].unknown += n_rows - count
        self.n_rows += n_rows

    def to_frame(self) -> pd.DataFrame:
        """Return one row per column of the table: how it is read, and what cannot be."""
        rows = []
        for reading in self.columns.values():
            shown = (f"{value!r} ({count})" for value, count in reading.values.most_common(SHOWN_VALUES))
            hints = (f"{word!r}: {hint}" for word, hint in reading.hints.items())
            rows.append(
                {
                    "column": reading.name,
                    "role": reading.role,
                    "read_as": reading.read_as,
                    "type": reading.kind,
                    "known": reading.known,
                    "unknown": reading.unknown,
                    "bad": reading.bad,
                    "bad_values": ", ".join(shown),
                    "remark": reading.remark or "; ".join(hints),
                }
            )
        return pd.DataFrame(rows)

    def _role(self, name: Hashable) -> tuple[str, str]:
        """Return what a column is for, and what it is read as."""
        if name not in self.plan.evidence:
            if name not in self.plan.passthrough:
                return "dropped", ""
            is_truth = isinstance(name, str) and name.startswith(TRUTH_PREFIX)
            return ("truth" if is_truth else "passed through"), ""
        read_as = str(self.plan.renamed.get(name, name))
        if read_as in ("age", "setting"):
            return read_as, read_as
        if read_as in (DATE_OF_BIRTH, REFERENCE_DATE):
            return "date", read_as
        if ":" in read_as:
            return "virtual", read_as
        is_given = read_as not in self.plan.vocabulary.index and read_as.startswith(GIVEN_PREFIX)
        return ("given" if is_given else "evidence"), read_as

    def _states(self, reading: ColumnReading) -> Sequence[str]:
        """Return the words that a column may hold."""
        vocabulary = self.plan.vocabulary
        if reading.role == "setting":
            return vocabulary.settings
        if reading.role == "given":
            return vocabulary.causes[vocabulary.cause_idx(reading.read_as.removeprefix(GIVEN_PREFIX))].states
        if reading.role == "evidence":
            return vocabulary.variables[vocabulary.index[reading.read_as]].states
        return ()


def explain_table(model: ModelFacts, options: ScoreOptions, table: Any, n_rows: int) -> pd.DataFrame:
    """Say how each column of a table will be read; see `Model.explain_columns`."""
    frame = open_table(table)
    readings = ColumnReadings(plan_table(model, options, frame.names).columns, frame.kinds)
    shown = frame.part(0, n_rows)
    readings.add(shown, len(shown))
    return readings.to_frame()
