"""The plain numbers a network is built from: point values only, no files, no distributions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["ContextSpec", "FindingSpec", "Floats", "NetworkSpec", "read_only"]

Floats: TypeAlias = npt.NDArray[np.float64]
_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def read_only(array: _Array) -> _Array:
    """Make an array read-only and return it."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True)
class ContextSpec:
    """A context or pathology.

    Attributes
    ----------
    frequency : (n_settings, n_states) float64
        P(state | complaint, setting); every row sums to 1.
    odds_ratio : (n_causes, n_states) float64
        Odds ratio of each state against the reference state when the cause is present; the first
        column is 1 unless another state is the only possible one. 0 marks an impossible state.
    """

    id: str
    layer: str
    states: tuple[str, ...]
    frequency: Floats
    odds_ratio: Floats


@dataclass(frozen=True, slots=True)
class FindingSpec:
    """A finding or test, ordered states from absent/none upward.

    Attributes
    ----------
    background : (n_states - 1,) float64
        P(X >= s) for every state but the lowest when no cause has anything to do with it, in (0, 1).
    cumulative : (n_causes, n_states - 1) float64
        P(X >= s | the cause alone is present); NaN where there is no row (then the background holds).
    """

    id: str
    layer: str
    states: tuple[str, ...]
    background: Floats
    cumulative: Floats


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Everything `build_network` needs.

    Attributes
    ----------
    shares : (n_settings, n_causes) float64
        P(cause present | complaint, setting).
    pair_odds_ratio : mapping of (cause, cause) to float
        Cause-to-cause effects, at most one entry per unordered pair.
    dependencies : mapping of ((variable, state), (variable, state)) to float
        Factors of the joint base table of the contexts they connect; 0 marks an impossible pair. Contexts
        connected by dependencies form one block; all others are independent given the causes.
    """

    causes: tuple[str, ...]
    max_causes: int
    settings: tuple[str, ...]
    shares: Floats
    pair_odds_ratio: Mapping[tuple[str, str], float]
    contexts: tuple[ContextSpec, ...]
    findings: tuple[FindingSpec, ...]
    dependencies: Mapping[tuple[tuple[str, str], tuple[str, str]], float]
