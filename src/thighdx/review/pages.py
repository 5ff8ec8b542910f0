"""Pages to read or print beside the workbook: one per cause, and one with what a review moved."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thighdx import __version__
from thighdx.elicitation.judgements import PooledJudgement
from thighdx.html.render import render
from thighdx.kb.resources import data_path
from thighdx.network.profile import Discriminator, FindingFact, find_look_alikes, finding_facts
from thighdx.review.answer import Belief, picture
from thighdx.review.apply import ReviewOutcome
from thighdx.review.questions import ReviewItem, review_items
from thighdx.text import graded_name, number, of_hundred, percent

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["outcome_page", "write_pages"]

N_LOOK_ALIKES = 3
N_DISCRIMINATORS = 6
CASES = "published_cases.csv"


def write_pages(model: Model, causes: Sequence[str], folder: str | Path) -> list[Path]:
    """Write one HTML page per cause, with nothing to load from elsewhere.

    Each shows the profile of the cause and its look-alikes, every number with what was said about it, the
    distribution that the model uses and published figures, its rules and advice, and the published cases that
    have it.

    Parameters
    ----------
    model : Model
    causes : sequence of str
        Ids, in the order wanted.
    folder : path
        Which is there.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UnknownNameError
        If there is no such cause.
    """
    written = []
    for cause in causes:
        target = Path(folder) / f"{cause}.html"
        target.write_text(render("review_cause", _cause_view(model, cause)), encoding="utf-8")
        written.append(target)
    return written


def outcome_page(model: Model, outcome: ReviewOutcome) -> str:
    """Return a page with every number that a review moved, before and after, and how cases move."""
    old, new = model.compiled.pooled, outcome.compiled.pooled
    causes = {item for change in outcome.difference.changed for item in change.key if item in model.causes}
    items = {(i.table, i.key): i for cause in sorted(causes) for i in review_items(model, cause)}
    moved = [
        {
            "words": item.words,
            "unit": item.unit,
            "before": _shown(change.old.quantiles, item),
            "after": _shown(change.new.quantiles, item),
            "picture": _picture({"before": old[key].distribution, "after": new[key].distribution}, item),
        }
        for change in outcome.difference.changed
        if (item := items.get(key := (change.table, change.key))) and change.old and change.new
    ]
    summary = repr(outcome).splitlines()
    about = {"title": f"Review of {model.name} {model.version}", "library": __version__}
    return render(
        "review_outcome", {**about, "moved": moved, "summary": summary, "disclaimer": model.disclaimer}
    )


def _shown(quantiles: Sequence[float], item: ReviewItem) -> str:
    return " / ".join(f"{(item.of or 1) * value:.3g}" for value in quantiles)


def _picture(beliefs: Mapping[str, Belief], item: ReviewItem) -> dict[str, Any] | None:
    """Draw beliefs, unless one of them is that of never."""
    return None if any(belief.is_never for belief in beliefs.values()) else picture(beliefs, item.of)


def _cause_view(model: Model, cause: str) -> dict[str, Any]:
    """Gather what the page of a cause shows."""
    labels = model.compiled.labels
    setting_idx = model.vocabulary.setting_code(model.default_setting)
    facts = finding_facts(model.network, cause, setting_idx=setting_idx)
    items = review_items(model, cause)
    return {
        "title": model.causes[cause].label,
        "about": f"{cause}, {model.name} {model.version} ({model.digest[:12]}); frequencies in {model.default_setting}",
        "note": model.causes[cause].note,
        "library": __version__,
        "disclaimer": model.disclaimer,
        "findings": [
            {
                "label": _named(model, labels, fact),
                "with_it": of_hundred(fact.probability),
                "others": of_hundred(fact.others),
                "present": number(fact.lr_present),
                "absent": number(fact.lr_absent),
            }
            for fact in facts
        ],
        "look_alikes": _look_alikes(model, labels, cause, setting_idx),
        "numbers": [_number_view(model, item) for item in items if item.kind == "number"],
        "rules": [item for item in items if item.kind == "rule"],
        "advice": [item for item in items if item.kind == "advice"],
        "cases": list(_cases(model, cause)),
    }


def _named(model: Model, labels: Mapping[str, str], fact: FindingFact | Discriminator) -> str:
    """Name a finding in a state, or in this or a higher one."""
    states = model.variables[fact.variable].states
    return graded_name(fact.variable, fact.state, states, labels, or_more=not fact.is_last_state)


def _look_alikes(
    model: Model, labels: Mapping[str, str], cause: str, setting_idx: int
) -> list[dict[str, Any]]:
    """Return the causes hardest to tell from this one, and what tells them apart."""
    residual = model.compiled.kb.manifest.residual_cause
    found = find_look_alikes(model.network, cause, setting_idx=setting_idx, n=N_LOOK_ALIKES, without=residual)
    return [
        {
            "label": labels[item.cause],
            "rows": [
                {
                    "label": _named(model, labels, telling),
                    "this": of_hundred(telling.probability),
                    "other": of_hundred(telling.other_probability),
                    "ratio": number(telling.lr_present),
                }
                for telling in item.discriminators[:N_DISCRIMINATORS]
            ],
        }
        for item in found
    ]


def _number_view(model: Model, item: ReviewItem) -> dict[str, Any]:
    """Return a number with what was said and the distribution in use."""
    pooled: PooledJudgement = model.compiled.pooled[item.table, item.key]  # type: ignore[index]  # a judgement table
    stated = {belief.expert: belief.distribution for belief in pooled.experts if not belief.is_filled}
    beliefs: dict[str, Belief] = {"in use": pooled.distribution, **(stated if len(stated) > 1 else {})}
    return {
        "words": item.words,
        "unit": item.unit,
        "now": " / ".join(f"{value:.3g}" for value in item.now) or "never",
        "said": item.said,
        "published": item.published,
        "picture": _picture(beliefs, item),
    }


def _cases(model: Model, cause: str) -> Iterator[dict[str, str]]:
    """Yield the published cases that have a cause, and what the model makes of each."""
    with data_path(CASES).open(newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.DictReader(stream) if cause in row["true_cause"].split(";")]
    names = [name for name in model.vocabulary.names() if name not in model.causes]
    for row in rows:
        findings = {name: row[name] for name in names if row.get(name)}
        setting = row["setting"] if row["setting"] in model.settings else None
        posterior = model.diagnose(findings, setting=setting).posterior
        rank = list(posterior.index).index(cause) + 1
        yield {
            "id": row["id"],
            "source": row["source"].partition(" | ")[0],
            "posterior": percent(float(posterior[cause])),
            "rank": str(rank),
            "first": model.causes[str(posterior.index[0])].label,
        }
