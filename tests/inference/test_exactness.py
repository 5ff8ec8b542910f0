"""Real cases on the shipped model against 50 digits, down to posteriors of one in a billion and less."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, TypeAlias

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import reference
from thighdx.model import Model
from thighdx.network.spec import ContextSpec, FindingSpec, NetworkSpec

Evidence: TypeAlias = Mapping[str, str | Mapping[str, float]]

# Sums of some dozens of logs between 0 and -100, each good to 2e-16 of its value.
RELATIVE = 1e-9

CASES: list[tuple[str, dict[str, object]]] = [
    (
        "sports_clinic",
        {
            "onset": "sudden",
            "bruising": True,
            "sprint_or_overstretch": True,
            "age": 24,
            "pain_severity": "severe",
        },
    ),
    (
        "primary_care",
        {
            "pain_radiates_below_knee": True,
            "numbness": {"absent": 0.2, "present": 0.9},
            "straight_leg_raise": True,
            "sex": "female",
            "pregnancy": {"none": 0.5, "first_trimester": 1.0, "second_or_third_trimester": 0.25},
        },
    ),
    (
        "emergency_department",
        {
            "d_dimer_raised": False,
            "leg_swelling": True,
            "saddle_anesthesia": True,
            "fever": False,
            "stroke": False,
        },
    ),
    # contradictory on purpose: everything is unlikely, so the rarest causes carry digits
    (
        "self_report",
        {
            "muscle_cramp": True,
            "saddle_anesthesia": True,
            "bruising": True,
            "dehydration": {"absent": 1, "present": 9},
        },
    ),
]


def weights_of(spec: NetworkSpec, base: reference.Base, evidence: Evidence) -> dict[frozenset[str], Any]:
    """P(H) P(evidence | H) by the formulas, from base factors that are taken as exact.

    The same as `reference.infer`, with what does not depend on the explanation worked out once per cause.
    """
    weights = reference.prior(spec, base, mpf)
    for finding in spec.findings:
        if finding.id in evidence:
            seen = seen_of(evidence, finding.id, finding.states)
            for found in weights:
                table = finding_given(spec, finding, found)
                weights[found] *= mpmath.fsum(p * chance for p, chance in zip(table, seen, strict=True))
    for block in reference.blocks(spec):
        if any(context.id in evidence for context in block):
            plain = reference_cells(spec, base, block)
            likely = {cell: mpf(1) for cell in plain}
            for place, context in enumerate(block):
                seen = seen_of(evidence, context.id, context.states)
                likely = {cell: value * seen[cell[place]] for cell, value in likely.items()}
            odds = {cause: odds_of(spec, block, plain, cause) for cause in spec.causes}
            for found in weights:
                cells = list(plain.values())
                for cause in found:
                    cells = [cell * ratio for cell, ratio in zip(cells, odds[cause], strict=True)]
                weights[found] *= mpmath.fdot(cells, likely.values()) / mpmath.fsum(cells)
    return weights


def seen_of(evidence: Evidence, name: str, states: tuple[str, ...]) -> list[Any]:
    """One likelihood per state."""
    said = evidence.get(name, dict.fromkeys(states, 1.0))
    return [mpf(state == said if isinstance(said, str) else said[state]) for state in states]


def finding_given(spec: NetworkSpec, finding: FindingSpec, found: frozenset[str]) -> list[Any]:
    """P(X = s | H) as steps of P(X < s | H)."""
    below = [mpf(0)]
    for step, chance in enumerate(finding.background):
        background = mpf(float(chance))
        suppressed, escape = background, mpf(1)
        for cause in found:
            row = float(finding.cumulative[spec.causes.index(cause), step])
            if row == row:  # no row: the background
                suppressed *= min(mpf(1), mpf(row) / background)
                escape *= min(mpf(1), (1 - mpf(row)) / (1 - background))
        below.append((1 - suppressed) * escape)
    return [high - low for low, high in itertools.pairwise([*below, mpf(1)])]


def reference_cells(spec: NetworkSpec, base: reference.Base, block: list[ContextSpec]) -> dict[Any, Any]:
    """The base table of a block, impossible cells left out."""
    table = {}
    for cell in reference.cells(block):
        weight = reference.dependency_weight(spec, block, cell, mpf)
        for context, state in zip(block, cell, strict=True):
            weight *= mpf(base.state[context.id][state])
        if weight:
            table[cell] = weight
    return table


def odds_of(spec: NetworkSpec, block: list[ContextSpec], table: dict[Any, Any], cause: str) -> list[Any]:
    """The product of the odds ratios of one cause, per cell."""
    return [reference.odds_weight(spec, block, cell, frozenset([cause]), mpf) for cell in table]


def base_of(model: Model, setting: str) -> reference.Base:
    """The base factors the model solved for, taken as exact."""
    spec, row = model.network.spec, model.settings.index(setting)
    factors = [np.exp(log_factor).tolist() for log_factor in model.network.solved.factors[row]]
    return reference.Base(
        cause=dict(zip(spec.causes, np.exp(model.network.solved.theta[row]).tolist(), strict=True)),
        state=dict(zip([context.id for context in spec.contexts], factors, strict=True)),
    )


@pytest.mark.parametrize(("setting", "case"), CASES)
def test_every_posterior_has_nine_right_digits_however_small(
    model: Model, setting: str, case: dict[str, object]
) -> None:
    result = model.diagnose(case, setting=setting)
    spec = model.network.spec
    with mpmath.workdps(50):
        weights = weights_of(spec, base_of(model, setting), result.evidence)
        for cause in spec.causes:
            seen = seen_of(result.evidence, cause, reference.PRESENCE)
            for found in weights:
                weights[found] *= seen[cause in found]
        total = mpmath.fsum(weights.values())
        exact = {found: weight / total for found, weight in weights.items()}
        log_evidence = float(mpmath.log(total))
        inside = {c: float(mpmath.fsum(p for h, p in exact.items() if c in h)) for c in spec.causes}
    assert result.posterior.to_dict() == pytest.approx(inside, rel=RELATIVE, abs=0)
    assert min(p for p in inside.values() if p > 0) < 1e-3
    assert result.log_evidence == pytest.approx(log_evidence, rel=1e-12)
    found = {
        frozenset(item.causes): item.probability
        for item in result.explanations(model.network.explanations.n_explanations)
    }
    assert found == pytest.approx({h: float(p) for h, p in exact.items()}, rel=RELATIVE, abs=0)
    assert min(p for p in found.values() if p > 0) < 1e-6


def test_the_shortcut_agrees_with_the_reference_on_a_small_model(small_model: Model) -> None:
    evidence: Evidence = {
        "bruising": "present",
        "pain": {"none": 0.1, "mild": 0.7, "severe": 0.4},
        "age_band": "40-64",
        "disc_lesion": {"absent": 0.2, "present": 0.6},
    }
    spec, base = small_model.network.spec, base_of(small_model, "hospital")
    with mpmath.workdps(50):
        weights = weights_of(spec, base, evidence)
        total = mpmath.fsum(weights.values())
        expected = reference.digits(spec, base, evidence)
        assert mpmath.almosteq(mpmath.log(total), expected.log_evidence, 1e-40)
        for found, weight in weights.items():
            assert mpmath.almosteq(weight / total, expected.explanations[found], 1e-40)
