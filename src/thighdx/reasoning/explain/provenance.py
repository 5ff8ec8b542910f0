"""From a variable and a cause back to the judgements that connect them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from thighdx.elicitation.judgements import PooledJudgement, PooledKey
from thighdx.kb.records import JudgementTable, Key
from thighdx.network.build import Network
from thighdx.plain import Plain
from thighdx.reasoning.evidence_terms import EvidenceItem

__all__ = ["OWN_SHARE", "Basis", "judgements_behind", "judgements_of_prior"]

OWN_SHARE = "rebased"
"""Stands for the source of a share that a user put in place of the elicited one."""


@dataclass(frozen=True, slots=True)
class Basis(Plain):
    """A judgement that a figure rests on.

    Attributes
    ----------
    table, key
        Which number, in the words of the knowledge base.
    point : float
        The value the model uses: linear; an odds ratio in effects and dependencies.
    sources : tuple of str
        Ids of evidence, seeds and citations.
    """

    table: JudgementTable
    key: Key
    point: float
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the number as one word, for tables."""
        return ":".join([self.table, "|".join(self.key)])


def judgements_behind(
    network: Network,
    pooled: Mapping[PooledKey, PooledJudgement],
    item: EvidenceItem,
    causes: Iterable[str],
    *,
    setting: str,
) -> tuple[Basis, ...]:
    """Return the judgements that say what a piece of evidence means for some causes.

    Links and backgrounds of a finding (the rows next to its known state), or effects, frequencies in the
    setting and dependencies of a context. A cause without a row on the variable counts as background, or
    as odds ratio 1, and adds nothing. For evidence about a cause: its effects on other causes.
    """
    if item.is_cause:
        return _present(pooled, _cause_keys(pooled, item.name))
    if item.position < network.n_contexts:
        return _present(pooled, _context_keys(network, pooled, item, list(causes), setting))
    states = network.states[item.position]
    # P(X = s) is P(X >= s) less P(X >= s + 1)
    near = range(len(states)) if item.likelihood else (item.state_idx, item.state_idx + 1)
    rows = [states[s] for s in near if 0 < s < len(states)]
    keys: list[PooledKey] = [("links", (c, item.name, row)) for c in causes for row in rows]
    return _present(pooled, [*keys, *(("backgrounds", (item.name, row)) for row in rows)])


def judgements_of_prior(
    network: Network,
    pooled: Mapping[PooledKey, PooledJudgement],
    causes: Iterable[str],
    *,
    setting_idx: int,
) -> tuple[Basis, ...]:
    """Return the shares of some causes in a setting, and their effects on and from other causes."""
    spec, found = network.spec, list[Basis]()
    for cause in causes:
        key = (cause, spec.settings[setting_idx])
        share = float(spec.shares[setting_idx, spec.causes.index(cause)])
        item = pooled.get(("shares", key))
        if item is None or item.point != share:
            found.append(Basis("shares", key, share, (OWN_SHARE,)))
        else:
            found.append(Basis("shares", key, share, item.sources))
        found += _present(pooled, _cause_keys(pooled, cause, within=spec.causes))
    return tuple(dict.fromkeys(found))


def _context_keys(
    network: Network,
    pooled: Mapping[PooledKey, PooledJudgement],
    item: EvidenceItem,
    causes: list[str],
    setting: str,
) -> list[PooledKey]:
    """Return every number about a context and some causes: all states share one base."""
    states = network.states[item.position]
    keys: list[PooledKey] = [("effects", (item.name, state, cause)) for cause in causes for state in states]
    keys += [("frequencies", (item.name, state, setting)) for state in states]
    in_block = any(len(b.context_idx) > 1 and item.position in b.context_idx for b in network.blocks)
    if in_block:
        keys += [
            (table, key) for table, key in pooled if table == "dependencies" and item.name in (key[0], key[2])
        ]
    return keys


def _cause_keys(
    pooled: Mapping[PooledKey, PooledJudgement], cause: str, within: tuple[str, ...] | None = None
) -> list[PooledKey]:
    """Return the effects of a cause on other causes and theirs on it."""
    return [
        (table, key)
        for table, key in pooled
        if table == "effects"
        and key[1] == "present"
        and cause in (key[0], key[2])
        and (within is None or (key[0] in within and key[2] in within))
    ]


def _present(pooled: Mapping[PooledKey, PooledJudgement], keys: Iterable[PooledKey]) -> tuple[Basis, ...]:
    """Return the judgements that exist, each once, in the order asked for."""
    found = ((key, pooled.get(key)) for key in dict.fromkeys(keys))
    return tuple(
        Basis(table, key, item.point, item.sources) for (table, key), item in found if item is not None
    )
