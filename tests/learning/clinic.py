"""Patients of the small model whose findings and causes are partly hidden, and models drawn from its judgements."""

from __future__ import annotations

import numpy as np
import pandas as pd

from thighdx.elicitation import sample_mixtures
from thighdx.elicitation.distribution import to_working
from thighdx.inference.simulate import simulate_table
from thighdx.learning.learner import network_of
from thighdx.model import Model
from thighdx.network.build import Network
from thighdx.network.gates import find_crossings
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.layout import JudgementLayout, judgement_layout

__all__ = ["drawn_network", "hidden", "layout_of", "patients"]


def layout_of(model: Model) -> JudgementLayout:
    return judgement_layout(model.network, model.compiled.pooled)


def hidden(table: pd.DataFrame, *, seed: int, findings: float, truths: float) -> pd.DataFrame:
    """The same patients with findings, and the whole truth of some, unknown at random."""
    rng = np.random.default_rng(seed)
    is_unlabelled = rng.random(len(table)) < truths
    columns = {}
    for name in table.columns:
        if name.startswith("true_"):
            columns[name] = table[name].astype("boolean").mask(is_unlabelled)
        else:
            columns[name] = table[name].mask(rng.random(len(table)) < findings)
    return pd.DataFrame(columns)


def patients(
    model: Model,
    n: int,
    *,
    seed: int = 3,
    findings: float = 0.3,
    truths: float = 0.3,
    network: Network | None = None,
) -> pd.DataFrame:
    """Patients of a model, or of another network with the same vocabulary."""
    drawn = network or model.network
    table = simulate_table(drawn, model.vocabulary, n, seed=seed, setting=model.default_setting)
    return hidden(table, seed=seed, findings=findings, truths=truths)


def drawn_network(model: Model, rng: np.random.Generator) -> tuple[Floats, Network]:
    """Judgements drawn from their priors, again until they make a model."""
    layout = layout_of(model)
    while True:
        drawn = sample_mixtures(layout.mixtures, rng, 1)[0]
        plain = np.where(layout.is_odds_ratio, 0.5, drawn)
        x = np.where(layout.is_odds_ratio, to_working(drawn, "odds_ratio"), to_working(plain, "probability"))
        try:
            network = network_of(model.compiled.kb, layout, x, model.max_causes)
        except ValueError:
            continue
        if not any(find_crossings(finding, network.explanations) for finding in network.spec.findings):
            return x, network
