"""What a table means and what will come out, from its schema alone, before any cell is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

import thighdx
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import TableError
from thighdx.evidence.cells import check_readable
from thighdx.evidence.columns import ColumnPlan
from thighdx.scoring.score import Scoring

__all__ = ["SchemaPlan", "make_notes", "plan_schema", "schema_difference"]

MAX_COLUMNS = 200_000


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """How tables of one schema are read and written.

    Attributes
    ----------
    columns : ColumnPlan
    evidence : tuple of str
        Columns that are read, in the order of the table.
    passthrough : tuple of int
        Positions of the columns that come out as they went in.
    output : pyarrow.Schema
        Its metadata say which model made the numbers.
    """

    columns: ColumnPlan
    evidence: tuple[str, ...]
    passthrough: tuple[int, ...]
    output: pa.Schema

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user may not expect."""
        return self.columns.remarks


def make_notes(model: CompiledModel, setting: str) -> dict[str, str]:
    """Return what a file says about where its numbers are from."""
    return {
        "thighdx.model": f"{model.name} {model.version}",
        "thighdx.digest": model.digest,
        "thighdx.setting": setting,
        "thighdx.version": thighdx.__version__,
        "thighdx.disclaimer": model.disclaimer,
    }


def plan_schema(
    scoring: Scoring, schema: pa.Schema, *, top: Sequence[str], notes: Mapping[str, str]
) -> SchemaPlan:
    """Decide how tables of a schema are read.

    Parameters
    ----------
    top : sequence of str
        Names of the columns of leading causes: a cause and its probability, and so on.

    Raises
    ------
    TableError
        With every problem of its names, or of its types.
    """
    _check_names(schema)
    plan, renamed = scoring.plan(schema.names, reserved=top), scoring.options.renamed
    evidence = tuple(str(name) for name in plan.evidence)
    wrong = [check_readable(schema.field(name), renamed.get(name, name)) for name in evidence]
    if problems := [problem for problem in wrong if problem is not None]:
        raise TableError("table: " + "\n  ".join(problems))
    passed = frozenset(plan.passthrough)
    kept = tuple(position for position, name in enumerate(schema.names) if name in passed)
    text = {"status", *scoring.words, *top[::2]}
    added = [(name, pa.string() if name in text else pa.float64()) for name in (*scoring.names, *top)]
    fields = [schema.field(position).remove_metadata() for position in kept]
    output = pa.schema([*fields, *(pa.field(name, kind) for name, kind in added)], metadata=dict(notes))
    return SchemaPlan(plan, evidence, kept, output)


def _check_names(schema: pa.Schema) -> None:
    """Refuse a column given twice, and more columns than any table has."""
    if len(schema.names) > MAX_COLUMNS:
        raise TableError(f"table: got {len(schema.names):,} columns, expected at most {MAX_COLUMNS:,}")
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise TableError(
            f"table: column {twice[0]!r} is given twice, expected each once; rename or remove one"
        )


def schema_difference(first: pa.Schema, other: pa.Schema) -> str:
    """Say how a part of a table differs from the first.

    Examples
    --------
    >>> schema_difference(pa.schema({"age": pa.int64()}), pa.schema({"age": pa.string()}))
    "column 'age': got the type string, expected int64 as in the first part"
    """
    for name in first.names:
        if name not in other.names:
            return f"no column {name!r}, expected the columns of the first part"
    for name in other.names:
        if name not in first.names:
            return f"column {name!r} is not in the first part; give every part the same columns"
    for name in first.names:
        got, expected = other.field(name).type, first.field(name).type
        if got != expected:
            return f"column {name!r}: got the type {got}, expected {expected} as in the first part"
    return "the columns are in another order than in the first part"
