"""Every row of the judgement tables turned into a fitted distribution, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np

from thighdx.elicitation.distribution import Scale
from thighdx.elicitation.fit import LEVELS, Fit, fit_quantiles
from thighdx.elicitation.statements import Statement, StatementError, exact_fit, parse_statement
from thighdx.errors import Problem
from thighdx.kb.records import Judgement, JudgementTable

__all__ = ["fit_rows", "table_scale"]

_SCALES: tuple[Scale, ...] = get_args(Scale)


def table_scale(table: JudgementTable) -> Scale:
    """Return whether the numbers of a table are probabilities or odds ratios.

    Examples
    --------
    >>> table_scale("effects"), table_scale("links")
    ('odds_ratio', 'probability')
    """
    return "odds_ratio" if table in {"effects", "dependencies"} else "probability"


def fit_rows(rows: Sequence[Judgement], *, tolerance: float = 0.05) -> tuple[list[Fit | None], list[Problem]]:
    """Fit every row.

    Parameters
    ----------
    rows : sequence of n_rows Judgement
    tolerance : float
        Largest relative miss a fit may have.

    Returns
    -------
    fits : list of n_rows Fit or None
        None where the row cannot be used.
    problems : list of Problem
        Why not, one per such row.
    """
    fits: list[Fit | None] = [None] * len(rows)
    problems: list[Problem] = []
    open_rows: dict[Scale, list[tuple[int, Statement]]] = {scale: [] for scale in _SCALES}
    for i, row in enumerate(rows):
        scale = table_scale(row.table)
        statement = _read(row, scale)
        if isinstance(statement, Problem):
            problems.append(statement)
        elif statement.distribution is not None:
            fits[i] = exact_fit(statement.distribution)
        else:
            open_rows[scale].append((i, statement))
    for scale, items in open_rows.items():
        quantiles = np.array([item.quantiles for _, item in items]).reshape(-1, 3)
        levels = np.array([item.levels for _, item in items]).reshape(-1, 3)
        fitted = fit_quantiles(quantiles, scale=scale, levels=levels, tolerance=tolerance)
        for (i, _), fit in zip(items, fitted, strict=True):
            if fit.miss <= tolerance:
                fits[i] = fit
            else:
                problems.append(_no_fit(rows[i], fit))
    return fits, problems


def _read(row: Judgement, scale: Scale) -> Statement | Problem:
    """Return what a row says, or what is wrong with it."""
    file = f"{row.table}.csv"
    given = (row.quantiles is not None) + bool(row.statement.strip())
    if given != 1:
        got = "both quantiles and a statement" if given else "neither quantiles nor a statement"
        message = f"got {got} for {'|'.join(row.key)}, expected q05, q50 and q95 or a statement"
        return Problem(file, row.row, "statement", message)
    if row.quantiles is None:
        try:
            return parse_statement(row.statement, scale=scale)
        except StatementError as error:
            return Problem(file, row.row, "statement", str(error))
    return _read_quantiles(row, row.quantiles, scale)


def _read_quantiles(
    row: Judgement, quantiles: tuple[float, float, float], scale: Scale
) -> Statement | Problem:
    file = f"{row.table}.csv"
    top = 1.0 if scale == "probability" else float("inf")
    room = "a frequency in (0, 1)" if scale == "probability" else "a finite odds ratio above 0"
    for column, value in zip(("q05", "q50", "q95"), quantiles, strict=True):
        if not 0 < value < top:  # also NaN
            hint = "what is impossible is stated as never" if value == 0 else ""
            return Problem(file, row.row, column, f"got {value:g}, expected {room}", hint)
    if not quantiles[0] < quantiles[1] < quantiles[2]:
        got = ", ".join(f"{value:g}" for value in quantiles)
        message = f"got quantiles {got}, expected q05 < q50 < q95"
        return Problem(file, row.row, "q50", message)
    return Statement(None, quantiles, LEVELS)


def _no_fit(row: Judgement, fit: Fit) -> Problem:
    stated = ", ".join(f"{value:g}" for value in fit.stated)
    fitted = ", ".join(f"{value:g}" for value in fit.fitted)
    message = f"got quantiles {stated}, but the nearest distribution has {fitted}"
    return Problem(f"{row.table}.csv", row.row, "q50", message, "move the quantiles apart or together")
