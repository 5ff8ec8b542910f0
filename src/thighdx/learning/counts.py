"""Expected counts: all that learning keeps of patients, and parts of a table that add up to the whole.

The log likelihood of records is a sum over variables, states and sets of causes of how often each was met, so
counts of these are sufficient. Where the causes of a patient are not known, each set counts with its posterior
probability (the E-step of EM [1]_). Probabilities are rounded to multiples of 2^-28 first: sums of such numbers
are exact in double precision up to 2^25 records, so that neither the order of rows nor how they are cut into
parts or divided among threads can change a bit.

.. [1] Dempster AP, Laird NM, Rubin DB. Maximum likelihood from incomplete data via the EM algorithm.
   J R Stat Soc B 1977;39:1-38.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from thighdx.compiled.compiled_model import ModelFacts
from thighdx.errors import TableError
from thighdx.evidence.batch import UNKNOWN, EvidenceBatch, take_cases
from thighdx.inference.engine import CASES_AT_ONCE, log_weights
from thighdx.learning.records import Records, read_records
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.network.tables import SettingTables, setting_tables

__all__ = [
    "Counts",
    "SettingCounts",
    "Tally",
    "chunks",
    "combine",
    "count_records",
    "learn_counts",
    "posterior_of",
    "weighted",
]

Pattern: TypeAlias = tuple[int, tuple[int, ...]]  # place among the joint tables, states of its members

GRAIN = 2.0**28
ROWS_AT_ONCE = 1_024  # posteriors held at once: some megabytes


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows said what; `left_out` by reason."""

    complete: int = 0
    partial: int = 0
    unlabelled: int = 0
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def n_used(self) -> int:
        """Rows that were learned from."""
        return self.complete + self.partial + self.unlabelled

    def plus(self, other: Tally) -> Tally:
        """Return the sum."""
        left_out = dict(self.left_out)
        for reason, n in other.left_out:
            left_out[reason] = left_out.get(reason, 0) + n
        return Tally(
            self.complete + other.complete,
            self.partial + other.partial,
            self.unlabelled + other.unlabelled,
            tuple(sorted(left_out.items())),
        )


@dataclass(frozen=True, slots=True)
class SettingCounts:
    """Expected counts of one setting; the first axis is: causes known, causes inferred.

    Attributes
    ----------
    sets : (2, n_sets) float64
        Records by set of causes.
    rows : (2, n_rows, n_sets) float64
        By state of every variable outside joint tables, in the order of `SettingTables.rows`.
    patterns : mapping of pattern to (2, n_sets) float64
        By what is known of the members of a joint table.
    """

    sets: Floats
    rows: Floats
    patterns: Mapping[Pattern, Floats]

    def plus(self, other: SettingCounts) -> SettingCounts:
        """Return the sum."""
        patterns = dict(self.patterns)
        for key, value in other.patterns.items():
            patterns[key] = patterns[key] + value if key in patterns else value
        return SettingCounts(self.sets + other.sets, self.rows + other.rows, patterns)

    def times(self, weight: float) -> SettingCounts:
        """Return the counts of records that count `weight` each."""
        patterns = {key: weight * value for key, value in self.patterns.items()}
        return SettingCounts(weight * self.sets, weight * self.rows, patterns)


@dataclass(frozen=True, slots=True)
class Counts:
    """What records say, added up; holds no record.

    Attributes
    ----------
    digest : str
        Of the model whose posteriors stand for unknown causes, with its `max_causes`.
    settings : mapping of setting index to SettingCounts
        Settings that occur.
    """

    digest: str
    settings: Mapping[int, SettingCounts]
    tally: Tally

    def plus(self, other: Counts) -> Counts:
        """Return the sum."""
        settings = dict(self.settings)
        for index, value in other.settings.items():
            settings[index] = settings[index].plus(value) if index in settings else value
        return Counts(self.digest, settings, self.tally.plus(other.tally))


def combine(counts: Iterable[Counts]) -> Counts:
    """Add up the counts of the parts of a table, in any order and to the last bit.

    Parameters
    ----------
    counts : iterable of Counts
        From `learn_counts`, one per part.

    Returns
    -------
    Counts
        Those of the whole table, for `Model.learn`.

    Raises
    ------
    TableError
        If there are none, or they were made with different models.
    """
    parts = list(counts)
    if not parts:
        raise TableError("combine: got no counts, expected those of at least one part of a table")
    if len({part.digest for part in parts}) > 1:
        raise TableError("combine: got counts made with different models, expected one")
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    return total


def learn_counts(
    model: ModelFacts,
    batch: Any,
    *,
    truth: Any = None,
    setting: str | None = None,
    use_unlabelled: bool = True,
) -> Counts:
    """Count one part of a table, as a partition of Spark or Dask does.

    Parameters
    ----------
    model : Model
        The same for every part.
    batch : frame or record batch
        Records as for `Model.learn`.
    truth, setting, use_unlabelled
        As for `Model.learn`.

    Returns
    -------
    Counts
        Sums over the records, which hold none of them; `combine` adds those of all parts up.

    Raises
    ------
    TableError
        If nothing says what the causes were, or a column cannot be read.

    Examples
    --------
    >>> import thighdx
    >>> model = thighdx.load_model()
    >>> patients = model.simulate(60, seed=1)
    >>> halves = [learn_counts(model, patients[:25]), learn_counts(model, patients[25:])]
    >>> combine(halves).tally == learn_counts(model, patients).tally
    True
    """
    name = model.default_setting if setting is None else setting
    records = read_records(model.vocabulary, batch, truth=truth, setting=name)
    return count_records(model.network, records, digest=digest_of(model), use_unlabelled=use_unlabelled)


def digest_of(model: ModelFacts) -> str:
    """Name a model by its tables and how many causes it allows."""
    return f"{model.digest}:{model.max_causes}"


def count_records(network: Network, records: Records, *, digest: str, use_unlabelled: bool) -> Counts:
    """Count records under the posteriors of a network."""
    settings: dict[int, SettingCounts] = {}
    complete, labelled = records.is_complete, records.is_labelled
    kept = np.flatnonzero(labelled | use_unlabelled)
    tally = np.zeros(3, dtype=np.intp)
    n_impossible = 0
    for setting, batch, case_idx in chunks(records.batch, kept):
        weights = posterior_of(network, batch)
        is_possible = weights.any(axis=1)
        n_impossible += int((~is_possible).sum())
        sure = complete[case_idx]
        kinds = np.where(sure, 0, np.where(labelled[case_idx], 1, 2))
        tally += np.bincount(kinds[is_possible], minlength=3)
        counted = _count(network, setting, batch, np.stack([sure, ~sure]), weights)
        settings[setting] = settings[setting].plus(counted) if setting in settings else counted
    left_out = dict(records.left_out)
    if n_impossible:
        left_out["impossible_evidence"] = n_impossible
    if n_skipped := len(labelled) - len(kept):
        left_out["unlabelled"] = n_skipped
    n_complete, n_partial, n_unlabelled = tally.tolist()
    found = Tally(n_complete, n_partial, n_unlabelled, tuple(sorted(left_out.items())))
    return Counts(digest, settings, found)


def chunks(
    batch: EvidenceBatch, case_idx: npt.NDArray[np.intp]
) -> Iterator[tuple[int, EvidenceBatch, npt.NDArray[np.intp]]]:
    """Yield setting, cases and their positions, so many at once that memory stays flat."""
    for setting in np.unique(batch.setting_idx[case_idx]).tolist():
        own = case_idx[batch.setting_idx[case_idx] == setting]
        for start in range(0, len(own), ROWS_AT_ONCE):
            part = own[start : start + ROWS_AT_ONCE]
            yield setting, take_cases(batch, part), part


def posterior_of(network: Network, batch: EvidenceBatch) -> Floats:
    """Return P(H | evidence, what is known of the truth) as (n_cases, n_sets), on the grain; 0 if impossible."""
    weights = np.empty((batch.n_cases, network.explanations.n_explanations))
    for start in range(0, batch.n_cases, CASES_AT_ONCE):
        cases = np.arange(start, min(start + CASES_AT_ONCE, batch.n_cases))
        weights[cases] = log_weights(network, take_cases(batch, cases))
    peak = weights.max(axis=1, keepdims=True)
    weights = np.exp(weights - np.where(np.isneginf(peak), 0.0, peak))
    total = weights.sum(axis=1, keepdims=True)
    share = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return np.asarray(np.rint(share * GRAIN) / GRAIN)


def _count(
    network: Network, setting: int, batch: EvidenceBatch, kinds: npt.NDArray[np.bool_], weights: Floats
) -> SettingCounts:
    """Add up the posteriors of some cases of one setting; `kinds` (2, n_cases) says which counts they go to."""
    tables = setting_tables(network, setting)
    codes = batch.codes
    sets = kinds.astype(np.float64) @ weights
    rows = np.stack([_rows(tables, codes[kind], weights[kind]) for kind in kinds])
    patterns: dict[Pattern, Floats] = {}
    for place, joint in enumerate(tables.joints):
        own = codes[:, joint.variable_idx]
        known = np.flatnonzero((own != UNKNOWN).any(axis=1))
        distinct, which = np.unique(own[known], axis=0, return_inverse=True)
        for position, pattern in enumerate(distinct.tolist()):
            cases = known[which.reshape(-1) == position]
            value = kinds[:, cases].astype(np.float64) @ weights[cases]
            patterns[place, tuple(pattern)] = value
    return SettingCounts(sets, rows, patterns)


def _rows(tables: SettingTables, codes: npt.NDArray[np.int8], weights: Floats) -> Floats:
    """Return the sum of weights per table row that was met, (n_rows, n_sets)."""
    case_idx, variable_idx = np.nonzero((codes != UNKNOWN) & (tables.row_offset >= 0))
    row_idx = tables.row_offset[variable_idx] + codes[case_idx, variable_idx]
    met = csr_array((np.ones(len(row_idx)), (row_idx, case_idx)), shape=(len(tables.rows), len(codes)))
    return np.asarray(met @ weights)


def weighted(counts: Counts, weight: float) -> Counts:
    """Let every record count `weight`."""
    if weight == 1.0:
        return counts
    return replace(counts, settings={index: part.times(weight) for index, part in counts.settings.items()})
