"""Positions of all judgements in flat arrays, with their moments, and where a network uses each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from thighdx.elicitation.distribution import Distribution, to_working
from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.elicitation.pool import Mixture
from thighdx.network.build import Network
from thighdx.network.spec import Floats, NetworkSpec

__all__ = ["NO_JUDGEMENT", "Indices", "JudgementLayout", "judgement_layout", "working_moments"]

Indices = npt.NDArray[np.intp]
NO_JUDGEMENT = -1
"""Stands in the index arrays where a number is not judged: a missing row, or the state that takes the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgementLayout:
    """The judgements of a model side by side.

    The *working scale* is log odds for probabilities and the natural logarithm for odds ratios.

    Attributes
    ----------
    keys : tuple of (table, key)
    natural, point : (n_judgements,) float64
        The median, and the same on the working scale: -inf for a judgement of never.
    mean, sd, third_moment : (n_judgements,) float64
        Mean, standard deviation and third central moment of the pooled mixture on the working scale;
        the point, 0 and 0 for a judgement of never.
    shift : (n_judgements,) float64
        Mean minus median; 0 for a judgement of never.
    spread : (n_judgements,) float64
        Mean square distance from the median.
    shares : (n_settings, n_causes) intp
    is_replaced : (n_settings, n_causes) bool
        Where a user's own share stands in the network in place of the elicited one.
    frequencies : tuple over contexts of (n_settings, n_states) intp
    effects : tuple over contexts of (n_causes, n_states) intp
    links : tuple over findings of (n_causes, n_states - 1) intp
    backgrounds : tuple over findings of (n_states - 1,) intp
    pairs : (n_pairs, 3) intp
        Cause, cause, position.
    dependencies : (n_dependencies, 5) intp
        Context, state, context, state, position; judgements of never left out.
    """

    keys: tuple[PooledKey, ...]
    mixtures: tuple[Mixture, ...]
    is_odds_ratio: npt.NDArray[np.bool_]
    natural: Floats
    point: Floats
    mean: Floats
    sd: Floats
    third_moment: Floats
    shift: Floats
    spread: Floats
    shares: Indices
    is_replaced: npt.NDArray[np.bool_]
    frequencies: tuple[Indices, ...]
    effects: tuple[Indices, ...]
    links: tuple[Indices, ...]
    backgrounds: tuple[Indices, ...]
    pairs: Indices
    dependencies: Indices
    source: Mapping[PooledKey, PooledJudgement] = field(repr=False)

    @property
    def n_judgements(self) -> int:
        """Number of judgements."""
        return len(self.keys)

    def to_working(self, natural: Floats, columns: Indices) -> Floats:
        """Put some columns of natural values, (n, n_judgements), on the working scale, (n, n_columns)."""
        chosen, is_odds_ratio = natural[:, columns], self.is_odds_ratio[columns]
        with np.errstate(divide="ignore"):
            rest = np.log1p(-np.where(is_odds_ratio, 0.0, chosen))
            return np.asarray(np.log(chosen) - rest)


def judgement_layout(network: Network, pooled: Mapping[PooledKey, PooledJudgement]) -> JudgementLayout:
    """Return the layout of a network's judgements, made at first use and kept with the network."""
    # the layout holds `pooled`, so that nothing else can come to have its identity
    return network.once(("judgement_layout", id(pooled)), lambda: _make(network.spec, pooled))


def _make(spec: NetworkSpec, pooled: Mapping[PooledKey, PooledJudgement]) -> JudgementLayout:
    """Place every judgement."""
    position: dict[tuple[str, tuple[str, ...]], int] = {key: i for i, key in enumerate(pooled)}

    def at(table: str, *key: str) -> int:
        return position.get((table, key), NO_JUDGEMENT)

    items = list(pooled.values())
    is_odds_ratio = np.array([item.scale == "odds_ratio" for item in items])
    natural = np.array([item.point for item in items])
    point = np.where(
        is_odds_ratio, to_working(natural, "odds_ratio"), to_working(natural * ~is_odds_ratio, "probability")
    )
    mixtures = tuple(item.distribution for item in items)
    mean, sd, third_moment = working_moments(mixtures, point)
    is_certain = np.isneginf(point)
    shift = np.where(is_certain, 0.0, mean - np.where(is_certain, 0.0, point))
    shares = _table([[at("shares", c, setting) for c in spec.causes] for setting in spec.settings])
    is_replaced = (shares >= 0) & (spec.shares != natural[shares])
    names = {context.id: i for i, context in enumerate(spec.contexts)}
    cause_idx = {cause: i for i, cause in enumerate(spec.causes)}
    pairs = [
        (cause_idx[key[0]], cause_idx[key[2]], i)
        for i, (table, key) in enumerate(pooled)
        if table == "effects" and key[0] in cause_idx and key[2] in cause_idx
    ]
    dependencies = [
        (names[key[0]], _state(spec, key[0], key[1]), names[key[2]], _state(spec, key[2], key[3]), i)
        for i, (table, key) in enumerate(pooled)
        if table == "dependencies" and np.isfinite(point[i])
    ]
    return JudgementLayout(
        keys=tuple(pooled),
        mixtures=mixtures,
        is_odds_ratio=is_odds_ratio,
        natural=natural,
        point=point,
        mean=mean,
        sd=sd,
        third_moment=third_moment,
        shift=shift,
        spread=sd**2 + shift**2,
        shares=shares,
        is_replaced=is_replaced,
        frequencies=tuple(
            _table([[at("frequencies", c.id, state, s) for state in c.states] for s in spec.settings])
            for c in spec.contexts
        ),
        effects=tuple(
            _table([[at("effects", c.id, state, cause) for state in c.states] for cause in spec.causes])
            for c in spec.contexts
        ),
        links=tuple(
            _table([[at("links", cause, f.id, state) for state in f.states[1:]] for cause in spec.causes])
            for f in spec.findings
        ),
        backgrounds=tuple(
            np.array([at("backgrounds", f.id, state) for state in f.states[1:]], dtype=np.intp)
            for f in spec.findings
        ),
        pairs=np.array(pairs, dtype=np.intp).reshape(-1, 3),
        dependencies=np.array(dependencies, dtype=np.intp).reshape(-1, 5),
        source=pooled,
    )


def _table(rows: Sequence[Sequence[int]]) -> Indices:
    """Make a rectangular array of positions."""
    return np.array(rows, dtype=np.intp)


def _state(spec: NetworkSpec, context: str, state: str) -> int:
    """Return the position of a state of a context."""
    return next(c for c in spec.contexts if c.id == context).states.index(state)


def working_moments(mixtures: Sequence[Mixture], point: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean, standard deviation and third central moment of mixtures on the working scale.

    Parameters
    ----------
    mixtures : sequence of n Mixture
    point : (n,) float64
        What stands for the mean where everything is certain.

    Notes
    -----
    In closed form: the logarithm of a Beta's odds has polygamma differences as cumulants, the halves of a
    two-piece normal the absolute moments of a normal, and raw moments of a mixture are averages.

    Examples
    --------
    >>> mean, sd, third_moment = working_moments([Mixture((Distribution("lognormal", (0.5, 0.2)),))], np.zeros(1))
    >>> mean, sd, abs(third_moment) < 1e-15
    (array([0.5]), array([0.2]), array([ True]))
    """
    mean, sd, third_moment = point.copy(), np.zeros(len(point)), np.zeros(len(point))
    counts = [0 if mixture.is_never else len(mixture.components) for mixture in mixtures]
    parts = [c for mixture, n in zip(mixtures, counts, strict=True) if n for c in mixture.components]
    if not parts:
        return mean, sd, third_moment
    rows = np.flatnonzero(counts)
    firsts = np.concatenate([[0], np.cumsum(np.array(counts)[rows])[:-1]])
    own = _component_moments(parts)  # (3, n_parts): mean, variance, third central moment
    share = 1.0 / np.array(counts)[rows]
    center = np.add.reduceat(own[0], firsts) * share
    off = own[0] - np.repeat(center, np.array(counts)[rows])
    mean[rows] = center
    sd[rows] = np.sqrt(np.add.reduceat(own[1] + off**2, firsts) * share)
    third_moment[rows] = np.add.reduceat(own[2] + 3 * off * own[1] + off**3, firsts) * share
    return mean, sd, third_moment


def _component_moments(parts: Sequence[Distribution]) -> Floats:
    """Return mean, variance and third central moment of every component, (3, n_parts)."""
    out = np.zeros((3, len(parts)))
    is_beta = np.array([part.family == "beta" for part in parts])
    if is_beta.any():
        a, b = np.array([part.params for part in parts if part.family == "beta"]).T
        out[0, is_beta] = special.digamma(a) - special.digamma(b)
        out[1, is_beta] = special.polygamma(1, a) + special.polygamma(1, b)
        out[2, is_beta] = special.polygamma(2, a) - special.polygamma(2, b)
    normal = [(p.params[0], p.params[1], p.params[-1]) for p in parts if p.family not in ("beta", "point")]
    if normal:
        median, below, above = np.array(normal).T
        first = (above - below) / np.sqrt(2 * np.pi)  # raw moments about the median
        second = (below**2 + above**2) / 2
        cube = (above**3 - below**3) * np.sqrt(2 / np.pi)
        place = np.array([p.family not in ("beta", "point") for p in parts])
        out[0, place] = median + first
        out[1, place] = second - first**2
        out[2, place] = cube - 3 * first * second + 2 * first**3
    return out
