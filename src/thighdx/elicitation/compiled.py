"""Fits and pooled values as plain arrays, so that loading a model fits nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from thighdx.elicitation.distribution import Distribution, Family
from thighdx.elicitation.judgements import ExpertBelief, PooledJudgement, PooledKey
from thighdx.elicitation.pool import Mixture
from thighdx.elicitation.rows import table_scale
from thighdx.kb.records import Judgement, JudgementTable, KnowledgeBase

__all__ = ["from_arrays", "to_arrays"]

_FAMILIES: tuple[Family, ...] = get_args(Family)
_TABLES: tuple[JudgementTable, ...] = get_args(JudgementTable)
_NOBODY = -1


def to_arrays(pooled: Mapping[PooledKey, PooledJudgement], kb: KnowledgeBase) -> dict[str, npt.NDArray[Any]]:
    """Turn pooled judgements into arrays.

    Returns
    -------
    dict of array
        ``point`` (n_numbers,); ``corrected_by`` and ``n_beliefs`` (n_numbers,): the position of the correcting
        expert in the manifest or -1, and how many beliefs follow; ``expert``, ``family``, ``is_filled``
        (n_beliefs,) and ``params`` (n_beliefs, 3), NaN where a family has fewer. Numbers are in the order of
        their first rows in the tables.
    """
    if tuple(pooled) != tuple(_rows_by_number(kb)):
        raise ValueError("got numbers other than those of the knowledge base, or in another order")
    experts = {item.id: position for position, item in enumerate(kb.manifest.experts)}
    beliefs = [belief for item in pooled.values() for belief in item.experts]
    params = np.full((len(beliefs), 3), np.nan)
    for row, belief in enumerate(beliefs):
        params[row, : len(belief.distribution.params)] = belief.distribution.params
    correcting = [
        _NOBODY if item.corrected_by is None else experts[item.corrected_by] for item in pooled.values()
    ]
    families = [_FAMILIES.index(belief.distribution.family) for belief in beliefs]
    return {
        "point": np.array([item.point for item in pooled.values()], dtype=np.float64),
        "corrected_by": np.array(correcting, dtype=np.int16),
        "n_beliefs": np.array([len(item.experts) for item in pooled.values()], dtype=np.int16),
        "expert": np.array([experts[belief.expert] for belief in beliefs], dtype=np.int16),
        "family": np.array(families, dtype=np.uint8),
        "params": params,
        "is_filled": np.array([belief.is_filled for belief in beliefs], dtype=np.bool_),
    }


def from_arrays(
    arrays: Mapping[str, npt.NDArray[Any]], kb: KnowledgeBase
) -> dict[PooledKey, PooledJudgement]:
    """Undo `to_arrays`; the rows behind each number are taken from the knowledge base.

    Raises
    ------
    ValueError
        If the arrays are not about the numbers of `kb`.
    """
    numbers = _rows_by_number(kb)
    if len(numbers) != len(arrays["point"]):
        raise ValueError("got numbers other than those of the knowledge base: build again")
    names = [item.id for item in kb.manifest.experts]
    beliefs = [
        ExpertBelief(names[expert], _distribution(family, params), is_filled)
        for expert, family, params, is_filled in zip(
            *(arrays[name].tolist() for name in ("expert", "family", "params", "is_filled")), strict=True
        )
    ]
    pooled, start = {}, 0
    for (key, rows), point, correcting, count in zip(
        numbers.items(),
        *(arrays[name].tolist() for name in ("point", "corrected_by", "n_beliefs")),
        strict=True,
    ):
        corrected_by = None if correcting == _NOBODY else names[correcting]
        pooled[key] = _pooled(key, rows, beliefs[start : start + count], point, corrected_by)
        start += count
    return pooled


def _rows_by_number(kb: KnowledgeBase) -> dict[PooledKey, list[Judgement]]:
    """Return the rows on every number, table by table."""
    found: dict[PooledKey, list[Judgement]] = {}
    for row in sorted(kb.judgements, key=lambda row: _TABLES.index(row.table)):
        found.setdefault((row.table, row.key), []).append(row)
    return found


def _distribution(family: int, params: list[float]) -> Distribution:
    """Leave out the parameters that a family does not have."""
    return Distribution(_FAMILIES[family], tuple(value for value in params if value == value))


def _pooled(
    number: PooledKey,
    rows: list[Judgement],
    beliefs: list[ExpertBelief],
    point: float,
    corrected_by: str | None,
) -> PooledJudgement:
    """Put one number together again."""
    table, key = number
    used = tuple(item.distribution for item in beliefs if corrected_by in (None, item.expert))
    sources = tuple(dict.fromkeys(name for row in rows for name in row.sources))
    return PooledJudgement(
        table,
        key,
        table_scale(table),
        tuple(beliefs),
        Mixture(used),
        point,
        corrected_by,
        sources,
        tuple(rows),
    )
