"""The judgements that a piece of evidence or a base rate rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from thighdx.compiled.case import Case
from thighdx.compiled.compiled_model import CompiledModel
from thighdx.elicitation.judgements import PooledKey
from thighdx.kb.records import JudgementTable, Key
from thighdx.plain import Plain
from thighdx.reasoning.evidence_terms import EvidenceItem

__all__ = ["OWN_SHARE", "Basis", "judgements_behind", "judgements_of_prior"]

OWN_SHARE = "rebased"
"""Stands for the source of a base rate that a user put in place of the elicited one."""


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


def judgements_behind(case: Case, item: EvidenceItem, causes: Sequence[str]) -> tuple[Basis, ...]:
    """Return the judgements that say what a piece of evidence means for some causes.

    Links and backgrounds of a finding (the rows next to its known state), or effects, frequencies in the
    setting and dependencies of a context. A cause without a row on the variable counts as background, or
    as odds ratio 1, and adds nothing. For evidence about a cause: its effects on other causes.
    """
    if item.is_cause:
        return _present(case, _cause_keys(case, item.name))
    if item.position < case.network.n_contexts:
        return _present(case, _context_keys(case, item, causes))
    states = case.network.states[item.position]
    # P(X = s) is P(X >= s) less P(X >= s + 1)
    near = range(len(states)) if item.likelihood else (item.state_idx, item.state_idx + 1)
    rows = [states[s] for s in near if 0 < s < len(states)]
    keys: list[PooledKey] = [("links", (c, item.name, row)) for c in causes for row in rows]
    return _present(case, [*keys, *(("backgrounds", (item.name, row)) for row in rows)])


def judgements_of_prior(case: Case, causes: Iterable[str]) -> tuple[Basis, ...]:
    """Return the base rates of some causes in the setting, and their effects on and from other causes."""
    spec, found = case.network.spec, list[Basis]()
    for cause in causes:
        key = (cause, case.setting)
        share = float(spec.shares[case.setting_idx, spec.causes.index(cause)])
        item = case.compiled.pooled.get(("shares", key))
        sources = item.sources if item and item.point == share else (OWN_SHARE,)
        found.append(Basis("shares", key, share, sources))
        found += _present(case, _cause_keys(case, cause, within=spec.causes))
    return tuple(dict.fromkeys(found))


def _context_keys(case: Case, item: EvidenceItem, causes: Iterable[str]) -> list[PooledKey]:
    """Return every number about a context and some causes: all states share one base."""
    states = case.network.states[item.position]
    keys: list[PooledKey] = [("effects", (item.name, state, cause)) for cause in causes for state in states]
    keys += [("frequencies", (item.name, state, case.setting)) for state in states]
    return [*keys, *case.compiled.once(_pairs).get(("dependencies", item.name), [])]


def _cause_keys(case: Case, cause: str, within: tuple[str, ...] | None = None) -> list[PooledKey]:
    """Return the effects of a cause on other causes and theirs on it."""
    return [
        (table, key)
        for table, key in case.compiled.once(_pairs).get(("effects", cause), [])
        if key[1] == "present" and (within is None or (key[0] in within and key[2] in within))
    ]


def _pairs(compiled: CompiledModel) -> dict[tuple[JudgementTable, str], list[PooledKey]]:
    """Return the judgements about two variables or causes, by table and by either of the two."""
    found: dict[tuple[JudgementTable, str], list[PooledKey]] = {}
    for table, key in compiled.pooled:
        if table in ("effects", "dependencies"):
            for name in {key[0], key[2]}:
                found.setdefault((table, name), []).append((table, key))
    return found


def _present(case: Case, keys: Iterable[PooledKey]) -> tuple[Basis, ...]:
    """Return the judgements that exist, each once, in the order asked for."""
    pooled = case.compiled.pooled
    found = ((key, pooled.get(key)) for key in dict.fromkeys(keys))
    return tuple(
        Basis(table, key, item.point, item.sources) for (table, key), item in found if item is not None
    )
