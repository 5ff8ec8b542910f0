"""The leading causes of every row, as columns."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from thighdx.errors import TableError
from thighdx.network.spec import Floats

__all__ = ["check_top", "top_causes", "top_columns"]


def check_top(top: object, n_ranked: int) -> None:
    """Refuse a number of leading causes that makes no sense.

    Raises
    ------
    TableError
    """
    is_count = isinstance(top, numbers.Integral) and not isinstance(top, bool)
    if top is not None and not (is_count and 1 <= int(top) <= n_ranked):  # type: ignore[call-overload]  # is a whole number
        raise TableError(f"top: got {top!r}, expected a whole number from 1 to {n_ranked}")


def top_columns(top: int) -> list[str]:
    """Return the names of the columns.

    Examples
    --------
    >>> top_columns(2)
    ['top_1', 'top_1_probability', 'top_2', 'top_2_probability']
    """
    return [f"top_{rank}{end}" for rank in range(1, top + 1) for end in ("", "_probability")]


def top_causes(
    posterior: Floats, causes: Sequence[str], top: int
) -> list[tuple[npt.NDArray[np.int32], Floats]]:
    """Return, rank by rank, the position of the cause and its probability.

    Parameters
    ----------
    posterior : (n_rows, n_causes) float64
        Of the causes that take part in rankings; NaN in rows that could not be scored.
    causes : sequence of str
        Their ids; of equally probable causes the first comes first.

    Returns
    -------
    list of (n_rows,) int32 and (n_rows,) float64
        -1 and NaN in rows that could not be scored.
    """
    order = np.argsort(-posterior, axis=1, kind="stable")[:, :top]  # (n_rows, top)
    values = np.take_along_axis(posterior, order, axis=1)
    places = np.where(np.isnan(values), -1, order).astype(np.int32)
    return [(places[:, rank], values[:, rank]) for rank in range(min(top, len(causes)))]
