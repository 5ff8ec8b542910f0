"""The scorer: a record batch in, a record batch out, the same in a loop, a thread or another machine."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, overload

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.compiled.portable import ModelSource, PortableModel, find_model
from thighdx.errors import TableError
from thighdx.evidence.column_map import ColumnMap, read_column_map
from thighdx.evidence.table_rows import STATUSES, encode_rows
from thighdx.reasoning.intervals.level import check_level
from thighdx.scoring.faults import Fault, FaultReader, FaultTally, refuse_faults
from thighdx.scoring.options import ArrowStream, Engine, FrameT, OnError, ScoreOptions
from thighdx.scoring.plan import SchemaPlan, plan_schema, schema_difference
from thighdx.scoring.score import ScoredRows, last_words, score_rows, score_table

__all__ = ["ScoredBatch", "Scorer"]

PLANS_KEPT = 16


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """One part of a table, scored.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
    found : ScoredRows
        The same as arrays, and what could not be read.
    """

    batch: pa.RecordBatch
    found: ScoredRows


class Scorer:
    """Scores record batches and tables; made once, used in any thread or process.

    Parameters
    ----------
    model : Model, str or Path, optional
        A model, the name of a shipped one, or a folder; default the shipped model.
    setting, interval, triage, groups, status_detail, columns, on_error, reference_date
        As for `thighdx.Model.score`.
    top : int, optional
        Adds this many leading causes, from 1 to all: ``top_1``, ``top_1_probability``, ``top_2``, ...; null and NaN in
        rows that could not be scored. The residual cause is never among them.
    column_map : path or mapping, optional
        A map from a hospital's names and codes to the vocabulary; see `thighdx.evidence.column_map`.
    n_threads : int, optional
        Threads per batch; default all.
    strict : bool
        Old name of ``on_error="raise"``.

    Raises
    ------
    TableError, EvidenceError, KnowledgeBaseError
        At once, if an option, the setting, the map or the model makes no sense.

    Notes
    -----
    What the columns mean and what comes out is what `Model.score` says. The compiled engine scores every batch,
    however short, so that a row has the same bits in any of them. A pickled scorer holds the name and digest of
    a shipped model and the whole of any other; either is loaded once per process.

    Examples
    --------
    >>> import pickle, pyarrow as pa, thighdx
    >>> scorer = thighdx.Scorer(top=1)
    >>> batch = pa.record_batch({"id": ["007", "008"], "onset": ["sudden", None], "bruising": ["yes", "no"]})
    >>> scored = pickle.loads(pickle.dumps(scorer))(batch)
    >>> scored.column("id").to_pylist(), scored.column("top_1").to_pylist()
    (['007', '008'], ['hamstring_strain', 'lumbar_radiculopathy'])
    >>> scored.schema == scorer.output_schema(batch.schema)
    True
    """

    def __init__(
        self,
        model: ModelSource = None,
        *,
        setting: str | None = None,
        interval: float | None = None,
        triage: bool = False,
        groups: bool = False,
        status_detail: bool = False,
        columns: Mapping[str, str] | None = None,
        top: int | None = None,
        column_map: str | Path | Mapping[str, Any] | ColumnMap | None = None,
        on_error: OnError = "keep",
        reference_date: str | date | None = None,
        n_threads: int | None = None,
        strict: bool = False,
    ) -> None:
        if strict:
            warnings.warn(
                "strict=True is now on_error='raise'; it goes in 0.3.0", FutureWarning, stacklevel=2
            )
            on_error = "raise"
        found = find_model(model)
        self._options = ScoreOptions(
            setting=found.settings[
                found.vocabulary.setting_code(found.default_setting if setting is None else setting)
            ],
            interval=None if interval is None else check_level(interval),
            triage=triage,
            groups=groups,
            status_detail=status_detail,
            columns={} if columns is None else columns,
            column_map=None if column_map is None else read_column_map(column_map),
            top=top,
            on_error=on_error,
            reference_date=reference_date,
            n_threads=n_threads,
        )
        if self._options.column_map is not None:
            self._options.column_map.check(found.vocabulary)
        _check_top(top, len(found.causes) - (found.residual_cause in found.causes))
        self._model: CompiledModel | None = found
        self._portable: PortableModel | None = None
        self._plans: dict[pa.Schema, SchemaPlan] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Pack the options, and the model as small as it goes."""
        if self._portable is None:
            self._portable = PortableModel.pack(self.model)
        return {"options": self._options, "model": self._portable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpack; the model is loaded when it is first needed."""
        self._options, self._portable = state["options"], state["model"]
        self._model, self._plans = None, {}

    def __repr__(self) -> str:
        """Return the model and the setting."""
        return f"<thighdx.Scorer {self.model.name} {self.model.version}, setting {self.setting}>"

    @property
    def model(self) -> CompiledModel:
        """The model that scores: its name, version, settings, causes; `thighdx.model.Model` of it diagnoses."""
        if self._model is None:
            assert self._portable is not None
            self._model = self._portable.open()
        return self._model

    @property
    def setting(self) -> str:
        """Setting of rows that do not name their own."""
        return self._options.setting

    @property
    def options(self) -> ScoreOptions:
        """What was asked for; the same options give the same numbers."""
        return self._options

    def plan(self, schema: pa.Schema) -> SchemaPlan:
        """Return how each column of a table is read, and what comes out.

        Parameters
        ----------
        schema : pyarrow.Schema
            Of the table; made once per schema and kept.

        Raises
        ------
        TableError
            With every problem of the schema: a column named like a cause or an output, or given twice, or of a
            type that cannot be evidence.
        """
        schema = schema.remove_metadata()  # which not every version of pyarrow can hash
        if schema not in self._plans:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            self._plans[schema] = plan_schema(self.model, self._options, schema)
        return self._plans[schema]

    def output_schema(self, input_schema: pa.Schema) -> pa.Schema:
        """Return the schema of what comes out for tables of a schema, without scoring.

        Parameters
        ----------
        input_schema : pyarrow.Schema
            Of the tables.

        Raises
        ------
        TableError
            As `plan` does.
        """
        return self.plan(input_schema).output

    @overload
    def __call__(self, batch: FrameT) -> FrameT: ...

    @overload
    def __call__(self, batch: ArrowStream) -> pa.RecordBatch | pa.Table: ...

    def __call__(self, batch: Any) -> Any:
        """Return the scored batch or table: the same kind, same rows, same order.

        Parameters
        ----------
        batch : pyarrow.RecordBatch, or a table as for `Model.score`

        Raises
        ------
        TableError
            If it is no table, its schema cannot be scored, or a row cannot and `on_error` is ``raise``.

        Warns
        -----
        UserWarning
            As `Model.score` does.
        """
        if not isinstance(batch, pa.RecordBatch):
            return score_table(self.model, replace(self._options, engine="compiled"), batch)
        is_new = batch.schema.remove_metadata() not in self._plans
        scored = self.score_batch(batch)
        self.refuse_faults(batch, scored.found)
        tally, columns = FaultTally(), self.plan(batch.schema).columns
        tally.add(self._reader(batch, scored.found), scored.found.status)
        tally.warn(columns if is_new else replace(columns, remarks=()), batch.num_rows, stacklevel=2)
        return scored.batch

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield every batch of a stream scored, one after the other, in constant memory.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            All of one schema.

        Raises
        ------
        TableError
            As for a single batch, and where the schema changes.
        """
        first: pa.Schema | None = None
        for position, batch in enumerate(batches):
            check_record_batch(batch)
            if first is None:
                first = batch.schema
            elif batch.schema != first:
                raise TableError(f"batch {position + 1}: {schema_difference(first, batch.schema)}")
            yield self(batch)

    def score_batch(self, batch: pa.RecordBatch, *, engine: Engine = "compiled") -> ScoredBatch:
        """Return the scored batch and what is to be said about it; warns of nothing and refuses no row.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
        engine : {"compiled", "numpy"}
            They agree to 1e-12.
        """
        check_record_batch(batch)
        plan = self.plan(batch.schema)
        encoded = encode_rows(plan.columns, batch, batch.num_rows)
        found = score_rows(plan.table, encoded, engine=engine, n_threads=self._options.n_threads)
        arrays = [batch.column(position) for position in plan.passthrough]
        arrays += [pa.array(STATUSES).take(pa.array(found.status)), *map(pa.array, found.numbers)]
        last = last_words(plan.table, batch, found)
        arrays += [pa.array(v, pa.string() if v.dtype == object else pa.float64()) for v in last.values()]
        return ScoredBatch(pa.RecordBatch.from_arrays(arrays, schema=plan.output), found)

    def _reader(self, batch: pa.RecordBatch, found: ScoredRows) -> FaultReader:
        """Return what says why rows of a batch could not be scored."""
        return FaultReader(self.plan(batch.schema).columns, batch, found.encoded)

    def explain(self, batch: pa.RecordBatch, found: ScoredRows, rows: Iterable[int]) -> Iterator[Fault]:
        """Say why rows of a batch could not be scored; impossible ones take some milliseconds each.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
        found : ScoredRows
            What `score_batch` found for it.
        rows : iterable of int
            Positions in the batch, from 0, of rows whose status is not ``ok``.
        """
        return self._reader(batch, found).explain(self.model, found.status, rows)

    def refuse_faults(self, batch: pa.RecordBatch, found: ScoredRows) -> None:
        """Raise at the first row that could not be scored, if that is an error.

        Parameters
        ----------
        batch, found
            As for `explain`.
        """
        table = self.plan(batch.schema).table
        refuse_faults(self._reader(batch, found), table, found.status, where=" of the batch")


def _check_top(top: object, n_ranked: int) -> None:
    """Refuse a number of leading causes that makes no sense."""
    is_count = isinstance(top, numbers.Integral) and not isinstance(top, bool)
    if top is not None and not (is_count and 1 <= int(top) <= n_ranked):  # type: ignore[call-overload]  # is a whole number
        raise TableError(f"top: got {top!r}, expected a whole number from 1 to {n_ranked}")


def check_record_batch(batch: object) -> None:
    """Refuse anything but an arrow record batch."""
    if not isinstance(batch, pa.RecordBatch):
        kind = f"{type(batch).__module__.partition('.')[0]} {type(batch).__name__}"
        hint = "; table.to_batches() gives them" if isinstance(batch, pa.Table) else ""
        raise TableError(f"batch: got {kind}, expected a pyarrow RecordBatch{hint}")
