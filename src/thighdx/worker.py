"""What a worker of a cluster does: one task per core, compiled by one process at a time."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.errors import TableError, ThighdxError
from thighdx.inference.vocabulary import GIVEN_PREFIX
from thighdx.portable import ModelSource
from thighdx.schema_plan import SchemaPlan
from thighdx.scorer import Scorer

__all__ = [
    "ScorerSource",
    "alone_on_this_machine",
    "as_scorer",
    "check_installed",
    "plan_table",
    "prepare_engine",
    "score_quietly",
]

ScorerSource: TypeAlias = "Scorer | ModelSource"

_PREPARED: set[tuple[object, ...]] = set()
_PREPARING = threading.Lock()


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


def as_scorer(source: ScorerSource, options: dict[str, Any]) -> Scorer:
    """Return a scorer as it is, or make one that uses one thread.

    Raises
    ------
    TableError
        If there are options beside a scorer, which has its own.
    """
    if not isinstance(source, Scorer):
        return Scorer(source, **{"n_threads": 1, **options})
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
    prepare_engine(scorer)
    return scorer.score_batch(batch).batch


def prepare_engine(scorer: Scorer) -> None:
    """Compile what scoring needs, once per process and in one process of a machine at a time.

    Whoever comes second finds the machine code on disk. Without this, all workers of a machine would compile the
    same functions at the same time, some ten to twenty seconds of each core.
    """
    options = scorer.options
    wanted = tuple(options[name] for name in ("dtype", "interval", "triage", "groups"))
    with _PREPARING:
        if wanted in _PREPARED or find_spec("numba") is None:
            return
        model = scorer.model
        given = f"{GIVEN_PREFIX}{next(iter(model.causes))}"
        with alone_on_this_machine():
            model.score(  # an empty case and one with a given cause: the two ways a row is scored
                pa.table({given: [None, "yes"]}),
                dtype=options["dtype"],
                interval=options["interval"],
                triage=options["triage"],
                groups=options["groups"],
                n_threads=1,
            )
        _PREPARED.add(wanted)


@contextmanager
def alone_on_this_machine() -> Iterator[None]:
    """Hold a lock on the folder where machine code is kept; without it where there are no such locks."""
    from thighdx.inference.dense import score_dense

    try:
        import fcntl

        folder = os.open(score_dense.stats.cache_path or "", os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)  # and with it the lock
