"""Table in, table out: the posterior of every cause in every row.

One path for `Model.score`, `Scorer` and files: the columns of a table are planned once, then any part of it is
read, inferred and laid out as columns.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from thighdx.compiled.compiled_model import ModelFacts
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, find_distinct, take_cases
from thighdx.evidence.frames import Frame, ScoredColumns, open_table
from thighdx.evidence.table_rows import STATUSES, EncodedRows, encode_rows
from thighdx.inference.engine import infer
from thighdx.kb.records import LEVELS
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.processors import n_processors
from thighdx.scoring.faults import FaultReader, FaultTally, refuse_faults
from thighdx.scoring.options import Engine, ScoreOptions
from thighdx.scoring.plan import TablePlan, plan_table

__all__ = ["ScoredRows", "choose_engine", "last_words", "prepare_engine", "score_rows", "score_table"]

Words = npt.NDArray[np.object_]
# Rows read and inferred at once by one thread: what that takes stays small and does not grow with the table.
ROWS_AT_ONCE = 16_384
# Rows times explanations up to which the numpy engine answers. It takes some 65 ns each, so up to a third of a second:
# a new process takes 0.35 s to import numba and load machine code, and 2 s more where it has to be compiled.
NUMPY_CELLS = 5_000_000

IMPOSSIBLE = np.int8(STATUSES.index("impossible_evidence"))
STATUS_WORDS = np.array(STATUSES, dtype=object)
LEVEL_WORDS = np.array([*LEVELS, ""], dtype=object)  # the last, -1, is that of no posterior


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
    is_short = n_rows is not None and n_rows * len(network.membership) <= NUMPY_CELLS
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
        By the names in `TablePlan.numbers`.
    levels : (n_rows,) str, optional
        Urgency, where asked for.
    """

    encoded: EncodedRows
    status: npt.NDArray[np.int8]
    numbers: Floats
    levels: Words | None


def score_rows(plan: TablePlan, encoded: EncodedRows, *, engine: Engine, n_threads: int | None) -> ScoredRows:
    """Infer rows that have been read; equal rows only once."""
    distinct = find_distinct(encoded.batch)
    batch = encoded.batch if distinct is None else take_cases(encoded.batch, distinct.first)
    network, level = plan.model.network, plan.options.interval
    if engine == "numpy":
        found = infer(network, batch, sets=plan.sets)
    else:
        from thighdx.inference.kernel import infer_compiled  # late: brings numba

        found = infer_compiled(network, batch, sets=plan.sets, n_threads=n_threads)
    is_impossible = np.isneginf(found.log_evidence)
    found.log_evidence[is_impossible] = np.nan
    found.posterior[is_impossible] = np.nan
    numbers = [found.log_evidence[None, :], found.posterior.T]
    posterior = found.posterior[:, : len(network.spec.causes)]
    if level is not None:
        numbers.append(_bounds(plan, batch, posterior, level, n_threads))
    scored = ScoredRows(
        encoded,
        np.where(is_impossible, IMPOSSIBLE, np.int8(0)),
        np.concatenate(numbers),
        None if plan.rules is None else LEVEL_WORDS[plan.rules.levels(batch.codes, posterior, batch.given)],
    )
    if distinct is not None:
        scored = _repeated(scored, distinct.inverse)
    if plan.options.on_error != "unknown" and encoded.status.any():
        scored = _without_bad(scored)
    return scored


def _bounds(
    plan: TablePlan, batch: EvidenceBatch, posterior: Floats, level: float, n_threads: int | None
) -> Floats:
    """Return lower and upper bounds of every cause in turn, (2 * n_causes, n_cases), which hold the posteriors.

    NaN where there is no posterior.
    """
    from thighdx.reasoning.intervals.table_intervals import table_intervals  # late: brings scipy

    bounds = np.full((posterior.shape[1], 2, len(posterior)), np.nan)
    cases = np.flatnonzero(~np.isnan(posterior).any(axis=1))
    if len(cases):
        pooled = plan.model.compiled.pooled
        found = table_intervals(
            plan.model.network, pooled, take_cases(batch, cases), level, n_threads=n_threads
        )
        bounds[:, 0, cases] = np.minimum(found.lower, posterior[cases]).T
        bounds[:, 1, cases] = np.maximum(found.upper, posterior[cases]).T
    return bounds.reshape(2 * len(bounds), len(posterior))


def _repeated(scored: ScoredRows, rows: npt.NDArray[np.intp]) -> ScoredRows:
    """Give every row what was found for the first one like it."""
    levels = None if scored.levels is None else scored.levels[rows]
    return ScoredRows(scored.encoded, scored.status[rows], scored.numbers[:, rows], levels)


def _without_bad(scored: ScoredRows) -> ScoredRows:
    """Give rows that could not be read their status and nothing else."""
    is_bad = scored.encoded.status != 0
    scored.numbers[:, is_bad] = np.nan
    status = np.where(is_bad, scored.encoded.status, scored.status)
    levels = None if scored.levels is None else np.where(is_bad, "", scored.levels)
    return ScoredRows(scored.encoded, status, scored.numbers, levels)


def last_words(plan: TablePlan, rows: Any, found: ScoredRows) -> dict[str, Words | Floats]:
    """Return the columns in `TablePlan.words`, as arrays as long as the rows.

    Of equally probable causes the first leads; in rows that could not be scored there is none, and NaN.
    """
    columns: dict[str, Words | Floats] = {}
    if found.levels is not None:
        columns["triage"] = found.levels
    if plan.options.status_detail:
        columns["status_detail"] = FaultReader(plan.columns, rows, found.encoded).details(found.status)
    if plan.ranked is not None and plan.options.top is not None:
        posterior = found.numbers[1:][
            plan.ranked
        ].T  # (n_rows, n_ranked); the first number is the log evidence
        order = np.argsort(-posterior, axis=1, kind="stable")[:, : plan.options.top]
        values = np.take_along_axis(posterior, order, axis=1)  # (n_rows, top)
        ids = np.array([*(plan.numbers[1 + index] for index in plan.ranked), None], dtype=object)
        names = ids[np.where(np.isnan(values), len(ids) - 1, order)]
        for rank in range(plan.options.top):
            columns |= {f"top_{rank + 1}": names[:, rank], f"top_{rank + 1}_probability": values[:, rank]}
    return columns


def score_table(model: ModelFacts, options: ScoreOptions, table: Any) -> Any:
    """Score every row of a table of patients.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        One row per patient; `thighdx.evidence.frames` says what columns and values mean.

    Returns
    -------
    table of the same kind, with the same rows, order and pandas index
        Columns that are not evidence; ``status`` (text); ``log_evidence``, the natural log of
        P(evidence | complaint, setting); one float64 column per cause, P(cause present | evidence);
        groups; ``<cause>_lower``, ``<cause>_upper``; ``triage``; ``status_detail``; leading causes.
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
    plan = plan_table(model, options, frame.names)
    tally = FaultTally()
    added = _score_parts(plan, frame, tally)
    if len(added.status):
        tally.warn(plan.columns, len(added.status), stacklevel=3)  # whoever called what calls score_table
    return frame.with_columns(plan.columns.passthrough, added)


def _score_parts(plan: TablePlan, frame: Frame, tally: FaultTally) -> ScoredColumns:
    """Read, infer and write a table part by part into columns as long as the table."""
    n_rows, options = len(frame.native), plan.options
    engine = choose_engine(options.engine, n_rows, plan.model.network)
    size = min(ROWS_AT_ONCE, max(1, n_rows))
    starts = range(0, max(1, n_rows), size)
    is_long = len(starts) > 1
    numbers, status = np.empty((len(plan.numbers), n_rows)), np.empty(n_rows, dtype=np.int8)
    words: dict[str, Words | Floats] = {
        name: np.empty(n_rows, dtype=object if kind is str else kind) for name, kind in plan.words.items()
    }

    def work(start: int) -> tuple[slice, Any, ScoredRows]:
        rows = frame.part(start, start + size) if is_long else frame.native
        encoded = encode_rows(plan.columns, rows, min(size, n_rows - start))
        n_threads = 1 if is_long else options.n_threads
        return slice(start, start + size), rows, score_rows(plan, encoded, engine=engine, n_threads=n_threads)

    n_workers = min(options.n_threads or n_processors(), len(starts)) if is_long else 1
    with ThreadPoolExecutor(n_workers) as pool:
        for part, rows, found in pool.map(work, starts) if is_long else map(work, starts):
            numbers[:, part], status[part] = found.numbers, found.status
            for name, values in last_words(plan, rows, found).items() if words else ():
                words[name][part] = values
            if found.status.any() or found.encoded.bad_cells or found.encoded.n_underage:
                reader = FaultReader(plan.columns, rows, found.encoded)
                refuse_faults(reader, plan, found.status, first_row=part.start)
                tally.add(reader, found.status)
    return ScoredColumns(STATUS_WORDS[status], plan.numbers, numbers, words)
