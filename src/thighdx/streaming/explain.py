"""How each column of a table will be read, shown before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.columns import TRUTH_PREFIX
from thighdx.distinct import distinct_values, read_numbers
from thighdx.errors import nearest_hint
from thighdx.inference.vocabulary import AGE_LIMITS, GIVEN_PREFIX, Vocabulary, is_missing
from thighdx.kb.records import Variable
from thighdx.schema_plan import SchemaPlan
from thighdx.scorer import Scorer
from thighdx.streaming.reading import Place, Table

__all__ = ["ColumnReading", "explain_columns"]

LOOKED_AT = 10_000  # rows
SHOWN_VALUES = 3


@dataclass(slots=True)
class ColumnReading:
    """How one column will be read.

    Attributes
    ----------
    role : str
        ``evidence``, ``age``, ``setting``, ``given``, ``virtual``, ``truth`` (passed through, compared),
        ``passed through`` or ``dropped``.
    read_as : str
        Empty unless it is read.
    kind : str
        Type in the file.
    known, unknown, bad : int
        Cells among those looked at that are read, empty, and cannot be read.
    values : Counter of str
        Values that cannot be read, and how often.
    hints : mapping of str to str
        For some of them: what they may mean.
    remark : str
        Why a column that looks like evidence is none.
    """

    name: str
    role: str
    read_as: str
    kind: str
    known: int = 0
    unknown: int = 0
    bad: int = 0
    values: Counter[str] = field(default_factory=Counter)
    hints: dict[str, str] = field(default_factory=dict)
    remark: str = ""


def explain_columns(table: Table, scorer: Scorer) -> tuple[list[ColumnReading], int]:
    """Look at the first rows of a table.

    Returns
    -------
    list of ColumnReading
        In the order of the table.
    int
        Rows looked at.
    """
    plan = scorer.plan(table.schema)
    found = {
        item.name: ColumnReading(item.name, *_role(plan, scorer, item.name), str(item.type))
        for item in table.schema
    }
    for message in plan.remarks:
        name = next((name for name in found if message.startswith(f"column {name!r} ")), None)
        if name is not None:
            found[name].remark = message.partition("; ")[2]
    n_rows = 0
    for portion in table.read(Place(0, 0), 0, LOOKED_AT):
        ready = scorer.ready(portion.batch)
        for name in plan.evidence:
            _look(found[name], ready.column(name), portion.batch.column(name), scorer.model.vocabulary)
        n_rows += portion.batch.num_rows
        if n_rows >= LOOKED_AT:
            break
    return list(found.values()), n_rows


def _role(plan: SchemaPlan, scorer: Scorer, name: str) -> tuple[str, str]:
    """Return what a column is for, and what it is read as."""
    if name not in plan.evidence:
        if name in scorer.dropped:
            return "dropped", ""
        return ("truth" if name.startswith(TRUTH_PREFIX) else "passed through"), ""
    read_as = plan.renamed.get(name, name)
    if read_as in ("age", "setting"):
        return read_as, read_as
    if ":" in read_as:
        return "virtual", read_as
    is_given = read_as not in scorer.model.vocabulary.index and read_as.startswith(GIVEN_PREFIX)
    return ("given" if is_given else "evidence"), read_as


def _look(reading: ColumnReading, column: pa.ChunkedArray, stored: pa.Array, vocabulary: Vocabulary) -> None:
    """Count what can be read of some cells of a column; `stored` has them as they are in the file."""
    series = nw.from_native(column, series_only=True)
    if reading.role in ("age", "virtual"):
        read = read_numbers(series, allow_text=True)
        low, high = AGE_LIMITS if reading.role == "age" else (0.0, np.finfo(np.float64).max)
        is_bad = read.is_wrong | (read.values < low) | (read.values > high)
        is_unknown = np.isnan(read.values) & ~is_bad
        reading.bad += int(is_bad.sum())
        reading.unknown += int(is_unknown.sum())
        reading.known += int((~is_bad & ~is_unknown).sum())
        for row in is_bad.nonzero()[0][:1_000]:
            reading.values[str(stored[int(row)].as_py())[:80]] += 1
        return
    found = distinct_values(series)
    counts = Counter(found.codes.tolist())
    states = _states(reading, vocabulary)
    variable = Variable(reading.read_as, "finding", "", tuple(states))
    for code, count in counts.items():
        value = None if code < 0 else found.values[code]
        if is_missing(value):
            reading.unknown += count
        elif _is_read(reading, vocabulary, variable, value):
            reading.known += count
        else:
            word = str(value)[:80] if isinstance(value, str) else "a value of another kind"
            reading.bad += count
            reading.values[word] += count
            if hint := nearest_hint(word, states):
                reading.hints[word] = hint


def _is_read(reading: ColumnReading, vocabulary: Vocabulary, variable: Variable, value: object) -> bool:
    """Whether a value means something in a column."""
    if reading.role == "setting":
        return vocabulary.find_setting(value) is not None
    return Vocabulary.find_code(variable, value) is not None


def _states(reading: ColumnReading, vocabulary: Vocabulary) -> Sequence[str]:
    """Return the words that a column may hold."""
    if reading.role == "setting":
        return vocabulary.settings
    if reading.role == "given":
        return vocabulary.causes[vocabulary.cause_idx(reading.read_as.removeprefix(GIVEN_PREFIX))].states
    return vocabulary.variables[vocabulary.index[reading.read_as]].states
