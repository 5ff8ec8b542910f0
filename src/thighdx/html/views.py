"""Bars of a waterfall and figures side by side: what templates need and cannot read off an object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thighdx.html.render import View
from thighdx.reasoning.explain.explanation import via_words
from thighdx.text import finding_name, in_words, label_of, percent, sentence, value_name
from thighdx.words import say

if TYPE_CHECKING:
    from thighdx.evaluation.evaluation import Evaluation
    from thighdx.learning.learned import Learned
    from thighdx.model import Model
    from thighdx.reasoning.explain.explanation import Explanation, ExplanationLine

__all__ = ["N_LINES", "evaluation_view", "explanation_view", "learned_view", "model_view"]

N_LINES = 15  # that matter; the rest is folded
SMALLEST_GIVEN = 0.05  # decibans: less is written as 0.0


def explanation_view(found: Explanation, n_lines: int = N_LINES) -> View:
    """Show what speaks for and against, as a waterfall from before to now.

    Of more than `n_lines` findings those that weigh least are one line together, and apart in `rest`.
    """
    n_shown = n_lines if len(found.lines) > n_lines + 1 else len(found.lines)
    steps = [*_given(found), *(_step(found, line) for line in found.lines[:n_shown])]
    rest = [_step(found, line) for line in found.lines[n_shown:]]
    if rest:
        together = sum(step["decibans"] for step in rest)
        steps.append(_bare(say("card.together", found.labels, n=len(rest)), together))
    is_open = found.verdict == "open"
    causes = [(found.cause, found.prior, found.posterior)]
    if found.against_prior is not None and found.against_posterior is not None:
        causes.append((found.against, found.against_prior, found.against_posterior))
    return {
        "found": found,
        "causes": [(label_of(cause, found.labels), before, now) for cause, before, now in causes],
        "verdict": "" if is_open else _verdict(found),
        "steps": _placed(found.prior_decibans, steps) if is_open else [],
        "rest": rest,
    }


def _verdict(found: Explanation) -> str:
    """Say what the evidence settles by itself, with causes and findings by name."""
    cause, other = (label_of(name, found.labels) for name in (found.cause, found.against))
    by = ", ".join(finding_name(name, state, found.labels) for name, state in found.settled_by)
    return sentence(say(f"explain.{found.verdict}", found.labels, cause=cause, other=other, by=by))


def _given(found: Explanation) -> Iterator[View]:
    """Yield what is settled beforehand, where it leaves something to weigh and weighs anything itself."""
    settled = found.conditioning
    if settled is not None and abs(settled.decibans or 0.0) >= SMALLEST_GIVEN:
        items = (*settled.given, *settled.excluding)
        conditions = "; ".join(finding_name(name, state, found.labels) for name, state in items)
        yield _bare(say("card.given", found.labels, findings=conditions), settled.decibans or 0.0)


def _step(found: Explanation, line: ExplanationLine) -> View:
    """Show what one finding does."""
    value = value_name(line.variable, line.state or line.likelihood, found.labels)
    other = label_of(line.other, found.labels) if line.other else ""
    return {
        "label": f"{line.label}: {value}",
        "decibans": line.decibans,
        "note": via_words(line.via, other, found.labels),
        "direction": line.direction,
    }


def _bare(label: str, decibans: float) -> View:
    """Show a contribution that is not of a single finding."""
    return {"label": label, "decibans": decibans, "note": "", "direction": ""}


def _placed(before: float, steps: list[View]) -> list[View]:
    """Add where the bar of each step begins and how long it is, in percent of the width."""
    ends = [before]
    for step in steps:
        ends.append(ends[-1] + step["decibans"])
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    scale = 100.0 / (high - low) if high > low else 0.0
    for step, start, end in zip(steps, ends, ends[1:], strict=False):
        step["x"] = round((min(start, end) - low) * scale, 2)
        step["width"] = round(max(abs(end - start) * scale, 0.4), 2)
        step["even"] = round(min((0.0 - low) * scale, 99.6), 2)
    return steps


def model_view(model: Model) -> View:
    """Show what a model is made of, and how common its causes are."""
    spec = model.network.spec
    manifest = model.compiled.kb.manifest
    shares = spec.shares[spec.settings.index(model.default_setting)]
    order = sorted(range(len(spec.causes)), key=lambda place: -shares[place])
    layers: dict[str, int] = {}
    for variable in model.variables.values():
        layers[variable.layer] = layers.get(variable.layer, 0) + 1
    labels = model.compiled.labels
    return {
        "model": model,
        "title": manifest.title,
        "facts": [
            ("Causes", f"{len(model.causes)}, up to {model.max_causes} at once"),
            ("Known or asked", ", ".join(f"{n} {_plural(layer, n)}" for layer, n in layers.items())),
            ("Sets of causes weighed", f"{model.network.explanations.n_explanations:,}"),
            ("Settings", "; ".join(labels[setting] for setting in model.settings)),
            ("Groups of causes", "; ".join(group.label for group in model.compiled.kb.groups) or "none"),
            *([("Shares replaced in", ", ".join(map(in_words, model.rebased)))] if model.rebased else []),
        ],
        "setting": labels[model.default_setting],
        "causes": [(model.causes[spec.causes[place]].label, float(shares[place])) for place in order],
    }


def _plural(word: str, n: int) -> str:
    """Put a word for a kind of variable in the plural."""
    if n == 1:
        return word
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def evaluation_view(found: Evaluation) -> View:
    """Show the main figures, calibration, urgency and the causes, those seen most often first."""
    return {
        "found": found,
        "facts": [
            ("A true cause is first", percent(found.top_1)),
            ("A true cause is among the first three", percent(found.top_3)),
            ("Log score (0 is perfect)", _minus(found.log_score)),
            ("Log score of who knows only the mix", _minus(found.log_score_prior)),
            ("Brier score (0 is perfect)", f"{found.brier.score:.4f}"),
            ("its reliability (0 is perfect)", f"{found.brier.reliability:.5f}"),
            ("its resolution (more is better)", f"{found.brier.resolution:.4f}"),
        ],
        "causes": [
            (item, "" if math.isnan(item.auc) else f"{item.auc:.3f}")
            for item in sorted(found.causes, key=lambda item: -item.n_present)
            if item.n_present
        ],
    }


def _minus(value: float) -> str:
    """Write a number with a real minus."""
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def learned_view(found: Learned[Any]) -> View:
    """Show what was learned in words, and the numbers that moved, the furthest first."""
    changes = found.changes
    order = changes["shift"].abs().sort_values(ascending=False, kind="stable").index
    rows = changes.reindex(order).head(3 * N_LINES).to_dict("records")
    labels = found.model.compiled.labels
    return {
        "summary": [line.strip() for line in found.summary(n_shown=0).splitlines()],
        "changes": [
            {**row, "words": ", ".join(label_of(part, labels) for part in row["key"].split("|"))}
            for row in rows
        ],
    }
