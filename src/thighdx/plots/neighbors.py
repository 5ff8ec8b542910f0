"""What surrounds a cause in the network, and how strongly it is tied to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thighdx.network.profile import context_facts, finding_facts
from thighdx.plots.words import Names

if TYPE_CHECKING:
    from thighdx.model import Model

__all__ = ["Neighbor", "causes_and_contexts", "findings_and_effects", "strength", "strongest"]


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A neighbor: its id, words, and the ratio by which it speaks for the cause."""

    id: str
    words: str
    ratio: float


def causes_and_contexts(model: Model, cause: str, setting_idx: int, names: Names) -> list[Neighbor]:
    """Return circumstances, silent lesions and causes that make the cause likelier or less likely."""
    facts = context_facts(model.network, cause, setting_idx=setting_idx)
    found = [Neighbor(f.variable, names.state(f.variable, f.state), f.odds_ratio) for f in facts]
    pairs = model.network.spec.pair_odds_ratio.items()
    return [*found, *(Neighbor(a, names.marked(a), odds) for (a, b), odds in pairs if b == cause)]


def findings_and_effects(model: Model, cause: str, setting_idx: int, names: Names) -> list[Neighbor]:
    """Return findings and tests, and causes that the cause leads to."""
    found = []
    for fact in finding_facts(model.network, cause, setting_idx=setting_idx):
        words = names.state(fact.variable, fact.state)
        words = words if fact.is_last_state else names.say("state.or_more", finding=words)
        found.append(Neighbor(fact.variable, words, fact.lr_present))
    pairs = model.network.spec.pair_odds_ratio.items()
    return [*found, *(Neighbor(b, names.marked(b), odds) for (a, b), odds in pairs if a == cause)]


def strongest(nodes: Sequence[Neighbor], n: int) -> list[Neighbor]:
    """Return the `n` strongest, one state per variable; for the cause first, then against it."""
    best: dict[str, Neighbor] = {}
    for node in sorted(nodes, key=lambda node: -strength(node.ratio)):
        best.setdefault(node.id, node)
    return sorted(list(best.values())[: max(n, 0)], key=lambda node: -node.ratio)


def strength(ratio: float) -> float:
    """Return |log10| of a ratio, at most 4."""
    if ratio <= 0.0 or math.isinf(ratio):
        return 4.0
    return min(abs(math.log10(ratio)), 4.0)
