"""Elicited beliefs times what the data say about one number at a time, by quadrature on the working scale.

A prior is the mixture that the experts were pooled to, whatever its shape; what the data say is the exponential
of a quadratic, ``linear * t - precision * t**2 / 2``. Their product is the *tilted* belief. Nothing is assumed of
its shape: panels far apart stay two humps until the data choose one, which is how their weights are updated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.elicitation.distribution import Stack
from thighdx.elicitation.pool import Mixture
from thighdx.network.spec import Floats

__all__ = ["WIDER", "Beliefs", "Tilted", "stack_beliefs"]

N_GRID = 64  # points each over the prior, over the data, and between the two
FAR = 9.0  # standard deviations of the data's curve that are looked at
EDGE = 1e-9  # on either side of a step
TAIL = 1e-6  # of the prior left out on either side
WIDER = 3.0  # how much wider the prior is against which the stated one is weighed
LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Mixtures side by side, on the working scale; none of them a certainty.

    Attributes
    ----------
    stack : Stack of n_components distributions
    owner : (n_components,) intp
        The belief a component belongs to, ascending.
    median, low, high : (n,) float64
        Median, and ends of the range that matters.
    steps : (n, 2) float64
        Medians of the first and the last component: a two-piece density has a step there.
    """

    stack: Stack
    owner: npt.NDArray[np.intp]
    median: Floats
    low: Floats
    high: Floats
    steps: Floats

    @property
    def n(self) -> int:
        """Number of beliefs."""
        return len(self.median)

    def log_density(self, t: Floats) -> Floats:
        """Return the log density of every component, (n_components, m), for t of shape (n, m)."""
        own = t[self.owner]
        out = np.empty(own.shape)
        beta = self.stack.is_beta
        a, b = self.stack.params[beta, :2].T[:, :, None]
        u = own[beta]
        out[beta] = -a * np.logaddexp(0, -u) - b * np.logaddexp(0, u) - special.betaln(a, b)
        median, below, above = self.stack.params[~beta].T[:, :, None]
        spread = np.where(own[~beta] < median, below, above)
        z = (own[~beta] - median) / spread
        out[~beta] = -0.5 * z * z - np.log(spread) - 0.5 * np.log(2 * np.pi)
        return out

    def tilt(self, linear: Floats, precision: Floats) -> Tilted:
        """Multiply every belief with ``exp(linear * t - precision * t**2 / 2)``; both (n,), precision >= 0."""
        t = self._grid(linear, precision)
        step = np.diff(t, axis=1)
        width = np.zeros_like(t)
        width[:, :-1] += 0.5 * step
        width[:, 1:] += 0.5 * step
        data = linear[:, None] * t - 0.5 * precision[:, None] * t * t
        component = self.log_density(t) + data[self.owner]
        firsts = np.searchsorted(self.owner, np.arange(self.n))
        peak = np.maximum.reduceat(component.max(axis=1), firsts)
        mass = np.exp(component - peak[self.owner, None]) * width[self.owner]
        n_parts = np.bincount(self.owner, minlength=self.n)
        by_component = mass.sum(axis=1)
        whole = np.add.reduceat(by_component, firsts)
        density = np.add.reduceat(mass, firsts, axis=0) / whole[:, None]
        mean = (density * t).sum(axis=1)
        variance = (density * (t - mean[:, None]) ** 2).sum(axis=1)
        log_evidence = peak + np.log(whole / n_parts)
        return Tilted(t, density, mean, variance, by_component / whole[self.owner], log_evidence)

    def wide_log_evidence(self, linear: Floats, precision: Floats) -> Floats:
        """Return what `tilt` gives as evidence were every belief `WIDER` times as wide around its median."""
        # with t = median + WIDER * (u - median), the wide density of t is that of u divided by WIDER
        off = self.median * (1 - WIDER)
        moved = self.tilt(WIDER * (linear - precision * off), WIDER**2 * precision)
        return moved.log_evidence + linear * off - 0.5 * precision * off * off

    def _grid(self, linear: Floats, precision: Floats) -> Floats:
        """Return points where either factor or the space between them may matter, (n, m), ascending."""
        spread = self.high - self.low
        sd = 1 / np.sqrt(np.maximum(precision, (0.2 / spread) ** 2))
        center = np.clip(linear / np.maximum(precision, 1e-12), self.low - 3 * spread, self.high + 3 * spread)
        around = np.linspace(0.0, 1.0, N_GRID)
        prior = self.low[:, None] + spread[:, None] * around
        data = center[:, None] + FAR * sd[:, None] * (2 * around - 1)
        between = self.median[:, None] + (center - self.median)[:, None] * around
        near = self.median[:, None] + 0.1 * spread[:, None] * (2 * around - 1)
        return np.sort(
            np.concatenate([prior, data, between, near, self.steps - EDGE, self.steps + EDGE], axis=1), axis=1
        )


@dataclass(frozen=True, slots=True)
class Tilted:
    """Beliefs in the light of data.

    Attributes
    ----------
    t, mass : (n, m) float64
        Points of the working scale, and the probability around each.
    mean, variance : (n,) float64
    weights : (n_components,) float64
        Of the components of every mixture, which were equal before.
    log_evidence : (n,) float64
        Log of the mean of the data's factor under the prior.
    """

    t: Floats
    mass: Floats
    mean: Floats
    variance: Floats
    weights: Floats
    log_evidence: Floats

    def quantiles(self, levels: Sequence[float] = LEVELS) -> Floats:
        """Return quantiles on the working scale, (n, n_levels)."""
        middle = np.cumsum(self.mass, axis=1) - 0.5 * self.mass
        return np.array(
            [np.interp(levels, own, points) for own, points in zip(middle, self.t, strict=True)]
        ).reshape(len(self.t), len(levels))


def stack_beliefs(mixtures: Sequence[Mixture]) -> Beliefs:
    """Put mixtures side by side; components that are certain of 0 are left out."""
    parts = [[part for part in mixture.components if not part.is_never] for mixture in mixtures]
    stack = Stack.of([part for own in parts for part in own])
    owner = np.repeat(np.arange(len(parts)), [len(own) for own in parts]).astype(np.intp)
    ends = stack.quantiles(np.broadcast_to(np.array([TAIL, 0.5, 1 - TAIL]), (len(owner), 3)))
    firsts = np.searchsorted(owner, np.arange(len(parts)))
    low = np.minimum.reduceat(ends[:, 0], firsts)
    high = np.maximum.reduceat(ends[:, 2], firsts)
    lasts = np.append(firsts[1:], len(owner)) - 1
    steps = np.stack([ends[firsts, 1], ends[lasts, 1]], axis=1)
    zero = np.zeros(len(parts))
    flat = Beliefs(stack, owner, steps.mean(axis=1), low, high, steps)
    return replace(flat, median=flat.tilt(zero, zero).quantiles([0.5])[:, 0])
