"""The small network in other libraries: each builds it once and hands back what answers rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from thighdx.evidence.batch import UNKNOWN

if TYPE_CHECKING:
    from benchmarks.small import SmallNetwork

__all__ = ["PEERS", "Peer"]

COMPLAINT = "complaint"
Ask: TypeAlias = Callable[[np.ndarray], np.ndarray]  # (n_rows, n_findings) codes to (n_rows, n_causes)


@dataclass(frozen=True)
class Peer:
    """One way of asking one library; `n_rows` are as many as take seconds, not minutes."""

    name: str
    build: Callable[[SmallNetwork], Ask]
    n_rows: int
    is_exact: bool = True


def causes_of(small: SmallNetwork) -> list[str]:
    """Return names of the causes."""
    return [f"c{i}" for i in range(len(small.prior))]


def known(row: np.ndarray) -> dict[str, int]:
    """Return what is known in one row, the complaint included."""
    return {f"f{k}": int(row[k]) for k in np.flatnonzero(row != UNKNOWN)} | {COMPLAINT: 1}


def any_of(n_causes: int) -> np.ndarray:
    """Return P(complaint present | causes): 1 if there is any."""
    table = np.ones((2,) * n_causes)
    table[(0,) * n_causes] = 0.0
    return table


def pgmpy_network(small: SmallNetwork):
    """Return the network in pgmpy."""
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    causes = causes_of(small)
    bayes = DiscreteBayesianNetwork()
    bayes.add_nodes_from(causes)
    cpds = [TabularCPD(c, 2, [[1 - p], [p]]) for c, p in zip(causes, small.prior, strict=True)]
    children = [
        (f"f{k}", [causes[i] for i in parents], small.gate(k)) for k, parents in enumerate(small.parents)
    ]
    for child, names, table in [*children, (COMPLAINT, causes, any_of(len(causes)))]:
        bayes.add_edges_from((name, child) for name in names)
        flat = table.reshape(-1)
        cpds.append(TabularCPD(child, 2, [1 - flat, flat], evidence=names, evidence_card=[2] * len(names)))
    bayes.add_cpds(*cpds)
    return bayes


def pgmpy_query(small: SmallNetwork) -> Ask:
    """Ask for every cause, one query per row."""
    from pgmpy.inference import VariableElimination

    causes, engine = causes_of(small), VariableElimination(pgmpy_network(small))

    def ask(codes: np.ndarray) -> np.ndarray:
        rows = []
        for row in codes:
            found = engine.query(causes, evidence=known(row), joint=False, show_progress=False)
            rows.append([found[cause].values[1] for cause in causes])
        return np.array(rows)

    return ask


def pgmpy_predict(small: SmallNetwork) -> Ask:
    """Call `predict_probability` per row: all rows of one call must miss the same variables."""
    import pandas as pd

    causes, bayes = causes_of(small), pgmpy_network(small)

    def ask(codes: np.ndarray) -> np.ndarray:
        wanted = [f"{cause}_1" for cause in causes]
        found = [bayes.predict_probability(pd.DataFrame([known(row)]))[wanted] for row in codes]
        return np.concatenate([part.to_numpy() for part in found])

    return ask


def pyagrum_query(small: SmallNetwork) -> Ask:
    """Ask for every cause, one inference per row."""
    import pyagrum as gum

    bayes, causes = gum.BayesNet(), causes_of(small)
    for name in [*causes, *(f"f{k}" for k in range(len(small.parents)))]:
        bayes.add(gum.RangeVariable(name, "", 0, 1))
    bayes.addOR(gum.RangeVariable(COMPLAINT, "", 0, 1))
    for i, name in enumerate(causes):
        bayes.cpt(name)[:] = [1 - small.prior[i], small.prior[i]]
        bayes.addArc(name, COMPLAINT)
    for k, parents in enumerate(small.parents):
        for i in reversed(parents):  # pyAgrum lists the last parent first
            bayes.addArc(causes[i], f"f{k}")
        table = small.gate(k)
        bayes.cpt(f"f{k}")[:] = np.ascontiguousarray(np.stack([1 - table, table], axis=-1))
    engine = gum.LazyPropagation(bayes)
    engine.setTargets(set(causes))

    def ask(codes: np.ndarray) -> np.ndarray:
        rows = []
        for row in codes:
            engine.setEvidence(known(row))
            engine.makeInference()
            rows.append([engine.posterior(cause).toarray()[1] for cause in causes])
        return np.array(rows)

    return ask


def pomegranate_predict(small: SmallNetwork) -> Ask:
    """Call `predict_proba` with a masked tensor for all rows at once: loopy belief propagation."""
    import torch
    from pomegranate.bayesian_network import BayesianNetwork
    from pomegranate.distributions import Categorical, ConditionalCategorical

    def conditional(table: np.ndarray) -> ConditionalCategorical:
        return ConditionalCategorical([torch.tensor(np.stack([1 - table, table], axis=-1)).float()])

    causes = [Categorical(torch.tensor([[1 - p, p]]).float()) for p in small.prior]
    findings = [conditional(small.gate(k)) for k in range(len(small.parents))]
    # The same OR as a chain of pairs: its messages are 18 times as fast as with one table of 13 axes.
    links = [conditional(any_of(2)) for _ in causes[1:]]
    edges = [(causes[i], findings[k]) for k, parents in enumerate(small.parents) for i in parents]
    for left, right, link in zip([causes[0], *links], causes[1:], links, strict=False):
        edges += [(left, link), (right, link)]
    bayes = BayesianNetwork([*causes, *findings, *links], edges)

    def ask(codes: np.ndarray) -> np.ndarray:
        unknown = np.full((len(codes), len(causes)), UNKNOWN)
        between = np.full((len(codes), len(links) - 1), UNKNOWN)
        complaint = np.ones((len(codes), 1))
        values = np.concatenate([unknown, codes, between, complaint], axis=1).astype(np.int64)
        mask = torch.tensor(values != UNKNOWN)
        data = torch.masked.MaskedTensor(torch.tensor(values), mask=mask)
        found = bayes.predict_proba(data)
        return np.stack([found[i].detach().numpy()[:, 1] for i in range(len(causes))], axis=1)

    return ask


PEERS = (
    Peer("pgmpy, `VariableElimination`, a query per row", pgmpy_query, 200),
    Peer("pgmpy, `predict_probability`, a call per row", pgmpy_predict, 3),
    Peer("pyAgrum, `LazyPropagation`, a query per row", pyagrum_query, 500),
    Peer("pomegranate, `predict_proba`, all rows at once", pomegranate_predict, 2_000, is_exact=False),
)
