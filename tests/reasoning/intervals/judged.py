"""Judgements behind the numbers of any network, and the network they make when they move.

A network of `strategies.specs` has point values only. Here every number that is neither 0 nor 1 gets a pooled
judgement with that value as its median, under the keys a knowledge base would use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from thighdx.elicitation import Distribution, ExpertBelief, Mixture, PooledJudgement, table_scale
from thighdx.elicitation.distribution import to_working
from thighdx.network.spec import NetworkSpec

__all__ = ["Points", "judgements", "points_of", "with_points"]

Points = dict[tuple[str, tuple[str, ...]], float]


def points_of(spec: NetworkSpec) -> Points:
    """Every number of a network that can be uncertain, by table and key."""
    points: Points = {}
    for i, setting in enumerate(spec.settings):
        for c, cause in enumerate(spec.causes):
            points["shares", (cause, setting)] = spec.shares[i, c]
        for x in spec.contexts:
            rest = int(np.argmax(x.frequency[i]))
            for s, state in enumerate(x.states):
                if s != rest and x.frequency[i, s] > 0:
                    points["frequencies", (x.id, state, setting)] = x.frequency[i, s]
    for (a, b), value in spec.pair_odds_ratio.items():
        if value > 0:  # never together is certain
            points["effects", (a, "present", b)] = value
    for x in spec.contexts:
        for c, s in np.argwhere((x.odds_ratio != 1) & (x.odds_ratio > 0)):
            points["effects", (x.id, x.states[s], spec.causes[c])] = x.odds_ratio[c, s]
    for f in spec.findings:
        for s, state in enumerate(f.states[1:]):
            points["backgrounds", (f.id, state)] = f.background[s]
            for c, cause in enumerate(spec.causes):
                if 0 < f.cumulative[c, s] < 1:
                    points["links", (cause, f.id, state)] = f.cumulative[c, s]
    for (a, b), value in spec.dependencies.items():
        if value > 0:
            points["dependencies", (*a, *b)] = value
    return {key: float(value) for key, value in points.items()}


def judgements(spec: NetworkSpec, spread: float = 0.3) -> dict[tuple[str, tuple[str, ...]], PooledJudgement]:
    """One normal belief per number on its working scale, with standard deviation `spread`."""
    pooled = {}
    for (table, key), value in points_of(spec).items():
        scale = table_scale(table)
        middle = float(to_working(value, scale))
        family = "lognormal" if scale == "odds_ratio" else "two_piece_logit_normal"
        params = (middle, spread) if scale == "odds_ratio" else (middle, spread, spread)
        belief = Distribution(family, params)
        experts = (ExpertBelief("panel", belief, False),)
        pooled[table, key] = PooledJudgement(
            table, key, scale, experts, Mixture((belief,)), value, None, (), ()
        )
    return pooled


def with_points(spec: NetworkSpec, points: Mapping[tuple[str, tuple[str, ...]], float]) -> NetworkSpec:
    """The network's numbers with some put in place of its own; frequencies of the rest follow."""
    own = points_of(spec)
    changed = {key: value for key, value in points.items() if value != own[key]}
    contexts = {
        x.id: dataclasses.replace(x, frequency=x.frequency.copy(), odds_ratio=x.odds_ratio.copy())
        for x in spec.contexts
    }
    at_first = {x.id: x.frequency for x in spec.contexts}
    findings = {
        f.id: dataclasses.replace(f, background=f.background.copy(), cumulative=f.cumulative.copy())
        for f in spec.findings
    }
    shares, pairs, dependencies = spec.shares.copy(), dict(spec.pair_odds_ratio), dict(spec.dependencies)
    for (table, key), value in changed.items():
        if table == "shares":
            shares[spec.settings.index(key[1]), spec.causes.index(key[0])] = value
        elif table == "frequencies":
            x, row = contexts[key[0]], spec.settings.index(key[2])
            s, rest = x.states.index(key[1]), int(np.argmax(at_first[key[0]][row]))
            x.frequency[row, rest] += x.frequency[row, s] - value
            x.frequency[row, s] = value
        elif table == "effects" and key[0] in spec.causes:
            pairs[key[0], key[2]] = value
        elif table == "effects":
            x = contexts[key[0]]
            x.odds_ratio[spec.causes.index(key[2]), x.states.index(key[1])] = value
        elif table == "backgrounds":
            f = findings[key[0]]
            f.background[f.states.index(key[1]) - 1] = value
        elif table == "links":
            f = findings[key[1]]
            f.cumulative[spec.causes.index(key[0]), f.states.index(key[2]) - 1] = value
        else:
            dependencies[(key[0], key[1]), (key[2], key[3])] = value
    return dataclasses.replace(
        spec,
        shares=shares,
        pair_odds_ratio=pairs,
        dependencies=dependencies,
        contexts=tuple(contexts.values()),
        findings=tuple(findings.values()),
    )
