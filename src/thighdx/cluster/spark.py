"""A Spark DataFrame scored by its tasks, each the batches of its partition; nothing is shuffled.

Comes with ``pip install 'thighdx[spark]'``, which every worker needs too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Unpack

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
from thighdx.scoring.options import ScorerKeywords
from thighdx.scoring.plan import SchemaPlan
from thighdx.scoring.scorer import Scorer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["score_spark"]


def score_spark(frame: DataFrame, model: ScorerSource = None, **options: Unpack[ScorerKeywords]) -> DataFrame:
    """Return a Spark DataFrame with the posterior of every cause in every row.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One row per patient.
    model : Scorer, Model, str or Path, optional
        A scorer, used as it is; or the model of one, by default the shipped one.
    **options
        Of the `Scorer` made from a model. ``n_threads`` is 1 unless given, as Spark runs a task per core.

    Returns
    -------
    pyspark.sql.DataFrame
        Columns that are not evidence, with their types, then what `Scorer` adds, in the same partitions and
        order. Nothing is scored before an action asks for it. The metadata of the column ``status`` say
        which model made it.

    Raises
    ------
    TableError
        At once, if the columns cannot be scored or names clash.
    ThighdxError
        If pyspark is not installed.

    Warns
    -----
    UserWarning
        If a column looks like misspelled evidence, or none is evidence. Workers warn of nothing.

    Notes
    -----
    Spark needs Java, so this is not run with the examples of other modules; ``tests/cluster/test_spark.py``
    runs the same on a cluster::

        spark = SparkSession.builder.master("spark://127.0.0.1:7077").getOrCreate()
        patients = spark.read.parquet("patients/")
        score_spark(patients, top=3).write.parquet("posteriors/")
    """
    check_installed("pyspark", "spark")
    check_frame(frame, "pyspark.sql.DataFrame", is_one=callable(getattr(frame, "mapInArrow", None)))
    scorer = as_scorer(model, options)
    plan = plan_table(scorer, _input_schema(frame))
    _check_case(frame, plan.output.names)
    names = frame.columns
    plain = frame.toDF(*(f"c{position}" for position in range(len(names))))  # a dot in a name means a field
    return plain.mapInArrow(partial(_score_partition, scorer, names), _output_schema(frame, plan))


def _score_partition(
    scorer: Scorer, names: list[str], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Score batch after batch."""
    for batch in batches:
        yield score_quietly(scorer, batch.rename_columns(names))


def _input_schema(frame: DataFrame) -> pa.Schema:
    """Return what will arrive at a worker."""
    from pyspark.sql.pandas.types import to_arrow_schema

    if "timezone" in signature(to_arrow_schema).parameters:  # from pyspark 4.0 on, and needed there
        zone = frame.sparkSession.conf.get("spark.sql.session.timeZone")
        return to_arrow_schema(frame.schema, timezone=zone)
    return to_arrow_schema(frame.schema)


def _output_schema(frame: DataFrame, plan: SchemaPlan) -> StructType:
    """Return what comes out: columns that pass through as they were, then those that scoring adds."""
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructField, StructType

    kept = [frame.schema.fields[position] for position in plan.passthrough]
    added = from_arrow_schema(plan.output).fields[len(kept) :]
    notes = {key.decode(): value.decode() for key, value in plan.output.metadata.items()}
    status = StructField(added[0].name, added[0].dataType, added[0].nullable, notes)
    return StructType([*kept, status, *added[1:]])


def _check_case(frame: DataFrame, names: list[str]) -> None:
    """Refuse names that Spark cannot tell apart."""
    if frame.sparkSession.conf.get("spark.sql.caseSensitive") == "true":
        return
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise TableError(
                f"table: columns {other!r} and {name!r} of the result are one to Spark; rename {other!r} "
                f"or set spark.sql.caseSensitive"
            )
