"""From pooled judgements to the plain numbers of a network, and what those numbers add up to.

The point value of a judgement is the median of its pooled distribution, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from thighdx.errors import Problem
from thighdx.kb.records import JudgementTable, Key, KnowledgeBase, Variable
from thighdx.network.blocks import make_blocks
from thighdx.network.build import SolvedParameters, solve_parameters
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.gates import find_crossings
from thighdx.network.spec import ContextSpec, FindingSpec, Floats, NetworkSpec

__all__ = ["Points", "assemble_spec", "check_spec"]

Points = Mapping[tuple[JudgementTable, Key], float]
"""Point value of every judgement, by table and key."""


def assemble_spec(kb: KnowledgeBase, points: Points, *, max_causes: int | None = None) -> NetworkSpec:
    """Arrange the point values of a checked knowledge base as arrays.

    Effects on pathologies are documented in the tables but not used: contexts and pathologies are independent
    given the causes.
    """
    causes = tuple(v.id for v in kb.variables if v.layer == "cause")
    settings = tuple(setting.id for setting in kb.manifest.settings)
    return NetworkSpec(
        causes=causes,
        max_causes=kb.manifest.max_causes if max_causes is None else max_causes,
        settings=settings,
        shares=np.array([[points["shares", (cause, setting)] for cause in causes] for setting in settings]),
        pair_odds_ratio={
            (key[0], key[2]): value
            for (table, key), value in points.items()
            if table == "effects" and key[0] in causes and key[2] in causes
        },
        contexts=tuple(
            _context(v, causes, settings, points) for v in kb.variables if v.layer in ("context", "pathology")
        ),
        findings=tuple(_finding(v, causes, points) for v in kb.variables if v.layer in ("finding", "test")),
        dependencies={
            ((key[0], key[1]), (key[2], key[3])): value
            for (table, key), value in points.items()
            if table == "dependencies"
        },
    )


def _context(v: Variable, causes: tuple[str, ...], settings: tuple[str, ...], points: Points) -> ContextSpec:
    """Read frequencies (the state nobody rated takes the rest) and odds ratios (no row: 1)."""
    frequency = np.empty((len(settings), len(v.states)))
    for row, setting in enumerate(settings):
        rated = [points.get(("frequencies", (v.id, state, setting)), np.nan) for state in v.states]
        frequency[row] = np.where(np.isnan(rated), 1.0 - np.nansum(rated), rated)
    odds = [[points.get(("effects", (v.id, state, cause)), 1.0) for state in v.states] for cause in causes]
    return ContextSpec(v.id, v.layer, v.states, frequency, np.array(odds))


def _finding(v: Variable, causes: tuple[str, ...], points: Points) -> FindingSpec:
    """Read the background and the row of every cause (no row: NaN)."""
    upper = v.states[1:]
    background = np.array([points["backgrounds", (v.id, state)] for state in upper])
    rows = [[points.get(("links", (cause, v.id, state)), np.nan) for state in upper] for cause in causes]
    return FindingSpec(v.id, v.layer, v.states, background, np.array(rows))


def check_spec(spec: NetworkSpec) -> tuple[SolvedParameters, list[Problem]]:
    """Solve every base parameter and return them with everything the numbers contradict.

    Shares and frequencies that cannot be reproduced, frequencies that do not leave room for the last
    state, and cumulative rows that cross for some explanation.
    """
    empty = SolvedParameters(np.zeros_like(spec.shares), ())
    problems = [*_check_sizes(spec)]
    if problems:
        return empty, problems
    problems += [*_check_shares(spec), *_check_frequencies(spec), *_check_crossings(spec)]
    if any(problem.file in ("shares.csv", "frequencies.csv") for problem in problems):
        return empty, problems
    solved = solve_parameters(spec)
    for item in solved.unsolved:
        file, what = (
            ("frequencies.csv", ", ".join(item.variables)) if item.variables else ("shares.csv", "shares")
        )
        message = f"no parameters reproduce {what} in {item.setting} (closest is off by {item.error:.2g})"
        hint = "compare them with odds ratios of `never` or far from 1 and with the dependencies"
        problems.append(Problem(file, None, "setting", message, hint))
    return solved, problems


def _check_sizes(spec: NetworkSpec) -> Iterator[Problem]:
    """Check that tables over explanations and joint tables of contexts can be made at all."""
    try:
        enumerate_explanations(len(spec.causes), spec.max_causes)
    except ValueError as error:
        yield Problem("model.yaml", None, "max_causes", str(error).removeprefix("max_causes: "))
    try:
        make_blocks(spec)
    except ValueError as error:
        yield Problem("dependencies.csv", None, None, str(error), "tie fewer contexts to one another")


def _check_shares(spec: NetworkSpec) -> Iterator[Problem]:
    """Every share is above 0; those of a setting sum to more than 1 and less than `max_causes`."""
    for setting, shares in zip(spec.settings, spec.shares, strict=True):
        for cause in np.flatnonzero(shares <= 0):
            message = f"{spec.causes[cause]} never occurs in {setting}, expected a frequency above 0"
            yield Problem("shares.csv", None, "statement", message, "give a very small one")
        total = float(shares.sum())
        if not 1 < total < spec.max_causes:
            expected = f"more than 1 and less than max_causes = {spec.max_causes}"
            hint = "every patient has at least one cause, listed or not"
            message = f"shares in {setting} sum to {total:.4f}, expected {expected}"
            yield Problem("shares.csv", None, "q50", message, hint)


def _check_frequencies(spec: NetworkSpec) -> Iterator[Problem]:
    """Frequencies of a context leave a probability for the state that takes the rest."""
    for context in spec.contexts:
        for setting, row in zip(spec.settings, context.frequency, strict=True):
            if row.min() < 0:
                total = 1.0 - row.min()
                message = f"{context.id} in {setting}: frequencies sum to {total:.4f}, expected at most 1"
                yield Problem("frequencies.csv", None, "q50", message)


def _check_crossings(spec: NetworkSpec) -> Iterator[Problem]:
    """Cumulative rows stay ordered for every explanation."""
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    for finding in spec.findings:
        if finding.background.min() <= 0:
            message = f"{finding.id}: got a background of 0, expected a frequency above 0"
            hint = "rows below the background are read in proportion to it; give a very small one"
            yield Problem("backgrounds.csv", None, "statement", message, hint)
            continue
        if not _falls(finding.background):
            message = f"{finding.id}: backgrounds {finding.background.round(4).tolist()} rise with the state"
            yield Problem(
                "backgrounds.csv", None, "q50", message, "a row says 'in this state or a higher one'"
            )
            continue
        for crossing in find_crossings(finding, explanations):
            names = ", ".join(spec.causes[c] for c in crossing.causes)
            message = (
                f"{crossing.variable}: with {names}, {crossing.state} or higher is {crossing.gap:.2g} "
                f"more likely than the state below it or higher"
            )
            yield Problem("links.csv", None, "q50", message, "bring the cumulative rows into order")


def _falls(values: Floats) -> bool:
    """Whether cumulative probabilities fall from state to state."""
    return bool(np.all(np.diff(values) <= 0))
