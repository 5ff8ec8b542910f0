"""The scores of a model on patients whose causes are known, which show whether its probabilities are honest.

Everything is worked out per cause, "present or not", because several causes may be present at once; sums over
causes are given beside means. Intervals say how far a figure may be off by the luck of the sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Unpack

import numpy as np
import pandas as pd

from thighdx.display import Shown
from thighdx.errors import TableError
from thighdx.evaluation.labels import TriageConfusion, as_pandas, settle_forms, triage_confusion, true_causes
from thighdx.evaluation.scoring_rules import (
    N_BINS,
    Bools,
    BrierParts,
    CalibrationBin,
    CauseScores,
    brier_parts,
    calibration_curve,
    log_of_truth,
    scores_of_cause,
    top_share,
)
from thighdx.network.spec import Floats
from thighdx.plain import Plain
from thighdx.text import percent

if TYPE_CHECKING:
    from thighdx.scoring.options import ScoreKeywords

STATUS = "status"

__all__ = ["Evaluation", "SupportsScoring", "evaluate"]


class SupportsScoring(Protocol):
    """What is needed of a model; `thighdx.Model` has it."""

    @property
    def causes(self) -> Mapping[str, Any]:
        """The causes by id."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The groups of causes by id."""

    @property
    def residual_cause(self) -> str:
        """The cause that is never ranked; empty for none."""

    def score(self, table: Any, *_: Any, **options: Any) -> Any:
        """Return posteriors for every row."""


@dataclass(frozen=True, slots=True)
class Evaluation(Shown, Plain):
    """How well a model's probabilities fit a labelled table.

    Attributes
    ----------
    n_rows : int
        Rows that could be scored; the others are left out and counted in `n_left_out`.
    left_out : mapping of str to int
        The same by why: the statuses of these rows, most frequent first.
    log_score : float
        Mean over rows of the sum over causes of ln P(what was the case); 0 is perfect.
    log_score_prior : float
        The same for every cause's observed frequency in this table: what a forecaster gets who knows nothing
        of the patient but the mix.
    brier : BrierParts
        Over all patients and causes together.
    top_1, top_3 : float
        Share of patients with a true cause (the residual cause aside) among the one or three most probable.
    calibration : tuple of CalibrationBin
        Over all causes together; bins without a forecast are left out.
    causes : tuple of CauseScores
    triage : TriageConfusion or None
        Where the table has a column of judged levels and the levels given are known.
    """

    n_rows: int
    n_left_out: int
    log_score: float
    log_score_prior: float
    top_1: float
    top_3: float
    brier: BrierParts
    calibration: tuple[CalibrationBin, ...]
    causes: tuple[CauseScores, ...]
    left_out: Mapping[str, int]
    triage: TriageConfusion | None
    _present: Bools = field(repr=False, compare=False)
    _posterior: Floats = field(repr=False, compare=False)

    def calibration_of(self, cause: str, *, n_bins: int = N_BINS) -> tuple[CalibrationBin, ...]:
        """Return the calibration curve of one cause.

        Parameters
        ----------
        cause : str
            Id of a cause of the model.
        n_bins : int
            Bins of equal width from 0 to 1; those without a forecast are left out.
        """
        position = [item.cause for item in self.causes].index(cause)
        return calibration_curve(self._posterior[:, position], self._present[:, position], n_bins)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cause."""
        columns = [
            "cause", "n_present", "mean_posterior", "observed", "log_score",
            "brier", "reliability", "resolution", "auc", "auc_lower", "auc_upper",
        ]  # fmt: skip
        rows = [asdict(item) | asdict(item.brier) | {"brier": item.brier.score} for item in self.causes]
        return pd.DataFrame(rows, columns=columns).set_index("cause")

    def __repr__(self) -> str:
        """Return the main figures, one per line."""
        why = ", ".join(f"{count:,} {name}" for name, count in self.left_out.items())
        lines = [
            f"{self.n_rows:,} patients ({self.n_left_out:,} left out{': ' if why else ''}{why})",
            f"  log score  {self.log_score:.3f} (knowing only the mix: {self.log_score_prior:.3f})",
            f"  Brier      {self.brier.score:.4f} (reliability {self.brier.reliability:.5f}, "
            f"resolution {self.brier.resolution:.4f}, uncertainty {self.brier.uncertainty:.4f})",
            f"  true cause first {percent(self.top_1)}, among the first three {percent(self.top_3)}",
        ]
        if self.triage is not None:
            lines.append(
                f"  triage     exact {percent(self.triage.exact)}, too high {percent(self.triage.too_high)}, too low "
                f"{percent(self.triage.too_low)} (by more than one level {percent(self.triage.too_low_by_more)})"
            )
        return "\n".join(lines)


def evaluate(
    model: SupportsScoring,
    table: Any,
    *,
    truth: Any = None,
    residual_cause: str | None = None,
    **options: Unpack[ScoreKeywords],
) -> Evaluation:
    """Score a labelled table and compare with its labels.

    Parameters
    ----------
    model : thighdx.Model
    table : frame
        Patients as for `Model.score`, with the truth in boolean ``true_<cause>`` columns, as `Model.simulate`
        writes them, or in a text column ``true_cause`` of cause ids joined by ``;``. In text, a cause that was
        split (it has a group ``<cause>_any``) is met by any of its forms. A column ``urgency`` of levels, with a
        column ``triage`` in the table or in the scored one, is compared too.
    truth : frame or sequence of str, optional
        The labels, if they are not in the table: boolean columns named after the causes (with or without
        ``true_``), or one text of ids per row.
    residual_cause : str, optional
        Never ranked, so it counts neither as a hit nor as a miss in `top_1` and `top_3`; default the model's.
    **options
        For `Model.score`: setting, columns and so on.

    Returns
    -------
    Evaluation

    Raises
    ------
    TableError
        If there are no labels, a label is no cause of the model, or no row could be scored.

    Examples
    --------
    >>> import thighdx
    >>> model = thighdx.load_model()
    >>> found = evaluate(model, model.simulate(200, seed=1))
    >>> found.n_rows, found.log_score > found.log_score_prior
    (200, True)
    """
    causes = list(model.causes)
    unranked = model.residual_cause if residual_cause is None else residual_cause
    frame = as_pandas(table)
    present, is_text = true_causes(frame if truth is None else truth, causes, len(frame))
    scored = as_pandas(model.score(table, **options))
    posterior = scored[causes].to_numpy(dtype=np.float64)
    is_scored = ~np.isnan(posterior).any(axis=1)
    left_out = dict(Counter(scored[STATUS][~is_scored]).most_common()) if STATUS in scored else {}
    if not is_scored.any():
        why = ", ".join(f"{count:,} {name}" for name, count in left_out.items())
        raise TableError(
            f"evaluate: no row could be scored{f' ({why})' if why else ''}; see model.explain_columns(table)"
        )
    confusion = triage_confusion(frame, scored)
    n_left_out = int((~is_scored).sum())
    present, posterior = present[is_scored], posterior[is_scored]
    if is_text:
        present = settle_forms(present, posterior, causes, model.groups)
    logs = log_of_truth(posterior, present)
    base = present.mean(axis=0)
    ranked = [position for position, cause in enumerate(causes) if cause != unranked]
    return Evaluation(
        n_rows=len(posterior),
        n_left_out=n_left_out,
        log_score=float(logs.sum(axis=1).mean()),
        log_score_prior=float(log_of_truth(np.broadcast_to(base, present.shape), present).sum(axis=1).mean()),
        brier=brier_parts(posterior.ravel(), present.ravel()),
        top_1=top_share(posterior[:, ranked], present[:, ranked], 1),
        top_3=top_share(posterior[:, ranked], present[:, ranked], 3),
        calibration=calibration_curve(posterior.ravel(), present.ravel(), N_BINS),
        causes=tuple(
            scores_of_cause(cause, posterior[:, c], present[:, c], logs[:, c])
            for c, cause in enumerate(causes)
        ),
        triage=confusion,
        left_out=left_out,
        _present=present,
        _posterior=posterior,
    )
