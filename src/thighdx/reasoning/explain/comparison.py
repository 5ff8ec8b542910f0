"""The two sides of a comparison, a cause and what it is held against, and what the evidence strikes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thighdx.network.build import Network
from thighdx.reasoning.evidence_terms import CaseTerms

__all__ = [
    "Comparison",
    "Mask",
    "Named",
    "Verdict",
    "compare",
    "excluding_items",
    "settled_by",
    "verdict",
]

Mask: TypeAlias = npt.NDArray[np.bool_]
Named: TypeAlias = tuple[tuple[str, str], ...]
"""Pieces of evidence as (name, state); state "" for uncertain evidence."""
Verdict: TypeAlias = Literal["open", "impossible", "certain", "other_impossible", "both_impossible"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A cause against its absence, or a cause against another cause.

    Attributes
    ----------
    cause_idx : tuple of int
        One cause, or two to contrast.
    inside, outside : (n_explanations,) bool
        Sets of causes with the cause, and those it is compared with; in a contrast they overlap.
    """

    cause_idx: tuple[int, ...]
    inside: Mask
    outside: Mask

    @property
    def is_contrast(self) -> bool:
        """Whether two causes are compared."""
        return len(self.cause_idx) == 2


def compare(network: Network, *cause_idx: int) -> Comparison:
    """Compare one cause with its absence, or two causes with each other."""
    inside = network.membership[:, cause_idx[0]] > 0
    outside = network.membership[:, cause_idx[1]] > 0 if len(cause_idx) == 2 else ~inside
    return Comparison(cause_idx, inside, outside)


def verdict(comparison: Comparison, possible: Mask) -> Verdict:
    """Say whether what is impossible settles the comparison by itself."""
    has_inside = bool((comparison.inside & possible).any())
    has_outside = bool((comparison.outside & possible).any())
    if has_inside:
        if has_outside:
            return "open"
        return "other_impossible" if comparison.is_contrast else "certain"
    return "both_impossible" if comparison.is_contrast and not has_outside else "impossible"


def excluding_items(terms: CaseTerms) -> Mask:
    """Return which sets of causes each item makes impossible, as (n_items, n_explanations) bool.

    What only several members of a block make impossible together counts for each of them.
    """
    alone = np.isneginf(terms.log_alone)
    together = ~terms.is_possible & ~alone.any(axis=0)
    return np.asarray(alone | (together & ~np.isfinite(terms.log_share)), dtype=np.bool_)


def settled_by(terms: CaseTerms, comparison: Comparison) -> Named:
    """Return the evidence that rules out one side: what does so alone, or all that takes part in it."""
    excludes, found = excluding_items(terms), list[tuple[str, str]]()
    for side in (comparison.inside, comparison.outside):
        if (side & terms.is_possible).any():
            continue
        at_all = side & terms.can_be
        alone = excludes[:, at_all].all(axis=1)
        chosen = alone if alone.any() else excludes[:, at_all].any(axis=1)
        found += [(terms.items[i].name, terms.items[i].state) for i in np.flatnonzero(chosen)]
    return tuple(dict.fromkeys(found))
