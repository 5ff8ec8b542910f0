"""What learning returns: a new model, and prior, data and posterior of every number side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd

from thighdx.compiled.compilation import save_model
from thighdx.compiled.compiled_model import CompiledModel, ModelFacts
from thighdx.display import Shown
from thighdx.elicitation.distribution import from_working
from thighdx.errors import TableError
from thighdx.learning.compare import Comparison, compare, cross_validate, ranked_causes
from thighdx.learning.counts import Counts, Tally
from thighdx.learning.estimate import Estimate, estimate, read_source
from thighdx.learning.tables import LearnedRows, check_name, compile_learned, learned_rows, significant

__all__ = ["CONFLICT", "Learned", "learn"]

CONFLICT = (
    30.0  # times better that a prior three times as wide foretold the data: "very strong" (Jeffreys 1961)
)
ModelT = TypeVar("ModelT", bound=ModelFacts)
N_SHOWN = 10
Z95 = 1.6448536269514722
VAGUE = 3.0  # log odds: records that know a number no better say nothing of it by themselves


@dataclass(frozen=True, slots=True, eq=False)
class Learned(Shown, Generic[ModelT]):
    """A model that learned from records.

    Attributes
    ----------
    name : str
    model : Model
        The new model; `before` is the one it started from.
    changes : pandas.DataFrame
        One row per number that records bear on: ``table``, ``key``; ``prior_q05`` ... ``prior_q95``; ``records``
        that bear on it and those ``credited`` to it (expected counts, NaN below `min_count`); ``data_q05``
        ... ``data_q95``: what the records alone say (NaN where that is next to nothing); ``posterior_q05``
        ... ``posterior_q95`` (linear; odds ratios in effects and dependencies); ``shift``: of the median in prior
        standard deviations, on the scale of log odds or log odds ratios; ``bayes_factor``: how much better the
        stated prior foretold the data than one three times as wide; ``conflict``: whether that is below 1/30.
    tally : Tally
        How many rows were used, and why others were not.
    without_record : tuple of str
        Causes that no record has (below one half expected): everything about them stays at its prior.
    n_held_back : int
        Numbers moved less far than the records say, because otherwise cumulative rows would cross, or shares or
        frequencies add up to too much.
    comparison : Comparison or None
        Cross-validated, where it was asked for.
    """

    name: str
    model: ModelT
    before: ModelT = field(repr=False)
    changes: pd.DataFrame = field(repr=False)
    tally: Tally
    without_record: tuple[str, ...]
    n_held_back: int
    min_count: float
    comparison: Comparison | None = None

    def save(self, path: str | Path) -> Path:
        """Write the new model's folder, which `thighdx.read_model` opens.

        Parameters
        ----------
        path : str or Path
            Of a folder that is not there yet; it appears complete or not at all.

        Returns
        -------
        Path
            The folder.
        """
        return save_model(self.model.compiled, path)

    def evaluate(
        self, held_out: Any, *, truth: Any = None, setting: str | None = None, patient: str | None = None
    ) -> Comparison:
        """Compare the new model with the old one on records that neither learned from.

        Parameters
        ----------
        held_out : frame, list of frames or record batches, or function that returns these
            Records as for `Model.learn`.
        truth, setting, patient
            As for `Model.learn`; patients, not records, are taken as independent.

        Returns
        -------
        Comparison
            Log score, reliability and hits of both models, with an interval of the difference and a verdict.

        Raises
        ------
        TableError
            If no record has completely known causes.
        """
        name = self.model.default_setting if setting is None else setting
        source = read_source(self.before, held_out, truth=truth, setting=name, patient=patient)
        return compare(self.before.network, self.model.network, source(), ranked=ranked_causes(self.before))

    def summary(self, n_shown: int = N_SHOWN) -> str:
        """Return in words what was learned, on several lines.

        Parameters
        ----------
        n_shown : int
            How many of the numbers that moved furthest are named; 0 names none.
        """
        tally, changes = self.tally, self.changes
        lines = [
            f"{self.name}: {tally.n_used:,} records ({tally.complete:,} with all causes known, {tally.partial:,} in "
            f"part, {tally.unlabelled:,} not)"
        ]
        if tally.left_out:
            listed = ", ".join(f"{n:,} {reason}" for reason, n in tally.left_out)
            lines.append(f"left out: {listed}")
        lines.append(
            f"{len(changes):,} of {len(self.before.compiled.pooled):,} numbers have records behind them"
        )
        if len(changes) and n_shown:
            far = changes.reindex(changes["shift"].abs().sort_values(ascending=False, kind="stable").index)
            lines.append("moved furthest (in prior standard deviations):")
            lines += [f"  {_line(row)}" for row in far.head(n_shown).to_dict("records")]
        conflicts = changes[changes["conflict"]]
        if len(conflicts):
            lines.append(f"{len(conflicts)} where prior and records disagree beyond what both allow:")
            worst = conflicts.sort_values("bayes_factor", kind="stable").head(n_shown)
            lines += [
                f"  {_line(row)}; Bayes factor {row['bayes_factor']:.2g}" for row in worst.to_dict("records")
            ]
        if self.without_record:
            lines.append(f"no record, so nothing learned: {', '.join(self.without_record)}")
        if self.n_held_back:
            lines.append(f"{self.n_held_back} numbers held back so that they still make a model together")
        if self.comparison is not None:
            lines.append(f"cross-validated, {self.comparison!r}")
            if self.comparison.verdict != "better":
                lines.append(
                    "  the old model may serve as well or better here: keep it until records say otherwise"
                )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the summary."""
        return self.summary()


def _line(row: dict[Any, Any]) -> str:
    """Write one change."""
    return (
        f"{row['table']} {row['key']}: {row['prior_q50']:.3g} ({row['prior_q05']:.3g} to {row['prior_q95']:.3g}) -> "
        f"{row['posterior_q50']:.3g} ({row['posterior_q05']:.3g} to {row['posterior_q95']:.3g}), {row['shift']:+.1f}"
    )


def learn(
    model: ModelT,
    records: Any,
    *,
    wrap: Callable[[CompiledModel], ModelT],
    name: str,
    truth: Any,
    setting: str | None,
    weight: float,
    use_unlabelled: bool,
    seed: int,
    patient: str | None,
    folds: int,
    min_count: float,
    progress: Callable[[str], None] | None,
) -> Learned[ModelT]:
    """Learn from records; see `thighdx.Model.learn`. A new model is given as `wrap` makes it."""
    check_name(model.compiled, name)
    _check(weight, folds, min_count)
    where = model.settings[
        model.vocabulary.setting_code(model.default_setting if setting is None else setting)
    ]
    say = progress or (lambda _: None)
    is_counted = isinstance(records, Counts)
    source = (
        records if is_counted else read_source(model, records, truth=truth, setting=where, patient=patient)
    )
    found = estimate(model, source, weight=weight, use_unlabelled=use_unlabelled, progress=say)
    comparison = None
    if folds and not is_counted and found.counts.tally.complete >= folds:
        comparison = cross_validate(
            model, source, seed=seed, folds=folds, weight=weight, use_unlabelled=use_unlabelled, progress=say
        )
    say("building the model")
    rows = learned_rows(model.compiled, found, name=name, min_count=min_count)
    new = model
    if rows.rows:
        new = wrap(compile_learned(model.compiled, rows, found, name=name, setting=where))
    return Learned(
        name=name,
        model=new,
        before=model,
        changes=_changes(found, rows, min_count),
        tally=found.counts.tally,
        without_record=_without_record(model, found),
        n_held_back=rows.n_held_back,
        min_count=min_count,
        comparison=comparison,
    )


def _check(weight: float, folds: int, min_count: float) -> None:
    """Refuse numbers that make no sense."""
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
        raise TableError(f"weight: got {weight!r}, expected a number above 0: how much a record counts")
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 0 or folds == 1:
        raise TableError(f"folds: got {folds!r}, expected 2 or more, or 0 for no cross-validation")
    if isinstance(min_count, bool) or not isinstance(min_count, int | float) or not 0 <= min_count < math.inf:
        raise TableError(f"min_count: got {min_count!r}, expected a number from 0 on")


def _changes(found: Estimate, rows: LearnedRows, min_count: float) -> pd.DataFrame:
    """Put prior, counts and posterior side by side."""
    idx, layout = rows.judgement_idx, found.layout
    bearing, credited = np.round(found.bearing[idx], 3), np.round(found.credited[idx], 3)
    is_small = (credited < min_count) | (bearing - credited < min_count)
    factor = significant(np.exp(np.clip(found.log_bayes_factor[idx], -700, 700)))
    columns: dict[str, Any] = {
        "table": [layout.keys[i][0] for i in idx],
        "key": ["|".join(layout.keys[i][1]) for i in idx],
    }
    for place, level in enumerate(("q05", "q50", "q95")):
        columns[f"prior_{level}"] = rows.prior[:, place]
    columns["records"] = np.where(bearing < min_count, np.nan, bearing)
    columns["credited"] = np.where(is_small, np.nan, credited)
    for level, z in (("q05", -Z95), ("q50", 0.0), ("q95", Z95)):
        t = np.where(found.data[idx, 1] < VAGUE, found.data[idx, 0] + z * found.data[idx, 1], np.nan)
        linear = [from_working(t, scale) for scale in ("odds_ratio", "probability")]
        columns[f"data_{level}"] = significant(np.where(layout.is_odds_ratio[idx], *linear))
    for place, level in enumerate(("q05", "q50", "q95")):
        columns[f"posterior_{level}"] = rows.posterior[:, place]
    columns["shift"] = np.round((found.quantiles[idx, 1] - layout.point[idx]) / layout.sd[idx], 4)
    columns["bayes_factor"] = factor
    columns["conflict"] = factor < 1 / CONFLICT
    return pd.DataFrame(columns)


def _without_record(model: ModelFacts, found: Estimate) -> tuple[str, ...]:
    """Return the causes that hardly any record has."""
    total = np.zeros(len(model.causes))
    for part in found.counts.settings.values():
        total += part.sets.sum(axis=0) @ model.network.membership
    return tuple(cause for cause, n in zip(model.causes, total.tolist(), strict=True) if n < 0.5)
