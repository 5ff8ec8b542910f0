"""The scorer: a record batch in, a record batch out, the same in a loop, a thread or another machine."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.cells import check_record_batch, plain_column, read_likelihoods, translate
from thighdx.column_map import ColumnMap, read_column_map
from thighdx.errors import TableError
from thighdx.extras import Extras
from thighdx.faults import Fault, find_fault
from thighdx.frames import encode_table
from thighdx.model import Model
from thighdx.portable import ModelSource, PortableModel, find_model
from thighdx.schema_plan import SchemaPlan, make_notes, plan_schema, schema_difference
from thighdx.score import Values, check_options, score_encoded, scored_columns
from thighdx.scorer_options import ScorerOptions
from thighdx.top_causes import check_top, top_causes, top_columns

__all__ = ["ScoredBatch", "Scorer"]

PLANS_KEPT = 16


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """One part of a table, scored.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
    n_underage : int
        Rows with an age below the first age band, which count as in it.
    """

    batch: pa.RecordBatch
    n_underage: int


class Scorer:
    """Scores record batches; made once, used in any thread or process.

    Parameters
    ----------
    model : Model, str or Path, optional
        A model, the name of a shipped one, or a folder; default the shipped model.
    setting : str, optional
        Setting of rows that do not name their own; default the model's.
    interval : float, optional
        Level of credible intervals, such as 0.9: adds ``<cause>_lower`` and ``<cause>_upper``.
    triage, groups : bool
        Adds the level of urgency; adds ``group_<name>``.
    columns : mapping of str to str, optional
        Column to what it is read as.
    top : int, optional
        Adds this many leading causes: ``top_1``, ``top_1_probability``, ``top_2``, ...; null and NaN in rows
        that could not be scored. The residual cause is never among them.
    column_map : path or mapping, optional
        A map from a hospital's names and codes to the vocabulary; see `thighdx.column_map`.
    n_threads : int, optional
        Threads per batch; default all.
    strict : bool
        Raise at a row that cannot be scored, rather than keep it with its status.

    Raises
    ------
    TableError, EvidenceError, KnowledgeBaseError
        At once, if an option, the setting, the map or the model makes no sense.

    Notes
    -----
    What the columns mean and what comes out is what `Model.score` says; likelihoods may also be text, as
    everything is in CSV. A pickled scorer holds the name and digest of a shipped model and the whole of any
    other; either is loaded once per process.

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
        columns: Mapping[str, str] | None = None,
        top: int | None = None,
        column_map: str | Path | Mapping[str, Any] | ColumnMap | None = None,
        n_threads: int | None = None,
        strict: bool = False,
    ) -> None:
        check_options(n_threads, "auto")
        found = find_model(model)
        vocabulary = found.vocabulary
        self._options = ScorerOptions(
            setting=found.settings[
                vocabulary.setting_code(found.default_setting if setting is None else setting)
            ],
            interval=interval,
            triage=triage,
            groups=groups,
            columns=dict(columns or {}),
            top=top,
            column_map=None if column_map is None else read_column_map(column_map),
            n_threads=n_threads,
            strict=strict,
        )
        if self._options.column_map is not None:
            self._options.column_map.check(vocabulary)
        self._model: Model | None = found
        self._portable: PortableModel | None = None
        self._plans: dict[pa.Schema, SchemaPlan] = {}
        check_top(top, len(self._ranked()))
        scored_columns(vocabulary, {}, self._extras())

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
    def model(self) -> Model:
        """The model that scores."""
        if self._model is None:
            assert self._portable is not None
            self._model = self._portable.open()
        return self._model

    @property
    def setting(self) -> str:
        """Setting of rows that do not name their own."""
        return self._options.setting

    @property
    def dropped(self) -> frozenset[str]:
        """Columns that the map leaves out."""
        column_map = self._options.column_map
        return frozenset() if column_map is None else column_map.dropped

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for, as plain data; the same options give the same numbers."""
        return self._options.as_plain()

    def plan(self, schema: pa.Schema) -> SchemaPlan:
        """Return how each column of a table is read, and what comes out.

        Raises
        ------
        TableError
            With every problem of the schema: a column named like a cause or an output, or given twice, or of a
            type that cannot be evidence.
        """
        if schema not in self._plans:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            options = self._options
            self._plans[schema] = plan_schema(
                self.model,
                schema,
                columns=options.columns,
                column_map=options.column_map,
                added=self._added(),
                notes=make_notes(self.model, self.setting),
            )
        return self._plans[schema]

    def output_schema(self, input_schema: pa.Schema) -> pa.Schema:
        """Return the schema of what comes out for tables of a schema, without scoring.

        Raises
        ------
        TableError
            As `plan` does.
        """
        return self.plan(input_schema).output

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the scored batch: same rows, same order.

        Raises
        ------
        TableError
            If it is no record batch, its schema cannot be scored, or `strict` and a row cannot.

        Warns
        -----
        UserWarning
            As `Model.score` does.
        """
        check_record_batch(batch)
        is_new = batch.schema not in self._plans
        plan = self.plan(batch.schema)
        found = self.score_batch(batch)
        for message in (*(plan.remarks if is_new else ()), *self.remarks(found.n_underage)):
            warnings.warn(message, UserWarning, stacklevel=2)
        return found.batch

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield every batch of a stream scored.

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

    def remarks(self, n_underage: int) -> Iterator[str]:
        """Say what may be amiss with rows that were scored."""
        if n_underage:
            yield (
                f"outside_population: {n_underage} rows with an age below "
                f"{self.model.vocabulary.age_starts[0]:g}; the model is about adults, they count as its "
                f"first age band"
            )

    def score_batch(self, batch: pa.RecordBatch) -> ScoredBatch:
        """Return the scored batch and what is to be said about it; warns of nothing."""
        check_record_batch(batch)
        plan = self.plan(batch.schema)
        options, model = self._options, self.model
        ready = self.ready(batch)
        encoded = encode_table(
            model.vocabulary, _with_numbers(ready, plan), setting=options.setting, columns=plan.renamed
        )
        data = score_encoded(
            model.network,
            model.vocabulary,
            model.groups if options.groups else {},
            encoded,
            n_threads=options.n_threads,
            extras=self._extras(),
        )
        if options.strict:
            self._refuse_faults(batch, data["status"])
        arrays = [batch.column(position) for position in plan.passthrough]
        arrays += [pa.array(values) for values in data.values()]
        if options.top is not None:
            arrays += self._top(data)
        columns = [
            array if array.type == kind else array.cast(kind)
            for array, kind in zip(arrays, plan.output.types, strict=True)
        ]
        return ScoredBatch(pa.RecordBatch.from_arrays(columns, schema=plan.output), encoded.n_underage)

    def explain(self, batch: pa.RecordBatch, rows: Mapping[int, str]) -> tuple[Fault, ...]:
        """Say why rows of a batch cannot be scored; takes some milliseconds per row.

        Parameters
        ----------
        rows : mapping of int to str
            Position in the batch to the status that the row has.
        """
        plan = self.plan(batch.schema)
        ready = self.ready(batch)
        return tuple(
            find_fault(self.model, plan.columns, ready, row, status, self.setting, stored=batch)
            for row, status in rows.items()
        )

    def _refuse_faults(self, batch: pa.RecordBatch, status: Values) -> None:
        """Raise at the first row that cannot be scored."""
        bad = np.flatnonzero(status != "ok")
        if len(bad):
            (fault,) = self.explain(batch, {int(bad[0]): str(status[bad[0]])})
            raise TableError(f"strict: row {fault.row + 1} of the batch: {fault.status}: {fault.message}")

    def ready(self, batch: pa.RecordBatch) -> pa.Table:
        """Return the columns of evidence by their own names, their codes translated."""
        plan = self.plan(batch.schema)
        column_map = self._options.column_map
        ready: dict[str, pa.ChunkedArray] = {}
        for name in plan.evidence:
            column = plain_column(pa.chunked_array([batch.column(name)]))
            if column_map is not None and name in column_map.columns:
                item = column_map.columns[name]
                if item.changes_values:
                    words = column_map.words(name)
                    column = pa.chunked_array([translate(column, words, factor=item.factor)])
            ready[name] = column
        if not ready:  # a table without columns has no rows
            return pa.table({"": pa.nulls(batch.num_rows)})
        return pa.table(ready)

    def _top(self, data: Mapping[str, Values]) -> list[pa.Array]:
        """Return the columns of leading causes."""
        ranked = self._ranked()
        posterior = np.stack([np.asarray(data[cause], dtype=np.float64) for cause in ranked], axis=1)
        ids = pa.array(ranked)
        arrays: list[pa.Array] = []
        for places, values in top_causes(posterior, ranked, self._options.top or 0):
            arrays += [ids.take(pa.array(places, mask=places < 0)), pa.array(values)]
        return arrays

    def _ranked(self) -> list[str]:
        """Return the causes that take part in rankings."""
        return [
            cause for cause in self.model.causes if cause != self.model.compiled.kb.manifest.residual_cause
        ]

    def _extras(self) -> Extras | None:
        """Return what is asked for beyond posteriors."""
        options, compiled = self._options, self.model.compiled
        if options.interval is None and not options.triage:
            return None
        return Extras(compiled.kb, compiled.pooled, options.interval, options.triage, options.n_threads)

    def _added(self) -> list[tuple[str, pa.DataType]]:
        """Return the columns that scoring adds, with their types."""
        options, model = self._options, self.model
        names = scored_columns(model.vocabulary, model.groups if options.groups else {}, self._extras())
        text = {"status", "triage"}
        added = [(name, pa.string() if name in text else pa.float64()) for name in names]
        for position, name in enumerate(top_columns(options.top or 0)):
            added.append((name, pa.float64() if position % 2 else pa.string()))
        return added


def _with_numbers(ready: pa.Table, plan: SchemaPlan) -> pa.Table:
    """Turn likelihoods that are text into numbers."""
    for names in plan.columns.virtual.values():
        read = read_likelihoods({str(name): ready.column(str(name)) for name in names})
        for name, column in read.items():
            ready = ready.set_column(ready.column_names.index(name), name, column)
    return ready
