"""Table in, table out: the posterior of every cause in every row.

One path for `Model.score`, `Scorer` and files: the columns of a table are planned once, then any part of it is
read, inferred and laid out as columns.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from thighdx.compiled.compiled_model import CompiledModel
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.evidence.columns import ColumnPlan, plan_columns
from thighdx.evidence.draft import STATUSES, EncodedRows, encode_rows
from thighdx.evidence.frames import Frame, ScoredColumns, open_table
from thighdx.evidence.repeats import find_distinct
from thighdx.evidence.vocabulary import Vocabulary
from thighdx.inference.engine import Posteriors, infer
from thighdx.network.build import Network
from thighdx.network.groups import group_sets
from thighdx.processors import n_processors
from thighdx.scoring.extras import Extras
from thighdx.scoring.faults import FaultReader, FaultTally
from thighdx.scoring.options import Engine, ScoreOptions

__all__ = ["GROUP_PREFIX", "ScoredRows", "Scoring", "choose_engine", "prepare_engine", "score_table"]

GROUP_PREFIX = "group_"
# Rows read and inferred at once by one thread: what that takes stays small and does not grow with the table.
ROWS_AT_ONCE = 16_384
# Rows times explanations up to which the numpy engine answers. It takes some 65 ns each, so up to a third of a second:
# a new process takes 0.35 s to import numba and load machine code, and 2 s more where it has to be compiled.
NUMPY_CELLS = 5_000_000

IMPOSSIBLE = np.int8(STATUSES.index("impossible_evidence"))


def choose_engine(wanted: Engine, n_rows: int | None, network: Network) -> Engine:
    """Return the engine for a whole table, from its size alone: the same table always has the same.

    Parameters
    ----------
    n_rows : int, optional
        None where it is not known, which may be many.

    Returns
    -------
    {"compiled", "numpy"}
        They agree to 1e-12.
    """
    if wanted != "auto":
        return wanted
    is_short = n_rows is not None and n_rows * network.explanations.n_explanations <= NUMPY_CELLS
    return "numpy" if is_short or not _can_compile() else "compiled"


def _can_compile() -> bool:
    """Say whether there is numba, and compiling is not switched off: loops that are not compiled take for ever."""
    return find_spec("numba") is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def prepare_engine(network: Network) -> None:
    """Compile what the compiled engine needs, or load it, by scoring a patient about whom nothing is known."""
    from thighdx.inference.kernel import infer_compiled

    n_variables, n_causes = network.n_variables, len(network.spec.causes)
    nothing = np.full((1, n_variables + n_causes), UNKNOWN, dtype=np.int8)
    setting = np.zeros(1, dtype=np.intp)
    infer_compiled(
        network, EvidenceBatch(nothing[:, :n_variables], nothing[:, n_variables:], setting), n_threads=1
    )


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Some rows of a table, scored.

    Attributes
    ----------
    status : (n_rows,) int8
        Position in `STATUSES`; probabilities are NaN unless it is 0.
    numbers : (n_numbers, n_rows) float64
        By the names in `Scoring.numbers`.
    levels : (n_rows,) str, optional
        Urgency, where asked for.
    """

    encoded: EncodedRows
    status: npt.NDArray[np.int8]
    numbers: npt.NDArray[np.float64]
    levels: npt.NDArray[np.object_] | None


@dataclass(frozen=True, slots=True)
class Scoring:
    """What scores the rows of any table: numbers, names and options.

    Attributes
    ----------
    groups : mapping of str to sequence of str
        Members of every named set of causes; used if the options ask for groups.
    extras : Extras, optional
        Credible intervals and urgency, which need the judgements behind the network.
    """

    network: Network
    vocabulary: Vocabulary
    options: ScoreOptions
    groups: Mapping[str, Sequence[str]]
    extras: Extras | None = None

    @classmethod
    def of(cls, compiled: CompiledModel, options: ScoreOptions) -> Scoring:
        """Take what a model has to say; its judgements only where they are needed."""
        extras = None
        if options.interval is not None or options.triage:
            extras = Extras(compiled.kb, compiled.pooled, options.interval, options.triage, options.n_threads)
        groups = compiled.groups if options.groups else {}
        return cls(compiled.network, compiled.vocabulary, options, groups, extras)

    @property
    def numbers(self) -> list[str]:
        """Names of the columns of numbers that scoring adds, in order."""
        causes = [cause.id for cause in self.vocabulary.causes]
        groups = [GROUP_PREFIX + name for name in self.groups] if self.options.groups else []
        added = self.extras.columns(causes) if self.extras is not None else []
        return ["log_evidence", *causes, *groups, *(name for name in added if name != "triage")]

    @property
    def names(self) -> list[str]:
        """Names of all columns that scoring adds, in order."""
        return ["status", *self.numbers, *self.words]

    @property
    def words(self) -> list[str]:
        """Names of the columns of words that scoring adds after the numbers."""
        return [name for name in ("triage", "status_detail") if getattr(self.options, name)]

    def plan(self, names: Sequence[Any], reserved: Sequence[str] = ()) -> ColumnPlan:
        """Decide how each column of a table is read.

        Raises
        ------
        TableError
            With every problem of the names at once.
        """
        dropped = self.options.dropped
        kept = [name for name in names if name not in dropped] if dropped else names
        return plan_columns(
            self.vocabulary,
            kept,
            columns=self.options.renamed,
            reserved=[*self.names, *reserved],
            has_reference=self.options.reference_date is not None,
        )

    def encode(
        self, rows: Any, n_rows: int, plan: ColumnPlan, *, known: dict[Hashable, int] | None = None
    ) -> EncodedRows:
        """Read some rows of a table; `known` is told how many cells of each column say something."""
        return encode_rows(
            self.vocabulary,
            plan,
            rows,
            n_rows=n_rows,
            setting_idx=self.vocabulary.setting_code(self.options.setting),
            reference_day=self.options.reference_day,
            translators=self.options.translators,
            known=known,
        )

    def score(self, encoded: EncodedRows, *, engine: Engine, n_threads: int | None) -> ScoredRows:
        """Infer rows that have been read; equal rows only once."""
        distinct = find_distinct(encoded.batch)
        batch = encoded.batch if distinct is None else take_cases(encoded.batch, distinct.first)
        found = self._infer(batch, engine, n_threads)
        is_impossible = np.isneginf(found.log_evidence)
        found.log_evidence[is_impossible] = np.nan
        found.posterior[is_impossible] = np.nan
        parts, levels = [found.log_evidence[None, :], found.posterior.T], None
        if self.extras is not None:
            of_causes = Posteriors(found.posterior[:, : len(self.vocabulary.causes)], found.log_evidence)
            extras = replace(self.extras, n_threads=n_threads)
            added = extras.values(self.network, batch, of_causes)
            levels = added.pop() if self.options.triage else None
            parts += [np.stack(added)] if added else []
        numbers = np.concatenate(parts)
        status = np.where(is_impossible, IMPOSSIBLE, np.int8(0))
        if distinct is not None:
            numbers, status = numbers[:, distinct.inverse], status[distinct.inverse]
            levels = None if levels is None else levels[distinct.inverse]
        is_bad = encoded.status != 0
        if is_bad.any() and self.options.on_error != "unknown":
            status = np.where(is_bad, encoded.status, status)
            numbers[:, is_bad] = np.nan
            levels = None if levels is None else np.where(is_bad, "", levels)
        return ScoredRows(encoded, status, numbers, levels)  # type: ignore[arg-type]  # levels are words

    def _infer(self, batch: EvidenceBatch, engine: Engine, n_threads: int | None) -> Posteriors:
        """Run the engine."""
        sets = None
        if self.options.groups:
            members = [
                [self.vocabulary.cause_idx(cause) for cause in group] for group in self.groups.values()
            ]
            membership = self.network.membership
            sets = np.concatenate([membership, group_sets(membership, members)], axis=1)
        if engine == "numpy":
            return infer(self.network, batch, sets=sets)
        from thighdx.inference.kernel import infer_compiled

        return infer_compiled(self.network, batch, sets=sets, n_threads=n_threads)


def score_table(
    scoring: Scoring,
    table: Any,
    *,
    reserved: Sequence[str] = (),
    last: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> Any:
    """Score every row of a table of patients.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        One row per patient; `thighdx.evidence.frames` says what columns and values mean.
    reserved : sequence of str
        Names of the columns that `last` adds.
    last : callable, optional
        Numbers by name to further columns, as arrays by name.

    Returns
    -------
    table of the same kind, with the same rows, order and pandas index
        Columns that are not evidence; ``status`` (text); ``log_evidence``, the natural log of
        P(evidence | complaint, setting); one float64 column per cause, P(cause present | evidence);
        groups; ``<cause>_lower``, ``<cause>_upper``; ``triage``; ``status_detail``.
        ``log_evidence`` and probabilities are NaN unless ``status`` is ``ok``.

    Raises
    ------
    TableError
        If the table as a whole cannot be read, or a row cannot and `on_error` is ``raise``.
    EvidenceError
        If there is no such setting.

    Warns
    -----
    UserWarning
        If cells cannot be read or rows are impossible, a column passed through looks like misspelled evidence,
        none is evidence, or patients are younger than the population the model is about (they count as its
        youngest).
    """
    frame = open_table(table)
    plan, n_rows = scoring.plan(frame.names, reserved), len(frame)
    tally = FaultTally(scoring.options.on_error)
    added = _score_parts(scoring, frame, plan, tally)
    if last is not None:
        words = {**added.words, **last(dict(zip(added.names, added.numbers, strict=True)))}
        added = replace(added, words=words)
    young = underage(scoring, tally.n_underage)
    for message in (*(plan.remarks if n_rows else ()), *tally.messages(n_rows), *young):
        warnings.warn(message, UserWarning, stacklevel=3)  # whoever called what calls score_table
    return frame.with_columns(plan.passthrough, added)


def _score_parts(scoring: Scoring, frame: Frame, plan: ColumnPlan, tally: FaultTally) -> ScoredColumns:
    """Score a table part by part, and write what comes out into columns as long as the table."""
    n_rows, options = len(frame), scoring.options
    engine = choose_engine(options.engine, n_rows, scoring.network)
    size = min(ROWS_AT_ONCE, max(1, n_rows))
    n_threads = 1 if n_rows > size else options.n_threads
    numbers, status = np.empty((len(scoring.numbers), n_rows)), np.empty(n_rows, dtype=np.int8)
    words = {name: np.empty(n_rows, dtype=object) for name in scoring.words}

    def work(start: int) -> tuple[int, Any, ScoredRows]:
        rows = frame.part(start, start + size)
        encoded = scoring.encode(rows, min(size, n_rows - start), plan)
        return start, rows, scoring.score(encoded, engine=engine, n_threads=n_threads)

    for start, rows, found in _in_threads(work, range(0, max(1, n_rows), size), options.n_threads):
        part = slice(start, start + len(found.status))
        numbers[:, part], status[part] = found.numbers, found.status
        if found.levels is not None:
            words["triage"][part] = found.levels
        reader = FaultReader(scoring.vocabulary, plan, rows, options.translators)
        if options.status_detail:
            words["status_detail"][part] = reader.details(found.encoded, found.status)
        tally.add(reader, found.encoded, found.status, first_row=start)
    return ScoredColumns(np.array(STATUSES, dtype=object)[status], scoring.numbers, numbers, words)


def _in_threads(
    work: Callable[[int], tuple[int, Any, ScoredRows]], starts: range, n_threads: int | None
) -> Iterator[tuple[int, Any, ScoredRows]]:
    """Work on parts of a table at the same time, and yield what comes out in order."""
    if len(starts) == 1:
        yield work(starts[0])
        return
    with ThreadPoolExecutor(min(n_threads or n_processors(), len(starts))) as pool:
        yield from pool.map(work, starts)


def underage(scoring: Scoring, n_rows: int) -> Iterator[str]:
    """Say that patients are younger than the population the model is about."""
    if n_rows:
        yield (
            f"outside_population: {n_rows} rows with an age below {scoring.vocabulary.age_starts[0]:g}; the model "
            f"is about adults, they count as its first age band"
        )
