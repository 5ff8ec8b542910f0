"""What every model answers about tables of patients: posteriors of each row, and how columns will be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, overload

from thighdx import later
from thighdx.compiled.compiled_model import ModelFacts
from thighdx.scoring.options import ScoreOptions

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path
    from typing import Unpack

    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    from thighdx.evidence.column_map import ColumnMap
    from thighdx.scoring.options import ArrowStream, FrameT, OnError, ScoreKeywords

__all__ = ["ScoresTables"]


class ScoresTables(ModelFacts):
    """A model to which tables can be given; `thighdx.Model` is one."""

    @overload
    def score(self, table: FrameT, **options: Unpack[ScoreKeywords]) -> FrameT: ...

    @overload
    def score(self, table: ArrowStream, **options: Unpack[ScoreKeywords]) -> pa.Table: ...

    def score(
        self,
        table: Any,
        *,
        setting: str | None = None,
        interval: float | None = None,
        triage: bool = False,
        groups: bool = False,
        status_detail: bool = False,
        columns: Mapping[str, str] | None = None,
        on_error: OnError = "keep",
        reference_date: str | date | None = None,
        n_threads: int | None = None,
    ) -> Any:
        """Return posteriors of every cause for every row of a table.

        Parameters
        ----------
        table : pandas.DataFrame, polars.DataFrame, pyarrow.Table or other stream of Arrow batches
            One row per patient; never changed. Columns named like variables are evidence: the name of a state,
            yes/no, true/false, 1/0; null, NaN and "" are unknown. So are ``age`` (years, 0 to 120), ``date_of_birth``,
            ``setting``, ``given_<cause>``, and ``<variable>:<state>`` (likelihoods from 0 on, a column per state).
            ``Desk Work``, ``desk-work`` and ``DESK_WORK`` are ``desk_work``. A DuckDB relation, a reader or a record
            batch is read whole.
        setting : str, optional
            Setting of the rows that do not name their own; default `default_setting`.
        interval : float, optional
            Level of credible intervals, in (0, 1), such as 0.9: adds ``<cause>_lower`` and ``<cause>_upper``, by
            the delta method (`Result.interval` with ``method="delta"``).
        triage : bool
            Adds the level of urgency of every row, ``triage``; "" where there are no probabilities.
        groups : bool
            Adds ``group_<name>``, P(any member present).
        status_detail : bool
            Adds a column of that name: what could not be read, and what was expected; "" where all is well.
        columns : mapping of str to str, optional
            Column of the table to what it is read as. Such a column counts as evidence and is not passed through.
        on_error : {"keep", "unknown", "raise"}
            A row with a cell that cannot be read keeps its place, with a status that says why and no
            probabilities; is scored as if the cell were unknown; is an error.
        reference_date : date or str, optional
            The day when patients were seen, such as ``"2026-03-31"``: turns a column ``date_of_birth`` into ages. A
            column ``reference_date`` says it row by row.
        n_threads : int, optional
            Upper limit of threads, from 1 on, all by default; never changes a result.

        Returns
        -------
        table of the same kind; of other streams a pyarrow.Table
            The same rows, order and pandas index: columns that are not evidence; ``status`` (text);
            ``log_evidence``, the natural log of P(evidence | complaint, setting); a column per cause,
            P(cause present | evidence), linear in [0, 1]; then what was asked for. Numbers are float64, NaN unless
            ``status`` is ``ok``.

        Raises
        ------
        TableError, OptionError
            If the table as a whole cannot be read, an option has no such value, or `on_error` is ``raise`` and a
            row is bad.
        EvidenceError
            If there is no such setting.

        Warns
        -----
        UserWarning
            If cells could not be read, with their column, value and number; if a column passed through looks like
            misspelled evidence, none is evidence, or patients are younger than the model's population.

        Examples
        --------
        >>> import pandas as pd, thighdx
        >>> table = pd.DataFrame({"id": [7, 8], "onset": ["sudden", None], "bruising": ["yes", "no"]})
        >>> scored = thighdx.load_model().score(table)
        >>> scored.columns[:3].tolist(), scored["status"].tolist()
        (['id', 'status', 'log_evidence'], ['ok', 'ok'])
        """
        options = ScoreOptions(
            setting=self.default_setting if setting is None else setting,
            interval=interval,
            triage=triage,
            groups=groups,
            status_detail=status_detail,
            columns={} if columns is None else columns,
            on_error=on_error,
            reference_date=reference_date,
            n_threads=n_threads,
        )
        return later.score_table(self.compiled, options, table)

    def explain_columns(
        self,
        table: Any,
        *,
        columns: Mapping[str, str] | None = None,
        reference_date: str | date | None = None,
        n_rows: int = 10_000,
    ) -> pd.DataFrame:
        """Say how each column of a table will be read, from its first rows; scores nothing.

        Parameters
        ----------
        table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        columns, reference_date
            As for `score`.
        n_rows : int
            Rows looked at.

        Returns
        -------
        pandas.DataFrame
            One row per column: ``column``, ``role``, ``read_as``, ``type``; how many cells are ``known``, ``unknown``
            and ``bad``; ``bad_values``; a ``remark`` on what may have been meant.

        Raises
        ------
        TableError
            If the table as a whole cannot be read.

        Examples
        --------
        >>> import pandas as pd, thighdx
        >>> table = pd.DataFrame({"id": [7, 8], "onset": ["sudden", "suden"]})
        >>> found = thighdx.load_model().explain_columns(table)
        >>> found[["column", "role", "known", "bad", "bad_values"]].values.tolist()
        [['id', 'passed through', 0, 0, ''], ['onset', 'evidence', 1, 1, "'suden' (1)"]]
        """
        options = ScoreOptions(
            setting=self.default_setting, columns=columns or {}, reference_date=reference_date
        )
        return later.explain_table(self, options, table, n_rows)

    def score_batches(
        self,
        batches: Iterable[pa.RecordBatch],
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
    ) -> Iterator[pa.RecordBatch]:
        """Score a stream of record batches, one after the other, in constant memory.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            All of one schema.
        setting, interval, triage, groups, status_detail, columns, on_error, reference_date, n_threads
            As for `score`.
        top, column_map
            As for `thighdx.Scorer`.

        Raises
        ------
        TableError, EvidenceError
            For options at once; for a batch, or a schema that changes between batches, where it comes.

        Examples
        --------
        >>> import pyarrow as pa, thighdx
        >>> batch = pa.record_batch({"id": [1, 2], "bruising": ["yes", "no"]})
        >>> [scored.num_rows for scored in thighdx.load_model().score_batches([batch, batch])]
        [2, 2]
        """
        scorer = later.Scorer(
            self,
            setting=setting,
            interval=interval,
            triage=triage,
            groups=groups,
            status_detail=status_detail,
            columns=columns,
            top=top,
            column_map=column_map,
            on_error=on_error,
            reference_date=reference_date,
            n_threads=n_threads,
        )
        return scorer.stream(batches)
