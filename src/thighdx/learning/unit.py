"""One unit of learning: numbers whose likelihoods hang together, and what a unit must be able to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from thighdx.network.spec import Floats

__all__ = ["Evaluation", "Unit"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The log likelihood of the counts at some values.

    Attributes
    ----------
    value : float
        -inf where the values make something impossible that was met, or nothing solves the margins.
    gradient : (k,) float64
    information : (k, k) float64
        Expected information, positive semidefinite.
    """

    value: float
    gradient: Floats
    information: Floats

    @classmethod
    def impossible(cls, k: int) -> Self:
        """Return what is no place to be."""
        return cls(-np.inf, np.zeros(k), np.zeros((k, k)))


class Unit(Protocol):
    """Judgements whose likelihood can be looked at without the others.

    Values are on the working scale: log odds of probabilities, logarithms of odds ratios.
    """

    @property
    def judgement_idx(self) -> npt.NDArray[np.intp]:
        """Positions of its k judgements in the layout."""

    def evaluate(self, x: Floats) -> Evaluation:
        """Return log likelihood, gradient and information at the values `x`, (k,)."""

    def credits(self, x: Floats) -> tuple[Floats, Floats]:
        """Return how many records bear on each number, and how many count for it, (k,) each."""
