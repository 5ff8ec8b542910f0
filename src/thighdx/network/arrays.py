"""The numbers of a network as a few named arrays, and whether they can be what they claim to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from thighdx.network.build import SolvedParameters, log_prior
from thighdx.network.explanations import enumerate_explanations
from thighdx.network.solve import MARGIN_TOLERANCE
from thighdx.network.spec import ContextSpec, FindingSpec, Floats, NetworkSpec

__all__ = ["find_fault", "network_from_arrays", "network_to_arrays"]

Arrays = Mapping[str, npt.NDArray[Any]]


def network_to_arrays(
    spec: NetworkSpec, solved: SolvedParameters
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return names as plain data, and numbers as arrays.

    Returns
    -------
    plain : dict
        Causes, settings, contexts and findings with their states, pairs of causes and dependencies.
    arrays : dict of float64 array
        ``shares``, ``theta`` (n_settings, n_causes); ``frequency``, ``factor`` (n_settings, n_context_states);
        ``odds_ratio`` (n_causes, n_context_states); ``background`` (n_upper_states,) and ``cumulative``
        (n_causes, n_upper_states): the states of all contexts, and all but the lowest of all findings, side by
        side; ``pair_odds_ratio`` and ``dependency``.
    """
    n_settings, n_causes = spec.shares.shape
    plain = {
        "causes": spec.causes,
        "max_causes": spec.max_causes,
        "settings": spec.settings,
        "contexts": [(item.id, item.layer, item.states) for item in spec.contexts],
        "findings": [(item.id, item.layer, item.states) for item in spec.findings],
        "pairs": list(spec.pair_odds_ratio),
        "dependencies": [(*one, *other) for one, other in spec.dependencies],
    }
    factors = [np.concatenate([np.zeros(0), *row]) for row in solved.factors]
    arrays = {
        "shares": spec.shares,
        "theta": solved.theta,
        "frequency": _beside(n_settings, [item.frequency for item in spec.contexts]),
        "odds_ratio": _beside(n_causes, [item.odds_ratio for item in spec.contexts]),
        "factor": np.stack(factors),
        "background": np.concatenate([np.zeros(0), *(item.background for item in spec.findings)]),
        "cumulative": _beside(n_causes, [item.cumulative for item in spec.findings]),
        "pair_odds_ratio": np.array(list(spec.pair_odds_ratio.values()), dtype=np.float64),
        "dependency": np.array(list(spec.dependencies.values()), dtype=np.float64),
    }
    return plain, arrays


def _beside(height: int, parts: Sequence[Floats]) -> Floats:
    """Put tables side by side, none of them too."""
    return np.concatenate([np.zeros((height, 0)), *parts], axis=1)


def network_from_arrays(plain: Mapping[str, Any], arrays: Arrays) -> tuple[NetworkSpec, SolvedParameters]:
    """Undo `network_to_arrays`.

    Raises
    ------
    ValueError, KeyError
        If something is missing or does not fit together.
    """
    causes, settings = tuple(plain["causes"]), tuple(plain["settings"])
    contexts = [(name, layer, tuple(states)) for name, layer, states in plain["contexts"]]
    findings = [(name, layer, tuple(states)) for name, layer, states in plain["findings"]]
    widths = [len(states) for _, _, states in contexts]
    upper = [len(states) - 1 for _, _, states in findings]
    shape = (len(settings), len(causes))
    shares, theta = _of_shape(arrays["shares"], shape), _of_shape(arrays["theta"], shape)
    frequency = _split(arrays["frequency"], len(settings), widths)
    odds_ratio = _split(arrays["odds_ratio"], len(causes), widths)
    factor = _split(arrays["factor"], len(settings), widths)
    background = _split(arrays["background"][None, :], 1, upper)
    cumulative = _split(arrays["cumulative"], len(causes), upper)
    spec = NetworkSpec(
        causes=causes,
        max_causes=plain["max_causes"],
        settings=settings,
        shares=shares,
        pair_odds_ratio={
            (a, b): value
            for (a, b), value in zip(plain["pairs"], arrays["pair_odds_ratio"].tolist(), strict=True)
        },
        contexts=tuple(
            ContextSpec(*names, own, odds)
            for names, own, odds in zip(contexts, frequency, odds_ratio, strict=True)
        ),
        findings=tuple(
            FindingSpec(*names, own[0], rows)
            for names, own, rows in zip(findings, background, cumulative, strict=True)
        ),
        dependencies={
            ((a, s), (b, t)): value
            for (a, s, b, t), value in zip(plain["dependencies"], arrays["dependency"].tolist(), strict=True)
        },
    )
    factors = tuple(tuple(own[row].copy() for own in factor) for row in range(len(settings)))
    return spec, SolvedParameters(theta, factors)


def _of_shape(array: npt.NDArray[Any], shape: tuple[int, ...]) -> Floats:
    """Return an array of double-precision numbers of the expected shape."""
    if array.shape != shape or array.dtype != np.float64:
        raise ValueError(f"got {array.dtype} numbers of shape {array.shape}, expected float64 of {shape}")
    return array


def _split(array: npt.NDArray[Any], height: int, widths: Sequence[int]) -> list[Floats]:
    """Take tables apart that stand side by side."""
    _of_shape(array, (height, sum(widths)))
    return (
        [np.ascontiguousarray(part) for part in np.split(array, np.cumsum(widths)[:-1], axis=1)]
        if widths
        else []
    )


def find_fault(spec: NetworkSpec, solved: SolvedParameters) -> str:
    """Say what cannot be true of a solved network, in a few words; nothing if all is well.

    Ranges of all numbers, and whether the solved priors reproduce the shares: what a network made by other code, or
    with a number changed by hand, is found out by in some milliseconds.
    """
    return next(_faults(spec, solved), "")


def _faults(spec: NetworkSpec, solved: SolvedParameters) -> Iterator[str]:
    """Yield faults, cheapest first."""
    if not ((spec.shares > 0) & (spec.shares < 1)).all():
        yield "a share is outside (0, 1)"
    if not np.isfinite(solved.theta).all():
        yield "theta is not finite"
    for column, context in enumerate(spec.contexts):
        sums = context.frequency.sum(axis=1)
        if not ((context.frequency >= 0) & (np.abs(sums - 1) < MARGIN_TOLERANCE)[:, None]).all():
            yield f"frequencies of {context.id} are not those of exclusive states"
        if not ((context.odds_ratio >= 0) & (context.odds_ratio < np.inf)).all():
            yield f"an odds ratio of {context.id} is below 0 or not finite"
        if not all((row[column] < np.inf).all() for row in solved.factors):
            yield f"a factor of {context.id} is not a number"
    for finding in spec.findings:
        if not ((finding.background > 0) & (finding.background < 1)).all():
            yield f"a background of {finding.id} is outside (0, 1)"
        if not (np.isnan(finding.cumulative) | ((finding.cumulative >= 0) & (finding.cumulative <= 1))).all():
            yield f"a frequency of {finding.id} is outside [0, 1]"
    if not all(
        0 <= value < np.inf for value in (*spec.pair_odds_ratio.values(), *spec.dependencies.values())
    ):
        yield "an odds ratio of a pair is below 0 or not finite"
    yield from _missed_shares(spec, solved)


def _missed_shares(spec: NetworkSpec, solved: SolvedParameters) -> Iterator[str]:
    """Compare the prior margins of every setting with the shares."""
    explanations = enumerate_explanations(len(spec.causes), spec.max_causes)
    places = explanations.members.ravel()
    for setting, shares, theta in zip(spec.settings, spec.shares, solved.theta, strict=True):
        prior = np.exp(log_prior(spec, explanations, theta))
        weights = np.repeat(prior, spec.max_causes)
        found = np.bincount(places, weights=weights, minlength=len(shares) + 1)[: len(shares)]
        gap = float(np.abs(found - shares).max())
        if not gap <= MARGIN_TOLERANCE:
            cause = spec.causes[int(np.abs(found - shares).argmax())]
            yield f"the solved prior misses the share of {cause} in {setting} by {gap:.2g}"
