"""Credible intervals of posteriors from the elicited uncertainty of all judgements that touch them.

Two ways lead there. Both take every judgement as independent with its own pooled distribution, and both solve
base rates and frequencies again:

* *delta* [1]_: mean, variance and third moment of the posterior log odds from its gradient and the moments of
  the judgements (`thighdx.reasoning.intervals.delta`); end points by the expansion of Cornish and Fisher
  (`thighdx.reasoning.intervals.end_points`). A row of a table has the interval that the case alone has.
* *draws*: the posterior is recomputed under drawn judgements. Its moments are taken from the draws, corrected by
  what the same draws miss of the linear part, whose moments are known: a control variate [2]_.

.. [1] Van Allen T, Singh A, Greiner R, Hooper P. Quantifying the uncertainty of a belief net response:
   Bayesian error-bars for belief net inference. Artif Intell 2008;172:483-513.
.. [2] Lavenberg SS, Welch PD. A perspective on the use of control variables to increase the efficiency of
   Monte Carlo simulations. Management Science 1981;27:322-35.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from scipy import special

from thighdx.compiled.case import Case
from thighdx.errors import OptionError, choice_fault
from thighdx.network.spec import Floats
from thighdx.reasoning.intervals.delta import Moments, case_gradients, delta_moments
from thighdx.reasoning.intervals.end_points import drawn_in, probabilities, quantile_pair
from thighdx.reasoning.intervals.interval_lines import (
    AGREEMENT,
    CredibleInterval,
    CredibleIntervals,
    IntervalMethod,
)
from thighdx.reasoning.intervals.layout import JudgementLayout, judgement_layout
from thighdx.reasoning.intervals.level import check_level
from thighdx.reasoning.intervals.montecarlo import PosteriorDraws, draw_log_odds

__all__ = ["credible_intervals"]


def credible_intervals(
    case: Case, level: float, *, method: IntervalMethod = "auto", n_draws: int = 200, seed: int = 0
) -> CredibleIntervals:
    """Return how far the posteriors of one case move when the judgements vary as elicited.

    Parameters
    ----------
    level : float
        Probability inside, in (0, 1); 0.9 runs from the 5 % to the 95 % quantile.
    method : {"auto", "delta", "draws"}
        ``delta`` needs no draws and takes some thousandths of a second. ``draws`` corrects it by `n_draws`
        draws. ``auto`` does both and keeps the delta end points of a cause unless they differ by more than
        `AGREEMENT` in odds from the corrected ones.
    n_draws : int
        1 or more.
    seed : int
        0 or more; the same seed gives the same intervals.

    Raises
    ------
    OptionError
        If an argument is out of range.

    Notes
    -----
    The first call with draws solves the base rates of the setting under every draw, a few seconds for
    200; later calls reuse them. Values that contradict one another (shares that leave no room for one to
    `max_causes` causes, frequencies that sum to more than 1, cumulative rows that rise) are drawn again, so
    draws are from the judgements given that they hold together; `CredibleIntervals.redrawn` counts them.
    """
    _check(level, method, n_draws, seed)
    network, batch, kb = case.compiled.network, case.evidence.batch, case.compiled.kb
    layout = judgement_layout(network, case.compiled.pooled)
    causes = network.spec.causes
    groups = [[causes.index(cause) for cause in group.members] for group in kb.groups]
    delta = delta_moments(network, layout, batch, groups=groups).take(0)
    drawn, redrawn, crossed = None, dict[str, int](), 0.0
    if method != "delta":
        draws = draw_log_odds(network, layout, batch, groups=groups, n_draws=n_draws, seed=seed)
        gradient = case_gradients(network, layout, batch, groups=groups)[1][0]
        drawn = _drawn_moments(layout, gradient, delta.log_odds, draws)
        redrawn, crossed = dict(draws.redrawn), draws.crossed_mass
    names = [*causes, *(group.id for group in kb.groups)]
    items = _lines(names, level, delta, drawn, always=method == "draws")
    return CredibleIntervals(
        level=level,
        method=method,
        n_draws=0 if method == "delta" else n_draws,
        seed=seed,
        causes={item.name: item for item in items[: len(causes)]},
        groups={item.name: item for item in items[len(causes) :]},
        redrawn=redrawn,
        crossed_mass=crossed,
    )


def _check(level: object, method: str, n_draws: int, seed: int) -> None:
    """Refuse arguments out of range."""
    check_level(level, "level")
    if method not in get_args(IntervalMethod):
        raise OptionError(choice_fault("method", method, get_args(IntervalMethod)))
    if n_draws < 1:
        raise OptionError(f"n_draws: got {n_draws!r}, expected 1 or more")
    if seed < 0:
        raise OptionError(f"seed: got {seed!r}, expected 0 or more")


def _drawn_moments(
    layout: JudgementLayout, gradient: Floats, point: Floats, draws: PosteriorDraws
) -> Moments:
    """Return moments of the drawn log odds, corrected by a multiple of their linear part [2]_."""
    is_open = np.isfinite(point)
    touched = np.flatnonzero((gradient != 0).any(axis=0))
    linear = (layout.to_working(draws.values, touched) - layout.point[touched]) @ gradient[:, touched].T
    drawn = np.where(is_open, draws.log_odds - np.where(is_open, point, 0.0), 0.0)
    exact = np.stack(
        [gradient @ layout.shift, gradient**2 @ layout.sd**2, gradient**3 @ layout.third_moment], axis=1
    )
    seen, plain = _sample_moments(linear), _sample_moments(drawn)
    joint = ((linear - seen[:, 0]) * (drawn - plain[:, 0])).mean(axis=0)
    beta = np.divide(joint, seen[:, 1], out=np.zeros_like(joint), where=seen[:, 1] > 0)
    powers = beta[:, None] ** np.arange(1, 4)
    moments = powers * exact + (plain - powers * seen) * _trust(draws.n_draws)
    # few draws could leave next to nothing of the variance: then the plain one of the draws stands
    variance = np.where(moments[:, 1] > 0.25 * plain[:, 1], moments[:, 1], plain[:, 1])
    return Moments(point, moments[:, 0], variance, moments[:, 2])


def _trust(n_draws: int) -> Floats:
    """Return how much of a correction to mean, variance and third moment is taken over.

    Third moments of a few hundred draws are as uncertain as the corrections are large.
    """
    return np.array([1.0, 1.0, n_draws / (n_draws + 200)])


def _sample_moments(values: Floats) -> Floats:
    """Return mean, variance and third central moment of every column, (n_columns, 3)."""
    mean = values.mean(axis=0)
    off = values - mean
    return np.stack([mean, (off**2).mean(axis=0), (off**3).mean(axis=0)], axis=1)


def _lines(
    names: list[str], level: float, delta: Moments, drawn: Moments | None, *, always: bool
) -> list[CredibleInterval]:
    """Choose a method for every cause and group: that of the draws where the two disagree, or always."""
    by_delta = quantile_pair(delta, level)
    by_draws = by_delta if drawn is None else quantile_pair(drawn, level)
    with np.errstate(invalid="ignore"):
        is_drawn = (np.abs(by_draws - by_delta) > np.log(AGREEMENT)).any(axis=0) | always
    quantiles = np.where(is_drawn, by_draws, by_delta)
    ends = drawn_in(quantiles, delta.log_odds)
    sd = np.sqrt((drawn or delta).variance)
    found = []
    for i, name in enumerate(names):
        posterior = float(special.expit(delta.log_odds[i]))
        if not np.isfinite(delta.log_odds[i]):
            found.append(CredibleInterval(name, posterior, posterior, posterior, 0.0, "certain"))
            continue
        lower, upper = _pair(ends[:, i])
        found.append(
            CredibleInterval(
                name,
                posterior,
                lower,
                upper,
                float(sd[i]),
                "draws" if is_drawn[i] else "delta",
                delta=_pair(by_delta[:, i]),
                draws=None if drawn is None else _pair(by_draws[:, i]),
                is_moved=bool((ends[:, i] != quantiles[:, i]).any()),
            )
        )
    return found


def _pair(log_odds: Floats) -> tuple[float, float]:
    """Return two end points as probabilities."""
    lower, upper = probabilities(log_odds)
    return float(lower), float(upper)
