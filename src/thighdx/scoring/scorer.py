"""The scorer: a record batch in, a record batch out, the same in a loop, a thread or another machine."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.errors import TableError
from thighdx.evidence.column_map import ColumnMap, read_column_map
from thighdx.evidence.draft import STATUSES
from thighdx.reasoning.intervals.level import check_level
from thighdx.scoring.faults import Fault, FaultReader, FaultTally, conflict_in
from thighdx.scoring.options import Engine, OnError, ScoreOptions
from thighdx.scoring.portable import ModelSource, PortableModel, find_model
from thighdx.scoring.schema_plan import SchemaPlan, make_notes, plan_schema, schema_difference
from thighdx.scoring.score import ScoredRows, Scoring, score_table, underage
from thighdx.scoring.top_causes import check_top, top_causes, top_columns

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
    setting : str, optional
        Setting of rows that do not name their own; default the model's.
    interval : float, optional
        Level of credible intervals, such as 0.9: adds ``<cause>_lower`` and ``<cause>_upper``.
    triage, groups, status_detail : bool
        Adds the level of urgency; adds ``group_<name>``; adds why a row could not be read, in words.
    columns : mapping of str to str, optional
        Column to what it is read as.
    top : int, optional
        Adds this many leading causes: ``top_1``, ``top_1_probability``, ``top_2``, ...; null and NaN in rows
        that could not be scored. The residual cause is never among them.
    column_map : path or mapping, optional
        A map from a hospital's names and codes to the vocabulary; see `thighdx.evidence.column_map`.
    on_error : {"keep", "unknown", "raise"}
        A row with a cell that cannot be read keeps its place, with its status and no probabilities; is scored as
        if the cell were unknown; is an error.
    reference_date : date or str, optional
        The day when patients were seen: turns a column ``date_of_birth`` into ages.
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
        self._portable: PortableModel | None = None
        self._open(found)
        check_top(top, len(self._ranked()))

    def _open(self, model: CompiledModel | None) -> None:
        """Start with a model, or with none yet."""
        self._model = model
        self._scoring: Scoring | None = None if model is None else Scoring.of(model, self._options)
        self._plans: dict[pa.Schema, SchemaPlan] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Pack the options, and the model as small as it goes."""
        if self._portable is None:
            self._portable = PortableModel.pack(self.model)
        return {"options": self._options, "model": self._portable}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpack; the model is loaded when it is first needed."""
        self._options, self._portable = state["options"], state["model"]
        self._open(None)

    def __repr__(self) -> str:
        """Return the model and the setting."""
        return f"<thighdx.Scorer {self.model.name} {self.model.version}, setting {self.setting}>"

    @property
    def model(self) -> CompiledModel:
        """The model that scores: its name, version, settings, causes; `thighdx.model.Model` of it diagnoses."""
        if self._model is None:
            assert self._portable is not None
            self._open(self._portable.open())
            assert self._model is not None
        return self._model

    @property
    def scoring(self) -> Scoring:
        """What scores the rows of any table."""
        if self._scoring is None:
            self._open(self.model)
            assert self._scoring is not None
        return self._scoring

    @property
    def setting(self) -> str:
        """Setting of rows that do not name their own."""
        return self._options.setting

    @property
    def dropped(self) -> frozenset[str]:
        """Columns that the map leaves out."""
        return self._options.dropped

    @property
    def options(self) -> ScoreOptions:
        """What was asked for; the same options give the same numbers."""
        return self._options

    def plan(self, schema: pa.Schema) -> SchemaPlan:
        """Return how each column of a table is read, and what comes out.

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
            notes, top = make_notes(self.model, self.setting), top_columns(self._options.top or 0)
            self._plans[schema] = plan_schema(self.scoring, schema, top=top, notes=notes)
        return self._plans[schema]

    def output_schema(self, input_schema: pa.Schema) -> pa.Schema:
        """Return the schema of what comes out for tables of a schema, without scoring.

        Raises
        ------
        TableError
            As `plan` does.
        """
        return self.plan(input_schema).output

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
            names = top_columns(self._options.top or 0)
            compiled = replace(self.scoring, options=replace(self._options, engine="compiled"))
            return score_table(compiled, batch, reserved=names, last=self._leading)
        is_new = batch.schema.remove_metadata() not in self._plans
        scored = self.score_batch(batch)
        found = scored.found
        self.refuse_faults(batch, found)
        tally = FaultTally(self._options.on_error)
        tally.add(self.reader(batch), found.encoded, found.status, first_row=0)
        remarks = self.plan(batch.schema).remarks if is_new else ()
        young = underage(self.scoring, found.encoded.n_underage)
        for message in (*remarks, *tally.messages(batch.num_rows), *young):
            warnings.warn(message, UserWarning, stacklevel=2)
        return scored.batch

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

    def score_batch(self, batch: pa.RecordBatch, *, engine: Engine = "compiled") -> ScoredBatch:
        """Return the scored batch and what is to be said about it; warns of nothing and refuses no row."""
        check_record_batch(batch)
        plan, scoring = self.plan(batch.schema), self.scoring
        encoded = scoring.encode(batch, batch.num_rows, plan.columns)
        found = scoring.score(encoded, engine=engine, n_threads=self._options.n_threads)
        arrays = [batch.column(position) for position in plan.passthrough]
        arrays += [pa.array(STATUSES).take(pa.array(found.status)), *map(pa.array, found.numbers)]
        if found.levels is not None:
            arrays.append(pa.array(found.levels, pa.string()))
        if self._options.status_detail:
            arrays.append(pa.array(self.reader(batch).details(encoded, found.status), pa.string()))
        if self._options.top is not None:
            arrays += self._top(dict(zip(scoring.numbers, found.numbers, strict=True)))
        return ScoredBatch(pa.RecordBatch.from_arrays(arrays, schema=plan.output), found)

    def reader(self, batch: pa.RecordBatch) -> FaultReader:
        """Return what says why cells of a batch cannot be read."""
        plan = self.plan(batch.schema).columns
        return FaultReader(self.scoring.vocabulary, plan, batch, self._options.translators)

    def explain(self, batch: pa.RecordBatch, found: ScoredRows, rows: Iterable[int]) -> Iterator[Fault]:
        """Say why rows of a batch could not be scored; impossible ones take some milliseconds each."""
        reader = self.reader(batch)
        for row in rows:
            status = STATUSES[found.status[row]]
            fault = reader.fault(found.encoded, row, status)
            yield fault or Fault(row, status, "", "", conflict_in(self.model, found.encoded.batch, row))

    def refuse_faults(self, batch: pa.RecordBatch, found: ScoredRows) -> None:
        """Raise at the first row that could not be scored, if that is an error."""
        bad = np.flatnonzero(found.status)
        if len(bad) and self._options.on_error == "raise":
            (fault,) = self.explain(batch, found, [int(bad[0])])
            raise TableError(f"row {fault.row + 1} of the batch: {fault.status}: {fault.message}")

    def _top(self, numbers: Mapping[str, Any]) -> list[pa.Array]:
        """Return the columns of leading causes."""
        ranked = self._ranked()
        posterior = np.stack([numbers[cause] for cause in ranked], axis=1)
        ids = pa.array(ranked)
        arrays: list[pa.Array] = []
        for places, values in top_causes(posterior, ranked, self._options.top or 0):
            arrays += [ids.take(pa.array(places, mask=places < 0)), pa.array(values)]
        return arrays

    def _leading(self, numbers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of leading causes in numpy, by name."""
        if self._options.top is None:
            return {}
        arrays = [array.to_numpy(zero_copy_only=False) for array in self._top(numbers)]
        return dict(zip(top_columns(self._options.top), arrays, strict=True))

    def _ranked(self) -> list[str]:
        """Return the causes that take part in rankings."""
        return [cause for cause in self.model.causes if cause != self.model.residual_cause]


def check_record_batch(batch: object) -> None:
    """Refuse anything but an arrow record batch."""
    if not isinstance(batch, pa.RecordBatch):
        kind = f"{type(batch).__module__.partition('.')[0]} {type(batch).__name__}"
        hint = "; table.to_batches() gives them" if isinstance(batch, pa.Table) else ""
        raise TableError(f"batch: got {kind}, expected a pyarrow RecordBatch{hint}")
