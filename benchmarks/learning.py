"""Does learning find what is different in a clinic, leave alone what is not, and know how sure it is?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import thighdx
from benchmarks.cohort import SETTING
from benchmarks.tables import Table, say
from thighdx.elicitation import sample_mixtures
from thighdx.elicitation.distribution import to_working
from thighdx.inference.simulate import simulate_table
from thighdx.learning.compare import compare, ranked_causes
from thighdx.learning.estimate import Estimate, estimate, read_source
from thighdx.learning.learner import network_of
from thighdx.network.build import Network
from thighdx.network.gates import find_crossings
from thighdx.reasoning.intervals.layout import JudgementLayout, judgement_layout

__all__ = ["hide", "report_calibration", "report_perturbed"]

MISSING_FINDINGS = 0.5
MISSING_TRUTHS = 0.3
N_LINKS = 40  # odds tripled
N_SHARES = 6  # odds doubled or halved
N_HELD_OUT = 3_000
ENOUGH = 20  # expected records from which on a moved number can be found
OTHER = "other_cause"


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic that differs from the model: its true values on the working scale, and what was moved."""

    x: np.ndarray
    is_moved: np.ndarray
    network: Network


def hide(table: pd.DataFrame, seed: int, *, findings: float, truths: float) -> pd.DataFrame:
    """Leave out findings, and the whole truth of some patients, at random."""
    rng = np.random.default_rng(seed)
    n, hidden = len(table), {}
    is_unlabelled = rng.random(n) < truths
    for name in table.columns:
        if name.startswith("true_"):
            hidden[name] = table[name].astype("boolean").mask(is_unlabelled)
        else:
            hidden[name] = table[name].mask(rng.random(n) < findings)
    return pd.DataFrame(hidden)


def perturbed(model: thighdx.Model, layout: JudgementLayout, seed: int = 7) -> Clinic:
    """Triple the odds of some links of common causes, move some shares."""
    rng = np.random.default_rng(seed)
    setting = model.settings.index(SETTING)
    shares = model.network.spec.shares[setting]
    common = {c for c, share in zip(model.causes, shares, strict=True) if share > 0.01 and c != OTHER}
    multi = {v.id for v in model.variables.values() if len(v.states) > 2}
    links = [
        i for i, (t, k) in enumerate(layout.keys) if t == "links" and k[0] in common and k[1] not in multi
    ]
    links = [i for i in links if layout.point[i] < 1.0]
    x, is_moved = layout.point.copy(), np.zeros(layout.n_judgements, dtype=bool)
    chosen = rng.choice(links, N_LINKS, replace=False)
    x[chosen] += np.log(3.0)
    wanted = [layout.shares[setting, list(model.causes).index(c)] for c in sorted(common)]
    moved = rng.choice(wanted, N_SHARES, replace=False)
    x[moved] += np.log(2.0) * rng.choice([-1.0, 1.0], N_SHARES)
    is_moved[chosen] = is_moved[moved] = True
    return Clinic(x, is_moved, network_of(model.compiled.kb, layout, x, model.max_causes))


def report_perturbed(sizes: Sequence[int]) -> Table:
    """Learn from more and more patients of a clinic that differs."""
    model = thighdx.load_model()
    layout = judgement_layout(model.network, model.compiled.pooled)
    clinic = perturbed(model, layout)
    patients = simulate_table(clinic.network, model.vocabulary, max(sizes), seed=11, setting=SETTING)
    patients = hide(patients, 1, findings=MISSING_FINDINGS, truths=MISSING_TRUTHS)
    fresh = simulate_table(clinic.network, model.vocabulary, N_HELD_OUT, seed=12, setting=SETTING)
    held_out = read_source(
        model, hide(fresh, 2, findings=MISSING_FINDINGS, truths=0.0), truth=None, setting=SETTING
    )
    ranked = ranked_causes(model)
    rows = []
    best = compare(model.network, clinic.network, held_out(), ranked=ranked)
    for n in sizes:
        say(f"learning: {n:,} patients")
        started = time.process_time()
        found = estimate(model, read_source(model, patients.iloc[:n], truth=None, setting=SETTING))
        seconds = time.process_time() - started
        new = network_of(model.compiled.kb, layout, values(found), model.max_causes)
        result = compare(model.network, new, held_out(), ranked=ranked)
        rows.append((f"{n:,}", f"{result.log_score_new:.3f}", *_found(found, clinic), f"{seconds:.0f}"))
    head = f"held out: before {best.log_score_old:.3f}, clinic's own model {best.log_score_new:.3f}"
    return Table(
        "Learning from a clinic that differs from the model",
        ("patients", "log score", "moved found", "moved halfway", "unmoved in 90 %", "seconds (processor)"),
        tuple(rows),
        head,
    )


def values(found: Estimate) -> np.ndarray:
    """Return the medians of what was learned, the model's own elsewhere."""
    return np.where(found.is_learned, found.quantiles[:, 1], found.layout.point)


def _found(found: Estimate, clinic: Clinic) -> list[str]:
    """Say how many moved numbers were found, and how many others stayed where they belong."""
    learned, point = found.is_learned & (found.bearing >= ENOUGH), found.layout.point
    moved = learned & clinic.is_moved
    way = (found.quantiles[moved, 1] - point[moved]) / (clinic.x[moved] - point[moved])
    toward = np.sign(clinic.x[moved] - point[moved])
    is_found = np.where(
        toward > 0, found.quantiles[moved, 0] > point[moved], found.quantiles[moved, 2] < point[moved]
    )
    still = found.is_learned & ~clinic.is_moved
    inside = (found.quantiles[still, 0] <= clinic.x[still]) & (clinic.x[still] <= found.quantiles[still, 2])
    return [
        f"{is_found.sum()} of {moved.sum()}",
        f"{(way > 0.5).sum()} of {moved.sum()}",
        f"{inside.mean():.1%}",
    ]


def report_calibration(n_draws: int, n_patients: int) -> Table:
    """Draw judgements from their priors and patients from these; the draws must rank evenly in the posteriors."""
    model = thighdx.load_model()
    layout = judgement_layout(model.network, model.compiled.pooled)
    rng = np.random.default_rng(5)
    below: dict[str, list[Any]] = {}
    for draw in range(n_draws):
        say(f"calibration of learning: draw {draw + 1} of {n_draws}")
        x, network = _draw(model, layout, rng)
        table = simulate_table(network, model.vocabulary, n_patients, seed=draw, setting=SETTING)
        table = hide(table, draw, findings=MISSING_FINDINGS, truths=MISSING_TRUTHS)
        found = estimate(model, read_source(model, table, truth=None, setting=SETTING))
        for i in np.flatnonzero(found.is_learned & (found.bearing >= ENOUGH)):
            below.setdefault(layout.keys[i][0], []).append(x[i] < found.quantiles[i])
    rows = tuple(
        (name, f"{len(v):,}", *(f"{share:.1%}" for share in np.mean(v, axis=0))) for name, v in below.items()
    )
    return Table(
        "Where drawn judgements lie in their posteriors",
        ("table", "numbers", "below 5 %", "below 50 %", "below 95 %"),
        rows,
        f"{n_draws} draws, {n_patients:,} patients each",
    )


def _draw(
    model: thighdx.Model, layout: JudgementLayout, rng: np.random.Generator
) -> tuple[np.ndarray, Network]:
    """Draw every judgement from its prior, again until they make a model."""
    setting = model.settings.index(SETTING)
    others = np.setdiff1d(np.arange(len(model.settings)), [setting])
    fixed = np.concatenate([layout.shares[others].ravel(), *(f[others].ravel() for f in layout.frequencies)])
    while True:
        drawn = sample_mixtures(layout.mixtures, rng, 1)[0]
        odds, plain = (
            to_working(drawn, "odds_ratio"),
            to_working(np.where(layout.is_odds_ratio, 0.5, drawn), "probability"),
        )
        x = np.where(layout.is_odds_ratio, odds, plain)
        x[fixed[fixed >= 0]] = layout.point[fixed[fixed >= 0]]  # settings without patients keep theirs
        for position, finding in enumerate(model.network.spec.findings):
            if len(finding.states) > 2:  # independent draws of cumulative rows would cross
                own = np.concatenate([layout.links[position].ravel(), layout.backgrounds[position]])
                x[own[own >= 0]] = layout.point[own[own >= 0]]
        try:
            network = network_of(model.compiled.kb, layout, x, model.max_causes)
        except ValueError:
            continue
        if not any(find_crossings(finding, network.explanations) for finding in network.spec.findings):
            return x, network
