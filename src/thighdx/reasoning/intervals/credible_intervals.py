"""Credible intervals of posteriors from the elicited uncertainty of all judgements that touch them.

Two ways lead there. Both take every judgement as independent with its own pooled distribution, and both solve
base rates and frequencies again:

* *delta* [1]_: mean, variance and third moment of the posterior log odds from its gradient and the moments of
  the judgements (`thighdx.reasoning.intervals.delta`); end points by the expansion of Cornish and Fisher [2]_.
  A row of a table has the interval that the case alone has.
* *draws*: the posterior is recomputed under drawn judgements. Its moments are taken from the draws, corrected by
  what the same draws miss of the linear part, whose moments are known: a control variate [3]_, without
  which the end points of 200 draws would be uncertain by a sixth of a standard deviation.

.. [1] Van Allen T, Singh A, Greiner R, Hooper P. Quantifying the uncertainty of a belief net response:
   Bayesian error-bars for belief net inference. Artif Intell 2008;172:483-513.
.. [2] Cornish EA, Fisher RA. Moments and cumulants in the specification of distributions.
   Revue de l'Institut International de Statistique 1938;5:307-20.
.. [3] Lavenberg SS, Welch PD. A perspective on the use of control variables to increase the efficiency of
   Monte Carlo simulations. Management Science 1981;27:322-35.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.display import Shown
from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.errors import UnknownNameError, choice_fault, nearest_hint
from thighdx.evidence.one_case import CaseEvidence
from thighdx.kb.records import KnowledgeBase
from thighdx.network.build import Network
from thighdx.network.spec import Floats
from thighdx.plain import Plain
from thighdx.reasoning.intervals.delta import Moments, case_gradients, delta_moments
from thighdx.reasoning.intervals.layout import JudgementLayout, judgement_layout
from thighdx.reasoning.intervals.level import check_level
from thighdx.reasoning.intervals.montecarlo import PosteriorDraws, draw_log_odds
from thighdx.text import exact_percent, percent, span

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AGREEMENT",
    "Interval",
    "IntervalMethod",
    "Intervals",
    "cornish_fisher",
    "credible_intervals",
    "end_points",
    "probabilities",
]

IntervalMethod: TypeAlias = Literal["auto", "delta", "draws"]
AGREEMENT = 1.10
"""Draws are used where an end point by the delta method differs by more than this factor in odds."""


@dataclass(frozen=True, slots=True)
class Interval(Plain):
    """How sure one posterior is.

    Attributes
    ----------
    name : str
        A cause or a group of causes.
    posterior, lower, upper : float
        Probabilities; lower <= posterior <= upper.
    sd : float
        Standard deviation of the posterior log odds (natural logarithm).
    method : {"delta", "draws", "certain"}
        Where the end points come from; ``certain`` where the evidence makes it impossible or certain, and
        then both end points are the posterior.
    delta, draws : tuple of (lower, upper), or None
        End points by either method, where it was asked for.
    is_moved : bool
        An end point was moved to the posterior: the posterior at the medians of all judgements can lie
        outside a narrow central interval of its distribution.
    """

    name: str
    posterior: float
    lower: float
    upper: float
    sd: float
    method: Literal["delta", "draws", "certain"]
    delta: tuple[float, float] | None
    draws: tuple[float, float] | None
    is_moved: bool
    _renamed: ClassVar = {"name": "", "sd": "log_odds_sd"}
    _worked_out: ClassVar = {"disagrees": "draws"}

    @property
    def disagrees(self) -> bool:
        """Whether delta and draws differ by more than `AGREEMENT` in odds at an end point."""
        if self.delta is None or self.draws is None:
            return False
        gap = special.logit(np.array(self.delta)) - special.logit(np.array(self.draws))
        return bool(np.abs(gap).max() > np.log(AGREEMENT))


@dataclass(frozen=True, slots=True)
class Intervals(Shown, Plain):
    """Central credible intervals of every cause and group.

    Attributes
    ----------
    level : float
        Probability that a posterior recomputed with other plausible judgements lies inside.
    method : {"auto", "delta", "draws"}
        What was asked for.
    n_draws, seed : int
        0 draws for the delta method.
    causes, groups : mapping of str to Interval
        In the model's order.
    redrawn : mapping of str to int
        Draws in which contradicting values were drawn again, by reason.
    """

    level: float
    method: IntervalMethod
    n_draws: int
    seed: int
    causes: Mapping[str, Interval]
    groups: Mapping[str, Interval]
    redrawn: Mapping[str, int]
    crossed_mass: float

    def __getitem__(self, name: str) -> Interval:
        """Return the interval of a cause or group."""
        found = self.causes.get(name) or self.groups.get(name)
        if found is None:
            names = [*self.causes, *self.groups]
            hint = nearest_hint(name, names) or f"expected one of {', '.join(names)}"
            raise UnknownNameError(f"unknown cause or group {name!r}; {hint}")
        return found

    def to_frame(self, *, groups: bool = False) -> pd.DataFrame:
        """Return one row per cause (or group), most probable first."""
        import pandas as pd

        items = self.groups if groups else self.causes
        rows = [(i.posterior, i.lower, i.upper, i.sd, i.method, i.disagrees) for i in items.values()]
        columns = ["posterior", "lower", "upper", "log_odds_sd", "method", "disagrees"]
        index = pd.Index(list(items), name="group" if groups else "cause")
        return pd.DataFrame(rows, columns=columns, index=index).sort_values(
            "posterior", ascending=False, kind="stable"
        )

    def __repr__(self) -> str:
        """Return the leading causes with their intervals."""
        leading = sorted(self.causes.values(), key=lambda item: -item.posterior)[:5]
        width = max(len(item.name) for item in leading)
        head = f"{exact_percent(self.level)} credible intervals from the uncertainty of the judgements"
        lines = [
            f"  {i.name:<{width}}  {percent(i.posterior):>7}  ({span(i.lower, i.upper)}, {i.method})"
            for i in leading
        ]
        return "\n".join([head, *lines])


def credible_intervals(
    network: Network,
    kb: KnowledgeBase,
    pooled: Mapping[PooledKey, PooledJudgement],
    case: CaseEvidence,
    level: float,
    *,
    method: IntervalMethod = "auto",
    n_draws: int = 200,
    seed: int = 0,
) -> Intervals:
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
    ValueError
        If an argument is out of range.

    Notes
    -----
    The first call with draws solves the base rates of the setting under every draw, a few seconds for
    200; later calls reuse them. Values that contradict one another (shares that leave no room for one to
    `max_causes` causes, frequencies that sum to more than 1, cumulative rows that rise) are drawn again, so
    draws are from the judgements given that they hold together; `Intervals.redrawn` counts them.
    """
    _check(level, method, n_draws, seed)
    layout = judgement_layout(network, pooled)
    index = {cause: i for i, cause in enumerate(network.spec.causes)}
    groups = [[index[cause] for cause in group.members] for group in kb.groups]
    names = [*network.spec.causes, *(group.id for group in kb.groups)]
    found = delta_moments(network, layout, case.batch, groups=groups)
    delta = found.take(0)
    drawn, redrawn, crossed = None, dict[str, int](), 0.0
    if method != "delta":
        draws = draw_log_odds(network, layout, case.batch, groups=groups, n_draws=n_draws, seed=seed)
        gradient = case_gradients(network, layout, case.batch, groups=groups)[1][0]
        drawn = _drawn_moments(layout, gradient, delta.log_odds, draws)
        redrawn, crossed = dict(draws.redrawn), draws.crossed_mass
    items = _choose(names, level, delta, drawn, method)
    n_causes = len(index)
    return Intervals(
        level=level,
        method=method,
        n_draws=0 if method == "delta" else n_draws,
        seed=seed,
        causes={item.name: item for item in items[:n_causes]},
        groups={item.name: item for item in items[n_causes:]},
        redrawn=redrawn,
        crossed_mass=crossed,
    )


def _check(level: object, method: str, n_draws: int, seed: int) -> None:
    """Refuse arguments out of range."""
    check_level(level, "level")
    if method not in get_args(IntervalMethod):
        raise ValueError(choice_fault("method", method, get_args(IntervalMethod)))
    if n_draws < 1:
        raise ValueError(f"n_draws: got {n_draws!r}, expected 1 or more")
    if seed < 0:
        raise ValueError(f"seed: got {seed!r}, expected 0 or more")


def cornish_fisher(moments: Moments, levels: npt.ArrayLike) -> Floats:
    """Return quantiles from moments: the expansion of Cornish and Fisher to the first term for skewness.

    Parameters
    ----------
    moments : Moments
        Arrays of one shape.
    levels : (n_levels,) float64

    Returns
    -------
    (n_levels, ...) float64
        Log odds, rising with the level.
    """
    z = special.ndtri(np.asarray(levels, dtype=np.float64)).reshape(-1, *(1,) * moments.mean.ndim)
    sd = np.sqrt(moments.variance)
    skewness = np.divide(moments.third, sd**3, out=np.zeros_like(sd), where=sd > 0)
    # beyond this the quadratic would turn back before the outermost level
    bound = 3.0 / max(1.0, float(np.abs(z).max()))
    values = z + np.clip(skewness, -bound, bound) / 6 * (z**2 - 1)
    return np.asarray(moments.log_odds + moments.mean + sd * values)


def end_points(moments: Moments, level: float) -> Floats:
    """Return the ends of central credible intervals in log odds, (2, ...); the point itself where it is certain.

    The posterior at the medians of all judgements can lie outside a narrow interval: it is drawn in.
    """
    ends = _plain_ends(moments, level)
    return np.stack([np.minimum(ends[0], moments.log_odds), np.maximum(ends[1], moments.log_odds)])


def _plain_ends(moments: Moments, level: float) -> Floats:
    """Return the same without the posterior drawn in."""
    tail = (1 - level) / 2
    return cornish_fisher(moments, [tail, 1 - tail])


def probabilities(log_odds: Floats) -> Floats:
    """Return probabilities that stay inside (0, 1) where rounding alone would leave it."""
    limits = np.finfo(np.float64)
    inside = np.clip(special.expit(log_odds), limits.tiny, 1 - limits.epsneg)
    return np.where(np.isinf(log_odds), special.expit(log_odds), inside)


def _drawn_moments(
    layout: JudgementLayout, gradient: Floats, point: Floats, draws: PosteriorDraws
) -> Moments:
    """Return moments of the drawn log odds, corrected by a multiple of their linear part [3]_."""
    is_open = np.isfinite(point)
    touched = np.flatnonzero((gradient != 0).any(axis=0))
    linear = (draws.working[:, touched] - layout.point[touched]) @ gradient[:, touched].T
    drawn = np.where(is_open, draws.log_odds - np.where(is_open, point, 0.0), 0.0)
    exact = np.stack(
        [gradient @ layout.shift, gradient**2 @ layout.sd**2, gradient**3 @ layout.third], axis=1
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


def _choose(
    names: list[str], level: float, delta: Moments, drawn: Moments | None, method: IntervalMethod
) -> list[Interval]:
    """Choose a method for every cause and group."""
    point, by_delta = delta.log_odds, _plain_ends(delta, level)
    by_draws = None if drawn is None else _plain_ends(drawn, level)
    is_drawn, chosen, spread = np.zeros(len(point), dtype=bool), delta, delta
    if drawn is not None and by_draws is not None:
        with np.errstate(invalid="ignore"):
            is_drawn = (np.abs(by_draws - by_delta) > np.log(AGREEMENT)).any(axis=0) | (method == "draws")
        fields = ("mean", "variance", "third")
        pairs = ((getattr(drawn, name), getattr(delta, name)) for name in fields)
        chosen, spread = Moments(point, *(np.where(is_drawn, a, b) for a, b in pairs)), drawn
    plain, ends = _plain_ends(chosen, level), end_points(chosen, level)
    lower, upper = probabilities(ends)
    items = []
    for i, name in enumerate(names):
        posterior = float(special.expit(point[i]))
        if not np.isfinite(point[i]):
            items.append(Interval(name, posterior, posterior, posterior, 0.0, "certain", None, None, False))
            continue
        items.append(
            Interval(
                name=name,
                posterior=posterior,
                lower=float(lower[i]),
                upper=float(upper[i]),
                sd=float(np.sqrt(spread.variance[i])),
                method="draws" if is_drawn[i] else "delta",
                delta=_pair(by_delta[:, i]),
                draws=None if by_draws is None else _pair(by_draws[:, i]),
                is_moved=bool((ends[:, i] != plain[:, i]).any()),
            )
        )
    return items


def _pair(log_odds: Floats) -> tuple[float, float]:
    """Return two end points as probabilities."""
    lower, upper = probabilities(log_odds)
    return float(lower), float(upper)
