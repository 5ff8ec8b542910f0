"""The distributions a judgement can become, and the array functions behind them.

Everything is computed on a *working scale*, where beliefs are roughly symmetric: log odds for
probabilities, the logarithm for odds ratios. Both tails are always computed directly, never as one
minus the other, so that rare events and near certainties keep their digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.errors import OptionError

__all__ = ["Distribution", "Family", "Floats", "Scale", "Stack", "from_working", "to_working"]

Floats: TypeAlias = npt.NDArray[np.float64]
Scale: TypeAlias = Literal["probability", "odds_ratio"]
Family: TypeAlias = Literal["beta", "lognormal", "two_piece_logit_normal", "two_piece_lognormal", "point"]

_N_PARAMS: dict[Family, int] = {
    "beta": 2,
    "lognormal": 2,
    "two_piece_logit_normal": 3,
    "two_piece_lognormal": 3,
    "point": 1,
}
_ODDS_RATIO_FAMILIES = frozenset({"lognormal", "two_piece_lognormal"})
_TINY = 1e-290  # below this the inverse of the incomplete beta is replaced by its leading term


def to_working(values: npt.ArrayLike, scale: Scale) -> Floats:
    """Take probabilities to log odds, or odds ratios to logarithms; any shape, kept."""
    x = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore"):
        if scale == "odds_ratio":
            return np.log(np.maximum(x, 0.0))
        return special.logit(np.clip(x, 0.0, 1.0))


def from_working(values: Floats, scale: Scale) -> Floats:
    """Undo `to_working`; any shape, kept."""
    return np.exp(values) if scale == "odds_ratio" else special.expit(values)


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Many distributions side by side, none of them a point; the array form of `Distribution`.

    Attributes
    ----------
    is_beta : (n,) bool
        Beta, or else a two-piece normal on the working scale (one-piece: both spreads equal).
    params : (n, 3) float64
        Beta: a, b, unused. Two-piece: median, spread below it, spread above it (working scale).
    """

    is_beta: npt.NDArray[np.bool_]
    params: Floats

    @classmethod
    def of(cls, distributions: Sequence[Distribution]) -> Self:
        """Put distributions (no points) side by side."""
        params = np.zeros((len(distributions), 3))
        is_beta = np.zeros(len(distributions), dtype=np.bool_)
        for i, item in enumerate(distributions):
            if item.family == "point":
                raise OptionError("got a point, expected distributions with a spread")
            is_beta[i] = item.family == "beta"
            params[i, : len(item.params)] = item.params
            if item.family == "lognormal":
                params[i, 2] = item.params[1]
        return cls(is_beta, params)

    def tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return P(T <= t) and P(T > t) on the working scale.

        Parameters
        ----------
        t : (n, m) float64
            Working-scale values, m per distribution.

        Returns
        -------
        cdf, sf : (n, m) float64
            Each exact in its own small tail.
        """
        cdf, sf = np.empty(t.shape), np.empty(t.shape)
        normal = ~self.is_beta
        if normal.any():
            median, below, above = self.params[normal].T[:, :, None]  # (n_normal, 1) each
            d = t[normal] - median
            z = d / np.where(d < 0, below, above)
            cdf[normal], sf[normal] = special.ndtr(z), special.ndtr(-z)
        if self.is_beta.any():
            a, b = self.params[self.is_beta, :2].T[:, :, None]  # (n_beta, 1) each
            u = t[self.is_beta]
            # I_x(a, b) = 1 - I_{1-x}(b, a): stay on the side where x <= 1/2 (DLMF 8.17.4)
            flip = u > 0
            near_a, near_b = np.where(flip, b, a), np.where(flip, a, b)
            x = special.expit(-np.abs(u))
            near = special.betainc(near_a, near_b, x)
            far, big = 1 - near, near > 0.5
            far[big] = special.betaincc(near_a[big], near_b[big], x[big])
            cdf[self.is_beta] = np.where(flip, far, near)
            sf[self.is_beta] = np.where(flip, near, far)
        return cdf, sf

    def quantiles(self, p: Floats) -> Floats:
        """Return working-scale quantiles.

        Parameters
        ----------
        p : (n, m) float64
            Probabilities in [0, 1], m per distribution.

        Returns
        -------
        (n, m) float64
        """
        out = np.empty(p.shape)
        normal = ~self.is_beta
        if normal.any():
            median, below, above = self.params[normal].T[:, :, None]  # (n_normal, 1) each
            z = special.ndtri(p[normal])
            out[normal] = median + np.where(z < 0, below, above) * z
        if self.is_beta.any():
            a, b = self.params[self.is_beta, :2].T[:, :, None]  # (n_beta, 1) each
            out[self.is_beta] = beta_logit_quantiles(a, b, p[self.is_beta])
        return out


def beta_logit_quantiles(a: Floats, b: Floats, p: Floats) -> Floats:
    """Return log odds of the quantiles of Beta(a, b); all arguments broadcast together."""
    a, b, p = np.broadcast_arrays(a, b, p)
    x = special.betaincinv(a, b, p)
    with np.errstate(divide="ignore"):
        t = np.log(x) - np.log1p(-x)
    tiny = (x < _TINY) & (p > 0)
    if tiny.any():
        t[tiny] = _log_small_quantile(a[tiny], b[tiny], np.log(p[tiny]))
    high = x > 0.99  # 1 - x has lost digits: take the quantile of the mirrored Beta instead
    if high.any():
        y = special.betainccinv(b[high], a[high], p[high])
        with np.errstate(divide="ignore"):
            mirrored = np.log1p(-y) - np.log(y)
            log_sf = np.log1p(-p[high])
        small = (y < _TINY) & (p[high] < 1)
        mirrored[small] = -_log_small_quantile(b[high][small], a[high][small], log_sf[small])
        t[high] = mirrored
    return cast(Floats, t)


def _log_small_quantile(a: Floats, b: Floats, log_p: Floats) -> Floats:
    """Solve x**a / (a B(a, b)) = p, the leading term of the incomplete beta near 0, for log x."""
    return (log_p + np.log(a) + special.betaln(a, b)) / a


@dataclass(frozen=True, slots=True)
class Distribution:
    """A belief about one frequency or odds ratio.

    Attributes
    ----------
    family : str
        One of ``beta``, ``lognormal``, ``two_piece_logit_normal``, ``two_piece_lognormal``,
        ``point``.
    params : tuple of float
        ``beta``: a, b. ``lognormal``: mean and standard deviation of the logarithm.
        ``two_piece_*``: median, spread below and spread above it, on the log-odds or log scale;
        each half is half a normal and weighs one half, so the quantile function is ``median +
        spread * z(p)`` with the spread of that side. ``point``: 0, a judgement of *never*.

    Examples
    --------
    >>> belief = Distribution("beta", (3.5, 17.5))
    >>> round(float(belief.quantile(0.5)), 4)
    0.156
    >>> round(float(belief.cdf(0.156)), 2)
    0.5
    >>> Distribution("point", (0.0,)).quantile([0.05, 0.95])
    array([0., 0.])
    """

    family: Family
    params: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse parameters that are no distribution."""
        if self.family not in _N_PARAMS:
            raise OptionError(f"got family {self.family!r}, expected one of {get_args(Family)}")
        wanted = _N_PARAMS[self.family]
        if len(self.params) != wanted or not all(map(math.isfinite, self.params)):
            raise OptionError(
                f"{self.family}: got parameters {self.params}, expected {wanted} finite numbers"
            )
        positive = self.params if self.family == "beta" else self.params[1:]
        if any(value <= 0 for value in positive):
            raise OptionError(f"{self.family}: got parameters {self.params}, expected spreads above 0")
        if self.family == "point" and self.params != (0.0,):
            raise OptionError(f"point: got {self.params}, expected (0.0,), which stands for never")

    @property
    def scale(self) -> Scale:
        """Return ``odds_ratio`` for log-normal families, else ``probability``."""
        return "odds_ratio" if self.family in _ODDS_RATIO_FAMILIES else "probability"

    @property
    def is_never(self) -> bool:
        """Return whether this is the certainty of 0."""
        return self.family == "point"

    def cdf(self, x: npt.ArrayLike) -> Floats:
        """Return P(X <= x).

        Parameters
        ----------
        x : array of float
            Any shape, kept; linear, a probability or an odds ratio.
        """
        values = np.asarray(x, dtype=np.float64)
        if self.is_never:
            return (values >= 0).astype(np.float64)
        t = to_working(values, self.scale).reshape(1, -1)
        return Stack.of([self]).tails(t)[0].reshape(values.shape)

    def quantile(self, p: npt.ArrayLike) -> Floats:
        """Return the value below which `X` lies with probability `p`.

        Parameters
        ----------
        p : array of float
            Any shape, kept; in [0, 1], else a ValueError.
        """
        levels = np.asarray(p, dtype=np.float64)
        if not np.all((levels >= 0) & (levels <= 1)):
            raise OptionError(f"got p from {levels.min()} to {levels.max()}, expected it in [0, 1]")
        if self.is_never:
            return np.zeros(levels.shape)
        t = Stack.of([self]).quantiles(levels.reshape(1, -1))
        return from_working(t, self.scale).reshape(levels.shape)

    def sample(self, rng: np.random.Generator, size: int) -> Floats:
        """Return random values, (size,), linear.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int
            How many.
        """
        if self.is_never:
            return np.zeros(size)
        if self.family == "beta":
            return rng.beta(self.params[0], self.params[1], size)
        median, below, above = self.params[0], self.params[1], self.params[-1]
        z = rng.standard_normal(size)
        return from_working(median + np.where(z < 0, below, above) * z, self.scale)
