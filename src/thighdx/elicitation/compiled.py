"""Fits and pooled values as plain data, so that loading a model fits nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from thighdx.elicitation.distribution import Distribution
from thighdx.elicitation.judgements import ExpertBelief, PooledJudgement, PooledKey
from thighdx.elicitation.pool import Mixture
from thighdx.elicitation.rows import table_scale
from thighdx.kb.records import Judgement, JudgementTable, KnowledgeBase

__all__ = ["PLAIN_FORMAT", "from_plain", "to_plain"]

PLAIN_FORMAT = 1


def to_plain(pooled: Mapping[PooledKey, PooledJudgement]) -> dict[str, Any]:
    """Turn pooled judgements into lists, strings and floats.

    Returns
    -------
    dict
        ``{"format": 1, table: {"key|parts": [point, corrected_by, experts]}}`` with one
        ``[expert, family, params, is_filled, is_used]`` per expert. Written with `json` and read
        back, every float is the same.
    """
    plain: dict[str, Any] = {"format": PLAIN_FORMAT}
    for (table, key), item in pooled.items():
        experts = [
            [
                belief.expert,
                belief.distribution.family,
                list(belief.distribution.params),
                belief.is_filled,
                is_used,
            ]
            for belief, is_used in zip(item.experts, _used(item), strict=True)
        ]
        plain.setdefault(table, {})["|".join(key)] = [item.point, item.corrected_by, experts]
    return plain


def _used(item: PooledJudgement) -> list[bool]:
    """Return who is in the distribution finally used."""
    if item.corrected_by is None:
        return [True] * len(item.experts)
    return [belief.expert == item.corrected_by for belief in item.experts]


def from_plain(plain: Mapping[str, Any], kb: KnowledgeBase) -> Mapping[PooledKey, PooledJudgement]:
    """Undo `to_plain`; the rows behind each number are taken from the knowledge base.

    Raises
    ------
    ValueError
        If `plain` is of another format, or not about the numbers of `kb`.
    """
    if plain.get("format") != PLAIN_FORMAT:
        raise ValueError(f"got format {plain.get('format')!r}, expected {PLAIN_FORMAT}: build again")
    rows: dict[PooledKey, list[Judgement]] = {}
    for row in kb.judgements:
        rows.setdefault((row.table, row.key), []).append(row)
    tables: tuple[JudgementTable, ...] = get_args(JudgementTable)
    places = [
        (table, tuple(name.split("|")), entry)
        for table in tables
        for name, entry in plain.get(table, {}).items()
    ]
    if {(table, key) for table, key, _ in places} != rows.keys():
        raise ValueError("got numbers other than those of the knowledge base: build again")
    return {(table, key): _revive(table, key, entry, rows[table, key]) for table, key, entry in places}


def _revive(
    table: JudgementTable, key: tuple[str, ...], entry: list[Any], rows: list[Judgement]
) -> PooledJudgement:
    point, corrected_by, experts = entry
    beliefs = tuple(
        ExpertBelief(name, Distribution(family, tuple(params)), is_filled)
        for name, family, params, is_filled, _ in experts
    )
    used = tuple(belief.distribution for belief, line in zip(beliefs, experts, strict=True) if line[4])
    sources = tuple(dict.fromkeys(name for row in rows for name in row.sources))
    return PooledJudgement(
        table,
        key,
        table_scale(table),
        beliefs,
        Mixture(used),
        point,
        corrected_by,
        sources,
        tuple(rows),
    )
