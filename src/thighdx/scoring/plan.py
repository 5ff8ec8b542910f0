"""What a table means and what will come out, from the names and types of its columns, before any cell is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

import thighdx
from thighdx.compiled.compiled_model import ModelFacts
from thighdx.errors import TableError
from thighdx.evidence.columns import ColumnPlan, plan_columns
from thighdx.evidence.distinct import check_readable
from thighdx.evidence.vocabulary import as_day
from thighdx.network.groups import group_sets
from thighdx.network.spec import Floats
from thighdx.reasoning.urgency.levels import UrgencyRules
from thighdx.scoring.options import ScoreOptions

__all__ = ["GROUP_PREFIX", "SchemaPlan", "TablePlan", "plan_schema", "plan_table", "schema_difference"]

GROUP_PREFIX = "group_"
MAX_COLUMNS = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class TablePlan:
    """How tables with the same columns are scored: made once, used for every part of them.

    Attributes
    ----------
    numbers : tuple of str
        Columns of numbers that scoring adds after ``status``: log evidence, causes, groups, bounds of intervals.
    words : mapping of str to type
        Columns that come last, `str` or `float`: urgency, why a row has its status, leading causes.
    ranked : (n_ranked,) intp, optional
        Where leading causes are asked for: those that can lead, all but the residual one.
    sets : (n_explanations, n_causes + n_groups) float64, optional
        0/1, where groups are asked for: which explanations count for which cause and group.
    rules : UrgencyRules, optional
        Where urgency is asked for.
    """

    model: ModelFacts
    options: ScoreOptions
    columns: ColumnPlan
    numbers: tuple[str, ...]
    words: Mapping[str, type]
    ranked: npt.NDArray[np.intp] | None
    sets: Floats | None
    rules: UrgencyRules | None


def plan_table(model: ModelFacts, options: ScoreOptions, names: Sequence[Hashable]) -> TablePlan:
    """Decide how every column of a table is read, and what is added.

    Raises
    ------
    TableError
        With every problem of the names at once.
    EvidenceError
        If there is no such setting.
    """
    vocabulary, mapped, sets, ranked = model.vocabulary, options.column_map, None, None
    causes = [cause.id for cause in vocabulary.causes]
    numbers = ["log_evidence", *causes]
    words: dict[str, type] = {name: str for name in ("triage", "status_detail") if getattr(options, name)}
    if options.groups:
        members = [[vocabulary.cause_idx(cause) for cause in group] for group in model.groups.values()]
        membership = model.network.membership
        sets = np.concatenate([membership, group_sets(membership, members)], axis=1)
        numbers += [GROUP_PREFIX + name for name in model.groups]
    if options.interval is not None:
        numbers += [f"{cause}_{end}" for cause in causes for end in ("lower", "upper")]
    if options.top is not None:
        ranked = np.flatnonzero(np.array(causes) != model.residual_cause)
        for rank in range(1, options.top + 1):
            words |= {f"top_{rank}": str, f"top_{rank}_probability": float}
    dropped = frozenset() if mapped is None else mapped.dropped
    columns = plan_columns(
        vocabulary,
        [name for name in names if name not in dropped],
        columns=dict[Hashable, str](
            [*([] if mapped is None else mapped.renamed.items()), *options.columns.items()]
        ),
        reserved=frozenset(("status", *numbers, *words)),
        translators={} if mapped is None else mapped.translators,
        setting_idx=vocabulary.setting_code(options.setting),
        reference_day=None if options.reference_date is None else as_day(options.reference_date),
    )
    rules = UrgencyRules.of(model.compiled.kb) if options.triage else None
    return TablePlan(model, options, columns, tuple(numbers), words, ranked, sets, rules)


@dataclass(frozen=True, slots=True, eq=False)
class SchemaPlan:
    """How record batches of one schema are scored.

    Attributes
    ----------
    passthrough : tuple of int
        Positions of the columns that come out as they went in.
    output : pyarrow.Schema
        Its metadata say which model made the numbers.
    """

    table: TablePlan
    passthrough: tuple[int, ...]
    output: pa.Schema

    @property
    def columns(self) -> ColumnPlan:
        """Which column is read as what."""
        return self.table.columns

    @property
    def evidence(self) -> tuple[str, ...]:
        """Columns that are read, in the order of the table."""
        return tuple(map(str, self.columns.evidence))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the user may not expect."""
        return self.columns.remarks


def plan_schema(model: ModelFacts, options: ScoreOptions, schema: pa.Schema) -> SchemaPlan:
    """Decide how tables of a schema are read.

    Raises
    ------
    TableError
        With every problem of its names, or of its types.
    """
    _check_names(schema)
    table = plan_table(model, options, schema.names)
    columns = table.columns
    wrong = [
        check_readable(schema.field(name), columns.renamed.get(name, str(name))) for name in columns.evidence
    ]
    if problems := [problem for problem in wrong if problem is not None]:
        raise TableError("table: " + "\n  ".join(problems))
    passed = frozenset(columns.passthrough)
    kept = tuple(position for position, name in enumerate(schema.names) if name in passed)
    added = {"status": str, **dict.fromkeys(table.numbers, float), **table.words}
    arrow = {str: pa.string(), float: pa.float64()}
    fields = [schema.field(position).remove_metadata() for position in kept]
    fields += [pa.field(name, arrow[kind]) for name, kind in added.items()]
    return SchemaPlan(table, kept, pa.schema(fields, metadata=_notes(model, options.setting)))


def _notes(model: ModelFacts, setting: str) -> dict[str, str]:
    """Return what a file says about where its numbers are from."""
    return {
        "thighdx.model": f"{model.name} {model.version}",
        "thighdx.digest": model.digest,
        "thighdx.setting": setting,
        "thighdx.version": thighdx.__version__,
        "thighdx.disclaimer": model.disclaimer,
    }


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
