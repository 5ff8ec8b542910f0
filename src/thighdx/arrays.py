"""Logarithms of weights back to weights, without overflow: written once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["below_peak", "log_total", "softmax"]

Floats = npt.NDArray[np.float64]


def below_peak(logs: Floats) -> Floats:
    """Return weights with a largest of 1 along the last axis, from their logarithms.

    Parameters
    ----------
    logs : (..., n) float64
        One of them finite, along the last axis.

    Examples
    --------
    >>> below_peak(np.array([1000.0, 1000.0, -np.inf])).tolist()
    [1.0, 1.0, 0.0]
    """
    return np.asarray(np.exp(logs - logs.max(axis=-1, keepdims=True)))


def softmax(logs: Floats) -> Floats:
    """Return weights that add up to 1 along the last axis, (..., n), from logarithms up to a constant."""
    weights = below_peak(logs)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def log_total(logs: Floats) -> Floats:
    """Return log of the sum of exp(`logs`) along the last axis, which stays with length 1."""
    return np.asarray(logs.max(axis=-1, keepdims=True) + np.log(below_peak(logs).sum(axis=-1, keepdims=True)))
