"""How many questions an interview needs to reach the leading cause that full information gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import thighdx
from benchmarks.cohort import SETTING
from benchmarks.tables import Table, say
from thighdx.compiled.case import open_case
from thighdx.kb.expressions import Expression, holds, parse_expression
from thighdx.reasoning.interview.interview import Interview
from thighdx.reasoning.questions.next_questions import rank_questions
from thighdx.reasoning.urgency.triage import triage

__all__ = ["report_interviews"]

SEED = 101
INTERVIEWS = {"interview in lists": True, "interview of single questions": False}  # and whether it puts lists
# Questions put by expected gain alone before giving up.
MOST = 40
OTHER = "other_cause"


def report_interviews(n_patients: int) -> Table:
    """Return questions until the leading cause is, and stays, that of everything that can be asked.

    Compared are the interview, which puts safety questions early, in short lists and with every question alone,
    the greatest expected gain alone, and random order. Everything that can be asked is every variable of the
    cheapest kind whose condition holds.
    """
    model = thighdx.load_model()
    table = model.simulate(n_patients, seed=SEED, setting=SETTING)
    rng = np.random.default_rng(0)
    conditions = {v.id: parse_expression(v.asked_if) for v in model.variables.values() if v.asked_if}
    counts: dict[str, list[float]] = {name: [] for name in (*INTERVIEWS, "greatest gain", "random order")}
    runs: dict[str, list[Run]] = {name: [] for name in INTERVIEWS}
    for i in range(n_patients):
        say(f"interviews: patient {i + 1} of {n_patients}")
        row = {name: str(table.iloc[i][name]) for name in model.variables}
        open_to = _askable(model, conditions, row)
        full = {name: row[name] for name in open_to}
        goal, level = leading(model, full), _level(model, full)
        for name, as_lists in INTERVIEWS.items():
            run = _run(Interview(model, setting=SETTING, as_lists=as_lists), full)
            runs[name].append(dataclasses.replace(run, has_level=run.level == level))
            counts[name].append(settled(run.leaders, goal))
        counts["greatest gain"].append(settled(_greedy(model, full), goal))
        order = rng.permutation(open_to)
        leaders = [leading(model, {v: full[v] for v in order[: n + 1]}) for n in range(len(order))]
        counts["random order"].append(settled(leaders, goal))
    return Table(
        f"{n_patients} simulated patients, {SETTING}: questions until the leading cause of full information stays",
        ("order", "median", "quartiles", "never"),
        tuple(_line(name, values) for name, values in counts.items()),
        " ".join(_ends(name, found, counts[name]) for name, found in runs.items()),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One interview: how many questions it put, who led after each, and where it ended."""

    n_questions: int
    n_safety: int
    leaders: list[str]
    level: str
    has_level: bool = False


def _run(interview: Interview, full: Mapping[str, str]) -> Run:
    """Answer truly until the interview ends; a list is answered by what is present."""
    kinds, leaders = [], []
    while (question := interview.question) is not None:
        kinds.append(question.kind)
        answers = {member.variable: full.get(member.variable) for member in question.members}
        interview.answer(answers if question.members else full.get(question.variable))
        leaders.append(_first(interview.posterior))
    return Run(len(kinds), kinds.count("safety"), leaders, interview.triage.level)


def _ends(name: str, runs: list[Run], counts: list[float]) -> str:
    """Say how long the interviews were and where they ended."""
    asked, safety = np.median([run.n_questions for run in runs]), np.median([run.n_safety for run in runs])
    return (
        f"The {name} puts {asked:g} questions (median), {safety:g} of them about safety; it ends with that leading "
        f"cause in {np.mean(np.isfinite(counts)):.0%}, with the urgency of full information in "
        f"{np.mean([run.has_level for run in runs]):.0%}."
    )


def _line(name: str, values: list[float]) -> tuple[str, ...]:
    low, middle, high = np.percentile(values, [25, 50, 75], method="inverted_cdf")
    return name, f"{middle:g}", f"{low:g} to {high:g}", f"{np.mean(np.isinf(values)):.0%}"


def _askable(model: thighdx.Model, conditions: Mapping[str, Expression], row: Mapping[str, str]) -> list[str]:
    """Return what can be asked of one patient."""
    found = [v.id for v in model.variables.values() if v.cost == "ask"]
    return [v for v in found if v not in conditions or holds(conditions[v], row) is True]


def leading(model: thighdx.Model, known: Mapping[str, str]) -> str:
    """Return the most probable cause."""
    return _first(open_case(model.compiled, known, setting=SETTING).posterior)


def _first(posterior: Mapping[str, float]) -> str:
    return max((cause for cause in posterior if cause != OTHER), key=posterior.__getitem__)


def _level(model: thighdx.Model, known: Mapping[str, str]) -> str:
    """Return the level of urgency on posteriors, as an interview works it out."""
    return triage(open_case(model.compiled, known, setting=SETTING)).level


def _greedy(model: thighdx.Model, full: Mapping[str, str]) -> list[str]:
    """Return the leading cause after every question, each the one with the greatest expected gain."""
    known: dict[str, str] = {}
    leaders = []
    for _ in range(MOST):
        ranking = rank_questions(open_case(model.compiled, known, setting=SETTING), "ask")
        best = next(question.variable for question in ranking if question.variable in full)
        known[best] = full[best]
        leaders.append(leading(model, known))
    return leaders


def settled(leaders: list[str], goal: str) -> float:
    """Return after how many questions the goal leads for good; infinite for never.

    Examples
    --------
    >>> settled(["a", "b", "a", "a"], "a")
    3.0
    """
    n = len(leaders)
    while n and leaders[n - 1] == goal:
        n -= 1
    return float(n + 1) if n < len(leaders) else np.inf
