"""Scores of probabilities against what was the case: proper scores, calibration, discrimination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv
from scipy.stats import rankdata

from thighdx.network.spec import Floats

__all__ = [
    "N_BINS",
    "Bools",
    "BrierParts",
    "CalibrationBin",
    "CauseScores",
    "brier_parts",
    "calibration_curve",
    "log_of_truth",
    "scores_of_cause",
    "top_share",
]

Bools = npt.NDArray[np.bool_]

N_BINS = 10
COVERAGE = 0.95  # of the intervals
NORMAL_QUANTILE = 1.959964  # of the same coverage
LOWEST_LOG = -745.0  # about the log of the smallest double: a present cause given probability 0


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Brier score of binary forecasts and its parts (Murphy 1973 [1]_).

    Attributes
    ----------
    score : float
        Mean of (p - present)^2; 0 is perfect.
    reliability : float
        How far observed frequencies lie from forecasts, by bins; 0 is perfect.
    resolution : float
        How far observed frequencies differ between bins; more is better.
    uncertainty : float
        Of the cause itself: base rate times its complement.
    within : float
        What grouping into bins leaves over: score = reliability - resolution + uncertainty + within, exactly.

    References
    ----------
    .. [1] Murphy AH. A new vector partition of the probability score. J Appl Meteorol 1973;12:595-600.
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """One bin of a calibration curve: forecasts from `low` (included) to `high`.

    Attributes
    ----------
    n : int
        Forecasts in the bin, one per patient and cause.
    mean_posterior : float
    observed : float
        Share in which the cause was present.
    lower, upper : float
        Jeffreys interval of that share (Brown, Cai and DasGupta 2001 [1]_), at 95 %. The causes of one
        patient are counted as independent, which makes the curve over all causes look a little surer than it
        is.

    References
    ----------
    .. [1] Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion. Stat Sci
       2001;16:101-133.
    """

    low: float
    high: float
    n: int
    mean_posterior: float
    observed: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class CauseScores:
    """How good the probabilities of one cause are.

    Attributes
    ----------
    n_present : int
    mean_posterior, observed : float
    log_score : float
        Mean natural log of the probability given to what was the case; 0 is perfect.
    brier : BrierParts
    auc : float
        Area under the ROC curve: P(a patient with the cause gets a higher probability than one without), ties
        one half; NaN where all patients or none have it.
    auc_lower, auc_upper : float
        95 % interval from the standard error of Hanley and McNeil (1982) [1]_.

    References
    ----------
    .. [1] Hanley JA, McNeil BJ. The meaning and use of the area under a receiver operating characteristic
       (ROC) curve. Radiology 1982;143:29-36.
    """

    cause: str
    n_present: int
    mean_posterior: float
    observed: float
    log_score: float
    brier: BrierParts
    auc: float
    auc_lower: float
    auc_upper: float


def log_of_truth(posterior: Floats, present: Bools) -> Floats:
    """Return ln P(what was the case), as (n_rows, n_causes); never below the log of the smallest double."""
    with np.errstate(divide="ignore"):
        logs = np.where(present, np.log(posterior), np.log1p(-posterior))
    return np.maximum(logs, LOWEST_LOG)


def scores_of_cause(cause: str, posterior: Floats, present: Bools, logs: Floats) -> CauseScores:
    """Return the scores of one cause."""
    auc, lower, upper = _auc(posterior, present)
    return CauseScores(
        cause=cause,
        n_present=int(present.sum()),
        mean_posterior=float(posterior.mean()),
        observed=float(present.mean()),
        log_score=float(logs.mean()),
        brier=brier_parts(posterior, present),
        auc=auc,
        auc_lower=lower,
        auc_upper=upper,
    )


def _bins(posterior: Floats, n_bins: int) -> npt.NDArray[np.intp]:
    """Return the bin of every forecast; 1 belongs to the last."""
    return np.minimum((posterior * n_bins).astype(np.intp), n_bins - 1)


def brier_parts(posterior: Floats, present: Bools) -> BrierParts:
    """Return the Brier score and its parts over ten bins of equal width."""
    place = _bins(posterior, N_BINS)
    n = np.bincount(place, minlength=N_BINS)
    used = n > 0
    forecast = np.bincount(place, posterior, N_BINS)[used] / n[used]
    observed = np.bincount(place, present, N_BINS)[used] / n[used]
    share, base = n[used] / n.sum(), present.mean()
    score = float(((posterior - present) ** 2).mean())
    reliability = float((share * (forecast - observed) ** 2).sum())
    resolution = float((share * (observed - base) ** 2).sum())
    uncertainty = float(base * (1 - base))
    return BrierParts(
        score, reliability, resolution, uncertainty, score - reliability + resolution - uncertainty
    )


def calibration_curve(posterior: Floats, present: Bools, n_bins: int) -> tuple[CalibrationBin, ...]:
    """Return the bins that hold a forecast."""
    place = _bins(posterior, n_bins)
    found = []
    for k in np.unique(place).tolist():
        inside = place == k
        n, hits = int(inside.sum()), int(present[inside].sum())
        lower, upper = _jeffreys(hits, n)
        mean = float(posterior[inside].mean())
        found.append(CalibrationBin(k / n_bins, (k + 1) / n_bins, n, mean, hits / n, lower, upper))
    return tuple(found)


def _jeffreys(hits: int, n: int) -> tuple[float, float]:
    """Return the Jeffreys interval of a share; open at the end where no or all trials hit."""
    tail = (1 - COVERAGE) / 2
    lower = 0.0 if hits == 0 else float(betaincinv(hits + 0.5, n - hits + 0.5, tail))
    upper = 1.0 if hits == n else float(betaincinv(hits + 0.5, n - hits + 0.5, 1 - tail))
    return lower, upper


def _auc(posterior: Floats, present: Bools) -> tuple[float, float, float]:
    """Return the area under the ROC curve from ranks, with an interval."""
    n_present = int(present.sum())
    n_absent = len(present) - n_present
    if n_present == 0 or n_absent == 0:
        return float("nan"), float("nan"), float("nan")
    ranks = rankdata(posterior)
    area = float((ranks[present].sum() - n_present * (n_present + 1) / 2) / (n_present * n_absent))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)  # Hanley and McNeil 1982, equation 2 and below
    spread = area * (1 - area) + (n_present - 1) * (q1 - area**2) + (n_absent - 1) * (q2 - area**2)
    half = NORMAL_QUANTILE * float(np.sqrt(max(spread, 0.0) / (n_present * n_absent)))
    return area, max(0.0, area - half), min(1.0, area + half)


def top_share(posterior: Floats, present: Bools, k: int) -> float:
    """Return the share of patients with any true cause of whom one is among the `k` most probable."""
    best = np.argsort(-posterior, axis=1, kind="stable")[:, :k]
    has_cause = np.asarray(present.any(axis=1))
    if not has_cause.any():
        return float("nan")
    hit = np.asarray(np.take_along_axis(present, best, axis=1).any(axis=1))
    return float(hit[has_cause].mean())
