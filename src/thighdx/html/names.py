"""What things are called on pages: causes, findings, levels of urgency, ways to find out.

Causes and findings have labels (id to name) where the caller knows them; where not, their ids are put in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

from thighdx.html.render import begun, in_words

__all__ = [
    "COST_NAMES",
    "LEVEL_NAMES",
    "Labels",
    "View",
    "advice_of_level",
    "label_of",
    "level_view",
    "sentence",
    "short_labels",
    "uncertain_words",
]

View: TypeAlias = dict[str, Any]
Labels: TypeAlias = Mapping[str, str]

LEVEL_NAMES: Labels = {
    "emergency": "Emergency",
    "urgent": "Urgent",
    "soon": "Soon",
    "self_care": "Self-care",
}
COST_NAMES: Labels = {
    "": "",
    "ask": "ask",
    "examine": "examine",
    "cheap_test": "simple test",
    "imaging_or_invasive": "imaging or invasive test",
}


def label_of(name: str, labels: Labels | None) -> str:
    """Return the name of a cause or finding for reading."""
    return (labels or {}).get(name) or in_words(name)


def short_labels(labels: Labels) -> dict[str, str]:
    """Leave out what labels say in brackets, where they can still be told apart.

    Examples
    --------
    >>> short_labels({"a": "Cramp (at night)", "b": "Tear (partial)", "c": "Tear (complete)"})
    {'a': 'Cramp', 'b': 'Tear (partial)', 'c': 'Tear (complete)'}
    """
    short = {name: label.partition(" (")[0] for name, label in labels.items()}
    counts = Counter(short.values())
    return {name: short[name] if counts[short[name]] == 1 else label for name, label in labels.items()}


def level_view(level: str) -> View:
    """Describe a level of urgency by id and name."""
    return {"id": level, "name": LEVEL_NAMES.get(level, in_words(level))}


def advice_of_level(level: str, words: str) -> str:
    """Return what a level means without its name, which stands above it.

    Examples
    --------
    >>> advice_of_level("urgent", "Urgent: be seen by a clinician today.")
    'Be seen by a clinician today.'
    """
    rest = words.removeprefix(f"{LEVEL_NAMES.get(level, '')}: ")
    return begun(rest)


def sentence(text: str) -> str:
    """Begin with a capital letter and end with a full stop."""
    return begun(text) if text.endswith((".", "!", "?")) else f"{begun(text)}."


def uncertain_words(likelihood: Mapping[str, float]) -> str:
    """Write uncertain evidence in words.

    Examples
    --------
    >>> uncertain_words({"none": 0.1, "mild": 0.9})
    'uncertain (likelihoods none 0.1, mild 0.9)'
    """
    weights = ", ".join(f"{in_words(state)} {weight:g}" for state, weight in likelihood.items())
    return f"uncertain (likelihoods {weights})"
