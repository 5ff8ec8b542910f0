"""Compiled exact inference: what `engine.infer` says, for many cases at once, at a few microseconds a case.

Every case is worked out on its own from tables that do not depend on the others, so results are the same to the
last bit for any number of threads, any order and any division into chunks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from thighdx.evidence.batch import EvidenceBatch, take_cases
from thighdx.inference.compiled_steps import score_cases
from thighdx.inference.dense_rows import NO_ROW, case_rows, pattern_rows
from thighdx.inference.departures import departures, runs
from thighdx.inference.engine import Posteriors
from thighdx.network.build import Network
from thighdx.network.groups import SetMembers
from thighdx.network.spec import Floats
from thighdx.network.tables import setting_tables
from thighdx.processors import n_processors

__all__ = ["infer_compiled"]

# Cases handed to a thread at once: long enough that handing over costs nothing, short enough to share evenly.
CHUNK = 2_048


def infer_compiled(
    network: Network, batch: EvidenceBatch, *, sets: Floats | None = None, n_threads: int | None = None
) -> Posteriors:
    """Return posteriors for every case; means what `engine.infer` means and agrees with it to 1e-12.

    Parameters
    ----------
    network : Network
    batch : EvidenceBatch
    sets : (n_explanations, n_sets) float64, optional
        0/1: which explanations count for which asked probability; default one set per cause.
    n_threads : int, optional
        Default: as many as there are processors this process may use.

    Returns
    -------
    Posteriors
        `posterior` lies in memory column by column, as tables do.

    Notes
    -----
    Compiles at first use, which takes a second or two; the machine code is kept on disk. Memory beyond input and
    output does not grow with the number of cases.
    """
    members = network.cause_members if sets is None else SetMembers.of(sets)
    result = Posteriors(np.empty((members.n_sets, batch.n_cases)).T, np.empty(batch.n_cases))
    with ThreadPoolExecutor(n_threads or n_processors()) as pool:
        pending = []
        for setting in np.unique(batch.setting_idx):
            cases = np.flatnonzero(batch.setting_idx == setting)
            tables = setting_tables(network, int(setting))
            patterns, pattern_of = pattern_rows(network, tables, take_cases(batch, cases))
            for start in range(0, len(cases), CHUNK):
                some = slice(start, start + CHUNK)
                dense = (patterns, pattern_of[some])
                pending.append(pool.submit(_score, network, batch, cases[some], dense, members, result))
        for future in pending:
            future.result()
    result.log_evidence[batch.is_empty()] = 0.0
    return result


def _score(
    network: Network,
    batch: EvidenceBatch,
    cases: npt.NDArray[np.intp],
    dense: tuple[Floats, npt.NDArray[np.intp]],
    members: SetMembers,
    result: Posteriors,
) -> None:
    """Score some cases of one setting, whose patterns of joint contexts are `dense`."""
    own = take_cases(batch, cases)
    setting_idx = int(own.setting_idx[0])
    plan, layout = departures(network, setting_idx), runs(network)
    patterns, pattern_of = dense
    some, rows = case_rows(network, setting_tables(network, setting_idx), own)
    row_of_case = np.full(own.n_cases, NO_ROW, dtype=np.int64)
    row_of_case[some] = np.arange(len(some)) + len(patterns)
    posterior, log_evidence = np.empty((members.n_sets, own.n_cases)), np.empty(own.n_cases)
    score_cases(
        np.ascontiguousarray(own.codes),
        (plan.row_of, plan.base, plan.constant, plan.single, plan.rest_of, plan.rest),
        (plan.few_start, plan.few_of, plan.few),
        (layout.start, layout.last, layout.shared),
        np.concatenate([patterns, rows]) if len(some) else patterns,
        np.column_stack([pattern_of, row_of_case]).astype(np.int64),
        (members.index, members.start),
        (posterior, log_evidence),
    )
    result.posterior[cases] = posterior.T
    result.log_evidence[cases] = log_evidence
