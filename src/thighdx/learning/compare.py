"""Is it better here? A model before and after learning, on patients that it did not learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from thighdx.compiled.compiled_model import ModelFacts
from thighdx.errors import TableError
from thighdx.evaluation.scoring_rules import Bools, brier_parts, log_of_truth, top_share
from thighdx.evidence.batch import EvidenceBatch, take_cases
from thighdx.inference.engine import infer
from thighdx.learning.estimate import Progress, Source, estimate
from thighdx.learning.learner import network_of
from thighdx.learning.records import Records
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.plain import Plain
from thighdx.text import percent

__all__ = ["Comparison", "compare", "cross_validate", "select"]

COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Comparison(Plain):
    """Old against new on the same patients with completely known causes.

    Attributes
    ----------
    n_records, n_patients : int
        Without a column of patients each record is one.
    log_score_old, log_score_new : float
        Mean over records of the sum over causes of ln P(what was the case), as in `thighdx.evaluate`.
    difference, lower, upper : float
        New less old, above 0 if the new model is better, and its 95 % interval; patients, not records, are
        taken as independent.
    reliability_old, reliability_new : float
        Part of the Brier score by which forecasts miss frequencies: 0 is calibrated.
    top_1_old, top_1_new, top_3_old, top_3_new : float
        Share of records with a true cause among the one or three most probable, the residual cause aside.
    """

    n_records: int
    n_patients: int
    log_score_old: float
    log_score_new: float
    difference: float
    lower: float
    upper: float
    reliability_old: float
    reliability_new: float
    top_1_old: float
    top_1_new: float
    top_3_old: float
    top_3_new: float
    _worked_out: ClassVar[dict[str, str]] = {"verdict": "top_3_new"}

    @property
    def verdict(self) -> str:
        """Say whether the new model is better: ``better``, ``worse`` or ``too few records to tell``."""
        if self.lower > 0:
            return "better"
        return "worse" if self.upper < 0 else "too few records to tell"

    def __repr__(self) -> str:
        """Return the figures, one per line."""
        return "\n".join(
            [
                f"new against old on {self.n_records:,} records of {self.n_patients:,} patients: {self.verdict}",
                f"  log score    {self.log_score_old:.3f} -> {self.log_score_new:.3f} "
                f"({self.difference:+.3f}, {self.lower:+.3f} to {self.upper:+.3f})",
                f"  reliability  {self.reliability_old:.5f} -> {self.reliability_new:.5f} (0 is calibrated)",
                f"  true cause first {percent(self.top_1_old)} -> {percent(self.top_1_new)}, "
                f"among three {percent(self.top_3_old)} -> {percent(self.top_3_new)}",
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Forecasts:
    """What two models said of some records: (n_rows, n_causes) each, and the patient of each row."""

    old: Floats
    new: Floats
    present: Bools
    group: npt.NDArray[np.uint64]


def compare(
    old: Network, new: Network, parts: Iterable[Records], *, ranked: npt.NDArray[np.intp]
) -> Comparison:
    """Compare two networks on records; `ranked` are the causes that count in ranks."""
    return _compared([_forecasts(old, new, part) for part in parts], ranked)


def _forecasts(old: Network, new: Network, records: Records) -> _Forecasts:
    """Ask both models about the rows whose causes are all known, without telling them."""
    rows = np.flatnonzero(records.is_complete)
    batch = take_cases(records.batch, rows)
    blind = EvidenceBatch(batch.codes, np.full_like(batch.given, -1), batch.setting_idx, batch.likelihoods)
    before, after = (infer(network, blind).posterior for network in (old, new))
    is_possible = ~(np.isnan(before).any(axis=1) | np.isnan(after).any(axis=1))
    return _Forecasts(
        before[is_possible],
        after[is_possible],
        batch.given[is_possible] == 1,
        records.group[rows][is_possible],
    )


def _compared(parts: list[_Forecasts], ranked: npt.NDArray[np.intp]) -> Comparison:
    """Put forecasts side by side."""
    if not sum(len(part.old) for part in parts):
        raise TableError(
            "evaluate: no record has completely known causes, so there is nothing to compare with"
        )
    old, new = (np.concatenate([getattr(part, name) for part in parts]) for name in ("old", "new"))
    present, group = np.concatenate([p.present for p in parts]), np.concatenate([p.group for p in parts])
    scores = [log_of_truth(posterior, present).sum(axis=1) for posterior in (old, new)]
    difference, lower, upper, n_patients = _mean_by_patient(scores[1] - scores[0], group)
    tops = [top_share(p[:, ranked], present[:, ranked], k) for k in (1, 3) for p in (old, new)]
    return Comparison(
        len(old),
        n_patients,
        float(scores[0].mean()),
        float(scores[1].mean()),
        difference,
        lower,
        upper,
        brier_parts(old.ravel(), present.ravel()).reliability,
        brier_parts(new.ravel(), present.ravel()).reliability,
        *tops,
    )


def _mean_by_patient(values: Floats, group: npt.NDArray[np.uint64]) -> tuple[float, float, float, int]:
    """Return the mean, its interval by Student's t over patients, and their number."""
    mean = float(values.mean())
    _, which = np.unique(group, return_inverse=True)
    off = np.bincount(which.reshape(-1), values - mean)  # (n_patients,): sum of the deviations of each
    n = len(off)
    if n < 2:
        return mean, -np.inf, np.inf, n
    error = float(np.sqrt((off**2).sum() * n / (n - 1)) / len(values))
    half = float(student.ppf(0.5 + COVERAGE / 2, n - 1)) * error
    return mean, mean - half, mean + half, n


def select(source: Source, seed: int, folds: int, fold: int, *, inside: bool) -> Source:
    """Return the records of patients in one fold, or outside of it."""

    def chosen() -> Iterator[Records]:
        for records in source():
            is_own = _fold_of(records.group, seed, folds) == fold
            yield records.take(np.flatnonzero(is_own == inside))

    return chosen


def _fold_of(group: npt.NDArray[np.uint64], seed: int, folds: int) -> npt.NDArray[np.uint64]:
    """Shuffle patients into folds (the finalizer of splitmix64), whatever their order."""
    z = group + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((z ^ (z >> np.uint64(31))) % np.uint64(folds))


def cross_validate(
    model: ModelFacts,
    source: Source,
    *,
    seed: int,
    folds: int,
    weight: float,
    use_unlabelled: bool,
    progress: Progress,
) -> Comparison:
    """Learn from all folds but one and compare on that one, for each in turn."""
    ranked = ranked_causes(model)
    parts: list[_Forecasts] = []
    for fold in range(folds):
        progress(f"fold {fold + 1} of {folds}")
        train = select(source, seed, folds, fold, inside=False)
        found = estimate(model, train, weight=weight, use_unlabelled=use_unlabelled)
        x = np.where(found.is_learned, found.quantiles[:, 1], found.layout.point)
        new = network_of(model.compiled.kb, found.layout, x, model.max_causes)
        held_out = select(source, seed, folds, fold, inside=True)
        parts += [_forecasts(model.network, new, records) for records in held_out()]
    return _compared(parts, ranked)


def ranked_causes(model: ModelFacts) -> npt.NDArray[np.intp]:
    """Return the causes that are ranked: all but the residual one."""
    residual = model.compiled.kb.manifest.residual_cause
    return np.array([i for i, cause in enumerate(model.causes) if cause != residual], dtype=np.intp)
