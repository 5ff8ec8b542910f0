"""What parts of pages show of a model, a result and the evaluation of a table, as plain data."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from thighdx.html.reasoning_views import fit_words, level_view, triage_view
from thighdx.html.render import View
from thighdx.text import Labels, in_words, label_of, percent, uncertain_words

if TYPE_CHECKING:
    from thighdx.evaluation.evaluation import Evaluation
    from thighdx.evaluation.labels import TriageConfusion
    from thighdx.model import Model
    from thighdx.reasoning.intervals.interval_lines import CredibleIntervals
    from thighdx.result import Result

__all__ = ["causes_view", "evaluation_view", "known_view", "model_view", "result_view", "summary_view"]

N_CAUSES = 5
N_MODEL_CAUSES = 10
N_EVALUATED = 10
N_REASONS = 3


def result_view(
    result: Result, labels: Labels, *, intervals: CredibleIntervals, dangerous: Collection[str], setting: str
) -> View:
    """Show urgency, leading causes, what is known and what to be wary of.

    Parameters
    ----------
    intervals : CredibleIntervals
        Of every cause; the delta method is quick enough to show a result with.
    dangerous : collection of str
        Causes that must not be missed.
    setting : str
        Name of the setting.
    """
    urgency = triage_view(result.triage, labels, n_open=len(result.triage.unanswered))
    deciding = [reason for reason in urgency["reasons"] if reason["is_deciding"]]
    fit = result.fit
    return {
        "urgency": urgency,
        "deciding": deciding[:N_REASONS],
        "n_reasons": len(urgency["reasons"]),
        "question": next((item for item in urgency["open"] if item["cost"] == "ask"), None),
        "causes": causes_view(result, labels, intervals=intervals, dangerous=dangerous),
        "level": intervals.level,
        "known": known_view(result, labels),
        "warnings": [item.message for item in result.warnings],
        "misfit": ""
        if fit.fits_listed_cause and fit.conflict_bits <= 0
        else fit_words(fit, labels, residual_cause=result.model.residual_cause),
        "setting": setting,
        "model": {"name": result.model.name, "version": result.model.version, "digest": result.model.digest},
        "is_rebased": bool(result.model.rebased),
        "disclaimer": result.model.disclaimer,
    }


def causes_view(
    result: Result,
    labels: Labels,
    *,
    intervals: CredibleIntervals,
    dangerous: Collection[str],
    n: int = N_CAUSES,
) -> list[View]:
    """Show the leading causes, those that decide the urgency, and apart from them what is not listed."""
    rest = result.model.residual_cause
    urgent = [reason.cause for reason in result.triage.deciding if reason.cause and reason.cause != rest]
    shown = list(dict.fromkeys([*map(str, result.top(n).index), *urgent]))
    return [
        {
            "label": label_of(cause, labels),
            "posterior": intervals[cause].posterior,
            "lower": intervals[cause].lower,
            "upper": intervals[cause].upper,
            "method": intervals[cause].method,
            "prior": float(result.prior[cause]),
            "is_dangerous": cause in dangerous,
            "is_rest": cause == rest,
        }
        for cause in [*shown, *([rest] if rest in intervals.causes else [])]
    ]


def known_view(result: Result, labels: Labels) -> list[View]:
    """Show what was given, as it was understood."""
    return [
        {
            "label": label_of(name, labels),
            "value": in_words(value) if isinstance(value, str) else uncertain_words(value),
        }
        for name, value in result.evidence.items()
    ]


def model_view(model: Model) -> View:
    """Show what a model is made of, and how common its causes are."""
    spec = model.network.spec
    manifest = model.compiled.kb.manifest
    shares = spec.shares[spec.settings.index(model.default_setting)]
    order = sorted(range(len(spec.causes)), key=lambda place: -shares[place])
    layers: dict[str, int] = {}
    for variable in model.variables.values():
        layers[variable.layer] = layers.get(variable.layer, 0) + 1
    names = {setting.id: setting.label for setting in manifest.settings}
    return {
        "title": manifest.title,
        "name": model.name,
        "version": model.version,
        "digest": model.digest,
        "disclaimer": model.disclaimer,
        "facts": [
            ("Causes", f"{len(model.causes)}, up to {model.max_causes} at once"),
            ("Known or asked", ", ".join(f"{n} {_plural(layer, n)}" for layer, n in layers.items())),
            ("Sets of causes weighed", f"{model.network.explanations.n_explanations:,}"),
            ("Settings", "; ".join(names.get(setting, in_words(setting)) for setting in model.settings)),
            ("Groups of causes", "; ".join(group.label for group in model.compiled.kb.groups) or "none"),
            *([("Shares replaced in", ", ".join(map(in_words, model.rebased)))] if model.rebased else []),
        ],
        "setting": names.get(model.default_setting, in_words(model.default_setting)),
        "causes": [
            {"label": model.causes[spec.causes[place]].label, "share": float(shares[place])}
            for place in order[:N_MODEL_CAUSES]
        ],
        "n_more": max(0, len(order) - N_MODEL_CAUSES),
    }


def _plural(word: str, n: int) -> str:
    """Put a word for a kind of variable in the plural."""
    if n == 1:
        return word
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def evaluation_view(found: Evaluation, labels: Labels | None = None) -> View:
    """Show the main figures, calibration, urgency and the causes seen most often."""
    seen = sorted((item for item in found.causes if item.n_present), key=lambda item: -item.n_present)
    return {
        "n_rows": found.n_rows,
        "n_left_out": found.n_left_out,
        "facts": [
            ("A true cause is first", percent(found.top_1)),
            ("A true cause is among the first three", percent(found.top_3)),
            ("Log score (0 is perfect)", _minus(found.log_score)),
            ("Log score of who knows only the mix", _minus(found.log_score_prior)),
            ("Brier score (0 is perfect)", f"{found.brier.score:.4f}"),
            ("its reliability (0 is perfect)", f"{found.brier.reliability:.5f}"),
            ("its resolution (more is better)", f"{found.brier.resolution:.4f}"),
        ],
        "calibration": found.calibration,
        "causes": [
            {
                "label": label_of(item.cause, labels),
                "n": item.n_present,
                "mean": item.mean_posterior,
                "observed": item.observed,
                "auc": "" if math.isnan(item.auc) else f"{item.auc:.3f}",
            }
            for item in seen[:N_EVALUATED]
        ],
        "n_more": max(0, len(seen) - N_EVALUATED),
        "triage": None if found.triage is None else _confusion(found.triage),
    }


def _confusion(found: TriageConfusion) -> View:
    """Show levels given against levels judged."""
    return {
        "levels": [level_view(level) for level in found.levels],
        "rows": [list(row) for row in found.table],
        "exact": found.exact,
        "too_high": found.too_high,
        "too_low": found.too_low,
    }


def _minus(value: float) -> str:
    """Write a number with a real minus."""
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def summary_view(summary: Mapping[str, Any]) -> View:
    """Show what became of a scored table; see `thighdx.html.fragments.summary_fragment` for the keys."""
    statuses: Mapping[str, int] = summary.get("statuses", {})
    n_rows = int(summary["n_rows"])
    leading: Sequence[Mapping[str, Any]] = summary.get("leading", ())
    levels: Mapping[str, int] = summary.get("triage", {})
    n_scored = int(statuses.get("ok", n_rows))
    return {
        "n_rows": n_rows,
        "n_scored": n_scored,
        "statuses": [
            {"status": in_words(status), "n": int(n), "share": int(n) / n_rows if n_rows else 0.0}
            for status, n in statuses.items()
        ],
        "leading": [
            {
                "label": str(item["label"]),
                "n": int(item["n_rows"]),
                "share": int(item["n_rows"]) / n_scored if n_scored else 0.0,
                "mean": float(item["mean_probability"]),
            }
            for item in leading
        ],
        "triage": [
            {"level": level_view(level), "n": int(n), "share": int(n) / n_scored if n_scored else 0.0}
            for level, n in levels.items()
        ],
        "truth": dict(summary.get("truth") or {}),
        "notes": [str(note) for note in summary.get("notes", ())],
        "model": str(summary.get("model", "")),
        "setting": str(summary.get("setting", "")),
        "disclaimer": str(summary.get("disclaimer", "")),
    }
