"""A Dask DataFrame scored partition by partition; no row moves between them.

Comes with ``pip install 'thighdx[dask]'``, which every worker needs too.
"""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Unpack

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.cluster.worker import (
    ScorerSource,
    as_scorer,
    check_frame,
    check_installed,
    plan_table,
    score_quietly,
)
from thighdx.errors import TableError
from thighdx.evidence.column_map import as_word
from thighdx.scoring.options import ScorerKeywords
from thighdx.scoring.scorer import Scorer

__all__ = ["score_dask"]

SCORERS_KEPT = 4
NO_EVIDENCE = ""


def score_dask(frame: Any, model: ScorerSource = None, **options: Unpack[ScorerKeywords]) -> Any:
    """Return a Dask DataFrame with the posterior of every cause in every row.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        One row per patient.
    model : Scorer, Model, str or Path, optional
        A scorer, used as it is; or the model of one, by default the shipped one.
    **options
        Of the `Scorer` made from a model. ``n_threads`` is 1 unless given, as Dask runs a task per core.

    Returns
    -------
    dask.dataframe.DataFrame
        Columns that are not evidence, untouched, then what `Scorer` adds; same index, divisions and order.
        Nothing is scored before it is asked for.

    Raises
    ------
    TableError
        At once, if the columns cannot be scored or names clash.
    ThighdxError
        If Dask is not installed.

    Warns
    -----
    UserWarning
        If a column looks like misspelled evidence, or none is evidence. Workers warn of nothing.

    Notes
    -----
    Cells of object columns are read as text, whatever else stands in their partition: 1 and ``"1"`` are the same.

    Examples
    --------
    >>> import dask.dataframe, pandas as pd
    >>> patients = pd.DataFrame({"id": [7, 8], "onset": ["sudden", None], "bruising": ["yes", "no"]})
    >>> scored = score_dask(dask.dataframe.from_pandas(patients, npartitions=2), top=1)
    >>> scored.npartitions, scored.compute()["top_1"].tolist()
    (2, ['hamstring_strain', 'lumbar_radiculopathy'])
    """
    check_installed("dask", "dask")
    import dask.dataframe as dd
    from dask.delayed import delayed

    check_frame(frame, "dask.dataframe.DataFrame", is_one=isinstance(frame, dd.DataFrame))
    scorer = as_scorer(model, options)
    meta = frame._meta.iloc[:0]
    names = _plan(scorer, meta)
    added = scorer.output_schema(_as_batch(meta, names.evidence).schema).empty_table()
    return frame.map_partitions(
        _score_partition,
        delayed(pickle.dumps(scorer), pure=True),  # goes to each worker once
        names,
        meta=_joined(meta, names, added),
    )


class Names(NamedTuple):
    """What becomes of the columns of a table."""

    evidence: tuple[str, ...]
    kept: tuple[Hashable, ...]


def _plan(scorer: Scorer, meta: pd.DataFrame) -> Names:
    """Decide what the columns are, once everything about them is known to be right."""
    if not len(meta.columns):
        raise TableError("table: got no columns, expected evidence or ids")
    text = [name for name in meta.columns if isinstance(name, str)]
    plan = plan_table(scorer, pa.schema([(name, pa.null()) for name in text]))
    passed = {text[position] for position in plan.passthrough}
    kept = tuple(name for name in meta.columns if not isinstance(name, str) or name in passed)
    scorer.plan(_as_batch(meta, plan.evidence).schema)
    return Names(plan.evidence, kept)


def _score_partition(part: pd.DataFrame, content: bytes, names: Names) -> pd.DataFrame:
    """Score one partition."""
    scored = score_quietly(_scorer(content), _as_batch(part, names.evidence))
    return _joined(part, names, pa.Table.from_batches([scored]))


@lru_cache(SCORERS_KEPT)
def _scorer(content: bytes) -> Scorer:
    """Unpack a scorer once per process, so that it keeps its plans."""
    scorer = pickle.loads(content)
    assert isinstance(scorer, Scorer)
    return scorer


def _joined(part: pd.DataFrame, names: Names, scored: pa.Table) -> pd.DataFrame:
    """Put what scoring adds behind the columns that pass through."""
    added = scored.drop_columns([NO_EVIDENCE] if NO_EVIDENCE in scored.column_names else []).to_pandas()
    joined: pd.DataFrame = pd.concat([part[list(names.kept)], added.set_axis(part.index)], axis=1)
    return joined


def _as_batch(part: pd.DataFrame, evidence: Sequence[str]) -> pa.RecordBatch:
    """Return the evidence of a partition; without any, a column that keeps count of the rows."""
    if not evidence:
        return pa.record_batch({NO_EVIDENCE: pa.nulls(len(part))})
    return pa.record_batch({name: _as_array(part[name]) for name in evidence})


def _as_array(column: pd.Series[Any]) -> pa.Array:
    """Return a column in Arrow, of a type that does not depend on what a partition happens to hold."""
    if column.dtype != object:
        try:
            found = pa.Array.from_pandas(column)
            return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        except (pa.ArrowException, TypeError):  # a category of mixed kinds, say
            pass
    words = [
        None if is_missing else as_word(cell) for cell, is_missing in zip(column, column.isna(), strict=True)
    ]
    return pa.array(
        [word and word.encode("utf-8", "backslashreplace").decode() for word in words], pa.string()
    )
