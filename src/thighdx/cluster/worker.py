"""What a worker of a cluster does: one task per core."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.compiled.portable import ModelSource
from thighdx.errors import TableError, ThighdxError
from thighdx.scoring.options import ScorerKeywords
from thighdx.scoring.plan import SchemaPlan
from thighdx.scoring.scorer import Scorer

__all__ = [
    "ScorerSource",
    "as_scorer",
    "check_frame",
    "check_installed",
    "plan_table",
    "score_quietly",
]

ScorerSource: TypeAlias = "Scorer | ModelSource"


def check_installed(package: str, extra: str) -> None:
    """Refuse to go on without the engine of an adapter.

    Raises
    ------
    ThighdxError
        Names the extra that brings it.
    """
    if find_spec(package) is None:
        raise ThighdxError(
            f"{package} is not installed; pip install 'thighdx[{extra}]' here and on every worker"
        )


def check_frame(frame: object, expected: str, *, is_one: bool) -> None:
    """Refuse a table of another library than the adapter's."""
    if not is_one:
        kind = f"{type(frame).__module__.partition('.')[0]} {type(frame).__name__}"
        raise TableError(f"frame: got {kind}, expected a {expected}")


def as_scorer(source: ScorerSource, options: ScorerKeywords) -> Scorer:
    """Return a scorer as it is, or make one that uses one thread.

    Raises
    ------
    TableError
        If there are options beside a scorer, which has its own.
    """
    if not isinstance(source, Scorer):
        one_thread: ScorerKeywords = {"n_threads": 1, **options}
        return Scorer(source, **one_thread)
    if options:
        raise TableError(
            f"{next(iter(options))}: got a Scorer and options, expected one of them; give Scorer(...) its own"
        )
    return source


def plan_table(scorer: Scorer, schema: pa.Schema) -> SchemaPlan:
    """Plan a table before any work, and say what is odd about it here, where a person reads it."""
    plan = scorer.plan(schema)
    for remark in plan.remarks:
        warnings.warn(remark, UserWarning, stacklevel=3)
    return plan


def score_quietly(scorer: Scorer, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Score a batch where nobody reads warnings."""
    scored = scorer.score_batch(batch)
    scorer.refuse_faults(batch, scored.found)
    return scored.batch
