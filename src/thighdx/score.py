"""Table in, table out: the posterior of every cause in every row."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Literal, TypeAlias, TypeVar, get_args

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt

from thighdx.draft import STATUSES
from thighdx.errors import TableError
from thighdx.extras import Extras
from thighdx.frames import EncodedTable, Frame, encode_table, open_table
from thighdx.inference.batch import EvidenceBatch, take_cases
from thighdx.inference.engine import Posteriors, infer
from thighdx.inference.groups import group_sets
from thighdx.inference.vocabulary import Vocabulary
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.repeats import find_distinct

__all__ = [
    "GROUP_PREFIX",
    "Engine",
    "Values",
    "check_options",
    "score_encoded",
    "score_table",
    "scored_columns",
]

GROUP_PREFIX = "group_"
# Rows read and inferred before the next are: what that takes does not grow with the table.
ROWS_AT_ONCE = 65_536

Engine: TypeAlias = Literal["auto", "compiled", "numpy"]
Values: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.object_]
TableT = TypeVar("TableT")


def score_table(
    network: Network,
    vocabulary: Vocabulary,
    groups: Mapping[str, Sequence[str]],
    table: TableT,
    *,
    setting: str,
    columns: Mapping[str, str] | None = None,
    groups_wanted: bool = False,
    n_threads: int | None = None,
    engine: Engine = "auto",
    extras: Extras | None = None,
) -> TableT:
    """Score every row of a table of patients.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        Members of every named set of causes; used if `groups_wanted`.
    table : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        One row per patient; `thighdx.frames` says what columns and values mean.
    setting : str
        Setting of the rows that do not name their own.
    columns : mapping of str to str, optional
        Column of the table to what it is read as. Such a column counts as evidence and is not
        passed through.
    groups_wanted : bool
        Whether to add one column ``group_<name>`` per group: P(any member present | evidence).
    n_threads : int, optional
        Upper limit of threads, all by default; never changes a result. The numpy engine leaves
        threads to the linear algebra library and takes no notice of it.
    engine : {"auto", "compiled", "numpy"}
        ``auto`` is ``compiled`` where numba is installed. Compiling takes some seconds at first use; the
        machine code is kept on disk. The engines agree to 1e-12.
    extras : Extras, optional
        Credible intervals and urgency, which need the judgements behind the network.

    Returns
    -------
    table of the same kind, with the same rows, order and pandas index
        Columns that are not evidence; ``status`` (text); ``log_evidence``, the natural log of
        P(evidence | complaint, setting); one float64 column per cause, P(cause present | evidence);
        groups; ``<cause>_lower``, ``<cause>_upper`` (NaN where not worked out: only causes with a
        posterior above 1e-4 and those that must not be missed have an interval); ``triage``.
        ``log_evidence`` and probabilities are NaN unless ``status`` is ``ok``.

    Raises
    ------
    TableError
        If the table as a whole cannot be read, or an option has no such value. A bad row only has a
        status.
    EvidenceError
        If there is no such setting.

    Warns
    -----
    UserWarning
        If a column passed through looks like misspelled evidence, none is evidence, or patients are younger than the
        population the model is about (they count as its youngest).
    """
    check_options(n_threads, engine)
    wanted = groups if groups_wanted else {}
    frame = open_table(table)
    columns_of = partial(
        encode_table,
        vocabulary,
        setting=setting,
        columns=columns,
        reserved=scored_columns(vocabulary, wanted, extras),
    )
    scores_of = partial(
        score_encoded,
        network,
        vocabulary,
        wanted,
        n_threads=n_threads,
        engine=engine,
        extras=extras,
    )
    data: dict[str, Values] = {}
    n_underage = 0
    for start in range(0, max(1, len(frame)), ROWS_AT_ONCE):
        encoded = columns_of(frame[start : start + ROWS_AT_ONCE] if len(frame) > ROWS_AT_ONCE else frame)
        n_underage += encoded.n_underage
        _put(data, scores_of(encoded), start, len(frame))
    _warn(encoded, n_underage, vocabulary, len(frame.columns) if len(frame) else 0)
    result = _with_columns(frame, encoded, data)
    return result.to_native()  # type: ignore[no-any-return]  # the kind that came in


def _put(data: dict[str, Values], found: Mapping[str, Values], start: int, n_rows: int) -> None:
    """Write the columns of some rows into those of all."""
    for name, values in found.items():
        if len(values) == n_rows:
            data[name] = values
            continue
        if name not in data:
            data[name] = np.empty(n_rows, dtype=values.dtype)  # type: ignore[assignment]  # object or float64
        data[name][start : start + len(values)] = values


def scored_columns(
    vocabulary: Vocabulary, groups: Mapping[str, Sequence[str]], extras: Extras | None
) -> list[str]:
    """Return the names of the columns that scoring adds, in order."""
    causes = [cause.id for cause in vocabulary.causes]
    added = extras.columns(causes) if extras is not None else []
    return ["status", "log_evidence", *causes, *(GROUP_PREFIX + name for name in groups), *added]


def score_encoded(
    network: Network,
    vocabulary: Vocabulary,
    groups: Mapping[str, Sequence[str]],
    encoded: EncodedTable,
    *,
    n_threads: int | None = None,
    engine: Engine = "auto",
    extras: Extras | None = None,
) -> dict[str, Values]:
    """Return the added columns of a table that has been read, by name; options as in `score_table`.

    Parameters
    ----------
    groups : mapping of str to sequence of str
        Members of the groups asked for.
    """
    distinct = find_distinct(encoded)
    found = _score_rows(
        network,
        vocabulary,
        groups,
        distinct.encoded,
        n_threads=n_threads,
        engine=engine,
        extras=extras,
    )
    if distinct.inverse is None:
        return found
    return {name: values[distinct.inverse] for name, values in found.items()}


def _score_rows(
    network: Network,
    vocabulary: Vocabulary,
    groups: Mapping[str, Sequence[str]],
    encoded: EncodedTable,
    *,
    n_threads: int | None,
    engine: Engine,
    extras: Extras | None,
) -> dict[str, Values]:
    """Return the added columns, every row inferred."""
    members = [[vocabulary.cause_idx(cause) for cause in group] for group in groups.values()]
    sets = np.concatenate([network.membership, group_sets(network.membership, members)], axis=1)
    run = _engine(engine, network, sets if groups else None, n_threads)
    scored = _infer_good_rows(run, encoded, sets.shape[1])
    is_impossible = np.isneginf(scored.log_evidence)
    scored.log_evidence[is_impossible] = np.nan
    scored.posterior[is_impossible] = np.nan
    status = np.where(is_impossible, STATUSES.index("impossible_evidence"), encoded.status)
    columns: list[Values] = [
        np.array(STATUSES, dtype=object)[status],
        scored.log_evidence,
        *scored.posterior.T,
    ]
    if extras is not None:
        of_causes = Posteriors(scored.posterior[:, : len(vocabulary.causes)], scored.log_evidence)
        columns += extras.values(network, encoded.batch, of_causes)
    return dict(zip(scored_columns(vocabulary, groups, extras), columns, strict=True))


def check_options(n_threads: int | None, engine: str) -> None:
    """Refuse options that have no meaning."""
    is_count = isinstance(n_threads, numbers.Integral) and not isinstance(n_threads, bool) and n_threads >= 1
    if n_threads is not None and not is_count:
        raise TableError(f"n_threads: got {n_threads!r}, expected a whole number from 1 on, or None for all")
    if engine not in get_args(Engine):
        raise TableError(f"engine: got {engine!r}, expected one of {', '.join(get_args(Engine))}")


def _warn(encoded: EncodedTable, n_underage: int, vocabulary: Vocabulary, n_columns: int) -> None:
    """Point out what was read in a way the user may not expect; `encoded` is any part of the table."""
    messages = list(encoded.near_misses)
    if n_columns and len(encoded.passthrough) == n_columns and not messages:
        messages.append("no column is read as evidence: every row gets the prior; see model.variables")
    if n_underage:
        first = vocabulary.age_starts[0]
        messages.append(
            f"outside_population: {n_underage} rows with an age below {first:g}; the model "
            f"is about adults, they count as its first age band"
        )
    for message in messages:
        warnings.warn(message, UserWarning, stacklevel=4)  # whoever called what calls score_table


def _engine(
    engine: Engine, network: Network, sets: Floats | None, n_threads: int | None
) -> Callable[[EvidenceBatch], Posteriors]:
    """Return the inference to use; `sets` None asks for the causes alone."""
    if engine == "compiled" or (engine == "auto" and find_spec("numba") is not None):
        from thighdx.inference.kernel import infer_compiled

        return partial(infer_compiled, network, sets=sets, n_threads=n_threads)
    return partial(infer, network, sets=sets)


def _infer_good_rows(
    run: Callable[[EvidenceBatch], Posteriors], encoded: EncodedTable, n_sets: int
) -> Posteriors:
    """Run the engine on rows without a fault; the others get NaN."""
    n_rows = len(encoded.status)
    good = np.flatnonzero(encoded.status == 0)
    if len(good) == n_rows:
        return run(encoded.batch)
    found = run(take_cases(encoded.batch, good))
    scored = Posteriors(np.full((n_rows, n_sets), np.nan), np.full(n_rows, np.nan))
    scored.posterior[good] = found.posterior
    scored.log_evidence[good] = found.log_evidence
    return scored


def _with_columns(frame: Frame, encoded: EncodedTable, data: dict[str, Values]) -> Frame:
    """Put the results behind what is passed through; empties `data`, lest every column is there twice."""
    backend = frame.implementation
    names = list(data)
    new = []
    for name in names:
        values = data.pop(name)
        kind = nw.String if values.dtype == object else nw.Float64
        new.append(nw.new_series(name, np.ascontiguousarray(values), kind, backend=backend))
    wide = frame.with_columns(*new)
    place = {name: position for position, name in enumerate(wide.columns)}
    # Chosen last, because a table without columns has no rows; by position, because names of pandas
    # columns need not be text.
    kept = [*encoded.passthrough, *names]
    result: Frame = wide[:, [place[name] for name in kept]]  # type: ignore[index]  # see above
    return result
