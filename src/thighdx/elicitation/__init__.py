"""Distributions from what experts state, and experts pooled."""

from __future__ import annotations

from thighdx.elicitation.compiled import from_arrays, to_arrays
from thighdx.elicitation.distribution import Distribution
from thighdx.elicitation.fit import Fit, fit_quantiles
from thighdx.elicitation.judgements import (
    ExpertBelief,
    PooledJudgement,
    PooledKey,
    check_judgements,
    pool_judgements,
)
from thighdx.elicitation.pool import Mixture, pooled_medians, pooled_quantiles, sample_mixtures
from thighdx.elicitation.report import elicitation_report
from thighdx.elicitation.rows import table_scale
from thighdx.elicitation.scales import VERBAL_SCALES, VerbalScale
from thighdx.elicitation.statements import StatementError, fit_statement, parse_statement

__all__ = [
    "VERBAL_SCALES",
    "Distribution",
    "ExpertBelief",
    "Fit",
    "Mixture",
    "PooledJudgement",
    "PooledKey",
    "StatementError",
    "VerbalScale",
    "check_judgements",
    "elicitation_report",
    "fit_quantiles",
    "fit_statement",
    "from_arrays",
    "parse_statement",
    "pool_judgements",
    "pooled_medians",
    "pooled_quantiles",
    "sample_mixtures",
    "table_scale",
    "to_arrays",
]
