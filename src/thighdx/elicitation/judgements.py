"""From judgement rows to one pooled belief per number.

Who is heard on a number: the experts that stand *alone* if it touches one of their variables or
causes (several with the same scope are pooled), otherwise all *pooled* experts. One of several that
gave no link or effect where another did meant "nothing special": it counts as the background (odds
ratio 1) with the other's spread. A *correction* replaces the result. The point value is the median
of what is finally used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, get_args

import numpy as np

from thighdx.elicitation.distribution import Distribution, Scale, from_working, to_working
from thighdx.elicitation.fit import LEVELS, Fit, fit_quantiles
from thighdx.elicitation.panel import Panel
from thighdx.elicitation.pool import Mixture, pooled_medians
from thighdx.elicitation.rows import fit_rows, table_scale
from thighdx.errors import KnowledgeBaseError, Problem
from thighdx.kb.records import Judgement, JudgementTable, Key, KnowledgeBase

__all__ = [
    "ExpertBelief",
    "PooledJudgement",
    "PooledKey",
    "check_judgements",
    "pool_judgements",
]

PooledKey: TypeAlias = tuple[JudgementTable, Key]

_TABLES: tuple[JudgementTable, ...] = get_args(JudgementTable)
_FILLED_TABLES = frozenset({"links", "effects"})


class ExpertBelief(NamedTuple):
    """What one expert believes; `is_filled` if by the rule for rows an expert did not give."""

    expert: str
    distribution: Distribution
    is_filled: bool


@dataclass(frozen=True, slots=True)
class PooledJudgement:
    """One number of the knowledge base, with everything that went into it.

    Attributes
    ----------
    experts : tuple of ExpertBelief
        Everyone heard, in the order of the manifest; corrections last, also those overruled.
    distribution : Mixture
        What is finally used: the pool, or the correction that replaced it.
    point : float
        Median of `distribution`; exactly 0 for a judgement of never.
    corrected_by : str or None
        The correcting expert whose word holds.
    sources : tuple of str
        Union over `rows`, in order of appearance.
    rows : tuple of Judgement
        The rows behind it, replaced ones included.
    """

    table: JudgementTable
    key: Key
    scale: Scale
    experts: tuple[ExpertBelief, ...]
    distribution: Mixture
    point: float
    corrected_by: str | None
    sources: tuple[str, ...]
    rows: tuple[Judgement, ...]


def check_judgements(kb: KnowledgeBase) -> list[Problem]:
    """Return everything that keeps the judgements from being fitted and pooled, sorted by place."""
    return _pool(kb)[1]


def pool_judgements(kb: KnowledgeBase) -> Mapping[PooledKey, PooledJudgement]:
    """Fit every judgement and pool the experts on every number.

    Parameters
    ----------
    kb : KnowledgeBase

    Returns
    -------
    mapping of (table, key) to PooledJudgement
        Tables in the order of `JudgementTable`, keys in the order of their first row.

    Raises
    ------
    KnowledgeBaseError
        With every problem that `check_judgements` reports.
    """
    pooled, problems = _pool(kb)
    if problems:
        raise KnowledgeBaseError(kb.manifest.name, problems)
    return pooled


def _pool(kb: KnowledgeBase) -> tuple[dict[PooledKey, PooledJudgement], list[Problem]]:
    fits, problems = fit_rows(kb.judgements, tolerance=kb.manifest.fit_tolerance)
    panel = Panel(kb.manifest.experts, kb.judgements)
    problems += panel.check(kb.judgements)
    numbers = _collect(kb.judgements, fits, panel)
    for number in numbers.values():
        problems += number.check()
    backgrounds = {key: number for key, number in numbers.items() if key[0] == "backgrounds"}
    points = {key[1]: item.point for key, item in _finish(backgrounds).items()}
    problems += _fill(numbers, points, tolerance=kb.manifest.fit_tolerance)
    return _finish(numbers), sorted(problems, key=_place)


def _place(problem: Problem) -> tuple[str, int, str, str]:
    return problem.file, problem.row or 0, problem.column or "", problem.message


@dataclass(slots=True)
class _Number:
    """One number on its way to a `PooledJudgement`."""

    table: JudgementTable
    key: Key
    rows: tuple[Judgement, ...]
    heard: dict[str, Fit | None]  # in the order of the manifest; None: gave no row
    stated: dict[str, Fit]  # of `heard`, those who gave one
    corrections: dict[str, Fit]

    def check(self) -> list[Problem]:
        """Report an impossibility that not everyone heard agrees to."""
        never = [name for name, fit in self.stated.items() if fit.distribution.is_never]
        if not never or len(never) == len(self.stated) or self.corrections:
            return []
        row = next(row for row in self.rows if row.expert == never[0])
        others = ", ".join(name for name in self.stated if name not in never)
        return [
            Problem(
                f"{self.table}.csv",
                row.row,
                "statement",
                f"got never for {'|'.join(self.key)} but a number from {others}, expected "
                f"agreement on what is impossible",
                "an impossibility cannot be averaged: settle it by a correction",
            )
        ]

    @property
    def experts(self) -> tuple[ExpertBelief, ...]:
        """Return everyone heard, then the corrections."""
        beliefs = [
            ExpertBelief(name, fit.distribution, name not in self.stated)
            for name, fit in self.heard.items()
            if fit is not None
        ]
        beliefs += [ExpertBelief(name, fit.distribution, False) for name, fit in self.corrections.items()]
        return tuple(beliefs)

    @property
    def corrected_by(self) -> str | None:
        """Return the last correcting expert of the manifest, if any."""
        return next(reversed(self.corrections), None)

    @property
    def mixture(self) -> Mixture:
        """Return what is finally used."""
        if self.corrected_by is not None:
            return Mixture((self.corrections[self.corrected_by].distribution,))
        return Mixture(tuple(fit.distribution for fit in self.heard.values() if fit is not None))


def _collect(rows: Sequence[Judgement], fits: Sequence[Fit | None], panel: Panel) -> dict[PooledKey, _Number]:
    """Bring the rows on each number together; numbers without a usable row are left out."""
    grouped: dict[PooledKey, list[tuple[Judgement, Fit]]] = {}
    for row, fit in sorted(zip(rows, fits, strict=True), key=lambda item: _TABLES.index(item[0].table)):
        if fit is not None:
            grouped.setdefault((row.table, row.key), []).append((row, fit))
    numbers = {}
    for (table, key), answers in grouped.items():
        by_expert = {row.expert: fit for row, fit in answers}
        names = [item.id for item in panel.standing_alone(table, key) or panel.pooled]
        stated = {name: by_expert[name] for name in names if name in by_expert}
        corrections = {item.id: by_expert[item.id] for item in panel.corrections if item.id in by_expert}
        if stated or corrections:
            heard = {name: stated.get(name) for name in names}
            used = tuple(row for row, _ in answers)
            numbers[table, key] = _Number(table, key, used, heard, stated, corrections)
    return numbers


def _fill(
    numbers: Mapping[PooledKey, _Number],
    backgrounds: Mapping[Key, float],
    *,
    tolerance: float,
) -> list[Problem]:
    """Let experts without a link or effect count as background, with the others' spread."""
    problems = []
    wanted: dict[Scale, list[tuple[_Number, list[float]]]] = {"probability": [], "odds_ratio": []}
    for (table, key), number in numbers.items():
        stated = list(number.stated.values())
        gaps = len(number.heard) - len(stated)
        if table not in _FILLED_TABLES or not stated or not gaps:
            continue
        if any(fit.distribution.is_never for fit in stated):
            continue  # an impossibility has no spread to carry over: it holds for everyone
        median = 1.0 if table == "effects" else backgrounds.get(key[1:], 0.0)
        if median == 0:
            problems.append(_no_background(number))
            continue
        scale = table_scale(table)
        wanted[scale].append((number, shifted_quantiles(stated, scale, median)))
    for scale, items in wanted.items():
        rows = np.array([quantiles for _, quantiles in items]).reshape(-1, 3)
        filled = fit_quantiles(rows, scale=scale, tolerance=tolerance)
        for (number, _), fit in zip(items, filled, strict=True):
            number.heard = {name: own or fit for name, own in number.heard.items()}
    return problems


def shifted_quantiles(stated: Sequence[Fit], scale: Scale, median: float) -> list[float]:
    """Return 5, 50 and 95 % quantiles around `median` with the (mean) spread of `stated`.

    The spread is carried over as distances from the stated median on the log-odds (log) scale.
    """
    offsets = []
    for fit in stated:
        own = fit.stated if fit.levels == LEVELS else fit.distribution.quantile(LEVELS)
        t = to_working(own, scale)
        offsets.append(t - t[1])
    shifted = to_working(median, scale) + np.mean(offsets, axis=0)
    values: list[float] = from_working(shifted, scale).tolist()
    return values


def _no_background(number: _Number) -> Problem:
    missing = ", ".join(name for name, fit in number.heard.items() if fit is None)
    variable, state = number.key[1:]
    return Problem(
        "links.csv",
        number.rows[0].row,
        "variable",
        f"got no row of {missing} for {'|'.join(number.key)}, expected a background above 0 of "
        f"{variable}={state} to stand in for it",
        "add the background to backgrounds.csv",
    )


def _finish(numbers: Mapping[PooledKey, _Number]) -> dict[PooledKey, PooledJudgement]:
    mixtures = [number.mixture for number in numbers.values()]
    medians = pooled_medians(mixtures).tolist()
    out = {}
    for (place, number), mixture, median in zip(numbers.items(), mixtures, medians, strict=True):
        sources = tuple(dict.fromkeys(name for row in number.rows for name in row.sources))
        out[place] = PooledJudgement(
            number.table,
            number.key,
            table_scale(number.table),
            number.experts,
            mixture,
            median,
            number.corrected_by,
            sources,
            number.rows,
        )
    return out
