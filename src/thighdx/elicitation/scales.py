"""Verbal scales: what a word of probability means, by whose convention.

A word counts only together with the name and version of its scale. Its range is read as the central
interval at the scale's `confidence`, with the middle of the range on the log-odds scale as best
value (for rare events that is the geometric mean). Where a convention leaves a range open at 0 or 1
the bound is ours and marked in `open_ended`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["VERBAL_SCALES", "VerbalScale"]


@dataclass(frozen=True, slots=True)
class VerbalScale:
    """A named, versioned scale of words.

    Attributes
    ----------
    words : mapping of str to (low, high)
        Range of each word, as probabilities.
    confidence : float
        Belief that the true value is inside the range of the word chosen.
    open_ended : tuple of str
        Words whose range the source leaves open at 0 or 1, closed here.
    """

    id: str
    title: str
    source: str
    words: Mapping[str, tuple[float, float]]
    confidence: float
    open_ended: tuple[str, ...]


# Very rare is closed one decade down, as wide as its neighbors; very common at the mirror image of
# 0.1, which makes its best value 0.5, the middle of what ">= 1/10" leaves open.
_EU_SMPC_2009 = VerbalScale(
    id="eu-smpc-2009",
    title="Frequency convention for undesirable effects, EU summary of product characteristics",
    source=(
        "European Commission. A Guideline on Summary of Product Characteristics (SmPC), "
        "revision 2, September 2009, section 4.8"
    ),
    words=MappingProxyType(
        {
            "very common": (0.1, 0.9),
            "common": (0.01, 0.1),
            "uncommon": (0.001, 0.01),
            "rare": (0.0001, 0.001),
            "very rare": (0.00001, 0.0001),
        }
    ),
    confidence=0.9,
    open_ended=("very common", "very rare"),
)

# The outermost ranges are closed one decade of odds further out.
_EFSA_2018 = VerbalScale(
    id="efsa-2018",
    title="EFSA approximate probability scale",
    source=(
        "EFSA Scientific Committee. Guidance on Uncertainty Analysis in Scientific Assessments. "
        "EFSA Journal 2018;16(1):5123, approximate probability scale"
    ),
    words=MappingProxyType(
        {
            "almost certain": (0.99, 0.999),
            "extremely likely": (0.95, 0.99),
            "very likely": (0.90, 0.95),
            "likely": (0.66, 0.90),
            "about as likely as not": (0.33, 0.66),
            "unlikely": (0.10, 0.33),
            "very unlikely": (0.05, 0.10),
            "extremely unlikely": (0.01, 0.05),
            "almost impossible": (0.001, 0.01),
        }
    ),
    confidence=0.9,
    open_ended=("almost certain", "almost impossible"),
)

VERBAL_SCALES: Mapping[str, VerbalScale] = MappingProxyType(
    {scale.id: scale for scale in (_EU_SMPC_2009, _EFSA_2018)}
)
