"""From records to a posterior for every judgement: counts, units, and rounds until nothing moves.

The estimator is generalized EM (Dempster, Laird and Rubin 1977): unknown causes count with their posterior under
the present values (E), every unit climbs its expected log likelihood plus its priors (M). Where every truth is
known one count is enough. At the end the information that unknown causes take away is subtracted, unit by unit
[1]_.

.. [1] Louis TA. Finding the observed information matrix when using the EM algorithm. J R Stat Soc B 1982;44:226-33.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from thighdx.compiled.compiled_model import ModelFacts
from thighdx.errors import EvidenceError, TableError
from thighdx.learning.counts import Counts, Tally, combine, count_records, digest_of, weighted
from thighdx.learning.learner import Learner, Place, with_new_shares
from thighdx.learning.missing import Missing
from thighdx.learning.posterior import Marginals, improve, marginals
from thighdx.learning.records import Records, read_records
from thighdx.learning.shares import SharesUnit
from thighdx.learning.unit import Unit
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import JudgementLayout, judgement_layout

__all__ = ["Estimate", "Progress", "Source", "estimate", "read_source"]

Source: TypeAlias = Callable[[], Iterable[Records]]
Progress: TypeAlias = Callable[[str], None]

MAX_ROUNDS = 40
SETTLED = 0.02  # posterior standard deviations that a round may still move a number
# Expected records from which on a number is looked at: less is what the posteriors of other records leave over.
BEARS = 0.5
# Of the prior's precision that records must add: what they cannot tell is left as it is, and not to rounding.
SAYS = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What became of every judgement, (n_judgements,) each; NaN where no record bears on it.

    Attributes
    ----------
    quantiles : (n_judgements, 3) float64
        5, 50 and 95 % of the posterior, working scale.
    data : (n_judgements, 2) float64
        What the records alone say: mean and standard deviation, working scale.
    bearing, credited : float64
        Expected records that bear on a number, and that count for it.
    log_bayes_factor : float64
    weights : mapping of judgement to tuple of float
        Of the components of its mixture, where there are several.
    counts : Counts
    n_rounds : int
    """

    layout: JudgementLayout
    quantiles: Floats
    data: Floats
    bearing: Floats
    credited: Floats
    log_bayes_factor: Floats
    weights: Mapping[int, tuple[float, ...]]
    counts: Counts
    n_rounds: int

    @property
    def is_learned(self) -> Any:
        """Which judgements the records bear on, (n_judgements,) bool."""
        return ~np.isnan(self.quantiles[:, 1])


def read_source(
    model: ModelFacts, records: Any, *, truth: Any, setting: str, patient: str | None = None
) -> Source:
    """Return a way to read records again and again.

    Raises
    ------
    TableError
        For batches that can be read only once.
    """
    if callable(records):
        parts = records
    elif isinstance(records, Iterator):
        raise TableError(
            "records: got an iterator, which can be read only once; give a list of batches, a function that "
            "returns them, or counts (see learn_counts)"
        )
    elif isinstance(records, list | tuple):
        parts = lambda: records  # noqa: E731
    else:
        whole = read_records(model.vocabulary, records, truth=truth, setting=setting, patient=patient)
        return lambda: (whole,)

    def source() -> Iterator[Records]:
        first_row = 0
        for part in parts():
            table = _table(part)
            yield read_records(
                model.vocabulary, table, truth=truth, setting=setting, patient=patient, first_row=first_row
            )
            first_row += len(table)

    return source


def _table(batch: Any) -> Any:
    """Turn a record batch into a table."""
    return pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch


def estimate(
    model: ModelFacts,
    source: Source | Counts,
    *,
    weight: float = 1.0,
    use_unlabelled: bool = True,
    progress: Progress = lambda _: None,
) -> Estimate:
    """Learn from records; see `Model.learn`.

    Raises
    ------
    TableError
        If no record says what its causes were.
    EvidenceError
        If the model's shares were replaced by a user's own.
    """
    if model.compiled.rebased:
        raise EvidenceError(
            "learn: this model's shares were replaced by rebase(); learn from the model before that"
        )
    layout = judgement_layout(model.network, model.compiled.pooled)
    learner = Learner(model.compiled.kb, model.network, layout, layout.point.copy())
    digest = digest_of(model)
    if isinstance(source, Counts):
        if source.digest != digest:
            raise TableError("records: got counts made with another model; see learn_counts")
        sure, soft = source, None
    else:
        progress("counting records")
        sure, soft = _sure(learner, source, digest), source
    counts = sure
    for n_rounds in range(1, MAX_ROUNDS + 1):
        if soft is not None:
            counts = combine([sure, *_soft(learner, soft, digest, use_unlabelled)])
        if n_rounds == 1:
            _check_truth(counts)
        units = learner.units(weighted(counts, weight))
        change = _round(learner, units)
        progress(f"round {n_rounds}: {change:.3f} standard deviations")
        if change < SETTLED:
            break
        if soft is not None and _has_soft(counts):
            learner.rebuild(counts.settings)
    progress("widths")
    missing = Missing(learner, units, weight)
    if soft is not None and _has_soft(counts):
        missing.add(_only_soft(soft, use_unlabelled))
    return _finish(learner, units, missing, counts, n_rounds)


def _check_truth(counts: Counts) -> None:
    """Refuse records none of which says what the causes were."""
    tally = counts.tally
    if tally.unlabelled and not tally.complete + tally.partial:
        raise TableError(
            f"records: none of {tally.n_used:,} rows says what the causes were, so there is nothing to learn from; "
            "fill in the truth of some"
        )


def _has_soft(counts: Counts) -> bool:
    return any(part.sets[1].any() for part in counts.settings.values())


def _part(records: Records, is_complete: bool) -> Records:
    """Return the rows whose truth is (not) complete; what was left out goes with the complete ones."""
    part = records.take(np.flatnonzero(records.is_complete == is_complete))
    return replace(part, left_out=records.left_out) if is_complete else part


def _sure(learner: Learner, source: Source, digest: str) -> Counts:
    """Count the rows whose causes are all known: once."""
    total = Counts(digest, {}, Tally())
    for records in source():
        part = _part(records, True)
        total = total.plus(count_records(learner.network, part, digest=digest, use_unlabelled=True))
    return total


def _soft(learner: Learner, source: Source, digest: str, use_unlabelled: bool) -> Iterator[Counts]:
    """Count the other rows under the present values."""
    for records in source():
        part = _part(records, False)
        if part.batch.n_cases:
            yield count_records(learner.network, part, digest=digest, use_unlabelled=use_unlabelled)


def _only_soft(source: Source, use_unlabelled: bool) -> Iterator[Records]:
    """Yield the rows whose causes are not all known."""
    for records in source():
        rows = np.flatnonzero(~records.is_complete & (records.is_labelled | use_unlabelled))
        if len(rows):
            yield records.take(rows)


def _round(learner: Learner, units: dict[Place, Unit]) -> float:
    """Improve every unit once; return the largest move, in posterior standard deviations."""
    largest = 0.0
    shares = None
    for place, unit in list(units.items()):
        if shares is not None:
            units[place] = unit = with_new_shares(unit, shares, learner.states["shares", 0].x)
        state, change = improve(unit, learner.state(place, unit))
        learner.keep(place, unit, state)
        largest = max(largest, change)
        if isinstance(unit, SharesUnit):
            shares = unit
    return largest


def _finish(
    learner: Learner, units: Mapping[Place, Unit], missing: Missing, counts: Counts, n_rounds: int
) -> Estimate:
    """Work out the posterior of every number."""
    n = learner.layout.n_judgements
    quantiles, data = np.full((n, 3), np.nan), np.full((n, 2), np.nan)
    bearing, credited = np.zeros(n), np.zeros(n)
    bayes, weights = np.full(n, np.nan), dict[int, tuple[float, ...]]()
    for place, unit in units.items():
        state, found = marginals(unit, learner.state(place, unit), missing.lost(place))
        learner.keep(place, unit, state)
        idx = unit.judgement_idx
        bearing[idx], credited[idx] = unit.credits(state.x)
        kept = (bearing[idx] >= BEARS) & (found.data[:, 1] ** -2 > SAYS * state.own_precision)
        quantiles[idx[kept]] = found.tilted.quantiles()[kept]
        data[idx[kept]] = found.data[kept]
        bayes[idx[kept]] = found.log_bayes_factor[kept]
        _note_weights(weights, state.beliefs.owner, found, idx, kept)
    return Estimate(learner.layout, quantiles, data, bearing, credited, bayes, weights, counts, n_rounds)


def _note_weights(
    weights: dict[int, tuple[float, ...]], owner: Any, found: Marginals, idx: Any, kept: Any
) -> None:
    """Keep the weights of mixtures."""
    for position in np.flatnonzero(kept).tolist():
        own = found.tilted.weights[owner == position]
        if len(own) > 1:
            weights[int(idx[position])] = tuple(float(value) for value in own)
